"""A training that begins with what is in the box."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from curate.basics import files
from curate.basics.errors import InputError
from curate.evaluate import evaluate
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks import table
from curate.networks.construct import build
from curate.networks.network import Network, Spec
from curate.networks.pixels import to_float
from curate.options.train import TrainOptions
from curate.taggers import box_networks
from curate.train import train
from curate.training.card import card
from curate.training.run import open_run, start_from

BOX = Path(box_networks.BOX)
OPTIONS = TrainOptions(preset="further", start=BOX, epochs=1, batch=4)


@pytest.fixture(scope="module")
def crops(make_set: Callable[..., Path]) -> Path:
    return make_set(["train"] * 8 + ["test"] * 3, size=32, channels=3, keypoints=21)


@pytest.mark.parametrize(
    ("network", "file"),
    [("posenet", box_networks.LOCALISER), ("handseg", box_networks.FINDER)],
    ids=["points", "mask"],
)
def test_it_begins_where_the_box_is(network: str, file: str) -> None:
    pytest.importorskip("onnx")
    size = box_networks.box_info().sizes[file]
    begun = _network(network, size)
    start_from(begun, box_networks.FOLDER / file)
    hand, _ = draw_hand(
        np.random.default_rng(0), Person.sample(np.random.default_rng(1)), "left", width=size, height=size
    )
    with torch.no_grad():
        ours = begun.eval()(to_float(torch.from_numpy(hand[None])))[0].numpy()
    theirs, *_ = box_networks.network(file)._forward(hand)
    assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_run_json_the_card_and_an_evaluation_tell_what_it_began_with(crops: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    train(crops, tmp_path / "run", "posenet", OPTIONS, quiet=True)
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    sha256 = files.sha256(box_networks.FOLDER / box_networks.LOCALISER)
    assert info["config"]["start"] == sha256
    assert info["starts"] == [{"name": "box", "sha256": sha256, "trained_on": "renders"}]
    assert "known" not in str(evaluate(tmp_path / "run", crops, quiet=True))
    told = card(open_run(tmp_path / "run"))
    assert "- `box`: included in hand-curate, and trained on renders alone; no photograph" in told
    assert "not known**" not in told


def test_outlines_begin_with_the_finder_or_with_the_wider_localiser(
    make_set: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    outlined = make_set(["train"] * 4, size=32, channels=3, keypoints=21, masks=True)
    for preset, file in (("further", box_networks.FINDER), ("wide", box_networks.LOCALISER)):
        run = tmp_path / preset
        train(outlined, run, "handseg", replace(OPTIONS, preset=preset), quiet=True)
        assert open_run(run).info["config"]["start"] == files.sha256(box_networks.FOLDER / file)


@pytest.mark.parametrize(
    ("network", "preset", "message"),
    [
        ("heads", "renders", "--start box: nothing of the network heads; allowed: handseg, posenet"),
        ("posenet", "paper", "--start box: --preset paper; allowed: --preset further or"),
        (
            "posenet",
            None,
            "--start box: no preset; allowed: --preset further or --preset further-renders or --preset",
        ),
    ],
)
def test_what_the_box_does_not_hold_is_told(
    network: str, preset: str | None, message: str, crops: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        train(crops, tmp_path / "run", network, TrainOptions(preset=preset, start=BOX), quiet=True)
    assert not (tmp_path / "run").exists()


def _network(name: str, size: int) -> Network:
    preset = table.load(name).presets["further"]
    return build(name, Spec(size, 3, 21, preset.recipe.loss), preset.options)
