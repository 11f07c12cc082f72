"""curate convert: a source into our schema."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import converters
from curate.basics.errors import InputError
from curate.commands.console import command, common, engine_of, given, positive, tell


def add(commands: Any) -> None:
    parser = command(
        commands,
        "convert",
        run,
        "  curate convert 11khands 11k/ --out data/11k\n"
        "  curate convert labelme labels/ --images 11k/Hands --hand-info 11k/HandInfo.csv --out data/tagged\n"
        "  curate convert rhd RHD_published_v2 --out data/rhd\n\nformats:\n"
        + "\n".join(f"  {name:15s} {what}" for name, (_, what) in converters.FORMATS.items()),
    )
    parser.add_argument("format", choices=list(converters.FORMATS), metavar="FORMAT", help="see below")
    parser.add_argument("source", type=Path, metavar="SRC", help="folder (or annotation file) of the source")
    parser.add_argument("--out", type=Path, required=True, metavar="D", help="dataset folder to make")
    parser.add_argument("--images", type=Path, metavar="DIR", help="a further folder to look for images in")
    parser.add_argument("--mapping", type=Path, metavar="YAML", help="the source's labels to ours (labelme)")
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
    from curate.convert import convert
    from curate.data.source import Source

    if a.mapping and a.format != "labelme":
        raise InputError("--mapping", f"given with {a.format}", allowed="with labelme")
    enrich = None
    if a.hand_info:
        enrich = converters.load("11khands").enricher(a.hand_info)
    summary = convert(
        converters.load(a.format).read,
        a.format,
        Source(a.source, a.images, a.mapping, a.masks),
        a.out,
        enrich=enrich,
        engine=engine_of(a),
        **given(a, "copy probe label_source licence limit overwrite quiet"),
    )
    return tell(a, summary, advice=f"next: curate crop {a.out} --out CROPS")
