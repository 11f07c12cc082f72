"""Samples whose side is not known: a network that knows only right hands takes them for right ones."""

from __future__ import annotations

from curate.basics.wording import counted
from curate.data.dataset import Dataset

TAKEN_FOR_RIGHT = (
    "hand of no known side, taken for a right one, which is all that the network knows"  # a note
)


def sideless(dataset: Dataset, split: str) -> int:
    """How many images of a split have no known side."""
    columns = dataset.table(["split", "side"]).to_pydict()
    return sum(
        own == split and side is None for own, side in zip(columns["split"], columns["side"], strict=True)
    )


def taken_for_right(count: int, what: str) -> str:
    """A note for people: how many images, or hands, of unknown side such a network takes for right ones."""
    told = f"taken for right hands, the only ones that the network knows: {counted(count, what)}"
    return f"{told} whose side is not known"
