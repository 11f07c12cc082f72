"""Depth maps: each pixel's distance from the camera along its axis, in metres, NaN where nothing is seen.

A sample's map is the file that its `depth` names, relative to the dataset. Two codings are known, told apart
by the file itself:

    ours   16-bit grey PNG, tenths of a millimetre, 0 for nothing
    RHD's  8-bit RGB PNG, metres = (256 R + G) / 65535 * 5, 0 for nothing
"""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.basics.errors import UnreadableImage

Metres = NDArray[np.float32]

_UNIT = 1e-4
_RHD_UNIT = 5.0 / 65535
_LARGEST = 65535


def read(path: str | os.PathLike[str], width: int, height: int) -> Metres:
    """A depth map of either coding, (H, W). Raises UnreadableImage, also for another size or coding."""
    data = images.load(path)
    info = images.examine(data, path)
    if (info.width, info.height) != (width, height):
        found = f"a depth map of {info.width} x {info.height}"
        raise UnreadableImage(path, found, allowed=f"{width} x {height}, as its image")
    stored: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise UnreadableImage(path, "its pixels cannot be decoded")
    if stored.dtype == np.uint16 and stored.ndim == 2:
        return _metres(stored, _UNIT)
    if stored.dtype == np.uint8 and stored.ndim == 3:  # OpenCV's order is B, G, R
        return _metres(256 * stored[..., 2].astype(np.int32) + stored[..., 1], _RHD_UNIT)
    raise UnreadableImage(path, "no depth map", allowed="16-bit grey in 0.1 mm, or RHD's two 8-bit channels")


def encode(metres: Metres) -> bytes:
    """A map in our coding, as PNG. Larger distances than 6.5535 m are stored as that."""
    return _png(_units(metres, _UNIT).astype(np.uint16))


def encode_rhd(metres: Metres) -> bytes:
    """A map in RHD's coding, as PNG. Larger distances than 5 m are stored as that."""
    units = _units(metres, _RHD_UNIT)
    channels = np.stack([np.zeros_like(units), units % 256, units // 256], axis=2)
    return _png(channels.astype(np.uint8))


def _metres(units: NDArray[Any], unit: float) -> Metres:
    return np.where(units > 0, units * unit, np.nan).astype(np.float32)


def _units(metres: Metres, unit: float) -> NDArray[np.int64]:
    known = np.nan_to_num(np.asarray(metres, np.float64), posinf=0, neginf=0)
    # A known distance must not round to 0, which stands for none.
    return np.where(known > 0, np.clip(np.rint(known / unit), 1, _LARGEST), 0).astype(np.int64)


def _png(stored: NDArray[Any]) -> bytes:
    done, data = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise ValueError(f"OpenCV could not write a {stored.shape} {stored.dtype} image as PNG")
    return data.tobytes()
