"""The model card of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch

from curate.basics.errors import SchemaError
from curate.evaluate import evaluate
from curate.networks import table
from curate.networks.network import Spec
from curate.options.evaluate import EvaluateOptions
from curate.options.train import TrainOptions
from curate.train import train
from curate.training.card import card
from curate.training.run import finish_run, open_run


def made(root: Path, network: str = "toy-points", **info: Any) -> Path:
    return built(root, network, info)


def built(root: Path, network: str, info: Mapping[str, Any] = MappingProxyType({}), **changed: Any) -> Path:
    torch.manual_seed(0)
    kind = table.load(network)
    preset = next(iter(kind.presets.values()))
    spec, options = Spec(64, 3, 21, preset.recipe.loss), {**preset.options, **changed}
    finish_run(root, kind(spec, **options), {"name": network, **asdict(spec), **options}, info)
    return root


def test_it_tells_data_figures_and_limits(make_set: Callable[..., Path], tmp_path: Path) -> None:
    training_set = make_set(["train"] * 6 + ["test"] * 2, size=64, keypoints=21)
    train(training_set, tmp_path / "run", "toy-points", TrainOptions(epochs=2, batch=3), quiet=True)
    evaluate(tmp_path / "run", training_set, quiet=True)
    told = card(open_run(tmp_path / "run"))
    assert "from the preset `plain`, 2 epochs." in told
    assert "6 samples.\n" in told
    assert "| drawn | 6 |" in told
    assert "| not known | 6 |" in told  # its licence
    assert f"On 2 images of split test of the set {training_set.name}:" in told
    assert "- all points within 6 px: " in told
    assert "flatter" not in told
    assert "turned by up to 30 degrees and scaled to\n  0.85 to 1.3 times" in told


def test_it_tells_how_the_network_was_built(tmp_path: Path) -> None:
    """Of mobile the table tells the weights as it is by itself, not those at another width."""
    told = card(open_run(built(tmp_path / "run", "mobile", width=0.25, decoder=64)))
    assert "MobileNetV2, 8.0 million weights, colour). As built here, with `" in told
    assert ", `width=0.25`, " in told.replace("\n", " ")
    assert "`right_hands=false`" in told


def test_it_tells_the_epochs_that_there_were(make_set: Callable[..., Path], tmp_path: Path) -> None:
    training_set = make_set(["train"] * 2, size=64, keypoints=21)
    stopped = TrainOptions(epochs=50, max_minutes=0, batch=2)
    train(training_set, tmp_path / "run", "toy-points", stopped, quiet=True)
    assert "from the preset `plain`, 1 epoch." in card(open_run(tmp_path / "run"))


def test_an_evaluation_elsewhere_is_not_denied(make_set: Callable[..., Path], tmp_path: Path) -> None:
    run = made(tmp_path / "run")
    training_set = make_set(["test"] * 2, size=64, channels=3, keypoints=21)
    evaluate(run, training_set, tmp_path / "elsewhere", quiet=True)
    told = card(open_run(run))
    assert "None: the run's folder holds no evaluation, and one written elsewhere" in told
    assert "not evaluated" not in told


def test_figures_of_what_it_was_trained_on_are_told_as_such(
    make_set: Callable[..., Path], tmp_path: Path
) -> None:
    splits = ["train"] * 4
    first, again = make_set(splits, size=64, keypoints=21), make_set(["test"] * 4, size=64, keypoints=21)
    train(first, tmp_path / "run", "toy-points", TrainOptions(epochs=1, batch=2), quiet=True)
    evaluate(tmp_path / "run", again, quiet=True)
    told = card(open_run(tmp_path / "run"))
    assert "**These figures flatter" in told
    assert "from the preset `plain`, 1 epoch.\n" in told


def test_what_stands_in_its_files_stays_text(tmp_path: Path) -> None:
    data = {
        "samples": 1,
        "subjects": 0,
        "sources": {"a|b\n# <script>": 1},
        "licences": {"see `rm`": 1},
    }
    told = card(open_run(made(tmp_path, data=data, crop={"by": "mask", "margin": 0.25}, curate="0\n# 1")))
    assert "hand-curate 0 # 1" in told
    assert "| a/b # &lt;script&gt; | 1 |" in told
    assert "| see &#39;rm&#39; | 1 |" in told
    assert "`curate crop --by mask --margin 0.25`" in told


def test_names_are_shown_as_they_are_and_as_no_more(tmp_path: Path) -> None:
    first = {"name": 'A & "B" <i>`|/weights.pt', "sha256": "0" * 64, "trained_on": "not known"}
    link = r"![x](https://example.org) \[y](https://example.org) *z*"
    data = {"samples": 1, "subjects": 0, "sources": {link: 1}, "licences": {"A & B <i>": 1}}
    told = card(open_run(made(tmp_path, data=data, starts=[first], config={"preset": "it's & <b>"})))
    assert '- `A & "B" <i>\'//weights.pt`: **what these' in told, "Markdown shows code letter by letter"
    assert "from the preset `it's & <b>`" in told
    assert r"| !\[x\](https://example.org) \\\[y\](https://example.org) \*z\* | 1 |" in told
    assert "| A &amp; B &lt;i&gt; | 1 |" in told


def test_a_network_of_right_hands(tmp_path: Path) -> None:
    told = card(open_run(made(tmp_path, "toy-maps")))
    assert "mirror left ones" in told
    assert "| `xyz` | (N, 21, 3) float32 |" in told
    assert "Not recorded" in told


@pytest.mark.parametrize(
    ("info", "where"),
    [
        ({"data": {"samples": -1}}, "data.samples"),
        ({"result": {"epochs": "many"}}, "result.epochs"),
        ({"confidence": {"temperature": 2.0}}, "confidence"),
    ],
)
def test_a_damaged_record_is_refused(info: dict[str, Any], where: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=where):
        card(open_run(made(tmp_path, **info)))


@pytest.mark.parametrize("figures", [[], {"n": "many"}, {"n": 1, "split": "test"}])
def test_damaged_figures_are_refused(figures: Any, tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / "evaluation-test").mkdir()
    (root / "evaluation-test/metrics.json").write_text(json.dumps(figures))
    with pytest.raises(SchemaError, match=r"metrics.json: does not parse"):
        card(open_run(root))


def test_figures_that_one_look_does_not_give_are_told_as_such(
    make_set: Callable[..., Path], tmp_path: Path
) -> None:
    training_set = make_set(["train"] * 4 + ["test"] * 2, size=64, keypoints=21)
    run = train(training_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1, batch=2), quiet=True).out
    evaluate(run, training_set, options=EvaluateOptions(looks=2), quiet=True)
    assert "looked at 2 times, as `curate evaluate --looks 2` does; this file looks once" in card(
        open_run(run)
    )
    evaluate(run, training_set, options=EvaluateOptions(turns=True), overwrite=True, quiet=True)
    assert "mean over four quarter turns, as with `curate evaluate --turns`" in card(open_run(run))
    evaluate(run, training_set, overwrite=True, quiet=True)
    assert "this file looks once" not in card(open_run(run))


def test_a_network_of_crops_around_points_is_told_to_look_twice(tmp_path: Path) -> None:
    crop = {"by": "keypoints", "margin": 0.5}
    told = " ".join(card(open_run(made(tmp_path / "run", crop=crop))).split())
    assert "cropped as in training: `curate crop --by keypoints --margin 0.5`." in told
    assert "no point is labelled yet, do as `curate predict` does" in told
    assert "such as `curate crop --by box --margin 0.5`, and a second time" in told
    assert "a second time" not in card(open_run(made(tmp_path / "mask", crop=crop | {"by": "mask"})))


def test_images_without_a_label_and_whole_photographs_are_told_as_such(tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / "evaluation-test").mkdir()
    (root / "evaluation-test/metrics.json").write_text('{"n": 0, "split": "test"}')
    told = card(open_run(root))
    assert "On 0 images of split test:\n\n- None of them has a label.\n" in told
    assert "in the middle" not in told
    assert "from which `curate` cropped no hand" in told
