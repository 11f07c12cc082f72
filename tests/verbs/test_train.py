"""Training: what a run holds, that a killed one goes on, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from curate import cli
from curate.basics import files, images
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.data.dataset import INFO, Dataset, write_table
from curate.data.sample import to_batch
from curate.networks.table import TABLE
from curate.options.train import TrainOptions
from curate.train import train
from curate.training import module
from curate.training.epoch_end import EpochEnd
from curate.training.examples import Examples
from curate.training.run import open_run

MakeSet = Callable[..., Path]
TOY = "toy-points"
SPLITS = ["train"] * 8 + ["test"] * 3


@pytest.fixture(scope="module")
def small_set(make_set: MakeSet) -> Path:
    return make_set(SPLITS)


@pytest.fixture(scope="module")
def trained(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three epochs that nothing interrupted."""
    out = tmp_path_factory.mktemp("trained") / "run"
    train(small_set, out, TOY, TrainOptions(batch=4), quiet=True)
    return out


def test_a_run_holds_config_weights_checkpoint_figures_and_pictures(small_set: Path, trained: Path) -> None:
    info = json.loads((trained / "run.json").read_text())
    assert info["network"] == {
        "name": TOY,
        "size": 96,
        "channels": 1,
        "keypoints": 20,
        "loss": "l1",
        "width": 16,
    }
    assert info["config"]["preset"] == "plain"
    assert info["config"]["recipe"]["rate"] == 0.01
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
    name = "layers.5.weight"
    assert torch.equal(weights[name], checkpoint["state_dict"][f"averaged.module.{name}"])
    assert not torch.equal(weights[name], checkpoint["state_dict"][f"network.{name}"])


def test_what_the_caller_draws_at_random_stays_the_same(small_set: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train(small_set, tmp_path / "run", TOY, TrainOptions(batch=4, epochs=1), quiet=True)
    open_run(tmp_path / "run")
    start = TrainOptions(batch=4, epochs=1, start=tmp_path / "run")
    train(small_set, tmp_path / "further", TOY, start, quiet=True)
    assert torch.equal(torch.rand(4), expected)


def test_the_same_command_again_does_nothing(small_set: Path, trained: Path) -> None:
    before = (trained / "weights.pt").stat().st_mtime_ns
    again = train(small_set, trained, TOY, TrainOptions(batch=4), quiet=True)
    assert again.reused
    assert again.epochs == 3
    assert "already finished" in str(again)
    assert (trained / "weights.pt").stat().st_mtime_ns == before


def test_a_training_that_was_killed_after_its_last_step_is_only_marked_as_finished(
    make_set: MakeSet, tmp_path: Path
) -> None:
    small, out = make_set(["train"] * 2, size=32), tmp_path / "run"
    train(small, out, TOY, TrainOptions(epochs=1), quiet=True)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    mark = out / files.MARK
    said = json.loads(mark.read_text())
    del said["result"]
    mark.write_text(json.dumps({**said, "resume_key": ""}))
    result = train(small, out, TOY, TrainOptions(epochs=1), quiet=True)
    assert not result.reused
    assert train(small, out, TOY, TrainOptions(epochs=1), quiet=True).reused
    del before[mark]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_ctrl_c_stays_a_keyboard_interrupt(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    small = make_set(["train"] * 2, size=32)
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(module, "augment", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(small, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)
    assert signal.getsignal(signal.SIGINT) is before
    assert train(small, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True).epochs == 1


def test_curves_for_which_there_is_no_room_are_told_once(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(_: object, path: bytes, *__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(path))

    small, out = make_set(["train"] * 2, size=32), tmp_path / "run"
    line = ["train", str(small), "--network", TOY, "--epochs", "1", "--quiet", "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr("tensorboard.compat.tensorflow_stub.io.gfile.LocalFileSystem._write", full)
        patch.setattr(threading, "excepthook", threading.__excepthook__)
        assert cli.main(line) == cli.USAGE
    told = capfd.readouterr().err
    assert re.fullmatch(
        r"curate train: \S*tfevents\S*: No space left on device; .* resumes from here\n", told
    )
    assert cli.main(line) == cli.OK


def test_weights_for_which_there_is_no_room_are_told_by_their_name(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def full(value: dict[str, Any], file: Any) -> None:
        if "callbacks" not in value:  # as a checkpoint has
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(value, file)

    small, out = make_set(["train"] * 2, size=32), tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(OSError, match="No space") as raised:
            train(small, out, TOY, TrainOptions(epochs=1), quiet=True)
    assert raised.value.filename == str(out / "weights.pt")
    assert not list(out.glob(".*.tmp"))


def test_another_configuration_is_refused_by_name(
    small_set: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigChanged, match=r"batch was 4, now 8; epochs was 3, now 2.*--overwrite"):
        train(small_set, trained, TOY, TrainOptions(epochs=2, batch=8), quiet=True)
    with pytest.raises(ConfigChanged, match=r"loss was 'l1', now 'l2'; width was 16, now 4"):
        train(small_set, trained, TOY, TrainOptions(preset="square", epochs=3, batch=4), quiet=True)
    monkeypatch.setitem(TABLE, "twin", TABLE[TOY])
    with pytest.raises(ConfigChanged, match="name was 'toy-points', now 'twin'"):
        train(small_set, trained, "twin", TrainOptions(batch=4), quiet=True)


def test_a_batch_of_one_that_a_network_cannot_learn_from_is_told(make_set: MakeSet, tmp_path: Path) -> None:
    three = make_set(["train"] * 3 + ["val"] * 2)
    with pytest.raises(InputError, match="of 3 pictures, batches of 2 leave one alone; give another --batch"):
        train(three, tmp_path / "run", TOY, TrainOptions(batch=2), quiet=True)
    train(three, tmp_path / "run", TOY, TrainOptions(batch=3, epochs=1), quiet=True, overwrite=True)


def test_another_training_set_is_refused(make_set: MakeSet, trained: Path) -> None:
    other = make_set([*SPLITS, "test"])
    with pytest.raises(ConfigChanged, match="inputs changed"):
        train(other, trained, TOY, TrainOptions(epochs=3, batch=4), quiet=True)


def test_pixels_that_were_exchanged_are_noticed(make_set: MakeSet, tmp_path: Path) -> None:
    small = make_set(SPLITS)
    train(small, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)
    np.save(small / "pixels.npy", np.load(small / "pixels.npy")[::-1])
    with pytest.raises(ConfigChanged, match=r"\(files changed\)"):
        train(small, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)


def test_a_preset_is_chosen_by_name_and_an_unfinished_run_is_overwritten(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make_set(["train"] * 4, size=32, keypoints=21, channels=3, sigma=4.0)
    train(small, tmp_path / "run", TOY, TrainOptions(preset="square", epochs=1, batch=4))
    again = train(
        small, tmp_path / "run", TOY, TrainOptions(preset="square", epochs=2, batch=4, seed=1), overwrite=True
    )
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["config"]["recipe"]["sigma"] == 4.0
    assert info["config"]["recipe"]["optimiser"] == "adam"
    assert info["network"]["loss"] == "l2"
    assert again.epochs == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "epoch   2 of 2: loss" in output.err
    assert "train (4 images)" in output.err
    found = open_run(tmp_path / "run").predict(np.zeros((1, 32, 32, 3), np.uint8))
    assert np.isfinite(found.points).all()
    assert (found.scores == np.ones((1, 21))).all()


@pytest.mark.parametrize("preset", ["reference", "paper"])
def test_train_baseline_is_the_reference_cnns_preset(make_set: MakeSet, tmp_path: Path, preset: str) -> None:
    small, out = make_set(["train"] * 4, size=32), tmp_path / "run"
    line = ["train-baseline", str(small), "--out", str(out), "--epochs", "1", "--preset", preset, "--quiet"]
    assert cli.main(line) == 0
    assert open_run(out).info["config"]["preset"] == preset
    loss, standardised = {"reference": ("softmax", True), "paper": ("sigmoid", False)}[preset]
    assert open_run(out).info["network"] == {
        "name": "figure12",
        "size": 32,
        "channels": 1,
        "keypoints": 20,
        "loss": loss,
        "standardised": standardised,
    }


def test_a_budget_of_minutes_stops_at_an_epochs_end(make_set: MakeSet, tmp_path: Path) -> None:
    small = make_set(["train"] * 4, size=32)
    options = TrainOptions(epochs=50, max_minutes=1e-6, batch=4)
    result = train(small, tmp_path / "run", TOY, options, quiet=True)
    assert (result.epochs, result.planned) == (1, 50)
    assert train(small, tmp_path / "run", TOY, options, quiet=True).reused


def test_the_learning_rate_can_be_chosen(small_set: Path, trained: Path, tmp_path: Path) -> None:
    """A step of Adam is about as long as the rate: six of 1e-7 hardly move a weight."""

    def moved(name: str, rate: float, epochs: int = 3) -> torch.Tensor:
        options = TrainOptions(batch=4, learning_rate=rate, epochs=epochs)
        train(small_set, tmp_path / name, TOY, options, quiet=True)
        return flat(tmp_path / name)

    def flat(run: Path) -> torch.Tensor:
        told = torch.load(run / "weights.pt", weights_only=True)
        return torch.cat([told[name].flatten() for name in told if name.endswith(("weight", "bias"))])

    assert torch.equal(moved("as-preset", 0.01), flat(trained))
    slow = moved("slow", 1e-7)
    torch.testing.assert_close(slow, moved("slow-and-short", 1e-7, epochs=1), rtol=0, atol=1e-6)
    assert (flat(trained) - slow).abs().max() > 1e-3
    assert json.loads((tmp_path / "slow/run.json").read_text())["config"]["recipe"]["rate"] == 1e-7
    with pytest.raises(ConfigChanged, match=r"rate was 1e-07, now 0\.02"):
        moved("slow", 0.02)


@pytest.mark.parametrize("rate", [0.0, -0.001, 1.5, float("nan")])
def test_a_learning_rate_is_a_small_number(rate: float) -> None:
    with pytest.raises(InputError, match=r"learning_rate: .*allowed: None or 1e-07 to 1"):
        TrainOptions(learning_rate=rate)


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
def test_a_training_set_that_contradicts_itself_is_refused(
    make_set: MakeSet, tmp_path: Path, training: dict[str, int], message: str
) -> None:
    root = make_set(["train"], size=32)
    info = json.loads((root / INFO).read_text())
    info["training"] |= training
    (root / INFO).write_text(json.dumps(info))
    with pytest.raises(InputError, match=message):
        train(root, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)


@pytest.mark.parametrize(
    ("crop", "field"),
    [
        ({"margin": 0.1}, "by"),
        ({"by": "colour", "margin": "wide"}, "margin"),
        ({"by": "colour", "margin": 3}, "margin"),  # `curate crop` takes up to 2
        (3, "object"),
    ],
)
def test_a_history_that_does_not_say_how_it_was_cropped_is_refused(
    make_set: MakeSet, tmp_path: Path, crop: object, field: str
) -> None:
    root = make_set(["train"] * 2, size=32)
    info = json.loads((root / INFO).read_text())
    for step in ({"stage": "crop", "options": crop}, {"stage": "build", "options": {"crop": crop}}):
        (root / INFO).write_text(json.dumps({**info, "history": [{"stage": "convert"}, step]}))
        with pytest.raises(SchemaError, match=f"dataset.json: history.*{field}"):
            train(root, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True, overwrite=True)


def test_stored_heatmaps_that_do_not_fit_are_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["train"], size=32, heatmaps={"dtype": "float32", "peak1": False})
    np.save(root / "heatmaps.npy", np.zeros((1, 21, 32, 32), np.float32))
    with pytest.raises(InputError, match=r"array of shape \(1, 21, 32, 32\); allowed: \(1, 20, 32, 32\)"):
        train(root, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)


def test_a_dataset_that_is_no_training_set_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["train"], size=32)
    info = json.loads((root / INFO).read_text())
    del info["training"]
    (root / INFO).write_text(json.dumps(info))
    with pytest.raises(InputError, match="no training set; make one with: curate build"):
        train(root, tmp_path / "run", TOY, quiet=True)


@pytest.mark.parametrize("devices", ["0", "two", "1.5", ","])
def test_devices_that_cannot_be_are_refused(make_set: MakeSet, tmp_path: Path, devices: str) -> None:
    with pytest.raises(InputError, match=r"^--devices: '.*'; allowed: auto, a number of devices"):
        train(make_set(["train"], size=32), tmp_path / "run", TOY, TrainOptions(devices=devices), quiet=True)
    assert not (tmp_path / "run").exists()


def test_an_unknown_preset_and_a_missing_split_are_refused(make_set: MakeSet, tmp_path: Path) -> None:
    root = make_set(["test"], size=32)
    with pytest.raises(InputError, match=r"^--preset: 'fast'; allowed: plain, square"):
        train(root, tmp_path / "run", TOY, TrainOptions(preset="fast"))
    with pytest.raises(InputError, match="no sample of split 'train'; allowed: test"):
        train(root, tmp_path / "run", TOY, quiet=True)


def test_a_folder_with_other_files_is_left_alone(make_set: MakeSet, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="a folder with other files in it"):
        train(make_set(["train"], size=32), tmp_path, TOY, overwrite=True, quiet=True)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize("where", [0.1, 0.5, 0.99])
def test_weights_that_are_not_those_that_were_written_are_refused(
    make_run: Callable[..., Path], where: float
) -> None:
    root = make_run(size=32)
    data = bytearray((root / "weights.pt").read_bytes())
    data[int(where * len(data))] ^= 1
    (root / "weights.pt").write_bytes(data)
    with pytest.raises(SchemaError, match=r"weights\.pt: .*not as the training wrote it.*train again"):
        open_run(root)
    if where != 0.5:
        return  # bytes between the tensors, which nobody reads
    told = json.loads((root / "run.json").read_text())
    del told["weights_sha256"]  # a run of an earlier version
    (root / "run.json").write_text(json.dumps(told))
    with pytest.raises(SchemaError, match="no weights of this network"):
        open_run(root)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("size", 100_000, "network.size: 100000"),
        ("size", "32", "does not describe a network"),
        ("size", 0, "does not describe a network"),
        ("channels", 10**7, "does not describe a network"),
        ("keypoints", 1e9, "does not describe a network"),
        ("name", ["toy-points"], "does not describe a network"),
        ("width", 10**15, "does not describe a network"),
        ("crop", 5, "crop: "),
        ("crop", {"by": "colour", "margin": "wide"}, "crop.margin: "),
        ("crop", {"by": "colour", "margin": float("nan")}, "crop.margin: "),
        ("crop", {"by": "colour", "margin": 1e300}, "crop.margin: "),
        ("weights_sha256", 5, "weights_sha256: "),
    ],
)
def test_a_run_of_somebody_else_is_told_by_its_field(
    field: str, value: object, told: str, make_run: Callable[..., Path]
) -> None:
    root = make_run(size=32)
    info = json.loads((root / "run.json").read_text())
    (info if field in ("crop", "weights_sha256") else info["network"])[field] = value
    (root / "run.json").write_text(json.dumps(info))
    with pytest.raises(SchemaError, match=re.escape(f"run.json: {told}")):
        open_run(root)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data, _: data[: len(data) // 2], "half of one"),
        (lambda data, _: b"", "half of one"),
        (lambda data, _: data.replace(b"seconds", b"sekunds", 1), "other bytes than were written"),
        (lambda _, other: other.read_bytes(), "one of another training"),
    ],
    ids=["half", "empty", "changed", "another's"],
)
def test_a_checkpoint_that_is_none_is_told_and_the_training_begins_again_without_it(
    damage: Callable[[bytes, Path], bytes],
    told: str,
    make_set: MakeSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    small, options = make_set(["train"] * 2, size=32), TrainOptions(epochs=2)
    train(small, tmp_path / "other", TOY, TrainOptions(epochs=2, seed=1), quiet=True)
    train(small, tmp_path / "undisturbed", TOY, options, quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(EpochEnd, "on_train_epoch_start", _after(1, stopped, EpochEnd.on_train_epoch_start))
        with pytest.raises(KeyboardInterrupt):
            train(small, tmp_path / "run", TOY, options, quiet=True)
    path = tmp_path / "run" / "last.ckpt"
    path.write_bytes(damage(path.read_bytes(), tmp_path / "other" / "last.ckpt"))
    with pytest.raises(InputError, match=f"last.ckpt: no checkpoint of this training .*{told}.*delete it"):
        train(small, tmp_path / "run", TOY, options, quiet=True)
    path.unlink()
    train(small, tmp_path / "run", TOY, options, quiet=True)
    weights = [(tmp_path / name / "weights.pt").read_bytes() for name in ("run", "undisturbed")]
    assert weights[0] == weights[1]


def _after(calls: int, then: Callable[..., None], before: Callable[..., None]) -> Callable[..., None]:
    """A function that does `before` so many times, and `then` from there on."""
    done = 0

    def act(*given: Any) -> None:
        nonlocal done
        done += 1
        (before if done <= calls else then)(*given)

    return act


def test_weights_of_another_type_are_refused(make_run: Callable[..., Path]) -> None:
    root = make_run(size=32)
    info = json.loads((root / "run.json").read_text())
    del info["weights_sha256"]
    (root / "run.json").write_text(json.dumps(info))
    weights = torch.load(root / "weights.pt", weights_only=True)
    torch.save({name: value.to(torch.complex64) for name, value in weights.items()}, root / "weights.pt")
    with pytest.raises(SchemaError, match=r"is of torch\.complex64, not torch\.float32"):
        open_run(root)


def test_weights_of_another_network_are_refused(make_run: Callable[..., Path]) -> None:
    root = make_run(keypoints=20)
    info = json.loads((root / "run.json").read_text())
    info["network"]["keypoints"] = 21
    (root / "run.json").write_text(json.dumps(info))
    with pytest.raises(SchemaError, match="no weights of this network"):
        open_run(root)


def test_a_run_keeps_the_shape_of_the_hands_that_it_learnt_from(make_set: MakeSet, tmp_path: Path) -> None:
    options = TrainOptions(epochs=1, batch=25, set=("width=8",))
    many = make_set(["train"] * 48 + ["test"] * 4, size=32, channels=3, keypoints=21)
    few = make_set(["train"] * 30 + ["test"] * 4, size=32, channels=3, keypoints=21)
    for name, where in (("many", many), ("few", few)):
        train(where, tmp_path / name, "posenet", options, quiet=True)
    kept = open_run(tmp_path / "many").network.shape
    assert kept is not None
    assert kept.mean.shape == (21, 2)
    assert open_run(tmp_path / "few").network.shape is None
    # A training that begins with these weights has hands of its own.
    began = replace(options, start=tmp_path / "many" / "weights.pt")
    train(few, tmp_path / "further", "posenet", began, quiet=True)
    assert open_run(tmp_path / "further").network.shape is None


def test_examples_of_20_keypoints_leave_out_the_wrist(small_set: Path) -> None:
    dataset = Dataset(small_set)
    examples = Examples(dataset, "test")
    sample = list(dataset)[9]
    batch = examples[1]
    np.testing.assert_array_equal(batch.targets.keypoints[0].numpy(), sample.keypoints[1:])
    np.testing.assert_array_equal(batch.pixels[0].numpy(), np.load(small_set / "pixels.npy")[9])
    assert batch.targets.visibility[0].tolist() == sample.visibility[1:].tolist()
    assert batch.left.tolist() == [True]
    assert (batch.targets.mask, batch.targets.xyz, batch.targets.K) == (None, None, None)
    assert len(examples) == 3
    assert examples.sample_ids == ["drawn/8", "drawn/9", "drawn/10"]


def without_labels(training_set: Path, *rows: int) -> Path:
    """The set, of whose samples those of these rows have no labelled point, as `build --keep-empty` keeps."""
    samples = list(Dataset(training_set))
    for row in rows:
        samples[row].keypoints[:], samples[row].visibility[:] = np.nan, 0
    write_table(training_set, [to_batch(samples)])
    return training_set


def test_an_epoch_tells_of_the_images_with_a_label_alone(make_set: MakeSet, tmp_path: Path) -> None:
    training_set = without_labels(make_set(SPLITS, size=32), 0, 9)
    found = train(training_set, tmp_path / "one", TOY, TrainOptions(epochs=1, batch=4), quiet=True)
    assert found.last["n"] == 2
    assert "test (2 images): all points right" in str(found)
    training_set = without_labels(make_set(SPLITS, size=32), 8, 9, 10)
    found = train(training_set, tmp_path / "none", TOY, TrainOptions(epochs=1, batch=4), quiet=True)
    assert str(found).endswith("; test: no image with a label")
    assert "NaN" not in (tmp_path / "none/epochs.json").read_text()


def test_a_train_split_without_a_label_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    training_set = without_labels(make_set(SPLITS, size=32), *range(8))
    with pytest.raises(InputError, match=r"no labelled keypoint in split train; needed for the network toy"):
        train(training_set, tmp_path / "run", TOY, TrainOptions(epochs=1), quiet=True)
    assert not (tmp_path / "run").exists()


def test_images_that_teach_a_network_nothing_are_counted(make_set: MakeSet, tmp_path: Path) -> None:
    training_set = without_labels(make_set(SPLITS, size=32, channels=3), 0, 1, 9)
    found = train(training_set, tmp_path / "toy", TOY, TrainOptions(epochs=1, batch=4), quiet=True)
    assert found.taught_nothing == 2
    assert "without a labelled point, from which this network learns nothing: 2" in str(found)
    options = TrainOptions(preset="renders", set=("width=2",), epochs=1, batch=4)
    found = train(training_set, tmp_path / "posenet", "posenet", options, quiet=True)
    assert found.taught_nothing == 0
    assert "learns nothing" not in str(found)
