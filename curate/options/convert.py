"""The options of `curate convert` for all formats."""

from __future__ import annotations

import re
from dataclasses import dataclass

from curate.basics.settings import Options, flag, text, whole

_LABEL_SOURCE = re.compile(r"manual|render|auto:\S+")


def _label_source(text: str) -> str:
    if not _LABEL_SOURCE.fullmatch(text):
        raise ValueError
    return text


@dataclass(frozen=True, slots=True)
class ConvertOptions(Options):
    """The options of `curate convert` for all formats."""

    copy: bool = flag(False, "copy images and masks into the dataset instead of referring to them")
    probe: bool = flag(True, "trust the images: do not check each one's header against its annotation")
    label_source: str | None = text(
        None,
        "manual, render or auto:NAME",
        "who made the labels, if the format does not say: manual, render or auto:NAME",
        _label_source,
        metavar="WHO",
    )
    licence: str | None = text(None, "a line", "licence of the source, if the format does not say")
    limit: int | None = whole(None, 1, 2**31, "convert only the first N samples")
