"""curate select: some of a dataset's samples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.commands.console import (
    add_options,
    command,
    common,
    count_splits,
    engine_of,
    how_to_run,
    options_of,
    tell,
    typed,
)
from curate.options.select import SelectOptions
from qa.severity import SEVERITIES, Severity, at_least

_SHOWN = 6  # values of a name


def add(commands: Any) -> None:
    parser = command(
        commands,
        "select",
        run,
        "  curate select tagged --where \"aspect == 'dorsal' and labelled >= 20\" --out backs\n"
        "  curate select tagged --where \"attrs.skinColor in ['dark', 'medium']\" --out darker\n"
        "  curate select tagged --drop-qa qa-tagged --near-duplicates one --out clean\n"
        "  curate select tagged --sample 200 --by subject_id --out some\n"
        "  curate select tagged --val 0.2 --test 0.1 --out split",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="dataset folder to make")
    add_options(parser, SelectOptions)
    parser.add_argument(
        "--drop-qa",
        type=Path,
        metavar="QA",
        help="leave out the samples in which this run of curate qa found a fault",
    )
    parser.add_argument(
        "--drop-at",
        choices=SEVERITIES,
        help="the lowest severity of such a fault (default: error)",
    )
    parser.add_argument(
        "--near-duplicates",
        choices=("one",),
        help="of photographs that look alike and show a hand in the same pose, keep one; reads the images",
    )
    common(parser, shares=True)


def run(a: argparse.Namespace) -> int:
    from curate.select import select, values_there

    if a.drop_qa is None and a.drop_at is not None:
        raise InputError("--drop-at", "--drop-qa is not given", remedy="say whose findings: --drop-qa QA")
    drop = None if a.drop_qa is None else _flagged(a.drop_qa, a.drop_at or "error")
    options = options_of(a, SelectOptions)
    how = how_to_run(a)
    alike = None if a.near_duplicates is None else _alike(a)
    summary = select(a.dataset, a.out, options, drop=drop, alike=alike, **how)
    splits = count_splits(summary) if options.val or options.test else None
    more = _there(values_there(a.dataset, options.where)) if options.where and not summary.samples else []
    then = f"{typed('show', a.out)}; {typed('qa', a.out, '--out', 'QA')}"
    return tell(a, summary, splits=splits, more=more, advice=f"next: {then}")


def _flagged(qa: Path, severity: Severity) -> set[str]:
    """The ids of samples in which a run of curate qa found a fault of at least this severity."""
    from qa.finding import read_findings

    grave = at_least(severity)
    return {row["sample_id"] for row in read_findings(qa) if row["severity"] in grave} - {None}


def _there(values: dict[str, list[Any]]) -> list[str]:
    """A line on each name in a condition that no sample meets: the values that samples have."""
    lines = []
    for name, found in values.items():
        told = [repr(value) for value in found[:_SHOWN]]
        known = [value for value in found if value is not None]
        if len(found) > _SHOWN and all(isinstance(value, int | float) for value in known):
            told = [f"{min(known):g} to {max(known):g}", *["None"] * (None in found)]
        elif len(found) > _SHOWN:
            told.append(counted(len(found) - _SHOWN, "other value"))
        lines.append(f"  {name} is here: {', '.join(told)}")
    return lines


def _alike(a: argparse.Namespace) -> list[tuple[str, str]]:
    """The pairs of samples, by their ids, that QA would call near-duplicates."""
    from qa.checks.duplicates import look_alikes
    from qa.view import open_view

    view = open_view([a.dataset], engine=engine_of(a), quiet=a.quiet)
    pairs = look_alikes(view)
    return list(zip(*(view.sample_id[rows].tolist() for rows in (pairs.first, pairs.second)), strict=True))
