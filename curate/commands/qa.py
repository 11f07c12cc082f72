"""curate qa: findings and a report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics.errors import InputError
from curate.commands.console import FINDINGS, OK, command, common, given, show

_GIVEN = "fail_on config earlier predictions anonymise seed workers quiet"


def add(commands: Any) -> None:
    parser = command(
        commands,
        "qa",
        run,
        "  curate qa set96 --out qa96\n  curate qa data/tagged --out qa-tagged --fail-on warning\n"
        "  curate qa --explain > qa.yaml",
    )
    parser.add_argument(
        "datasets", type=Path, nargs="*", metavar="D", help="datasets or training sets, looked at as one"
    )
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument(
        "--fail-on",
        choices=["error", "warning", "info", "never"],
        default="error",
        help="exit with 1 where a finding is at least this severe (default: error)",
    )
    parser.add_argument("--config", type=Path, metavar="YAML", help="other limits; see --explain")
    parser.add_argument(
        "--compare", type=Path, metavar="QA", dest="earlier", help="tell what is new since then"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="predictions.parquet of curate evaluate: where a network and the labels disagree",
    )
    parser.add_argument(
        "--anonymise", action="store_true", help="tell people by numbers, not by their subject ids"
    )
    parser.add_argument("--explain", action="store_true", help="print every check with its limits, as YAML")
    parser.add_argument("--seed", type=int, default=0, help="of the samples shown")
    common(parser, overwrite=False)


def run(a: argparse.Namespace) -> int:
    if a.explain:
        from qa.config import explain

        print(explain(a.config), end="")
        return OK
    if not a.datasets or not a.out:
        raise InputError("curate qa", "no dataset or no --out", remedy="curate qa D --out DIR, or --explain")
    from qa.check_quality import inspect

    summary = inspect(a.datasets, a.out, **given(a, _GIVEN))
    show(a, summary.as_json(), str(summary))
    return FINDINGS if summary.failed else OK
