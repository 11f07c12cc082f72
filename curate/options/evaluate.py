"""The options of `curate evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.basics.settings import Options, choice, flag, path, texts, whole


@dataclass(frozen=True, slots=True)
class EvaluateOptions(Options):
    """What `curate evaluate` measures, and how."""

    split: str = choice("test", ("train", "val", "test"), "split of the training set to evaluate on")
    predictions: Path | None = path(
        "instead of a run: predictions made by another tool (Parquet, or COCO results)", metavar="FILE"
    )
    turns: bool = flag(False, "take the mean of the predictions for four quarter turns of each image")
    looks: int = whole(
        1, 1, 6, "how often each image is looked at, as autotag looks at hands: upright, mirrored, turned"
    )
    by: tuple[str, ...] = texts(
        (),
        "names of columns or attrs",
        "also report the error for each value of a column or attribute, such as side or skinTone; may be "
        "given several times",
        metavar="NAME",
    )
    against: Path | None = path(
        "also compare with the predictions.parquet of another evaluation of the same images", metavar="FILE"
    )
