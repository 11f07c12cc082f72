"""The hand's outline: each step by hand, the whole on known masks, and what no hand's mask is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from curate.basics import images
from curate.basics.errors import UnreadableImage
from curate.data.dataset import Dataset
from curate.hands import masks
from curate.hands.masks import Colours

SKIN, GROUND = (198, 134, 100), (246, 248, 250)


def disc(radius: int, size: int = 100, at: tuple[int, int] = (50, 50)) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return (x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def flat(colour: tuple[int, int, int] | np.ndarray, size: int = 4) -> np.ndarray:
    return np.full((size, size, 3), np.round(colour), np.uint8)


def test_gradient_of_a_ramp_and_of_a_flat_image() -> None:
    ramp = np.repeat(np.arange(0, 240, 8, dtype=np.uint8)[None], 30, axis=0)
    np.testing.assert_allclose(masks.gradient(ramp)[2:-2, 2:-2], 8)
    np.testing.assert_allclose(masks.gradient(np.dstack([ramp.T, ramp * 0, ramp // 2]))[2:-2, 2:-2], 8)
    assert not masks.gradient(np.full((9, 9, 3), 77, np.uint8)).any()


def colours_of(hand: tuple[int, int, int]) -> Colours:
    return Colours(flat(hand).astype(np.float32), flat(GROUND).astype(np.float32))


@pytest.mark.parametrize("hand", [(236, 190, 165), SKIN, (75, 46, 34)], ids=["fair", "medium", "dark"])
def test_likeness_counts_hue_and_forgives_shadow(hand: tuple[int, int, int]) -> None:
    colours = colours_of(hand)
    assert colours.likeness(flat(GROUND)) == pytest.approx(0, abs=1e-5)
    assert colours.likeness(flat(hand)) == pytest.approx(1, abs=1e-5)
    # Nearer to the skin in brightness, but ground by its hue; and the dark side of a finger the other way.
    assert colours.likeness(flat(np.array(GROUND) * 0.6)).max() < 0.4
    assert colours.likeness(flat(np.array(hand) * 0.8)).min() > 0.6
    mixed = flat((np.array(hand) + GROUND) / 2)
    assert colours.likeness(mixed).max() < 0.5
    place = np.array([1, 7])
    assert colours.share(mixed[0, :2], place, place, (8, 8, 3)) == pytest.approx(0.5, abs=0.03)
    assert colours.share(flat(GROUND)[0, :2], place, place, (8, 8, 3)) == pytest.approx(0, abs=1e-4)
    assert colours.distance().min() > 3
    assert colours_of(GROUND).distance().max() < 0.1


def test_fill_outside_stops_at_edges_and_reaches_pockets_of_ground() -> None:
    hand = disc(40)
    likeness = hand.astype(np.float32)
    brightness = np.where(hand, 0.6, 1.0).astype(np.float32)
    likeness[disc(9)] = 0.02  # ground seen between fingers
    brightness[disc(9)] = 1.0
    likeness[disc(6, at=(30, 50))] = 0.3  # a nail
    brightness[disc(6, at=(30, 50))] = 0.97
    likeness[disc(6, at=(70, 50))] = 0.2  # ground in shadow
    likeness[disc(6, at=(50, 75))] = 0.2  # a dark crease
    brightness[disc(6, at=(50, 75))] = 0.2
    none = np.zeros_like(hand)
    expected = hand & ~disc(9) & ~disc(6, at=(70, 50))
    np.testing.assert_array_equal(masks.fill_outside(none, likeness, brightness), expected)
    # A pale part beyond the hand's side is lost without an edge around it and held by one.
    pale = disc(8, at=(50, 11)) & ~hand
    likeness[pale], brightness[pale] = 0.3, 0.9
    assert not (masks.fill_outside(none, likeness, brightness) & pale).any()
    rim = pale & ~(cv2.erode((pale | hand).astype(np.uint8), np.ones((3, 3))) > 0)
    held = masks.fill_outside(rim, likeness, brightness)
    assert held[7:10, 48:53].all()
    assert not held[:4].any()


def test_fill_outside_keeps_nail_polish_and_the_face_of_a_watch() -> None:
    """Pockets as white as the ground: a small round one at the outline, one that is drawn on, and ground."""
    hand = disc(95, size=200, at=(100, 100))
    nail, face, gap = (
        disc(r, size=200, at=at) for r, at in ((6, (14, 100)), (20, (100, 60)), (20, (100, 140)))
    )
    likeness = hand.astype(np.float32)
    brightness = np.where(hand, 0.6, 1.0).astype(np.float32)
    for pocket in (nail, face, gap):
        likeness[pocket], brightness[pocket] = 0.01, 1.0
    edges = np.zeros_like(hand)
    edges[58:61, 88:112] = True
    found = masks.fill_outside(edges, likeness, brightness)
    np.testing.assert_array_equal(found, hand & ~gap)
    sliver = np.zeros_like(hand)
    sliver[95:105, 30:33] = True  # as small as a nail, but long: ground between two fingers
    likeness[sliver], brightness[sliver] = 0.01, 1.0
    likeness[nail & ~sliver], brightness[nail & ~sliver] = 1.0, 0.6
    np.testing.assert_array_equal(masks.fill_outside(edges, likeness, brightness), hand & ~gap & ~sliver)


@pytest.mark.parametrize("radius", [7, 20], ids=["as small as a nail", "as large as the face of a watch"])
def test_fill_outside_opens_a_loop_of_fingers(radius: int) -> None:
    """Ground with a finger all around it, whose rim is an edge."""
    hand, loop = disc(95, size=200, at=(100, 100)), disc(radius, size=200, at=(50, 100))
    likeness = np.where(loop, 0.01, hand).astype(np.float32)
    brightness = np.where(hand & ~loop, 0.6, 1.0).astype(np.float32)
    wide, narrow = cv2.dilate(loop.view(np.uint8), np.ones((3, 3))), disc(radius - 2, size=200, at=(50, 100))
    edges = (wide > 0) & ~narrow
    np.testing.assert_array_equal(masks.fill_outside(edges, likeness, brightness), hand & ~loop)


def test_clean_keeps_the_piece_with_skin_and_fills_specks() -> None:
    big, small = disc(20, at=(70, 70)), disc(15, at=(25, 25))
    speckled = big | small
    speckled[70, 70] = False
    result = masks.clean(speckled, disc(5, at=(25, 25)))
    assert overlap(result, small) > 0.97
    assert masks.clean(speckled, big)[70, 70]
    ring = big & ~disc(8, at=(70, 70))
    assert not masks.clean(ring, ring)[70, 70]
    assert not masks.clean(big, np.zeros_like(big)).any()


def test_clean_joins_a_finger_beyond_a_ring_and_nothing_far_away() -> None:
    palm, finger, far = (np.zeros((300, 300), bool) for _ in range(3))
    palm[20:150, 80:200] = True
    finger[160:250, 120:150] = True
    far[270:300, 250:300] = True
    found = masks.clean(palm | finger | far, palm | finger | far)
    assert found[155, 135]
    assert found[200, 135]
    assert not (found & far).any()
    assert not found[155, 90]


@pytest.mark.parametrize("sigma", [0.6, 1.0, 3.0])
def test_soften_blurs_and_keeps_the_mask(sigma: float) -> None:
    mask = disc(3) | disc(20, at=(20, 70))
    alpha = masks.soften(mask, sigma)
    np.testing.assert_array_equal(alpha >= 128, mask)
    assert alpha[70, 20] == 255
    assert alpha[0, 99] == 0
    assert ((alpha > 0) & (alpha < 255)).sum() > 40


def shaded(size: int = 900, skin: tuple[int, int, int] = SKIN) -> tuple[np.ndarray, np.ndarray]:
    """A palm with three fingers that leaves the frame at the top; shadow, vignette and noise. RGB, mask."""
    rng = np.random.default_rng(3)
    height = size * 3 // 4
    mask = np.zeros((height, size), np.uint8)
    cv2.rectangle(mask, (size * 4 // 10, 0), (size * 6 // 10, height // 2), 1, -1)
    for x in (0.42, 0.5, 0.58):
        end = (round(size * (1.8 * x - 0.4)), height * 8 // 10)
        cv2.line(mask, (round(size * x), height * 4 // 10), end, 1, size * 4 // 100)
    shadow = cv2.GaussianBlur(np.roll(mask, (8, 14), (0, 1)).astype(np.float32), (0, 0), size / 90)
    vignette = 1 - 0.25 * np.linspace(-1, 1, size)[None, :, None] ** 2
    ground = np.array(GROUND) * (1 - 0.35 * shadow[..., None]) * vignette
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[..., None]
    picture = np.array(skin) * vignette * soft + ground * (1 - soft) + rng.normal(0, 3, ground.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), mask > 0


@pytest.mark.parametrize(
    "skin",
    [(250, 222, 200), (224, 172, 140), (198, 134, 100), (141, 85, 60), (75, 46, 34)],
    ids=["very fair", "fair", "medium", "dark", "very dark"],
)
@pytest.mark.parametrize("quality", [95, 60])
def test_a_hand_in_shadow_and_vignette_as_jpeg(skin: tuple[int, int, int], quality: int) -> None:
    picture, truth = shaded(skin=skin)
    jpeg = images.decode(images.encode(picture, ".jpg", quality=quality), "shaded.jpg")
    found = masks.find(jpeg)
    assert found is not None
    assert found.alpha.shape == truth.shape
    assert overlap(found.mask, truth) > 0.97
    assert masks.check(found.mask, np.zeros((0, 2))) is None


def test_no_hand_is_said() -> None:
    assert masks.find(np.full((90, 120, 3), 240, np.uint8)) is None
    assert masks.find(np.full((90, 120), 240, np.uint8)) is None


def test_an_outline_where_no_pixel_tells_hand_from_ground() -> None:
    """As where the light goes over from cold to warm by and by, and nothing has an edge."""
    warm = np.linspace(0, 1, 300)[:, None, None]
    picture = np.round(np.array(GROUND) * (1 - warm) + np.array(SKIN) * warm).astype(np.uint8)
    found = masks.find(np.repeat(picture, 400, axis=1))
    assert found is not None
    assert found.mask[-1].all()
    assert not found.mask[0].any()


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (disc(25), None),
        (disc(4), "covers 0.5 % of the image"),
        (~disc(20), "covers 87.4 % of the image"),
        (np.arange(10_000).reshape(100, 100) < 8504, "covers 85.04 % of the image; allowed: 1 % to 85 %"),
        (disc(20, at=(25, 25)) | disc(8, at=(80, 80)), "main piece holds 85.9 %"),
        (disc(30) & ~disc(12), "holes of 1"),
        (disc(30) & ~disc(20), None),
        (np.pad(np.zeros((70, 70), bool), 15, constant_values=True), "covers 100 % of the image's border"),
    ],
    ids=["whole", "small", "large", "large by little", "two pieces", "a hole", "a loop", "the border"],
)
def test_check_of_shape(mask: np.ndarray, reason: str | None) -> None:
    found = masks.check(mask, np.zeros((0, 2)))
    assert found is None if reason is None else reason in str(found)


def test_labels_tell_a_loop_from_the_face_of_a_watch() -> None:
    """A hole with no more than a finger around it: among the points it is a loop, beside them it is none."""
    mask = disc(60, size=300, at=(100, 100)) & ~disc(42, size=300, at=(100, 100))
    mask |= disc(50, size=300, at=(190, 160))
    around = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    assert masks.check(mask, np.zeros((0, 2))) is None
    assert masks.check(mask, (100, 100) + 51 * ring) is None
    assert "holes of" in str(masks.check(mask, (190, 160) + 30 * ring))


def test_check_of_keypoints() -> None:
    mask = disc(40, size=200, at=(100, 100))
    around = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    points = 100 + 38 * np.stack([np.cos(around), np.sin(around)], axis=1)
    assert masks.check(mask, points) is None
    off = points.copy()
    off[:4] = 100 + (off[:4] - 100) * 1.2  # 45.6 from the centre: 5.6 / 83.6 of the hand's size off
    np.testing.assert_allclose(masks.off_mask(mask, off)[:4], 5.6 / 83.6, atol=0.012)
    assert masks.check(mask, off) is None
    off[4] = 100 + (off[4] - 100) * 1.2
    assert masks.check(mask, off) == "5 of 20 visible keypoints lie over 2 % of the hand's size off the mask"
    off[:5] = np.nan
    assert masks.check(mask, off) is None
    off[:5] = -50.0
    assert masks.check(mask, off) is None


@pytest.mark.parametrize(
    ("labels", "side", "expected"),
    [
        ([0, 1], None, [0, 1]),
        ([1, 2, 17, 18, 33], "left", [0, 1, 1, 0, 0]),
        ([1, 2, 17, 18, 33], "right", [0, 0, 0, 1, 1]),
        ([1, 2, 17, 18, 33], None, [0, 1, 1, 1, 1]),
        ([0, 127, 128, 255], "left", [0, 0, 1, 1]),
        ([0, 100], None, [0, 1]),
        ([0, 0], None, [0, 0]),
    ],
    ids=["plain", "left parts", "right parts", "both", "alpha", "dim", "empty"],
)
def test_masks_of_other_origin(labels: list[int], side: str | None, expected: list[int]) -> None:
    found = masks.hand_of(np.array([labels], np.uint8), side)
    np.testing.assert_array_equal(found, np.array([expected], bool))


def test_an_alpha_is_kept_and_a_plain_mask_softened() -> None:
    picture = np.full((100, 100, 3), GROUND, np.uint8)
    alpha = masks.soften(disc(30), 4.0)
    np.testing.assert_array_equal(
        masks.matte_of(picture, masks.alpha_of(alpha, masks.hand_of(alpha, None))).alpha, alpha
    )
    plain = masks.matte_of(picture, masks.alpha_of(disc(30).astype(np.uint8), disc(30)))
    np.testing.assert_array_equal(plain.mask, disc(30))
    assert len(np.unique(plain.alpha)) > 4


def test_an_arm_is_cut_out_with_its_hand_and_nobody_else() -> None:
    """RHD's parts: 1 the person, 2 to 17 the left hand, 18 to 33 the right one."""
    labels = np.zeros((60, 100), np.uint8)
    labels[20:40, 40:60] = 5
    labels[25:35, 10:40] = 1
    labels[20:40, 80:95] = 20
    labels[5:15, 80:95] = 1
    found = masks.alpha_of(labels, masks.hand_of(labels, "left")) >= 128
    assert found[22:38, 42:58].all()
    assert found[27:33, 12:40].all()
    assert not found[:, 70:].any()
    np.testing.assert_array_equal(masks.hand_of(labels, "left"), labels == 5)


def test_a_reduced_photo_gives_the_same_hand() -> None:
    picture, truth = shaded()
    small = images.reduced(picture, 225)
    found = masks.find(small, 225, reduced=True)
    assert found is not None
    share = cv2.resize(truth.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(found.alpha / 255 - share).mean() < 0.01
    assert overlap(found.mask, share >= 0.5) > 0.97


def test_a_cut_out_with_transparency_is_a_mask(tmp_path: Path) -> None:
    """As other tools write them: the colours tell nothing, the fourth channel does."""
    alpha = masks.soften(disc(30))
    picture = np.dstack([np.full((100, 100, 3), 90, np.uint8), alpha])
    cv2.imwrite(str(tmp_path / "cut.png"), picture)
    np.testing.assert_array_equal(masks.read(tmp_path / "cut.png", 100, 100), alpha)
    cv2.imwrite(str(tmp_path / "opaque.png"), np.dstack([picture[..., :3], np.full_like(alpha, 255)]))
    assert (masks.read(tmp_path / "opaque.png", 100, 100) == 90).all()


def test_a_cut_out_is_one_in_every_format_that_has_transparency(tmp_path: Path) -> None:
    alpha = masks.soften(disc(30))[:, :80]
    picture = np.dstack([np.full((100, 80, 3), 200, np.uint8), alpha])
    cv2.imwrite(str(tmp_path / "of 16 bits.png"), picture.astype(np.uint16) * 257)
    cut_out = Image.fromarray(picture)
    cut_out.save(tmp_path / "cut.webp", lossless=True)
    cut_out.save(tmp_path / "cut.tif")
    for name in ("of 16 bits.png", "cut.webp", "cut.tif"):
        np.testing.assert_array_equal(masks.read(tmp_path / name, 80, 100), alpha, name)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned to the right
    for name in ("turned.webp", "turned.tif"):
        cut_out.save(tmp_path / name, exif=exif, **({"lossless": True} if "webp" in name else {}))
        np.testing.assert_array_equal(masks.read(tmp_path / name, 100, 80), np.rot90(alpha, -1), name)


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    images.write(tmp_path / "m.png", np.zeros((4, 6), np.uint8))
    assert masks.read(tmp_path / "m.png", 6, 4).shape == (4, 6)
    with pytest.raises(UnreadableImage, match="a mask of 6 x 4; allowed: 4 x 6, as its image"):
        masks.read(tmp_path / "m.png", 4, 6)


def test_drawn_hands_hold_their_keypoints(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    for sample in list(dataset)[:8]:
        found = masks.find(dataset.read_image(sample))
        assert found is not None
        assert masks.off_mask(found.mask, sample.keypoints).max() < 0.02


def test_real_photographs_hold_their_labels(real_data: Path) -> None:
    """Photos of 11k Hands: nearly every labelled point lies on the mask or within 2 % of the hand's size."""
    off = []
    for path in sorted((real_data / "11k_hands_224" / "images" / "test").glob("*.jpg"))[::6]:
        line = (real_data / "11k_hands_224" / "labels" / "test" / f"{path.stem}.txt").read_text().split()
        values = np.array(line[5:], float).reshape(21, 3)
        found = masks.find(images.read(path))
        assert found is not None, path.name
        off.append(masks.off_mask(found.mask, values[values[:, 2] > 0, :2] * 224))
    assert (np.concatenate(off) <= 0.02).mean() > 0.99


def test_photographs_give_the_same_bytes_in_every_thread(real_data: Path) -> None:
    """One on which OpenCV's float gradients differed in the last bit from thread to thread."""
    photo = images.read(real_data / "11k_hands" / "Hands" / "Hand_0004164.jpg")

    def alpha(_: int) -> bytes:
        found = masks.find(photo)
        return b"" if found is None else found.alpha.tobytes()

    with ThreadPoolExecutor(2) as pool:
        assert len({*pool.map(alpha, range(12)), alpha(0)}) == 1
