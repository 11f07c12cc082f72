"""Training: what a run holds, that a killed one goes on, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import curate
from curate.basics import images
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.data.dataset import INFO, Dataset
from curate.train import PRESETS, train
from curate.training import baseline
from curate.training.baseline import Baseline, Recipe, _average, _epochs_that_fit, _schedule
from curate.training.examples import Examples, Shuffled
from curate.training.run import NetworkInput, open_run

MakeSet = Callable[..., Path]
SPLITS = ["train"] * 8 + ["test"] * 3


@pytest.fixture(scope="module")
def small_set(make_set: MakeSet) -> Path:
    return make_set(SPLITS)


@pytest.fixture(scope="module")
def trained(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three epochs that nothing interrupted."""
    out = tmp_path_factory.mktemp("trained") / "run"
    train(small_set, out, epochs=3, batch=4, quiet=True)
    return out


def test_a_run_holds_config_weights_checkpoint_figures_and_pictures(small_set: Path, trained: Path) -> None:
    info = json.loads((trained / "run.json").read_text())
    assert info["network"] == {
        "name": "figure12",
        "size": 96,
        "channels": 1,
        "keypoints": 20,
        "standardised": True,
        "loss": "softmax",
    }
    assert info["config"]["preset"] == "reference"
    assert info["config"]["recipe"]["sigma"] == 2.5
    assert info["config"]["training_set"] == Dataset(small_set).fingerprint
    history = json.loads((trained / "epochs.json").read_text())
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    assert {entry["split"] for entry in history} == {"test"}
    assert {entry["n"] for entry in history} == {3}
    assert history[2]["loss"] < history[0]["loss"]
    assert info["result"]["last"] == history[2]
    assert (trained / "last.ckpt").exists()
    assert list((trained / "tensorboard").glob("events.*"))
    assert images.read(trained / "epochs" / "epoch-003.png").ndim == 3


def test_the_result_is_the_average_not_the_last_step(trained: Path) -> None:
    checkpoint = torch.load(trained / "last.ckpt", weights_only=True)
    weights = torch.load(trained / "weights.pt", weights_only=True)
    name = "up.weight"
    assert torch.equal(weights[name], checkpoint["state_dict"][f"averaged.module.{name}"])
    assert not torch.equal(weights[name], checkpoint["state_dict"][f"network.{name}"])


def test_the_same_command_again_does_nothing(small_set: Path, trained: Path) -> None:
    before = (trained / "weights.pt").stat().st_mtime_ns
    again = train(small_set, trained, epochs=3, batch=4, quiet=True)
    assert again.reused
    assert again.epochs == 3
    assert "was finished before" in str(again)
    assert (trained / "weights.pt").stat().st_mtime_ns == before


DIES = """
import os, signal, sys
from curate.training.baseline import EpochEnd
from curate.train import train

def die_in_the_second_epoch(self, *_):
    if len(self.history) == 1:
        os.kill(os.getpid(), signal.SIGKILL)

EpochEnd.on_train_batch_end = die_in_the_second_epoch
train(*sys.argv[1:], epochs=3, batch=4, quiet=True)
"""


def test_a_killed_training_goes_on_and_gives_the_same_bytes(
    small_set: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    home = Path(curate.__file__).parents[1]
    killed = subprocess.run([sys.executable, "-c", DIES, str(small_set), str(out)], cwd=home, check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(SchemaError, match="unfinished run; give its train-baseline command again"):
        open_run(out)
    picture = out / "epochs" / "epoch-001.png"
    first = picture.stat().st_mtime_ns

    result = train(small_set, out, epochs=3, batch=4, quiet=True)

    assert not result.reused
    assert picture.stat().st_mtime_ns == first
    for name in ("weights.pt", "epochs.json", "run.json", "epochs/epoch-003.png"):
        assert (out / name).read_bytes() == (trained / name).read_bytes(), name


def test_ctrl_c_stays_a_keyboard_interrupt(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    small = make_set(["train"] * 2, size=32)
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(baseline, "augment", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(small, tmp_path / "run", epochs=1, quiet=True)
    assert signal.getsignal(signal.SIGINT) is before
    assert train(small, tmp_path / "run", epochs=1, quiet=True).epochs == 1


def test_another_configuration_is_refused_by_name(small_set: Path, trained: Path) -> None:
    with pytest.raises(ConfigChanged, match=r"batch was 4, now 8; epochs was 3, now 2.*--overwrite"):
        train(small_set, trained, epochs=2, batch=8, quiet=True)
    with pytest.raises(ConfigChanged, match="loss was softmax, now sigmoid"):
        train(small_set, trained, preset="paper", epochs=3, batch=4, quiet=True)


def test_another_training_set_is_refused(make_set: MakeSet, trained: Path) -> None:
    other = make_set([*SPLITS, "test"])
    with pytest.raises(ConfigChanged, match="the training set is another"):
        train(other, trained, epochs=3, batch=4, quiet=True)


def test_the_paper_preset_trains_on_the_sets_own_sigma_and_overwrites(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make_set(["train"] * 4, size=32, keypoints=21, channels=3, sigma=4.0)
    train(small, tmp_path / "run", preset="paper", epochs=1, batch=4)
    again = train(small, tmp_path / "run", preset="paper", epochs=2, batch=4, seed=1, overwrite=True)
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["config"]["recipe"]["sigma"] == 4.0
    assert info["config"]["recipe"]["optimiser"] == "adam"
    assert info["network"]["loss"] == "sigmoid"
    assert again.epochs == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "epoch   2 of 2: loss" in output.err
    assert "train (4 images)" in output.err
    run = open_run(tmp_path / "run")
    points, scores = run.predict(np.zeros((1, 32, 32, 3), np.uint8))
    assert np.isfinite(points).all()
    assert scores.shape == (1, 21)


def test_a_budget_of_minutes_stops_at_an_epochs_end(make_set: MakeSet, tmp_path: Path) -> None:
    small = make_set(["train"] * 4, size=32)
    result = train(small, tmp_path / "run", epochs=50, max_minutes=1e-6, batch=4, quiet=True)
    assert (result.epochs, result.planned) == (1, 50)
    assert train(small, tmp_path / "run", epochs=50, max_minutes=1e-6, batch=4, quiet=True).reused


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"keypoints": 19}, r"training.keypoints: 19; allowed: 20 \(without the wrist\) or 21"),
        ({"channels": 4}, r"training.channels: 4; allowed: 1 or 3"),
        ({"size": 30}, r"training.size: 30; allowed: a multiple of 16 from 32 to 512"),
        ({"size": 64}, r"images of shape \(32, 32\); allowed: \(64, 64\), as dataset.json says"),
    ],
    ids=["keypoints", "channels", "size", "pixels"],
)
def test_a_training_set_that_does_not_fit_is_refused(
    make_set: MakeSet, tmp_path: Path, training: dict[str, int], message: str
) -> None:
    root = make_set(["train"], size=32)
    info = json.loads((root / INFO).read_text())
    info["training"] |= training
    (root / INFO).write_text(json.dumps(info))
    with pytest.raises(InputError, match=message):
        train(root, tmp_path / "run", epochs=1, quiet=True)


def test_stored_heatmaps_that_do_not_fit_are_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["train"], size=32, heatmaps={"dtype": "float32", "peak1": False})
    np.save(root / "heatmaps.npy", np.zeros((1, 21, 32, 32), np.float32))
    with pytest.raises(InputError, match=r"array of shape \(1, 21, 32, 32\); allowed: \(1, 20, 32, 32\)"):
        train(root, tmp_path / "run", epochs=1, quiet=True)


def test_a_dataset_that_is_no_training_set_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["train"], size=32)
    info = json.loads((root / INFO).read_text())
    del info["training"]
    (root / INFO).write_text(json.dumps(info))
    with pytest.raises(InputError, match="no training set; make one with: curate build"):
        train(root, tmp_path / "run", quiet=True)


def test_an_unknown_preset_and_a_missing_split_are_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["test"], size=32)
    with pytest.raises(InputError, match="preset: 'fast'; allowed: paper, reference"):
        train(root, tmp_path / "run", preset="fast")
    with pytest.raises(InputError, match="no sample of split 'train'; allowed: test"):
        train(root, tmp_path / "run", quiet=True)


def test_a_folder_with_other_files_is_left_alone(make_set: MakeSet, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="a folder with other files in it"):
        train(make_set(["train"], size=32), tmp_path, overwrite=True, quiet=True)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_weights_that_would_run_code_are_refused(make_run: Callable[..., Path], tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "owned"),)

    root = make_run(size=32)
    torch.save(Attack(), root / "weights.pt")
    with pytest.raises(SchemaError, match="no weights of this network"):
        open_run(root)
    assert not (tmp_path / "owned").exists()


def test_weights_of_another_network_are_refused(make_run: Callable[..., Path]) -> None:
    root = make_run(keypoints=20)
    info = json.loads((root / "run.json").read_text())
    info["network"]["keypoints"] = 21
    (root / "run.json").write_text(json.dumps(info))
    with pytest.raises(SchemaError, match="no weights of this network"):
        open_run(root)


def test_examples_of_20_keypoints_leave_out_the_wrist(small_set: Path) -> None:
    dataset = Dataset(small_set)
    examples = Examples(dataset, "test")
    sample = list(dataset)[9]
    batch = examples[1]
    np.testing.assert_array_equal(batch.keypoints[0].numpy(), sample.keypoints[1:])
    np.testing.assert_array_equal(batch.pixels[0].numpy(), np.load(small_set / "pixels.npy")[9])
    assert batch.visibility[0].tolist() == sample.visibility[1:].tolist()
    assert len(examples) == 3
    assert examples.sample_ids == ["drawn/8", "drawn/9", "drawn/10"]


def test_an_epochs_order_depends_on_seed_and_epoch_and_misses_nothing() -> None:
    order = Shuffled(50, seed=1)
    first = list(order)
    assert sorted(first) == list(range(50))
    assert list(order) == first
    order.set_epoch(1)
    assert sorted(order) == list(range(50))
    assert list(order) != first
    assert list(Shuffled(50, seed=2)) != first


def test_the_learning_rate_rises_for_an_epoch_at_most_and_falls_to_0() -> None:
    # 10 epochs of 4 steps: up over 10 % = 4 steps.
    rates = [_schedule(step, 4, 40) for step in range(41)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[22] == pytest.approx(0.5)
    assert rates[40] == pytest.approx(0.0)
    assert _schedule(99, 4, 40) == pytest.approx(0.0)


def test_epochs_are_planned_by_the_time_that_those_done_took() -> None:
    assert _epochs_that_fit(15, None, 3, 1e9) == 15
    assert _epochs_that_fit(15, 10.0, 0, 0.0) == 15
    assert _epochs_that_fit(15, 10.0, 2, 240.0) == 5
    assert _epochs_that_fit(15, 10.0, 5, 601.0) == 6
    assert _epochs_that_fit(15, 1000.0, 1, 1.0) == 15


def test_the_average_forgets_its_beginning() -> None:
    # After the first copy: share of the new weights 1 - 2/11 = 9/11.
    mean = torch.zeros(1)
    _average([mean], [torch.ones(1)], torch.tensor(1))
    assert mean.item() == pytest.approx(9 / 11)
    _average([mean], [torch.zeros(1)], torch.tensor(10**9))
    assert mean.item() == pytest.approx(9 / 11 * 0.999)


def test_sigma_follows_the_size_and_the_set() -> None:
    recipe: Recipe = PRESETS["reference"].recipe
    assert recipe.for_size(128, 5.0).sigma == pytest.approx(2.5 * 128 / 96)
    assert PRESETS["paper"].recipe.for_size(128, 6.5).sigma == 6.5


def test_a_step_trains_every_weight() -> None:
    torch.manual_seed(0)
    made_for = NetworkInput(32, 1, 20, standardised=True, loss="softmax")
    module = Baseline(made_for, PRESETS["reference"].recipe, seed=0)
    images_ = torch.randn(2, 1, 32, 32)
    module.network(images_).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.network.parameters())
