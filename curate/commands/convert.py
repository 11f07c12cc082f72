"""curate convert: a source into our schema."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
from curate.commands.console import add_options, command, common, how_to_run, options_of, tell, typed
from curate.commands.own_options import add_own_options, own_options
from curate.options.convert import ConvertOptions

_NAMING = (
    "to read labels of your own, name their keypoints in a YAML file, such as\n"
    "  labels: {Daumenspitze: thumb_tip}\n"
    "and give it with --mapping"
)
_KINDS = {row.name: row.reads for row in FORMATS.values() if row.reads}


def add(commands: Any) -> None:
    parser = command(
        commands,
        "convert",
        run,
        "  curate convert 11khands 11k/ --out data/11k\n"
        "  curate convert labelme labels/ --images 11k/Hands --hand-info 11k/HandInfo.csv --out data/tagged\n"
        "  curate convert rhd RHD_published_v2 --out data/rhd\n\nformats:\n"
        + "\n".join(f"  {name:15s} {FORMATS[name].says}" for name in _KINDS),
    )
    parser.add_argument("format", choices=list(_KINDS), metavar="FORMAT", help="see below")
    parser.add_argument("source", type=Path, metavar="SRC", help="folder (or annotation file) of the source")
    parser.add_argument("--out", type=Path, required=True, metavar="D", help="dataset folder to make")
    parser.add_argument("--images", type=Path, metavar="DIR", help="another folder to look for images in")
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR",
        help="masks of your own or from another tool, each named like its image: grey, or cut-outs",
    )
    parser.add_argument(
        "--hand-info",
        type=Path,
        metavar="CSV",
        help="add subject, side, aspect and metadata from 11k Hands' HandInfo.csv, joined by image name",
    )
    add_options(parser, ConvertOptions)
    add_own_options(parser, _KINDS)
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from converters.parts.hand_info import HandInfoJoin
    from converters.parts.label_mapping import UNKNOWN_LABEL
    from curate.commands.next_step import next_step
    from curate.convert import convert
    from curate.data.dataset import Dataset
    from curate.data.source import Source

    summary = convert(
        FORMATS[a.format].read,
        a.format,
        Source(a.source, a.images, a.masks),
        a.out,
        options_of(a, ConvertOptions),
        own=own_options(a, _KINDS, a.format),
        enrich=HandInfoJoin.load(a.hand_info) if a.hand_info else None,
        **how_to_run(a),
    )
    then = f"{typed('crop', a.out, '--out', 'CROPS')} (with cluttered backgrounds: --by keypoints)"
    unknown = any(reason.startswith(UNKNOWN_LABEL) for reason in summary.dropped)
    more = [_NAMING] if unknown else []
    return tell(a, summary, more=more, advice=next_step(Dataset(summary.out), then))
