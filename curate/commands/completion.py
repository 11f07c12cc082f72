"""curate completion: a script by which a shell completes our command lines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curate.basics import streams
from curate.commands.console import OK, command

_SHELLS = ("bash", "zsh", "fish")


def add(commands: Any) -> None:
    parser = command(
        commands,
        "completion",
        run,
        "  curate completion bash > ~/.local/share/bash-completion/completions/curate\n"
        "  curate completion zsh > ~/.zfunc/_curate      (with fpath+=~/.zfunc in ~/.zshrc)\n"
        "  curate completion fish > ~/.config/fish/completions/curate.fish",
    )
    parser.add_argument("shell", choices=_SHELLS)


def run(a: argparse.Namespace) -> int:
    import shtab

    whole = a.whole_parser()
    for action in _actions(whole):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # as shtab wants it told
    streams.give(shtab.complete(whole, shell=a.shell, root_prefix="curate").rstrip("\n"))
    return OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
