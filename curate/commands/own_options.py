"""Options of convert and export that only some formats take."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from curate.basics.errors import InputError
from curate.basics.settings import Options, settings_of
from curate.commands.console import add_options, flag_of, options_of

Kinds = Mapping[str, type[Options]]  # by the name of the format


def add_own_options(parser: argparse.ArgumentParser, kinds: Kinds) -> None:
    """Add each option once, in a group for the options that the same formats take."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, takers in _takers(kinds).items():
        title = f"only for {', '.join(takers)}"
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        add_options(groups[title], kinds[takers[0]], name)


def own_options(a: argparse.Namespace, kinds: Kinds, chosen: str) -> Options:
    """The options of the chosen format as given. Raises InputError for one that it does not take."""
    for name, takers in _takers(kinds).items():
        if hasattr(a, name) and chosen not in takers:
            raise InputError(flag_of(name), f"given with {chosen}", allowed=f"with {', '.join(takers)}")
    return options_of(a, kinds[chosen])


def _takers(kinds: Kinds) -> dict[str, list[str]]:
    """The formats that take each option."""
    takers: dict[str, list[str]] = {}
    for chosen, kind in kinds.items():
        for name in settings_of(kind):
            takers.setdefault(name, []).append(chosen)
    return takers
