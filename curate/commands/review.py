"""curate review: the gallery, Labelme for what is wrong, and what was decided in either."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
from curate.commands.console import FINDINGS, OK, command, common, given, positive, show


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
    actions = parser.add_subparsers(
        dest="action", metavar="build|open-labelme|apply|agreement", required=True
    )
    _add_build(actions)
    _add_open_labelme(actions)
    _add_apply(actions)
    _add_agreement(actions)


def _add_build(actions: Any) -> None:
    build = actions.add_parser("build", help="write the gallery: open index.html by double click")
    build.add_argument("dataset", type=Path, metavar="D")
    build.add_argument("--qa", type=Path, required=True, metavar="QA", help="what curate qa wrote about it")
    build.add_argument("--out", type=Path, required=True, metavar="DIR")
    build.add_argument(
        "--anonymise", action="store_true", help="leave out who and which: ids, paths, messages"
    )
    build.add_argument(
        "--thumbnails-only",
        dest="originals",
        action="store_false",
        help="no links to the images themselves: the folder can be passed on by itself",
    )
    common(build)
    build.set_defaults(act=_build)


def _build(a: argparse.Namespace) -> int:
    from qa.review.page import write_review

    summary = write_review(a.dataset, a.qa, a.out, **given(a, "originals anonymise workers overwrite quiet"))
    show(a, summary.as_json(), str(summary))
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
    opens.add_argument("--qa", dest="qa_dir", type=Path, metavar="QA", help="open what this run flagged")
    opens.add_argument(
        "--decisions",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="open what was marked to be fixed",
    )
    opens.add_argument(
        "--check", dest="checks", action="append", default=[], metavar="ID", help="only of this check; repeat"
    )
    opens.add_argument(
        "--severity", choices=["error", "warning", "info"], default="error", help="at least (default: error)"
    )
    opens.add_argument("--limit", type=positive, metavar="N", help="at most N images, the worst")
    opens.add_argument("--labelme", default="labelme", metavar="PROGRAM", help="where it is not on the PATH")
    opens.add_argument(
        "--no-open",
        dest="labelme",
        action="store_const",
        const=None,
        help="start nothing: only prepare the folder, or read back what was corrected in it",
    )
    opens.add_argument("--reviewer", default="", metavar="NAME", help="whose corrections these are")
    common(opens, workers=False)
    opens.set_defaults(act=_open_labelme)


def _open_labelme(a: argparse.Namespace) -> int:
    from qa.review.open_labelme import open_labelme

    labelme = FORMATS["labelme"]
    options = given(a, "qa_dir decisions checks severity limit labelme reviewer overwrite")
    done = open_labelme(a.dataset, a.out, write=labelme.write, read=labelme.read, **options)
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
    from qa.review.decisions import apply_decisions

    options = given(a, "dry_run workers overwrite quiet")
    applied = apply_decisions(a.dataset, a.decisions, a.out, **options)
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


def run(a: argparse.Namespace) -> int:
    code: int = a.act(a)
    return code
