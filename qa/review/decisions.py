"""Decisions: what a reviewer says about a sample, one line of JSON each, as the page exports them.

    {"schema": "hand-curate decision 1", "dataset_sha": ..., "sample_id": ..., "sample_sha": ...,
     "check_ids": [...], "decision": "accept|reject|fix|patch", "reason": null or one of REASONS,
     "patch": {"side": "swap", "order": "reverse", "points": {"thumb_tip": [x, y, 2], "wrist": null}},
     "reviewer": ..., "ts": ..., "app_version": ...}

accept: the labels are right. reject: leave the sample out. fix: keep it, someone has to label it again.
patch: change the side, reverse the four points of each finger, then put points where they belong (pixels and
visibility; null: not labelled).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec
import numpy as np

import curate
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError, UnreadableImage, found_and_field
from curate.basics.paths import open_file, real
from curate.data import references
from curate.data.sample import Sample

DECISIONS = "decisions.jsonl"
SCHEMA: Final = "hand-curate decision 1"
# Why a sample is rejected or needs fixing; the page's keys 1 to 9.
REASONS: tuple[str, ...] = (
    "blurred",
    "wrong-side",
    "wrong-points",
    "wrong-order",
    "hidden-fingers",
    "no-hand",
    "duplicate",
    "cut-off",
    "other",
)
ALIAS = "anon-"
_LONGEST = 1_000_000  # characters of a line
_FARTHEST = 1e6  # px
_TOLD = 40  # characters of what was found
Verdict = Literal["accept", "reject", "fix", "patch"]
_ALLOWED = {"schema": SCHEMA, "decision": ", ".join(get_args(Verdict)), "patch.side": "swap, left, right"}


class Patch(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to correct, in this order: the side, the order of each finger's points, single points by name.

    A point is (x, y, visibility), in pixels of the image, visibility 1 or 2; None removes its label.
    """

    side: Literal["swap", "left", "right"] | None = None
    order: Literal["reverse"] | None = None
    points: dict[str, tuple[float, float, Literal[1, 2]] | None] | None = None


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reviewer's verdict on one sample, as a line of decisions.jsonl."""

    schema: Literal["hand-curate decision 1"]
    dataset_sha: str
    sample_id: str
    sample_sha: str
    decision: Verdict
    reviewer: str
    ts: str
    check_ids: list[str] = []
    reason: str | None = None
    patch: Patch | None = None
    app_version: str = ""

    @property
    def at(self) -> datetime:
        """When it was made, in UTC if no zone is given. Raises ValueError if `ts` is not a time."""
        told = datetime.fromisoformat(self.ts)
        return told if told.tzinfo else told.replace(tzinfo=UTC)

    @property
    def verdict(self) -> tuple[str, bytes]:
        """What two reviewers must share to agree."""
        return self.decision, msgspec.json.encode(self.patch, order="deterministic")


def read_decisions(path: str | os.PathLike[str]) -> list[Decision]:
    """The decisions of a file. Raises InputError, naming the line, if one is not what the page exports."""
    decoder = msgspec.json.Decoder(Decision)
    decisions: list[Decision] = []
    number = 0
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8-sig") as file:
            for line in iter(partial(file.readline, _LONGEST), ""):
                number += 1
                if line.strip():
                    decisions.append(_checked(decoder.decode(line)))
    except OSError as error:
        raise InputError(path, f"cannot be opened ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise InputError(path, f"no UTF-8 ({error.reason})") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise _flawed(path, number, str(error)) from None
    return decisions


def _flawed(path: str | os.PathLike[str], number: int, told: str) -> InputError:
    """What is wrong with a line, which a decoder tells with the place in it, as ours."""
    found, place = found_and_field(told)
    field = f"line {number}: {place}" if place else f"line {number}"
    remedy = "export the decisions again from the review page"
    return InputError(path, found, field=field, allowed=_ALLOWED.get(place, ""), remedy=remedy)


def latest_decisions(path: str | os.PathLike[str]) -> dict[str, Decision]:
    """The decisions of a file by the sample id in the file; of several on a sample the last counts.

    Raises InputError, like `read_decisions`.
    """
    return {d.sample_id: d for d in sorted(read_decisions(path), key=lambda d: d.at)}


def require_two(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> None:
    """Raise InputError if both are the same file or folder: that it agrees with itself says nothing."""
    if real(first) == real(second):
        allowed = "what another person decided or labelled"
        raise InputError(second, "given twice, to be compared with itself", allowed=allowed)


def _checked(decision: Decision) -> Decision:
    try:
        datetime.fromisoformat(decision.ts)
    except ValueError:
        found, allowed = repr(decision.ts[:_TOLD]), "a date and time, such as 2026-01-31T10:00:00.000Z"
        raise ValueError(f"ts {found}; allowed: {allowed}") from None
    if (decision.decision == "patch") != (decision.patch not in (None, Patch())):
        raise ValueError("a patch says what to correct, and no other decision does")
    for name, point in ((decision.patch and decision.patch.points) or {}).items():
        if name not in kp.INDEX:
            raise ValueError(f"no keypoint {name[:_TOLD]!r}; allowed: {', '.join(kp.NAMES)}")
        if point is not None and max(abs(point[0]), abs(point[1])) > _FARTHEST:
            raise ValueError(f"{name} at {point[:2]}: no place in an image")
    if decision.reason is not None and decision.reason not in REASONS:
        raise ValueError(f"reason {decision.reason[:_TOLD]!r}; allowed: {', '.join(REASONS)}")
    return decision


def alias(dataset_sha: str, sample_id: str) -> str:
    """The name of a sample on an anonymous page; only the dataset leads back from it to the id."""
    return ALIAS + hashlib.sha256(f"{dataset_sha} {sample_id}".encode()).hexdigest()[:20]


def decide(
    dataset_sha: str,
    sample: Sample,
    pixels: str,
    decision: Verdict,
    *,
    reviewer: str,
    ts: str,
    patch: Patch | None = None,
    check_ids: Iterable[str] = (),
    reason: str | None = None,
) -> Decision:
    """A decision on a sample's labels and pixels as they are.

    Parameters
    ----------
    pixels: as `pixel_state` gives it. ts: the time at which it was made.
    """
    return Decision(
        schema=SCHEMA,
        dataset_sha=dataset_sha,
        sample_id=sample.sample_id,
        sample_sha=sample_sha(sample, pixels),
        decision=decision,
        reviewer=reviewer,
        ts=ts,
        check_ids=list(check_ids),
        reason=reason,
        patch=patch,
        app_version=curate.__version__,
    )


def as_jsonl(decisions: Iterable[Decision]) -> bytes:
    """The content of a decisions.jsonl."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(decision) + b"\n" for decision in decisions)


def read_pixel_state(root: Path, ref: str) -> str:
    """`pixel_state` of an image that a dataset at `root` refers to. Raises UnsafeReference if it may not."""
    try:
        return pixel_state(references.read_image(root, ref))
    except UnreadableImage:
        return pixel_state(None)


def pixel_state(pixels: images.Pixels | None) -> str:
    """Hash of an image's decoded pixels; "unreadable" where there are none."""
    return "unreadable" if pixels is None else images.pixel_sha256(pixels)


def sample_sha(sample: Sample, pixels: str) -> str:
    """Hash of what a reviewer decides on: size, side, aspect, keypoints, visibility and pixels of a sample.

    What a decision says nothing about (split, path, metadata) may change without making it stale.

    Parameters
    ----------
    pixels: as `pixel_state` gives it.
    """
    told = [sample.sample_id, sample.width, sample.height, sample.side, sample.aspect, pixels]
    labelled = (sample.visibility > 0)[:, None]
    points = np.where(labelled, sample.keypoints, np.float32(0)).astype("<f4")
    digest = hashlib.sha256(json.dumps(told).encode())
    digest.update(points.tobytes() + sample.visibility.astype(np.uint8).tobytes())
    return digest.hexdigest()
