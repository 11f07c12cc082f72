"""CVAT's XML 1.1, for images and for videos: one skeleton per hand, its points named by their labels.

Coordinates count from the corner of the image, as ours do; CVAT writes them with two decimals. A point that
is `outside` has no label, one that is `occluded` is hidden. `converters.parts.cvat_tracks` says where a hand
is at each frame of a track (docs.cvat.ai/docs/dataset_management/formats/format-cvat).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from converters.parts import cvat_labels, cvat_tracks, labels, xml_files
from converters.parts.cvat_labels import ASPECT, CHOICES, HAND, SAMPLE_ID, SIDE, UNKNOWN
from converters.parts.cvat_tracks import Spot, place_of, spot_of
from converters.parts.exported_images import put_hands
from converters.parts.label_mapping import IGNORED_LABEL, UNKNOWN_LABEL, Mapping
from converters.parts.lost_fields import count_lost
from converters.parts.named_counts import brief, leave_out, quoted
from converters.parts.numbers import pixels
from converters.parts.pictures import locate
from converters.parts.point_names import Names, names_of
from converters.parts.point_order import ASSUMED, by_the_rest
from converters.parts.sample_keys import escaped, free
from converters.parts.short_numbers import short
from converters.parts.source_files import finder_of, read_each
from converters.parts.xml_files import Element, tag, text
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import Places, as_text, is_path
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import TWO_SIDES, ImageFinder, Source, posix_path
from curate.data.split import split_of

NAME = "cvat"
ANNOTATIONS = "annotations.xml"
LABELS = "labels.json"
_ROOT = "annotations"
_SAMPLES = 4096  # a part
_ATTRIBUTES = 50  # of a hand that are kept
_FRAME = re.compile(r"frame_([0-9]{6,9})\.(?:png|jpe?g)", re.IGNORECASE)
_STEP = re.compile(r"step=([0-9]{1,6})")
_MANUAL, _AUTO = "manual", "auto"
_MACHINES = frozenset({_AUTO, "semi-auto", "consensus"})


def read(source: Source, *, mapping: Path | None = None) -> Iterator[Part]:
    """The skeletons of hands in all XML files below `source.root`, or in the one given.

    Skeletons of other things, and shapes that are not skeletons, are dropped, and counted by name. A hand
    that this package exported gets its id back, from its attribute `sample_id`.

    Parameters
    ----------
    mapping: a YAML file that maps the source's labels to ours (`converters.parts.label_mapping`).

    Raises
    ------
    InputError: the mapping file is wrong, or none of the files is CVAT's.
    """
    theirs = Mapping.load(mapping) if mapping else Mapping()
    finder, tally = finder_of(source), Part()

    def load(path: Path, name: str, count: int) -> _File:
        file = _File(path, name, _key(name, count), finder, source.places, theirs)
        for element in xml_files.elements(path, source.places, _ROOT):
            file.take(element)
        return file

    allowed = f"CVAT's {ANNOTATIONS}"
    found = read_each(source, ".xml", load, tally, own=NAME, title="CVAT", allowed=allowed)
    yield tally
    taken = set[str]()
    for file in found:
        yield from file.parts(taken)


def _key(name: str, count: int) -> str:
    """What the ids of a file's samples begin with: its place among several."""
    path = PurePosixPath(name)
    place = path.parent if path.name.lower() == ANNOTATIONS else path.with_suffix("")
    return escaped(f"{place}/") if count > 1 and place.name else ""


class _Picture(NamedTuple):
    """A picture as the file names it; `subset`: the folder of a project's export that it lies in."""

    name: str
    subset: str | None


class _Hand(NamedTuple):
    """A hand before its picture is found; `own`: its id if the file has none for it."""

    picture: _Picture
    own: str
    sample: Sample


@dataclass(slots=True)
class _File:
    """The hands of one file, and counts of everything else in it."""

    path: Path
    name: str  # for reports
    key: str
    finder: ImageFinder
    places: Places
    mapping: Mapping
    hands: list[_Hand] = field(default_factory=list)
    part: Part = field(default_factory=Part)
    sublabels: dict[str, list[str]] = field(default_factory=dict)
    video: str = ""
    step: int = 1
    known: dict[tuple[str, ...], Names] = field(default_factory=dict)
    frames: dict[str | None, dict[int, str]] = field(default_factory=dict)

    def take(self, element: Element) -> None:
        """Read a child of the root: the head, an image or a track."""
        if element.tag == "meta":
            self._take_meta(element)
        elif element.tag == "image":
            self._take_image(element)
        elif element.tag == "track":
            self._take_track(element)

    def parts(self, taken: set[str]) -> Iterator[Part]:
        """Its samples in batches, with their pictures; `taken`: the ids in use."""
        part = self.part
        found: dict[_Picture, str | None] = {}
        for start in range(0, max(1, len(self.hands)), _SAMPLES):
            samples = []
            for picture, own, sample in self.hands[start : start + _SAMPLES]:
                if picture not in found:
                    found[picture] = self._find(picture, part)
                image = found[picture]
                if image is None:
                    part.dropped["hand whose image cannot be used"] += 1
                    continue
                sample.image = image
                sample.sample_id = free(sample.sample_id, own, taken, part.notes)
                samples.append(sample)
            part.batch = to_batch(samples)
            yield part
            part = Part()

    def _find(self, picture: _Picture, part: Part) -> str | None:
        """The file of a picture; None if it cannot be used, with the reason in the quarantine."""
        split, beside = split_of(picture.subset or ""), self._folder(picture.subset)
        try:
            return locate(
                self.finder,
                part.notes,
                picture.name,
                beside=beside,
                split=split,
                where=self.path,
                key="image",
            )
        except InputError as error:
            part.quarantine.append((f"{self.name}: {picture.name}", error.reason))
            return None

    def _folder(self, subset: str | None) -> Path:
        """Where CVAT's export has the pictures."""
        beside = self.path.parent
        below = [subset] if subset and is_path(subset) else []
        folders = [beside / "images" / name for name in (*below, "")]
        there = (place for place in folders if self.places.hold(place) and os.path.isdir(place))  # noqa: PTH112
        return next(there, beside)

    # The head ----------------------------------------------------------------------------------------

    def _take_meta(self, meta: Element) -> None:
        about = next(meta.all("task", "job", "project"), meta)
        step = _STEP.search(about.text_at("frame_filter"))
        self.step = max(1, int(step[1])) if step else 1
        self.video = as_text(meta.text_at("source") or about.text_at("source") or about.text_at("name"))
        labels = about.find("labels")
        for label in labels.all("label") if labels is not None else ():
            if label.text_at("parent"):
                self.sublabels.setdefault(label.text_at("parent"), []).append(label.text_at("name"))

    # Images ------------------------------------------------------------------------------------------

    def _take_image(self, element: Element) -> None:
        told = element.attributes
        picture = _Picture(told.get("name", ""), told.get("subset"))
        key = self.key + escaped(_stem("/".join(filter(None, (picture.subset, picture.name)))))
        number = 0
        for shape in element.below:
            if shape.tag != "skeleton":
                self._leave_out(shape, shape.attributes.get("label", ""))
                continue
            own = f"{NAME}/{key}#{number}" if number else f"{NAME}/{key}"
            number += 1
            try:
                spots = _spots(shape)
                width, height = (pixels(told.get(side), self.path, side) for side in ("width", "height"))
            except (ValueError, InputError) as error:
                why = error.reason if isinstance(error, InputError) else str(error)
                self.part.quarantine.append((f"{self.name}: {own}", why))
                continue
            sample = self._sample(shape.attributes.get("label", ""), spots, _attributes(shape))
            if sample is None:
                continue
            sample.width, sample.height = width, height
            sample.split = split_of(picture.subset or "")
            sample.label_source = _labelled_by(shape.attributes.get("source"))
            self.hands.append(_Hand(picture, own, sample))
        if not any(element.all("skeleton")):
            self.part.notes["image without a skeleton"] += 1

    def _leave_out(self, shape: Element, label: str) -> None:
        leave_out(self.part.dropped, f"shape {brief(shape.tag)}", quoted(label))

    # Tracks ------------------------------------------------------------------------------------------

    def _take_track(self, track: Element) -> None:
        told = track.attributes
        shapes = [shape for shape in track.below if shape.tag not in ("skeleton", "track")]
        for shape in shapes:
            self._leave_out(shape, told.get("label", ""))
        if shapes:
            return
        number, subset = as_text(told.get("id", "")), told.get("subset")
        where = f"{self.name}: track {brief(number)}"
        there = self._frames(subset)
        try:
            found = list(cvat_tracks.hands(track, self.step, there.keys()))
        except ValueError as error:
            self.part.quarantine.append((where, str(error)))
            return
        first = next(track.all("skeleton"), track)
        missing = 0
        for frame, spots in found:
            name = there.get(frame, "")
            key = self.key + escaped(_stem("/".join(filter(None, (subset, name)))))
            own = f"{NAME}/{key}#{escaped(number)}"
            sample = self._sample(told.get("label", ""), spots, _attributes(first))
            if sample is None:
                continue
            if not name:
                missing += 1
                continue
            sample.sample_id = ""  # that is told once, for all frames
            sample.label_source = _labelled_by(told.get("source"))
            sample.clip = "/".join(filter(None, (self.key.rstrip("/"), subset, self.video))) or NAME
            sample.frame, sample.track, sample.split = frame, number, split_of(subset or "")
            self.hands.append(_Hand(_Picture(name, subset), own, sample))
        if missing:
            self.part.dropped["hand at a frame without its picture"] += missing
            remedy = "export with images (frame_000000.PNG, ...), or as CVAT for images 1.1"
            self.part.quarantine.append((where, f"no picture of {counted(missing, 'frame')}; {remedy}"))

    def _frames(self, subset: str | None) -> dict[int, str]:
        """The pictures of a video by the number of their frame."""
        if subset not in self.frames:
            folders = [self._folder(subset), *filter(None, (self.finder.further,))]
            names = sorted(path.name for folder in folders for path in folder.iterdir())
            matches = (_FRAME.fullmatch(name) for name in names)
            self.frames[subset] = {int(match[1]): match[0] for match in matches if match}
        return self.frames[subset]

    # A hand ------------------------------------------------------------------------------------------

    def _sample(self, label: str, spots: dict[str, Spot], attributes: dict[str, str]) -> Sample | None:
        """A hand with the id in its attributes, without its picture; None, counted, if it is not a hand."""
        names = self._names(label, spots)
        if names.refusal:
            reason = f"{quoted(label)}, no known hand: {names.refusal}"
            leave_out(self.part.dropped, "skeleton", reason)
            return None
        xy, seen = np.full((kp.COUNT, 2), np.nan, np.float32), np.zeros(kp.COUNT, np.uint8)
        for name, spot in spots.items():
            point = names.points.get(name)
            if point is None:
                ignored = self.mapping.ignores(name)
                counts = self.part.notes if ignored else self.part.dropped
                what = IGNORED_LABEL if ignored else UNKNOWN_LABEL
                leave_out(counts, what, quoted(name), hint=not ignored)
            elif spot.visibility:
                try:
                    xy[point], seen[point] = place_of(spot.place), spot.visibility
                except ValueError as error:
                    leave_out(self.part.dropped, "point with", str(error))
        if not seen.any():
            self.part.notes["skeleton whose points are all outside"] += 1
            return None
        self._note(names)
        sides = {labels.side_of(label), names.side, labels.side_among(attributes)} - {None}
        if len(sides) > 1:
            self.part.notes[TWO_SIDES] += 1
        aspect = attributes.get(ASPECT, "").lower()
        return Sample(
            attributes.get(SAMPLE_ID, ""),
            NAME,
            "",
            side=labels.agreed(sides) or self.mapping.side,
            aspect=aspect if aspect in CHOICES[ASPECT][1:] else None,
            keypoints=xy,
            visibility=seen,
            attrs=self._rest(attributes),
        )

    def _rest(self, attributes: dict[str, str]) -> dict[str, str]:
        """The attributes without a field, and those with one whose value is not understood."""
        rest = {name: text for name, text in attributes.items() if not _is_understood(name, text)}
        for name in CHOICES.keys() & rest.keys():
            what = f"{name} that is not understood, kept among the attrs:"
            leave_out(self.part.notes, what, quoted(rest[name]))
        if len(rest) > _ATTRIBUTES:
            what = f"attribute of a hand beyond the first {_ATTRIBUTES}, left out"
            self.part.notes[what] += len(rest) - _ATTRIBUTES
        return dict(list(rest.items())[:_ATTRIBUTES])

    def _names(self, label: str, spots: Iterable[str]) -> Names:
        names = tuple(self.sublabels.get(label) or spots)
        if (label, *names) not in self.known:
            self.known[(label, *names)] = names_of(names, label, self.mapping)
        return self.known[(label, *names)]

    def _note(self, names: Names) -> None:
        if names.assumed:
            self.part.notes[ASSUMED] += 1
        if names.placed:
            self.part.notes[by_the_rest(brief(names.placed))] += 1


def _spots(skeleton: Element) -> dict[str, Spot]:
    """The points of a skeleton by name. Raises ValueError: two of one name, or a flag that is not 0 or 1."""
    points = list(skeleton.all("points"))
    spots = {point.attributes.get("label", ""): spot_of(point) for point in points}
    if len(spots) < len(points):
        raise ValueError("two points of one skeleton have the same name")
    return spots


def _attributes(shape: Element) -> dict[str, str]:
    """The CVAT attributes of a shape, without those that are blank."""
    return {a.attributes.get("name", ""): a.text for a in shape.all("attribute") if a.text.strip()}


def _is_understood(name: str, text: str) -> bool:
    """Whether a field of the sample holds what an attribute says."""
    told = text.lower() in CHOICES.get(name, ()) or (name == SIDE and labels.side_of(text) is not None)
    return told or name == SAMPLE_ID


def _labelled_by(source: str | None) -> str | None:
    """manual, auto:cvat, or None, as for a shape that was imported (`file`)."""
    return _MANUAL if source == _MANUAL else f"auto:{NAME}" if source in _MACHINES else None


def _stem(name: str) -> str:
    """A picture's name without its suffix."""
    path = posix_path(name)
    return path.with_suffix("").as_posix() if path.name else name


# Writing -----------------------------------------------------------------------------------------------

_HELD = frozenset({"sample_id", "side", "aspect", "keypoints", "label_source"})


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write annotations.xml ("CVAT for images 1.1"), images/, and labels.json, for creating a task.

    A hand is a skeleton `hand` with a point for each keypoint, and the attributes `sample_id`, `side` and
    `aspect`. A point without a label is `outside`, in the middle of the others; a hidden one `occluded`.

    Returns
    -------
    How many values of each field the format could not hold, and what was left out.
    """
    lost = count_lost(dataset, _HELD)
    for sample in dataset:
        lost["label_source"] += sample.label_source not in (None, _MANUAL)
        lost["sample_id"] += not xml_files.holds(sample.sample_id)
    folder = out / "images"
    hands, counts = put_hands(dataset, folder, engine)
    with files.writing(out / ANNOTATIONS) as file:
        for line in _lines(hands, folder):
            file.write(f"{line}\n".encode())
    files.write(out / LABELS, cvat_labels.as_json())
    return +(lost + counts)


def _lines(hands: dict[Path, list[Sample]], folder: Path) -> Iterator[str]:
    task = text("name", "hand-curate") + text("size", len(hands)) + text("mode", "annotation")
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield text("version", "1.1")
    yield tag("meta", {}, tag("task", {}, task + cvat_labels.as_xml()))
    for number, (path, samples) in enumerate(hands.items()):
        info = images.probe(path)
        name = path.relative_to(folder).as_posix()
        told = {"id": number, "name": name, "width": info.width, "height": info.height}
        shown = [_skeleton(sample) for sample in samples if sample.visibility.any()]
        yield tag("image", told, "\n" + "\n".join(shown) + "\n" if shown else "")
    yield "</annotations>"


def _skeleton(sample: Sample) -> str:
    labelled = sample.visibility > kp.UNLABELLED
    middle = sample.keypoints[labelled].mean(axis=0)
    places = short(np.where(labelled[:, None], sample.keypoints, middle)).tolist()
    inner = [
        tag(
            "points",
            {
                "label": kp.NAMES[point],
                "source": _MANUAL,
                "outside": int(not labelled[point]),
                "occluded": int(sample.visibility[point] == kp.HIDDEN),
                "points": f"{x!r},{y!r}",
            },
        )
        for point, (x, y) in enumerate(places)
    ]
    told = {SIDE: sample.side or UNKNOWN, ASPECT: sample.aspect or UNKNOWN}
    if xml_files.holds(sample.sample_id):
        told = {SAMPLE_ID: sample.sample_id, **told}
    for name, value in told.items():
        inner.append(tag("attribute", {"name": name}, escape(value)))
    head: dict[str, object] = {"label": HAND, "z_order": 0}
    if sample.label_source:
        head["source"] = _MANUAL if sample.label_source == _MANUAL else _AUTO
    return tag("skeleton", head, "\n" + "\n".join(inner) + "\n")
