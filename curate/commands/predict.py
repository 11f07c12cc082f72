"""curate predict: keypoints in photos."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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
from curate.options.predict import PredictOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "predict",
        run,
        "  curate predict run photo.jpg --out found\n  curate predict run photos/ --out found --json",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="made by curate train")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="FILE", help="photos, folders or datasets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_options(parser, PredictOptions)
    common(parser, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.predict import predict

    result = predict(
        a.run_folder,
        a.inputs,
        a.out,
        options_of(a, PredictOptions),
        engine=engine_of(a),
        **given(a, "overwrite quiet"),
    )
    show(a, result.as_json(), str(result))
    return FINDINGS if result.unreadable or not result.hands else OK
