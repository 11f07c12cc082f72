"""Paths that come from elsewhere, and what may be opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from curate.basics import files, images
from curate.basics.errors import InputError, UnreadableImage, UnsafeInput
from curate.basics.paths import (
    Places,
    as_text,
    is_text,
    open_file,
    paths_of,
    read_file,
    require_apart,
    require_place,
)
from curate.data.dataset import Dataset


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("in/a/one.txt", "in/b/two.txt", "out/secret.txt", "more/three.txt", "inside-not/four.txt"):
        files.write(tmp_path / name, name.encode())
    (tmp_path / "in/a/to-two.txt").symlink_to(tmp_path / "in/b/two.txt")
    (tmp_path / "in/a/to-three.txt").symlink_to("../../more/three.txt")
    (tmp_path / "in/a/to-secret.txt").symlink_to(tmp_path / "out/secret.txt")
    (tmp_path / "in/a/twice.txt").symlink_to("to-secret.txt")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    (tmp_path / "in/loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("in/a/one.txt", True),
        ("in/a/to-two.txt", True),
        ("in/a/to-three.txt", True),  # leads into the other folder
        ("in/a/to-secret.txt", False),
        ("in/a/twice.txt", False),
        ("in/folder/secret.txt", False),
        ("in/folder/../more/three.txt", True),  # as the system follows it
        ("in/a/../../out/secret.txt", False),
        ("in/a/..", True),
        ("in/a/missing.txt", True),
        ("inside-not/four.txt", False),  # begins with the same letters
        ("in", True),
        ("in/a/x\0y", False),
        ("in/" + "n/" * 4096, False),
    ],
)
def test_where_a_path_leads(tree: Path, path: str, held: bool) -> None:
    assert Places([tree / "in", tree / "more"]).hold(f"{tree}/{path}") is held


def test_a_refusal_says_what_to_do(tree: Path) -> None:
    places = Places([tree / "in"])
    places.require(tree / "in/a/to-two.txt")
    with pytest.raises(UnsafeInput, match=r"to-secret.txt: a link that leads out .*: --images DIR"):
        places.require(tree / "in/a/to-secret.txt")
    with pytest.raises(UnsafeInput, match="a path that leads out"):
        places.require(tree / "out/secret.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Bildschirmfoto 2024 um 1.00\u202fPM.png", True),
        ("手.jpg", True),
        ("a\nb", False),
        ("\x1b[2J", False),
        (os.fsdecode(b"\xff.jpg"), False),
    ],
)
def test_names_that_are_text(name: str, text: bool) -> None:
    assert is_text(name) is text
    assert is_text(as_text(name))
    if text:
        assert as_text(name) == name


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "linked device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    """A pipe would wait for ever, and /dev/zero never end."""
    path = tmp_path / "x.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "linked device":
        path.symlink_to("/dev/zero")
    else:
        path = Path("/dev/zero")
    with pytest.raises(OSError, match="not a regular file"):
        open_file(path)
    for look in (images.probe, images.load, images.read_mask):
        with pytest.raises(UnreadableImage, match="not a regular file"):
            look(path)


def test_a_limit_on_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_file(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes; allowed: at most 4"):
        read_file(tmp_path / "x", 4)
    with pytest.raises(OSError, match="no path"):
        read_file(f"{tmp_path}/\0", 4)


def test_a_link_that_leads_to_itself_lies_in_no_folder(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    require_apart(loop, tmp_path / "source", "source")
    require_apart(tmp_path / "out", loop, "source")
    with pytest.raises(InputError, match="overlap"):
        require_apart(loop, tmp_path, "source")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("x" * 300, r"^x{80}\.\.\.: a path too long for the system \(300 characters\)$"),
        ("a/" * 3000, r"^(a/){40}\.\.\.: a path too long"),
        ("a\0b", "a file name with control characters"),
    ],
)
def test_a_path_that_the_system_does_not_take_is_told(path: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        require_place(path)


def test_no_path_is_not_the_working_folder() -> None:
    for opens in (Dataset, paths_of, lambda given: paths_of(["a", given])):
        with pytest.raises(InputError, match=r"^'': an empty path; allowed: a file or a folder, such as"):
            opens("")


def test_a_path_to_nothing_yet_is_one(tmp_path: Path) -> None:
    require_place(tmp_path / "none" / "yet")
