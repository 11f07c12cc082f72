"""The taggers by name. A tagger's module is imported, and the tagger opened, where it is used.

A module has two functions:

    content(where) -> str                   a hash; two taggers with the same one give the same results
    open_tagger(where, looks) -> Tagger     ready to tag

`where` is what the user gave after the tagger's name (a run's folder; "" for none). Both functions raise
InputError if it cannot be used. `looks` is how many looks the tagger takes at each hand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from curate.basics.errors import InputError
from curate.basics.wording import nearest
from curate.hands.finding import FINDERS, Finder
from curate.taggers.box_networks import BOX
from curate.taggers.tagger import Tagger


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the tagger's module, and a description in a few words."""

    module: str
    says: str


RUN = "run"
_NAMED = f"{BOX}, openpose:FOLDER, mediapipe, mediapipe:FILE, or the folder of a run"

TAGGERS: dict[str, Row] = {
    BOX: Row("curate.taggers.box", "the tagger that comes with the package: nothing else is needed"),
    RUN: Row("curate.taggers.run", "a trained run, given by its folder"),
    "openpose": Row("curate.taggers.openpose", "OpenPose's hand network, of files that you have"),
    "mediapipe": Row("curate.taggers.mediapipe", "MediaPipe Hands, in a Python of its own"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A tagger that was chosen: little enough to be handed to every worker, which opens it once.

    Attributes
    ----------
    name: in the table. where: what it is made of. content: hash of that. looks: at each hand.
    """

    name: str
    where: str
    content: str
    looks: int = 1

    def open(self) -> Tagger:
        """The tagger; the same one each time, within a process."""
        return _opened(self)


def choose(where: str | os.PathLike[str], name: str = RUN, looks: int = 1) -> Choice:
    """The tagger of this name, made from what is at `where`. Raises InputError: that cannot be used."""
    place = os.fspath(where)
    return Choice(name, place, _module(name).content(place), looks)


def choose_by(text: str, looks: int = 1) -> Choice:
    """The tagger that a text names: NAME or NAME:WHERE of the table, else a run by its folder, which may be
    called "run".

    Raises
    ------
    InputError: it cannot be used.
    """
    name, _, where = text.partition(":")
    if name in TAGGERS and name != RUN:
        return choose(where, name, looks)
    if not os.path.lexists(text):
        raise _none_such("tagger", text, nearest(name, TAGGERS.keys() - {RUN}), _NAMED)
    return choose(text, RUN, looks)


def finder_of(where: str) -> Finder:
    """A finder by name: BOX, or a run, by its folder, that finds masks, or points in whole photographs.

    Raises
    ------
    SchemaError: not a finished run. InputError: neither box nor a folder, or a run that finds points in crops
        of hands.
    """
    from curate.taggers import box, finder

    if where != BOX and not os.path.lexists(where):
        raise _none_such("finder", where, nearest(where, [BOX]), f"{BOX}, or the folder of a run")
    return box.finder() if where == BOX else finder.finder_of(where)


def _none_such(what: str, given: str, near: str | None, allowed: str) -> InputError:
    remedy = f"did you mean {near}?" if near else ""
    found = f"{given!r}, which is no {what} and no folder"
    return InputError(f"--{what}", found, allowed=allowed, remedy=remedy)


def with_runs(by: str | None) -> Mapping[str, Finder]:
    """The table of finders, with the finder that `by` names if the table lacks it.

    Raises as `finder_of` does.
    """
    return FINDERS if by is None or by in FINDERS else {**FINDERS, by: finder_of(by)}


@lru_cache(maxsize=4)
def _opened(choice: Choice) -> Tagger:
    tagger: Tagger = _module(choice.name).open_tagger(choice.where, choice.looks)
    return tagger


def _module(name: str) -> Any:
    return import_module(TAGGERS[name].module)
