"""The options of `curate train` for all networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curate.basics.settings import Options, number, path, text, texts, whole


def _assignment(word: str) -> str:
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise ValueError
    return word


@dataclass(frozen=True, slots=True)
class TrainOptions(Options):
    """How `curate train` trains."""

    preset: str | None = text(
        None,
        "a preset of the network",
        "one of the network's ways to train; by default its first",
        metavar="NAME",
    )
    set: tuple[str, ...] = texts(
        (),
        "NAME=VALUE",
        "change one of the network's options from its value in the preset; may be given several times",
        _assignment,
        metavar="NAME=VALUE",
    )
    start: Path | None = path(
        "start with the weights of a run, of the box, or of a file trained by others, of a kind that the "
        "network knows",
        metavar="RUN|FILE|box",
    )
    epochs: int | None = whole(None, 1, 1_000_000, "number of epochs; by default the preset's")
    max_minutes: float | None = number(
        None, 0, 1_000_000, "stop at the end of the epoch that exceeds this time"
    )
    learning_rate: float | None = number(
        None, 1e-7, 1, "the learning rate at its highest; by default the preset's"
    )
    batch: int = whole(32, 1, 65_536, "images per step on each device")
    seed: int = whole(0, 0, 2**32 - 1, "seed of the first weights, the order and the augmentation")
    devices: str = text(
        "auto",
        "auto, a number of devices, or the numbers of some, such as 0,1",
        "devices, as Lightning understands them: auto, 1, 2, 0,1",
        metavar="DEVICES",
    )
