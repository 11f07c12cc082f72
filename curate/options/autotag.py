"""What `curate autotag` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.basics.settings import Options, number, path, text, texts, whole


@dataclass(frozen=True, slots=True)
class AutotagOptions(Options):
    """What `curate autotag` tags with, and what it keeps."""

    tagger: tuple[str, ...] = texts(
        ("box",),
        "box, a run's folder, openpose:FOLDER, mediapipe or mediapipe:FILE",
        "box (what comes with this tool), the folder of a run, openpose:FOLDER, mediapipe or mediapipe:FILE; "
        "given several times, the first labels, and the others must agree with it",
        metavar="TAGGER",
    )
    finder: str | None = text(
        None,
        "box, or the folder of a run that finds masks, or points in whole photographs",
        "find the hand by this, where no bbox is known; where it sees none there is none (without it each "
        "tagger looks for itself)",
        metavar="box|RUN",
    )
    looks: int = whole(
        6,
        1,
        6,
        "how often each tagger looks at a hand: upright, mirrored, turned; where the looks differ, it is "
        "not to be trusted",
    )
    limits: Path | None = path("what a hand must keep to, as --explain prints it", metavar="YAML")
    truth: Path | None = path(
        "a dataset that has labels of some of the photographs: measure by it how right is what is kept",
        metavar="LABELLED",
    )
    precision: float | None = number(
        None,
        0.5,
        1,
        "with --truth: choose limits by which this share of what is kept is right, on half of the people, "
        "measure them on the others, and write them to OUT/limits.yaml",
    )
