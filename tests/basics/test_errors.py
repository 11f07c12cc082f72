"""Errors say where, what was found, what is allowed and what to do, in one line."""

import ast
import pickle
import re
from pathlib import Path

import pytest

from curate.basics import errors
from curate.basics.errors import InputError, MissingExtra, SchemaError, UnsafeInput


def test_the_line_names_file_field_finding_allowed_and_remedy() -> None:
    error = InputError("a.json", "'x'", field="v", allowed="0, 1, 2", remedy="fix it")
    assert str(error) == "a.json: v: 'x'; allowed: 0, 1, 2; fix it"
    assert error.reason == "v: 'x'; allowed: 0, 1, 2; fix it"


def test_an_error_can_be_told_of_another_place() -> None:
    error = UnsafeInput("--model", "'x'", field="v", allowed="a hand", remedy="fix it")
    moved = error.at("job.yaml", "models")
    assert isinstance(moved, UnsafeInput)
    assert str(moved) == "job.yaml: models: 'x'; allowed: a hand; fix it"


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


def test_of_a_value_of_any_length_the_beginning_is_told() -> None:
    error = InputError("qa.yaml", "'" + "ä" * 70_000, field="k" * 501, allowed="number")
    assert (
        str(error)
        == f"qa.yaml: {'k' * 500}... (501 characters): '{'ä' * 499}... (70001 characters); allowed: number"
    )


def test_a_missing_extra_names_the_pip_command() -> None:
    assert "pip install 'hand-curate[train]'" in str(MissingExtra("training", "train"))


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    """The docstring against the classes of all rooms, which are read as text: some need Blender to import."""
    root = Path(errors.__file__).parents[2]
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for room in ("curate", "converters", "qa", "render")
        for path in (root / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    found: dict[str, str] = {"CurateError": "Exception"}
    for _ in bases:
        found |= {name: base for name, known in bases.items() for base in known & set(found)}
    assert errors.__doc__ is not None
    drawn, above = {}, {0: "Exception"}
    for indent, name in re.findall(r"^    ([│├└─ ]*)(\w+)  ", errors.__doc__, re.MULTILINE):
        depth = len(indent) // 4
        drawn[name], above[depth + 1] = above[depth], name
    assert drawn == found
