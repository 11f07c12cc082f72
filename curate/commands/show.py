"""curate show: the content of a dataset."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.basics import files, streams
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.commands import console

if TYPE_CHECKING:
    from curate.show import Contents, Shown

_PAGES, _SHEETS = (".html",), (".png", ".jpg", ".webp")


def add(commands: Any) -> None:
    parser = console.command(
        commands,
        "show",
        run,
        "  curate show tagged\n"
        "  curate show tagged --out tagged.html\n"
        "  curate show set96 --pictures 60 --seed 1 --out sheet.png\n"
        "  curate show tagged --json",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset or a training set")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="a page (.html) or a sheet of pictures (.png, .jpg, .webp)"
    )
    parser.add_argument(
        "--pictures",
        type=console.positive,
        default=12,
        metavar="N",
        help="hands on the page, on the sheet, or in a terminal that can show pictures "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=console.whole, default=0, metavar="N", help="seed of the choice of hands"
    )
    console.common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate import show as verb
    from curate.basics import terminal

    contents = verb.show(a.dataset)
    hands: list[Shown] = []
    if a.out is not None:
        hands = _write(a, contents)
    console.show(a, asdict(contents), str(contents))
    way = terminal.protocol(os.environ) if streams.is_watched() else None
    if a.out is None and way and not (a.json or a.quiet):
        hands = verb.some(a.dataset, a.pictures, seed=a.seed)
        print(terminal.encode(verb.sheet([hand.picture for hand in hands]), way), file=sys.stderr)
    unreadable = [hand.unreadable for hand in hands if hand.unreadable]
    if unreadable:
        console.say(
            f"  note: {len(unreadable)} of {counted(len(hands), 'picture')} cannot be read: {unreadable[0]}"
        )
    return console.FINDINGS if unreadable else console.OK


def _write(a: argparse.Namespace, contents: Contents) -> list[Shown]:
    from curate import show as verb
    from curate.basics import images

    kind = a.out.suffix.lower()
    if kind not in (*_PAGES, *_SHEETS):
        raise InputError(a.out, f"ends with {a.out.suffix!r}", allowed=", ".join([*_PAGES, *_SHEETS]))
    chosen = verb.some(a.dataset, a.pictures, seed=a.seed)
    if kind in _PAGES:
        made = verb.page(contents, chosen).encode()
    elif not chosen:
        raise InputError(a.dataset, "no sample to show", remedy="write a page of its counts: --out FILE.html")
    else:
        made = images.encode(verb.sheet([hand.picture for hand in chosen]), kind)
    files.write_result(a.out, made, overwrite=a.overwrite)
    return chosen
