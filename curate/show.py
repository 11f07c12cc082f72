"""`curate show`: the content of a dataset, as counts and as pictures with their skeletons."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from curate.basics import keypoints as kp
from curate.basics import pages
from curate.basics.errors import UnreadableImage
from curate.basics.images import Pixels
from curate.basics.settings import require_count
from curate.basics.wording import EMPTY, counted, percent
from curate.data.dataset import Dataset
from curate.data.sample import Sample, from_batch, generator, labelled_points
from curate.hands.overlay import contact_sheet, draw_skeleton
from curate.hands.sifting import SIFTED

_PROPERTIES = {
    "split": "split",
    "side": "side",
    "aspect": "aspect",
    "source": "source",
    "label_source": "labels by",
    "licence": "licence",
}
_UNKNOWN = "not known"
_VALUES = 8  # of a property or a name in attrs
_CELL = 224  # px of a picture
_NAME = 60  # letters of a sample's name
_SEEN = {kp.VISIBLE: "visible", kp.HIDDEN: "hidden", kp.UNLABELLED: "not labelled"}


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a dataset.

    Attributes
    ----------
    name: of the folder. samples, images, subjects, clips: how many. training: as `Dataset.training`.
    sizes: of the images, (smallest, largest) width and height, pixels; None if there are none.
    counts: of each value of each property, the most frequent first. points: of keypoints by visibility.
    coverage: the share of samples that have each keypoint, by its name.
    stages: those that made the dataset, with what each gave and left out. quarantined: how many inputs.
    """

    name: str
    samples: int
    images: int
    subjects: int
    clips: int
    training: dict[str, Any] | None
    sizes: tuple[tuple[int, int], tuple[int, int]] | None
    counts: dict[str, dict[str, int]]
    points: dict[str, int]
    coverage: dict[str, float]
    stages: list[dict[str, Any]]
    quarantined: int

    @property
    def labelled(self) -> bool:
        """Whether any keypoint is."""
        return any(self.coverage.values())

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The dataset in a few lines: what, and how many."""
        told = [("samples", f"{self.samples:,}"), ("images", f"{self.images:,}")]
        told.append(("subjects", f"{self.subjects:,}" if self.subjects else _UNKNOWN))
        if self.clips:
            told.append(("clips", f"{self.clips:,}"))
        if self.sizes:
            sides = [f"{low}" if low == high else f"{low} to {high}" for low, high in self.sizes]
            told.append(("image size, px", " x ".join(sides)))
        if self.training:
            shape = {name: self.training[name] for name in ("size", "channels", "keypoints", "sigma")}
            told.append(("training set", ", ".join(f"{name} {value}" for name, value in shape.items())))
        if not self.labelled:
            told.append(("keypoints", "none is labelled"))
        told.append(("in quarantine", f"{self.quarantined:,}"))
        return told

    def __str__(self) -> str:
        lines = [self.name, *(f"  {what}: {value}" for what, value in self.facts)]
        tables = self.counts | ({"keypoints": self.points} if self.labelled else {})
        for title, values in tables.items():
            lines.append(
                f"  {title}: " + ", ".join(f"{value or EMPTY} ({count:,})" for value, count in values.items())
            )
        rare = {name: share for name, share in self.coverage.items() if self.labelled and share < 1}
        if rare:
            alike = len(rare) == kp.COUNT and len(set(rare.values())) == 1
            told = {"each keypoint": rare[kp.NAMES[0]]} if alike else rare
            shares = ", ".join(f"{name} {percent(share)}" for name, share in told.items())
            lines.append(f"  labelled in only some of the samples: {shares}")
        for stage in self.stages:
            left = "".join(f"; left out: {count:,} {reason}" for reason, count in stage["left_out"].items())
            made = "number of samples not known" if stage["out"] is None else counted(stage["out"], "sample")
            lines.append(f"  made by {stage['stage']}: {made}{left}")
        return "\n".join(lines)


def show(dataset: str | os.PathLike[str]) -> Contents:
    """Count the content of a dataset or a training set; reads its table and no image.

    Raises SchemaError: not a dataset.
    """
    source = Dataset(dataset)
    counts = {title: Counter[str]() for title in _PROPERTIES.values()}
    attributes: dict[str, Counter[str]] = {}
    subjects, clips, names = set[str](), set[str](), set[str]()
    points, coverage = Counter[int](), np.zeros(kp.COUNT, np.int64)
    low, high = np.full(2, 1 << 31), np.zeros(2, np.int64)
    for batch in source.batches():
        for column, title in _PROPERTIES.items():
            counts[title].update(value or _UNKNOWN for value in batch.column(column).to_pylist())
        subjects.update(filter(None, batch.column("subject_id").to_pylist()))
        clips.update(filter(None, batch.column("clip").to_pylist()))
        names.update(batch.column("image").to_pylist())
        seen = labelled_points(batch)[1]
        points.update({value: int((seen == value).sum()) for value in _SEEN})
        coverage += (seen != kp.UNLABELLED).sum(axis=0)
        for place, column in enumerate(("width", "height")):
            least, most = pc.min_max(batch.column(column)).values()
            if least.is_valid:
                low[place], high[place] = min(low[place], least.as_py()), max(high[place], most.as_py())
        for sample in from_batch(batch):
            for name, value in sample.attrs.items():
                attributes.setdefault(name, Counter()).update(_values(name, value))
    few = {name: found for name, found in sorted(attributes.items()) if _is_told(name, found)}
    told = {title: _most(found) for title, found in counts.items() if found.keys() - {_UNKNOWN}}
    count = len(source)
    return Contents(
        name=source.name,
        samples=count,
        images=len(names),
        subjects=len(subjects),
        clips=len(clips),
        training=source.training,
        sizes=((int(low[0]), int(high[0])), (int(low[1]), int(high[1]))) if high.all() else None,
        counts=told | {name: _most(found) for name, found in few.items()},
        points={word: points[value] for value, word in _SEEN.items()},
        coverage={name: int(coverage[i]) / count for i, name in enumerate(kp.NAMES)} if count else {},
        stages=[_stage(entry) for entry in source.info["history"]],
        quarantined=len(source.quarantine()),
    )


class Shown(NamedTuple):
    """A sample with its image and skeleton: RGB, longer side 224 px. If the image cannot be read, a grey
    square, and the reason."""

    sample: Sample
    picture: Pixels
    unreadable: str | None


def some(dataset: str | os.PathLike[str], count: int, *, seed: int = 0) -> list[Shown]:
    """Samples drawn at random by the seed, in the dataset's order. Raises InputError: a count below 0."""
    count = require_count("count", count)
    source = Dataset(dataset)
    ids = source.table(["sample_id"]).column(0).to_pylist()
    lots = sorted(range(len(ids)), key=lambda row: generator(seed, ids[row]).random())
    return [_shown(source, sample) for sample in source.take(sorted(lots[:count]))]


def sheet(pictures: Sequence[Pixels]) -> Pixels:
    """The pictures on one."""
    columns = min(6, max(1, len(pictures)))
    return contact_sheet(pictures, columns=columns, cell=_CELL)


def page(contents: Contents, hands: Sequence[Shown]) -> str:
    """An HTML page in one file that loads nothing else."""
    environment = pages.environment("curate", "palette.css", "show.css")
    cards = [
        {"name": sample.sample_id[:_NAME], "picture": pages.data_url(picture), "unreadable": unreadable}
        for sample, picture, unreadable in hands
    ]
    return environment.get_template("show.html.j2").render(contents=contents, cards=cards, empty=EMPTY)


def _shown(source: Dataset, sample: Sample) -> Shown:
    try:
        image = source.read_image(sample)
    except UnreadableImage as error:
        return Shown(sample, np.full((_CELL, _CELL, 3), 200, np.uint8), str(error))
    return Shown(sample, draw_skeleton(image, sample.keypoints, sample.visibility, size=_CELL), None)


def _values(name: str, value: Any) -> list[str]:
    """What to count of a value in attrs; for the reasons why a hand was sifted out, their limits."""
    if name == SIFTED and isinstance(value, list):
        return [str(reason.get("limit")) if isinstance(reason, dict) else str(reason) for reason in value]
    return [str(value)]


def _is_told(name: str, found: Counter[str]) -> bool:
    return len(found) <= _VALUES or name == SIFTED


def _stage(entry: dict[str, Any]) -> dict[str, Any]:
    counts = entry.get("counts") or {}
    return {"stage": entry["stage"], "out": counts.get("out"), "left_out": counts.get("dropped") or {}}


def _most(found: Counter[str]) -> dict[str, int]:
    """The most frequent values; the others as one."""
    ordered = sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))
    if len(ordered) <= _VALUES:
        return dict(ordered)
    rest = ordered[_VALUES - 1 :]
    return dict(ordered[: _VALUES - 1]) | {f"of {len(rest)} others": sum(count for _, count in rest)}
