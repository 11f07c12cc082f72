"""Depth maps: two codings, and that no stage leaves one beside an image that it does not fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from curate.background import background
from curate.basics import files, images
from curate.basics.errors import UnreadableImage
from curate.build import build
from curate.crop import crop
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.options.background import BackgroundOptions
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions


def test_our_coding_holds_tenths_of_a_millimetre(tmp_path: Path) -> None:
    metres = np.array([[0.5, 0.50004, np.nan], [6.5535, 9.0, 0.00001]], np.float32)
    (tmp_path / "d.png").write_bytes(depth.encode(metres))
    stored = cv2.imread(str(tmp_path / "d.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert stored.tolist() == [[5000, 5000, 0], [65535, 65535, 1]]
    read = depth.read(tmp_path / "d.png", 3, 2)
    np.testing.assert_allclose(read, [[0.5, 0.5, np.nan], [6.5535, 6.5535, 1e-4]], atol=1e-6)


def test_rhds_coding_is_two_digits_of_256(tmp_path: Path) -> None:
    metres = np.array([[5.0, 2.5, np.nan, 7.0]], np.float32)
    (tmp_path / "d.png").write_bytes(depth.encode_rhd(metres))
    pixels = images.read(tmp_path / "d.png")
    assert pixels.tolist() == [[[255, 255, 0], [128, 0, 0], [0, 0, 0], [255, 255, 0]]]
    np.testing.assert_allclose(depth.read(tmp_path / "d.png", 4, 1), [[5, 2.5, np.nan, 5]], atol=4e-5)


def test_what_is_no_depth_map_is_told(tmp_path: Path) -> None:
    images.write(tmp_path / "grey.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(UnreadableImage, match=r"no depth map; allowed: 16-bit grey in 0\.1 mm, or RHD's"):
        depth.read(tmp_path / "grey.png", 6, 4)
    with pytest.raises(UnreadableImage, match="a depth map of 6 x 4; allowed: 64 x 64, as its image"):
        depth.read(tmp_path / "grey.png", 64, 64)


@pytest.fixture
def rendered(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """A dataset of one left hand with a part mask (RHD's ids) and a depth map."""
    picture = np.full((200, 200, 3), (230, 228, 225), np.uint8)
    mask, metres = np.zeros((200, 200), np.uint8), np.full((200, 200), np.nan, np.float32)
    hull = cv2.convexHull(np.rint(flat_hand).astype(np.int32))
    cv2.fillPoly(picture, [hull], (200, 140, 110))
    cv2.fillPoly(mask, [hull], 17)
    mask[100:, :][mask[100:, :] > 0] = 9
    mask[180:, 80:120] = 1  # forearm
    picture[180:, 80:120] = (200, 140, 110)
    metres[mask > 0] = np.indices((200, 200)).sum(0)[mask > 0] * 1e-3
    images.write(tmp_path / "images/0.png", picture)
    images.write(tmp_path / "masks/0.png", mask)
    files.write(tmp_path / "depth/0.png", depth.encode(metres))
    sample = Sample(
        "render/0",
        "render",
        "../images/0.png",
        200,
        200,
        side="left",
        keypoints=flat_hand,
        visibility=np.full(21, 2, np.uint8),
        mask="../masks/0.png",
        depth="../depth/0.png",
        attrs={"model": "procedural"},
    )
    Stage("test", tmp_path / "d", {}, quiet=True).run([(sample,)], lambda job: Part(to_batch(job)))
    return tmp_path / "d"


@pytest.mark.parametrize("size", [None, 64])
def test_a_crop_cuts_mask_and_depth_alike(rendered: Path, tmp_path: Path, size: int | None) -> None:
    crop(rendered, tmp_path / "c", CropOptions(by="mask", size=size), quiet=True)
    (made,) = Dataset(tmp_path / "c")
    assert made.mask is not None
    assert made.attrs["model"] == "procedural"
    assert made.transform is not None
    mask = images.read(tmp_path / "c" / made.mask, grey=True)
    assert set(np.unique(mask)) == {0, 1, 9, 17}  # ids, not blends of them
    metres = depth.read(tmp_path / "c" / str(made.depth), made.width or 0, made.height or 0)
    assert (np.isfinite(metres) == (mask > 0)).all()
    rows, columns = np.nonzero(mask)
    there = (np.stack([columns, rows], 1) + 0.5) @ made.transform[:, :2].T + made.transform[:, 2]
    np.testing.assert_allclose(metres[rows, columns], (there - 0.5).sum(axis=1) * 1e-3, atol=4e-3)


def test_a_new_background_keeps_the_depth_and_a_training_set_drops_it(rendered: Path, tmp_path: Path) -> None:
    background(rendered, tmp_path / "b", BackgroundOptions(backgrounds="noise"), quiet=True)
    (made,) = Dataset(tmp_path / "b")
    found = depth.read(tmp_path / "b" / str(made.depth), 200, 200)
    np.testing.assert_array_equal(found, depth.read(tmp_path / "depth/0.png", 200, 200))
    assert made.mask is not None
    alpha = images.read(tmp_path / "b" / made.mask, grey=True)
    parts = images.read(tmp_path / "masks/0.png", grey=True)
    assert (alpha[parts == 17] >= 128).mean() > 0.97
    build([rendered], tmp_path / "t", BuildOptions(size=96), quiet=True)
    (trained,) = Dataset(tmp_path / "t")
    assert (trained.mask, trained.depth, trained.attrs) == (None, None, {"model": "procedural"})
