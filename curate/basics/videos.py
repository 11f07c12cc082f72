"""Reading and writing videos, as `curate.basics.images` does pictures.

OpenCV's FFmpeg decodes them: frames stand upright, whatever way the file says that they are to be turned or
mirrored, with square pixels, and have the times that the file gives them, so that a variable rate does no
harm. Only containers that hold their own pictures are opened; a playlist under the name of a video could name
any file, or an address.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate.basics import mp4, mpeg
from curate.basics.errors import InputError
from curate.basics.image_header import MAX_PIXELS
from curate.basics.images import Pixels
from curate.basics.paths import open_file, require_text

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
_LOST = 0.02  # share of the frames that a container may promise too many
# The marks of those that do not count their frames.
_MATROSKA = b"\x1a\x45\xdf\xa3"  # with WebM
_UNCOUNTED = (_MATROSKA, mpeg.MARK)
# Where the containers have their mark: MP4 and MOV, AVI, and these.
_HEADS = (
    *((4, mark) for mark in (b"ftyp", b"moov", b"mdat", b"wide")),
    (8, b"AVI "),
    *((0, mark) for mark in _UNCOUNTED),
)
_FLATTEST = 8  # times that a pixel may be as wide as high, or as high as wide; DVDs have 1.4 at most
_BLACK = 16  # of 255: no more in any pixel
_CODEC = "mp4v"  # MPEG-4 part 2: what OpenCV writes everywhere, and as fast as it is filmed
_RATES = (1.0, 60.0)  # frames a second of what is written
_LONGEST_PAUSE = 10.0  # seconds for which a frame is repeated
# Both would write past us to the terminal.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its number in the clip, the seconds since the clip began, and (h, w, 3) RGB pixels."""

    number: int
    seconds: float
    pixels: Pixels


def frames(path: Path, not_held: Callable[[int], object] = lambda _: None) -> Iterator[Frame]:
    """The frames of a video.

    Parameters
    ----------
    not_held: called after the last frame with the number of frames that the video promised and does not hold,
        if there is only one, or at most one in fifty.

    OpenCV resizes a frame of another size to the first one's.

    Raises
    ------
    InputError: not a video that can be read, or an interlaced one; after the last frame: more frames than
        that are missing, or the file was cut off.
    """
    with _opened(path) as capture:
        frame = None
        for frame in _decoded(path, _read(path, capture, _shown(path, capture))):
            yield frame
    if frame is None:
        raise InputError(path, "a video without a readable frame")
    number, missing = frame.number + 1, _missing(path, frame)
    if _is_cut(path):
        raise InputError(path, f"cut off: ends within a packet, after {number} frames; those are kept")
    if missing > max(1, _LOST * (number + missing)):
        raise InputError(path, f"ends after {number} of {number + missing} frames; those are kept")
    if missing:
        not_held(missing)


def promised(path: Path) -> int:
    """How many frames a video says that it has; 0 where it cannot tell. Raises InputError: no video."""
    with _opened(path) as capture:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def camera(number: int) -> Iterator[Frame]:
    """What a camera sees from now on, each frame at the time that it came.

    Raises
    ------
    InputError: no such camera; after the last frame: it gives no more, or the next one has another size.
    """
    where = f"camera:{number}"
    capture: Any = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            remedy = "is it plugged in, and not in use?"
            raise InputError(where, "the camera cannot be opened", remedy=remedy)
        began = time.monotonic()
        count = 0
        for frame in _read(where, capture):
            yield Frame(count, time.monotonic() - began, frame.pixels)
            count += 1
    finally:
        capture.release()
    raise InputError(where, f"gives no more frames after {count}; those are kept", remedy="is it plugged in?")


def write(path: Path, pictures: Iterable[Pixels], times: Sequence[float]) -> None:
    """Write pictures, all of one size, as a video (MPEG-4 in MP4), each shown from its time on.

    Where that fails, or is stopped, a part of it may be left at `path`.

    Parameters
    ----------
    pictures: RGB (H, W, 3). times: of each, seconds, in order.

    Raises
    ------
    InputError: it cannot be written.
    """
    require_text(path)  # as `_opened` does
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = _rate(times)
    writer: Any = None
    written = 0
    try:
        for picture, count in zip(pictures, repeats(times, rate), strict=True):
            if writer is None:
                size = (picture.shape[1], picture.shape[0])
                fourcc = cv2.VideoWriter.fourcc(*_CODEC)
                writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, rate, size)
            for _ in range(count):
                writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            written += count
    finally:
        if writer is not None:
            writer.release()
    if not path.is_file() or promised(path) != written:
        raise InputError(path, "the video cannot be written", remedy="is the disk full?")


def repeats(times: Sequence[float], rate: float) -> list[int]:
    """How often each frame is written to a video of one rate, so that it is seen from its time on.

    None where the next is due in the same moment; a pause of more than 10 seconds is cut to that.

    Parameters
    ----------
    times: seconds, in order. rate: frames a second.
    """
    steps = np.clip(np.diff(np.asarray(times, np.float64)), 0, _LONGEST_PAUSE)
    due = np.rint(np.concatenate([[0.0], np.cumsum(steps)]) * rate).astype(int)
    return [*np.diff(due).tolist(), 1]


def _rate(times: Sequence[float]) -> float:
    """Frames a second by which most frames are shown once."""
    steps = np.diff(np.asarray(times, np.float64))
    usual = float(np.median(steps)) if len(steps) else 0.0
    return float(np.clip(1 / usual if usual > 0 else _RATES[1], *_RATES))


def _decoded(path: Path, found: Iterator[Frame]) -> Iterator[Frame]:
    """The frames of a video, once one is unlike the first, or the first proves to be the file's.

    From version 4.13 on, OpenCV leaves its memory as it was where a frame is interlaced, and says that it was
    read: such a video comes as one picture of whatever had been there.

    Raises InputError: all are such a picture.
    """
    alike = list[Frame]()
    for frame in found:
        if alike and not np.array_equal(frame.pixels, alike[0].pixels):
            yield from alike
            yield frame
            yield from found
            return
        alike.append(Frame(frame.number, frame.seconds, alike[0].pixels if alike else frame.pixels))
    if len(alike) > 1 and not _comes_again(path, alike[0].pixels):
        raise InputError(
            path,
            "its frames are all black, or cannot be decoded, as happens with an interlaced video",
            remedy="if it is interlaced: ffmpeg -i IN -vf yadif OUT",
        )
    yield from alike


def _missing(path: Path, last: Frame) -> int:
    """How many frames more than those up to its `last` a video says that it has."""
    with _opened(path) as capture, open_file(path) as file:
        count, rate = (float(capture.get(k)) for k in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
        # What was cut off by an edit of an MP4 is still counted, and not shown.
        if shown := mp4.film(file).seconds * rate:
            count = min(count, shown)
        file.seek(0)
        mark = file.read(4)
        reached = float(last.number)
        if mark in _UNCOUNTED:  # OpenCV tells how many there were at an even rate,
            reached = last.seconds * rate
        if mark == _MATROSKA and capture.grab():  # from its time 0 on, where the first need not stand
            reached += max(0.0, capture.get(cv2.CAP_PROP_PTS))
    return max(0, round(count - reached) - 1)


def _is_cut(path: Path) -> bool:
    """Whether a video is of a kind that does not say how long it is, and was cut off."""
    with open_file(path) as file:
        begins = file.read(len(mpeg.MARK))
        return begins == mpeg.MARK and mpeg.is_cut(file)


def _comes_again(path: Path, pixels: Pixels) -> bool:
    """Whether the first picture of a video, which is still open, is read again in other memory; new memory
    is black."""
    with _opened(path) as capture:
        again = next(_read(path, capture, _shown(path, capture)), None)
    return again is not None and pixels.max() > _BLACK and np.array_equal(again.pixels, pixels)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A capture of a video. Raises InputError: none that can be read."""
    require_text(path)  # OpenCV takes what is no UTF-8 for it, and ends the process
    _check_head(path)
    # Several threads patch up a damaged frame from whatever the others have ready: other pixels each time.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        if not capture.isOpened():
            found = "a video that is damaged, or that has no picture that can be decoded"
            raise InputError(path, found, remedy="if it plays elsewhere: ffmpeg -i IN OUT.mp4")
        width, height = (capture.get(k) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise InputError(path, f"frames of {width:.0f} x {height:.0f} px", allowed=f"{MAX_PIXELS} pixels")
        yield capture
    finally:
        capture.release()


def _shown(path: Path, capture: Any) -> Callable[[Any], Any]:
    """What makes of a decoded frame the picture that its file says is seen: mirrored, as front cameras have
    it, and with square pixels. OpenCV turns frames as their file says, and no more.

    Raises InputError: pixels of no sensible shape.
    """
    turned = capture.get(cv2.CAP_PROP_ORIENTATION_META) in (90, 270)
    with open_file(path) as file:
        mirrored = mp4.film(file).mirrored
    wide, high = (int(capture.get(k)) for k in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
    if wide <= 0 or high <= 0:  # not told
        wide = high = 1
    longer = max(wide, high) / min(wide, high)
    columns, rows = (capture.get(k) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if longer > _FLATTEST or longer * columns * rows > MAX_PIXELS:
        found = f"frames of {columns:.0f} x {rows:.0f} pixels with a pixel aspect ratio of {wide} : {high}"
        remedy = "if the pixels are square: ffmpeg -i IN -vf setsar=1 OUT"
        raise InputError(
            path, found, allowed=f"1 : {_FLATTEST} at most, and {MAX_PIXELS} square pixels", remedy=remedy
        )
    if turned:
        wide, high = high, wide

    def show(pixels: Any) -> Any:
        if mirrored:
            pixels = cv2.flip(pixels, 1 if turned else 0)
        height, width = pixels.shape[:2]
        least = min(wide, high)  # the shorter side of a pixel stays, so that nothing is lost
        size = (round(width * wide / least), round(height * high / least))
        return pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)

    return show


def _read(
    where: str | Path, capture: Any, show: Callable[[Any], Any] = lambda pixels: pixels
) -> Iterator[Frame]:
    """The frames of a capture, at the times of its file, each as `show` makes it. Raises InputError behind
    the last before one of another size."""
    size: tuple[int, int] | None = None
    seconds = step = 0.0
    for number in itertools.count():
        there, pixels = capture.read()
        if not there:
            return
        # The last frames of an AVI or MPEG that are stored in another order have no time: OpenCV says 0.
        told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        step = told - seconds if told > seconds else step
        seconds = told if told >= seconds else seconds + step
        height, width = pixels.shape[:2]
        size = size or (width, height)
        if (width, height) != size:
            told = f"frame {number} is {width} x {height} px"
            raise InputError(where, f"{told}; the frames before it are {size[0]} x {size[1]} px and are kept")
        yield Frame(number, seconds, np.asarray(cv2.cvtColor(show(pixels), cv2.COLOR_BGR2RGB), np.uint8))


def _check_head(path: Path) -> None:
    try:
        with open_file(path) as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from None
    if not any(head[at : at + len(magic)] == magic for at, magic in _HEADS):
        raise InputError(path, f"begins with {head[:8]!r}", allowed="MP4, MOV, AVI, MKV, WebM or MPEG")
