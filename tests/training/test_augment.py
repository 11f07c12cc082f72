"""Augmentation: image and keypoints must move together."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from curate.basics import keypoints as kp
from curate.networks.losses import gaussians
from curate.networks.network import Targets
from curate.networks.recipe import Ranges
from curate.training import augment as augmentation
from curate.training.augment import Draw, draw

SIZE = 96
Points = NDArray[np.float64]
STILL = Ranges(rotation=0, scale=(1, 1), shift=0, flip=0, gamma=1, contrast=1)


def augment(images: Tensor, keypoints: Tensor, drawn: Draw) -> tuple[Tensor, Tensor]:
    """Images and keypoints under a draw."""
    targets = Targets(keypoints, torch.full(keypoints.shape[:2], 2), torch.ones(len(keypoints)))
    moved_images, moved = augmentation.augment(images, targets, drawn)
    assert (moved.mask, moved.xyz, moved.K) == (None, None, None)
    assert moved.visibility is targets.visibility
    return moved_images, moved.keypoints


def blob(point: Tensor) -> Tensor:
    """(1, 1, SIZE, SIZE) image of a Gaussian of sigma 3 at (x, y)."""
    return gaussians(point[None, None], 3.0, SIZE)


def centroid(image: Tensor) -> Tensor:
    at = torch.arange(SIZE) + 0.5
    return torch.stack([(image.sum(0) * at).sum(), (image.sum(1) * at).sum()]) / image.sum()


@given(x=st.floats(36, 60), y=st.floats(36, 60), seed=st.integers(0, 10**6), epoch=st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_a_blob_lands_where_its_keypoint_does(x: float, y: float, seed: int, epoch: int) -> None:
    keypoint = torch.tensor([x, y])
    drawn = draw(Ranges(gamma=1, contrast=1), SIZE, seed, epoch, [0])
    image, moved = augment(blob(keypoint), keypoint[None, None], drawn)
    assert torch.dist(centroid(image[0, 0]), moved[0, 0]) < 0.05


def test_autocast_does_not_coarsen_positions() -> None:
    torch.manual_seed(0)
    images, keypoints = torch.rand(2, 1, SIZE, SIZE), torch.rand(2, 21, 2) * SIZE
    drawn = draw(Ranges(), SIZE, 0, 0, [0, 1])
    plain = augment(images, keypoints, drawn)
    with torch.autocast("cpu", torch.bfloat16):
        cast = augment(images, keypoints, drawn)
    assert torch.equal(plain[0], cast[0])
    assert torch.equal(plain[1], cast[1])


def test_without_ranges_nothing_changes() -> None:
    torch.manual_seed(0)
    images, keypoints = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 21, 2) * SIZE
    moved_images, moved = augment(images, keypoints, draw(STILL, SIZE, 0, 0, [5, 6]))
    torch.testing.assert_close(moved_images, images, atol=1e-4, rtol=0)
    torch.testing.assert_close(moved, keypoints, atol=1e-4, rtol=0)


def hand_drawn(matrix: list[list[float]], flipped: bool = False, **tones: float) -> Draw:
    tones = dict.fromkeys(("gamma", "contrast", "brightness", "saturation"), 1.0) | tones
    columns = {name: np.array([value]) for name, value in tones.items()}
    return Draw(np.array([matrix]), np.array([flipped]), **columns)


def test_a_mirror_is_the_reversed_image_and_keeps_every_keypoints_identity() -> None:
    torch.manual_seed(0)
    images, keypoints = torch.rand(1, 1, SIZE, SIZE), torch.rand(1, 21, 2) * SIZE
    drawn = draw(Ranges(0, (1, 1), 0, flip=1, gamma=1, contrast=1), SIZE, 0, 0, [0])
    mirrored, moved = augment(images, keypoints, drawn)
    assert drawn.flipped.tolist() == [True]
    torch.testing.assert_close(mirrored, images.flip(-1), atol=1e-4, rtol=0)
    expected = torch.stack([SIZE - keypoints[..., 0], keypoints[..., 1]], -1)
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)


def turn(points: Tensor) -> Tensor:
    """Sign of the turn wrist -> index MCP -> little MCP: it tells a left palm from a right one."""
    a, b = points[:, kp.INDEX["index_mcp"]] - points[:, 0], points[:, kp.INDEX["little_mcp"]] - points[:, 0]
    return torch.sign(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def test_handedness_swaps_exactly_where_flipped() -> None:
    torch.manual_seed(0)
    keypoints = (torch.rand(1, 21, 2) * SIZE).expand(64, 21, 2)
    drawn = draw(Ranges(), SIZE, 0, 0, range(64))
    _, moved = augment(torch.zeros(64, 1, SIZE, SIZE), keypoints, drawn)
    swapped = turn(moved) != turn(keypoints)
    assert swapped.tolist() == drawn.flipped.tolist()
    assert 16 < drawn.flipped.sum() < 48


def test_a_shift_by_whole_pixels_moves_pixels_and_continues_the_edge() -> None:
    image = torch.arange(SIZE, dtype=torch.float32).expand(1, 1, SIZE, SIZE) / SIZE
    moved, points = augment(image, torch.tensor([[[10.0, 20.0]]]), hand_drawn([[1, 0, 3], [0, 1, 0]]))
    torch.testing.assert_close(moved[..., 3:], image[..., :-3], atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[..., :3], torch.zeros(1, 1, SIZE, 3), atol=1e-4, rtol=0)
    assert points.tolist() == [[[13.0, 20.0]]]


def test_a_stretch_makes_wider_and_less_high_or_the_other_way() -> None:
    """Around the middle, by the same factor each way, of at most the one given."""
    drawn = draw(replace(STILL, stretch=1.5), SIZE, 0, 0, range(64))
    across, down = drawn.matrix[:, 0, 0], drawn.matrix[:, 1, 1]
    np.testing.assert_allclose(across * down, 1)
    assert (np.abs(np.log(across)) <= np.log(1.5)).all()
    assert across.max() > 1.4
    assert across.min() < 0.72
    corner = torch.tensor([[[0.0, SIZE]]])
    _, moved = augment(torch.zeros(1, 1, SIZE, SIZE), corner, hand_drawn(drawn.matrix[0]))
    torch.testing.assert_close(
        moved[0, 0].double(),
        torch.from_numpy(np.array([(1 - across[0]), (1 + down[0])]) * SIZE / 2),
        atol=1e-4,
        rtol=0,
    )


def test_points_that_leave_the_frame_and_unlabelled_ones_stay_true() -> None:
    points = torch.tensor([[[95.0, 50.0], [torch.nan, torch.nan]]])
    _, moved = augment(torch.zeros(1, 1, SIZE, SIZE), points, hand_drawn([[1, 0, 7], [0, 1, 0]]))
    assert moved[0, 0].tolist() == [102.0, 50.0]
    assert moved[0, 1].isnan().all()


def test_brightness_and_saturation_by_hand() -> None:
    # The grey of (.2, .4, .6) is .4; twice as far from it: (0, .4, .8); half as bright: (0, .2, .4).
    image = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None].repeat(1, 1, SIZE, SIZE)
    drawn = hand_drawn([[1, 0, 0], [0, 1, 0]], brightness=0.5, saturation=2.0)
    toned, _ = augment(image, torch.zeros(1, 1, 2), drawn)
    torch.testing.assert_close(toned[0, :, 3, 3], torch.tensor([0.0, 0.2, 0.4]))


def test_gamma_and_contrast_by_hand() -> None:
    # .25 ** .5 = .5, and contrast turns about the middle grey; .81 ** .5 = .9 -> .5 + .4 * 2, clipped.
    image = torch.tensor([0.25, 0.81]).repeat_interleave(2)[None, None, None].expand(1, 1, 4, 4)
    moved, _ = augment(
        image, torch.zeros(1, 1, 2), hand_drawn([[1, 0, 0], [0, 1, 0]], gamma=0.5, contrast=2.0)
    )
    assert moved[0, 0, 1].tolist() == pytest.approx([0.5, 0.5, 1.0, 1.0], abs=1e-5)


def test_a_draw_depends_on_seed_epoch_and_index_alone() -> None:
    together = draw(Ranges(), SIZE, 1, 2, [7, 8, 9])
    alone = draw(Ranges(), SIZE, 1, 2, [8])
    assert np.array_equal(together.matrix[1], alone.matrix[0])
    for other in (
        draw(Ranges(), SIZE, 2, 2, [8]),
        draw(Ranges(), SIZE, 1, 3, [8]),
        draw(Ranges(), SIZE, 1, 2, [9]),
    ):
        assert not np.array_equal(other.matrix, alone.matrix)


def test_draws_stay_within_their_ranges() -> None:
    ranges = Ranges()
    drawn = draw(ranges, SIZE, 0, 0, range(500))
    linear = drawn.matrix[:, :, :2]
    scale = np.sqrt(np.abs(np.linalg.det(linear)))
    assert ranges.scale[0] <= scale.min() < 0.9
    assert 1.25 < scale.max() <= ranges.scale[1]
    angle = np.degrees(np.arctan2(-linear[:, 0, 1], linear[:, 1, 1]))
    assert 27 < np.abs(angle).max() <= 30
    centre = linear @ np.full(2, SIZE / 2) + drawn.matrix[:, :, 2]
    assert 7 < np.abs(centre - SIZE / 2).max() <= 0.08 * SIZE
    assert 1 / 1.5 <= drawn.gamma.min() < 0.7
    assert 1.2 < drawn.contrast.max() <= 1.3


def test_mirrors_that_are_asked_for_leave_right_hands_alone() -> None:
    left = np.array([True, False, False, True])
    drawn = draw(Ranges(), SIZE, 0, 0, range(4), left)
    chance = draw(Ranges(), SIZE, 0, 0, range(4))
    assert drawn.flipped.tolist() == left.tolist()
    signs = np.sign(np.linalg.det(drawn.matrix[:, :, :2]))
    assert signs.tolist() == [-1, 1, 1, -1]
    same = chance.flipped == left
    np.testing.assert_array_equal(drawn.matrix[same], chance.matrix[same])
    np.testing.assert_array_equal(drawn.gamma, chance.gamma)


FINE = 8  # parts of a pixel's side that shares are counted in


def targets_of(**labels: Tensor) -> Targets:
    return Targets(torch.zeros(1, 1, 2), torch.ones(1, 1), torch.ones(1), **labels)


def test_a_mask_moves_with_its_image() -> None:
    mask = torch.zeros(1, SIZE, SIZE)
    mask[0, 30:60, 20:50] = 1
    for seed in range(5):
        drawn = draw(Ranges(gamma=1, contrast=1), SIZE, seed, 0, [0])
        image, moved = augmentation.augment(mask[:, None], targets_of(mask=mask), drawn)
        assert moved.mask is not None
        torch.testing.assert_close(moved.mask, image[:, 0])


def test_a_mask_by_hand() -> None:
    """Moved by a whole pixel and two, and by half a pixel, over which the hand is spread."""
    mask = torch.zeros(1, 4, 4)
    mask[0, 1, 2] = 1
    for shift, expected in ((1.0, {(3, 3): 1.0}), (0.5, {(3, 2): 0.5, (3, 3): 0.5})):
        _, moved = augmentation.augment(
            torch.zeros(1, 1, 4, 4), targets_of(mask=mask), hand_drawn([[1, 0, shift], [0, 1, 2]])
        )
        assert moved.mask is not None
        places = map(tuple, moved.mask[0].nonzero().tolist())
        assert {place: float(moved.mask[0][place]) for place in places} == expected


def test_the_edge_of_a_turned_mask_is_where_the_hand_ends() -> None:
    """Bars of 3.5 px, turned by 30 degrees: the hand has half of each pixel that is said to be its own."""

    def shares(x: Points, y: Points) -> Points:
        bars = (x % 8.3 < 3.5) & (abs(x - 48) < 28) & (abs(y - 48) < 25.4)
        return bars.reshape(SIZE, FINE, SIZE, FINE).mean((1, 3))

    cos, sin, middle = np.cos(np.pi / 6), 0.5, SIZE / 2
    y, x = (np.mgrid[: SIZE * FINE, : SIZE * FINE] + 0.5) / FINE
    back = cos * (x - middle) + sin * (y - middle), cos * (y - middle) - sin * (x - middle)
    wanted = shares(back[0] + middle, back[1] + middle) > 0.5
    turn = [[cos, -sin, middle * (1 - cos + sin)], [sin, cos, middle * (1 - sin - cos)]]
    mask = torch.from_numpy(shares(x, y)).float()[None]
    _, moved = augmentation.augment(mask[:, None], targets_of(mask=mask), hand_drawn(turn))
    assert moved.mask is not None
    found = moved.mask[0].numpy() > 0.5
    assert (found & wanted).sum() > 0.95 * (found | wanted).sum()  # of whole pixels, 0.85


def project(xyz: Tensor, K: Tensor) -> Tensor:
    seen = (K @ xyz.mT).mT
    return seen[..., :2] / seen[..., 2:]


def in_space(seed: int) -> tuple[Targets, Targets]:
    """Targets with xyz and a camera of square pixels, before and after an augmentation."""
    xyz = torch.tensor([[[0.02, -0.03, 0.5], [0.1, 0.05, 0.7], [-0.04, 0.01, 0.6]]])
    K = torch.tensor([[[120.0, 0.0, 48.0], [0.0, 120.0, 40.0], [0.0, 0.0, 1.0]]])
    targets = Targets(project(xyz, K), torch.ones(1, 3), torch.ones(1), xyz=xyz, K=K)
    drawn = draw(Ranges(), SIZE, seed, 0, [0])
    return targets, augmentation.augment(torch.zeros(1, 1, SIZE, SIZE), targets, drawn)[1]


@pytest.mark.parametrize("seed", range(6))
def test_xyz_and_camera_move_so_that_they_still_project_onto_the_keypoints(seed: int) -> None:
    before, after = in_space(seed)
    assert before.xyz is not None
    assert after.xyz is not None
    assert after.K is not None
    torch.testing.assert_close(project(after.xyz, after.K), after.keypoints, atol=1e-3, rtol=0)
    # A camera as before, with another focal length and centre: nothing tells that the image was turned.
    focal = float(after.K[0, 0, 0])
    assert 0.85 * 120 <= focal <= 1.3 * 120
    torch.testing.assert_close(after.K[0, :2, :2], focal * torch.eye(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.pdist(after.xyz[0]), torch.pdist(before.xyz[0]))
    torch.testing.assert_close(after.xyz[..., 2], before.xyz[..., 2])


@pytest.mark.parametrize("seed", range(6))
def test_a_stretched_picture_is_another_cameras_of_the_same_hand(seed: int) -> None:
    before, _ = in_space(0)
    drawn = draw(Ranges(stretch=1.4), SIZE, seed, 0, [0])
    _, after = augmentation.augment(torch.zeros(1, 1, SIZE, SIZE), before, drawn)
    assert before.xyz is not None
    assert after.xyz is not None
    assert after.K is not None
    torch.testing.assert_close(project(after.xyz, after.K), after.keypoints, atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.pdist(after.xyz[0]), torch.pdist(before.xyz[0]))


def test_a_mirror_makes_the_other_hand_in_space_too() -> None:
    before, _ = in_space(0)
    drawn = draw(Ranges(0, (1, 1), 0, flip=1, gamma=1, contrast=1), SIZE, 0, 0, [0])
    _, after = augmentation.augment(torch.zeros(1, 1, SIZE, SIZE), before, drawn)
    assert before.xyz is not None
    assert after.K is not None
    torch.testing.assert_close(after.xyz, before.xyz * torch.tensor([-1.0, 1.0, 1.0]))
    torch.testing.assert_close(after.K[0, :2, 2], torch.tensor([SIZE - 48.0, 40.0]))
