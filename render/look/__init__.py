"""How a picture looks: the colour of skin, and the lights and grounds to choose from. numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Vector = tuple[float, float, float]  # metres, or none
RGB = tuple[float, float, float]  # linear, as light has it


def triple(values: NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    """An array of three numbers as a Vector or RGB."""
    x, y, z = values.tolist()
    return (x, y, z)
