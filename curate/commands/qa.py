"""curate qa: findings and a report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.basics import streams
from curate.basics.errors import InputError
from curate.commands.console import (
    FINDINGS,
    OK,
    add_options,
    command,
    common,
    how_to_run,
    options_of,
    say,
    show,
    typed,
)
from curate.options.residuals import ResidualOptions
from qa.options import QualityOptions

if TYPE_CHECKING:
    from qa.check_quality import Quality


def add(commands: Any) -> None:
    parser = command(
        commands,
        "qa",
        run,
        "  curate qa set96 --out qa96\n"
        "  curate qa data/tagged --out qa-tagged --fail-on warning\n"
        "  curate qa set96 --out qa96-crossfit --crossfit 3\n"
        "  curate qa --explain > qa.yaml",
    )
    parser.add_argument(
        "datasets", type=Path, nargs="*", metavar="D", help="datasets or training sets, checked as one"
    )
    parser.add_argument("--out", type=Path, metavar="QA", help="folder for the findings and the report")
    add_options(parser, QualityOptions)
    add_options(parser, ResidualOptions)
    parser.add_argument("--explain", action="store_true", help="print every check with its limits, as YAML")
    common(parser, cluster=True)


def run(a: argparse.Namespace) -> int:
    options, asked = options_of(a, QualityOptions), options_of(a, ResidualOptions)
    if a.explain:
        from qa.config import explain

        streams.give(explain(options.config).rstrip())
        return OK
    if not a.datasets or not a.out:
        missing = "--out" if a.datasets else "D"
        raise InputError(missing, "not given", remedy="curate qa D --out QA, or curate qa --explain")
    from curate.residuals import predict_unseen
    from qa.check_quality import check_quality

    how = how_to_run(a)
    if asked != ResidualOptions():  # whatever is given of them: what is missing is told
        # A folder of its own: another `curate qa` takes what was predicted from there, by --predictions.
        predicted = predict_unseen(a.datasets, Path(f"{a.out}-residuals"), asked, **how)
        if not a.quiet:
            say(str(predicted))
        options = replace(options, predictions=(*options.predictions, predicted.predictions))
    found = check_quality(a.datasets, a.out, options, **how)
    show(a, found.as_json(), f"{found}{_advice(a, found)}")
    return FINDINGS if found.failed else OK


def _advice(a: argparse.Namespace, found: Quality) -> str:
    """How to look through what was found; a training set, or several datasets at once, cannot be reviewed."""
    from curate.data.dataset import Dataset

    worth_a_look = found.counts["error"] or found.counts["warning"]
    if not worth_a_look or len(a.datasets) > 1 or Dataset(a.datasets[0]).training is not None:
        return ""
    return f"\nnext: {typed('review', 'build', a.datasets[0], '--qa', a.out, '--out', 'REVIEW')}"
