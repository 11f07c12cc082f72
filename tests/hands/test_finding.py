"""Finders: the box that each gives by hand, the orders they are asked in, and that the table is offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.data.sample import Sample
from curate.hands import finding
from curate.hands.finding import FINDERS, Finder, Found
from curate.hands.photograph import BadMask, Photograph
from curate.options.crop import FINDERS as NAMED
from curate.options.crop import Cropping

SKIN, GROUND = (198, 134, 100), (250, 250, 248)


@pytest.fixture
def hand(tmp_path: Path) -> Sample:
    """A square of skin at (40, 20, 60, 80) of 160 x 120 pixels; points, mask and bbox each say otherwise."""
    picture = np.full((120, 160, 3), GROUND, np.uint8)
    picture[20:100, 40:100] = SKIN
    mask = np.zeros((120, 160), np.uint8)
    mask[30:90, 50:90] = 255
    images.write(tmp_path / "a.png", picture)
    images.write(tmp_path / "m.png", mask)
    points = np.full((21, 2), np.nan, np.float32)
    points[[4, 8]] = (60, 40), (80, 70)
    seen = np.zeros(21, np.uint8)
    seen[[4, 8]] = 2
    box = np.array([45, 25, 50, 70], np.float32)
    return Sample("s/a", "s", "a.png", keypoints=points, visibility=seen, bbox=box, mask="m.png")


@pytest.fixture
def bare(hand: Sample) -> Sample:
    """The same photo, of which nothing is known."""
    return Sample(hand.sample_id, hand.source, hand.image)


@pytest.mark.parametrize(
    ("name", "box", "off"),
    [
        ("colour", (40, 20, 60, 80), 1),
        ("keypoints", (60, 40, 20, 30), 0),
        ("mask", (50, 30, 40, 60), 0),
        ("bbox", (45, 25, 50, 70), 0),
        ("whole photo", (0, 0, 160, 120), 0),
    ],
)
def test_each_finder_has_a_box_of_its_own(
    hand: Sample, tmp_path: Path, name: str, box: tuple[int, ...], off: float
) -> None:
    found = FINDERS[name].find(Photograph(tmp_path, hand))
    assert found is not None
    assert found.by == name
    np.testing.assert_allclose(found.box, box, atol=off)


def test_a_finder_by_labels_finds_nothing_without_them(bare: Sample, tmp_path: Path) -> None:
    found = {name for name, finder in FINDERS.items() if finder.find(Photograph(tmp_path, bare))}
    assert found == {name for name, finder in FINDERS.items() if not finder.labels}


def test_a_finder_by_pixels_finds_nothing_in_a_grey_photo(hand: Sample, tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.full((120, 160), 128, np.uint8))
    found = {name for name, finder in FINDERS.items() if finder.find(Photograph(tmp_path, hand))}
    assert found == {name for name, finder in FINDERS.items() if not finder.pixels}


def test_a_mask_that_is_no_hands_is_refused(hand: Sample, tmp_path: Path) -> None:
    images.write(tmp_path / "m.png", np.full((120, 160), 255, np.uint8))
    with pytest.raises(BadMask, match=r"covers 100\.0 % of the image"):
        FINDERS["mask"].find(Photograph(tmp_path, hand))


@pytest.mark.parametrize(
    ("lacks", "own_hand", "any_hand"),
    [
        ((), "bbox", "bbox"),
        (("bbox",), "keypoints", "colour"),
        (("bbox", "keypoints"), None, "colour"),
        (("bbox", "keypoints", "colour"), None, "whole photo"),
    ],
)
def test_the_first_that_can_tell_is_asked(
    hand: Sample, bare: Sample, tmp_path: Path, lacks: tuple[str, ...], own_hand: str | None, any_hand: str
) -> None:
    if "colour" in lacks:
        images.write(tmp_path / "a.png", np.full((120, 160), 128, np.uint8))
    known = {name: getattr(bare, name) for name in lacks if name != "colour"}
    photograph = Photograph(tmp_path, replace(hand, **known))
    for order, expected in ((finding.OWN_HAND, own_hand), (finding.ANY_HAND, any_hand)):
        found = finding.first(photograph, order)
        assert (found.by if found else None) == expected


def test_a_finder_is_added_by_a_row(bare: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is sure of what it says, as a network is."""

    def corner(photograph: Photograph) -> Found:
        return Found(photograph.whole / 2, "corner", score=0.75)

    monkeypatch.setitem(FINDERS, "corner", Finder("corner", False, True, corner))
    found = finding.first(Photograph(tmp_path, bare), ("bbox", "corner"))
    assert found is not None
    assert (found.by, found.score, found.box.tolist()) == ("corner", 0.75, [0, 0, 80, 60])


def test_the_whole_photo_is_left_to_fall_back_on_and_not_offered() -> None:
    assert set(NAMED) == set(FINDERS) - {"whole photo"} | {"box"}
    for name in NAMED:
        assert Cropping(by=name).by == name


def test_a_sample_keeps_what_its_hand_was_found_by(hand: Sample) -> None:
    told = finding.with_found_by(replace(hand, attrs={"age": 30, "found_by": "bbox"}), "colour")
    assert told.attrs == {"age": 30, "found_by": "colour"}
