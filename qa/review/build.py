"""`curate review build`: a page that opens by double click, to look through the samples and decide."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import curate
from curate.basics import files, progress
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from qa.finding import TABLE, Row, read_findings
from qa.options import PageOptions
from qa.review.atlas import SHELF, Shelf, Shown, fill
from qa.review.page import Findings, Page
from qa.severity import SEVERITIES

LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Review:
    """What stands in the page.

    Attributes
    ----------
    out: the folder. samples: on the page. flagged: with a finding. unreadable: whose image does not open.
    elsewhere: findings that concern samples of other datasets. size: of the page, bytes.
    reused: the page was finished before, by the same command on the same data.
    """

    out: Path
    samples: int
    flagged: int
    unreadable: int
    elsewhere: int
    size: int
    reused: bool = False

    def __str__(self) -> str:
        text = (
            f"{counted(self.samples, 'sample')}, {self.flagged:,} of them flagged, {self.size / 1e6:.1f} MB"
        )
        if self.unreadable:
            text += f"; {counted(self.unreadable, 'image')} cannot be read"
        if self.elsewhere:
            text += f"; of other datasets: {counted(self.elsewhere, 'finding')}"
        again = " (was finished before)" if self.reused else ""
        return f"{text}\nreview: open {self.out / 'index.html'} in a browser{again}"

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "out": os.fspath(self.out)}


def build_review(
    dataset: str | os.PathLike[str],
    qa: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    options: PageOptions = PageOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Review:
    """Write the review page of a dataset; `qa` is the folder that `curate qa` wrote of it, or None for a look
    at unchecked samples.

    Every image is decoded once, in full: a decision is bound to the pixels that were seen.

    Raises
    ------
    SchemaError: no dataset.
    InputError: no findings, findings of another dataset, a training set, more than LIMIT samples, or an `out`
        that is none of curate's, or in use.
    ConfigChanged: `out` holds a page of other data, or of other options.
    """
    opened, folder = Dataset(dataset), Path(out)
    _require_reviewable(opened)
    findings, elsewhere = ({}, 0) if qa is None else _findings_of(opened, Path(qa))
    identity = {
        "stage": "review build",
        "version": curate.__version__,
        "options": asdict(options),
        "dataset": relative_to_out(opened.root, folder),
        "inputs": [opened.fingerprint, None if qa is None else files.sha256(Path(qa) / TABLE)],
    }
    with contents.claimed(
        folder, identity, [opened], reads=[qa] if qa else [], engine=engine, overwrite=overwrite
    ) as claim:
        if claim.result is not None:
            return Review(folder, **claim.result, reused=True)
        samples = _worst_first(opened, findings)
        shown = _fill_atlases(opened, samples, claim, engine=engine, quiet=quiet)
        Page(opened, folder, samples, shown, findings, qa is not None, **asdict(options)).write()
        flagged = sum(bool(findings.get(sample.sample_id)) for sample in samples)
        unreadable = sum(one.width == 0 for one in shown)
        made = Review(folder, len(samples), flagged, unreadable, elsewhere, _size(claim))
        claim.finish({name: told for name, told in made.as_json().items() if name not in ("out", "reused")})
    return made


def _fill_atlases(
    dataset: Dataset, samples: list[Sample], claim: files.Claim, *, engine: Engine, quiet: bool
) -> list[Shown]:
    hands = Counter(sample.image for sample in samples)
    shelves = [
        Shelf(
            part := samples[start : start + SHELF],
            frozenset(sample.image for sample in part if hands[sample.image] > 1),
            dataset.root,
            claim.out / "atlas" / f"a{number:04d}.webp",
            claim.out / "atlas" / f"m{number:04d}.png",
            claim.work / f"{number:04d}.json",
        )
        for number, start in enumerate(range(0, len(samples), SHELF))
    ]
    shown: list[Shown] = []
    with progress.bar("review", len(samples), quiet=quiet) as advance:
        for seen in engine.map(fill, shelves, total=len(shelves)):
            shown += seen
            advance(len(seen))
    return shown


def _size(claim: files.Claim) -> int:
    """Bytes of the page, without what curate keeps beside it."""
    ours = (claim.work, claim.out / files.MARK)
    paths = (path for path in claim.out.rglob("*") if not any(path.is_relative_to(own) for own in ours))
    return sum(path.stat().st_size for path in paths if path.is_file())


def _require_reviewable(dataset: Dataset) -> None:
    dataset.refuse_training_set(
        "review the dataset that it is built from, apply the decisions, and build again"
    )
    if len(dataset) > LIMIT:
        remedy = "review a part: curate convert --limit, or one source at a time"
        raise InputError(dataset.root, f"{len(dataset):,} samples", allowed=f"{LIMIT:,}", remedy=remedy)


def _findings_of(dataset: Dataset, qa: Path) -> tuple[Findings, int]:
    """The findings by sample, worst first, and how many concern samples that are not in the dataset."""
    known = set(dataset.table(["sample_id"]).column(0).to_pylist())
    findings: dict[str | None, list[Row]] = {}
    elsewhere = 0
    for row in read_findings(qa):
        if row["sample_id"] is None or row["sample_id"] in known:
            findings.setdefault(row["sample_id"], []).append(row)
        else:
            elsewhere += 1
    for own in findings.values():
        own.sort(key=lambda row: (SEVERITIES.index(row["severity"]), row["check"]))
    if elsewhere and not any(key is not None for key in findings):
        found = f"its {elsewhere:,} findings concern no sample of {dataset.root.name}"
        remedy = "give the folder that curate qa made of this dataset"
        raise InputError(qa / TABLE, found, remedy=remedy)
    return findings, elsewhere


def _worst_first(dataset: Dataset, findings: Findings) -> list[Sample]:
    """Samples with errors, then warnings, then notes, alike ones together; then the rest."""

    def rank(sample: Sample) -> tuple[int, str]:
        own = findings.get(sample.sample_id)
        return (SEVERITIES.index(own[0]["severity"]), own[0]["check"]) if own else (len(SEVERITIES), "")

    return sorted(dataset, key=rank)  # a stable sort
