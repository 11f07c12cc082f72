"""Files of any kind."""

from __future__ import annotations

import pickle
from random import Random

from benchmarks.fuzz import hostile
from benchmarks.fuzz.codecs import arrays, pictures, text


def by_content(rng: Random, content: bytes) -> bytes:
    """A file of any kind, spoilt inside where it is one that is known here, or else as bytes."""
    if content.startswith((b"\xff\xd8", b"\x89PNG")):
        return pictures.image(rng, content)
    if rng.random() < 0.7:
        for codec in (text.json_file, arrays.npy, arrays.pickled, text.csv):
            try:
                return codec(rng, content)
            except (ValueError, pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError):
                continue
    return hostile.data(rng, content)


def plain(rng: Random, content: bytes) -> bytes:
    """Anything, as bytes."""
    return hostile.data(rng, content)
