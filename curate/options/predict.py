"""What `curate predict` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, flag, number, text


@dataclass(frozen=True, slots=True)
class PredictOptions(Options):
    """What `curate predict` writes."""

    min_score: float = number(
        0.7,
        0,
        1,
        "mean score of the keypoints from which a hand that nothing but the network sees is taken for one",
    )
    finder: str | None = text(
        None,
        "box, or the folder of a run that finds masks",
        "find hands by this first, where no bbox is known; each of them becomes a sample (default: box where "
        "no RUN is given)",
        metavar="box|RUN",
    )
    pictures: bool = flag(True, "leave out the pictures with skeletons")
