"""The documentation as a site: these pages, README.md, and a reference that is made from the code.

    python docs/site/build.py [--out site]

The pages are put together in OUT/docs, with the links that lead out of docs/ turned round, and built by
Zensical into OUT/html. A link, or a part of a page, that is not there ends it with an error.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from converters.table import FORMATS
from curate.cli import build_parser
from curate.commands.table import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Pages that lie elsewhere in the repository: where they go.
ELSEWHERE = {"README.md": "index.md", "data/README.md": "data.md", "CHANGELOG.md": "changelog.md"}
NOTEBOOK = Path("docs/notebook.ipynb")
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")
_SETTINGS = {
    "A render job": "curate render --explain",
    "Limits of QA": "curate qa --explain",
    "Limits of autotag": "curate autotag --explain",
}


def main() -> None:
    """Put the pages together and build the site."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "site")
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    gather(out / "docs")
    shutil.copy(DOCS / "site" / "zensical.toml", out)
    sys.exit(subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=out).returncode)


def gather(out: Path) -> None:
    """All pages of the site as Markdown, at `out`."""
    shutil.copytree(DOCS, out, ignore=shutil.ignore_patterns("site"))
    shutil.copy(DOCS / "site" / "tables.css", out)
    pages = {path.relative_to(ROOT): path for path in DOCS.rglob("*.md")}
    pages |= {Path(name): ROOT / name for name in ELSEWHERE}
    for place, path in pages.items():
        target = out / place_of(place)
        target.write_text(relinked(path.read_text(encoding="utf-8"), place), encoding="utf-8")
    (out / place_of(NOTEBOOK)).write_text(notebook(), encoding="utf-8")
    reference = out / "reference"
    reference.mkdir()
    for name, text in (
        ("commands", commands()),
        ("formats", formats()),
        ("checks", checks()),
        ("columns", columns()),
        ("settings", settings()),
    ):
        (reference / f"{name}.md").write_text(text, encoding="utf-8")


def place_of(page: Path) -> Path:
    """Where a file of the repository lies in the site."""
    if page.as_posix() in ELSEWHERE:
        return Path(ELSEWHERE[page.as_posix()])
    if page == NOTEBOOK:  # a browser would show the file as it is
        return Path("notebook.md")
    return page.relative_to("docs") if page.is_relative_to("docs") else page


def relinked(text: str, page: Path) -> str:
    """A page's text with links that hold in the site; those to folders lead to their first page."""
    here = place_of(page).parent

    def turned(match: re.Match[str]) -> str:
        target = (ROOT / page.parent / match[1]).resolve().relative_to(ROOT)
        if (ROOT / target).is_dir():
            target = min((ROOT / target).glob("*.md")).relative_to(ROOT)
        up = Path(*[".."] * len(here.parts)) if here.parts else Path()
        return f"]({(up / place_of(target)).as_posix()}{match[2] or ''})"

    return _LINK.sub(turned, text)


def notebook() -> str:
    """The notebook's cells, to read; the file itself is there to run."""
    cells = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"] == "code") for cell in cells]
    shown = [f"```python\n{text}\n```" if code else text for text, code in texts]
    return "\n\n".join(
        [*shown, f"[Download the notebook]({NOTEBOOK.name}) and run it from top to bottom.", ""]
    )


def commands() -> str:
    """What each command says of itself."""
    parser = build_parser(every=True)
    table = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    sections = [f"## curate {name}\n\n```text\n{table.choices[name].format_help()}```" for name in COMMANDS]
    return "\n\n".join(["# Commands", *sections, ""])


def formats() -> str:
    """The table of formats."""
    rows = [
        f"| [`{name}`](../formats/{name}.md) | {row.says} | {_mark(row.reads)} | {_mark(row.writes)} |"
        for name, row in FORMATS.items()
    ]
    head = "| format | what it is | `convert` reads it | `export` writes it |\n|---|---|---|---|"
    return "\n".join(["# Formats", "", head, *rows, ""])


def _mark(options: object) -> str:
    return "no" if options is None else "yes"


def checks() -> str:
    """The table of checks, with their limits."""
    from qa.checks.table import CHECKS

    rows = []
    for check in CHECKS:
        limits = ", ".join(f"{name} {value:g}" for name, value in check.limits.items())
        rows.append(f"| `{check.id}` | {check.title} | {check.severity} | {check.scope} | {limits} |")
    head = "| check | what holds where nothing is found | severity | of | limits |\n|---|---|---|---|---|"
    return "\n".join(["# Checks of QA", "", head, *rows, ""])


def columns() -> str:
    """The columns of samples.parquet."""
    from curate.data.sample import SCHEMA, SCHEMA_VERSION, SHAPES

    rows = []
    for field in SCHEMA:
        shape = " x ".join(map(str, SHAPES[field.name])) if field.name in SHAPES else ""
        rows.append(f"| `{field.name}` | `{field.type}` | {shape} | {'yes' if field.nullable else 'no'} |")
    head = "| column | type | shape | may be null |\n|---|---|---|---|"
    says = f"Version {SCHEMA_VERSION}. What each means: [schema](../schema.md)."
    return "\n".join(["# Columns of samples.parquet", "", says, "", head, *rows, ""])


def settings() -> str:
    """The commented files that `--explain` prints."""
    sections = []
    for title, line in _SETTINGS.items():
        words = [sys.executable, "-m", "curate.cli", *line.split()[1:]]
        told = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout
        sections.append(f"## {title}\n\n`{line}`\n\n```yaml\n{told}```")
    return "\n\n".join(["# Settings, explained", *sections, ""])


if __name__ == "__main__":
    main()
