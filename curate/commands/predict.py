"""curate predict: keypoints in photos."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import FINDINGS, OK, command, common, show


def add(commands: Any) -> None:
    parser = command(
        commands,
        "predict",
        run,
        "  curate predict run photo.jpg --out found\n  curate predict run photos/ --out found --json",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="FILE", help="photos, folders or datasets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate.predict import predict

    result = predict(a.run_folder, a.inputs, a.out, overwrite=a.overwrite, quiet=a.quiet)
    show(a, result.as_json(), str(result))
    return FINDINGS if result.unreadable else OK
