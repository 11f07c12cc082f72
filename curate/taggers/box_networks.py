"""The networks of the box: three, whose weights come with the package, run by OpenCV.

They were trained on renders alone, see weights/README.md beside this file. `benchmarks/box/make.py` makes the
folder:

    finder.onnx      a network of masks, without what reads its outputs: (1, 3, S, S) to logits (1, S, S)
    overview.onnx    a network of maps, a distribution a keypoint: (1, 3, S, S) to logits (1, 21, s, s);
                     it is shown the whole photograph
    localiser.onnx   another, which is shown the hand; its second output, (1, 1), is how likely there is one
    open_hand.npz    how the keypoints of open hands lie to each other, by which the localiser's maps are read
    box.json         see `BoxInfo`

OpenCV is part of the core: nothing of torch is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.networks.answer import Answer
from curate.networks.open_hand import OpenHand
from curate.scoring import calibration
from curate.scoring.precision import Threshold

BOX = "box"
FOLDER = Path(__file__).parent / "weights"
FINDER, OVERVIEW, LOCALISER, INFO = "finder.onnx", "overview.onnx", "localiser.onnx", "box.json"
SHAPE = "open_hand.npz"
MAPS, HAND = "maps", "hand"  # outputs of the files
# What a training may begin with, by its network and preset.
LEARNT_BY = {
    "handseg": {"further": FINDER, "renders": FINDER, "wide": LOCALISER},
    "posenet": dict.fromkeys(("further", "further-renders", "renders"), LOCALISER),
}
# A photograph without colour is shown in that of skin: the networks learnt from colour alone. Chosen on train
# photographs made grey.
TINT = np.array([1.2, 0.95, 0.8], np.float32)
_GREY = 2  # levels by which the channels of a photograph without colour differ at most
RADIUS = 7  # cells around a map's peak that count, as curate.networks.decode has it


class BoxInfo(msgspec.Struct):
    """What box.json says.

    Attributes
    ----------
    sizes: by file, pixels a side of what it is shown. sha256: of each file.
    trusted: how likely something must be a hand, to be one. margin: around the keypoints, in the
        localiser's training.
    temperature, threshold: of the localiser's scores, see curate.training.confidence.
    """

    sizes: dict[str, int]
    sha256: dict[str, str]
    trusted: float
    margin: float
    temperature: float
    threshold: Threshold | None = None


@lru_cache(maxsize=2)
def box_info(folder: Path = FOLDER) -> BoxInfo:
    """What box.json says."""
    return msgspec.json.decode((folder / INFO).read_bytes(), type=BoxInfo)


@lru_cache(maxsize=6)
def network(file: str, folder: Path = FOLDER) -> Network:
    """One of the three, the same each time within a process."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer((folder / file).read_bytes(), np.uint8))
    info, size = box_info(folder), box_info(folder).sizes[file]
    if file != LOCALISER:
        return Network(net, size, info.temperature, info.threshold)
    shape = OpenHand.read(folder / SHAPE)
    return Network(net, size, info.temperature, info.threshold, shape, (MAPS, HAND))


@dataclass(frozen=True)
class Network:
    """See `curate.taggers.model.Model`. size: pixels a side of the images that it is shown. shape: how
    keypoints lie to each other, by which its maps are read; None: each map is read alone. outputs: names of
    the file's outputs."""

    net: Any
    size: int
    temperature: float
    threshold: Threshold | None = None
    shape: OpenHand | None = None
    outputs: tuple[str, ...] = (MAPS,)
    name: str = BOX
    _one: Lock = field(default_factory=Lock, repr=False)

    @property
    def form(self) -> tuple[int, int]:
        """Colour alone."""
        return self.size, 3

    @property
    def right_hands(self) -> bool:
        """Both sides are shown as they are."""
        return False

    def predict(self, pixels: NDArray[Any], left: NDArray[np.bool_] | None = None) -> Answer:
        """What it finds; both sides are shown as they are."""
        answers = [self._forward(picture) for picture in pixels]
        outputs, count = [answer[0] for answer in answers], len(answers)
        hands = np.array([answer[1][0] for answer in answers], np.float32) if HAND in self.outputs else None
        points = np.full((count, kp.COUNT, 2), np.nan, np.float32)
        scores = np.zeros((count, kp.COUNT), np.float32)
        if count and outputs[0].ndim == 2:
            return Answer(points, scores, np.stack([_likely(logits) for logits in outputs]))
        for row, logits in enumerate(outputs):
            cells, scores[row] = peaks(logits, self.shape)
            points[row] = cells * self.size / logits.shape[-1]
        return Answer(points, calibration.tempered(scores, self.temperature), hands=hands)

    def _forward(self, picture: NDArray[Any]) -> list[NDArray[np.float32]]:
        with self._one:  # a network of OpenCV's keeps what it is at
            self.net.setInput(as_input(picture))
            return [output[0] for output in self.net.forward(self.outputs)]


def as_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture, (S, S, 3) uint8, as these networks are given it: (1, 3, S, S), 0 to 1."""
    return np.ascontiguousarray(_in_colour(picture).transpose(2, 0, 1)[None]) / np.float32(255)


def _in_colour(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(S, S, 3), 0 to 255; one without colour tinted."""
    seen = picture.astype(np.float32)
    if np.ptp(seen, axis=2).max() > _GREY:
        return seen
    return np.asarray(np.minimum(seen * TINT, 255), np.float32)


def peaks(
    logits: NDArray[np.floating], shape: OpenHand | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As `curate.networks.decode.decode_softmax` of torch does for one image.

    Parameters
    ----------
    logits: (K, s, s). shape: of open hands; None: each map's highest cell counts.

    Returns
    -------
    (K, 2) points in cells of the maps, and (K,) scores.
    """
    side = logits.shape[-1]
    maps = np.exp(logits - logits.max((1, 2), keepdims=True), dtype=np.float64)
    maps /= maps.sum((1, 2), keepdims=True)
    tops = maps.reshape(len(maps), -1).argmax(1) if shape is None else shape.cells(maps)
    rows, columns = np.divmod(tops, side)
    near = [
        np.abs(np.arange(side) - cell[:, None])
        <= np.minimum(RADIUS, np.minimum(cell, side - 1 - cell))[:, None]
        for cell in (rows, columns)
    ]
    window = maps * near[0][:, :, None] * near[1][:, None, :]
    mass = window.sum((1, 2))
    middles = np.arange(side) + 0.5
    return np.stack([window.sum(1) @ middles, window.sum(2) @ middles], 1) / mass[:, None], mass


def _likely(logits: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(255 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.uint8)
