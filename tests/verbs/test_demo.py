"""The demo types commands; whether it has renders depends on whether there is a Blender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from curate.basics.errors import ConfigChanged, InputError
from curate.demo import demo
from curate.options.demo import DemoOptions

FEW = DemoOptions(photos=24, epochs=3)


@pytest.mark.parametrize(("blender", "source"), [(True, "renders"), (False, "drawn/rendered")])
def test_it_goes_on_without_blender_and_says_so(tmp_path: Path, blender: bool, source: str) -> None:
    typed: list[Sequence[str]] = []

    def run(line: Sequence[str]) -> int:
        typed.append(line)
        return 2 if line[0] == "render" and not blender else 0

    said: list[str] = []
    assert demo(tmp_path, run=run, say=said.append, options=FEW) == 0
    assert [line[1] for line in typed if "rhd" in line and line[0] == "export"] == [str(tmp_path / source)]
    assert (tmp_path / "drawn" / "rendered").exists() != blender
    assert any("drawn hands stand in" in line for line in said) != blender


def test_it_ends_with_the_code_of_the_command_that_failed(tmp_path: Path) -> None:
    def run(line: Sequence[str]) -> int:
        return {"render": 1, "crop": 7}.get(line[0], 0)

    assert demo(tmp_path, run=run, say=lambda _: None, options=FEW) == 7


def test_it_goes_on_without_the_packages_for_training_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.demo.find_spec", lambda name: None if name == "torch" else name)
    typed: list[Sequence[str]] = []

    def run(line: Sequence[str]) -> int:
        typed.append(line)
        return 0

    said: list[str] = []
    assert demo(tmp_path, run=run, say=said.append, options=FEW) == 0
    made_without = {"render", "export", "convert", "crop", "build", "qa", "review", "autotag", "show"}
    assert {line[0] for line in typed} == made_without
    assert any("pip install 'hand-curate[train]'" in line for line in said)
    assert "evaluation" not in said[-1]


def test_it_trains_by_epochs_and_leads_to_each_page_that_its_commands_make(tmp_path: Path) -> None:
    typed: list[Sequence[str]] = []

    def run(line: Sequence[str]) -> int:
        typed.append(line)
        return 0

    said: list[str] = []
    assert demo(tmp_path, run=run, say=said.append, options=FEW) == 0
    (train,) = [line for line in typed if line[0] == "train-baseline"]
    assert train[-2:] == ["--epochs", "3"]
    assert not any("minutes" in word for line in typed for word in line)
    made = {line[line.index("--out") + 1] for line in typed if "--out" in line and line[0] != "render"}
    for place in ("qa", "review", "found"):
        assert str(tmp_path / place) in made
        assert str(tmp_path / place) in said[-1]


def test_a_folder_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "render.yaml").write_text("mine")
    with pytest.raises(InputError, match="a folder with other files in it"):
        demo(tmp_path, run=lambda _: 0, say=lambda _: None, options=FEW)
    assert [path.name for path in tmp_path.iterdir()] == ["render.yaml"]
    assert (tmp_path / "render.yaml").read_text() == "mine"


def test_a_demo_of_other_options_is_not_told_of_an_option_that_it_lacks(tmp_path: Path) -> None:
    demo(str(tmp_path), run=lambda _: 0, say=lambda _: None, options=FEW)
    with pytest.raises(ConfigChanged, match=r"photos was .*; choose another --out, or delete the folder$"):
        demo(tmp_path, run=lambda _: 0, say=lambda _: None, options=DemoOptions(photos=17))
