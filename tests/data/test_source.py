"""Finding the image that an annotation names, and never one outside the folders that were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics.errors import InputError, UnsafeInput
from curate.data.source import ImageFinder, posix_path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """src/{a.png, sub/{b.png, twin.png}, other/{twin.png, C.PNG}, ann/x.json}, secret.png beside src."""
    for name in ("src/a.png", "src/sub/b.png", "src/sub/twin.png", "src/other/twin.png", "src/other/C.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "src" / "ann").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    return tmp_path


def find(tree: Path, name: str, roots: tuple[str, ...] = ("src",), beside: str | None = "src/ann") -> str:
    finder = ImageFinder(tuple(tree / root for root in roots))
    home = None if beside is None else tree / beside
    found = finder.locate(name, beside=home, where=tree / "x.json", key="imagePath")
    return Path(found.path).resolve().relative_to(tree.resolve()).as_posix()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.png", "src/a.png"),
        ("../a.png", "src/a.png"),
        ("sub/twin.png", "src/sub/twin.png"),
        ("sub\\twin.png", "src/sub/twin.png"),
        ("..\\other\\twin.png", "src/other/twin.png"),
        ("./sub/../a.png", "src/a.png"),
        ("C:\\Users\\me\\Pictures\\b.png", "src/sub/b.png"),
        ("/home/me/b.png", "src/sub/b.png"),
        ("gone/sub/b.png", "src/sub/b.png"),
        ("a%2Epng", "src/a.png"),
        ("A.PNG", "src/a.png"),
        ("c.png", "src/other/C.PNG"),
    ],
)
def test_names_as_annotations_write_them(tree: Path, name: str, found: str) -> None:
    assert find(tree, name) == found


def test_a_path_of_its_own_root(tree: Path) -> None:
    assert find(tree, str(tree / "src" / "a.png")) == "src/a.png"
    assert find(tree, "secret.png", roots=("src", ".")) == "secret.png"


@pytest.mark.parametrize(
    "name", ["../secret.png", "../../secret.png", "../../../../etc/passwd", "/etc/passwd"]
)
def test_a_path_that_leads_out_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(
        UnsafeInput, match=r"x.json: imagePath: .* leads out of the source folder; .*--images"
    ):
        find(tree, name, beside="src")


def test_a_link_that_leads_out_is_refused(tree: Path) -> None:
    (tree / "src" / "link.png").symlink_to(tree / "secret.png")
    (tree / "src" / "door").symlink_to(tree)
    for name in ("link.png", "door/secret.png"):
        with pytest.raises(UnsafeInput, match="leads out"):
            find(tree, name)
    (tree / "src" / "inner.png").symlink_to(tree / "src" / "a.png")
    assert find(tree, "inner.png") == "src/a.png"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.png", "no image 'none.png'; if it lies elsewhere: --images DIR"),
        ("", "no image ''"),
        ("gone/b.png", "no image 'gone/b.png'"),
        ("../other/b.png", "no image"),
        ("gone%2Fb.png", "no image 'gone/b.png'"),
        (".", "no image"),
        ("sub", "no image 'sub'"),
        ("/gone/twin.png", "2 images are called 'twin.png'"),
        ("a.png\0.txt", "no path"),
        ("x" * 100_000, "no path|no image"),
        ("n" * 300 + ".png", "no path|no image"),
    ],
)
def test_names_without_an_image(tree: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find(tree, name)


def locate(finder: ImageFinder, name: str, **more: Any) -> tuple[str, bool]:
    found = finder.locate(name, where=Path("val2017.json"), key="file_name", **more)
    return Path(found.path).relative_to(finder.roots[0]).as_posix(), found.by_name


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_an_image_found_by_nothing_but_its_name_is_told(tmp_path: Path) -> None:
    finder = ImageFinder((make(tmp_path, "p1/1.png", "a/b/2.png"),))
    assert locate(finder, "1.png") == ("p1/1.png", True)
    assert locate(finder, "p1/1.png") == ("p1/1.png", False)
    assert locate(finder, "/gone/a/b/2.png") == ("a/b/2.png", False)
    assert locate(finder, "c:/gone/2.png") == ("a/b/2.png", True)


def test_letter_case_and_the_form_of_accents_are_forgiven(tmp_path: Path) -> None:
    """macOS stores accents decomposed; Windows does not tell letter case."""
    composed, decomposed = "Hände/é.png", "Ha\u0308nde/e\u0301.PNG"
    finder = ImageFinder((make(tmp_path, decomposed, "b.JPG", "c/1.png", "C/1.png", "d.png", "D.png"),))
    assert locate(finder, composed) == (decomposed, False)
    assert locate(finder, "B.jpg") == ("b.JPG", False)
    assert locate(finder, "c/1.png") == ("c/1.png", False)
    assert locate(finder, "D.png") == ("D.png", False)
    with pytest.raises(InputError, match=r"2 images are called 'd\.png'"):
        locate(finder, "d.PNG")


def test_a_path_is_not_found_in_another_folder(tmp_path: Path) -> None:
    finder = ImageFinder((make(tmp_path, "images/p1/rgb/1.png"),))
    for name in ("p2/1.png", "../../images/p2/1.png", "p2/rgb/1.png", "images/p2/rgb/1.png"):
        with pytest.raises(InputError, match=r"no image|leads out"):
            locate(finder, name)


def test_two_absolute_paths_do_not_share_an_image(tmp_path: Path) -> None:
    finder = ImageFinder((make(tmp_path, "images/1.png"),))
    assert locate(finder, "/home/p1/1.png") == ("images/1.png", True)
    with pytest.raises(InputError, match=r"'/home/p2/1.png' and '/home/p1/1.png' cannot both be '1.png'"):
        locate(finder, "/home/p2/1.png")


def test_the_users_own_folder_may_be_called_otherwise(tmp_path: Path) -> None:
    root, further = tmp_path / "labels", make(tmp_path / "photos", "1.png", "p1/2.png")
    finder = ImageFinder((root,), further=further)
    found = finder.locate("../images/1.png", where=root, key="k")
    assert (found.path, found.by_name) == (str(further / "1.png"), True)
    with pytest.raises(InputError, match="no image"):
        finder.locate("p2/2.png", where=root, key="k")


def test_the_folder_of_the_split_comes_first(tmp_path: Path) -> None:
    make(
        tmp_path, "1.png", "train2017/1.png", "val2017/1.png", "val/1.png", "val2017/2.png", "train2017/3.png"
    )
    splits = tuple(tmp_path / name for name in ("train2017", "val", "val2017"))
    finder = ImageFinder((tmp_path,), splits)
    assert locate(finder, "1.png", split="val") == ("val2017/1.png", False)  # as the file is called
    assert locate(finder, "1.png", split="train") == ("train2017/1.png", False)
    assert locate(finder, "1.png") == ("1.png", False)
    assert locate(finder, "2.png") == ("val2017/2.png", True)
    with pytest.raises(InputError, match="no image"):
        locate(finder, "3.png", split="val")


@given(name=st.text(max_size=20) | st.from_regex(r"([.]{0,3}[/\\]?[a-c]{0,2}){0,6}", fullmatch=True))
def test_any_name_gives_a_file_inside_or_the_one_error(tmp_path_factory, name: str) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    if not root.exists():
        (root / "in" / "a").mkdir(parents=True)
        for file in ("a", "in/b", "in/a/c", "in/a/b"):
            if not (root / file).exists():
                (root / file).write_bytes(b"x")
    try:
        finder = ImageFinder((root / "in",))
        found = Path(finder.locate(name, beside=root / "in" / "a", where=root, key="k").path)
    except InputError:
        return
    assert found.is_file()
    assert found.resolve().is_relative_to((root / "in").resolve())


@pytest.mark.parametrize(
    ("name", "path"),
    [("a\\b.png", "a/b.png"), ("a/b\\c.png", "a/b\\c.png"), ("D:\\a/b.png", "D:/a/b.png"), ("/a/b", "/a/b")],
)
def test_posix_paths(name: str, path: str) -> None:
    assert posix_path(name).as_posix() == path
