"""The keys of samples: what a sample_id says of the file, the picture and the hand that it comes from."""

from __future__ import annotations

from collections import Counter

from curate.basics.paths import LONGEST, is_text


def escaped(key: str) -> str:
    """The key of a file, in which no # is left: behind one stands which hand of the file it is."""
    return key.replace("%", "%25").replace("#", "%23")


def free(told: str | None, own: str, taken: set[str], notes: Counter[str]) -> str:
    """The id that a file tells of a hand; the hand's own where it tells none that can be one, or one that
    another hand has already, of which this is a copy.

    Parameters
    ----------
    own: made of where it stands. taken: the ids that are given away; that of this hand is added.
    """
    name = told if told and len(told) <= LONGEST and is_text(told) else own
    if name in taken and name != own:
        notes["hand with the sample_id of another, as a copy has it; called by its own"] += 1
        name = own
    if name in taken:
        name = f"{own}~{len(taken)}"
    taken.add(name)
    return name
