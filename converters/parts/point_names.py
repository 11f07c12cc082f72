"""What the names of a skeleton's points stand for, in tools that name each point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from converters.parts.label_mapping import Mapping
from converters.parts.labels import agreed
from converters.parts.point_order import order_of
from curate.basics import keypoints as kp


@dataclass(frozen=True, slots=True)
class Names:
    """The keypoint of each name.

    Attributes
    ----------
    refusal: why these are not the points of a hand; empty if they are.
    side: of all hands with these names. assumed: 21 names say nothing, and are taken to be in our order.
    placed: the one name of 21 that is not understood, and gets the place that is left; or empty.
    """

    points: dict[str, int] = field(default_factory=dict)
    refusal: str = ""
    side: kp.Side | None = None
    assumed: bool = False
    placed: str = ""


def names_of(names: Sequence[str], what: str, mapping: Mapping) -> Names:
    """What the names of a skeleton's points stand for.

    21 names are read together (`converters.parts.point_order`); if they say nothing, their order counts.
    Another number of names, or names with a mapping file, are read one by one.

    Parameters
    ----------
    names: in the order of the tool. what: the name of the skeleton.
    """
    wanted = [name for name in names if not mapping.ignores(name)]
    parsed = {name: mapping.parse(name) for name in wanted}
    side = agreed(label.side for label in parsed.values())
    points = {name: label.keypoint for name, label in parsed.items() if label.keypoint is not None}
    if len(set(points.values())) < len(points):
        twice = next(p for p in points.values() if list(points.values()).count(p) > 1)
        return Names(refusal=f"two points are called {kp.NAMES[twice]}")
    if mapping.labels or len(wanted) != kp.COUNT:
        return Names(points, "" if points else "no point of a hand is named", side)
    order = order_of(wanted, what)
    places = range(kp.COUNT) if order.places is None else order.places
    together = {wanted[place]: point for point, place in enumerate(places)}
    assumed = order.places is None and not order.known
    return Names(together, order.refusal, order.side, assumed, order.placed)
