"""The notebook runs from top to bottom, as in an empty folder of a newcomer's."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


def test_it_runs_from_top_to_bottom_and_shows_its_hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shown = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            value = run("".join(cell["source"]), names)
            if hasattr(value, "_repr_html_"):
                shown.append(value._repr_html_())
    datasets = [page for page in shown if "data:image" in page]
    assert len(datasets) == 3  # the dataset, a part of it, the training set
    assert names["batch"]["image"].shape == (8, 1, 64, 64)  # grey


def run(source: str, names: dict[str, Any]) -> Any:
    """A cell; its value is that of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NOTEBOOK.name, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names) if last else None
