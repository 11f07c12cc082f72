"""The keys of samples: what a sample_id says of the file, the picture and the hand that it comes from."""

from __future__ import annotations


def escaped(key: str) -> str:
    """The key of a file, in which no # is left: behind one stands which hand of the file it is."""
    return key.replace("%", "%25").replace("#", "%23")
