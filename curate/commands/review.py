"""curate review: the gallery, Labelme for what is wrong, and what was decided in either."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
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
from qa.options import LabelmeOptions, PageOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "review",
        run,
        "  curate review build tagged --qa qa-tagged --out review\n"
        "  curate review open-labelme tagged --qa qa-tagged --out corrections\n"
        "  curate review apply decisions.jsonl corrections/decisions.jsonl --dataset tagged --out tagged-2\n"
        "  curate review agreement ann.jsonl bob.jsonl",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_build(actions)
    _add_open_labelme(actions)
    _add_apply(actions)
    _add_agreement(actions)


def run(a: argparse.Namespace) -> int:
    code: int = a.act(a)
    return code


def _add_build(actions: Any) -> None:
    build = actions.add_parser("build", help="write the gallery: open index.html by double click")
    build.add_argument("dataset", type=Path, metavar="D")
    build.add_argument("--qa", type=Path, required=True, metavar="QA", help="what curate qa wrote about it")
    build.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_options(build, PageOptions)
    common(build)
    build.set_defaults(act=_build)


def _build(a: argparse.Namespace) -> int:
    from qa.review.build import build_review

    options = options_of(a, PageOptions)
    made = build_review(a.dataset, a.qa, a.out, options, engine=engine_of(a), **given(a, "overwrite quiet"))
    show(a, made.as_json(), str(made))
    return OK


def _add_open_labelme(actions: Any) -> None:
    opens = actions.add_parser(
        "open-labelme",
        help="correct flagged samples in Labelme; what was moved comes back as decisions",
        description="Open flagged samples in Labelme with the 21 labels prepared, wait until it is closed, "
        "and write what was corrected to DIR/decisions.jsonl.\n"
        "The same command again goes on where it was left.",
        epilog="examples:\n  curate review open-labelme tagged --qa qa-tagged --out corrections\n"
        "  curate review open-labelme tagged --decisions decisions.jsonl --out corrections\n"
        "  curate review open-labelme tagged --qa qa-tagged --check mask-fit --severity warning --out more",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    opens.add_argument("dataset", type=Path, metavar="D")
    opens.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_options(opens, LabelmeOptions)
    common(opens, workers=False)
    opens.set_defaults(act=_open_labelme)


def _open_labelme(a: argparse.Namespace) -> int:
    from qa.review.open_labelme import open_labelme

    labelme, options = FORMATS["labelme"], options_of(a, LabelmeOptions)
    done = open_labelme(
        a.dataset, a.out, options, write=labelme.write, read=labelme.read, overwrite=a.overwrite
    )
    advice = f"\nnext: curate review apply {a.out}/decisions.jsonl --dataset {a.dataset} --out NEW"
    show(a, done.as_json(), f"{done}{advice if done.corrected else ''}")
    return FINDINGS if done.refused else OK


def _add_apply(actions: Any) -> None:
    apply = actions.add_parser("apply", help="make a new dataset of what was decided")
    apply.add_argument(
        "decisions", type=Path, nargs="+", metavar="DECISIONS", help="of the page, and of open-labelme"
    )
    apply.add_argument("--dataset", type=Path, required=True, metavar="D")
    apply.add_argument("--out", type=Path, required=True, metavar="NEW")
    apply.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    common(apply)
    apply.set_defaults(act=_apply)


def _apply(a: argparse.Namespace) -> int:
    from qa.review.apply import apply_decisions

    applied = apply_decisions(
        a.dataset, a.decisions, a.out, engine=engine_of(a), **given(a, "dry_run overwrite quiet")
    )
    show(a, applied.as_json(), str(applied))
    return FINDINGS if applied.failed else OK


def _add_agreement(actions: Any) -> None:
    agree = actions.add_parser("agreement", help="how far two reviewers decide alike, and where they do not")
    agree.add_argument("first", type=Path, metavar="A", help="one reviewer's decisions, as the page exports")
    agree.add_argument("second", type=Path, metavar="B", help="the other's")
    common(agree, workers=False, overwrite=False)
    agree.set_defaults(act=_agreement)


def _agreement(a: argparse.Namespace) -> int:
    from qa.review.agreement import agreement

    found = agreement(a.first, a.second)
    show(a, found.as_json(), str(found))
    return OK
