"""The table of formats, and all that is to follow from its rows: modules, commands, docs, tests."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from converters.table import FORMATS, Format
from curate import cli

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {option for row in FORMATS.values() for option in row.options}

each_format = pytest.mark.parametrize("row", FORMATS.values(), ids=list(FORMATS))


def test_every_module_of_a_format_has_one_row() -> None:
    modules = {path.stem for path in (ROOT / "converters").glob("*.py")} - {"__init__", "table"}
    assert sorted(row.module for row in FORMATS.values()) == sorted(modules)


@each_format
def test_the_row_says_what_the_module_can(row: Format) -> None:
    module = import_module(f"converters.{row.module}")
    assert row.name == module.NAME
    assert (row.reads, row.writes) == (hasattr(module, "read"), hasattr(module, "write"))
    taken = inspect.signature(module.read).parameters.values() if row.reads else ()
    keywords = {p.name for p in taken if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert {option.name for option in row.options} == keywords


def test_the_table_in_the_docs_is_made_of_the_rows() -> None:
    told = ["no", "yes"]
    rows = []
    for row in FORMATS.values():
        flags = ", ".join(f"`{option.flag}`" for option in row.options) or "none"
        cells = (f"[`{row.name}`]({row.name}.md)", row.says, told[row.reads], told[row.writes], flags)
        rows.append(f"| {' | '.join(cells)} |")
    lines = (ROOT / "docs/formats/README.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| [")] == rows


@each_format
def test_it_has_a_page_and_a_test(row: Format) -> None:
    page = (ROOT / row.page).read_text()
    wanted = [f"curate convert {row.name} "] * row.reads + [f"--to {row.name} "] * row.writes
    for text in [*wanted, *(option.flag for option in row.options)]:
        assert text in page
    assert (ROOT / f"tests/converters/test_{row.module}.py").exists()


def help_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        cli.main([*words, "--help"])
    return capsys.readouterr().out


@each_format
def test_the_help_tells_of_it(row: Format, capsys: pytest.CaptureFixture[str]) -> None:
    assert (row.name in help_of(capsys=capsys)) == row.reads
    assert (row.says in help_of("convert", capsys=capsys)) == row.reads
    assert (row.says in help_of("export", capsys=capsys)) == row.writes


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_given_to_a_format_that_does_not_take_it_is_refused(
    option, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takers = ", ".join(row.name for row in FORMATS.values() if option in row.options)
    for row in FORMATS.values():
        if row.reads and option not in row.options:
            line = ["convert", row.name, str(tmp_path), "--out", str(tmp_path / "o"), option.flag, "x"]
            assert cli.main(line) == cli.USAGE
            assert f"{option.flag}: given with {row.name}; allowed: with {takers}" in capsys.readouterr().err
