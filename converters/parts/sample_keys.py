"""The keys of samples: the part of a sample_id that names its file, picture and hand."""

from __future__ import annotations

from collections import Counter

from curate.basics.paths import LONGEST, is_text


def escaped(key: str) -> str:
    """The key of a file without any #, which separates it from the number of the hand."""
    return key.replace("%", "%25").replace("#", "%23")


def free(told: str | None, own: str, taken: set[str], notes: Counter[str]) -> str:
    """The sample_id of a hand: the one in the file; or `own`, if the file has no valid one, or one that an
    earlier hand has, of which this is a copy.

    Parameters
    ----------
    told: the id in the file. own: the id by the hand's place. taken: the ids in use; the new one is added.
    notes: counts copies.
    """
    name = told if told and len(told) <= LONGEST and is_text(told) else own
    if name in taken and name != own:
        notes["hand with the sample_id of another, such as a copy, named by its place instead"] += 1
        name = own
    if name in taken:
        name = f"{own}~{len(taken)}"
    taken.add(name)
    return name
