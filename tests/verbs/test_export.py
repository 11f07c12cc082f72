"""Exports: what they lose is told, killed ones go on, and nothing else is ever replaced."""

from __future__ import annotations

import json
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.table import FORMATS
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import Engine, Local
from curate.basics.errors import ConfigChanged, InputError
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.export import Export, export
from tests import dying
from tests.folders import content


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


def writes(dataset: Dataset, out: Path, engine: Engine) -> Counter[str]:
    files.write(out / "labels" / "a.txt", b"1")
    return Counter({"xyz": 3, "aspect": 1, "score": 0})


def test_what_is_lost_is_told_and_recorded(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = export(dataset, writes, "toy", out, quiet=True)
    assert summary == Export(out, "toy", 1, {"aspect": 1, "xyz": 3}, ("CC BY-NC 4.0",), {"../photos": 1})
    assert list(summary.as_json()["lost"]) == ["aspect", "xyz"]
    assert str(summary).splitlines() == [
        f"{out}: 1 sample as toy",
        "  not stored in toy: aspect (1)",
        "  not stored in toy: xyz (3)",
        "  taken from ../photos, outside the dataset: 1 image",
        "  licence, read it before you pass this on: CC BY-NC 4.0",
    ]
    mark = json.loads((out / files.MARK).read_text())
    assert mark["result"]["lost"] == {"aspect": 1, "xyz": 3}
    assert mark["identity"]["dataset"] == dataset.fingerprint
    assert str(tmp_path) not in (out / files.MARK).read_text()
    assert sorted(content(out)) == [files.MARK, "labels/a.txt"]


def test_samples_that_are_left_out_are_not_told_as_exported(dataset: Dataset, tmp_path: Path) -> None:
    told = str(
        export(dataset, lambda *_: Counter({LEFT_OUT + "sample of no side": 1}), "toy", tmp_path / "out")
    )
    assert told.splitlines()[0] == f"{tmp_path / 'out'}: 0 of 1 sample as toy"


def test_given_again_an_export_was_finished_before(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export(dataset, writes, "toy", out, quiet=True)
    before = content(out)
    (out / "mine.txt").touch()

    def works(*_: object) -> Counter[str]:
        raise AssertionError("there is nothing to do")

    again = export(dataset, works, "toy", out, quiet=True)
    assert again == replace(first, reused=True)
    assert str(again).startswith(f"{out}: 1 sample as toy (already finished)")
    (out / "mine.txt").unlink()
    assert content(out) == before


def test_places_are_given_as_text_too(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export(str(dataset.root), writes, "toy", str(out), quiet=True)
    assert first.out == out
    assert export(dataset, writes, "toy", out, quiet=True) == replace(first, reused=True)


def test_an_export_of_images_that_were_exchanged_is_not_called_finished(
    dataset: Dataset, tmp_path: Path
) -> None:
    out, photo = tmp_path / "out", tmp_path / "photos" / "a.png"
    images.write(photo, np.zeros((4, 4, 3), np.uint8))
    export(dataset, writes, "toy", out, quiet=True)
    images.write(photo, np.full((4, 4, 3), 9, np.uint8))
    with pytest.raises(ConfigChanged, match=r"\(files changed\).*--overwrite"):
        export(dataset, writes, "toy", out, quiet=True)
    assert not export(dataset, writes, "toy", out, overwrite=True, quiet=True).reused


def test_another_configuration_is_refused_and_told(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(dataset, writes, "toy", out, quiet=True)
    with pytest.raises(ConfigChanged, match=r"format was .toy., now .game.*add --overwrite"):
        export(dataset, writes, "game", out, quiet=True)
    other = make(tmp_path / "other", Sample("s/2", "s", "b.png"))
    with pytest.raises(ConfigChanged, match="dataset changed"):
        export(other, writes, "toy", out, quiet=True)
    (out / "stale.txt").touch()
    assert export(other, writes, "toy", out, overwrite=True, quiet=True).format == "toy"
    assert sorted(content(out)) == [files.MARK, "labels/a.txt"]


def test_what_is_no_export_is_never_replaced(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").touch()
    for overwrite in (False, True):
        with pytest.raises(InputError, match="a folder with other files in it"):
            export(dataset, writes, "toy", out, overwrite=overwrite, quiet=True)
    assert list(content(out)) == ["thesis.tex"]


def test_folders_beside_it_are_left_alone(dataset: Dataset, tmp_path: Path) -> None:
    for name in (".out.mine.part", ".out.v2.0123456789ab-labelme-0.1.0.part"):
        (tmp_path / name).mkdir()
    before = set(tmp_path.iterdir())
    export(dataset, writes, "toy", tmp_path / "out", quiet=True)
    assert set(tmp_path.iterdir()) == before | {tmp_path / "out"}


@pytest.mark.parametrize("place", ["data", "data/export", "."])
def test_the_dataset_itself_is_no_place_for_an_export(dataset: Dataset, tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match="overlap"):
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


# Of real formats --------------------------------------------------------------------------------------

KEPT = (".jpg", ".png", ".tar", ".parquet")  # what an export does not write a second time
WRITABLE = [row.name for row in FORMATS.values() if row.writes]

SCRIPT = """
from pathlib import Path
from converters.table import FORMATS
from curate.data.dataset import Dataset
from curate.export import export
name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
export(Dataset(data), FORMATS[name].write, name, out, quiet=True)
"""


@pytest.mark.parametrize("name", WRITABLE)
def test_a_killed_export_goes_on_to_the_same_bytes(name: str, drawn_dataset: Path, tmp_path: Path) -> None:
    data, write = Dataset(drawn_dataset), FORMATS[name].write
    renames = dying.renames_in(lambda: export(data, write, name, tmp_path / "whole", quiet=True))
    for moment in (renames // 2, renames):
        out = tmp_path / f"{moment}"
        process = dying.start(SCRIPT, name, drawn_dataset, out, die_at=moment)
        assert process.wait() == -signal.SIGKILL
        assert list(out.rglob(".*.tmp"))
        pictures = {p: p.stat().st_ino for p in out.rglob("*") if p.suffix in KEPT}
        assert pictures or moment < renames
        assert not export(data, write, name, out, quiet=True).reused
        assert content(out) == content(tmp_path / "whole")
        assert {p: p.stat().st_ino for p in pictures} == pictures, "what was done is done again"


@pytest.mark.parametrize("name", WRITABLE)
def test_workers_do_not_change_the_bytes(name: str, drawn_dataset: Path, tmp_path: Path) -> None:
    data, write = Dataset(drawn_dataset), FORMATS[name].write
    one, two = (export(data, write, name, tmp_path / f"{n}", engine=Local(n), quiet=True) for n in (1, 2))
    assert one == replace(two, out=one.out)
    assert content(one.out) == content(two.out)
