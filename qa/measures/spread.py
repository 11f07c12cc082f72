"""How a check's scores are distributed around their limit: a histogram, kept instead of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa.measures.arrays import Floats

BARS = 52
PLAIN = "plain"  # stands for samples without a finding
_DISTINCT = 12  # different scores that a histogram needs to say something


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram of scores.

    Attributes
    ----------
    limit: of the scores. edges: (53,) of the bars. known: how many samples have a score.
    counts: (52,) samples without a finding (PLAIN), then those with findings of each severity.
    """

    limit: float
    edges: Floats
    known: int
    counts: Mapping[str, NDArray[np.intp]]


def spread_of(scores: Floats, limit: float, flagged: Mapping[str, Sequence[int]]) -> Spread | None:
    """The histogram of (n,) scores, NaN where not judged; None where they hardly differ.

    A score far from all others counts in the last bar on its side.

    Parameters
    ----------
    flagged: rows with findings, by their severity.
    """
    known = np.isfinite(scores)
    if len(np.unique(scores[known])) < _DISTINCT:
        return None
    low, high = np.quantile(scores[known], (0.005, 0.995))
    low, high = min(low, limit), max(high, limit)
    margin = 0.06 * (high - low)
    edges = np.linspace(low - margin, high + margin, BARS + 1)
    kinds = {name: np.array(rows, np.intp) for name, rows in flagged.items()}
    plain = known.copy()
    for rows in kinds.values():
        plain[rows] = False
    counts = {
        name: np.histogram(np.clip(scores[rows], edges[0], edges[-1]), edges)[0]
        for name, rows in {PLAIN: np.flatnonzero(plain), **kinds}.items()
    }
    return Spread(limit, edges, int(known.sum()), counts)
