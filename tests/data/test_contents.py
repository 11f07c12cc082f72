"""Folders that are made of datasets: given again, a command notices that files were exchanged meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics.engine import Local
from curate.basics.errors import ConfigChanged, InputError
from curate.data.contents import claimed, content_hash
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """One sample with an image, a mask and a depth map."""
    root = tmp_path / "d"
    for name in ("image", "mask", "depth"):
        (root / name).mkdir(parents=True)
        (root / name / "a.png").write_bytes(name.encode())
    sample = Sample("s/a", "s", "image/a.png", mask="mask/a.png", depth="depth/a.png")
    write_table(root, [to_batch([sample])])
    write_info(root, {"samples": 1, "history": []})
    return Dataset(root)


def make(out: Path, *datasets: Dataset, overwrite: bool = False) -> bool:
    """A command that reads datasets; returns whether it had been finished before."""
    with claimed(out, {"verb": "make"}, datasets, overwrite=overwrite) as claim:
        if claim.result is None:
            claim.finish({})
            return False
        return True


@pytest.mark.parametrize("kind", ["image", "mask", "depth"])
def test_each_file_that_a_dataset_refers_to_counts(dataset: Dataset, tmp_path: Path, kind: str) -> None:
    assert not make(tmp_path / "o", dataset)
    assert make(tmp_path / "o", dataset)
    path = dataset.root / kind / "a.png"
    path.write_bytes(path.read_bytes().upper())
    with pytest.raises(ConfigChanged, match=r"\(files changed\)"):
        make(tmp_path / "o", dataset)
    assert not make(tmp_path / "o", dataset, overwrite=True)
    path.unlink()
    with pytest.raises(ConfigChanged, match=r"\(files changed\)"):
        make(tmp_path / "o", dataset)


@pytest.mark.parametrize("name", ["pixels.npy", "masks.npy", "heatmaps.npy", "weights.npy"])
def test_the_arrays_of_a_training_set_count(tmp_path: Path, name: str) -> None:
    write_table(tmp_path, [to_batch([Sample("s/a", "s", "pixels.npy#0")])])
    write_info(tmp_path, {"samples": 1, "history": []})
    before = content_hash([Dataset(tmp_path)])
    np.save(tmp_path / name, np.zeros(3))
    there = content_hash([Dataset(tmp_path)])
    np.save(tmp_path / name, np.ones(3))
    assert len({before, there, content_hash([Dataset(tmp_path)])}) == 3


def test_what_is_refused_anyhow_is_refused_before_a_file_is_read(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> str:
        raise AssertionError("the files were read")

    make(tmp_path / "o", dataset)
    monkeypatch.setattr("curate.data.contents.content_hash", read)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").touch()
    for out, refused in (
        (dataset.root, "the folder that is read"),
        (tmp_path / "foreign", "other files in it"),
        (tmp_path / "o", "verb was 'make', now 'other'"),
    ):
        with pytest.raises(InputError, match=refused), claimed(out, {"verb": "other"}, [dataset]):
            pass


def test_a_damaged_table_leaves_no_folder_behind(dataset: Dataset, tmp_path: Path) -> None:
    table = dataset.root / "samples.parquet"
    table.write_bytes(b"\0" * table.stat().st_size)
    with pytest.raises(InputError, match="damaged"):
        make(tmp_path / "o", dataset)
    assert not (tmp_path / "o").exists()


def test_workers_and_the_place_of_a_dataset_do_not_show(dataset: Dataset, tmp_path: Path) -> None:
    before = content_hash([dataset])
    assert content_hash([dataset], engine=Local(2)) == before
    moved = dataset.root.rename(tmp_path / "moved")
    assert content_hash([Dataset(moved)]) == before
