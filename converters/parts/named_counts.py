"""Counts of what is left out, by the names that a file gives it."""

from __future__ import annotations

from collections import Counter

from converters.parts import labels

_NAMED = 100  # names of a file or a batch that are counted apart
_SHOWN = 40  # characters of a name


def leave_out(counts: Counter[str], what: str, name: str, *, hint: bool = False) -> None:
    """Count a thing under `what` and its name. After very many names, further ones are counted together.

    Parameters
    ----------
    hint: add the most similar name of a keypoint.
    """
    if len(counts) >= _NAMED:
        counts[f"{what}, of a file with very many"] += 1
        return
    like = labels.nearest(name) if hint else None
    counts[f"{what} {name}" + (f" (did you mean {like}?)" if like else "")] += 1


def brief(text: str) -> str:
    """A name, or its beginning."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def quoted(text: str) -> str:
    """A name, or its beginning, in quotes."""
    return repr(brief(text))
