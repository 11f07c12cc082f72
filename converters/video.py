"""Videos as a camera or a phone leaves them: each becomes a clip of numbered frames, without labels.

OpenCV's FFmpeg decodes them: frames stand upright, whatever the rotation flag of the file, and have the times
that the file gives them, so that a variable rate does no harm. Only containers that hold their own pictures
are opened; a playlist under the name of a video could name any file, or an address.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from curate.basics import images
from curate.basics.errors import InputError
from curate.basics.image_header import MAX_PIXELS
from curate.basics.paths import open_file
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, make_batch, to_batch
from curate.data.source import Source, ending_with

NAME = "video"
SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
_QUALITY = 95
_ROWS = 64  # frames a batch
_THUMBNAIL, _SHARP = 32, 320  # px, longer side: to compare frames, and to tell how sharp one is
_LOST = 0.02  # share of the frames that a container may promise too many
# Where the containers have their mark: MP4 and MOV, AVI, Matroska and WebM, MPEG.
_HEADS = (
    *((4, mark) for mark in (b"ftyp", b"moov", b"mdat", b"wide")),
    (8, b"AVI "),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"\x00\x00\x01\xba"),
)
# Both would write past us to the terminal.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame: its number in the clip, the seconds since the clip began, and (h, w, 3) RGB pixels."""

    number: int
    seconds: float
    pixels: images.Pixels


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
        found = list(ending_with(root, SUFFIXES, counted, "file that is no video"))
    if not found:
        raise InputError(root, "no video in it", allowed=", ".join(SUFFIXES))
    if source.extract is None:
        raise InputError(source.root, "frames of a video have to be written somewhere")
    yield counted
    for path in found:
        clip = path.relative_to(root).as_posix()
        taken = _taken(path, source, clip, every, sharpest)
        yield from _parts(taken, clip, source.extract, different)


def _parts(taken: Iterator[_Frame | InputError], clip: str, out: Path, different: float) -> Iterator[Part]:
    """Batches of the frames of one clip; what is wrong with it goes to the quarantine."""
    part, samples = Part(make_batch(0)), list[Sample]()
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
        samples.append(_sample(frame, clip, out))
        if len(samples) == _ROWS:
            part.batch = to_batch(samples)
            yield part
            part, samples = Part(make_batch(0)), []
    part.batch = to_batch(samples)
    yield part


def _sample(frame: _Frame, clip: str, out: Path) -> Sample:
    path = out / f"{file_stem(clip)}-{frame.number:06d}.jpg"
    images.write(path, frame.pixels, quality=_QUALITY)
    height, width = frame.pixels.shape[:2]
    return Sample(
        f"{NAME}/{clip}/{frame.number:06d}",
        NAME,
        str(path),
        width=width,
        height=height,
        clip=clip,
        frame=frame.number,
        attrs={"seconds": round(frame.seconds, 6)},
    )


def _taken(
    path: Path, source: Source, clip: str, every: int, sharpest: bool
) -> Iterator[_Frame | InputError]:
    """Of each `every` frames one; and the error that ends the clip, or that it ended too early."""
    best: _Frame | None = None
    score = -1.0
    try:
        for frame in _frames(path, source):
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


def _sharpness(pixels: images.Pixels) -> float:
    grey = cv2.cvtColor(images.reduced(pixels, _SHARP), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _frames(path: Path, source: Source) -> Iterator[_Frame]:
    """All frames of a video.

    Raises
    ------
    InputError: no video that can be read; or, behind its last frame, that it promised more.
    """
    source.places.require(path)
    _check_head(path)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    with ExitStack() as stack:
        stack.callback(capture.release)
        if not capture.isOpened():
            raise InputError(path, "no video that can be read", allowed=", ".join(SUFFIXES))
        width, height = (capture.get(k) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise InputError(path, f"frames of {width:.0f} x {height:.0f} px", allowed=f"{MAX_PIXELS} pixels")
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        number = 0
        while True:
            there, pixels = capture.read()
            if not there:
                break
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield _Frame(number, seconds, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))
            number += 1
    if not number:
        raise InputError(path, "a video without a frame that can be read")
    if promised - number > max(1, _LOST * promised):
        raise InputError(path, f"ends after {number} of {promised:.0f} frames; those are kept")


def _check_head(path: Path) -> None:
    try:
        with open_file(path) as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from None
    if not any(head[at : at + len(magic)] == magic for at, magic in _HEADS):
        raise InputError(path, f"begins with {head[:8]!r}", allowed="MP4, MOV, AVI, MKV, WebM or MPEG")
