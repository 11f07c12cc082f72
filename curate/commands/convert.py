"""curate convert: a source into our schema."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS, Format, Option
from curate.basics.errors import InputError
from curate.commands.console import command, common, engine_of, given, positive, tell


def add(commands: Any) -> None:
    readable = [row for row in FORMATS.values() if row.reads]
    parser = command(
        commands,
        "convert",
        run,
        "  curate convert 11khands 11k/ --out data/11k\n"
        "  curate convert labelme labels/ --images 11k/Hands --hand-info 11k/HandInfo.csv --out data/tagged\n"
        "  curate convert rhd RHD_published_v2 --out data/rhd\n\nformats:\n"
        + "\n".join(f"  {row.name:15s} {row.says}" for row in readable),
    )
    names = [row.name for row in readable]
    parser.add_argument("format", choices=names, metavar="FORMAT", help="see below")
    parser.add_argument("source", type=Path, metavar="SRC", help="folder (or annotation file) of the source")
    parser.add_argument("--out", type=Path, required=True, metavar="D", help="dataset folder to make")
    parser.add_argument("--images", type=Path, metavar="DIR", help="a further folder to look for images in")
    for option, takers in _options().items():
        help_ = f"{option.says} ({', '.join(takers)})"
        parser.add_argument(option.flag, type=option.parse, metavar=option.metavar, help=help_)
    parser.add_argument(
        "--hand-info",
        type=Path,
        metavar="CSV",
        help="join subject, side, aspect and metadata of 11k Hands' HandInfo.csv by image name",
    )
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="masks of your own or of another tool, named as its image each: grey, or cut-outs",
    )
    parser.add_argument("--copy", action="store_true", help="copy the images instead of referring to them")
    parser.add_argument(
        "--no-probe",
        dest="probe",
        action="store_false",
        help="do not open each image's header (trusted sets)",
    )
    parser.add_argument(
        "--label-source", metavar="WHO", help="where the format does not tell: manual, render or auto:NAME"
    )
    parser.add_argument("--licence", metavar="TEXT", help="of the source, where the format does not tell")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N samples")
    common(parser)


def run(a: argparse.Namespace) -> int:
    from converters.parts.hand_info import HandInfoJoin
    from curate.convert import convert
    from curate.data.source import Source

    chosen = FORMATS[a.format]
    summary = convert(
        chosen.read,
        a.format,
        Source(a.source, a.images, a.masks),
        a.out,
        options=_given(a, chosen),
        enrich=HandInfoJoin.load(a.hand_info) if a.hand_info else None,
        engine=engine_of(a),
        **given(a, "copy probe label_source licence limit overwrite quiet"),
    )
    return tell(a, summary, advice=f"next: curate crop {a.out} --out CROPS")


def _options() -> dict[Option, list[str]]:
    """The options that are some formats' own, and which formats take each."""
    takers: dict[Option, list[str]] = {}
    for row in FORMATS.values():
        for option in row.options:
            takers.setdefault(option, []).append(row.name)
    return takers


def _given(a: argparse.Namespace, chosen: Format) -> dict[str, Any]:
    """The format's own options that were given. Raises InputError for one that it does not take."""
    values = {}
    for option, takers in _options().items():
        value = getattr(a, option.name)
        if value is None:
            continue
        if option not in chosen.options:
            raise InputError(option.flag, f"given with {chosen.name}", allowed=f"with {', '.join(takers)}")
        values[option.name] = value
    return values
