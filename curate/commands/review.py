"""curate review: the gallery, and what was decided in it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import FINDINGS, OK, command, common, given, show


def add(commands: Any) -> None:
    parser = command(
        commands,
        "review",
        run,
        "A gallery to look through by hand, and what was decided in it.",
        "  curate review build tagged --qa qa-tagged --out review\n"
        "  curate review apply decisions.jsonl --dataset tagged --out tagged-2",
    )
    actions = parser.add_subparsers(dest="action", metavar="build|apply", required=True)
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
    apply = actions.add_parser("apply", help="make a new dataset of what was decided")
    apply.add_argument(
        "decisions", type=Path, nargs="+", metavar="DECISIONS", help="files that the page exported"
    )
    apply.add_argument("--dataset", type=Path, required=True, metavar="D")
    apply.add_argument("--out", type=Path, required=True, metavar="NEW")
    apply.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    common(apply)


def run(a: argparse.Namespace) -> int:
    if a.action == "build":
        from qa.review import write_review

        options = given(a, "originals anonymise workers overwrite quiet")
        summary = write_review(a.dataset, a.qa, a.out, **options)
        show(a, summary.as_json(), str(summary))
        return OK
    from qa.decisions import apply_decisions

    options = given(a, "dry_run workers overwrite quiet")
    applied = apply_decisions(a.dataset, a.decisions, a.out, **options)
    show(a, applied.as_json(), str(applied))
    return FINDINGS if applied.failed else OK
