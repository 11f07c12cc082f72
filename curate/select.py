"""`curate select`: some of a dataset's samples, as a dataset that refers to the same pictures."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.settings import require_options
from curate.basics.wording import counted
from curate.data.condition import COLUMNS, LABELLED, Condition, Row, asked_for, require_known, row_of
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import SCHEMA, from_batch, make_batch
from curate.data.split import by_subject, unfilled
from curate.data.stage import Stage, Summary, keep
from curate.options.select import LANGUAGE, SelectOptions

# The notes that count samples that were not chosen, in the order in which they apply.
_OTHER_SPLIT = "not of the split"
_OTHERWISE = "not as --where says"
_FLAGGED = "flagged by QA"
_TWIN = "almost the same photograph as one that is kept"
_NOT_DRAWN = "not drawn"

_COLUMNS = (*COLUMNS, LABELLED)
_UNKNOWN = json.dumps(None)  # a value to draw by
_FEWER = "fewer than --sample asks for, as there are no more"
_STRAY = "sample that QA flagged and that is not here"


def select(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: SelectOptions = SelectOptions(),
    *,
    drop: Collection[str] | None = None,
    alike: Collection[tuple[str, str]] | None = None,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Write the chosen samples, unchanged and in their order; OUT refers to the same images.

    Samples that are not chosen are counted in the notes, by the first reason that applies. Which samples are
    drawn does not depend on their order, and a smaller draw is part of a larger one. With a share for val or
    test, the chosen samples get new splits, by subject (`curate.data.split.by_subject`); a split that stays
    empty is noted.

    Parameters
    ----------
    drop: ids of samples to leave out, such as those of QA's findings; ids that no sample has are noted.
    alike: pairs of ids. Of the samples that meet all other conditions, each is left out that forms a pair
        with a kept one. Those with the most keypoints are kept first, then those that come first.

    Raises
    ------
    InputError: a training set; nothing to choose by; a condition that does not parse; a name that is neither
        a column nor in any sample's attrs; no sample with a known value to draw by.
    SchemaError: not a dataset. ConfigChanged: OUT was begun with other options.
    """
    require_options(options, SelectOptions)
    source = Dataset(dataset)
    source.refuse_training_set("select before curate build")
    if options.by is not None and options.sample is None:
        raise InputError("--by", "--sample is not given", remedy="say how many to draw: --sample N")
    chosen_by = (drop, alike, options.where, options.split or None, options.sample)
    if all(one is None for one in chosen_by) and not (options.val or options.test):
        allowed = "--where, --split, --drop-qa, --near-duplicates, --sample, --val, --test"
        raise InputError("what to choose by", "not given", allowed=allowed)
    reasons = _reasons(source, options, frozenset(drop or ()), alike or ())
    pairs = None if alike is None else [json.dumps(sorted(pair)) for pair in alike]
    record = {**asdict(options), "drop": _digest(drop), "alike": _digest(pairs)}
    stage = Stage("select", Path(out), record, (source,), engine=engine, overwrite=overwrite, quiet=quiet)
    work = partial(_keep, root=source.root, out=Path(out))
    before = Part(make_batch(0))
    if drop:
        strays = set(drop).difference(source.table(["sample_id"]).column(0).to_pylist())
        before.notes += Counter({_STRAY: len(strays)})
    if options.sample is not None:
        before.notes += Counter({_FEWER: options.sample - reasons.count(None)})
    splits = None
    if options.val or options.test:
        splits = _splits(source, reasons, options)
        before.notes += unfilled(splits, test=options.test, val=options.val)
    return stage.run(_batches(source, reasons, splits), work, before=before)


def values_there(dataset: str | os.PathLike[str], where: str) -> dict[str, list[Any]]:
    """The values that the samples have of each name in a condition, those of most samples first.

    Raises InputError as `select` does for the condition.
    """
    condition = _condition(where)
    found: dict[str, Counter[Any]] = {
        name: Counter() for name in (*sorted(condition.columns), *sorted(condition.attributes))
    }
    for row in _rows(Dataset(dataset), condition.columns, condition.attributes):
        for name, counts in found.items():
            value = row[name] if name in condition.columns else row["attrs"].get(name)
            counts[json.dumps(value)] += 1
    return {name: [json.loads(value) for value, _ in counts.most_common()] for name, counts in found.items()}


def _digest(words: Collection[str] | None) -> str | None:
    return None if words is None else hashlib.sha256(json.dumps(sorted(words)).encode()).hexdigest()


def _splits(source: Dataset, reasons: Sequence[str | None], options: SelectOptions) -> list[str | None]:
    """The split of each sample that is chosen, by the shares among these; None of the others."""
    subjects, clips = (column.to_pylist() for column in source.table(["subject_id", "clip"]).columns)
    left = [number for number, reason in enumerate(reasons) if reason is None]
    chosen = by_subject(
        *([names[number] for number in left] for names in (subjects, source.photos(), clips)),
        seed=options.seed,
        test=options.test,
        val=options.val,
    )
    splits: list[str | None] = [None] * len(reasons)
    for number, split in zip(left, chosen, strict=True):
        splits[number] = split
    return splits


def _batches(
    source: Dataset, reasons: Sequence[str | None], splits: Sequence[str | None] | None
) -> Iterator[tuple[pa.RecordBatch, list[str | None]]]:
    """The samples with why they are not chosen. splits: of each; None: they keep their own."""
    start, place = 0, SCHEMA.get_field_index("split")
    for batch in source.batches():
        here = slice(start, start + batch.num_rows)
        if splits is not None:
            given = pa.array(splits[here], SCHEMA.field(place).type)
            batch = batch.set_column(place, SCHEMA.field(place), given)
        yield batch, list(reasons[here])
        start += batch.num_rows


def _keep(job: tuple[pa.RecordBatch, list[str | None]], *, root: Path, out: Path) -> Part:
    batch, reasons = job
    part = Part(batch.slice(0, 0), notes=Counter(reason for reason in reasons if reason))
    chosen = batch.filter(pa.array([reason is None for reason in reasons]))
    keep(part, from_batch(chosen), root, out)
    return part


def _reasons(
    source: Dataset, options: SelectOptions, drop: frozenset[str], alike: Collection[tuple[str, str]]
) -> list[str | None]:
    """Why each sample is not chosen; None for those that are."""
    condition = None if options.where is None else _condition(options.where)
    asked = set(condition.columns) if condition else set()
    attributes = set(condition.attributes) if condition else set()
    if options.by is not None:
        column, entry = asked_for(options.by, _COLUMNS)
        asked.update(filter(None, [column]))
        attributes.update(filter(None, [entry]))
    rows = list(_rows(source, asked | {"sample_id", "split"}, attributes))
    reasons: list[str | None] = []
    for row in rows:
        if options.split and row["split"] not in options.split:
            reasons.append(_OTHER_SPLIT)
        elif condition and not condition.holds(row):
            reasons.append(_OTHERWISE)
        else:
            reasons.append(_FLAGGED if row["sample_id"] in drop else None)
    for number in _twins(rows, reasons, alike):
        reasons[number] = _TWIN
    if options.sample is not None:
        left = [number for number, reason in enumerate(reasons) if reason is None]
        drawn = set(_drawn([rows[number] for number in left], options))
        for place, number in enumerate(left):
            reasons[number] = None if place in drawn else _NOT_DRAWN
    return reasons


def _twins(
    rows: Sequence[Row], reasons: Sequence[str | None], alike: Collection[tuple[str, str]]
) -> Iterator[int]:
    """Which of the samples that are left form a pair with one that stays; those with most keypoints stay.

    Only pairs count, not chains of them: a sample without points looks like several poses.
    """
    left = {row["sample_id"]: number for number, row in enumerate(rows) if reasons[number] is None}
    twins = defaultdict[int, set[int]](set)
    for one, other in alike:
        if one in left and other in left:
            twins[left[one]].add(left[other])
            twins[left[other]].add(left[one])
    gone = set[int]()
    for number in sorted(twins, key=lambda number: (-rows[number][LABELLED], number)):
        if number not in gone:
            gone |= twins[number]
    yield from gone


def _condition(text: str) -> Condition:
    try:
        return Condition(text)
    except ValueError as error:
        remedy = "for example: --where \"side == 'left' and attrs.age > 30\""
        raise InputError("--where", f"{text[:80]!r}: {error}", allowed=LANGUAGE, remedy=remedy) from None


def _rows(source: Dataset, columns: set[str], attributes: set[str]) -> Iterator[Row]:
    """The samples as rows for a condition that asks for these columns and names in attrs.

    Raises InputError: a name in attrs that no sample has.
    """
    seen = set[str]()
    for sample in source:
        seen.update(sample.attrs)
        yield row_of(sample, columns)
    if len(source):
        require_known(source.root, attributes, seen)


def _drawn(rows: Sequence[Row], options: SelectOptions) -> list[int]:
    """Which of the rows are drawn: in turn one of each value of `by`, in an order by the seed.

    Raises InputError: none of them has a value of `by`.
    """
    column, entry = (None, None) if options.by is None else asked_for(options.by, _COLUMNS)
    groups = defaultdict[str, list[tuple[str, int]]](list)
    for number, row in enumerate(rows):
        lot = hashlib.sha256(f"{options.seed} {row['sample_id']}".encode()).hexdigest()
        value = row[column] if column else row["attrs"].get(entry)
        groups[json.dumps(value, sort_keys=True)].append((lot, number))
    if options.by is not None and [*groups] == [_UNKNOWN]:
        found = f"{options.by}, which is known of none of {counted(len(rows), 'sample')} to draw from"
        raise InputError("--by", found, remedy="name another column or name in attrs, or leave --by out")
    lots = [
        (turn, lot, number) for group in groups.values() for turn, (lot, number) in enumerate(sorted(group))
    ]
    return [number for _, _, number in sorted(lots)[: options.sample]]
