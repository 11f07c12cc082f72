"""The documentation as a site: no link leads nowhere, and the reference is the code's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from converters.table import FORMATS
from curate.commands.table import COMMANDS
from curate.data.sample import SCHEMA
from qa.checks.table import CHECKS

BUILD = Path(__file__).resolve().parents[2] / "docs" / "site" / "build.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, BUILD, "--out", out / "site"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "site" / "html"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("commands", [f"curate {name}" for name in COMMANDS]),
        ("formats", list(FORMATS)),
        ("checks", [check.id for check in CHECKS]),
        ("columns", SCHEMA.names),
        ("settings", ["curate render --explain", "curate qa --explain", "curate autotag --explain"]),
    ],
)
def test_the_reference_is_made_from_the_code(site: Path, page: str, names: list[str]) -> None:
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {
        path.relative_to(BUILD.parents[1]).with_suffix(".html") for path in BUILD.parents[1].rglob("*.md")
    }
    index = {Path(str(page).replace("README", "index")) for page in pages}
    assert [page for page in index if not (site / page).exists()] == []
    assert (site / "index.html").exists()
    assert (site / "data.html").exists()
