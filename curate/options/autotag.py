"""The options of `curate autotag`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.basics.settings import Options, number, path, text, texts, whole
from curate.options.crop import A_RUN


@dataclass(frozen=True, slots=True)
class AutotagOptions(Options):
    """What `curate autotag` tags with, and what it keeps."""

    tagger: tuple[str, ...] = texts(
        ("box",),
        "box, a run's folder, openpose:FOLDER, mediapipe or mediapipe:FILE",
        "box (comes with this tool), the folder of a run, openpose:FOLDER, mediapipe or mediapipe:FILE; if "
        "given several times, the first one labels, and the others must agree with it",
        metavar="TAGGER",
    )
    finder: str | None = text(
        None,
        f"box, or the folder of {A_RUN}",
        "find the hand with this, if no bbox is known; where it sees no hand there is none (without it, each "
        "tagger looks for the hand itself)",
        metavar="box|RUN",
    )
    looks: int = whole(
        6,
        1,
        6,
        "how often each tagger looks at a hand: upright, mirrored, turned; if the looks differ, the labels "
        "are not trusted",
    )
    limits: Path | None = path(
        "a file of limits that a hand must keep to, as --explain prints it", metavar="YAML"
    )
    truth: Path | None = path(
        "a dataset with labels of some of the photographs: measure with it how many kept labels are right",
        metavar="LABELLED",
    )
    precision: float | None = number(
        None,
        0.5,
        1,
        "with --truth: on half of the people, choose limits so that this share of what is kept is right; "
        "measure them on the others, and write them to OUT/limits.yaml",
    )
