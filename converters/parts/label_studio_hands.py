"""The hands of a Label Studio task: which regions are the points of one hand, and what is said of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from converters.parts import labels
from converters.parts.gathered import IMPOSSIBLE_BOX
from converters.parts.label_mapping import IGNORED_LABEL, UNKNOWN_LABEL
from converters.parts.label_mapping import Mapping as LabelMapping
from converters.parts.label_studio_tasks import POINT, RECTANGLE, Region, Task
from converters.parts.named_counts import brief, leave_out, quoted
from converters.parts.point_names import names_of
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample

_FARTHEST = 1e5  # percent; beyond is no coordinate
_LONGEST = 200  # characters of a label
_LOOSE = "~"  # the group of points that are under no region
_APART = "give each hand a rectangle, and put its points under it"
_HAND = frozenset({"hand", "hands", "lefthand", "righthand", "palm"})


class _Point(NamedTuple):
    region: Region
    keypoint: int
    side: kp.Side | None
    visibility: int


@dataclass(slots=True)
class HandReader:
    """Reads the hands of tasks.

    Attributes
    ----------
    mapping: of the user's own labels. numbered: keypoints by label, for a file with 21 labels that are
        understood only together, such as numbers.
    """

    mapping: LabelMapping
    numbered: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, mapping: LabelMapping, tasks: Iterable[Task]) -> HandReader:
        """For the tasks of a file."""
        used = {region.label for task in tasks for region in task.regions if region.kind == POINT}
        used = {label for label in used if label and len(label) <= _LONGEST and not mapping.ignores(label)}
        together = names_of(sorted(used), "hand", mapping) if len(used) == kp.COUNT else None
        known = together is not None and not together.refusal and not together.assumed
        return cls(mapping, together.points if together is not None and known else {})

    def samples(self, task: Task, size: tuple[int, int], part: Part) -> Iterator[tuple[str, Sample]]:
        """The hands of a task, each with the id of the region that its points are under. Their sample_id,
        source and image are left empty.

        Parameters
        ----------
        size: width and height of the picture, pixels. part: counts what is left out.

        Raises
        ------
        InputError: which points are one hand is not clear.
        """
        regions = {region.id: region for region in task.regions}
        points = [point for region in task.regions if (point := self._point(region, part)) is not None]
        groups = _groups(points, regions, part.notes)
        boxes = {key: regions[key] for key in groups if key in regions and regions[key].kind == RECTANGLE}
        alone = [region for region in task.regions if _is_hand(region)]
        if list(groups) == [_LOOSE] and len(alone) == 1:
            boxes = {_LOOSE: alone[0]}
        used = groups.keys() | {box.id for box in boxes.values()}
        for region in task.regions:
            if region.kind != POINT and region.id not in used:
                leave_out(part.dropped, f"region {brief(region.kind)}", quoted(region.label))
        for key, members in groups.items():
            box = boxes.get(key)
            hand = self._sample(task, members, box, len(groups) == 1, size)
            if box is not None and hand.bbox is None:
                part.notes[IMPOSSIBLE_BOX] += 1
            yield box.id if box is not None else key, hand

    def _point(self, region: Region, part: Part) -> _Point | None:
        if region.kind != POINT:
            return None
        if self.mapping.ignores(region.label):
            leave_out(part.notes, IGNORED_LABEL, quoted(region.label))
            return None
        known = self.numbered.get(region.label)
        label = self.mapping.parse(region.label) if len(region.label) <= _LONGEST else labels.Label(None)
        keypoint = label.keypoint if known is None else known
        if keypoint is None:
            leave_out(part.dropped, UNKNOWN_LABEL, quoted(region.label), hint=True)
            return None
        x, y = region.values.get("x", np.nan), region.values.get("y", np.nan)
        if not (abs(x) < _FARTHEST and abs(y) < _FARTHEST):  # NaN is less than nothing
            part.dropped["point without a place in percent"] += 1
            return None
        told = labels.said(" ".join(region.remarks), self.mapping.hidden)
        if told.visibility == kp.UNLABELLED:
            part.dropped["point marked v=0"] += 1
            return None
        hidden = kp.HIDDEN in (told.visibility, label.visibility)
        seen = kp.HIDDEN if hidden else kp.VISIBLE
        return _Point(region, keypoint, label.side or told.side, seen)

    def _sample(
        self, task: Task, members: list[_Point], box: Region | None, alone: bool, size: tuple[int, int]
    ) -> Sample:
        xy, seen = np.full((kp.COUNT, 2), np.nan, np.float32), np.zeros(kp.COUNT, np.uint8)
        scores = np.full(kp.COUNT, np.nan, np.float32)
        for region, keypoint, _, visibility in members:
            if seen[keypoint]:
                raise InputError("", f"{kp.NAMES[keypoint]} occurs twice in one hand", remedy=_APART)
            xy[keypoint] = np.array([region.values["x"], region.values["y"]]) * size / 100
            seen[keypoint] = visibility
            scores[keypoint] = np.nan if region.score is None else region.score
        sides = {point.side for point in members if point.side}
        if len(sides) > 1:
            raise InputError("", "one hand is called both left and right", remedy=_APART)
        about = [box.label, *box.remarks] if box is not None else []
        about += task.remarks if alone else []
        side = labels.said(" ".join(about)).side
        return Sample(
            "",
            "",
            "",
            *size,
            side=(sides.pop() if sides else None) or side or self.mapping.side,
            bbox=None if box is None else _extent(box, size),
            keypoints=xy,
            visibility=seen,
            keypoint_scores=scores if np.isfinite(scores).any() else None,
            score=None if box is None else box.score,
        )


def _groups(
    points: list[_Point], regions: Mapping[str, Region], notes: Counter[str]
) -> dict[str, list[_Point]]:
    """Points by hand. Points under a region belong to the topmost one. If there are several hands, the others
    belong to the rectangle around them; else they are one hand, or two by the sides in their labels.

    Raises InputError if it is not clear which hand a point is of.
    """
    tops = [_top(point.region, regions) for point in points]
    heads = {top for top, point in zip(tops, points, strict=True) if top != point.region.id}
    groups: dict[str, list[_Point]] = defaultdict(list)
    loose: list[_Point] = []
    for top, point in zip(tops, points, strict=True):
        (groups[top] if top in heads else loose).append(point)
    rectangles = [region for region in regions.values() if _is_hand(region)]
    if loose and (len(rectangles) > 1 or (groups and rectangles)):
        for point in loose:
            around = [region for region in rectangles if _holds(region, point.region)]
            if len(around) != 1:
                where = "no hand's rectangle" if not around else "the rectangles of several hands"
                raise InputError("", f"{kp.NAMES[point.keypoint]} in {where}", remedy=_APART)
            groups[around[0].id].append(point)
        notes["point put under the rectangle that it lies in"] += len(loose)
    elif loose:
        both = len({point.side for point in loose if point.side}) == 2
        for point in loose:
            if both and point.side is None:
                found = f"{kp.NAMES[point.keypoint]} without a side, among points of both hands"
                raise InputError("", found, remedy=_APART)
            groups[f"{_LOOSE}{point.side if both else ''}"].append(point)
    return groups


def _top(region: Region, regions: Mapping[str, Region]) -> str:
    """The id of the topmost region above this one; its own if there is none."""
    key, seen = region.id, {region.id}
    while key in regions:
        parent = regions[key].parent
        if parent is None or parent in seen:
            break
        seen.add(parent)
        key = parent
    return key


def _is_hand(region: Region) -> bool:
    """Whether a region is the rectangle of a hand, by its label."""
    words = labels.words(region.label)
    return region.kind == RECTANGLE and (
        not _HAND.isdisjoint(words) or labels.side_of(region.label) is not None
    )


def _holds(rectangle: Region, point: Region) -> bool:
    corners = _corners(rectangle, (1, 1))
    low, high = corners.min(axis=0), corners.max(axis=0)
    place = np.array([point.values["x"], point.values["y"]]) / 100
    return bool(((low <= place) & (place <= high)).all())


def _corners(rectangle: Region, size: tuple[int, int]) -> NDArray[np.float64]:
    """The corners (4, 2) of a rectangle, pixels; it is rotated about the first."""
    told = rectangle.values
    scale = np.array(size) / 100
    first = np.array([told.get("x", np.nan), told.get("y", np.nan)]) * scale
    width, height = np.array([told.get("width", np.nan), told.get("height", np.nan)]) * scale
    turn = np.radians(told.get("rotation", 0.0))
    along = width * np.array([np.cos(turn), np.sin(turn)])
    down = height * np.array([-np.sin(turn), np.cos(turn)])
    return np.array([first, first + along, first + along + down, first + down])


def _extent(rectangle: Region, size: tuple[int, int]) -> NDArray[np.float32] | None:
    """(4,) x, y, width, height around a rectangle, pixels; None if it has no area or is far too large."""
    corners = _corners(rectangle, size)
    extent = np.concatenate([corners.min(axis=0), np.ptp(corners, axis=0)])
    if not (np.abs(extent) < _FARTHEST * max(size)).all() or not (extent[2:] > 0).all():
        return None
    return extent.astype(np.float32)
