"""The datasets that are trusted to refer to files outside them.

A dataset may name folders outside it. One that was made on this machine, by this user, names those that the
user gave; one from elsewhere could name any, and have pictures of this machine copied into what is published.
So the hashes of those made here, or confirmed by `curate trust`, are kept, in
$XDG_STATE_HOME/hand-curate/datasets.txt (~/.local/state/hand-curate/datasets.txt), or, where that cannot be
written, in $TMPDIR/hand-curate-UID/datasets.txt.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from curate.basics import files

INFO = "dataset.json"


def remember(root: str | os.PathLike[str]) -> None:
    """Trust the dataset at `root`, as it is now. Raises OSError: that cannot be recorded."""
    if is_known(root):
        return
    line = f"{files.sha256(Path(root, INFO))}\n"
    failed = OSError()
    for book in _books():
        try:
            book.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _is_own(book.parent):
                with book.open("a") as file:  # in one write, as several commands may append at a time
                    file.write(line)
                return
        except OSError as error:
            failed = error
    raise failed


def is_known(root: str | os.PathLike[str]) -> bool:
    """Whether the dataset at `root`, as it is now, was made here or confirmed."""
    with suppress(OSError):
        wanted = files.sha256(Path(root, INFO))
        return any(wanted in _lines(book) for book in _books())
    return False


def _lines(book: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return book.read_text(encoding="ascii").split() if _is_own(book.parent) else []
    return []


def _is_own(folder: Path) -> bool:
    """Whether nobody else can have written in a folder."""
    state = folder.stat()
    return state.st_uid == os.getuid() and not state.st_mode & 0o022


def _books() -> list[Path]:
    """The files that hold the hashes; the second is for users whose home cannot be written."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111 (or no home)
    passing = os.environ.get("TMPDIR") or "/tmp"
    return [
        Path(state) / "hand-curate" / "datasets.txt",
        Path(passing) / f"hand-curate-{os.getuid()}" / "datasets.txt",
    ]
