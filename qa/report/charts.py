"""The report's charts, as inline SVG; their colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from markupsafe import Markup, escape

from curate.basics import keypoints as kp
from curate.basics.wording import counted, percent
from curate.hands.shape import palm_turn
from qa.checks.check import Checked
from qa.checks.crop_centre import centre_offsets
from qa.measures.arrays import Floats, Rows, evenly, spread_over
from qa.measures.spread import BARS
from qa.view import View

Groups = Mapping[str, Rows]

_PANEL = 200
_CELLS = 24
_DOTS = 300


def tag(name: str, *children: str, **attributes: object) -> Markup:
    """One SVG element, all text escaped; an underscore in an attribute's name stands for a hyphen, one at its
    end for nothing."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    inside = Markup("").join(children)
    return Markup(f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>")


def hand_size(view: View, groups: Groups) -> Markup:
    """Histogram of the hand's size per split: the longer side of its box as a share of the image's."""
    low, high = view.boxes()
    size = view.frame
    share = (high - low).max(axis=1) / size.max(axis=1)
    edges = np.linspace(0, 1, 26)
    counts = {}
    for name, rows in groups.items():
        values = share[rows][np.isfinite(share[rows])]
        if len(values):
            counts[name] = np.histogram(np.clip(values, 0, 1), edges)[0] / len(values)
    top = max((float(c.max()) for c in counts.values()), default=1.0)
    left, bottom, width, height = 8.0, 150.0, 400.0, 130.0
    parts = [_axis(left, bottom, width, ["0", "25 %", "50 %", "75 %", "100 %"])]
    for i, bars in enumerate(counts.values()):
        x = left + np.repeat(edges, 2) * width
        y = bottom - np.concatenate([[0], np.repeat(bars, 2), [0]]) / top * height
        parts.append(tag("path", d=_path(zip(x, y, strict=True)), class_=f"area s{i % 4}"))
    return _svg(parts, 416, 175, "Histogram of the hand's longer side as a share of the image's, per split")


def scores(result: Checked) -> Markup | None:
    """Histogram of a check's scores over the samples, with its limit; None where the scores hardly differ.

    Flagged samples have the colour of their severity. Heights are square roots of counts, so that a few
    samples can be seen beside many.
    """
    spread = result.spread
    if spread is None:
        return None
    limit, edges = spread.limit, spread.edges
    height, bottom, step = 74.0, 80.0, 416 / BARS
    top = np.sqrt(np.sum(list(spread.counts.values()), axis=0).max())
    parts, below = [], np.zeros(BARS)
    for kind, here in spread.counts.items():
        first, last = (bottom - np.sqrt(c) / top * height for c in (below, below + here))
        below = below + here
        for i in np.flatnonzero(here):
            place = {"x": i * step + 0.5, "y": float(last[i]), "width": step - 1.0}
            parts.append(tag("rect", **place, height=float(max(first[i] - last[i], 1)), class_=f"bar-{kind}"))
    x = float((limit - edges[0]) / (edges[-1] - edges[0]) * 416)
    parts.append(tag("line", x1=x, y1=0, x2=x, y2=bottom, class_="limit"))
    anchor = "start" if x < 60 else "end" if x > 356 else "middle"
    parts.append(tag("text", f"limit {_number(abs(limit))}", x=x, y=bottom + 15, text_anchor=anchor))
    told = (
        f"Histogram of the scores of {result.check.id} over {counted(spread.known, 'sample')}, with its limit"
    )
    return _svg([*parts, _line(0, bottom, 416)], 416, 98, told)


def labelled_share(view: View) -> Markup:
    """How often each keypoint is labelled visible, labelled hidden, or not labelled."""
    count = max(1, len(view))
    visible = (view.visibility == kp.VISIBLE).sum(axis=0) / count
    hidden = (view.visibility == kp.HIDDEN).sum(axis=0) / count
    left, width, step = 96.0, 260.0, 15.0
    parts = []
    for i, name in enumerate(kp.NAMES):
        y = i * step
        share = visible[i] + hidden[i]
        parts += [
            tag("text", name.replace("_", " "), x=left - 8, y=y + 10.5, text_anchor="end"),
            tag("rect", x=left, y=y + 2, width=width, height=step - 4, class_="empty"),
            tag("rect", x=left, y=y + 2, width=width * visible[i], height=step - 4, class_="visible"),
            tag(
                "rect",
                x=left + width * visible[i],
                y=y + 2,
                width=width * hidden[i],
                height=step - 4,
                class_="hidden",
            ),
            tag("text", percent(share), x=left + width + 8, y=y + 10.5),
        ]
    return _svg(parts, 416, 21 * step + 2, "Share of samples in which each keypoint is labelled")


def location_map(view: View, rows: Rows, name: str) -> Markup:
    """Where the keypoints lie in the images, with two mean hands: of those arranged like the back of a right
    hand, and of those arranged like the back of a left one. The mean of both would not look like a hand."""
    rows = evenly(rows)
    hands = view.hands(rows)
    places = hands / view.frame[rows][:, None, :]
    flat = places[np.isfinite(places).all(axis=2)]
    edges = np.linspace(0, 1, _CELLS + 1)
    grid = np.histogram2d(flat[:, 1], flat[:, 0], [edges, edges])[0]
    shade = (grid / max(1.0, grid.max())) ** 0.5
    cell = _PANEL / _CELLS
    parts = [tag("rect", width=_PANEL, height=_PANEL, class_="frame")]
    parts += [
        tag(
            "rect",
            x=j * cell,
            y=i * cell,
            width=cell + 0.2,
            height=cell + 0.2,
            class_="heat",
            fill_opacity=shade[i, j],
        )
        for i, j in np.argwhere(shade > 0.02)
    ]
    turn = palm_turn(hands)
    for style, which in (("bone", turn > 0), ("bone other", turn < 0)):
        parts += _mean_hand(places[which], style)
    return _svg(parts, _PANEL, _PANEL, f"Where the keypoints of {name} lie in the image, and the mean hands")


def centre_scatter(view: View, rows: Rows, name: str) -> Markup:
    """Centres of the hands' boxes about the crop's middle; the squares are 2 % and 4 % of its side."""
    offset = centre_offsets(view)[0][rows]
    offset = offset[np.isfinite(offset).all(axis=1)]
    reach = 0.12
    scale = _PANEL / (2 * reach)
    middle = _PANEL / 2
    parts = [tag("rect", width=_PANEL, height=_PANEL, class_="frame")]
    for limit in (0.04, 0.02):
        side = 2 * limit * scale
        parts.append(
            tag("rect", x=middle - side / 2, y=middle - side / 2, width=side, height=side, class_="limit")
        )
    for x, y in np.clip(offset[spread_over(len(offset), _DOTS)], -reach, reach) * scale + middle:
        parts.append(tag("circle", cx=x, cy=y, r=2, class_="dot"))
    if len(offset):
        x, y = np.clip(offset.mean(axis=0), -reach, reach) * scale + middle
        parts.append(
            tag("path", d=f"M{x - 7:.1f} {y:.1f}H{x + 7:.1f}M{x:.1f} {y - 7:.1f}V{y + 7:.1f}", class_="mean")
        )
    return _svg(
        parts, _PANEL, _PANEL, f"Centres of the hands in the crops of {name}; the cross is their mean"
    )


def coverage(view: View, rows: Rows, name: str) -> Markup | None:
    """How many renders there are at each tilt and rotation, in cells of 10 degrees; None without renders."""
    tilt, rotation = view.tilt[rows], view.rotation[rows]
    known = np.isfinite(tilt) & np.isfinite(rotation)
    if not known.any():
        return None
    angles = [np.clip(values[known], -360, 360) for values in (tilt, rotation)]
    sides: list[Floats] = [
        np.arange(np.floor(values.min() / 10) * 10, np.floor(values.max() / 10) * 10 + 20, 10)
        for values in angles
    ]
    counts = np.histogram2d(angles[0], angles[1], sides)[0]
    shade = np.sqrt(counts / counts.max())
    left, top, width, height = 56.0, 4.0, 350.0, 150.0
    cell = width / counts.shape[1], height / counts.shape[0]
    parts = [tag("rect", x=left, y=top, width=width, height=height, class_="frame")]
    for i, j in np.argwhere(counts > 0):
        place = {"x": left + j * cell[0], "y": top + i * cell[1], "width": cell[0], "height": cell[1]}
        parts.append(tag("rect", **place, class_="heat", fill_opacity=float(0.15 + 0.85 * shade[i, j])))
    for x, value in ((left, sides[1][0]), (left + width, sides[1][-1])):
        anchor = "start" if x == left else "end"
        parts.append(tag("text", f"{value:.0f}°", x=x, y=top + height + 16, text_anchor=anchor))
    for y, value in ((top + 10, sides[0][0]), (top + height, sides[0][-1])):
        parts.append(tag("text", f"{value:.0f}°", x=left - 8, y=y, text_anchor="end"))
    parts.append(tag("text", "rotation", x=left + width / 2, y=top + height + 16, text_anchor="middle"))
    parts.append(tag("text", "tilt", x=left - 8, y=top + height / 2, text_anchor="end"))
    return _svg(parts, 416, 176, f"Number of samples of {name} at each tilt and rotation")


def share_bar(share: float) -> Markup:
    """A small bar for a table's row."""
    parts = [
        tag("rect", width=100, height=8, rx=2, class_="empty"),
        tag("rect", width=max(1.0, 100 * share), height=8, rx=2, class_="visible"),
    ]
    return tag("svg", *parts, viewBox="0 0 100 8", class_="bar", aria_hidden="true")


def _mean_hand(places: Floats, style: str) -> list[Markup]:
    """Bones between the mean places of the keypoints, in shares of the panel."""
    count = np.isfinite(places[..., 0]).sum(axis=0)[:, None]
    mean = np.divide(np.nansum(places, axis=0), count, out=np.full((kp.COUNT, 2), np.nan), where=count > 0)
    mean *= _PANEL
    return [
        tag("line", x1=mean[a, 0], y1=mean[a, 1], x2=mean[b, 0], y2=mean[b, 1], class_=style)
        for a, b in kp.BONES
        if np.isfinite(mean[[a, b]]).all()
    ]


def _svg(parts: Iterable[str], width: float, height: float, title: str) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=title)


def _line(left: float, y: float, width: float) -> Markup:
    return tag("line", x1=left, y1=y, x2=left + width, y2=y, class_="axis")


def _number(value: float) -> str:
    return f"{value:.3g}"


def _axis(left: float, y: float, width: float, labels: list[str]) -> Markup:
    parts = [_line(left, y, width)]
    for i, text in enumerate(labels):
        share = i / (len(labels) - 1)
        anchor = "start" if i == 0 else "end" if share == 1 else "middle"
        parts.append(tag("text", text, x=left + share * width, y=y + 16, text_anchor=anchor))
    return Markup("").join(parts)


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
