"""Advice on what to do next with a dataset that a command made."""

from __future__ import annotations

from curate.commands.console import typed
from curate.data.dataset import Dataset
from curate.data.sample import labelled_points


def next_step(made: Dataset, labelled: str) -> str:
    """The next step for a dataset: `labelled` (a command line) if it has labels, else how to get some."""
    if any(labelled_points(batch)[1].any() for batch in made.batches()):
        return f"next: {labelled}"
    tagging = typed("autotag", made.root, "--out", "TAGGED")
    return (
        f"next: no hand is labelled yet. {tagging} labels them, and sets aside what cannot be "
        "trusted; or label them with Labelme or another tool, and convert its files"
    )
