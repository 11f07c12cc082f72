"""The command line: what is read of it, and what each ending means."""

from __future__ import annotations

from curate.basics import stopping

with stopping.at_once():
    import argparse
    import errno
    import os
    import sys
    import textwrap
    import traceback
    from collections.abc import Sequence
    from concurrent.futures import BrokenExecutor

    from converters.table import FORMATS
    from curate import __version__
    from curate.basics import streams
    from curate.basics.errors import CurateError, MissingExtra
    from curate.commands.console import BUG, FINDINGS, INTERRUPTED, OK, USAGE, say
    from curate.commands.parser import Parser
    from curate.commands.table import COMMANDS

__all__ = ["BUG", "COMMANDS", "FINDINGS", "INTERRUPTED", "OK", "USAGE", "build_parser", "main"]

_OVERVIEW = """\
From hand photographs to a trained, evaluated keypoint network:

  curate convert FORMAT SRC --out D
{formats}
  curate render --angles "tilt=0,30,45 rotation=0:345:15" --out D
  curate crop D --out CROPS
  curate build CROPS --out SET --size 96 --keypoints 20
  curate qa SET --out QA
  curate train-baseline SET --out RUN
  curate evaluate RUN SET

Exit codes: 0 clean, 1 findings or something left out, 2 usage or input error, 101 a bug.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Data goes to stdout, everything else to stderr.

    Without `argv` it is this process's own command line, and nothing comes after it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    streams.open_missing()
    with stopping.at_once():
        parser = build_parser(next((word for word in words if word[:1] != "-"), None))
    with stopping.listening():
        code = _run(parser, words)
        if argv is None:
            stopping.say_nothing()
    return code


def _run(parser: Parser, words: Sequence[str]) -> int:
    name = "curate"
    try:
        arguments = parser.parse_args(words)
        name = f"curate {arguments.command}"
        code: int = arguments.do(arguments)
    except KeyboardInterrupt:
        return _stopped(name)
    except Exception as error:
        # Code that was interrupted may tell of it as of any failure.
        return _stopped(name) if stopping.stopped() else _failed(name, error)
    return code


def _stopped(name: str) -> int:
    say(f"{name}: stopped; the same command goes on from here")
    return INTERRUPTED


def _failed(name: str, error: Exception) -> int:
    """Tell of an error, for whose exit code it is."""
    if isinstance(error, CurateError):
        told = str(error)
    elif isinstance(error, OSError):
        told = _of_the_system(error)
    elif isinstance(error, MemoryError | BrokenExecutor):  # of a worker, the kernel's end of it is all we see
        told = "out of memory; the same command goes on from here, with fewer --workers if need be"
    elif isinstance(error, ImportError) and error.name in ("torch", "lightning", "tensorboard"):
        told = str(MissingExtra("training", "train"))
    else:
        say("".join(traceback.format_exception(error)))
        say("curate: this is a bug in hand-curate; please report the lines above")
        return BUG
    say(f"{name}: {told}")
    return USAGE


def build_parser(command: str | None = None) -> Parser:
    """The parser; only the options of the command that is given are known to it, for a quick start."""
    parser = Parser(
        prog="curate",
        description=_OVERVIEW.format(formats=_formats()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hand-curate {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, row in COMMANDS.items():
        if name == command:
            row.load()(commands)
            commands.choices[name].set_defaults(command_line=main)  # the demo runs whole command lines
        else:
            commands.add_parser(name, help=row.says)
    return parser


def _of_the_system(error: OSError) -> str:
    """One line on what the system refused: a full disk, no permission, a folder that is gone."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    why = " ".join(str(error.strerror or error).split())
    if error.errno == errno.ENOENT and not _has_working_folder():
        where, why = "", "the folder that it is run in is gone; change into one that is there"
    return f"{where}{why}; the same command goes on from here once that is mended"


def _has_working_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 (as Path.cwd, which tests replace)
    except OSError:
        return False
    return True


def _formats() -> str:
    names = ", ".join(row.name for row in FORMATS.values() if row.reads)
    return textwrap.fill(
        names, 90, initial_indent="      FORMAT: ", subsequent_indent=" " * 14, break_on_hyphens=False
    )


if __name__ == "__main__":
    sys.exit(main())
