"""`curate diff A B`: two versions of a dataset: samples added and gone, points moved, fields changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.basics import geometry, images, pages
from curate.basics import keypoints as kp
from curate.basics.errors import UnreadableImage
from curate.basics.images import Pixels
from curate.basics.settings import require_count
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, SHAPES, Sample, labelled_points, to_numpy
from curate.hands.comparison import draw_prediction
from curate.scoring import metrics

_LISTED = 10
_ON_PAGE = 200  # ids
_SIDE = 300  # px of a picture
_AROUND = 0.35  # of the hand's box, seen around it
_FILES = ("mask", "depth")  # paths differ between folders: whether there is one is compared
# All but the points: reported by the number of samples in which they changed.
_FIELDS = tuple(
    name for name in SCHEMA.names if name not in ("sample_id", "image", "keypoints", "visibility")
)


@dataclass(frozen=True, slots=True)
class Move:
    """A keypoint that both datasets label, in another place.

    Attributes
    ----------
    sample, keypoint: which. pixels: how far it moved. size: the same in hand sizes, the longer side of the
        box around the points that A labels; NaN if there is no such box.
    """

    sample: str
    keypoint: str
    pixels: float
    size: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from A to B.

    Attributes
    ----------
    a, b: names of the folders. samples: how many each has. shared: how many are in both.
    added, gone: ids of samples in B only, and in A only.
    moves: points in another place, the furthest first.
    points: how many points became labelled, unlabelled, hidden and visible.
    fields: for each field, how many shared samples have another value.
    resized: ids of samples whose image has another size: their points are not compared.
    """

    a: str
    b: str
    samples: tuple[int, int]
    shared: int
    added: list[str]
    gone: list[str]
    moves: list[Move]
    points: dict[str, int]
    fields: dict[str, int]
    resized: list[str]

    @property
    def moved_samples(self) -> int:
        """Samples with a point in another place."""
        return len({move.sample for move in self.moves})

    @property
    def per_keypoint(self) -> list[tuple[str, int, float, float]]:
        """For each keypoint that moved: name, number of samples, median distance in px and in hand sizes."""
        told = []
        for name in kp.NAMES:
            own = [move for move in self.moves if move.keypoint == name]
            if own:
                pixels, sizes = (np.array([getattr(m, what) for m in own]) for what in ("pixels", "size"))
                told.append((name, len(own), float(np.median(pixels)), _median(sizes)))
        return told

    def __str__(self) -> str:
        # Names as Python writes them: a hostile one must not write over the terminal.
        lines = [f"{self.a} ({counted(self.samples[0], 'sample')}) -> {self.b} ({self.samples[1]:,})"]
        for what, ids in (("added", self.added), ("gone", self.gone), ("image size changed", self.resized)):
            lines.append(f"  {what}: {len(ids):,}" + _some(ids))
        if self.moves:
            pixels, sizes = np.array([(move.pixels, move.size) for move in self.moves]).T
            lines.append(
                f"  moved: {counted(len(self.moves), 'point')} in {counted(self.moved_samples, 'sample')}; "
                f"median {np.median(pixels):.2f} px, {_median(sizes):.4f} hand sizes"
            )
            lines.append(f"    {'':12}{'points':>8}{'px':>10}{'hands':>9}")
            lines += [f"    {name:12}{n:8,}{px:10.2f}{hs:9.4f}" for name, n, px, hs in self.per_keypoint]
            lines.append("    furthest:")
            lines += [
                f"    {m.sample!r} {m.keypoint}: {m.pixels:.2f} px, {m.size:.4f}"
                for m in self.moves[:_LISTED]
            ]
        elif self.shared > len(self.resized):
            lines.append("  moved: no point")
        elif self.shared:
            lines.append("  moved: not known, as the size of every image has changed")
        else:
            lines.append("  the two have no sample id in common")
        lines += [f"  points {what}: {count:,}" for what, count in self.points.items() if count]
        lines += [f"  {name}: changed in {counted(count, 'sample')}" for name, count in self.fields.items()]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        moves = [
            {"sample": m.sample, "keypoint": m.keypoint, "px": m.pixels, "hand_sizes": _number(m.size)}
            for m in self.moves
        ]
        keypoints = {
            name: {"points": n, "median_px": px, "median_hand_sizes": _number(hs)}
            for name, n, px, hs in self.per_keypoint
        }
        return {
            "samples": list(self.samples),
            "shared": self.shared,
            "added": self.added,
            "gone": self.gone,
            "moves": moves,
            "keypoints": keypoints,
            "points": self.points,
            "fields": self.fields,
            "of_another_size": self.resized,
        }


def diff(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> Difference:
    """Compare the samples with the same id in two datasets or training sets; reads tables and no image.

    Raises SchemaError: not a dataset.
    """
    first, second = Dataset(a), Dataset(b)
    one, two = first.table(), second.table()
    ids, others = one.column("sample_id").to_pylist(), two.column("sample_id").to_pylist()
    row_of = {sample_id: row for row, sample_id in enumerate(others)}
    rows = [row for row, sample_id in enumerate(ids) if sample_id in row_of]
    shared = [ids[row] for row in rows]
    known = set(ids)
    one, two = one.take(_numbers(rows)), two.take(_numbers([row_of[sample_id] for sample_id in shared]))
    alike = _alike(one, two, "width") & _alike(one, two, "height")
    moves, points = _points(one.filter(alike), two.filter(alike))
    changed = {name: int((~_alike(one, two, name)).sum()) for name in _FIELDS}
    return Difference(
        a=first.name,
        b=second.name,
        samples=(len(ids), len(others)),
        shared=len(shared),
        added=[sample_id for sample_id in others if sample_id not in known],
        gone=[sample_id for sample_id in ids if sample_id not in row_of],
        moves=moves,
        points=points,
        fields={name: count for name, count in changed.items() if count},
        resized=[sample_id for sample_id, same in zip(shared, alike, strict=True) if not same],
    )


def _numbers(rows: list[int]) -> pa.Array:
    return pa.array(rows, pa.int64())  # Arrow would not take an empty list for numbers


def _alike(one: pa.Table, two: pa.Table, name: str) -> NDArray[np.bool_]:
    """Whether each row has the same value in a column, or none in both."""
    if name in SHAPES:
        x, y = (to_numpy(table, name) for table in (one, two))
        within = tuple(range(1, x.ndim))
        return ((x == y) | (np.isnan(x) & np.isnan(y))).all(axis=within)  # type: ignore[no-any-return]
    x, y = one.column(name), two.column(name)
    if name in _FILES:
        x, y = x.is_null(), y.is_null()
    same = pc.or_(
        pc.fill_null(pc.equal(x, y), False),
        pc.and_(pc.is_null(x, nan_is_null=True), pc.is_null(y, nan_is_null=True)),
    )
    return np.asarray(same.to_pylist(), bool)


def _points(one: pa.Table, two: pa.Table) -> tuple[list[Move], dict[str, int]]:
    (before, was), (after, now) = labelled_points(one), labelled_points(two)
    both = (was > 0) & (now > 0)
    pixels = metrics.distances(after, before, both)
    size = metrics.box_sizes(before, was > 0)[0]
    sizes = pixels / np.where(size > 0, size, np.nan)[:, None]
    ids = one.column("sample_id").to_pylist()
    moved = sorted(zip(*np.nonzero(pixels > 0), strict=True), key=lambda at: (-pixels[at], ids[at[0]], at[1]))
    moves = [Move(ids[i], kp.NAMES[k], float(pixels[i, k]), float(sizes[i, k])) for i, k in moved]
    return moves, {
        "newly labelled": int(((was == 0) & (now > 0)).sum()),
        "no longer labelled": int(((was > 0) & (now == 0)).sum()),
        "hidden that were visible": int(((was == kp.VISIBLE) & (now == kp.HIDDEN)).sum()),
        "visible that were hidden": int(((was == kp.HIDDEN) & (now == kp.VISIBLE)).sum()),
    }


def page(a: str | os.PathLike[str], b: str | os.PathLike[str], found: Difference, count: int) -> str:
    """An HTML page in one file that loads nothing else, with the `count` samples whose points moved furthest:
    A's points in white, B's in colour. Raises InputError: a count below 0."""
    count = require_count("count", count)
    furthest: dict[str, Move] = {}
    for move in found.moves:
        furthest.setdefault(move.sample, move)
    chosen = list(furthest)[:count]
    before, after = _chosen(Dataset(a), chosen), _chosen(Dataset(b), chosen)
    cards = [
        {
            "name": name,
            "move": furthest[name],
            "picture": pages.data_url(_picture(Dataset(b), before[name], after[name])),
        }
        for name in chosen
    ]
    environment = pages.environment("curate", "palette.css", "show.css")
    return environment.get_template("diff.html.j2").render(found=found, cards=cards, listed=_ON_PAGE)


def _chosen(source: Dataset, ids: Sequence[str]) -> dict[str, Sample]:
    """The samples of these ids, by id."""
    wanted = set(ids)
    every = source.table(["sample_id"]).column(0).to_pylist()
    rows = [row for row, sample_id in enumerate(every) if sample_id in wanted]
    return {sample.sample_id: sample for sample in source.take(rows)}


def _picture(source: Dataset, before: Sample, after: Sample) -> Pixels:
    """The part of the image around the points of both, with both drawn."""
    try:
        image = source.read_image(after)
    except UnreadableImage:
        return np.full((_SIDE, _SIDE, 3), 200, np.uint8)
    points = [
        np.where((s.visibility > 0)[:, None], s.keypoints, np.nan).astype(np.float64) for s in (before, after)
    ]
    box = geometry.bounding_box(np.concatenate(points))
    if box is None:
        return images.reduced(image, _SIDE)
    x, y, side, _ = geometry.square_around(box, _AROUND)
    corner, side = (int(np.floor(x)), int(np.floor(y))), max(1, int(np.ceil(side)))
    shown = images.cut_square(image, corner, side, _SIDE)
    placed = [(p - corner) * (_SIDE / side) for p in points]
    return draw_prediction(shown, placed[1], placed[0], before.visibility, size=_SIDE)


def _some(ids: Sequence[str]) -> str:
    """The first few, in brackets."""
    if not ids:
        return ""
    more = f" and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
    return " (" + ", ".join(repr(sample_id) for sample_id in ids[:_LISTED]) + more + ")"


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")


def _number(value: float) -> float | None:
    return None if value != value else value
