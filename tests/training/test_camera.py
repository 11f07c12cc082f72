"""What cameras do to pictures: each effect alone, and none of them moves anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from curate.networks.recipe import Camera
from curate.training.camera import taken

NOTHING = Camera(shade=0, cast=1, grey=0, covered=0, filtered=0, coarse=1, blur=0, noise=0)
COUNT, SIDE = 40, 48


def pictures(channels: int = 3) -> torch.Tensor:
    return torch.rand((COUNT, channels, SIDE, SIDE), generator=torch.Generator().manual_seed(1))


def through(camera: Camera, images: torch.Tensor) -> torch.Tensor:
    return taken(images, camera, 3, 5, range(len(images)))


def test_a_camera_that_does_nothing_changes_nothing() -> None:
    torch.testing.assert_close(through(NOTHING, pictures()), pictures())


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_keep_their_shape_and_range(channels: int) -> None:
    found = through(Camera(), pictures(channels))
    assert found.shape == (COUNT, channels, SIDE, SIDE)
    assert found.min() >= 0
    assert found.max() <= 1
    assert (found != pictures(channels)).flatten(1).any(1).sum() > COUNT / 2


def test_a_draw_depends_on_seed_epoch_and_index_alone() -> None:
    images = pictures()
    whole = taken(images, Camera(), 3, 5, range(COUNT))
    torch.testing.assert_close(taken(images[[7, 2]], Camera(), 3, 5, [7, 2]), whole[[7, 2]])
    for seed, epoch in ((4, 5), (3, 6)):
        assert not torch.equal(taken(images, Camera(), seed, epoch, range(COUNT)), whole)


def test_which_pictures_an_effect_falls_upon_does_not_hang_on_the_others() -> None:
    def grey(camera: Camera) -> torch.Tensor:
        found = through(camera, pictures())
        return (found[:, 0] == found[:, 1]).flatten(1).all(1)

    alone = grey(replace(NOTHING, grey=0.5))
    torch.testing.assert_close(grey(replace(NOTHING, grey=0.5, shade=0.2, cast=1.3, covered=1)), alone)
    assert 10 <= alone.sum() <= 30  # half of 40


def test_a_cast_is_a_factor_for_each_colour() -> None:
    images = 0.5 * pictures()
    factors = through(replace(NOTHING, cast=1.5), images) / images
    spread = factors.flatten(2).amax(2) - factors.flatten(2).amin(2)
    assert spread.max() < 1e-4
    assert factors.min() >= 1 / 1.5 - 1e-4
    assert factors.max() <= 1.5 + 1e-4
    assert factors.max() > 1.3


def test_uneven_light_is_smooth() -> None:
    images = torch.full((COUNT, 3, SIDE, SIDE), 0.3)
    found = through(replace(NOTHING, shade=0.2), images)
    assert found.std() > 0.02
    assert found.diff(dim=3).abs().max() < 0.05


def test_a_patch_has_one_colour_of_the_picture() -> None:
    images = pictures()
    found = through(replace(NOTHING, covered=1), images)
    for before, after in zip(images, found, strict=True):
        changed = (before != after).any(0)
        rows, columns = changed.any(1).nonzero()[:, 0], changed.any(0).nonzero()[:, 0]
        patch = after[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].flatten(1)
        assert (patch == patch[:, :1]).all()
        assert (before.flatten(1) == patch[:, :1]).all(0).any()
        assert 0.01 < patch.shape[1] / SIDE**2 < 0.15


@pytest.mark.parametrize("camera", [replace(NOTHING, coarse=3.0), replace(NOTHING, blur=0.06)])
def test_nothing_moves(camera: Camera) -> None:
    place = np.array([30.0, 17.0])
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    blob = torch.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 18)
    for picture in through(camera, blob.expand(COUNT, 1, SIDE, SIDE)):
        centre = torch.stack([(picture * x).sum(), (picture * y).sum()]) / picture.sum()
        assert np.abs(centre.numpy() - place).max() < 0.2


def test_a_filter_gives_other_textures_of_the_same_mean() -> None:
    images = 0.4 + 0.02 * pictures()
    found = through(replace(NOTHING, filtered=1), images)
    torch.testing.assert_close(found.mean((2, 3)), images.mean((2, 3)))
    assert (found - images).abs().amax((1, 2, 3)).min() > 0.005


def test_noise_is_no_larger_than_asked() -> None:
    images = torch.full((COUNT, 1, SIDE, SIDE), 0.5)
    spread = through(replace(NOTHING, noise=0.1), images).flatten(1).std(1)
    assert spread.max() < 0.105
    assert ((spread > 0.001).sum() - COUNT / 2).abs() < 12
