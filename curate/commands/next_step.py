"""What to do next with what a command made."""

from __future__ import annotations

from curate.data.dataset import Dataset
from curate.data.sample import labelled_points


def next_step(made: Dataset, labelled: str) -> str:
    """What to do with a dataset: what is told of one with labels, or else to get some."""
    if any(labelled_points(batch)[1].any() for batch in made.batches()):
        return f"next: {labelled}"
    return (
        f"next: no hand is labelled yet. curate autotag {made.root} --out TAGGED labels them, and sets aside "
        "what is not to be trusted; or tag them with Labelme or another tool, and convert its files"
    )
