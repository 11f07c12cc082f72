"""curate qa: findings and a report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics import streams
from curate.basics.errors import InputError
from curate.commands.console import (
    FINDINGS,
    OK,
    add_options,
    command,
    common,
    engine_of,
    given,
    options_of,
    show,
)
from qa.check_quality import QualityOptions, check_quality
from qa.config import explain


def add(commands: Any) -> None:
    parser = command(
        commands,
        "qa",
        run,
        "  curate qa set96 --out qa96\n"
        "  curate qa data/tagged --out qa-tagged --fail-on warning\n"
        "  curate qa --explain > qa.yaml",
    )
    parser.add_argument(
        "datasets", type=Path, nargs="*", metavar="D", help="datasets or training sets, looked at as one"
    )
    parser.add_argument("--out", type=Path, metavar="QA", help="folder for the findings and the report")
    add_options(parser, QualityOptions)
    parser.add_argument("--explain", action="store_true", help="print every check with its limits, as YAML")
    common(parser)


def run(a: argparse.Namespace) -> int:
    options = options_of(a, QualityOptions)
    if a.explain:
        streams.give(explain(options.config).rstrip())
        return OK
    if not a.datasets or not a.out:
        missing = "--out" if a.datasets else "D"
        raise InputError(missing, "not given", remedy="curate qa D --out QA, or curate qa --explain")
    found = check_quality(a.datasets, a.out, options, engine=engine_of(a), **given(a, "overwrite quiet"))
    show(a, found.as_json(), str(found))
    return FINDINGS if found.failed else OK
