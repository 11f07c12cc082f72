"""Counts of what is left out, by the names that people gave it."""

from __future__ import annotations

from collections import Counter

from converters.parts import labels

_NAMED = 100  # of a file or a batch that are counted by name
_SHOWN = 40  # characters of a name


def leave_out(counts: Counter[str], what: str, name: str, *, hint: bool = False) -> None:
    """Count a thing by its name; of a source with very many names, what comes later is counted together.

    Parameters
    ----------
    hint: also tell the keypoint that is most like it.
    """
    if len(counts) >= _NAMED:
        counts[f"{what}, of a file with very many"] += 1
        return
    like = labels.nearest(name) if hint else None
    counts[f"{what} {name}" + (f" (did you mean {like}?)" if like else "")] += 1


def brief(text: str) -> str:
    """A name, or its beginning."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
