"""What `curate predict` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, flag, number, text, whole


@dataclass(frozen=True, slots=True)
class PredictOptions(Options):
    """What `curate predict` writes."""

    min_score: float | None = number(
        None,
        0,
        1,
        "mean score of the keypoints from which a hand that nothing but the network sees is taken for one "
        "(default: from which 95 % of the points were right on the run's split val; 0.7 without one)",
    )
    finder: str | None = text(
        None,
        "box, or the folder of a run that finds masks, or points in whole photographs",
        "find hands by this first, where no bbox is known; each of them becomes a sample (default: box where "
        "no RUN is given)",
        metavar="box|RUN",
    )
    looks: int = whole(
        1,
        1,
        6,
        "how often each hand is looked at: upright, mirrored, turned; a point is where most looks have it. "
        "Each takes as long as the first",
    )
    pictures: bool = flag(True, "leave out the pictures with skeletons")
    smooth: float = number(
        1.0,
        0,
        100,
        "of videos: the lower, the less the points of a hand at rest tremble; the cut-off of a one-euro "
        "filter in Hz; 0 leaves them as they are found",
    )
    quick: float = number(
        1.0,
        0,
        1000,
        "of videos: the higher, the closer smoothed points keep to a hand that moves; Hz by which the "
        "cut-off grows for a speed of a hand's size a second",
    )
    find_every: int = whole(
        10,
        1,
        100_000,
        "of videos: look for further hands in one of so many frames; else where the hands were",
    )
    seconds: float | None = number(None, 0, 1e6, "of a camera: end after so many; else by q, or Ctrl-C")
    window: bool = flag(True, "of a camera: open no window; without a screen, there is none")
