"""CVAT's definition of labels: the skeleton of a hand, its points and attributes, as a task has it.

The picture of a skeleton is SVG without the outer <svg>, in 0 to 100: one circle per point, which names its
label, and one line per bone, which names its points by number (cvat/apps/engine/serializers.py,
cvat-canvas/src/typescript/shared.ts). Nothing is written that CVAT's own pages do not accept.
"""

from __future__ import annotations

import json
from typing import Any

from converters.parts.xml_files import tag, text
from curate.basics import keypoints as kp

HAND = "hand"
SAMPLE_ID, SIDE, ASPECT = "sample_id", "side", "aspect"
UNKNOWN = "unknown"
CHOICES = {SIDE: (UNKNOWN, "left", "right"), ASPECT: (UNKNOWN, "dorsal", "palmar")}
# Where CVAT draws the points of a new hand: a left one from its back.
_DRAWN = (
    *((50, 95), (63, 86), (74, 74), (82, 63), (88, 54)),
    *((62, 51), (65, 35), (67, 25), (68, 16)),
    *((51, 48), (51, 30), (51, 19), (51, 9)),
    *((40, 51), (37, 35), (36, 25), (35, 17)),
    *((30, 58), (24, 46), (21, 38), (18, 31)),
)


def as_json() -> bytes:
    """The labels for the field "Raw" of a new task or project."""
    attributes = [
        {"name": name, "mutable": False, "input_type": kind, "default_value": default, "values": list(values)}
        for name, kind, default, values in _attributes()
    ]
    points = [
        {"name": name, "color": kp.hex_colour(point), "type": "points", "attributes": []}
        for point, name in enumerate(kp.NAMES)
    ]
    hand: dict[str, Any] = {
        "name": HAND,
        "color": kp.hex_colour(1),
        "type": "skeleton",
        "attributes": attributes,
    }
    return json.dumps([{**hand, "svg": _svg(), "sublabels": points}], indent=2).encode() + b"\n"


def as_xml() -> str:
    """The same as <labels> of an annotation file."""
    specs = "".join(
        tag(
            "attribute",
            {},
            text("name", name)
            + text("mutable", "False")
            + text("input_type", kind)
            + text("default_value", default)
            + text("values", "\n".join(values)),
        )
        for name, kind, default, values in _attributes()
    )
    hand = text("name", HAND) + text("color", kp.hex_colour(1)) + text("type", "skeleton")
    labels = [hand + tag("attributes", {}, specs) + text("svg", _svg())]
    labels += [
        text("name", name)
        + text("color", kp.hex_colour(point))
        + text("type", "points")
        + text("attributes", "")
        + text("parent", HAND)
        for point, name in enumerate(kp.NAMES)
    ]
    return tag("labels", {}, "\n".join(tag("label", {}, label) for label in labels))


def _attributes() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Name, kind of input, default and values of each attribute of a hand."""
    told = [(name, "select", values[0], values) for name, values in CHOICES.items()]
    return [(SAMPLE_ID, "text", "", ("",)), *told]


def _svg() -> str:
    lines = [
        tag(
            "line",
            {
                **dict(zip(("x1", "y1", "x2", "y2"), (*_DRAWN[a], *_DRAWN[b]), strict=True)),
                "data-type": "edge",
                "data-node-from": a + 1,
                "data-node-to": b + 1,
            },
        )
        for a, b in kp.BONES
    ]
    circles = [
        tag(
            "circle",
            {
                "r": 0.75,
                "cx": x,
                "cy": y,
                "data-type": "element node",
                "data-element-id": point + 1,
                "data-node-id": point + 1,
                "data-label-name": kp.NAMES[point],
            },
        )
        for point, (x, y) in enumerate(_DRAWN)
    ]
    return "".join([*lines, *circles])
