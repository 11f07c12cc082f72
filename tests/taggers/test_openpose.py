"""OpenPose's network through OpenCV: a Caffe model of the authentic layout that finds 21 colours."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.basics.errors import InputError
from curate.data.sample import Sample
from curate.hands.photograph import Photograph
from curate.taggers.openpose import content, open_tagger, read_maps
from curate.taggers.tagger import Tagged

PROTOTXT = """input: "image"
input_dim: 1
input_dim: 3
input_dim: 368
input_dim: 368
layer { name: "shrink" type: "Pooling" bottom: "image" top: "small"
        pooling_param { pool: AVE kernel_size: 8 stride: 8 } }
layer { name: "maps" type: "Convolution" bottom: "small" top: "net_output"
        convolution_param { num_output: %d kernel_size: 1 } }
"""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def blob(values: np.ndarray) -> bytes:
    """caffe.BlobProto: data = 5 (packed), shape = 7 (dim = 1, packed)."""
    dims = b"".join(varint(side) for side in values.shape)
    data = struct.pack(f"<{values.size}f", *values.reshape(-1))
    return field(5, data) + field(7, field(1, dims))


def caffemodel(weights: np.ndarray, bias: np.ndarray) -> bytes:
    """caffe.NetParameter: name = 1, layer = 100 (name = 1, type = 2, blobs = 7)."""
    layer = field(1, b"maps") + field(2, b"Convolution") + field(7, blob(weights)) + field(7, blob(bias))
    return field(1, b"hand") + field(100, layer)


def colours() -> np.ndarray:
    """(21, 3) RGB of one length, as far from each other as may be: each is the brightest in its own light."""
    number = np.arange(21) + 0.5
    height = 1 - number / 21
    turn = np.pi * (1 + 5**0.5) * number
    flat = np.sqrt(1 - height**2)
    ball = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
    away = ball @ np.array([[1, -1, 0], [1, 1, -2], [1, 1, 1]] / np.sqrt([[2], [6], [3]]))
    return np.clip(0.5 + 0.35 * away, 0, 1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a network whose map k is 1 where the picture has colour k, and less elsewhere."""
    return write_model(tmp_path / "hand", 22)


def write_model(folder: Path, maps: int, steep: float = 8) -> Path:
    own = colours()
    off = own - 0.5  # the colours lie on a ball around grey: each projects farthest onto itself
    weights, bias = np.zeros((maps, 3, 1, 1)), np.full(maps, 0.5)
    weights[:21, ::-1, 0, 0] = steep * off[: min(21, maps)]  # blue, green, red
    bias[:21] = 1 - steep * (own * off).sum(axis=1)[: min(21, maps)]
    weights[20], bias[20] = 0, -1  # the last keypoint is never seen
    folder.mkdir(exist_ok=True)
    (folder / "pose_deploy.prototxt").write_text(PROTOTXT % maps)
    (folder / "pose.caffemodel").write_bytes(caffemodel(weights, bias))
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> tuple[Photograph, np.ndarray]:
    """A grey picture with a square of each colour but the last, and where their middles are."""
    picture = np.full((368, 368, 3), 128, np.uint8)
    places = np.array([[40 + 56 * (k % 6), 40 + 72 * (k // 6)] for k in range(21)], float)
    for (x, y), colour in zip(places[:20].astype(int), colours(), strict=False):
        picture[y - 12 : y + 12, x - 12 : x + 12] = np.rint(255 * colour)
    images.write(tmp_path / "a.png", picture)
    sample = Sample("s/a", "s", "a.png", transform=np.eye(3)[:2])  # looked at whole
    return Photograph(tmp_path, sample), places


@pytest.mark.parametrize("looks", [1, 4, 6])
def test_each_point_is_where_its_map_is_highest(
    model: Path, photo: tuple[Photograph, np.ndarray], looks: int
) -> None:
    photograph, places = photo
    (tagged,) = open_tagger(str(model), looks).tag([photograph])
    assert isinstance(tagged, Tagged)
    assert tagged.found.tolist() == [True] * 20 + [False]
    # Anywhere in its square of 24 px, as large pixels show it.
    np.testing.assert_allclose(tagged.keypoints[:20], places[:20], atol=13)
    assert tagged.scores[:20].min() > 0.5
    assert tagged.scores[20] == 0
    assert (tagged.apart is None) == (looks <= 4)
    assert open_tagger(str(model), looks).label_source == "auto:openpose"


def test_the_ground_has_a_map_and_no_point_and_low_peaks_are_none() -> None:
    """A peak in cell (3, 2) of a 46 x 46 map lies at (3.5, 2.5) * 8 px."""
    maps = np.zeros((22, 46, 46), np.float32)
    maps[4, 2, 3], maps[5, 2, 3], maps[21] = 0.8, 0.09, 1.0
    points, scores = read_maps(maps)
    assert np.flatnonzero(np.isfinite(points).all(axis=1)).tolist() == [4]
    np.testing.assert_allclose(points[4], [28, 20], atol=1.5)
    assert scores[4] == pytest.approx(0.8, abs=0.1)


def test_a_broken_photograph_is_told(
    model: Path, photo: tuple[Photograph, np.ndarray], tmp_path: Path
) -> None:
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(data[:60] + bytes(len(data) - 80) + data[-20:])
    broken = Photograph(tmp_path, Sample("s/b", "s", "b.png"))
    told, fine = open_tagger(str(model), 1).tag([broken, photo[0]])
    assert isinstance(told, InputError)
    assert isinstance(fine, Tagged)


def test_other_weights_are_another_tagger(model: Path) -> None:
    before = content(str(model))
    assert content(str(model)) == before
    write_model(model, 22, steep=7)
    assert content(str(model)) != before


def test_what_is_no_such_network_is_refused_in_a_line(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="given without its files"):
        content("")
    with pytest.raises(InputError, match=r"0 \.prototxt and 0 \.caffemodel"):
        content(str(tmp_path))
    with pytest.raises(InputError, match=r"a network that gives \(1, 21, 46, 46\).*one of 22 maps"):
        content(str(write_model(tmp_path / "fewer", 21)))
    (model / "pose.caffemodel").write_bytes(b"no weights")
    with pytest.raises(InputError, match="no network that OpenCV reads"):
        content(str(model))


@pytest.mark.parametrize("name", ["pose.caffemodel", "pose_deploy.prototxt"])
def test_what_is_no_file_is_not_read(name: str, model: Path) -> None:
    """A device has no end, and a pipe nobody may ever write to."""
    (model / name).unlink()
    (model / name).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=rf"{name}.*cannot be read \(not a regular file\)"):
        content(str(model))
    (model / name).unlink()
    os.mkfifo(model / name)
    with pytest.raises(InputError, match=rf"{name}.*cannot be read \(not a regular file\)"):
        content(str(model))
