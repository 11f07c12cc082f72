"""A frame of a video as a picture of a dataset, and the sample of it."""

from __future__ import annotations

from pathlib import Path

from curate.basics import images
from curate.basics.videos import Frame
from curate.data.sample import Sample, file_stem

SOURCE = "video"
SECONDS = "seconds"  # in attrs: the time since the clip began
NOT_HELD = "frame that a video counts and does not hold"  # the note
_QUALITY = 95  # JPEG


def write_frame(frame: Frame, clip: str, folder: Path) -> Sample:
    """Write a frame's picture into a folder; returns its sample, without labels.

    Parameters
    ----------
    clip: the name of the clip, with which the names of its pictures begin.
    """
    path = folder / f"{file_stem(clip)}-{frame.number:06d}.jpg"
    images.write(path, frame.pixels, quality=_QUALITY)
    height, width = frame.pixels.shape[:2]
    return Sample(
        f"{SOURCE}/{clip}/{frame.number:06d}",
        SOURCE,
        str(path),
        width=width,
        height=height,
        clip=clip,
        frame=frame.number,
        attrs={SECONDS: round(frame.seconds, 6)},
    )
