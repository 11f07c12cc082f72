"""The options of `curate demo`."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, whole


@dataclass(frozen=True, slots=True)
class DemoOptions(Options):
    """How much the demo draws, and how long it trains: in epochs, not in minutes, so that it gives the same
    result on any machine."""

    photos: int = whole(480, 16, 100_000, "labelled photographs to draw")
    epochs: int = whole(8, 1, 1000, "epochs of training")
    seed: int = whole(0, 0, 2**31, "seed of all that is drawn")
