"""The datasets whose word is taken for where their files lie.

A dataset may name folders outside it. One that was made on this machine, by this user, names those that the
user gave; one from elsewhere could name any, and have pictures of this machine copied into what is published.
So the hashes of those made here, or confirmed by `curate trust`, are kept, in
$XDG_STATE_HOME/hand-curate/datasets.txt (~/.local/state/hand-curate/datasets.txt).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from curate.basics import files

INFO = "dataset.json"


def remember(root: str | os.PathLike[str]) -> None:
    """Take the word of the dataset at `root`, as it is now, from here on. Raises OSError."""
    if is_known(root):
        return
    book = _book()
    book.parent.mkdir(parents=True, exist_ok=True)
    with book.open("a") as file:  # a line at once, so that commands may write at the same time
        file.write(f"{files.sha256(Path(root, INFO))}\n")


def is_known(root: str | os.PathLike[str]) -> bool:
    """Whether the dataset at `root`, as it is now, was made here or confirmed."""
    with suppress(OSError, UnicodeDecodeError):
        return files.sha256(Path(root, INFO)) in _book().read_text(encoding="ascii").split()
    return False


def _book() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111 (or no home)
    return Path(state) / "hand-curate" / "datasets.txt"
