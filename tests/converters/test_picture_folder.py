"""Folders of pictures: what becomes a sample, what its folder tells, and what is passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters import picture_folder
from converters.table import NamedFolders
from curate.basics import images
from curate.basics.errors import InputError
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.source import Source
from curate.data.stage import Summary

NAMES = ("loose.webp", "anna/a.png", "anna/day 1/b.jpg", "bob/a.png")  # in their order


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures, a note, a hidden picture, and a broken one."""
    root = tmp_path / "photos"
    for number, name in enumerate((*NAMES, ".hidden.png", ".trash/c.png")):
        images.write(root / name, np.full((20, 30 + number, 3), 99, np.uint8))
    (root / "anna" / "notes.txt").write_text("taken on a Monday")
    (root / "bob" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return root


def run(source: Path, out: Path, folders: str | None = None) -> tuple[Summary, Dataset]:
    own = NamedFolders(folders=folders)
    summary = convert(picture_folder.read, "images", Source(source), out, own=own, quiet=True)
    return summary, Dataset(out)


def test_each_picture_is_a_sample_without_labels(folder: Path, tmp_path: Path) -> None:
    summary, made = run(folder, tmp_path / "raw")
    samples = list(made)
    assert [sample.sample_id for sample in samples] == [f"images/{name}" for name in NAMES]
    assert [(s.width, s.height) for s in samples] == [(30, 20), (31, 20), (32, 20), (33, 20)]
    for sample, name in zip(samples, NAMES, strict=True):
        assert (tmp_path / "raw" / sample.image).resolve() == folder / name
        assert not sample.visibility.any()
        assert sample.label_source is None
        assert (sample.subject_id, sample.clip, sample.frame, sample.source) == (None, None, None, "images")
    assert summary.notes == {"file that is no picture": 1}
    assert summary.dropped == {"image unreadable": 1}
    assert made.quarantine()[0]["input"] == "bob/torn.jpg"


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("subject", [("anna", None, None, "images")] * 2 + [("bob", None, None, "images")]),
        ("source", [(None, None, None, "anna")] * 2 + [(None, None, None, "bob")]),
        ("clip", [(None, "anna", 0, "images"), (None, "anna", 1, "images"), (None, "bob", 0, "images")]),
    ],
)
def test_folders_name_what_they_are_said_to(
    folder: Path, tmp_path: Path, folders: str, expected: list[tuple[object, ...]]
) -> None:
    _, made = run(folder, tmp_path / "raw", folders)
    told = [(s.subject_id, s.clip, s.frame, s.source) for s in made]
    assert told == [(None, None, None, "images"), *expected]


def test_links_stand_for_the_pictures_that_they_lead_to(tmp_path: Path) -> None:
    """Into the folder of --images they may lead, and nowhere else."""
    for name in ("all/a.png", "elsewhere/b.png"):
        images.write(tmp_path / name, np.full((20, 30, 3), 99, np.uint8))
    (tmp_path / "some").mkdir()
    (tmp_path / "some/1.png").symlink_to(tmp_path / "all/a.png")
    (tmp_path / "some/2.png").symlink_to(tmp_path / "elsewhere/b.png")
    (tmp_path / "some/3.png").symlink_to(tmp_path / "all/gone.png")
    source = Source(tmp_path / "some", images=tmp_path / "all")
    summary = convert(picture_folder.read, "images", source, tmp_path / "raw", quiet=True)
    made = Dataset(tmp_path / "raw")
    (sample,) = made
    assert (sample.sample_id, sample.image) == ("images/1.png", "../all/a.png")
    assert (made.read_image(sample) == 99).all()
    assert summary.dropped == {"file outside the source": 1, "image unreadable": 1}
    told = {entry["input"]: entry["reason"] for entry in made.quarantine()}
    assert told.keys() == {"2.png", "3.png"}
    assert told["2.png"].startswith("a link that leads out of the source folder")
    assert told["3.png"] == "no such image file"


def test_a_picture_is_one_sample_whatever_links_lead_to_it(tmp_path: Path) -> None:
    """By its own name, where it has one that is looked at; else by that of the first link."""
    root = tmp_path / "photos"
    for name in ("b/c.png", ".hidden.png"):
        images.write(root / name, np.full((20, 30, 3), 99, np.uint8))
    for link, to in (("a", "b/c"), ("d", ".hidden"), ("e", ".hidden")):
        (root / f"{link}.png").symlink_to(f"{to}.png")
    summary, made = run(root, tmp_path / "raw")
    assert [(s.sample_id, s.image) for s in made] == [
        ("images/d.png", "../photos/.hidden.png"),
        ("images/b/c.png", "../photos/b/c.png"),
    ]
    assert summary.notes == {"the same file as another": 2}
    assert summary.clean()


def test_linked_folders_are_not_entered_and_counted(tmp_path: Path) -> None:
    for name in ("photos/a.png", "elsewhere/b.png"):
        images.write(tmp_path / name, np.full((20, 30, 3), 99, np.uint8))
    (tmp_path / "photos/more").symlink_to(tmp_path / "elsewhere")
    summary, made = run(tmp_path / "photos", tmp_path / "raw")
    assert [sample.sample_id for sample in made] == ["images/a.png"]
    assert summary.notes == {"linked folder, not entered": 1}


def test_links_that_lead_to_themselves_are_set_aside(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    images.write(root / "c.png", np.full((20, 30, 3), 99, np.uint8))
    (root / "a.png").symlink_to("b.png")
    (root / "b.png").symlink_to("a.png")
    _, made = run(root, tmp_path / "raw")
    assert [sample.sample_id for sample in made] == ["images/c.png"]
    assert {entry["input"] for entry in made.quarantine()} == {"a.png", "b.png"}


@pytest.mark.parametrize("kind", ["no folder", "a file", "no picture"])
def test_what_is_no_folder_of_pictures_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "photos"
    if kind == "a file":
        place.write_text("no folder")
    elif kind == "no picture":
        place.mkdir()
        (place / "notes.txt").write_text("no picture")
    with pytest.raises(InputError):
        run(place, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
