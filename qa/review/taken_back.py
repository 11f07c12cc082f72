"""`curate review take-back`: labels that were mended in another tool, as decisions on the samples sent out.

    OUT/decisions.jsonl    what was corrected, for `curate review apply`

A label belongs to the sample of its id. Formats that hold ids (CVAT, Label Studio, COCO) bring them back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate.basics import files, images
from curate.basics.errors import InputError, UnreadableImage
from curate.basics.wording import counted, verb
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from qa.review.corrections import decision_of, difference, last_saved
from qa.review.decisions import DECISIONS, Decision, Patch, as_jsonl

_ROUNDED = 0.01  # pixels; CVAT keeps two decimals
_APART = 16.0  # grey levels: the mean difference between a picture and a re-encoded copy is no larger
_SMALL = (64, 64)  # px: size at which pictures are compared


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came back.

    Attributes
    ----------
    out: the folder of the decisions. samples: of the dataset. found: samples whose labels came back.
    corrected: those that were changed. refused: (label, reason) of what could not be taken.
    """

    out: Path
    samples: int
    found: int
    corrected: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [
            f"{len(self.corrected)} of {counted(self.found, 'sample')} that came back "
            f"{verb(len(self.corrected), 'was', 'were')} corrected"
        ]
        lines += [f"  cannot be taken back: {name!r}: {why}" for name, why in self.refused]
        if self.found < self.samples:
            lines.append(
                f"  did not come back, left as they are: {counted(self.samples - self.found, 'sample')}"
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "samples": self.samples,
            "found": self.found,
            "corrected": list(self.corrected),
            "refused": [{"input": name, "reason": why} for name, why in self.refused],
            "decisions": os.fspath(self.out / DECISIONS),
        }


def take_back(
    dataset: str | os.PathLike[str],
    parts: Iterable[Part],
    labels: Path,
    out: str | os.PathLike[str],
    *,
    reviewer: str = "",
    overwrite: bool = False,
) -> TakenBack:
    """Write what differs between labels that came back and the samples of their ids to OUT/decisions.jsonl.

    Points within 0.01 px of where they were have not been moved. A label on another picture than its
    sample's, such as of a hand that was copied there, is refused. The same call again reads the labels again.

    Parameters
    ----------
    parts: the labels, as a converter's `read` gives them. labels: the file or folder they come from.

    Raises
    ------
    InputError: labels of none of the samples, a training set, or an `out` that is none of curate's.
    SchemaError: no dataset. ConfigChanged: `out` holds what was corrected in another dataset.
    """
    source, folder = Dataset(dataset), Path(out)
    source.refuse_training_set("take them back into the dataset that it is built from, and build again")
    identity = {"stage": "take-back", "dataset": source.fingerprint}
    with contents.claimed(folder, identity, [], reads=[source.root, labels], overwrite=overwrite) as claim:
        taken = _compare(source, parts, folder, labels, reviewer)
        if claim.result is None:
            claim.finish({})
        else:
            files.sweep(folder)  # of a command that was killed
        return taken


def _compare(source: Dataset, parts: Iterable[Part], out: Path, labels: Path, reviewer: str) -> TakenBack:
    refused: list[tuple[str, str]] = []
    mended: dict[str, Sample] = {}
    for part in parts:
        refused += part.quarantine
        refused += [(labels.name, f"{count} x {what}") for what, count in part.dropped.items()]
        mended |= {sample.sample_id: sample for sample in from_batch(part.batch)}
    corrected: list[Decision] = []
    when = last_saved(labels)
    found = 0
    for old in source:
        new = mended.pop(old.sample_id, None)
        if new is None:
            continue
        found += 1
        patch = difference(old, new, within=_ROUNDED)
        if patch == Patch():
            continue
        why = _other_picture(source, old, new)
        if why:
            refused.append((old.sample_id, why))
        else:
            corrected.append(decision_of(source, old, patch, reviewer, when))
    refused += [(name, "no sample of this id in the dataset") for name in mended]
    if not found:
        example = f", such as {next(iter(mended))!r}" if mended else ""
        remedy = "give the dataset that was exported, and what came of it"
        raise InputError(labels, f"labels of none of its samples{example}", remedy=remedy)
    files.write(out / DECISIONS, as_jsonl(corrected))
    return TakenBack(out, len(source), found, tuple(d.sample_id for d in corrected), tuple(refused))


def _other_picture(source: Dataset, old: Sample, new: Sample) -> str:
    """Why a label is not on its sample's picture; empty if it is."""
    try:
        before, after = source.read_image(old), images.read(new.image)
    except UnreadableImage as error:
        return f"its picture cannot be read: {error.reason}"
    if before.shape[:2] != after.shape[:2]:
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (before, after))
        return f"its picture is another one: {sizes} pixels"
    one, two = (cv2.resize(p, _SMALL, interpolation=cv2.INTER_AREA).astype(np.int16) for p in (before, after))
    return "its picture is another one" if np.abs(one - two).mean() > _APART else ""
