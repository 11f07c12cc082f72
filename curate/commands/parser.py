"""Parsing command lines. An error is one line, which suggests what was probably meant."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from curate.basics import streams
from curate.basics.errors import InputError
from curate.basics.paths import path_of
from curate.basics.wording import nearest

_OPTION = re.compile(r"--?[A-Za-z][^\s=]*(=|$)")


class Parser(argparse.ArgumentParser):
    """The parser of curate and of each of its commands. Options cannot be abbreviated: an abbreviation of one
    option today would fit two tomorrow."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "allow_abbrev": False})
        for name in (None, "store"):  # argparse's names for its default action
            self.register("action", name, _StoreOnce)
        self.register("type", Path, _path)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, but unknown words are an error."""
        words = list(sys.argv[1:] if args is None else args)
        self._refuse_unknown_options(words)
        read, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self.error(f"unexpected argument {unknown[0]!r}")
        return read, unknown

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{self.prog}: {message}; for help: {self.prog} --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help and version are data; argparse would not report that they cannot be written."""
        (streams.give if file is sys.stdout else streams.tell)(message.removesuffix("\n"))

    def _refuse_unknown_options(self, words: Sequence[str]) -> None:
        """Called before argparse reports missing options: often, the missing one is there, but misspelt."""
        for word in words:
            if word == "--" or (self._subparsers and not word.startswith("-")):
                return  # the rest are arguments, or options of the command
            name = word.partition("=")[0]
            if _OPTION.match(word) and name not in self._option_string_actions:
                self.error(f"no option {name!r}{_meant(name, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = "/".join(action.option_strings) or str(action.metavar).lower()
            told = self._of_order(action, what, value) or _meant(value, action.choices, others=True)
            self.error(f"no {what} {value!r}{told}")

    def _of_order(self, action: argparse.Action, what: str, value: str) -> str:
        """What to add on a word that probably belongs later on the line, as it is a file or a folder."""
        later = [one for one in self._get_positional_actions() if one is not action]
        if action.option_strings or not later or not os.path.lexists(value):
            return ""
        right = f"{self.prog} {action.metavar} {later[0].metavar}"
        return f", which is a file or folder here; the {what} comes before it: {right}"


class _StoreOnce(argparse.Action):
    """Stores the value of an option. A second one is an error; argparse would silently forget the first."""

    _kept_in: argparse.Namespace | None = None

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        if option and self._kept_in is namespace:
            found = f"given twice, the second time as {str(values)!r}"
            raise argparse.ArgumentError(self, f"{found}; allowed: once")
        self._kept_in = namespace
        setattr(namespace, self.dest, values)


def _path(text: str) -> Path:
    """A path, as an argparse type."""
    try:
        return path_of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _meant(given: str, names: Iterable[str], *, others: bool = False) -> str:
    """A hint at the name that is most like the one given; if none is like it, with `others`, at all names."""
    # Compared without dashes, which all options have in common.
    by_word = {name.lstrip("-"): name for name in names}
    near = nearest(given.lstrip("-"), by_word)
    if near:
        return f"; did you mean {by_word[near]}?"
    return f"; allowed: {', '.join(names)}" if others else ""
