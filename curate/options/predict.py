"""The options of `curate predict`."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, flag, number, text, whole
from curate.options.crop import A_RUN


@dataclass(frozen=True, slots=True)
class PredictOptions(Options):
    """How `curate predict` finds hands, and what it writes."""

    min_score: float | None = number(
        None,
        0,
        1,
        "lowest mean score of the keypoints at which a hand that only the network sees is taken for one "
        "(default: where 95 % of the points were right on the run's validation split; 0.7 without one)",
    )
    finder: str | None = text(
        None,
        f"box, or the folder of {A_RUN}",
        "find hands with this first, if no bbox is known; each of them becomes a sample (default: box if no "
        "RUN is given)",
        metavar="box|RUN",
    )
    looks: int = whole(
        1,
        1,
        6,
        "how often each hand is looked at: upright, mirrored, turned; a point is where most looks place it; "
        "each look takes as long as the first",
    )
    pictures: bool = flag(True, "write no pictures with skeletons")
    smooth: float = number(
        1.0,
        0,
        100,
        "for videos: cut-off of a one-euro filter in Hz; the lower, the less the points of a hand at rest "
        "jitter; 0 leaves the points as they are found",
    )
    quick: float = number(
        1.0,
        0,
        1000,
        "for videos: Hz by which the cut-off grows for a speed of one hand's size per second; the higher, "
        "the closer the smoothed points keep to a moving hand",
    )
    find_every: int = whole(
        10,
        1,
        100_000,
        "for videos: look for further hands in every Nth frame; in the others, only where the hands were",
    )
    seconds: float | None = number(None, 0, 1e6, "for a camera: end after X seconds; else with q or Ctrl-C")
    window: bool = flag(True, "for a camera: open no window; without a screen, none is opened")
