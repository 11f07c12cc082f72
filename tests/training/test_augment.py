"""Augmentation: image and keypoints must move together."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from curate.basics import keypoints as kp
from curate.networks.losses import profiles
from curate.training.augment import Draw, Ranges, augment, draw, standardise, to_float

SIZE = 96
STILL = Ranges(rotation=0, scale=(1, 1), shift=0, flip=0, gamma=1, contrast=1)


def blob(point: Tensor) -> Tensor:
    """(1, 1, SIZE, SIZE) image of a Gaussian of sigma 3 at (x, y)."""
    across, down = (profiles(v, 3.0, SIZE) for v in point)
    return torch.outer(down, across)[None, None]


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


def hand_drawn(
    matrix: list[list[float]], flipped: bool = False, gamma: float = 1.0, contrast: float = 1.0
) -> Draw:
    return Draw(np.array([matrix]), np.array([flipped]), np.array([gamma]), np.array([contrast]))


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


def test_points_that_leave_the_frame_and_unlabelled_ones_stay_true() -> None:
    points = torch.tensor([[[95.0, 50.0], [torch.nan, torch.nan]]])
    _, moved = augment(torch.zeros(1, 1, SIZE, SIZE), points, hand_drawn([[1, 0, 7], [0, 1, 0]]))
    assert moved[0, 0].tolist() == [102.0, 50.0]
    assert moved[0, 1].isnan().all()


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


def test_pixels_become_floats_with_channels_first() -> None:
    grey = to_float(torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8))
    assert grey.shape == (1, 1, 2, 2)
    assert grey.flatten().tolist() == pytest.approx([0, 1, 0.2, 0.4])
    colour = to_float(torch.zeros(5, 8, 8, 3, dtype=torch.uint8))
    assert colour.shape == (5, 3, 8, 8)


def test_standardised_images_have_mean_0_and_deviation_1_and_flat_ones_are_0() -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 1, 8, 8)
    images[2] = 0.4
    ready = standardise(images)
    assert ready[:2].mean((1, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert ready[:2].std((1, 2, 3), correction=0).tolist() == pytest.approx([1, 1], abs=1e-4)
    assert ready[2].abs().max() < 1e-3
