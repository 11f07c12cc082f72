"""Diff: samples added and gone, points that moved by how much, other fields, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.cli import main
from curate.data.sample import Sample
from curate.diff import diff

PICTURE = np.full((100, 120, 3), 90, np.uint8)
# The box around the points is 80 x 40: a hand of 80 px.
POINTS = np.array([[10 + 4.0 * k, 20 + 2.0 * k] for k in range(21)], np.float32)


def hand(name: str, **fields: object) -> Sample:
    seen = np.full(21, 2, np.uint8)
    return Sample(name, "s", "0.png", 120, 100, keypoints=POINTS.copy(), visibility=seen, **fields)  # type: ignore[arg-type]


@pytest.fixture
def versions(store, tmp_path: Path) -> tuple[Path, Path]:
    """Hands a to e, and a version of them without a, with f, and with changes to b, c, d."""
    old = [hand(name, side="left", attrs={"age": 30}) for name in "abcde"]
    new = [replace(s, keypoints=s.keypoints.copy(), visibility=s.visibility.copy()) for s in old[1:]]
    b, c, d, _ = new
    b.keypoints[8] += (3, 4)
    b.keypoints[4] += (0, 8)
    c.keypoints[8] += (0, 16)
    c.side, c.visibility[0] = None, 1
    d.keypoints[20], d.visibility[20] = np.nan, 0
    new.append(hand("f"))
    pictures = {"0.png": PICTURE}
    return store(tmp_path / "old", old, pictures), store(tmp_path / "new", new, pictures)


def test_what_became_of_a_dataset(versions: tuple[Path, Path]) -> None:
    found = diff(*versions)
    assert (found.samples, found.shared, found.added, found.gone) == ((5, 5), 4, ["f"], ["a"])
    told = [(move.sample, move.keypoint, move.pixels, move.size) for move in found.moves]
    assert told == [("c", "index_tip", 16, 0.2), ("b", "thumb_tip", 8, 0.1), ("b", "index_tip", 5, 0.0625)]
    assert found.per_keypoint == [("thumb_tip", 1, 8, 0.1), ("index_tip", 2, 10.5, 0.13125)]
    assert found.moved_samples == 2
    assert {what: count for what, count in found.points.items() if count} == {
        "no longer labelled": 1,
        "hidden that were visible": 1,
    }
    assert found.fields == {"side": 1}
    back = diff(*reversed(versions))
    assert (back.added, back.gone) == (["a"], ["f"])
    assert back.points["newly labelled"] == back.points["visible that were hidden"] == 1


def test_a_mask_that_is_gone_is_told_and_one_that_lies_elsewhere_is_not(store, tmp_path: Path) -> None:
    masks = {"old": ("a.png", "b.png", None), "new": ("masks/a.png", None, None)}
    old, new = (
        store(
            tmp_path / name,
            [hand(one, mask=mask, depth=mask) for one, mask in zip("abc", of_version, strict=True)],
            {"0.png": PICTURE},
        )
        for name, of_version in masks.items()
    )
    assert diff(old, new).fields == {"mask": 1, "depth": 1}


def test_nothing_has_changed(versions: tuple[Path, Path]) -> None:
    found = diff(versions[0], versions[0])
    assert (found.moves, found.added, found.gone, found.fields) == ([], [], [], {})
    assert set(found.points.values()) == {0}
    assert "moved: no point" in str(found)


def test_datasets_that_share_no_sample(store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, empty = (
        store(tmp_path / name, [hand(one) for one in names], {"0.png": PICTURE})
        for name, names in (("old", "ab"), ("new", "cde"), ("empty", ""))
    )
    found = diff(old, new)
    assert (found.shared, found.added, found.gone) == (0, ["c", "d", "e"], ["a", "b"])
    assert (found.moves, found.fields, found.resized) == ([], {}, [])
    assert diff(old, empty).gone == ["a", "b"]
    assert main(["diff", str(old), str(new), "--out", str(tmp_path / "page.html")]) == 0
    told = capsys.readouterr().err
    assert "gone: 2" in told
    assert "the two have no sample id in common" in told


def test_points_of_an_image_of_another_size_are_not_compared(
    store, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    half = replace(hand("b"), keypoints=POINTS / 2, width=60, height=50)
    found = diff(versions[0], store(tmp_path / "half", [half], {"0.png": PICTURE[::2, ::2]}))
    assert (found.resized, found.moves) == (["b"], [])
    assert "moved: not known, as the size of every image has changed" in str(found)
    assert (found.fields["width"], found.fields["height"]) == (1, 1)


def test_the_command_and_its_page(
    versions: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = map(str, versions)
    page = tmp_path / "page.html"
    assert main(["diff", old, new, "--out", str(page)]) == 0
    said = capsys.readouterr().err
    assert "gone: 1 ('a')" in said
    assert "index_tip          2     10.50   0.1313" in said
    text = page.read_text()
    assert text.count("<figure") == 2
    assert "c: index tip 16.0 px, 0.200 of the hand" in text
    assert "<h2>Removed</h2>\n<p>a</p>" in text
    page.with_name(".page.html.7.7.tmp").touch()  # of one that was killed
    assert main(["diff", old, new, "--out", str(page)]) == 0
    assert page.read_text() == text
    assert not list(tmp_path.glob(".*.tmp"))
    assert main(["diff", old, new, "--pictures", "1", "--out", str(page)]) == 2
    capsys.readouterr()
    assert main(["diff", old, new, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["moves"][0] == {"sample": "c", "keypoint": "index_tip", "px": 16, "hand_sizes": 0.2}


def test_names_on_the_page_are_text(store, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    one, two = hand(name), hand(name)
    two.keypoints[0] += 1
    folders = [store(tmp_path / n, [s], {"0.png": PICTURE}) for n, s in (("one", one), ("two", two))]
    assert main(["diff", *map(str, folders), "--out", str(tmp_path / "page.html")]) == 0
    assert "<img src=x" not in (tmp_path / "page.html").read_text()
