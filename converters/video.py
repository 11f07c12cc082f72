"""Videos as a camera or a phone leaves them: each becomes a clip of numbered frames, without labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2

from curate.basics import images, videos
from curate.basics.errors import InputError
from curate.basics.videos import Frame
from curate.data.frames import NOT_HELD, SOURCE, write_frame
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import Source, ending_with, none_of

NAME = SOURCE
_ROWS = 64  # frames a batch
_THUMBNAIL, _SHARP = 32, 320  # px, longer side: to compare frames, and to tell how sharp one is


def read(source: Source, *, every: int = 1, sharpest: bool = False, different: float = 0.0) -> Iterator[Part]:
    """Yield a sample for each frame that is taken; its picture is written to `source.extract`.

    Parameters
    ----------
    source: a video, or a folder with videos at any depth.
    every: one frame is taken out of this many: the first, or with `sharpest` the one with the strongest edges
        (variance of the Laplacian; Pech-Pacheco et al., 2000).
    different: grey levels by which the thumbnail of a frame must differ from that of the last frame taken, on
        average; others are counted.

    Raises
    ------
    InputError: no video.
    """
    root = source.root if source.root.is_dir() else source.root.parent
    tally = Part()
    found = [source.root]
    if source.root.is_dir():
        found = list(ending_with(root, videos.SUFFIXES, tally, "file that is no video"))
    if not found:
        raise InputError(root, none_of("video", tally), allowed=", ".join(videos.SUFFIXES))
    if source.extract is None:
        raise InputError(source.root, "frames of a video have to be written somewhere")
    yield tally
    for path in found:
        clip = path.relative_to(root).as_posix()
        not_held = list[int]()
        taken = _taken(path, source, every, sharpest, not_held.append)
        yield from _parts(taken, clip, source.extract, different, not_held)


def _parts(
    taken: Iterator[Frame | InputError], clip: str, out: Path, different: float, not_held: Sequence[int]
) -> Iterator[Part]:
    """Batches of the frames of one clip; what is wrong with it goes to the quarantine.

    not_held: filled, behind the last frame, with how many more the clip says that it has.
    """
    part, samples = Part(), list[Sample]()
    before = None
    for frame in taken:
        if isinstance(frame, InputError):
            part.quarantine.append((clip, frame.reason))
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
            part, samples = Part(), []
    if not_held:  # one or two of a hundred: many containers count so
        part.notes[NOT_HELD] += sum(not_held)
    part.batch = to_batch(samples)
    yield part


def _taken(
    path: Path, source: Source, every: int, sharpest: bool, not_held: Callable[[int], object]
) -> Iterator[Frame | InputError]:
    """Of each `every` frames one; and the error that ends the clip, or that it ended too early."""
    best: Frame | None = None
    score, error = -1.0, None
    try:
        source.places.require(path)
        for frame in videos.frames(path, not_held):
            if frame.number % every == 0:
                if best is not None:
                    yield best
                best, score = frame, -1.0
            if sharpest and (here := _sharpness(frame.pixels)) > score:
                best, score = frame, here
    except InputError as ended:
        error = ended
    yield from filter(None, (best, error))


def _sharpness(pixels: images.Pixels) -> float:
    grey = cv2.cvtColor(images.reduced(pixels, _SHARP), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())
