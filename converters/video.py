"""Videos as a camera or a phone leaves them: each becomes a clip of numbered frames, without labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from curate.basics import images, videos
from curate.basics.errors import InputError
from curate.basics.videos import Frame
from curate.data.frames import NOT_HELD, SOURCE, write_frame
from curate.data.part import Part
from curate.data.sample import Sample, make_batch, to_batch
from curate.data.source import Source, ending_with, none_of

NAME = SOURCE
_ROWS = 64  # frames a batch
_THUMBNAIL, _SHARP = 32, 320  # px, longer side: to compare frames, and to tell how sharp one is


def read(source: Source, *, every: int = 1, sharpest: bool = False, different: float = 0.0) -> Iterator[Part]:
    """Yield a sample for each frame that is taken, its picture written to `source.extract`.

    Parameters
    ----------
    source: a video, or a folder with videos at any depth.
    every: of so many frames one is taken: the first, or with `sharpest` the one with the strongest edges
        (variance of the Laplacian; Pech-Pacheco et al., 2000).
    different: grey levels by which the thumbnail of a frame must differ from that of the frame taken before,
        on average; what does not is counted.

    Raises
    ------
    InputError: no video.
    """
    root = source.root if source.root.is_dir() else source.root.parent
    counted = Part(make_batch(0))
    found = [source.root]
    if source.root.is_dir():
        found = list(ending_with(root, videos.SUFFIXES, counted, "file that is no video"))
    if not found:
        raise InputError(root, none_of("video", counted), allowed=", ".join(videos.SUFFIXES))
    if source.extract is None:
        raise InputError(source.root, "frames of a video have to be written somewhere")
    yield counted
    for path in found:
        clip = path.relative_to(root).as_posix()
        taken = _taken(path, source, clip, every, sharpest)
        yield from _parts(taken, clip, source.extract, different)


def _parts(
    taken: Iterator[Frame | InputError | int], clip: str, out: Path, different: float
) -> Iterator[Part]:
    """Batches of the frames of one clip; what is wrong with it goes to the quarantine."""
    part, samples = Part(make_batch(0)), list[Sample]()
    before = None
    for frame in taken:
        if isinstance(frame, InputError):
            part.quarantine.append((clip, frame.reason))
            continue
        if isinstance(frame, int):  # one or two of a hundred: many containers count so
            if frame > 0:
                part.notes[NOT_HELD] += frame
            continue
        thumbnail = cv2.resize(frame.pixels, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
        if before is not None and cv2.absdiff(thumbnail, before).mean() < different:
            part.notes["frame like the one before, left out"] += 1
            continue
        before = thumbnail
        samples.append(write_frame(frame, clip, out))
        if len(samples) == _ROWS:
            part.batch = to_batch(samples)
            yield part
            part, samples = Part(make_batch(0)), []
    part.batch = to_batch(samples)
    yield part


def _taken(
    path: Path, source: Source, clip: str, every: int, sharpest: bool
) -> Iterator[Frame | InputError | int]:
    """Of each `every` frames one; and the error that ends the clip, or that it ended too early, or how many
    frames it said that it has and does not."""
    best: Frame | None = None
    score, missing = -1.0, 0
    try:
        source.places.require(path)
        for frame in videos.frames(path):
            if isinstance(frame, int):
                missing = frame
                continue
            if frame.number % every == 0:
                if best is not None:
                    yield best
                best, score = frame, -1.0
            if sharpest and (here := _sharpness(frame.pixels)) > score:
                best, score = frame, here
    except InputError as error:
        yield from filter(None, (best,))
        yield error
        return
    yield from filter(None, (best,))
    yield missing


def _sharpness(pixels: images.Pixels) -> float:
    grey = cv2.cvtColor(images.reduced(pixels, _SHARP), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())
