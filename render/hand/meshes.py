"""Meshes over rows of points: what things that hands wear and hold are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def lofted(rows: Floats, *, closed: bool) -> tuple[Floats, NDArray[np.int32]]:
    """Points (N, 3) and triangles (F, 3) of the surface through rings of points.

    Parameters
    ----------
    rows: (rows, steps, 3), each row a ring that is closed. closed: whether the last row joins the first.
    """
    count, steps = rows.shape[:2]
    index = np.arange(count * steps).reshape(count, steps)
    here, above = (index, np.roll(index, -1, 0)) if closed else (index[:-1], index[1:])
    beside, both = np.roll(here, -1, 1), np.roll(above, -1, 1)
    # Triangles, as programs split four corners that do not lie in a plane each in its own way.
    faces = np.stack([here, beside, both, here, both, above], -1).reshape(-1, 3)
    return rows.reshape(-1, 3), faces.astype(np.int32)


def revolved(centre: Floats, profile: list[tuple[float, float]], turns: Floats) -> Floats:
    """Rows (rows, steps, 3) for `lofted`: circles about the z axis through a centre (3,).

    Parameters
    ----------
    profile: radius and height above the centre of each row. turns: (steps,) radians.
    """
    rim = np.stack([np.cos(turns), np.sin(turns), 0 * turns], -1)
    return np.stack([centre + radius * rim + [0, 0, height] for radius, height in profile])
