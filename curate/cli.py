"""The command line: the table of commands, and what each ending means. Knows every room."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from curate import __version__
from curate.basics.errors import CurateError, MissingExtra
from curate.commands import (
    background,
    build,
    convert,
    crop,
    demo,
    evaluate,
    export,
    predict,
    qa,
    render,
    review,
    train,
)
from curate.commands.console import BUG, FINDINGS, INTERRUPTED, OK, USAGE

__all__ = ["BUG", "COMMANDS", "FINDINGS", "INTERRUPTED", "OK", "USAGE", "build_parser", "main"]

_OVERVIEW = """\
From hand photographs to a trained, evaluated keypoint network:

  curate convert 11khands|labelme|rhd|yolo-pose|coco|coco-wholebody SRC --out D
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
    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except CurateError as error:
        print(f"curate {arguments.command}: {error}", file=sys.stderr)
        return USAGE
    except ImportError as error:
        if error.name in ("torch", "lightning", "tensorboard"):
            print(f"curate {arguments.command}: {MissingExtra('training', 'train')}", file=sys.stderr)
            return USAGE
        return _bug()
    except KeyboardInterrupt:
        print(f"curate {arguments.command}: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception:
        return _bug()
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = argparse.ArgumentParser(
        prog="curate", description=_OVERVIEW, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"hand-curate {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in COMMANDS.values():
        add(commands)
    return parser


def _bug() -> int:
    traceback.print_exc()
    print("curate: this is a bug in hand-curate; please report the lines above", file=sys.stderr)
    return BUG


# In the order of the help: that of the work.
COMMANDS: dict[str, Callable[[Any], None]] = {
    "convert": convert.add,
    "export": export.add,
    "render": render.add,
    "background": background.add,
    "crop": crop.add,
    "build": build.add,
    "qa": qa.add,
    "review": review.add,
    "train": train.add,
    "train-baseline": train.add_baseline,
    "evaluate": evaluate.add,
    "predict": predict.add,
    "demo": lambda commands: demo.add(commands, main),
}


if __name__ == "__main__":
    sys.exit(main())
