"""`curate review build`: a page that opens by double click, to look through the samples and decide."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice, tee
from pathlib import Path
from typing import Any

import curate
from curate.basics import files, progress
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.settings import require_options
from curate.basics.wording import already, counted
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from qa.finding import TABLE
from qa.options import PageOptions
from qa.review.atlas import SHELF, Shelf, Shown, fill
from qa.review.flagged import Flagged
from qa.review.page import Page

LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Review:
    """What is on the page.

    Attributes
    ----------
    out: the folder. samples: how many are shown, how many of them `flagged` with a finding, and of how many
        the image is `unreadable`.
    elsewhere: how many findings concern samples of other datasets. size: of the page, bytes.
    reused: whether the page was finished before, by the same command on the same data.
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
        return f"{text}\nreview: open {self.out / 'index.html'} in a browser{already(self.reused)}"

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
    """Write the review page of a dataset; `qa` is the folder that `curate qa` wrote about it, or None to show
    unchecked samples.

    Every image is decoded once, in full: a decision is bound to the pixels that were seen.

    Raises
    ------
    SchemaError: no dataset.
    InputError: no findings, findings of another dataset, a training set, more than LIMIT samples, or an `out`
        that is none of curate's, or in use.
    ConfigChanged: `out` holds a page of other data, or of other options.
    """
    require_options(options, PageOptions)
    opened, folder = Dataset(dataset), Path(out)
    _require_reviewable(opened)
    flagged = Flagged.of(opened, None if qa is None else Path(qa))
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
        with progress.bar("review", len(opened), quiet=quiet) as advance:
            samples, again = tee(opened.take(flagged.order))  # each sample is read once
            shown = _fill_atlases(opened, samples, flagged, claim, engine, advance)
            page = Page(opened, folder, flagged, qa is not None, **asdict(options))
            unreadable = page.write(zip(again, shown, strict=True))
        made = Review(folder, len(opened), flagged.samples, unreadable, flagged.elsewhere, _size(claim))
        claim.finish({name: told for name, told in made.as_json().items() if name not in ("out", "reused")})
    return made


def _fill_atlases(
    dataset: Dataset,
    samples: Iterator[Sample],
    flagged: Flagged,
    claim: files.Claim,
    engine: Engine,
    advance: progress.Advance,
) -> Iterator[Shown]:
    """What each sample shows; a shelf is filled when the first sample on it is asked for."""
    crowded = dataset.shared()[flagged.order]

    def shelves() -> Iterator[Shelf]:
        for number, start in enumerate(range(0, len(crowded), SHELF)):
            own = list(islice(samples, SHELF))
            yield Shelf(
                own,
                frozenset(sample.image for sample, many in zip(own, crowded[start:], strict=False) if many),
                dataset.root,
                claim.out / "atlas" / f"a{number:04d}.webp",
                claim.out / "atlas" / f"m{number:04d}.png",
                claim.work / f"{number:04d}.json",
            )

    for seen in engine.map(fill, shelves(), total=-(-len(dataset) // SHELF)):
        advance(len(seen))
        yield from seen


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
