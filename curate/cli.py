"""The command line: what is read of it, and what each ending means."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import traceback
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor

from converters.table import FORMATS
from curate import __version__
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
    """Run one command; returns its exit code. Data goes to stdout, everything else to stderr."""
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = build_parser(next((word for word in argv if word[:1] != "-"), None)).parse_args(argv)
    name = f"curate {arguments.command}"
    try:
        code: int = arguments.do(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk is told of here, and not when Python ends
    except CurateError as error:
        say(f"{name}: {error}")
        return USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        say(f"{name}: {_of_the_system(error)}")
        return USAGE
    except ImportError as error:
        if error.name in ("torch", "lightning", "tensorboard"):
            say(f"{name}: {MissingExtra('training', 'train')}")
            return USAGE
        return _bug()
    except (MemoryError, BrokenExecutor):  # of a worker, the kernel's end of it is all that is seen
        say(f"{name}: out of memory; the same command goes on from here, with fewer --workers if need be")
        return USAGE
    except KeyboardInterrupt:
        say(f"{name}: stopped; the same command goes on from here")
        return INTERRUPTED
    except Exception:
        return _bug()
    return code


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
    return f"{where}{why}; the same command goes on from here once that is mended"


def _formats() -> str:
    names = ", ".join(row.name for row in FORMATS.values() if row.reads)
    return textwrap.fill(names, 90, initial_indent="      FORMAT: ", subsequent_indent=" " * 14)


def _bug() -> int:
    say(traceback.format_exc())
    say("curate: this is a bug in hand-curate; please report the lines above")
    return BUG


if __name__ == "__main__":
    sys.exit(main())
