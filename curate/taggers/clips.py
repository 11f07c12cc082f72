"""A clip, tagged: each frame becomes a picture of the dataset, and a sample for each hand that is followed.

What is done is kept every 64 frames, with what is remembered of the hands: a clip that was stopped goes on
there, to the same bytes. Of a camera, what it gave before it was stopped is the whole clip.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.basics import files, images, progress, videos
from curate.basics.errors import InputError, SchemaError
from curate.basics.images import Pixels
from curate.basics.videos import Frame
from curate.data.frames import NOT_HELD, SECONDS, write_frame
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, from_batch, to_batch
from curate.hands.finding import WHOLE
from curate.hands.overlay import draw_hands
from curate.hands.photograph import Photograph, Still
from curate.hands.smoothing import OneEuro, smooth_whole
from curate.taggers.following import Follower, State, from_json, to_json
from curate.taggers.tagger import Tagged, nothing

FRAMES = "images"  # the folder of OUT that frames are written to
_ROWS = 64  # frames after which what is done is kept
_LONGEST = 1280  # px, longer side of the overlay
_SPENT = ".spent.json"

Label = Callable[[Part, Photograph, Tagged], Sample]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording.

    Attributes
    ----------
    name: in messages and in the column `clip`. path: of the video; None: it is recorded by a camera.
    camera: its number. seconds: how long it records; None: until it is stopped.
    refused: why the video must not be opened.
    """

    name: str
    path: Path | None = None
    camera: int = 0
    seconds: float | None = None
    refused: InputError | None = None

    @property
    def stem(self) -> str:
        """What its files in OUT are called by."""
        return file_stem(self.name)

    def promised(self) -> int:
        """How many frames it says that it has; 0 where it cannot tell."""
        if self.path is None or self.refused is not None:
            return 0
        try:
            return videos.promised(self.path)
        except InputError:
            return 0

    def frames(self, first: int, not_held: Callable[[int], object]) -> Iterator[Frame]:
        """Its frames from this number on; none of a camera, whose moment has passed.

        not_held: as of `videos.frames`. Raises InputError where it cannot be read, or not to its end.
        """
        if self.refused is not None:
            raise self.refused
        if self.path is not None:
            yield from (frame for frame in videos.frames(self.path, not_held) if frame.number >= first)
        elif first == 0:
            for frame in videos.camera(self.camera):
                if self.seconds is not None and frame.seconds >= self.seconds:
                    return
                yield frame


def tag_clip(
    clip: Clip,
    follower: Follower,
    label: Label,
    out: Path,
    work: Path,
    show: Callable[[Pixels], bool] | None = None,
) -> Part:
    """All samples of a clip; what is wrong with it goes to the quarantine.

    Parameters
    ----------
    label: makes the sample of a frame with what was found in it, and counts it.
    out: the dataset; frames are written to its images/. work: a folder for what is not finished.
    show: given each frame with its hands, RGB; False ends the clip.
    """
    kept = _Kept(work / clip.stem)
    began, first = time.monotonic(), kept.next
    part, samples, state = Part(to_batch([])), list[Sample](), kept.state
    count, not_held = first, list[int]()
    try:
        for frame in clip.frames(first, not_held.append) if not kept.ended else ():
            made, state = _tag_frame(clip, frame, follower, label, out, part, state)
            samples += made
            count = frame.number + 1
            progress.within(1)
            if show is not None and not show(draw_hands(frame.pixels, _hands(made))):
                break
            if count % _ROWS == 0:
                kept.keep(part, samples, state, count)
                part, samples = Part(to_batch([])), []
    except InputError as error:
        part.quarantine.append((clip.name, error.reason))
    part.notes[NOT_HELD] += sum(not_held)
    kept.keep(part, samples, state, count, ended=True)
    files.write_json(work / f"{clip.stem}{_SPENT}", [count - first, time.monotonic() - began])
    return kept.whole()


def smoothed(part: Part, by: OneEuro) -> Part:
    """A whole clip with the points of its hands smoothed, each while it is seen without a break."""
    samples = list(from_batch(part.batch))
    rows = sorted(
        (int(sample.track), int(sample.frame), row)
        for row, sample in enumerate(samples)
        if sample.track is not None and sample.frame is not None
    )
    # Of frames one after another, frame - place is the same.
    for _, group in groupby(enumerate(rows), key=lambda item: (item[1][0], item[1][1] - item[0])):
        seen = [row for _, (_, _, row) in group]
        points = np.stack([samples[row].keypoints for row in seen])
        times = np.array([samples[row].attrs[SECONDS] for row in seen])
        for row, calm in zip(seen, smooth_whole(points, times, by), strict=True):
            samples[row] = replace(samples[row], keypoints=calm.astype(np.float32))
    part.batch = to_batch(samples)
    return part


def pace(work: Path) -> tuple[int, float]:
    """How many frames were looked at, and in how many seconds, until the stage was finished."""
    spent = [json.loads(path.read_bytes()) for path in sorted(work.glob(f"*{_SPENT}"))]
    return sum(frames for frames, _ in spent), sum(seconds for _, seconds in spent)


def write_overlay(path: Path, part: Part, out: Path, work: Path) -> None:
    """Write the frames of a clip with skeletons and numbers as a video."""
    samples = list(from_batch(part.batch))
    by_frame = [list(hands) for _, hands in groupby(samples, key=lambda sample: sample.frame)]
    if not by_frame:
        return
    times = [float(hands[0].attrs[SECONDS]) for hands in by_frame]
    drawn = (
        draw_hands(images.read(out / hands[0].image), _hands(hands), longest=_LONGEST) for hands in by_frame
    )
    begun = work / path.name  # its ending tells the format: it cannot be called as an unfinished file is
    videos.write(begun, drawn, times)
    path.parent.mkdir(parents=True, exist_ok=True)
    begun.replace(path)


def _tag_frame(
    clip: Clip, frame: Frame, follower: Follower, label: Label, out: Path, part: Part, state: State
) -> tuple[list[Sample], State]:
    sample = write_frame(frame, clip.name, out / FRAMES)
    still = Still(frame.pixels, sample)
    hands, state = follower.step(still, frame.seconds, state)
    made = [
        replace(label(part, still, tagged), sample_id=f"{sample.sample_id}~{number}", track=str(number))
        for number, tagged in hands
    ]
    return made or [label(part, still, nothing(WHOLE, still.whole))], state


def _hands(samples: list[Sample]) -> list[tuple[str, Any]]:
    """The hands of a frame, each with its number."""
    return [(sample.track, sample.keypoints) for sample in samples if sample.track is not None]


class _Kept:
    """The finished parts of a clip, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: list[Path] = []
        self.next, self.state, self.ended = 0, State(), False
        while self._load(len(self.parts)):
            pass

    def keep(
        self, part: Part, samples: list[Sample], state: State, count: int, *, ended: bool = False
    ) -> None:
        """Add a part, with what is remembered after its last frame. ended: it is the clip's last part."""
        if self.ended:
            return
        path = self._path(len(self.parts))
        told = {"next": count, "ended": ended, "state": to_json(state)}
        files.write_json(path.with_suffix(".json"), told)  # first: a part without it would count as done
        part.batch = to_batch(samples)
        part.store(path)
        self._load(len(self.parts))

    def whole(self) -> Part:
        """All parts as one."""
        parts = [Part.load(path) for path in self.parts]
        result = Part(to_batch([]))
        for part in parts:
            result.count(part)
        table = pa.Table.from_batches([part.batch for part in parts]).combine_chunks()
        result.batch = table.to_batches()[0] if len(table) else result.batch
        return result

    def _load(self, number: int) -> bool:
        path = self._path(number)
        if self.ended or not path.exists():
            return False
        try:
            Part.load(path)
        except SchemaError:
            return False  # made again
        told = json.loads(path.with_suffix(".json").read_bytes())
        self.parts.append(path)
        self.next, self.state, self.ended = told["next"], from_json(told["state"]), told["ended"]
        return True

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.arrow"
