"""How photos go into a training set: what comes of one before several grounds, and names of samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.training_set import Form
from curate.hands.cropping import Dropped
from curate.hands.photograph import BadMask, Photograph
from curate.hands.preparation import Preparation
from curate.options.crop import Cropping

FORM = Form(size=48, channels=3, keypoints=20, sigma=2.0, masks=True)


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    """96 x 48 pixels of noise, whose mask is the square (36, 12, 24, 24)."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 96, 3), dtype=np.uint8)
    mask = np.zeros((48, 96), np.uint8)
    mask[12:36, 36:60] = 255
    images.write(tmp_path / "a.png", noise)
    images.write(tmp_path / "m.png", mask)
    return Photograph(tmp_path, Sample("s/a", "s", "a.png", mask="m.png"))


def test_a_photo_before_two_grounds_by_hand(photograph: Photograph) -> None:
    """The mask's square with a margin of half its side on each side: (24, 0, 48, 48), at its own size."""
    preparation = Preparation.of(FORM, Cropping(by="mask", margin=0.5), ["own", "colour:#00ff00"], 0)
    part = Part(to_batch([]))
    prepared = preparation.apply(photograph, False, part)
    assert (prepared.found_by, prepared.frame.box, prepared.frame.size) == ("mask", (24, 0, 48, 48), (48, 48))
    own, green = prepared.pictures
    cut = photograph.read()[:, 24:72]
    np.testing.assert_array_equal(own, cut)
    np.testing.assert_array_equal(green[18:30, 18:30], cut[18:30, 18:30])
    assert (green[:6] == (0, 255, 0)).all()
    expected = np.zeros((48, 48), np.uint8)
    expected[12:36, 12:36] = 255
    np.testing.assert_array_equal(prepared.masks, [expected, expected])
    assert +part.notes == {}


def test_a_photo_that_is_not_cut_is_padded(photograph: Photograph) -> None:
    """96 x 48 with 24 rows above and below, at half the size: rows 12 to 36 are the photo."""
    part = Part(to_batch([]))
    prepared = Preparation(FORM).apply(photograph, False, part)
    assert (prepared.found_by, prepared.frame.box) == (None, (0, -24, 96, 96))
    halved = photograph.read().reshape(24, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(prepared.pictures[0][12:36] - halved).max() <= 1
    assert +part.notes == {"padded_to_a_square": 1}


def test_names_of_samples_and_of_their_copies() -> None:
    preparation = Preparation.of(FORM, None, ["own", "white", "noise"], 0)
    assert preparation.names("s/a") == ["s/a", "s/a~2", "s/a~3"]
    assert preparation.backgrounds == ["own", "white", "noise"]
    preparation.check_names(["s/a", "s/b~2"])
    with pytest.raises(InputError, match="'s/a~3', the name of a copy"):
        preparation.check_names(["s/a", "s/a~3"])


def test_a_hand_that_cannot_be_cut_out_is_told(photograph: Photograph, tmp_path: Path) -> None:
    bare = Photograph(tmp_path, Sample("s/a", "s", "a.png"))
    white = Preparation.of(FORM, None, ["white"], 0)
    with pytest.raises(Dropped, match="shares its photo with another hand"):
        white.apply(bare, True, Part(to_batch([])))
    images.write(tmp_path / "a.png", np.full((48, 96, 3), 250, np.uint8))
    with pytest.raises(BadMask, match="no hand on a plain background"):
        white.apply(Photograph(tmp_path, bare.sample), False, Part(to_batch([])))


def two_hands(folder: Path, **labels: object) -> Photograph:
    """64 x 64 pixels: a left hand, (8, 8, 20, 40), and a right one, (36, 8, 20, 40), by RHD's parts."""
    parts = np.ones((64, 64), np.uint8)
    parts[8:48, 8:28], parts[8:48, 36:56] = 5, 20
    images.write(folder / "a.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    images.write(folder / "m.png", parts)
    images.write(folder / "plain.png", (parts > 1) * np.uint8(255))
    return Photograph(folder, Sample("s/a", "s", "a.png", **{"mask": "m.png", **labels}))


def test_every_hand_of_a_mask_counts_but_before_another_ground_the_one_that_is_put_there(
    tmp_path: Path,
) -> None:
    preparation = Preparation.of(FORM, None, ["own", "colour:#00ff00"], 0)
    own, green = preparation.apply(two_hands(tmp_path, side="left"), True, Part(to_batch([]))).masks
    left, both = np.zeros((2, 48, 48), np.uint8)
    left[6:36, 6:21] = 255
    both[6:36, 6:21], both[6:36, 27:42] = 255, 255
    np.testing.assert_array_equal(own, both)
    np.testing.assert_array_equal(green, left)


def test_a_mask_of_several_hands_is_refused_where_it_should_be_of_one(tmp_path: Path) -> None:
    """It is taken where nothing is labelled or the photo shows other samples; a hand with points is one."""
    preparation, none = Preparation(FORM), Part(to_batch([]))
    assert preparation.apply(two_hands(tmp_path, mask="plain.png"), False, none).masks[0][6:36, 27:42].all()
    labelled = {
        "mask": "plain.png",
        "keypoints": np.full((21, 2), 20, np.float32),
        "visibility": np.full(21, 2, np.uint8),
    }
    assert preparation.apply(two_hands(tmp_path, **labelled), True, none).masks[0][6:36, 27:42].all()
    with pytest.raises(BadMask, match="main piece holds 50"):
        preparation.apply(two_hands(tmp_path, **labelled), False, none)
