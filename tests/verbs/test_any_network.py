"""Whatever keeps the contract of curate.networks.network trains, goes on when killed, is evaluated and
predicts: networks of a few lines, of which nothing but their rows in the table is known."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import curate
from curate import cli
from curate.autotag import autotag
from curate.basics import images
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.data.sideless import TAKEN_FOR_RIGHT
from curate.evaluate import evaluate
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks import inference, table
from curate.networks.network import Decoded, Spec
from curate.options.autotag import AutotagOptions
from curate.options.evaluate import EvaluateOptions
from curate.options.train import TrainOptions
from curate.predict import predict
from curate.train import train
from curate.training.run import open_run

MakeSet = Callable[..., Path]
SPLITS = ["train"] * 8 + ["test"] * 3
HOME = Path(curate.__file__).parents[1]
OPTIONS: dict[str, dict[str, int]] = {"toy-points": {"width": 4}, "toy-mask": {}}
RESULTS = ("weights.pt", "epochs.json", "run.json", "epochs/epoch-003.png")


@pytest.fixture(scope="module")
def small_set(make_set: MakeSet) -> Path:
    return make_set(SPLITS, keypoints=21, size=64)


def with_space(root: Path) -> Path:
    """The same set with xyz and K for all samples but one."""
    rng = np.random.default_rng(0)
    samples = list(Dataset(root))
    for sample in samples[1:]:
        sample.K = np.array([[90.0, 0, 32], [0, 90, 32], [0, 0, 1]])
        sample.xyz = rng.normal([0, 0, 0.5], 0.05, (21, 3)).astype(np.float32)
    write_table(root, [to_batch(samples)])
    return root


DIES = """
import os, signal, sys
from curate import cli
from curate.networks.table import TABLE
from curate.training.epoch_end import EpochEnd
from tests.toy_networks import TOYS

def die_in_the_second_epoch(self, *_):
    if len(self.history) == 1:
        os.kill(os.getpid(), signal.SIGKILL)

EpochEnd.on_train_batch_end = die_in_the_second_epoch
TABLE.update(TOYS)
cli.main(sys.argv[1:])
"""


def test_points_without_heatmaps_are_trained_killed_resumed_evaluated_and_predicted(
    small_set: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "run", tmp_path / "other"
    line = ["train", str(small_set), "--network", "toy-points", "--batch", "4", "--quiet", "--out"]
    killed = subprocess.run([sys.executable, "-c", DIES, *line, str(out)], cwd=HOME, check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(SchemaError, match="unfinished run; give the command that began it again"):
        open_run(out)
    first = (out / "epochs" / "epoch-001.png").stat().st_mtime_ns

    assert cli.main([*line, str(out)]) == 0
    assert (out / "epochs" / "epoch-001.png").stat().st_mtime_ns == first
    assert cli.main([*line, str(other)]) == 0
    for name in RESULTS:
        assert (out / name).read_bytes() == (other / name).read_bytes(), name

    figures = evaluate(out, small_set, quiet=True).figures
    assert figures["n"] == 3
    assert figures["epe_mean"] == pytest.approx(json.loads((out / "epochs.json").read_text())[-1]["epe_mean"])
    rng = np.random.default_rng(99)
    picture, _ = draw_hand(rng, Person.sample(rng), "right", width=320, height=240)
    images.write(tmp_path / "photo.png", picture)
    assert predict(out, [tmp_path / "photo.png"], tmp_path / "found", quiet=True).photos == 1
    (sample,) = Dataset(tmp_path / "found")
    assert np.isfinite(sample.keypoints).all()


def test_the_averages_of_batches_are_part_of_the_result(small_set: Path, tmp_path: Path) -> None:
    train(small_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1, batch=4), quiet=True)
    weights = torch.load(tmp_path / "run" / "weights.pt", weights_only=True)
    assert weights["layers.3.num_batches_tracked"] == 2
    assert not torch.equal(weights["layers.3.running_var"], torch.ones(16))


def test_a_mask_is_learnt_measured_and_predicted(make_set: MakeSet, tmp_path: Path) -> None:
    training_set, out = make_set(SPLITS, masks=True, channels=3), tmp_path / "run"
    train(training_set, out, "toy-mask", TrainOptions(batch=4), quiet=True)
    history = json.loads((out / "epochs.json").read_text())
    assert history[-1]["mask_iou"] > 0.5
    assert "epe_mean" not in history[-1]
    assert json.loads((out / "run.json").read_text())["network"] == {
        "name": "toy-mask",
        "size": 96,
        "channels": 3,
        "keypoints": 20,
        "loss": "cross_entropy",
    }
    assert images.read(out / "epochs" / "epoch-004.png").ndim == 3

    run = open_run(out)
    pixels, masks = (np.load(training_set / name) for name in ("pixels.npy", "masks.npy"))
    found = run.predict(pixels[-3:])
    assert found.masks is not None
    assert found.masks.dtype == np.uint8
    both, either = (np.stack([found.masks > 127, masks[-3:] > 127]).sum(0) >= n for n in (2, 1))
    assert (both.sum((1, 2)) / either.sum((1, 2))).mean() == pytest.approx(history[-1]["mask_iou"])
    assert np.isnan(found.points).all()
    assert (found.scores == 0).all()
    with pytest.raises(InputError, match="network toy-mask finds mask; allowed: one that finds points"):
        predict(out, [tmp_path], tmp_path / "found", quiet=True)

    evaluation = evaluate(out, training_set, quiet=True)
    figures = evaluation.figures
    assert (figures["n"], figures["with_hand"]) == (3, 3)
    assert figures["mask_iou"] == pytest.approx(history[-1]["mask_iou"])
    assert figures["mask_iou_pooled"] == pytest.approx(both.sum() / either.sum())
    np.testing.assert_array_equal(np.load(evaluation.out / "masks.npy"), found.masks)
    assert json.loads((evaluation.out / "metrics.json").read_text()) == figures
    page = (evaluation.out / "evaluation.html").read_text()
    assert page.count("<img src=") == 9
    assert "drawn/10" in page
    assert f"{figures['mask_iou']:.3f} per picture" in str(evaluation)

    looked = evaluate(out, training_set, tmp_path / "looked", EvaluateOptions(looks=4), quiet=True)
    assert looked.figures["looks"] == 4
    assert looked.figures["mask_iou"] > 0.5
    with pytest.raises(InputError, match="--by or --against with a run that finds masks"):
        evaluate(out, training_set, tmp_path / "by", EvaluateOptions(by=("side",)), quiet=True)
    assert evaluate(out, training_set, quiet=True).reused
    with pytest.raises(InputError, match="a training set without masks; build it with --masks"):
        evaluate(out, make_set(["test"], channels=3), tmp_path / "other", quiet=True)


def test_right_hands_alone_are_shown_and_left_ones_answered_in_their_own_frame(
    make_set: MakeSet, tmp_path: Path
) -> None:
    training_set = with_space(make_set(["train"] * 6, keypoints=21, size=64))
    train(training_set, tmp_path / "run", "toy-maps", TrainOptions(batch=3), quiet=True)
    run = open_run(tmp_path / "run")
    pixels = np.load(training_set / "pixels.npy")
    mirror = np.ascontiguousarray(pixels[:, :, ::-1])
    right = run.predict(pixels, np.zeros(6, bool))
    left = run.predict(mirror, np.ones(6, bool))
    np.testing.assert_allclose(left.points[..., 0], 64 - right.points[..., 0], atol=1e-4)
    np.testing.assert_array_equal(left.points[..., 1], right.points[..., 1])
    np.testing.assert_array_equal(left.scores, right.scores)
    assert left.xyz is not None
    assert right.xyz is not None
    np.testing.assert_array_equal(left.xyz, right.xyz * [-1, 1, 1])
    some = run.predict(mirror[:2], np.array([True, False]))
    np.testing.assert_array_equal(some.points[0], left.points[0])
    assert not np.array_equal(some.points[1], left.points[1])
    again = train(training_set, tmp_path / "run", "toy-maps", TrainOptions(batch=3), quiet=True)
    assert "mean error" in str(again)


def test_images_of_no_known_side_that_are_taken_for_right_hands_are_counted(
    make_set: MakeSet, tmp_path: Path
) -> None:
    training_set = with_space(make_set(["train"] * 4 + ["test"] * 3, keypoints=21, size=64))
    run = train(training_set, tmp_path / "run", "toy-maps", TrainOptions(batch=2), quiet=True).out
    known = evaluate(run, training_set, tmp_path / "known", quiet=True)
    assert "taken_for_right" not in known.figures
    samples = list(Dataset(training_set))
    for sample in samples[:5]:  # one of them is in test
        sample.side = None
    write_table(training_set, [to_batch(samples)])
    told = evaluate(run, training_set, tmp_path / "told", quiet=True)
    assert told.figures["taken_for_right"] == 1
    assert "the only ones that the network knows: 1 image whose side is not known" in str(told)
    again = train(training_set, tmp_path / "again", "toy-maps", TrainOptions(batch=2), quiet=True)
    assert again.taken_for_right == 4
    assert "the only ones that the network knows: 4 images whose side is not known" in str(again)


def test_hands_of_no_known_side_that_are_taken_for_right_ones_are_counted(
    make_set: MakeSet, tmp_path: Path
) -> None:
    training_set = with_space(make_set(["train"] * 4, keypoints=21, size=64))
    run = train(training_set, tmp_path / "run", "toy-maps", TrainOptions(batch=2), quiet=True).out
    samples = [
        Sample(f"p/{n}", "p", f"{n}.png", side=side, bbox=np.array([0, 0, 64, 64], np.float32))
        for n, side in enumerate(["left", "right", None])
    ]
    for sample in samples:
        images.write(tmp_path / "photos" / sample.image, np.full((64, 64, 3), 99, np.uint8))
    write_table(tmp_path / "photos", [to_batch(samples)])
    write_info(tmp_path / "photos", {"samples": 3, "sources": [], "licences": [], "history": []})
    found = predict(run, [tmp_path / "photos"], tmp_path / "found", quiet=True)
    assert (found.hands, found.taken_for_right) == (3, 1)
    assert "the only ones that the network knows: 1 hand whose side is not known" in str(found)
    options = AutotagOptions(tagger=(str(run),))
    tagged = autotag(tmp_path / "photos", tmp_path / "tagged", options, quiet=True)
    assert tagged.summary.notes[TAKEN_FOR_RIGHT] == 1


def test_a_mask_comes_back_mirrored_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = table.load("toy-mask")
    monkeypatch.setattr(kind, "right_hands", True)
    network = kind(Spec(32, 1, 21, "cross_entropy"))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32), np.uint8)
    right = inference.predict(network, pixels).masks
    left = inference.predict(network, np.ascontiguousarray(pixels[:, :, ::-1]), np.ones(1, bool)).masks
    assert right is not None
    assert left is not None
    np.testing.assert_array_equal(left, right[:, :, ::-1])


def test_options_of_the_network_are_set_and_kept(small_set: Path, tmp_path: Path) -> None:
    options = TrainOptions(epochs=1, set=("width=4",))
    train(small_set, tmp_path / "run", "toy-points", options, quiet=True)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["network"]["width"] == 4
    assert open_run(tmp_path / "run").network.state_dict()["layers.2.weight"].shape[0] == 4
    with pytest.raises(ConfigChanged, match="width"):
        train(small_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True)


def test_an_option_of_the_network_is_set_once(
    small_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(small_set), "--network", "toy-points", "--out", str(tmp_path / "run")]
    assert cli.main([*words, "--set", "width=4", "--set", "width=8"]) == 2
    assert "--set: width, given twice, the second time as 8; allowed: once" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("wdth=4", "--set: no option of toy-points 'wdth'; allowed: width; did you mean 'width'?"),
        ("width=wide", "--set: width=wide; allowed: a value such as the preset's width=16"),
        ("width=null", "--set: width=null; allowed: a value such as"),
        # 64 inputs a neuron and a bias, four numbers and a count of the norm, 42 outputs and their biases.
        (f"width={10**7}", "1,110 million weights; at most 250 million; the preset has width=16"),
        ("width=0", "the network toy-points: a layer without weights; the preset has width=16"),
        ("width", "'NAME=VALUE'"),
    ],
)
def test_an_option_that_the_network_does_not_take_is_refused_before_anything_is_written(
    small_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str, line: str
) -> None:
    out = tmp_path / "run"
    arguments = ["train", str(small_set), "--network", "toy-points", "--out", str(out), "--set", word]
    assert cli.main(arguments) == 2
    assert line.strip("'") in capsys.readouterr().err
    assert not out.exists()


def test_a_training_starts_from_the_weights_of_another(small_set: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    train(small_set, first, "toy-points", TrainOptions(epochs=1), quiet=True)
    start = first / "weights.pt"
    train(small_set, second, "toy-points", TrainOptions(epochs=1, start=start), quiet=True)
    losses = [json.loads((run / "epochs.json").read_text())[0]["loss"] for run in (first, second)]
    assert losses[1] < losses[0]
    told = json.loads((second / "run.json").read_text())["config"]["start"]
    assert told == hashlib.sha256(start.read_bytes()).hexdigest()
    with pytest.raises(ConfigChanged, match="start"):
        train(small_set, second, "toy-points", TrainOptions(epochs=1), quiet=True)
    assert train(small_set, second, "toy-points", TrainOptions(epochs=1, start=first), quiet=True).reused
    with pytest.raises(InputError, match=r"--start: a folder without weights.pt; allowed: a file of weights"):
        train(small_set, second, "toy-points", TrainOptions(epochs=1, start=small_set), quiet=True)


class Attack:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("content", [b"no weights", "evil", "others", "numbered", "missing"])
def test_first_weights_that_are_not_this_networks_are_refused_before_anything_is_written(
    small_set: Path, tmp_path: Path, content: bytes | str
) -> None:
    start, out = tmp_path / "start.pt", tmp_path / "run"
    if isinstance(content, bytes):
        start.write_bytes(content)
    elif content == "evil":
        torch.save({"layers.2.weight": Attack(tmp_path / "owned")}, start)
    elif content in ("others", "numbered"):
        torch.save({"features.0.weight" if content == "others" else 1: torch.zeros(1)}, start)
    with pytest.raises(InputError, match=r"no weights of this network|cannot be read"):
        train(small_set, out, "toy-points", TrainOptions(epochs=1, start=start), quiet=True)
    assert not out.exists()
    assert not (tmp_path / "owned").exists()
    train(small_set, out, "toy-points", TrainOptions(epochs=1), quiet=True)


@pytest.mark.parametrize(
    ("keypoints", "told"),
    [
        (20, "('layers.5.weight' and 1 more of another shape: (40, 16), not (42, 16))"),
        (None, "(without 'layers.2.weight' and 7 more of the network's; with 'a' and 1 more that it has"),
    ],
)
def test_how_first_weights_differ_from_the_networks_is_told(
    keypoints: int | None, told: str, small_set: Path, make_run: Callable[..., Path], tmp_path: Path
) -> None:
    start = tmp_path / "weights.pt"
    if keypoints is None:
        torch.save({"a": torch.zeros(1), "b": torch.zeros(1)}, start)
    else:
        start = make_run("toy-points", size=64, keypoints=keypoints) / "weights.pt"
    with pytest.raises(InputError, match=re.escape(f"no weights of this network {told}")):
        train(small_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1, start=start), quiet=True)


def test_a_network_of_right_hands_refuses_a_set_without_sides(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training_set = make_set(["train"] * 2, size=32)
    samples = list(Dataset(training_set))
    for sample in samples:
        sample.side = None
    write_table(training_set, [to_batch(samples)])
    monkeypatch.setattr(table.load("toy-points"), "right_hands", True)
    with pytest.raises(InputError, match="no sample has side; needed for right hands"):
        train(training_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True)


def test_no_images_give_no_answers_and_others_are_refused(make_run: Callable[..., Path]) -> None:
    run = open_run(make_run(size=32))
    assert run.predict(np.zeros((0, 32, 32), np.uint8)).points.shape == (0, 21, 2)
    with pytest.raises(ValueError, match=r"images of shape \(64, 64\) for a network made for Spec\(size=32"):
        run.predict(np.zeros((1, 64, 64), np.uint8))


LATE = """
import sys
from curate.basics.errors import InputError
from curate.networks.table import TABLE, Needs, Row
from curate.train import train
from curate.options.train import TrainOptions

TABLE["late"] = Row("nowhere:Nothing", "", Needs(**eval(sys.argv[2])))
try:
    train(sys.argv[1], sys.argv[1] + "-run", "late")
except InputError as error:
    print(error)
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize(
    ("needs", "line"),
    [
        (
            {"stride": 48},
            "training.size: 64; allowed: a multiple of 48, for the network late; build the set with --size",
        ),
        (
            {"channels": (3,)},
            "training.channels: 1; allowed: 3, for the network late; build the set with --colour",
        ),
        (
            {"keypoints": (20,)},
            "training.keypoints: 21; allowed: 20, for the network late; build the set with --keypoints",
        ),
        ({"labels": ("mask",)}, "no sample has mask; needed for the network late"),
        ({"labels": ("xyz",)}, "no sample has xyz; needed for the network late"),
    ],
    ids=["stride", "channels", "keypoints", "mask", "xyz"],
)
def test_a_set_that_lacks_what_a_network_needs_is_refused_before_torch_is_loaded(
    small_set: Path, needs: dict[str, object], line: str
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LATE, str(small_set), repr(needs)],
        cwd=HOME,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert told.startswith(str(small_set))
    assert told.endswith(f": {line}\n")
    assert not Path(f"{small_set}-run").exists()


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (
            "toy-points",
            lambda d: d._replace(points=d.points.mean(0, keepdim=True)),
            r"points: shape \(1, 21, 2\)",
        ),
        ("toy-points", lambda d: d._replace(points=d.points.mT), r"points: shape \(3, 2, 21\)"),
        ("toy-points", lambda d: d._replace(scores=d.points[:1, :, 0]), r"scores: shape \(1, 21\)"),
        (
            "toy-points",
            lambda d: d._replace(points=d.points.numpy()),
            "points: a ndarray; allowed: a tensor",
        ),
        ("toy-points", lambda d: d._replace(points=None), "points: None; allowed: a tensor, as its row says"),
        ("toy-mask", lambda d: Decoded(), "mask: None; allowed: a tensor, as its row says"),
        ("toy-points", lambda d: d.points, "a Tensor; allowed: a Decoded"),
        ("toy-mask", lambda d: d._replace(mask=d.mask[:, None]), r"mask: shape \(3, 1, 64, 64\)"),
    ],
)
def test_what_a_network_decodes_against_the_contract_is_told_by_its_name(
    kind: str, change: Callable[[Decoded], object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = table.load(kind)(
        Spec(64, 1, 21, {"toy-points": "l1"}.get(kind, "cross_entropy")), **OPTIONS[kind]
    )
    right = network.decode
    monkeypatch.setattr(network, "decode", lambda outputs: change(right(outputs)))
    with pytest.raises(InputError, match=rf"^network tests.toy_networks:\w+: decode: {told}"):
        inference.predict(network, np.zeros((3, 64, 64), np.uint8))


def test_a_network_that_gives_one_row_for_all_images_is_told_in_training_and_prediction(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, kind = tmp_path / "run", table.load("toy-points")
    train(small_set, run, "toy-points", TrainOptions(epochs=1, batch=4), quiet=True)
    right = kind.decode
    one = lambda self, outputs: right(self, outputs[:1])  # noqa: E731
    monkeypatch.setattr(kind, "decode", one)
    new = [
        "train",
        str(small_set),
        "--network",
        "toy-points",
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "new"),
    ]
    for line in (new, ["evaluate", str(run), str(small_set)]):
        assert cli.main([*line, "--quiet"]) == 2
        told = capsys.readouterr().err
        assert "network tests.toy_networks:Regressor: decode: points: shape (1, 21, 2) for 3 images" in told


def test_a_loss_that_is_no_scalar_is_told_by_the_networks_name(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table.load("toy-points"), "loss", lambda self, outputs, *_: outputs.mean((1, 2)))
    line = [
        "train",
        str(small_set),
        "--network",
        "toy-points",
        "--batch",
        "4",
        "--out",
        str(tmp_path / "run"),
    ]
    assert cli.main([*line, "--quiet"]) == 2
    told = "network tests.toy_networks:Regressor: loss: shape (4,); allowed: a scalar"
    assert told in capsys.readouterr().err


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import sys; from curate import cli; cli.build_parser('train'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=HOME, check=True)


def test_help_lists_the_networks_and_an_unknown_one_is_refused(
    small_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    told = capsys.readouterr().out
    for name, row in table.TABLE.items():
        assert f"\n  {name} " in told
        assert row.says in told
    assert cli.main(["train", str(small_set), "--network", "toy", "--out", str(tmp_path / "run")]) == 2
    assert f"curate train: --network: 'toy'; allowed: {', '.join(table.TABLE)}" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (None, "does not describe a network"),
        ({"name": "resnet"}, r"network.name: 'resnet'; allowed: .*toy-points, toy-mask, toy-maps"),
        ({"name": ["toy-points"]}, "does not describe a network"),
        ({"width": "wide"}, "does not describe a network"),
        ({"width": 10**15}, "does not describe a network"),
        ({"width": 10**7}, "1,090 million weights; at most 250 million"),
        ({"size": -32}, "does not describe a network"),
        ({"size": True}, "does not describe a network"),
        ({"loss": "hinge"}, "does not describe a network"),
        ({"depth": 3}, "does not describe a network"),
        ({"width": 4}, "no weights of this network"),
    ],
)
def test_a_run_that_describes_no_network_is_refused(
    make_run: Callable[..., Path], described: dict[str, object] | None, message: str
) -> None:
    root = make_run(size=32)
    info = json.loads((root / "run.json").read_text())
    info["network"] = described if described is None else info["network"] | described
    (root / "run.json").write_text(json.dumps(info))
    with pytest.raises(SchemaError, match=message):
        open_run(root)
