"""The command line: parsing it, running the command, and the exit code."""

from __future__ import annotations

from curate.basics import stopping

with stopping.at_once():
    import argparse
    import atexit
    import errno
    import os
    import shlex
    import sys
    import textwrap
    import traceback
    from collections.abc import Sequence
    from concurrent.futures import BrokenExecutor
    from functools import partial
    from pathlib import Path

    from converters.table import FORMATS
    from curate.basics import streams
    from curate.basics.errors import CurateError, MissingExtra, ShareDone
    from curate.commands.console import BUG, FINDINGS, INTERRUPTED, OK, USAGE, say, show
    from curate.commands.parser import Parser
    from curate.commands.table import COMMANDS
    from curate.commands.versions import Versions, versions

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

For more on a command: curate help COMMAND.
Exit codes: 0 clean, 1 findings or something left out, 2 usage or input error, 101 a bug.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Data goes to stdout, everything else to stderr.

    Without `argv`, it runs this process's own command line, after which the process ends.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    streams.open_missing()
    if argv is None:
        atexit.register(stopping.hear_nothing)  # first, so that it comes after what others register
    with stopping.at_once():
        parser = build_parser(next((word for word in words if word[:1] != "-"), None))
    with stopping.listening():
        code = _run(parser, words)
        if argv is None:
            stopping.end_with(code)
    return code


def _run(parser: Parser, words: Sequence[str]) -> int:
    name = "curate"
    try:
        arguments = parser.parse_args(words)
        name = f"curate {arguments.command}"
        _begin_log(getattr(arguments, "log", None), words)
        code: int = arguments.do(arguments)
    except ShareDone as done:
        show(arguments, done.as_json(), str(done))
        return OK
    except KeyboardInterrupt:
        code = _stopped(name)
    except Exception as error:
        # Interrupted code may report the interrupt as any failure.
        code = _stopped(name) if stopping.stopped() else _failed(name, error)
    streams.log(f"exit code {code}")
    streams.end_log()
    return code


def _begin_log(path: Path | None, words: Sequence[str]) -> None:
    if path is not None:
        streams.log_to(path)
        streams.log(f"curate {shlex.join(words)}\n{versions()}")


def _stopped(name: str) -> int:
    say(f"{name}: stopped; the same command resumes from here")
    return INTERRUPTED


def _failed(name: str, error: Exception) -> int:
    """Print an error; returns its exit code."""
    if isinstance(error, CurateError):
        told = str(error)
    elif isinstance(error, OSError):
        told = _of_the_system(error)
    elif isinstance(error, BrokenExecutor) or stopping.is_out_of_memory(error):
        # A worker that the kernel killed for its memory is only seen to have ended.
        told = "out of memory; the same command resumes from here, with fewer --workers if need be"
    elif isinstance(error, ImportError) and error.name in ("torch", "lightning", "tensorboard"):
        told = str(MissingExtra("training", "train"))
    else:
        say("".join(traceback.format_exception(error)))
        say("curate: this is a bug in hand-curate; please report the lines above")
        return BUG
    say(f"{name}: {told}")
    return USAGE


def build_parser(command: str | None = None, *, every: bool = False) -> Parser:
    """The parser. For a quick start, it knows only the options of `command`, unless `every` is set."""
    parser = Parser(
        prog="curate",
        description=_OVERVIEW.format(formats=_formats()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action=Versions,
        help="show the versions of this package and of the packages that it uses",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, row in COMMANDS.items():
        if every or name == command:
            row.load()(commands)
            # The demo runs command lines of other commands, and completion needs all options.
            whole = partial(build_parser, every=True)
            commands.choices[name].set_defaults(command_line=main, whole_parser=whole)
        else:
            commands.add_parser(name, help=row.says)
    return parser


def _of_the_system(error: OSError) -> str:
    """One line on an error of the system: a full disk, no permission, a folder that is gone."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    why = " ".join(str(error.strerror or error).split())
    if error.errno == errno.ENOENT and not _has_working_folder():
        where, why = "", "the working folder no longer exists; change into one that does"
    if error.errno == errno.ENAMETOOLONG:  # cannot be fixed for the same command
        return f"{where}{why}"
    return f"{where}{why}; once that is fixed, the same command resumes from here"


def _has_working_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 (as Path.cwd, which tests replace)
    except OSError:
        return False
    return True


def _formats() -> str:
    names = ", ".join(row.name for row in FORMATS.values() if row.reads)
    first = "      FORMAT: "
    rest = " " * len(first)
    return textwrap.fill(names, 90, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
