"""Runs as ONNX, read by onnxruntime, and the card beside them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from curate import cli
from curate.basics import keypoints as kp
from curate.basics.errors import ConfigChanged, CurateError
from curate.export_run import export_run
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks import table
from curate.networks.hand_shape import HandShape
from curate.networks.network import Spec
from curate.training.run import finish_run, open_run

SIZE = 64


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, SIZE, SIZE, 3) hands and their (count, 21, 2) keypoints."""
    rng = np.random.default_rng(7)
    each = [draw_hand(rng, Person.sample(rng), "right", width=SIZE, height=SIZE) for _ in range(count)]
    return np.stack([picture for picture, _ in each]), np.stack([points for _, points in each])


def hands(count: int, channels: int) -> np.ndarray:
    """(count, SIZE, SIZE[, 3]) drawn hands."""
    pictures, _ = drawn(count)
    return pictures if channels == 3 else pictures[..., 1]


def ask(model: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """What onnxruntime finds, by name."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    images = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {"images": images.astype(np.float32) / 255})
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("figure12", {}),
        ("posenet", {}),
        ("handseg", {}),
        ("heads", {"width": 0.25}),
        ("heads", {"width": 0.25, "head": "disks", "whole": True}),
        ("mobile", {"decoder": 64, "peaks": True}),
        ("toy-points", {}),
        ("toy-maps", {}),
    ],
)
def test_onnxruntime_finds_the_same(network: str, options: dict[str, object], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    torch.manual_seed(
        1
    )  # of 0 two peaks of a map are as high, and the number of threads decides between them
    kind = table.load(network)
    preset = next(iter(kind.presets.values()))
    spec = Spec(SIZE, 3, 21, preset.recipe.loss)
    chosen = {**preset.options, **options}
    confidence = {"temperature": 1.7, "split": "val", "points": 9, "within_px": 6.0}
    described = {"name": network, **asdict(spec), **chosen}
    made_for = kind(spec, **chosen)
    with torch.no_grad():  # or those with many normalisations would find the same in all images
        for _ in range(10):
            made_for(torch.from_numpy(hands(4, 3)).permute(0, 3, 1, 2) / 255)
    made_for.shape = HandShape.of(drawn(60)[1])
    finish_run(tmp_path, made_for, described, {"confidence": confidence})
    made = export_run(tmp_path, tmp_path / "model")
    pixels = hands(5, 3)
    theirs, ours = ask(made.out / "model.onnx", pixels), open_run(tmp_path).predict(pixels)
    assert tuple(theirs) == made.outputs
    if "points" in theirs:
        assert np.abs(theirs["points"] - ours.points).max() < 1e-3  # pixels
        assert np.abs(theirs["scores"] - ours.scores).max() < 1e-5
        assert len(np.unique(ours.points)) > 9  # not one answer to all
    if "mask" in theirs:
        assert np.abs(255 * theirs["mask"] - ours.masks).max() <= 0.51
    if "xyz" in theirs:
        assert np.abs(theirs["xyz"] - ours.xyz).max() < 1e-5


def test_what_onnx_cannot_say_is_told_in_one_line(tmp_path: Path) -> None:
    """Four by four means of two by two cells: the regression of `heads` on images of less than 128 px."""
    pytest.importorskip("onnx")
    spec = Spec(SIZE, 3, 21, "distributions")
    options = {"depth": 18, "width": 0.25, "head": "regression", "whole": False}
    described = {"name": "heads", **asdict(spec), **options}
    finish_run(tmp_path, table.load("heads")(spec, **options), described, {})
    with pytest.raises(CurateError, match="cannot be written as ONNX: Unsupported"):
        export_run(tmp_path, tmp_path / "model")


def test_a_run_of_20_keypoints_in_grey(make_run: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    root = make_run("toy-points", size=SIZE)
    out = tmp_path / "model"
    assert cli.main(["export", str(root), "--to", "onnx", "--out", str(out), "--quiet"]) == 0
    pixels = hands(2, 1)
    points = ask(out / "model.onnx", pixels)["points"]
    ours = open_run(root).predict(pixels).points[:, kp.subset(20)]
    np.testing.assert_allclose(points, ours, atol=1e-3)
    told = (out / "README.md").read_text()
    assert "pixels[None, None]" in told
    assert "None: the run's folder holds no evaluation" in told


def test_again_and_with_other_figures(make_run: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    root, out = make_run("toy-points", size=SIZE), tmp_path / "model"
    assert not export_run(root, out).reused
    written = (out / "model.onnx").read_bytes()
    assert export_run(root, out).reused
    figures = {"split": "test", "training_set": "set64", "seen_in_training": None, "n": 0}
    (root / "evaluation-test").mkdir()
    (root / "evaluation-test/metrics.json").write_text(json.dumps(figures))
    with pytest.raises(ConfigChanged):
        export_run(root, out)
    export_run(root, out, overwrite=True)
    assert (out / "model.onnx").read_bytes() == written
    assert "On 0 images of split test of the set set64:" in (out / "README.md").read_text()


def test_without_the_extra_it_says_what_to_install(
    make_run: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    root = make_run("toy-points", size=SIZE)
    assert cli.main(["export", str(root), "--to", "onnx", "--out", str(tmp_path / "model")]) == 2
    assert "pip install 'hand-curate[onnx]'" in capsys.readouterr().err


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["export", str(tmp_path), "--to", "onnx", "--out", str(tmp_path / "model")]
    assert cli.main(line) == 2
    assert "not the folder of a run: there is no run.json in it" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
