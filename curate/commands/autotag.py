"""curate autotag: photographs labelled by a program, and sifted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics import streams
from curate.basics.errors import InputError
from curate.commands.console import (
    FINDINGS,
    OK,
    add_options,
    command,
    common,
    how_to_run,
    options_of,
    show,
    tell,
    typed,
)
from curate.options.autotag import AutotagOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "autotag",
        run,
        "  curate autotag raw --out tagged\n"
        "  curate autotag raw --tagger run --out tagged\n"
        "  curate autotag raw --tagger box --tagger mediapipe --out agreed\n"
        "  curate autotag raw --tagger openpose:models/hand --limits limits.yaml --out tagged\n"
        "  curate autotag --explain > limits.yaml\n\n"
        "The box, the tagger that comes with this tool, was trained on renders alone. It is made for one\n"
        "open hand that fills a good part of the photograph. Of fists, small hands and hands in front of\n"
        "faces, many are sifted out, and some that are kept are wrong: review them (curate review build\n"
        "TAGGED --out R).",
    )
    parser.add_argument(
        "dataset", type=Path, nargs="?", metavar="D", help="a dataset of photographs, made by curate convert"
    )
    parser.add_argument("--out", type=Path, metavar="TAGGED", help="dataset folder to make")
    add_options(parser, AutotagOptions)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print the limits as YAML; with --tagger, those of that tagger",
    )
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    options = options_of(a, AutotagOptions)
    if a.explain:
        from curate.autotag import limits_of
        from curate.hands.sifting import explain_limits
        from curate.taggers.table import choose_by

        limits = limits_of(choose_by(options.tagger[0]), options.limits)
        streams.give(explain_limits(limits).removesuffix("\n"))
        return OK
    if not a.dataset or not a.out:
        missing = "--out" if a.dataset else "D"
        remedy = "curate autotag D --out TAGGED, or curate autotag --explain"
        raise InputError(missing, "not given", remedy=remedy)
    from curate.autotag import FOLDER, autotag

    made = autotag(a.dataset, a.out, options, **how_to_run(a))
    told = made.lines()
    if made.sifted:
        told.append(
            "to correct by hand what was sifted out: "
            + typed("review", "open-labelme", a.out / FOLDER, "--all", "--out", "CORRECTED")
        )
    if a.json:
        show(a, made.as_json(), "")
        return OK if made.summary.clean(strict=a.strict) else FINDINGS
    return tell(a, made.summary, more=told, advice=f"next: {typed('qa', a.out, '--out', 'QA')}")
