"""Cut-outs that went wrong, in small drawn pictures: each is told, and a hand on plain ground passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from curate.basics import images
from curate.data.sample import Sample
from curate.hands import cutout_checks, masks
from curate.hands.drawn_hands import Person, draw_hand
from curate.hands.photograph import BadMask, Photograph

SIZE = (360, 270)
GROUND = (232, 234, 230)


def drawn(seed: int = 1, skin: tuple[int, int, int] = (205, 150, 120)) -> tuple[np.ndarray, np.ndarray]:
    """A hand on light ground, and its points."""
    rng = np.random.default_rng(seed)
    person = replace(Person.sample(rng), skin=np.array(skin, float))
    return draw_hand(rng, person, "right", width=SIZE[0], height=SIZE[1])


def hand_of(picture: np.ndarray) -> np.ndarray:
    """Where the drawn hand is: no grey."""
    return picture.max(axis=2).astype(int) - picture.min(axis=2) > 28


def on(ground: np.ndarray, tint: np.ndarray | float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A drawn hand, tinted, on a ground, softened and with noise; and its points."""
    picture, points = drawn()
    alpha = cv2.GaussianBlur(hand_of(picture).astype(np.float32), (0, 0), 1.0)[..., None]
    mixed = (
        picture * tint * alpha + ground * (1 - alpha) + np.random.default_rng(2).normal(0, 2, picture.shape)
    )
    return np.clip(mixed, 0, 255).astype(np.uint8), points


def plain(colour: tuple[int, int, int] = GROUND, width: int = SIZE[0]) -> np.ndarray:
    return np.full((SIZE[1], width, 3), colour, np.float64)


def face(picture: np.ndarray, x: int, y: int, size: int) -> np.ndarray:
    """With an ellipse of skin that has eyes, brows, mouth and hair."""
    made = picture.copy()
    cv2.ellipse(made, (x, y), (size, size * 13 // 10), 0, 0, 360, (214, 160, 130), -1, cv2.LINE_AA)
    cv2.ellipse(made, (x, y - size), (size, size // 2), 0, 180, 360, (60, 42, 30), -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(made, (x + side * size // 2, y - size // 4), size // 7, (40, 30, 30), -1, cv2.LINE_AA)
        cv2.line(
            made,
            (x + side * size // 4, y - size // 2),
            (x + side * size * 3 // 4, y - size // 2),
            (70, 50, 40),
            2,
        )
    cv2.ellipse(made, (x, y + size // 2), (size // 3, size // 8), 0, 0, 360, (170, 60, 70), -1, cv2.LINE_AA)
    return made


def clutter(seed: int) -> np.ndarray:
    """A table full of things of all colours, skin's too."""
    rng = np.random.default_rng(seed)
    ground = plain((150, 140, 130))
    for _ in range(60):
        corner, side = rng.integers(0, SIZE, 2), rng.integers(20, 90, 2)
        colour = rng.integers(20, 250, 3).tolist()
        cv2.rectangle(ground, tuple(corner.tolist()), tuple((corner + side).tolist()), colour, -1)
    return ground


def photograph(picture: np.ndarray, folder: Path, points: np.ndarray | None = None) -> Photograph:
    images.write(folder / "a.png", picture)
    labels = (
        {}
        if points is None
        else {"keypoints": points.astype(np.float32), "visibility": np.full(21, 2, np.uint8)}
    )
    return Photograph(folder, Sample("s/a", "s", "a.png", **labels))


@pytest.mark.parametrize(
    "colour", [GROUND, (250, 250, 250), (60, 90, 150), (70, 120, 80), (25, 25, 28)], ids=str
)
def test_a_hand_on_plain_ground_passes(colour: tuple[int, int, int], tmp_path: Path) -> None:
    picture, points = on(plain(colour))
    for known in (None, points):
        seen = photograph(picture, tmp_path, known)
        mask, truth = seen.matte().mask, hand_of(drawn()[0])
        assert (mask & truth).sum() > 0.9 * (mask | truth).sum()
        assert seen.trusted_skin is not None


@pytest.mark.parametrize("colour", [(186, 138, 112), (200, 150, 122), (160, 118, 96)], ids=str)
def test_a_hand_torn_on_ground_like_skin_is_refused(colour: tuple[int, int, int], tmp_path: Path) -> None:
    """The fingers are redder than the ground, the rest of the hand is not: they alone are found."""
    waves = 1 + 0.03 * np.sin(np.arange(SIZE[1]) / 3)[:, None, None]
    blush = np.clip((np.arange(SIZE[1]) - 90) / 80, 0, 1)[:, None, None] * (0.06, -0.1, -0.12)
    picture, _ = on(plain(colour) * waves, 1 + blush)
    torn, truth = masks.find(picture), hand_of(drawn()[0])
    assert torn is not None
    assert (torn.mask & truth).sum() < 0.5 * (torn.mask | truth).sum()
    seen = photograph(picture, tmp_path)
    assert seen.trusted_skin is None
    with pytest.raises(BadMask):
        seen.matte()


@pytest.mark.parametrize("scale", [1.0, 0.7], ids=["as large", "smaller"])
def test_a_second_hand_is_told(scale: float, tmp_path: Path) -> None:
    one, _ = on(plain())
    other = cv2.resize(one[:, ::-1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    both = np.concatenate([one, plain().astype(np.uint8)], axis=1)
    both[: other.shape[0], SIZE[0] : SIZE[0] + other.shape[1]] = other
    seen = photograph(both, tmp_path)
    with pytest.raises(BadMask, match=r"another piece of skin|has the hand's colour"):
        seen.matte()
    assert seen.trusted_skin is None


def test_a_face_is_not_kept_instead_of_the_hands(tmp_path: Path) -> None:
    """The face is larger than the hand at its side."""
    one, points = on(plain())
    small = cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    picture = plain(GROUND, 500).astype(np.uint8)
    picture[: small.shape[0], : small.shape[1]] = small
    picture = face(picture, 370, 130, 80)
    seen = photograph(picture, tmp_path)
    with pytest.raises(BadMask):
        seen.matte()
    assert seen.trusted_skin is None
    with pytest.raises(BadMask, match=r"keypoints lie|too far from the labelled points"):
        photograph(picture, tmp_path, points / 2).matte()


@pytest.mark.parametrize("seed", range(4))
def test_a_hand_in_clutter_is_refused(seed: int, tmp_path: Path) -> None:
    seen = photograph(on(clutter(seed))[0], tmp_path)
    assert seen.trusted_skin is None
    with pytest.raises(BadMask):
        seen.matte()


def test_labels_vouch_for_a_hand_beside_another_piece_of_skin(tmp_path: Path) -> None:
    """What is seen would be refused; the labels say which piece is the hand, and that all of it is there."""
    picture, points = on(plain())
    wide = np.concatenate([picture, plain(GROUND, 200).astype(np.uint8)], axis=1)
    cv2.circle(wide, (SIZE[0] + 90, 120), 45, (214, 160, 130), -1)
    with pytest.raises(BadMask, match="another piece of skin"):
        photograph(wide, tmp_path).matte()
    mask = photograph(wide, tmp_path, points).matte().mask
    assert not mask[:, SIZE[0] :].any()


def test_what_lies_beyond_a_labelled_hand_by_hand(flat_hand: np.ndarray) -> None:
    """The points span 120 px: flesh reaches 26 px beyond the bones, and the forearm goes down."""
    points = flat_hand.astype(float)
    square = np.zeros((300, 400), bool)
    square[60:180, 60:140] = True
    assert cutout_checks.beyond(square, points) == pytest.approx(0, abs=1e-3)
    arm = square.copy()
    arm[180:300, 70:130] = True
    assert cutout_checks.beyond(arm, points) == pytest.approx(0, abs=1e-3)
    far = square.copy()
    far[60:180, 300:340] = True
    assert cutout_checks.beyond(far, points) == pytest.approx(1 / 3, abs=1e-3)


def test_what_lies_beyond_by_little_is_told_with_the_digits_that_it_takes(flat_hand: np.ndarray) -> None:
    mask = np.zeros((300, 400), bool)
    mask[60:180, 60:140] = mask[60:180, 300:307] = True  # 7 of 87 columns
    told = cutout_checks.judge(mask, flat_hand.astype(float), lambda: None)
    assert told is not None
    assert told.startswith("8.1 % of what was found")
    assert told.endswith("allowed: up to 8 %")


def test_too_few_points_tell_nothing(flat_hand: np.ndarray) -> None:
    mask = np.ones((200, 200), bool)
    few = flat_hand.astype(float).copy()
    few[11:] = np.nan
    assert cutout_checks.beyond(mask, few) is None
    assert cutout_checks.beyond(mask, np.full((21, 2), np.nan)) is None
    assert cutout_checks.judge(mask, few, lambda: "seen") == "seen"


def test_points_far_outside_do_no_harm(flat_hand: np.ndarray) -> None:
    points = flat_hand.astype(float).copy()
    points[4] = (1e12, -1e12)
    assert cutout_checks.beyond(np.ones((200, 200), bool), points) is not None


def test_a_loop_of_thumb_and_finger_passes(tmp_path: Path) -> None:
    """A palm with fingers, and a ring of thumb and index finger: its ground is cut, small or large."""
    for radius in (8, 24, 38):
        mask = np.zeros((270, 360), np.uint8)
        cv2.rectangle(mask, (190, 120), (260, 269), 1, -1)
        for x in (200, 225, 250):
            cv2.line(mask, (x, 130), (x, 40), 1, 19)
        cv2.circle(mask, (190 - radius, 150), radius + 19, 1, -1)
        cv2.circle(mask, (190 - radius, 150), radius, 0, -1)
        alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
        picture = np.array((205, 150, 120)) * alpha + plain() * (1 - alpha)
        picture += np.random.default_rng(3).normal(0, 2, picture.shape)
        found = photograph(np.clip(picture, 0, 255).astype(np.uint8), tmp_path).matte().mask
        assert (found & (mask > 0)).sum() > 0.96 * (found | (mask > 0)).sum()
        assert not found[150, 190 - radius]


def test_an_outline_of_which_one_pixel_counts_is_judged_by_that() -> None:
    strip = np.zeros((40, 40), bool)
    strip[:, :3] = strip[20, 3] = True  # the rest of its outline is too near to the edge
    image = np.full((40, 40, 3), (200, 200, 210), np.uint8)
    image[strip] = (200, 140, 120)
    marks = cutout_checks.marks(image, strip)
    assert marks is not None
    assert (marks.unlike, marks.faint) == (0, 0)


def test_nothing_is_said_of_too_little() -> None:
    assert cutout_checks.marks(np.zeros((40, 40, 3), np.uint8), np.ones((40, 40), bool)) is None
    assert cutout_checks.doubt(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), bool)) is None
