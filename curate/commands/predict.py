"""curate predict: keypoints in photos."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import FINDINGS, OK, add_options, command, common, how_to_run, options_of, show
from curate.options.predict import PredictOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "predict",
        run,
        "  curate predict photos/ --out found\n"
        "  curate predict run photo.jpg --out found\n"
        "  curate predict run photos/ --out found --json\n"
        "  curate predict clip.mp4 --out followed\n"
        "  curate predict camera:0 --seconds 60 --out recorded",
    )
    parser.add_argument(
        "inputs",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="photos, videos, folders or datasets, or camera:0; to use another network than that of this "
        "tool, give the folder of its run before them",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    add_options(parser, PredictOptions)
    common(parser, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.predict import predict

    run_folder, inputs = _told_apart(a.inputs)
    result = predict(
        run_folder,
        inputs,
        a.out,
        options_of(a, PredictOptions),
        **how_to_run(a),
    )
    show(a, result.as_json(), str(result))
    return FINDINGS if result.unreadable or not result.hands else OK


def _told_apart(words: list[Path]) -> tuple[Path | None, list[Path]]:
    """The run, where the first of the words is one, and the photos.

    Raises SchemaError: the first of several can be neither.
    """
    from curate.taggers.given import names_camera
    from curate.training.record import INFO, read_info

    first, *others = words
    if (first / INFO).exists():
        return first, others
    if names_camera(first):
        return None, words
    if others and (not first.exists() or (first.is_dir() and not any(first.iterdir()))):
        read_info(first)
    return None, words
