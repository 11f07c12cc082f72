"""Several datasets as one: whose hands share a photo, what is left out, what comes in which batch."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.joined import Joined
from curate.data.sample import Sample, from_batch


def hand(name: str, *seen: int, **fields) -> Sample:
    """A hand whose keypoints of these numbers are labelled."""
    points = np.full((21, 2), np.nan, np.float32)
    visibility = np.zeros(21, np.uint8)
    points[list(seen)], visibility[list(seen)] = 5.0, 2
    return Sample(name, "s", f"{name[0]}.png", keypoints=points, visibility=visibility, **fields)


@pytest.fixture
def two(store, tmp_path: Path) -> list[Dataset]:
    """Five hands: b and b2 share a photo, c has a wrist alone, and d was cut from the photo of b."""
    first = [hand("a", 3), hand("b", 3, subject_id="x"), hand("b2", 3)]
    second = [hand("c", 0), hand("d", 0, 8, parent_id="b", subject_id="x")]
    return [Dataset(store(tmp_path / n, some, {})) for n, some in (("1", first), ("2", second))]


def test_the_samples_of_both_in_order(two: list[Dataset]) -> None:
    joined = Joined.of(two, 20)
    assert joined.column("sample_id") == ["a", "b", "b2", "c", "d"]
    assert joined.photos == ["a", "b", "b", "c", "b"]
    assert joined.shared.tolist() == [False, True, True, False, False]
    assert joined.labelled.tolist() == [True, True, True, False, True]
    assert Joined.of(two, 21).labelled.all()


def test_batches_leave_out_and_count_what_has_no_label_or_split(two: list[Dataset], tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("sample_id,split\na,train\nb,test\nd,test\n")
    joined = Joined.of(two, 20)
    splits = joined.split(tmp_path / "list.csv", seed=0, test=0.1, val=0.0)
    assert splits == ["train", "test", None, None, "test"]
    batches = list(joined.batches(2, splits))
    assert [batch.index for batch in batches] == [0, 1, 2]
    assert [batch.root.name for batch in batches] == ["1", "1", "2"]
    ids = [[sample.sample_id for sample in from_batch(batch.rows.batch)] for batch in batches]
    assert ids == [["a", "b"], [], ["d"]]
    assert [batch.splits for batch in batches] == [["train", "test"], [], ["test"]]
    assert [batch.rows.shared for batch in batches] == [[False, True], [], [False]]
    assert [dict(batch.dropped) for batch in batches] == [
        {},
        {"not in the split list": 1},
        {"no labelled keypoint of the chosen set": 1},
    ]


def test_rows_that_name_no_sample_are_counted_and_those_of_samples_without_a_label_are_not(
    two: list[Dataset], tmp_path: Path
) -> None:
    """c, of which the chosen points are not labelled, is a sample all the same."""
    (tmp_path / "list.csv").write_text("sample_id,split\na,train\nc,train\nbb,test\n")
    notes = Counter[str]()
    splits = Joined.of(two, 20).split(tmp_path / "list.csv", seed=0, test=0.1, val=0.0, notes=notes)
    assert splits == ["train", None, None, None, None]
    assert notes == {"row of the split list that names no sample": 1}


def test_a_split_that_parts_a_photo_is_refused(two: list[Dataset], tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("sample_id,split\nb2,train\nd,test\n")
    with pytest.raises(InputError, match=r"list\.csv: split: 1 photo in more than one split \('b'\)"):
        Joined.of(two, 20).split(tmp_path / "list.csv", seed=0, test=0.1, val=0.0)


def test_a_sample_of_two_datasets_is_refused(two: list[Dataset]) -> None:
    told = r"sample_id: .a. is in .*1 too; give each sample once; .* rename the files"
    with pytest.raises(InputError, match=told):
        Joined.of([two[0], two[0]], 20)


def test_a_copy_of_a_file_is_the_same_photo_in_another_dataset(store, tmp_path: Path) -> None:
    """As is a hard link; a file of the same size that holds something else is another."""
    rng = np.random.default_rng(0)
    photos = {f"{name}.png": rng.integers(0, 255, (8, 8, 3)).astype(np.uint8) for name in "abcde"}
    datasets = [
        Dataset(
            store(
                tmp_path / n,
                [hand(name, 3) for name in names],
                {f"{a}.png": photos[f"{a}.png"] for a in names},
            )
        )
        for n, names in (("1", "abc"), ("2", "de"))
    ]
    first, second = (dataset.root for dataset in datasets)
    shutil.copy(first / "a.png", second / "d.png")
    (second / "e.png").write_bytes(b"x" * (first / "c.png").stat().st_size)
    (first / "b.png").unlink()
    (first / "b.png").hardlink_to(second / "e.png")
    a, b, c, d, e = Joined.of(datasets, 20).pictures
    assert a == d
    assert b == e
    assert len({a, b, c}) == 3
    assert Joined.of(datasets[:1], 20).pictures[0] != a
    (tmp_path / "list.csv").write_text("sample_id,split\na,train\nd,test\n")
    with pytest.raises(InputError, match="1 photo in more than one split"):
        Joined.of(datasets, 20).split(tmp_path / "list.csv", seed=0, test=0.1, val=0.0)
