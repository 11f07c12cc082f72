"""OpenPose's hand network as a tagger, of files that the user has, through OpenCV.

It is given a folder with one .prototxt and one .caffemodel (pose_deploy.prototxt and
pose_iter_102000.caffemodel, Simon et al. 2017), or an .onnx file of the same network. The network is shown a
square scaled to 0..1, its channels in the order blue, green, red, and gives 22 maps: one a keypoint, in our
order, and the ground.

It was trained on one kind of hand, so it is shown all four flips of each, and the one it is surest of counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import files, streams
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.paths import open_file
from curate.hands.photograph import Photograph
from curate.taggers.looks import UPRIGHT, Look, View, together
from curate.taggers.tagger import Tagged

_SIZE = 368  # px that the network is shown
_MARGIN = 0.2  # around the hand's box
_THRESHOLD = 0.1  # of a map's peak, from which its keypoint counts as found
_FLIPS = (UPRIGHT, Look(mirrored=True), Look(upended=True), Look(mirrored=True, upended=True))
_ZOOMS = (1.25, 0.85)
_WANTED = "a folder with one .prototxt and one .caffemodel, or an .onnx file"


def content(where: str) -> str:
    """Hash of the network's files. Raises InputError: there are none, or no such network."""
    _load(where)
    return " ".join(files.sha256(path) for path in _files(where))


def open_tagger(where: str, looks: int) -> OpenPoseTagger:
    """The network as a tagger; the first four looks are flips. Raises as `content` does."""
    return OpenPoseTagger(_load(where), _FLIPS[:looks], _ZOOMS[: max(0, looks - len(_FLIPS))])


@dataclass(frozen=True)
class OpenPoseTagger:
    """See Tagger."""

    label_source: ClassVar[str] = "auto:openpose"
    threshold: ClassVar[None] = None  # never measured

    network: Any
    flips: tuple[Look, ...]
    zooms: tuple[float, ...]
    _one: Lock = field(default_factory=Lock, repr=False)  # a network of OpenCV is for one thread at a time

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """See Tagger."""
        return [self._tag(photograph) for photograph in photographs]

    def _tag(self, photograph: Photograph) -> Tagged | InputError:
        try:
            view = View(photograph, _MARGIN)
            flips = [self._look(view, flip) for flip in self.flips]
        except InputError as error:
            return error
        best = int(np.argmax([np.mean(scores) for _, scores in flips]))
        flip = self.flips[best]
        near = [Look(zoom, flip.mirrored, flip.upended) for zoom in self.zooms]
        looks = [flips[best], *(self._look(view, look) for look in near)]
        said = together([points for points, _ in looks], [scores for _, scores in looks])
        return Tagged(said.keypoints, said.scores, view.found_by, view.square, said.apart)

    def _look(self, view: View, look: Look) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shown = view.show(_SIZE, look)
        blob = cv2.dnn.blobFromImage(shown.pixels, 1 / 255, swapRB=True)
        with self._one:
            self.network.setInput(blob)
            maps = self.network.forward()
        points, scores = read_maps(maps[0])
        return shown.back(points), scores


def read_maps(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of 22 maps, (22, H, W), in pixels of the _SIZE x _SIZE picture, and their scores, 0 to 1.

    A point is where its map, brought to the picture's size, is highest; below the threshold there is none.
    The last map is the ground's.
    """
    points, scores = np.full((kp.COUNT, 2), np.nan), np.zeros(kp.COUNT)
    for number in range(kp.COUNT):
        full = cv2.resize(maps[number], (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
        _, peak, _, (x, y) = cv2.minMaxLoc(full)
        if np.isfinite(peak) and peak >= _THRESHOLD:
            points[number], scores[number] = (x + 0.5, y + 0.5), min(peak, 1.0)
    return points, scores


def _files(where: str) -> list[Path]:
    """The .onnx file, or the .prototxt and the .caffemodel. Raises InputError."""
    if not where:
        raise InputError("openpose", "given without its files", allowed=f"openpose:PATH, {_WANTED}")
    place = Path(where)
    if place.suffix.lower() == ".onnx" and place.is_file():
        return [place]
    found = [sorted(place.glob(f"*{suffix}")) for suffix in (".prototxt", ".caffemodel")]
    if [len(some) for some in found] != [1, 1]:
        told = f"{len(found[0])} .prototxt and {len(found[1])} .caffemodel in it"
        raise InputError(place, told if place.is_dir() else "no such folder", allowed=_WANTED)
    return [some[0] for some in found]


def _load(where: str) -> Any:
    paths = _files(where)
    for path in paths:  # OpenCV would read a device without end
        try:
            open_file(path).close()
        except OSError as error:
            raise InputError(path, f"cannot be read ({error.strerror})", allowed=_WANTED) from None
    try:
        with streams.hushed():  # of a file that is none, its parser says so at length
            if len(paths) == 1:
                network = cv2.dnn.readNetFromONNX(str(paths[0]))
            else:
                network = cv2.dnn.readNetFromCaffe(*map(str, paths))
            network.setInput(np.zeros((1, 3, _SIZE, _SIZE), np.float32))
            shape = np.shape(network.forward())
    except cv2.error as error:
        line = " ".join(str(error).split())[:200]
        raise InputError(paths[-1], f"no network that OpenCV reads ({line})", allowed=_WANTED) from None
    if len(shape) != 4 or shape[1] != kp.COUNT + 1:
        raise InputError(paths[-1], f"a network that gives {shape}", allowed=f"one of {kp.COUNT + 1} maps")
    return network
