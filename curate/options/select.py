"""The options of `curate select`."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, share, text, texts, whole
from curate.data.split import SPLITS

# What `curate.data.condition` reads.
LANGUAGE = (
    "names of columns, attrs.NAME, 'text', numbers, None, lists, == != < <= > >= in, 'not in', and, or, not"
)


def _split(word: str) -> str:
    if word not in SPLITS:
        raise ValueError
    return word


@dataclass(frozen=True, slots=True)
class SelectOptions(Options):
    """The conditions of `curate select`; a sample must meet all that are given."""

    where: str | None = text(None, LANGUAGE, "a condition on columns and attrs, see the examples")
    split: tuple[str, ...] = texts(
        (), ", ".join(SPLITS), "only samples of this split; may be given several times", _split
    )
    sample: int | None = whole(None, 1, 1 << 40, "draw N samples in all from those that are left, by --seed")
    by: str | None = text(
        None,
        "a column or a name in attrs",
        "draw them in turn from each value of this (subject_id, side ...), so that all have equally many",
    )
    val: float = share(0.0, "give the chosen samples new splits, by subject: share of the validation split")
    test: float = share(0.0, "likewise: share of the test split")
    seed: int = whole(0, 0, 1 << 32, "seed of what is drawn and of the split by subject")
