"""How a hand is turned before the camera, and the text of --angles.

Three angles in degrees, defined in the picture, so that they mean the same for left and right hands, backs
and palms. Start from the hand's back (or palm) square to the camera with the fingers up; then turn it

    roll      about its own long axis: positive, the edge on the picture's right moves away from the camera;
    tilt      about its own width: positive, the fingertips move away from the camera;
    rotation  in the picture: 0 is fingers up, 90 fingers right, clockwise as on a watch.

An axis of --angles is a list (`tilt=0,30,45`), an inclusive range of values (`rotation=0:345:15`, that is
start:stop:step), or an interval that each picture draws from (`tilt=0..45`). Lists and ranges are crossed
with each other. An axis that is not named is 0. No bpy here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from curate.basics.errors import InputError
from curate.basics.numerals import is_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AXES = ("tilt", "rotation", "roll")
# Beyond a quarter turn a back becomes a palm: that is what `aspect` is for.
LIMITS = {"tilt": (-90, 90), "rotation": (-360, 360), "roll": (-90, 90)}
MAX_CELLS = 1_000_000

_FORMS = "0,30,45 or 0:345:15 (start:stop:step) or 0..45 (drawn)"
_WHERE = "--angles"
_NEAR = 1e-6  # degrees


@dataclass(frozen=True, slots=True)
class Interval:
    """Angles to draw from evenly, degrees."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{_text(self.low)}..{_text(self.high)}"


Values = tuple[float, ...] | Interval


@dataclass(frozen=True, slots=True)
class Grid:
    """Of each axis some values, or an interval: what one --angles asks for, or one combination of that.

    A combination, or cell, is a grid with one value or an interval on each axis.
    """

    tilt: Values = (0.0,)
    rotation: Values = (0.0,)
    roll: Values = (0.0,)

    @classmethod
    def of(cls, text: str) -> Grid:
        """From "tilt=0,30,45 rotation=0:345:15 roll=-10..10". Rotations are taken modulo 360.

        Raises
        ------
        InputError: an unknown axis, one named twice, no number, an angle beyond LIMITS, a range that never
            ends, more than MAX_CELLS combinations.
        """
        axes: dict[str, Any] = {}
        for word in text.split():
            name, equals, given = word.partition("=")
            if not equals or name not in AXES:
                raise InputError(
                    _WHERE, repr(word), allowed=f"AXIS={_FORMS} where AXIS is one of {', '.join(AXES)}"
                )
            if name in axes:
                raise InputError(_WHERE, f"{name} twice in {text!r}", remedy="give it another text")
            axes[name] = _values(name, given)
        if not axes:
            raise InputError(_WHERE, "no angle", allowed='such as "tilt=0,30,45 rotation=0:345:15"')
        grid = cls(**axes)
        if len(grid) > MAX_CELLS:
            raise InputError(_WHERE, f"{len(grid):,} combinations", allowed=f"at most {MAX_CELLS:,}")
        return grid

    def __len__(self) -> int:
        return math.prod(1 if isinstance(v, Interval) else len(v) for v in self._axes)

    def __str__(self) -> str:
        parts = zip(AXES, self._axes, strict=True)
        return " ".join(f"{name}={_as_text(values)}" for name, values in parts)

    def cells(self) -> Iterator[Grid]:
        """Every combination, the last axis fastest. An interval is not divided."""
        parts: list[list[Values]] = [
            [v] if isinstance(v, Interval) else [(value,) for value in v] for v in self._axes
        ]
        return (Grid(*values) for values in itertools.product(*parts))

    def draw(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Tilt, rotation, roll in degrees, to hundredths. Takes three numbers of `rng`, whatever is drawn."""
        drawn = [_draw(values, share) for values, share in zip(self._axes, rng.random(3), strict=True)]
        tilt, rotation, roll = drawn
        return tilt, rotation % 360.0, roll

    def holds(self, tilt: float, rotation: float, roll: float) -> bool:
        """Whether a picture of this grid could have these angles, degrees."""
        return all(map(_among, self._axes, (tilt, rotation, roll), (0, 360, 0)))

    @property
    def _axes(self) -> tuple[Values, ...]:
        return (self.tilt, self.rotation, self.roll)


def turn(tilt: float, rotation: float, roll: float, aspect: str) -> NDArray[np.float64]:
    """(3, 3) rotation from the hand frame to one that the camera sees along -z with +y up.

    Parameters
    ----------
    tilt, rotation, roll: degrees, as defined above. aspect: "dorsal" or "palmar".
    """
    flip = _about(1, 180.0 if aspect == "palmar" else 0.0)
    return _about(2, -rotation) @ _about(0, -tilt) @ _about(1, roll) @ flip


def _about(axis: int, degrees: float) -> NDArray[np.float64]:
    i, j = (axis + 1) % 3, (axis + 2) % 3
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    import numpy as np

    matrix = np.eye(3)
    matrix[[i, j], [i, j]] = cosine
    matrix[i, j], matrix[j, i] = -sine, sine
    return matrix


def _draw(values: Values, share: float) -> float:
    if isinstance(values, Interval):
        return round(values.low + share * (values.high - values.low), 2)
    return values[int(share * len(values))]


def _among(values: Values, value: float, period: float) -> bool:
    """Whether an angle is one of an axis's; with a period, so many degrees more or less are the same."""
    same = (value - period, value, value + period)
    if isinstance(values, Interval):
        return any(values.low - _NEAR <= one <= values.high + _NEAR for one in same)
    return any(abs(one - other) < _NEAR for one in same for other in values)


def _values(axis: str, given: str) -> Values:
    if ".." in given:
        low, high = (_number(axis, part) for part in _split(axis, given, "..", 2))
        if low > high:
            raise _bad(axis, f"{given}, from high to low", allowed=f"{high}..{low}")
        return Interval(float(low), float(high))
    values: list[Decimal] = []
    for part in given.split(","):
        if ":" in part:
            values += _range(axis, part)
        else:
            values.append(_number(axis, part))
    if axis == "rotation":
        values = [(value % 360 + 360) % 360 for value in values]
    return tuple(dict.fromkeys(float(value) + 0.0 for value in values))  # no -0.0


def _range(axis: str, given: str) -> list[Decimal]:
    parts = _split(axis, given, ":", 3)
    start, stop = _number(axis, parts[0]), _number(axis, parts[1])
    step = _number(axis, parts[2], (-360, 360))
    if step == 0 or (stop - start) * step < 0:
        raise _bad(axis, f"{given}, whose step never reaches its stop", allowed=_FORMS)
    if abs(stop - start) >= abs(step) * MAX_CELLS:  # before it is divided: a step may be 1e-999999
        raise _bad(axis, f"{given}, a step too small", allowed=f"at most {MAX_CELLS:,} values")
    count = int((stop - start) / step) + 1
    return [start + step * i for i in range(count)]


def _split(axis: str, given: str, mark: str, length: int) -> list[str]:
    parts = given.split(mark)
    if len(parts) != length:
        raise _bad(axis, repr(given), allowed=_FORMS)
    return parts


def _number(axis: str, text: str, limits: tuple[int, int] | None = None) -> Decimal:
    # Decimal, so that 0:1:0.1 reaches 1.
    try:
        if not is_plain(text):
            raise ValueError
        value = Decimal(text)
    except (ValueError, InvalidOperation):
        raise _bad(axis, repr(text), allowed=_FORMS) from None
    least, most = limits or LIMITS[axis]
    if not value.is_finite() or not least <= value <= most:
        raise _bad(axis, repr(text), allowed=f"{least} to {most} degrees")
    return value


def _bad(axis: str, found: str, *, allowed: str) -> InputError:
    return InputError(_WHERE, found, field=axis, allowed=allowed)


def _as_text(values: Values) -> str:
    if isinstance(values, Interval):
        return str(values)
    exact = [Decimal(_text(value)) for value in values]
    steps = {after - before for before, after in itertools.pairwise(exact)}
    if len(values) > 3 and len(steps) == 1 and (step := steps.pop()) > 0:
        return f"{exact[0]}:{exact[-1]}:{step}"
    return ",".join(map(_text, values))


def _text(value: float) -> str:
    return repr(value).removesuffix(".0")
