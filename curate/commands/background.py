"""curate background: hands before another ground."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import add_options, command, common, engine_of, given, options_of, tell, typed
from curate.options.background import BackgroundOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "background",
        run,
        "  curate background tagged --backgrounds white --out on-white\n"
        "  curate background tagged --backgrounds photos/ --seed 1 --out busy",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="dataset folder to make")
    add_options(parser, BackgroundOptions)
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.background import background

    summary = background(
        a.dataset, a.out, options_of(a, BackgroundOptions), engine=engine_of(a), **given(a, "overwrite quiet")
    )
    return tell(a, summary, advice=f"next: {typed('crop', a.out, '--out', 'CROPS')}")
