"""Pictures that people look at: skeletons drawn on images, and sheets of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.images import Pixels

_SUBPIXEL = 4  # fractional bits of cv2's drawing coordinates


def draw_skeleton(
    image: Pixels,
    points: NDArray[Any],
    visibility: NDArray[Any] | None = None,
    *,
    size: int | None = None,
    colour: tuple[int, int, int] | None = None,
) -> Pixels:
    """A copy of the image, as RGB, with the hand's bones and keypoints.

    Parameters
    ----------
    image: (H, W) or (H, W, 3) uint8.
    points: (21, 2), pixels of `image`; NaN points are left out.
    visibility: (21,); points with 1 (hidden) are drawn as rings.
    size: scale so that the longer side has this many pixels before drawing (thin lines stay readable).
    colour: one RGB colour for all bones, where fingers' own would confuse (prediction beside truth).
    """
    canvas: Any = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image.copy()
    scale = 1.0 if size is None else size / max(canvas.shape[:2])
    if scale != 1.0:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        shape = (max(1, round(canvas.shape[1] * scale)), max(1, round(canvas.shape[0] * scale)))
        canvas = cv2.resize(canvas, shape, interpolation=way)
    thick = math.ceil(max(canvas.shape[:2]) / 160)
    at = [_fixed_point(p * scale) if np.isfinite(p).all() else None for p in np.asarray(points, float)]
    for a, b in kp.BONES:
        start, end = at[a], at[b]
        if start is not None and end is not None:
            tone = colour or kp.FINGER_COLOURS[kp.finger_of(b)]
            cv2.line(canvas, start, end, tone, thick, cv2.LINE_AA, _SUBPIXEL)
    for i, place in enumerate(at):
        if place is not None:
            tone = colour or kp.FINGER_COLOURS[kp.finger_of(i)]
            hidden = visibility is not None and visibility[i] == kp.HIDDEN
            radius = (2 * thick) << _SUBPIXEL
            cv2.circle(canvas, place, radius, tone, thick if hidden else -1, cv2.LINE_AA, _SUBPIXEL)
    return canvas  # type: ignore[no-any-return]


def draw_hands(
    image: Pixels, hands: Sequence[tuple[str, NDArray[Any]]], *, longest: int | None = None
) -> Pixels:
    """A copy of the image, RGB, with the skeleton of each hand, and its name where the hand begins.

    Parameters
    ----------
    image: (H, W, 3) uint8. hands: of each its name and its points, (21, 2), pixels of `image`.
    longest: make it smaller, so that its longer side has no more pixels; its sides are then even numbers.
    """
    height, width = image.shape[:2]
    scale = 1.0
    if longest is not None:
        scale = min(1.0, longest / max(height, width))
        size = (max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    across, down = image.shape[1] / width, image.shape[0] / height
    for name, points in hands:
        moved = np.asarray(points, float) * (across, down)
        image = draw_skeleton(image, moved)
        _write_name(image, name, moved)
    return image


def _write_name(canvas: Any, name: str, points: NDArray[np.float64]) -> None:
    """Write a hand's name above its points, white on black."""
    tall = max(0.4, max(canvas.shape[:2]) / 900)
    thick = max(1, round(2 * tall))
    low = np.nanmin(points, axis=0) if np.isfinite(points).any() else np.zeros(2)
    (width, height), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, tall, thick)
    x = int(np.clip(low[0], 0, max(0, canvas.shape[1] - width - 4)))
    y = int(np.clip(low[1] - 4, height + 4, max(height + 4, canvas.shape[0] - 4)))
    cv2.rectangle(canvas, (x, y - height - 3), (x + width + 3, y + 3), (0, 0, 0), cv2.FILLED)
    at = (x + 2, y)
    cv2.putText(canvas, name, at, cv2.FONT_HERSHEY_SIMPLEX, tall, (255, 255, 255), thick, cv2.LINE_AA)


def contact_sheet(pictures: Sequence[Pixels], *, columns: int, cell: int, gap: int = 4) -> Pixels:
    """Pictures in a grid on white, each fitted into a cell of `cell` x `cell` pixels, row by row."""
    rows = max(1, -(-len(pictures) // columns))
    sheet = np.full((rows * (cell + gap) + gap, columns * (cell + gap) + gap, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        rgb: Any = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture
        scale = cell / max(rgb.shape[:2])
        width, height = (max(1, round(side * scale)) for side in (rgb.shape[1], rgb.shape[0]))
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        top = gap + (i // columns) * (cell + gap) + (cell - height) // 2
        left = gap + (i % columns) * (cell + gap) + (cell - width) // 2
        sheet[top : top + height, left : left + width] = rgb
    return sheet


def _fixed_point(point: NDArray[np.float64]) -> tuple[int, int]:
    # cv2 puts pixel centres at whole numbers, we at halves. Far-away points would overflow its integers.
    x, y = np.clip((point - 0.5) * (1 << _SUBPIXEL), -(2**24), 2**24).round().astype(int)
    return int(x), int(y)
