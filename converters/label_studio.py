"""Label Studio's JSON: one task per picture, one region per point, a hand's points under its rectangle.

Coordinates are percent of the upright picture's width and height, however it was turned on the screen
(`image_rotation`), and count from its corner. One annotation of each task is read
(labelstud.io/guide/export, labelstud.io/tags/keypointlabels). The same files are written, for import.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters.parts.exported_images import put_hands
from converters.parts.label_mapping import Mapping
from converters.parts.label_studio_config import HAND, HIDDEN, PICTURE, VISIBILITY, config, hand_label
from converters.parts.label_studio_config import POINT as POINT_TAG
from converters.parts.label_studio_hands import HandReader
from converters.parts.label_studio_tasks import OURS, POINT, RECTANGLE, Sent, Task, tasks_of
from converters.parts.lost_fields import count_lost
from converters.parts.pictures import locate
from converters.parts.sample_keys import escaped, free
from converters.parts.short_numbers import short
from converters.parts.source_files import finder_of, read_each
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import ImageFinder, Source

NAME = "label-studio"
TASKS, CONFIG = "tasks.json", "label_config.xml"
_TASKS = 1024  # a part
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the name of a file that was uploaded
_WIDTH = 0.5  # of a point on the screen, percent
_MANUAL = "manual"


def read(source: Source, *, mapping: Path | None = None, annotator: str | None = None) -> Iterator[Part]:
    """The hands of all JSON and JSON-MIN exports below `source.root`, or of the one given.

    If a task has several annotations, the ground truth is read, else the newest. If it has none, a prediction
    is read, and its labels count as a network's. Points under one region are a hand; else those in one
    rectangle; else those of a task. A hand that this package exported gets its id back.

    Parameters
    ----------
    mapping: a YAML file that maps the source's labels to ours (`converters.parts.label_mapping`).
    annotator: whose annotations to read, by number or e-mail address, and nobody else's.

    Raises
    ------
    InputError: the mapping file is wrong, or none of the files is Label Studio's.
    """
    theirs = Mapping.load(mapping) if mapping else Mapping()
    finder, tally = finder_of(source), Part()
    taken = set[str]()

    def load(path: Path, name: str, count: int) -> _File:
        key = escaped(f"{PurePosixPath(name).with_suffix('')}/") if count > 1 else ""
        tasks = tasks_of(path, name, source.places, tally, annotator)
        return _File(path, name, f"{NAME}/{key}", finder, HandReader.of(theirs, tasks), tasks, taken)

    allowed = "its export as JSON or JSON-MIN"
    found = read_each(source, ".json", load, tally, own=NAME, title="Label Studio", allowed=allowed)
    yield tally
    for file in found:
        for start in range(0, len(file.tasks), _TASKS):
            yield file.part(file.tasks[start : start + _TASKS])


@dataclass(frozen=True, slots=True)
class _File:
    """A file and its tasks; `taken`: the ids in use."""

    path: Path
    name: str
    key: str
    finder: ImageFinder
    reader: HandReader
    tasks: list[Task]
    taken: set[str]

    def part(self, tasks: list[Task]) -> Part:
        """The samples of some tasks; a task that cannot be used goes to the quarantine."""
        part = Part()
        samples: list[Sample] = []
        for task in tasks:
            with part.quarantining(f"{self.name}: task {task.key[:80]}"):
                found = list(self._samples(task, part))
                if not found:
                    part.notes["task without a keypoint"] += 1
                for own, sample in found:
                    sample.sample_id = free(sample.sample_id, own, self.taken, part.notes)
                    samples.append(sample)
        part.batch = to_batch(samples)
        return part

    def _samples(self, task: Task, part: Part) -> Iterator[tuple[str, Sample]]:
        """The hands of a task, each after its id for the case that it was not exported. Raises InputError."""
        if not any(region.kind == POINT for region in task.regions):
            list(self.reader.samples(task, (1, 1), part))  # counts what else there is
            return
        image = self._picture(task, part)
        size = task.size or _size(image)
        found = list(self.reader.samples(task, size, part))
        for number, (region, sample) in enumerate(found):
            sent = task.sent_with(region, alone=len(found) == 1)
            own = f"{self.key}{escaped(task.key)}" + (f"#{number}" if number else "")
            sample.sample_id = sent.sample_id if sent is not None else ""
            if sent is not None and not sent.has_bbox:
                sample.bbox = None
            sample.source, sample.image, sample.attrs = NAME, image, task.data
            sample.label_source = _MANUAL if task.tagger is None else f"auto:{task.tagger or NAME}"
            yield own, sample

    def _picture(self, task: Task, part: Part) -> str:
        """The file of a task's picture. Raises InputError."""
        names = list(_names(task.picture))
        for name in names:
            try:
                beside = self.path.parent
                return locate(self.finder, part.notes, name, beside=beside, where=self.path, key="data.image")
            except InputError:
                if names == [task.picture]:
                    raise
        remedy = "put it into the folder that its name gives, or give its folder with --images DIR"
        raise InputError(self.path, f"no image for {task.picture[:200]!r}", field="data.image", remedy=remedy)


def _names(picture: str) -> Iterator[str]:
    """The names that the file of a picture may have, also if it is a URL or served by Label Studio."""
    try:
        parts = urlsplit(picture)
    except ValueError:
        parts = urlsplit("")
    if parts.path.rstrip("/").endswith("/data/local-files"):
        yield from parse_qs(parts.query).get("d", [])
    elif parts.scheme and parts.netloc:
        yield parts.path
    elif picture.startswith("/data/upload/"):
        yield picture
    else:
        yield picture
        return
    name = PurePosixPath(unquote(parts.path)).name
    plain = _UPLOADED.sub("", name)
    if plain != name:
        yield f"/{plain}"


def _size(image: str) -> tuple[int, int]:
    info = images.probe(image)
    return info.width, info.height


# Writing -----------------------------------------------------------------------------------------------

_HELD = frozenset({"sample_id", "side", "keypoints", "bbox", "label_source", "score", "keypoint_scores"})


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write tasks.json, images/, and label_config.xml, for setting up a project.

    A hand is a rectangle, its box or one around its points, with the points under it. A hidden point has the
    choice `hidden`; an unlabelled point has no region. If a person labelled all hands of a picture, they are
    its annotation; else they are a prediction, shown for correction.

    Returns
    -------
    How many values of each field the format could not hold, and what was left out.
    """
    lost = count_lost(dataset, _HELD)
    hands, counts = put_hands(dataset, out / "images", engine)
    encoder = msgspec.json.Encoder()
    with files.writing(out / TASKS) as file:
        for number, (path, samples) in enumerate(hands.items()):
            shown = [sample for sample in samples if sample.visibility.any()]
            file.write((b",\n" if number else b"[\n") + encoder.encode(_task(path, out, shown, lost)))
        file.write(b"\n]\n" if hands else b"[]\n")
    files.write(out / CONFIG, config())
    return +(lost + counts)


def _task(path: Path, out: Path, hands: list[Sample], lost: Counter[str]) -> dict[str, Any]:
    info = images.probe(path)
    size = (info.width, info.height)
    sent = [Sent(hand.sample_id, hand.bbox is not None) for hand in hands]
    place = quote(path.relative_to(out).as_posix())
    data = {"image": f"/data/local-files/?d={place}", OURS: sent}
    if not hands:
        return {"data": data}
    result = [region for number, hand in enumerate(hands) for region in _regions(hand, number, size)]
    labelled_by = {hand.label_source for hand in hands}
    if labelled_by <= {_MANUAL, None}:
        lost["label_source"] += sum(hand.label_source is None for hand in hands)
        lost["score"] += sum(hand.score is not None for hand in hands)
        lost["keypoint_scores"] += sum(hand.keypoint_scores is not None for hand in hands)
        return {"data": data, "annotations": [{"result": result}]}
    tagger = next(name for hand in hands if (name := hand.label_source) not in (_MANUAL, None))
    lost["label_source"] += sum(hand.label_source != tagger or tagger == "render" for hand in hands)
    guess: dict[str, Any] = {"model_version": str(tagger).removeprefix("auto:"), "result": result}
    beyond = sum(
        int(np.count_nonzero((hand.keypoints > np.array(size, np.float32)).any(axis=1))) for hand in hands
    )
    lost["point right of or below its picture, which Label Studio may refuse in a prediction"] += beyond
    lost["score of a keypoint that is not labelled"] += sum(map(_scores_of_nothing, hands))
    scores = [hand.score for hand in hands if hand.score is not None]
    if scores:
        guess["score"] = sum(scores) / len(scores)
    return {"data": data, "predictions": [guess]}


def _scores_of_nothing(hand: Sample) -> int:
    """How many scores belong to unlabelled points, which have no region to hold them."""
    if hand.keypoint_scores is None:
        return 0
    return int(np.count_nonzero(np.isfinite(hand.keypoint_scores[hand.visibility == kp.UNLABELLED])))


def _regions(hand: Sample, number: int, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """A hand's rectangle, the points under it, and the choice `hidden` for those that are."""
    head = {"to_name": PICTURE, "original_width": size[0], "original_height": size[1], "image_rotation": 0}
    labelled = hand.visibility > kp.UNLABELLED
    box = hand.bbox if hand.bbox is not None else _around(hand.keypoints[labelled], size)
    x, y, width, height = (short(box[axis : axis + 1], 100 / size[axis % 2]).item() for axis in range(4))
    key = f"hand-{number}"
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    told = {"rectanglelabels": [hand_label(hand.side)]}
    rectangle = {**head, "id": key, "from_name": HAND, "type": RECTANGLE, "value": value | told}
    yield rectangle | ({} if hand.score is None else {"score": hand.score})
    xs, ys = (short(hand.keypoints[:, axis], 100 / size[axis]).tolist() for axis in (0, 1))
    for point in np.flatnonzero(labelled):
        name = kp.NAMES[point]
        place = {"x": xs[point], "y": ys[point], "width": _WIDTH}
        region = {**head, "id": f"{key}-{name}", "parentID": key}
        shape = {**region, "from_name": POINT_TAG, "type": POINT, "value": place | {POINT: [name]}}
        score = np.nan if hand.keypoint_scores is None else float(hand.keypoint_scores[point])
        yield shape | ({"score": score} if np.isfinite(score) else {})
        if hand.visibility[point] == kp.HIDDEN:
            choice = place | {"choices": [HIDDEN]}
            yield {**region, "from_name": VISIBILITY, "type": "choices", "value": choice}


def _around(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A box (x, y, w, h) with a margin around one or more points, clipped to the picture if it meets it."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = max(1.0, 0.1 * float((high - low).max()))
    low, high = low - margin, high + margin
    if (high > 0).all() and (low < size).all():
        low, high = np.maximum(low, 0), np.minimum(high, np.array(size, np.float32))
    return np.concatenate([low, high - low])
