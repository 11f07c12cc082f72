"""Label Studio's labelling interface for hands, to set up a project with."""

from __future__ import annotations

from converters.parts.xml_files import tag
from curate.basics import keypoints as kp

PICTURE, HAND, POINT, VISIBILITY = "image", "hand", "keypoint", "visibility"  # names of its tags
HIDDEN, VISIBLE = "hidden", "visible"
_SIDES: dict[str | None, str] = {"left": "#0072b2", "right": "#d55e00", None: "#999999"}


def hand_label(side: str | None) -> str:
    """The label of a hand's rectangle."""
    return f"{side} hand" if side else "hand"


def config() -> bytes:
    """Its XML: a picture, rectangles for hands, the 21 points, and for each whether it is hidden."""
    to = {"toName": PICTURE}
    hands = [tag("Label", {"value": hand_label(s), "background": colour}) for s, colour in _SIDES.items()]
    points = [
        tag("Label", {"value": name, "background": kp.hex_colour(point), "model_index": point})
        for point, name in enumerate(kp.NAMES)
    ]
    choices = [tag("Choice", {"value": value}) for value in (VISIBLE, HIDDEN)]
    per_point = {"perRegion": "true", "whenTagName": POINT, "choice": "single"}
    view = [
        tag("Image", {"name": PICTURE, "value": f"${PICTURE}", "zoom": "true", "zoomControl": "true"}),
        tag("RectangleLabels", {"name": HAND, **to}, _lines(hands, 4)),
        tag("KeyPointLabels", {"name": POINT, **to, "strokeWidth": 3}, _lines(points, 4)),
        tag("Choices", {"name": VISIBILITY, **to, **per_point}, _lines(choices, 4)),
    ]
    return tag("View", {}, _lines(view, 2)).encode() + b"\n"


def _lines(elements: list[str], indent: int) -> str:
    inner = "".join(f"\n{' ' * indent}{element}" for element in elements)
    return f"{inner}\n{' ' * (indent - 2)}"
