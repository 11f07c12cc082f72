"""`curate review apply`: decisions of reviewers -> a new version of the dataset."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.wording import already, counted, percent
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import from_batch
from curate.data.stage import Stage, Summary, keep
from curate.hands.relabelled import DECISION
from qa.review.box_and_xyz import changed_beside
from qa.review.decisions import Decision, Patch, read_decisions
from qa.review.decisions_on_samples import names_of, patched, pixel_states, stale


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What is to be done: the decisions to apply, by sample, in the dataset's order; (sample, reason) of
    refused decisions, and (sample, who decided what) of conflicts; how many boxes and 3D points change."""

    agreed: dict[str, Decision]
    refused: list[tuple[str, str]]
    conflicts: list[tuple[str, str]]
    beside: Counter[str]

    @property
    def fix(self) -> list[str]:
        """Samples that someone has to label again."""
        return [sample_id for sample_id, decision in self.agreed.items() if decision.decision == "fix"]

    @property
    def checks(self) -> dict[str, tuple[int, int]]:
        """As in `Applied`."""
        decided, accepted = Counter[str](), Counter[str]()
        for decision in self.agreed.values():
            decided.update(set(decision.check_ids))
            if decision.decision == "accept":
                accepted.update(set(decision.check_ids))
        return {check: (decided[check], accepted[check]) for check in sorted(decided)}


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying decisions did.

    Attributes
    ----------
    summary: of the new dataset; None for a dry run.
    counts: decisions applied, per kind. refused: (sample, reason) of decisions that were not.
    conflicts: (sample, who decided what) where reviewers disagree; these samples stay as they are.
    fix: samples that someone has to label again.
    checks: per check how many flagged samples were decided on, and how many of them were accepted: the
        check's false positives.
    beside: how many boxes changed, and how many 3D points are gone, along with corrected points.
    """

    summary: Summary | None
    counts: dict[str, int]
    refused: list[tuple[str, str]]
    conflicts: list[tuple[str, str]]
    fix: list[str]
    checks: dict[str, tuple[int, int]]
    beside: dict[str, int]

    @property
    def failed(self) -> bool:
        """Whether a decision was refused, or reviewers disagree."""
        return bool(self.refused or self.conflicts)

    def __str__(self) -> str:
        # Names as Python writes them: a hostile one must not write over the terminal.
        done = ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "none"
        lines = [f"decisions applied: {done}"]
        lines += [f"  refused: {sample!r}: {why}" for sample, why in self.refused]
        lines += [f"  reviewers disagree: {sample!r}: {who!r}" for sample, who in self.conflicts]
        lines += [f"  to be fixed: {sample!r}" for sample in self.fix]
        lines += [
            f"  {check!r}: {accepted} of {decided} accepted although flagged ({percent(accepted / decided)})"
            for check, (decided, accepted) in self.checks.items()
        ]
        lines += [f"  note: {name}: {count}" for name, count in self.beside.items()]
        if self.summary is None:
            return "\n".join([*lines, "nothing was written (dry run)"])
        made = f"{counted(self.summary.samples, 'sample')} in {self.summary.out}"
        return "\n".join([*lines, made + already(self.summary.reused)])

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "summary": None if self.summary is None else self.summary.as_json(),
            "applied": self.counts,
            "refused": [{"sample": sample, "reason": why} for sample, why in self.refused],
            "conflicts": [{"sample": sample, "decisions": who} for sample, who in self.conflicts],
            "fix": self.fix,
            "checks": {
                check: {"decided": decided, "accepted": accepted}
                for check, (decided, accepted) in self.checks.items()
            },
            "beside": self.beside,
        }


def apply_decisions(
    dataset: str | os.PathLike[str],
    decisions: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None,
    *,
    dry_run: bool = False,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Applied:
    """Write a new version of a dataset as its reviewers decided; the old one is not changed.

    A decision holds only for the labels and pixels it was made on (`sample_sha`); otherwise it is refused and
    goes to the new dataset's quarantine. Of one reviewer's decisions on a sample the last counts; two in
    different files with the same time both count. Where decisions disagree, nothing is done to the sample.

    Parameters
    ----------
    decisions: one or more files of the page's export.
    out: the folder to make; not needed with `dry_run`. dry_run: only say what would be done.

    Raises
    ------
    InputError: a file that does not parse, no decision at all, a training set, or no `out`.
    SchemaError: no dataset. ConfigChanged: `out` was made from other decisions.
    """
    if out is None and not dry_run:
        raise InputError("curate review apply", "no --out", remedy="give --out NEW, or --dry-run")
    source = Dataset(dataset)
    source.refuse_training_set("apply them to the dataset it was built from, and build again")
    paths = [decisions] if isinstance(decisions, str | os.PathLike) else list(decisions)
    given = [read_decisions(path) for path in paths]
    if not any(given):
        raise InputError(
            paths[0] if paths else "curate review",
            "no decision",
            remedy="decide first: on the page of curate review build, or with curate review open-labelme",
        )
    judged = _judge(source, given, engine=engine, quiet=quiet)
    summary = None
    if out is not None and not dry_run:
        summary = _write(source, Path(out), judged, engine=engine, overwrite=overwrite, quiet=quiet)
    counts = Counter(decision.decision for decision in judged.agreed.values())
    return Applied(
        summary,
        counts=dict(sorted(counts.items())),
        refused=judged.refused,
        conflicts=judged.conflicts,
        fix=judged.fix,
        checks=judged.checks,
        beside=dict(sorted(judged.beside.items())),
    )


def _judge(source: Dataset, given: list[list[Decision]], *, engine: Engine, quiet: bool) -> _Judgement:
    latest, unknown = _latest(source, given)
    refused = [(sample_id, "no such sample in the dataset") for sample_id, _ in sorted(unknown)]
    agreed: dict[str, Decision] = {}
    conflicts: list[tuple[str, str]] = []
    beside = Counter[str]()
    samples = [sample for sample in source if sample.sample_id in latest]
    states = pixel_states(source.root, samples, engine=engine, quiet=quiet)
    for sample, pixels in zip(samples, states, strict=True):
        valid = []
        for decision in latest[sample.sample_id]:
            why = stale(sample, pixels, decision)
            if why:
                refused.append((sample.sample_id, why))
            else:
                valid.append(decision)
        if len({decision.verdict for decision in valid}) > 1:
            said = sorted(f"{d.reviewer or 'someone'}: {d.decision}" for d in valid)
            conflicts.append((sample.sample_id, ", ".join(said)))
        elif valid:
            chosen = max(valid, key=lambda d: (d.at, d.reviewer))
            agreed[sample.sample_id] = chosen
            if chosen.decision != "reject":
                beside += changed_beside(sample, patched(sample, chosen.patch or Patch()))
    return _Judgement(agreed, refused, conflicts, beside)


def _latest(
    source: Dataset, given: list[list[Decision]]
) -> tuple[dict[str, list[Decision]], set[tuple[str, str]]]:
    """The reviewers' last decisions on each sample, whatever the order of the files; and (id, reviewer) of
    decisions on unknown samples, once each, as a file may hold imported decisions of others.

    Of one reviewer's decisions with the same time, the last in each file counts.
    """
    names = names_of(source, chain(*given))
    latest: dict[str, list[Decision]] = defaultdict(list)
    unknown = set[tuple[str, str]]()
    for decisions in given:
        own: dict[tuple[str, str], Decision] = {}
        for decision in sorted(decisions, key=lambda d: d.at):
            sample_id = names.get((decision.dataset_sha, decision.sample_id))
            if sample_id is None:
                unknown.add((decision.sample_id, decision.reviewer))
            else:
                own[sample_id, decision.reviewer] = decision
        for (sample_id, _), decision in own.items():
            latest[sample_id].append(decision)
    return {sample_id: list(_last(told)) for sample_id, told in latest.items()}, unknown


def _last(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Each reviewer's last decision, or several different ones with the same time."""
    ordered = sorted(decisions, key=lambda d: (d.reviewer, msgspec.json.encode(d)))
    for _, own in groupby(ordered, key=lambda d: d.reviewer):
        told = list(own)
        last = max(decision.at for decision in told)
        yield from {decision.verdict: decision for decision in told if decision.at == last}.values()


def _write(
    source: Dataset, out: Path, judged: _Judgement, *, engine: Engine, overwrite: bool, quiet: bool
) -> Summary:
    actions = {
        sample_id: [d.decision, d.reason, msgspec.to_builtins(d.patch)]
        for sample_id, d in judged.agreed.items()
    }
    digest = hashlib.sha256(json.dumps([actions, judged.refused, judged.conflicts]).encode()).hexdigest()
    review = {
        "fix": judged.fix,
        "conflicts": [{"sample": sample, "decisions": who} for sample, who in judged.conflicts],
        "checks": judged.checks,
    }
    options = {"decisions": digest}
    stage = Stage("review", out, options, (source,), engine=engine, overwrite=overwrite, quiet=quiet)
    left = [(f"decision on {sample}", why) for sample, why in judged.refused]
    left += [(f"decision on {sample}", f"reviewers disagree ({who})") for sample, who in judged.conflicts]
    work = partial(_apply_batch, root=source.root, out=out, agreed=judged.agreed, left=left)
    return stage.run(enumerate(source.batches()), work, finish=lambda _: {"review": review})


def _apply_batch(
    job: tuple[int, pa.RecordBatch],
    *,
    root: Path,
    out: Path,
    agreed: dict[str, Decision],
    left: list[tuple[str, str]],
) -> Part:
    number, batch = job
    part = Part(batch.slice(0, 0), quarantine=left if number == 0 else [])
    samples = []
    for sample in from_batch(batch):
        decision = agreed.get(sample.sample_id)
        if decision is not None:
            part.notes[f"reviewed_{decision.decision}"] += 1
            if decision.decision == "reject":
                part.dropped[f"rejected in review: {decision.reason or 'no reason given'}"] += 1
                continue
            before, sample = sample, patched(sample, decision.patch or Patch())
            part.notes += changed_beside(before, sample)
            # For checks (auto-label-in-test): a person has seen the label.
            sample.attrs = {**sample.attrs, DECISION: decision.decision}
        samples.append(sample)
    keep(part, samples, root, out)
    return part
