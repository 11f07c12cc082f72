"""Taggers by name: what is imported when, what a choice is, and that a tagger is opened once."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from curate.autotag import autotag
from curate.basics.errors import InputError, SchemaError
from curate.data.sample import Sample
from curate.options.autotag import AutotagOptions
from curate.taggers import table
from curate.taggers.table import Row, choose, choose_by, finder_of
from curate.taggers.tagger import Tagged
from tests.conftest import Store


def test_torch_is_not_loaded_before_a_tagger_is_chosen() -> None:
    script = "import sys, curate.predict, curate.taggers.table; print('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"


def test_a_choice_is_little_and_opens_once(make_run: Callable[..., Path]) -> None:
    one, other = make_run(size=32), make_run(size=64)
    choice = choose(one)
    assert len(pickle.dumps(choice)) < 1000
    assert choice.open() is pickle.loads(pickle.dumps(choice)).open()
    assert choice.open() is not choose(other).open()


def test_other_weights_are_another_choice(make_run: Callable[..., Path]) -> None:
    run = make_run(size=32)
    before = choose(run)
    opened = before.open()
    (run / "weights.pt").write_bytes((make_run("figure12", size=32) / "weights.pt").read_bytes())
    with pytest.raises(SchemaError, match="no weights of this network"):
        choose(run)
    assert before.open() is opened


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no run"):
        choose(tmp_path)


def test_what_names_no_finder_is_refused_with_what_does() -> None:
    told = "^--finder: 'boxx', which is no finder and no folder; allowed: box, .* of a run; did you mean box"
    with pytest.raises(InputError, match=told):
        finder_of("boxx")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Box", "--tagger: 'Box', which is no tagger and no folder; allowed: box, .*; did you mean box"),
        ("no/run", "'no/run', which is no tagger and no folder; allowed: .* or the folder of a run$"),
        ("openpose", "openpose: given without its files; allowed: openpose:PATH, a folder with one .proto"),
        ("openpose:no/models", "no/models: no such folder; allowed: a folder with one .prototxt"),
    ],
)
def test_what_names_no_tagger_is_refused_with_what_does(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        choose_by(text)


def test_a_run_in_a_folder_called_run_is_one(
    make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(size=32)
    monkeypatch.chdir(run.parent)
    run.rename("run")
    assert choose_by("run", looks=3) == choose("run", looks=3)


def test_a_tagger_is_added_by_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    class Middle:
        """Takes the middle of a photograph for each keypoint."""

        label_source = "auto:middle"

        def tag(self, photographs):
            return [
                Tagged(np.tile(p.whole[2:] / 2, (21, 1)), np.ones(21), "whole photo", p.whole)
                for p in photographs
            ]

    module = ModuleType("middle")
    module.content = lambda where: f"content of {where}"
    module.open_tagger = lambda where, looks: Middle()
    monkeypatch.setitem(sys.modules, "middle", module)
    monkeypatch.setitem(table.TAGGERS, "middle", Row("middle", "the middle of each photograph"))
    choice = choose("there", "middle")
    assert (choice.name, choice.where, choice.content) == ("middle", "there", "content of there")
    assert choice.open().label_source == "auto:middle"
    assert choose_by("middle:there") == choice
    assert choose_by("middle").where == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda said: said[:1], "tag: 1 answer for 2 photographs; allowed: one each"),
        (lambda said: [*said[1:], None], "tag: a NoneType; allowed: a Tagged, or an InputError"),
        (
            lambda said: [replace(one, keypoints=one.keypoints.T) for one in said],
            r"tag: keypoints: shape \(2, 21\); allowed: shape \(21, 2\)",
        ),
        (
            lambda said: [replace(one, scores=1.0) for one in said],
            r"tag: scores: shape \(\); allowed: shape \(21,\)",
        ),
    ],
)
def test_what_a_tagger_gives_against_the_contract_is_told_by_its_name(
    change: Callable[[list[Tagged]], list[object]],
    told: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Odd:
        label_source, threshold = "auto:odd", None

        def tag(self, photographs):
            middle = [np.full((21, 2), 9.0) for _ in photographs]
            return change([Tagged(points, np.ones(21), "bbox", np.zeros(4)) for points in middle])

    module = ModuleType("odd")
    module.content = lambda where: told  # a tagger is opened once for each content
    module.open_tagger = lambda where, looks: Odd()
    monkeypatch.setitem(sys.modules, "odd", module)
    monkeypatch.setitem(table.TAGGERS, "odd", Row("odd", ""))
    samples = [Sample(f"s/{n}", "s", f"{n}.png", 40, 30, transform=np.eye(3)[:2]) for n in range(2)]
    photos = store(
        tmp_path / "photos", samples, {f"{n}.png": np.full((30, 40), 9, np.uint8) for n in range(2)}
    )
    with pytest.raises(InputError, match=rf"^tagger .*Odd: {told}"):
        autotag(photos, tmp_path / "out", AutotagOptions(tagger=("odd",)), quiet=True)
