"""Errors say where, what was found, what is allowed and what to do, in one line."""

import pickle

import pytest

from curate.basics.errors import InputError, MissingExtra, SchemaError, UnsafeInput


def test_the_line_names_file_field_finding_allowed_and_remedy() -> None:
    error = InputError("a.json", "'x'", field="v", allowed="0, 1, 2", remedy="fix it")
    assert str(error) == "a.json: v: 'x'; allowed: 0, 1, 2; fix it"
    assert error.reason == "v: 'x'; allowed: 0, 1, 2; fix it"


def test_a_hostile_name_cannot_write_over_the_terminal() -> None:
    text = str(InputError("a\x1b[2Jb\nc", "bad\r\x07"))
    assert text.isprintable()
    assert "\x1b" not in text


@pytest.mark.parametrize("kind", [InputError, UnsafeInput, SchemaError])
def test_errors_cross_processes_whole(kind: type[InputError]) -> None:
    error = kind("a", "b", field="c", allowed="d", remedy="e")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)


def test_a_missing_extra_names_the_pip_command() -> None:
    assert "pip install 'hand-curate[train]'" in str(MissingExtra("training", "train"))
