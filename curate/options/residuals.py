"""The options of `curate qa` that say whose predictions it compares labels with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.basics.settings import Options, path, text, whole

EPOCHS, STEPS = 3, 200  # of each network of --crossfit, at least


@dataclass(frozen=True, slots=True)
class ResidualOptions(Options):
    """Whose predictions `curate qa` compares the labels with."""

    run: Path | None = path(
        "a run: report where its predictions and the labels of people that it never saw disagree",
        metavar="RUN",
    )
    crossfit: int | None = whole(
        None,
        2,
        20,
        "the same with N networks trained for it, each on all but its own part of the people",
    )
    network: str = text(
        "figure12", "a network", "network that --crossfit trains; see curate train", metavar="NAME"
    )
    epochs: int | None = whole(
        None,
        1,
        10_000,
        f"epochs of each network of --crossfit; by default {EPOCHS}, or more to make {STEPS} steps",
    )
