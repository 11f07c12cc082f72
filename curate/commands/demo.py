"""curate demo: all of it, small."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import add_options, command, options_of, say
from curate.options.demo import DemoOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "demo",
        run,
        "  curate demo --out demo",
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder to make")
    add_options(parser, DemoOptions)


def run(a: argparse.Namespace) -> int:
    from curate.demo import demo

    return demo(
        a.out,
        run=a.command_line,  # as the demo does each of its steps
        say=say,
        options=options_of(a, DemoOptions),
    )
