"""From a render to a row: what is written, and what counts as visible."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from shots import FINISH, ROW, SIZE, ground, hand, shot, take

from curate.basics import images
from curate.basics.errors import InputError
from curate.data import depth
from render import finish
from render.cut import Cut
from render.look.grounds import Clutter, Colour, Environment, Ground, Owner, Picture, Wall

OpenEXR = pytest.importorskip("OpenEXR")


def write_exr(path: Path, light: np.ndarray, parts: np.ndarray, depth: np.ndarray) -> Path:
    channels = {f"ViewLayer.Combined.{c}": light[..., i].astype(np.float32) for i, c in enumerate("RGB")}
    channels["ViewLayer.Combined.A"] = np.ones(light.shape[:2], np.float32)
    channels["ViewLayer.Depth.Z"] = depth.astype(np.float32)
    channels["ViewLayer.Material Index.X"] = parts.astype(np.float32)
    channels |= {f"ViewLayer.Environment.{c}": np.zeros(light.shape[:2], np.float32) for c in "RGB"}
    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(path))
    return path


@pytest.fixture
def points() -> np.ndarray:
    """All keypoints in the picture's middle, 1 m away, but for a few that tests move."""
    return np.tile([0.0, 0.0, -1.0], (21, 1))


def plane(value: float) -> np.ndarray:
    return np.full((SIZE, SIZE), value)


def passes(
    light: np.ndarray, parts: np.ndarray, alpha: np.ndarray | None = None, sky: float = 0
) -> finish.Passes:
    return finish.Passes(
        light.astype(np.float32),
        plane(1.0) if alpha is None else alpha,
        plane(1.0),
        parts.astype(np.uint8),
        np.full((SIZE, SIZE, 3), sky, np.float32),
    )


def seen_at(depth: float, parts: np.ndarray, points: np.ndarray, *, left: bool = False) -> np.ndarray:
    """The visibility of points before a surface so far away."""
    made, surface = shot(hands=(hand(keypoints=points),)), passes(np.zeros((SIZE, SIZE, 3)), parts)
    surface = dataclasses.replace(surface, depth=plane(depth))
    return finish.visibility(made.projected(), -points[:, 2], made.hands[0].radius, surface, left)


def test_a_row_and_its_files(tmp_path: Path, points: np.ndarray) -> None:
    points[8] = [0.25, 0.125, -1.0]  # 16 px right of the middle, 8 px above it
    parts = plane(0)
    parts[20:50, 10:60] = 33
    exr = write_exr(tmp_path / "a.exr", np.full((SIZE, SIZE, 3), 0.25), parts, plane(1.0))
    (row,) = finish.finish(shot(hands=(hand(keypoints=points),)), [7], exr, tmp_path)
    assert row.sample_id == "render/abcdef-0000007"
    assert row.keypoints[8].tolist() == [48, 24]
    assert row.xyz is not None
    assert row.xyz[8] == pytest.approx([0.25, -0.125, 1.0])
    assert row.bbox is not None
    assert row.bbox.tolist() == [10, 20, 50, 30]
    assert np.array_equal(images.read(tmp_path / "masks/0000007.png", grey=True), parts)
    metres = depth.read(tmp_path / "depth/0000007.png", SIZE, SIZE)
    assert metres[30, 30] == pytest.approx(1.0, abs=1e-4)
    assert row.sha256 == images.pixel_sha256(images.read(tmp_path / row.image))
    assert (row.tilt, row.rotation, row.label_source) == (10.0, 20.0, "render")


def test_white_under_the_hands_light_is_white() -> None:
    # The hand (albedo 0.25) sends back 0.1: what falls on it is 0.4, and a white table sends back all of it.
    parts, light = plane(0).astype(np.uint8), np.full((SIZE, SIZE, 3), 0.4)
    parts[:20] = 33
    light[:20] = 0.1
    pixels = finish.develop(passes(light, parts), FINISH, ground("table"))
    assert (pixels[40] == 255).all()
    # sRGB of 0.25 is 0.5371.
    assert (pixels[5] == 137).all()


def test_coloured_light_is_balanced_in_part() -> None:
    # Red light, four times the green and blue, on a grey hand: six tenths of it (in powers) are taken out.
    parts = plane(33).astype(np.uint8)
    light = np.tile([0.2, 0.05, 0.05], (SIZE, SIZE, 1))
    linear = (finish.develop(passes(light, parts), FINISH, ground("table"))[5, 5] / 255.0 + 0.055) / 1.055
    red, green, blue = linear**2.4
    assert green == pytest.approx(blue, rel=0.02)
    assert red / green == pytest.approx(4**0.4, rel=0.03)


def test_a_colour_is_seen_where_the_hand_is_not() -> None:
    # The hand (albedo 0.25) is under white light; the pixels of row 20 are half hand, half ground.
    parts, light, alpha = plane(0).astype(np.uint8), np.zeros((SIZE, SIZE, 3)), plane(0.0)
    parts[:20], light[:20], alpha[:20] = 33, 0.25, 1.0
    alpha[20] = 0.5
    sent = passes(light, parts, alpha)
    pixels = finish.develop(sent, FINISH, Colour((1.0, 0.2159, 0.0)))  # sRGB 255, 128, 0
    assert pixels[5, 5].tolist() == [137, 137, 137]
    assert pixels[40, 5].tolist() == [255, 128, 0]
    assert pixels[20, 5, 0] == 188  # sRGB of 0.5


def test_pictures_are_seen_behind_the_hand(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.full((SIZE, SIZE, 3), [10, 100, 200], np.uint8))
    nothing = np.zeros((SIZE, SIZE, 3))
    parts = plane(0).astype(np.uint8)
    pixels = finish.develop(passes(nothing, parts, plane(0)), FINISH, Picture(str(tmp_path), 3))
    assert (pixels == [10, 100, 200]).all()


def test_clutter_is_seen_behind_the_hand() -> None:
    nothing, parts = np.zeros((SIZE, SIZE, 3)), plane(0).astype(np.uint8)
    one, other = (finish.develop(passes(nothing, parts, plane(0)), FINISH, Clutter(seed)) for seed in (1, 2))
    assert one.std() > 5
    assert not np.array_equal(one, other)


def test_an_owner_is_seen_behind_the_hand_alone() -> None:
    light, parts, alpha = np.zeros((SIZE, SIZE, 3)), plane(0).astype(np.uint8), plane(0.0)
    owner, clutter = Owner(5, melanin=0.05, blood=0.01), Clutter(5)
    one = np.ones(3, np.float32)
    without = finish.behind(owner, passes(light, parts, alpha), one)
    np.testing.assert_array_equal(without, finish.behind(clutter, passes(light, parts, alpha), one))
    hand = (slice(30, 50), slice(28, 40))
    parts[hand], light[hand], alpha[hand] = 33, 0.4, 1.0
    shown = finish.behind(owner, passes(light, parts, alpha), one)
    assert not shown[hand].any()
    assert (np.abs(shown - without).max(axis=2) > 0.02)[alpha == 0].mean() > 0.2


def test_a_wall_is_seen_behind_the_hand_with_its_shadow() -> None:
    nothing, parts = np.zeros((SIZE, SIZE, 3)), plane(0).astype(np.uint8)
    alpha = plane(0.0)
    alpha[:, :20] = 1.0
    walls = [Wall(seed) for seed in range(12)]
    bare = [finish.behind(wall, passes(nothing, parts, plane(0.0)), np.ones(3)) for wall in walls]
    beside = [finish.behind(wall, passes(nothing, parts, alpha), np.ones(3)) for wall in walls]
    assert not any(light[:, :20].any() for light in beside)
    darker = [(bright[:, 20:] - shaded[:, 20:]).max() for bright, shaded in zip(bare, beside, strict=True)]
    assert min(darker) >= -1e-6
    assert sum(dark > 0.02 for dark in darker) >= 4


@pytest.mark.parametrize("motion", [(9.0, 0.0), (0.0, -6.0), (5.0, 4.0)])
def test_motion_draws_a_point_out_and_leaves_its_middle(motion: tuple[float, float]) -> None:
    light, parts = np.zeros((SIZE, SIZE, 3)), plane(0).astype(np.uint8)
    light[30, 34] = 1.0
    moved = dataclasses.replace(FINISH, motion=motion)
    seen = finish.develop(passes(light, parts), moved, ground("table"))[..., 0] / 255.0
    rows, columns = np.nonzero(seen > 0.1)
    assert (columns.mean(), rows.mean()) == pytest.approx((34, 30), abs=0.3)
    assert np.ptp(columns) == pytest.approx(abs(motion[0]), abs=1.5)
    assert np.ptp(rows) == pytest.approx(abs(motion[1]), abs=1.5)


def test_the_environment_is_seen_beside_the_hand_under_the_hands_exposure() -> None:
    # The hand (albedo 0.25) sends back 0.125: the exposure doubles all light, the sky's 0.25 too.
    parts, light, alpha = plane(0), np.zeros((SIZE, SIZE, 3)), plane(0.0)
    parts[:20], light[:20], alpha[:20] = 33, 0.125, 1.0
    sent = passes(light, parts, alpha, sky=0.25)
    sent.sky[:20] = 0
    pixels = finish.develop(sent, FINISH, Environment())
    assert (pixels[5] == 137).all()  # sRGB of 0.25
    assert (pixels[40] == 188).all()  # sRGB of 0.5


def test_a_mirrored_take_shows_the_other_hand_where_it_is(tmp_path: Path, points: np.ndarray) -> None:
    points[8] = [0.25, 0.125, -1.0]  # 16 px right of the middle, 8 px above it
    parts = plane(0)
    parts[20:50, 10:60] = 33
    exr = write_exr(tmp_path / "a.exr", np.full((SIZE, SIZE, 3), 0.25), parts, plane(1.0))
    of_left = dataclasses.replace(ROW, side="left")
    right, left = take(), take(index=8, cut=Cut(0, 0, SIZE, mirrored=True, quarters=0), rows=(of_left,))
    made = shot(hands=(hand(keypoints=points),), takes=(right, left))
    one, other = finish.finish(made, [7, 8], exr, tmp_path)
    assert other.keypoints[8].tolist() == [16, 24]
    assert other.xyz[8] == pytest.approx([-0.25, -0.125, 1.0])
    assert other.bbox.tolist() == [4, 20, 50, 30]
    assert np.array_equal(one.visibility, other.visibility)
    mask = images.read(tmp_path / other.mask, grey=True)
    assert np.array_equal(mask, np.where(parts == 33, 17, 0)[:, ::-1])
    (alone,) = finish.finish(made, [8], exr, tmp_path)
    assert alone.sha256 == other.sha256


def test_each_of_two_hands_is_a_row_of_the_same_picture(tmp_path: Path, points: np.ndarray) -> None:
    # The right palm covers all but the left columns, where the left one is seen. Both hands are in the middle
    # of the picture, but for the wrist of the left one.
    parts = plane(33)
    parts[:, :10] = 17
    exr = write_exr(tmp_path / "a.exr", np.full((SIZE, SIZE, 3), 0.25), parts, plane(1.0))
    other = points.copy()
    other[0] = [-0.4, 0.0, -1.0]
    rows = (ROW, dataclasses.replace(ROW, sample_id="render/b", side="left"))
    made = shot(hands=(hand(keypoints=points), hand(keypoints=other, side="left")), takes=(take(rows=rows),))
    right, left = finish.finish(made, [7], exr, tmp_path)
    assert (right.image, right.mask, right.depth, right.sha256) == (
        left.image,
        left.mask,
        left.depth,
        left.sha256,
    )
    assert (right.sample_id, left.sample_id) == ("render/abcdef-0000007", "render/b")
    assert right.bbox.tolist() == [10, 0, SIZE - 10, SIZE]
    assert left.bbox.tolist() == [0, 0, 10, SIZE]
    # The palm has the wrist and the first joints of fingers; of the left hand all but the wrist is hidden.
    assert np.flatnonzero(right.visibility == 2).tolist() == [0, 1, 5, 9, 13, 17]
    assert np.flatnonzero(left.visibility == 2).tolist() == [0]


def test_light_is_measured_on_one_hand(tmp_path: Path) -> None:
    # The right hand (albedo 0.25) sends back 0.25; that of another person beside it is dark.
    parts, light = plane(33).astype(np.uint8), np.full((SIZE, SIZE, 3), 0.25)
    parts[:, :10], light[:, :10] = 17, 0.01
    pixels = finish.develop(passes(light, parts), FINISH, ground("table"))
    assert (pixels[5, 40] == 137).all()


def test_a_picture_without_a_hand_has_an_empty_mask_and_no_labels(tmp_path: Path) -> None:
    exr = write_exr(tmp_path / "a.exr", np.full((SIZE, SIZE, 3), 0.25), plane(0), plane(1.0))
    told = dataclasses.replace(
        ROW, subject_id=None, side=None, aspect=None, tilt=None, rotation=None, licence=None
    )
    (row,) = finish.finish(shot(hands=(), takes=(take(rows=(told,)),)), [7], exr, tmp_path)
    assert np.isnan(row.keypoints).all()
    assert not row.visibility.any()
    assert (row.side, row.aspect, row.subject_id, row.bbox, row.xyz) == (None, None, None, None, None)
    assert not images.read(tmp_path / "masks/0000007.png", grey=True).any()
    assert images.read(tmp_path / row.image).mean() > 100


def test_a_cut_out_ground_that_nobody_draws_is_told() -> None:
    nothing = passes(np.zeros((SIZE, SIZE, 3)), plane(0))
    with pytest.raises(NotImplementedError, match="no function for the ground 'unheard of'"):
        finish.behind(Unheard(), nothing, np.ones(3))


class Unheard(Ground):
    kind = "unheard of"


def test_what_lies_before_a_joint_hides_it(tmp_path: Path, points: np.ndarray) -> None:
    parts = plane(33).astype(np.uint8)
    visible = seen_at(0.99, parts, points)
    # The palm is the wrist's own part and next to each finger's first bone, whose joints lie there too.
    assert np.flatnonzero(visible == 2).tolist() == [0, 1, 5, 9, 13, 17]
    # Flesh of more than 2.2 radii (22 mm) before them hides them, though it is their own.
    hidden = seen_at(0.977, parts, points)
    assert (hidden == 1).all()


def test_a_left_hands_parts_are_its_own(points: np.ndarray) -> None:
    index_tip = np.full((SIZE, SIZE), 21 - 16, np.uint8)
    visible = seen_at(1.0, index_tip, points, left=True)
    # The last bone of the index finger carries DIP and tip, and is next to the one before.
    assert np.flatnonzero(visible == 2).tolist() == [6, 7, 8]


def test_points_outside_are_labelled_and_not_visible(points: np.ndarray) -> None:
    points[4] = [2.0, 0.0, -1.0]
    visible = seen_at(1.0, plane(18), points)
    assert visible[4] == 1


@pytest.mark.parametrize("missing", ["Depth.Z", "Material Index.X", "Combined.G", "Environment.B"])
def test_a_render_without_a_pass_is_refused(missing: str, tmp_path: Path) -> None:
    channels = {
        f"ViewLayer.{name}": plane(0).astype(np.float32)
        for name in (
            *("Combined.R", "Combined.G", "Combined.B", "Combined.A", "Depth.Z", "Material Index.X"),
            *("Environment.R", "Environment.G", "Environment.B"),
        )
        if name != missing
    }
    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(tmp_path / "a.exr"))
    with pytest.raises(InputError, match=missing):
        finish.read_passes(tmp_path / "a.exr", SIZE, SIZE)


def test_a_file_that_is_no_exr_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(b"not a picture")
    with pytest.raises(InputError, match="OpenEXR"):
        finish.read_passes(tmp_path / "a.exr", SIZE, SIZE)


def test_a_picture_of_another_size_is_refused(tmp_path: Path, points: np.ndarray) -> None:
    exr = write_exr(tmp_path / "a.exr", np.zeros((SIZE, SIZE, 3)), plane(0), plane(1))
    with pytest.raises(InputError, match="32 x 48"):
        finish.read_passes(exr, 32, 48)


@pytest.mark.parametrize(
    ("index", "place"),
    [(0, "0000000"), (9_999, "0009999"), (10_000, "0001/0010000"), (1_234_567, "0123/1234567")],
)
def test_no_folder_holds_more_than_ten_thousand_pictures(index: int, place: str) -> None:
    assert finish.place_of(index) == place
