"""Options that only some formats take: offered once, refused by name elsewhere."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pytest

from curate.basics.errors import InputError
from curate.basics.settings import NoOptions, Options, choice, whole
from curate.commands.own_options import add_own_options, own_options


@dataclass(frozen=True, slots=True)
class Labels(Options):
    set_name: str | None = choice(None, ["body", "hand"], "which labels")


@dataclass(frozen=True, slots=True)
class LabelsAndShards(Labels):
    shard: int = whole(100, 1, 1000, "samples a shard")
    most: int | None = whole(None, 1, 9, "shards at most")


KINDS = {"plain": NoOptions, "labels": Labels, "shards": LabelsAndShards}


def read(chosen: str, *words: str) -> Options:
    parser = argparse.ArgumentParser()
    add_own_options(parser, KINDS)
    return own_options(parser.parse_args(words), KINDS, chosen)


def test_each_format_gets_its_own() -> None:
    assert read("plain") == NoOptions()
    assert read("labels", "--set-name", "hand") == Labels("hand")
    assert read("shards", "--set-name", "body", "--shard", "7") == LabelsAndShards("body", 7)
    assert read("shards") == LabelsAndShards()


@pytest.mark.parametrize(
    ("chosen", "words", "message"),
    [
        ("plain", "--set-name hand", "--set-name: given with plain; allowed: with labels, shards"),
        ("labels", "--shard 7", "--shard: given with labels; allowed: with shards"),
        ("shards", "--most 0", "--most: '0'; allowed: a whole number, 1 to 9"),
        ("labels", "--set-name foot", "--set-name: 'foot'; allowed: body or hand"),
    ],
)
def test_what_a_format_does_not_take_is_refused(chosen: str, words: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(chosen, *words.split())
    assert str(error.value) == message


def test_help_names_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("plain", "--help")
    told = capsys.readouterr().out
    assert "only for labels, shards:" in told
    assert told.count("only for shards:") == 1
    assert told.count("--set-name body|hand") == 1 + 1  # usage, and its line
