"""What a run was trained on is kept, and what an evaluation shares with it is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import SchemaError
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.training.record import starts_of, write_info
from curate.training.trained_on import (
    FILE,
    KINDS,
    data_of,
    of_weights,
    seen_in_training,
    seen_rows,
    write_trained_on,
)


def hand(
    name: str,
    split: str,
    subject: str | None = None,
    parent: str | None = None,
    source: str = "s",
    licence: str | None = None,
) -> Sample:
    points = np.full((21, 2), 5, np.float32)
    sample = Sample(name, source, f"{name}.png", subject_id=subject, parent_id=parent, split=split)
    sample.licence = licence
    sample.keypoints, sample.visibility = points, np.full(21, 2, np.uint8)
    return sample


@pytest.fixture
def trained(store, tmp_path: Path) -> Dataset:
    samples = [
        hand("a", "train", "ann"),
        hand("b", "train", None, parent="photo"),
        hand("c", "test", "ann"),
        hand("d", "test", "bob", parent="photo"),
        hand("e", "val", "cyd"),
    ]
    samples[1].clip = samples[4].clip = "take"
    return Dataset(store(tmp_path / "set", samples, {}))


def test_what_is_shared_is_counted_by_kind(trained: Dataset, tmp_path: Path) -> None:
    write_trained_on(tmp_path, trained)
    for split, counts in (("train", (2, 2, 1, 1)), ("test", (0, 1, 1, 0)), ("val", (0, 0, 0, 1))):
        assert seen_in_training(tmp_path, trained, split) == dict(zip(KINDS, counts, strict=True))
    # The frame of a clip that was trained on is new, and the hand in it is not.
    assert seen_rows(tmp_path, trained) == [True, True, True, True, True]


def test_a_run_of_an_earlier_version_does_not_tell_of_clips(trained: Dataset, tmp_path: Path) -> None:
    write_trained_on(tmp_path, trained)
    told = json.loads((tmp_path / FILE).read_text())
    del told["clips"]
    (tmp_path / FILE).write_text(json.dumps(told))
    assert seen_in_training(tmp_path, trained, "val") == dict.fromkeys(KINDS, 0)


def test_no_name_is_kept(trained: Dataset, tmp_path: Path) -> None:
    write_trained_on(tmp_path, trained)
    assert "ann" not in (tmp_path / FILE).read_text()


def test_a_run_that_does_not_tell_or_tells_nonsense(trained: Dataset, tmp_path: Path) -> None:
    assert seen_in_training(tmp_path, trained, "test") is None
    (tmp_path / FILE).write_text("[1]")
    with pytest.raises(SchemaError, match="does not parse"):
        seen_in_training(tmp_path, trained, "test")


def begun(root: Path, training_set: Dataset, weights_sha256: str = "1") -> Path:
    """The weights.pt of a run, as `of_weights` needs it."""
    root.mkdir()
    write_trained_on(root, training_set)
    write_info(root, {"name": "n"}, {"data": data_of(training_set), "weights_sha256": weights_sha256})
    return root / "weights.pt"


@pytest.fixture
def further(store, tmp_path: Path) -> Dataset:
    """One sample and two subjects as in `trained`, one photograph again."""
    samples = [
        hand("a", "train", "ann", licence="CC0"),
        hand("f", "train", "ann", source="t"),
        hand("g", "train", "dee", parent="photo", licence="MIT"),
        hand("h", "test", "eve"),
    ]
    return Dataset(store(tmp_path / "further", samples, {}))


def test_what_first_weights_were_trained_on_counts_too(
    trained: Dataset, further: Dataset, tmp_path: Path
) -> None:
    before = of_weights(begun(tmp_path / "first", trained), "1")
    assert [(start.name, start.trained_on) for start in before.starts] == [("first/weights.pt", "counted")]
    (tmp_path / "second").mkdir()
    write_trained_on(tmp_path / "second", further, before)
    # Of the first a and b, of the second a, f and g.
    assert seen_in_training(tmp_path / "second", trained, "train") == {
        "samples": 2,
        "photographs": 2,
        "subjects": 1,
        "clips": 1,
    }
    assert seen_in_training(tmp_path / "second", further, "train") == {
        "samples": 3,
        "photographs": 3,
        "subjects": 2,
        "clips": 0,
    }
    assert data_of(further, before) == {
        "samples": 4,
        "subjects": 2,
        "sources": {"s": 3, "t": 1},
        # a had no licence when it was first learnt from, and has one now: either is told.
        "licences": {"": 3, "CC0": 1, "MIT": 1},
    }


def test_another_file_beside_what_a_run_tells_is_not_taken_for_its_weights(
    trained: Dataset, further: Dataset, tmp_path: Path
) -> None:
    first = begun(tmp_path / "first", trained)
    before = of_weights(first.with_name("others.pt"), "2")
    assert [(start.name, start.trained_on) for start in before.starts] == [("first/others.pt", "not known")]
    assert data_of(further, before)["samples"] == 4  # nor is it left out


def test_the_box_and_files_of_which_nothing_is_told(further: Dataset, tmp_path: Path) -> None:
    told = of_weights(tmp_path / "b.onnx", "3", {"3"}), of_weights(tmp_path / "c.pth", "4", {"3"})
    assert [before.starts[0].trained_on for before in told] == ["renders", "not known"]
    assert [before.starts[0].name for before in told] == ["box", "c.pth"]
    assert [data_of(further, before)["samples"] for before in told] == [3, 3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trained_on.json", '{"samples": [1], "photographs": [], "subjects": []}', "does not parse"),
        (
            "trained_on.json",
            '{"samples": ["\\ud800"], "photographs": [], "subjects": []}',
            "not valid Unicode",
        ),
        ("run.json", "{", "does not parse"),
        (
            "run.json",
            '{"format": "hand-curate run", "version": 1, "data": {"samples": 1, "subjects": 0, '
            '"sources": {"\\ud800": 1}, "licences": {}}}',
            "not valid Unicode",
        ),
        (
            "run.json",
            '{"format": "hand-curate run", "version": 1, "data": {"samples": "many"}}',
            "data.samples: Expected int",
        ),
        ("run.json", '{"format": "hand-curate run", "version": 1, "starts": [1]}', "starts"),
    ],
)
def test_what_is_told_beside_first_weights_and_is_broken_is_refused(
    name: str, content: str, message: str, trained: Dataset, tmp_path: Path
) -> None:
    first = begun(tmp_path / "first", trained)
    first.with_name(name).write_text(content)
    with pytest.raises(SchemaError, match=message):
        of_weights(first, "1")


def test_a_run_of_an_earlier_version_did_not_take_over_what_its_first_weights_had_learnt() -> None:
    (start,) = starts_of({"config": {"start": "0123456789abcdef0123"}})
    assert (start.name, start.known) == ("SHA-256 0123456789abcdef", False)
    assert starts_of({"config": {"start": None}}) == []
