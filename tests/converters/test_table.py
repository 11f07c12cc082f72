"""The table of formats, and all that is to follow from its rows: modules, commands, docs, tests."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from converters.table import FORMATS, Format
from curate import cli
from curate.basics.settings import Options, settings_of

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "convert": {row.name: row.reads for row in FORMATS.values() if row.reads},
    "export": {row.name: row.writes for row in FORMATS.values() if row.writes},
}

each_format = pytest.mark.parametrize("row", FORMATS.values(), ids=list(FORMATS))


def test_every_module_of_a_format_has_one_row() -> None:
    modules = {path.stem for path in (ROOT / "converters").glob("*.py")} - {"__init__", "table"}
    assert sorted(row.module for row in FORMATS.values()) == sorted(modules)


def flags(*kinds: type[Options] | None) -> list[str]:
    """The options of these kinds, as they are written on the command line."""
    names = (name for kind in kinds if kind for name in settings_of(kind))
    return list(dict.fromkeys(f"--{name.replace('_', '-')}" for name in names))


@each_format
def test_the_row_says_what_the_module_can(row: Format) -> None:
    module = import_module(f"converters.{row.module}")
    assert row.name == module.NAME
    for name, kind in {"read": row.reads, "write": row.writes}.items():
        function = getattr(module, name, None)
        assert (kind is None) == (function is None)
        if kind is not None and function is not None:
            taken = inspect.signature(function).parameters.values()
            defaults = {p.name: p.default for p in taken if p.kind is inspect.Parameter.KEYWORD_ONLY}
            assert kind().values() == defaults


def test_the_table_in_the_docs_is_made_of_the_rows() -> None:
    told = ["no", "yes"]
    rows = []
    for row in FORMATS.values():
        own = ", ".join(f"`{flag}`" for flag in flags(row.reads, row.writes)) or "none"
        can = (told[row.reads is not None], told[row.writes is not None])
        cells = (f"[`{row.name}`]({row.name}.md)", row.says, *can, own)
        rows.append(f"| {' | '.join(cells)} |")
    lines = (ROOT / "docs/formats/README.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| [")] == rows


@each_format
def test_it_has_a_page_and_a_test(row: Format) -> None:
    page = (ROOT / row.page).read_text()
    for flag in flags(row.reads, row.writes):
        assert flag in page
    assert (f"curate convert {row.name} " in page) == (row.reads is not None)
    assert (f"--to {row.name} " in page) == (row.writes is not None)
    assert (ROOT / f"tests/converters/test_{row.module}.py").exists()


def help_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        cli.main([*words, "--help"])
    return capsys.readouterr().out


@each_format
def test_the_help_tells_of_it(row: Format, capsys: pytest.CaptureFixture[str]) -> None:
    assert (row.name in help_of(capsys=capsys)) == (row.reads is not None)
    for command, kinds in KINDS.items():
        assert (row.says in help_of(command, capsys=capsys)) == (row.name in kinds)


def test_an_option_given_to_a_format_that_does_not_take_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = KINDS["convert"]
    given = [
        (name, f) for name, kind in kinds.items() for f in flags(*kinds.values()) if f not in flags(kind)
    ]
    assert given
    for name, flag in given:
        value = [] if flag == "--sharpest" else ["x"]
        line = ["convert", name, str(tmp_path), "--out", str(tmp_path / "o"), flag, *value]
        assert cli.main(line) == cli.USAGE
        assert f"{flag}: given with {name}; allowed: with " in capsys.readouterr().err
