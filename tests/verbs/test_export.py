"""Exports: whole or not at all, told what they lose, and never over anything else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.export import RECORD, Export, export


def _work(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


def make(root: Path, *samples: Sample) -> Dataset:
    Stage("made", root, {}, overwrite=True, quiet=True).run([list(samples)], _work)
    return Dataset(root)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    sample = Sample("s/1", "s", "../photos/a.png", visibility=np.full(kp.COUNT, 2, np.uint8))
    sample.keypoints[:] = 1.5
    sample.licence = "CC BY-NC 4.0"
    return make(tmp_path / "data", sample)


def writes(dataset: Dataset, out: Path) -> Counter[str]:
    files.write(out / "labels" / "a.txt", b"1")
    return Counter({"xyz": 3, "aspect": 1, "score": 0})


def test_what_is_lost_is_told_and_recorded(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = export(dataset, writes, "toy", out, quiet=True)
    assert summary == Export(out, "toy", 1, {"aspect": 1, "xyz": 3}, ("CC BY-NC 4.0",))
    assert list(summary.as_json()["lost"]) == ["aspect", "xyz"]
    assert str(summary).splitlines() == [
        f"{out}: 1 samples as toy",
        "  not held by toy: aspect (1)",
        "  not held by toy: xyz (3)",
        "  licence, read it before you pass this on: CC BY-NC 4.0",
    ]
    record = json.loads((out / RECORD).read_text())
    assert record["lost"] == {"aspect": 1, "xyz": 3}
    assert record["dataset"] == dataset.fingerprint
    assert str(tmp_path) not in (out / RECORD).read_text()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_a_failed_export_leaves_nothing_in_place_and_goes_on(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fails(dataset: Dataset, folder: Path) -> Counter[str]:
        files.write(folder / "images" / "a.png", b"copied")
        raise KeyboardInterrupt

    def continues(dataset: Dataset, folder: Path) -> Counter[str]:
        assert (folder / "images" / "a.png").read_bytes() == b"copied"
        return Counter()

    with pytest.raises(KeyboardInterrupt):
        export(dataset, fails, "toy", out, quiet=True)
    assert not out.exists()
    export(dataset, continues, "toy", out, quiet=True)
    assert sorted(p.name for p in out.rglob("*")) == [RECORD, "a.png", "images"]


def test_what_another_dataset_left_is_not_taken_over(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fails(dataset: Dataset, folder: Path) -> Counter[str]:
        files.write(folder / "stale.txt", b"")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(dataset, fails, "toy", out, quiet=True)
    other = make(tmp_path / "other", Sample("s/2", "s", "b.png"))
    export(other, writes, "toy", out, quiet=True)
    assert sorted(p.name for p in out.rglob("*")) == [RECORD, "a.txt", "labels"]
    assert not list(tmp_path.glob(".out*"))


def test_an_export_is_replaced_only_on_request(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(dataset, writes, "toy", out, quiet=True)
    (out / "mine.txt").touch()
    with pytest.raises(InputError, match="an export stands here; choose another --out, or add --overwrite"):
        export(dataset, writes, "toy", out, quiet=True)
    export(dataset, writes, "toy", out, overwrite=True, quiet=True)
    assert not (out / "mine.txt").exists()


def test_other_folders_are_never_replaced(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").touch()
    with pytest.raises(InputError, match="something that is no export"):
        export(dataset, writes, "toy", out, overwrite=True, quiet=True)
    assert (out / "thesis.tex").exists()


@pytest.mark.parametrize("place", ["data", "data/export", "."])
def test_the_dataset_itself_is_no_place_for_an_export(dataset: Dataset, tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match="lie in each other"):
        export(dataset, writes, "toy", tmp_path / place, overwrite=True, quiet=True)


@pytest.mark.parametrize(
    ("licence", "warned"),
    [
        ("research only, no commercial use", True),
        ("FREE for reasonable academic fair use", True),
        ("Attribution-NonCommercial-NoDerivs License", True),
        ("CC BY 4.0", False),
        ("MIT", False),
    ],
)
def test_licences_that_restrict(tmp_path: Path, licence: str, warned: bool) -> None:
    data = make(tmp_path / "data", Sample("s/2", "s", "b.png", licence=licence))
    assert bool(export(data, writes, "toy", tmp_path / "out", quiet=True).licences) == warned
