"""What QA found in a dataset, and the order in which the page shows its samples: the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.basics.errors import InputError
from curate.basics.wording import counted, verb
from curate.data.dataset import Dataset
from qa.finding import SCHEMA, TABLE, Row, read_table
from qa.severity import SEVERITIES

_SHOWN = ["check", "severity", "score", "threshold", "message"]


@dataclass(frozen=True, slots=True)
class Flagged:
    """The samples of a dataset, worst first, and what was found about them.

    Attributes
    ----------
    order: (n,) rows of the dataset: samples with errors, then with warnings, then with notes, those of the
        same check together; then the rest; otherwise in the order of the dataset.
    places: (m,) ascending, the position in `order` of the sample that each finding concerns; -1 if it
        concerns the set or a split. found: the m findings, a sample's worst first.
    remedies: what to do, by check, sorted.
    elsewhere: how many findings concern samples of other datasets.
    """

    order: NDArray[np.intp]
    places: NDArray[np.intp]
    found: pa.Table
    remedies: dict[str, str]
    elsewhere: int

    @classmethod
    def of(cls, dataset: Dataset, qa: Path | None) -> Flagged:
        """From `qa`, the folder that `curate qa` wrote; None if the dataset was not checked.

        Raises
        ------
        InputError: it holds no findings, or they concern other datasets.
        """
        found = SCHEMA.empty_table() if qa is None else read_table(qa)
        ids = dataset.table(["sample_id"]).column(0).combine_chunks()
        rows = pc.index_in(found.column("sample_id"), ids)
        here = pc.or_(rows.is_valid(), found.column("sample_id").is_null())
        elsewhere = len(found) - (pc.sum(here).as_py() or 0)
        if qa is not None and elsewhere and rows.null_count == len(rows):
            concern = verb(elsewhere, "concerns", "concern")
            stray = f"its {counted(elsewhere, 'finding')} {concern} no sample of {dataset.root.name}"
            remedy = "give the folder that curate qa made of this dataset"
            raise InputError(qa / TABLE, stray, remedy=remedy)
        found = found.filter(here)
        row = rows.filter(here).fill_null(-1).to_numpy().astype(np.intp)
        own = row >= 0
        told = found.group_by(["check", "remedy"]).aggregate([]).to_pylist()
        remedies = dict(sorted((one["check"], one["remedy"]) for one in told))
        rank = _rank(found, list(remedies))
        worst = np.full(len(ids), len(SEVERITIES) * len(remedies))
        np.minimum.at(worst, row[own], rank[own])
        order = np.argsort(worst, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        places = np.full(len(row), -1)
        places[own] = place[row[own]]
        by_place = np.lexsort((rank, places))  # stable, as the other
        return cls(order, places[by_place], found.select(_SHOWN).take(by_place), remedies, elsewhere)

    def findings(self, start: int, stop: int) -> Iterator[tuple[int, Row]]:
        """The findings of the samples at positions start to stop - 1 of `order`, each with its position."""
        first, last = np.searchsorted(self.places, (start, stop)).tolist()
        yield from zip(
            self.places[first:last].tolist(), self.found.slice(first, last - first).to_pylist(), strict=True
        )

    @property
    def whole(self) -> list[Row]:
        """The findings of the set, or of a split."""
        return [row for _, row in self.findings(-1, 0)]

    @property
    def samples(self) -> int:
        """How many samples have a finding."""
        return len(np.unique(self.places[self.places >= 0]))


def _rank(found: pa.Table, checks: list[str]) -> NDArray[np.intp]:
    """The rank of each finding, (m,), 0 first: by severity, then by check."""
    severity, check = (
        pc.index_in(found.column(name), pa.array(words, pa.string())).to_numpy().astype(np.intp)
        for name, words in (("severity", SEVERITIES), ("check", checks))
    )
    rank: NDArray[np.intp] = severity * len(checks) + check
    return rank
