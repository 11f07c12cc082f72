"""Evaluation: predictions first, metrics from them, and a page that is safe to open."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.basics.errors import InputError, SchemaError
from curate.data.predictions import Predictions, read_predictions
from curate.evaluate import evaluate, measure

MakePath = Callable[..., Path]

HOSTILE = [
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a&amp;b <b>\u202e",
    "x" * 500,
]


def four_points(errors: list[float], size: int = 96) -> Predictions:
    """One image whose thumb is off by the given errors, nothing else labelled."""
    truth = np.full((1, kp.COUNT, 2), np.nan, np.float32)
    predicted = np.zeros((1, kp.COUNT, 2), np.float32)
    visibility = np.zeros((1, kp.COUNT), np.uint8)
    for joint, error in enumerate(errors, start=1):
        truth[0, joint] = (30, 40)
        predicted[0, joint] = (30 + error, 40)
        visibility[0, joint] = kp.VISIBLE
    return Predictions(["one"], truth, visibility, predicted, np.ones((1, kp.COUNT), np.float32), size)


def test_figures_of_four_known_errors() -> None:
    figures = measure(four_points([4, 8, math.sqrt(200), 20]))
    assert figures["n"] == 1
    assert figures["points"] == 4
    assert figures["epe_mean"] == pytest.approx(11.5355339, abs=1e-5)
    assert figures["epe_median"] == pytest.approx((8 + math.sqrt(200)) / 2, abs=1e-5)
    assert figures["all_points_9px"] == 0
    assert figures["wrong_1_2_of_all"] == 1
    assert figures["wrong_1_2_of_failures"] == 1
    assert figures["pck"] == {"1": 0, "2": 0, "3": 0, "5": 0.25, "9": 0.5, "15": 0.75, "30": 1}
    errors = figures["per_keypoint_epe"]
    assert list(errors) == ["thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"]
    assert errors["thumb_tip"] == pytest.approx(20)
    assert "epe_mean_root_aligned" not in figures


def test_nine_pixels_grow_with_the_image() -> None:
    # 9 px at 96 px are 12 px at 128 px.
    assert measure(four_points([11.9], 96))["all_points_9px"] == 0
    figures = measure(four_points([11.9], 128))
    assert figures["right_within_px"] == 12
    assert figures["all_points_9px"] == 1
    assert figures["wrong_1_2_of_failures"] is None


def test_a_missing_prediction_is_wrong_but_has_no_distance() -> None:
    predictions = four_points([1, 3])
    predictions.predicted[0, 1] = np.nan
    figures = measure(predictions)
    assert figures["unpredicted"] == 1
    assert figures["epe_mean"] == pytest.approx(3)
    assert figures["all_points_9px"] == 0
    assert figures["pck"]["30"] == 0.5


def test_without_labels_every_figure_is_null_and_still_json() -> None:
    figures = measure(four_points([]))
    assert figures["n"] == 0
    assert figures["epe_mean"] is None
    assert figures["ap"] is None
    json.dumps(figures, allow_nan=False)


@pytest.fixture(scope="module")
def evaluated(make_run: MakePath, make_set: MakePath) -> Path:
    """An evaluation of an untrained network on a set whose names are hostile."""
    run = make_run(size=32)
    training_set = make_set(["test"] * 4 + ["train"], size=32, ids=[*HOSTILE, "plain"])
    return evaluate(run, training_set, quiet=True).out


def test_an_evaluation_leaves_predictions_metrics_and_a_page(evaluated: Path) -> None:
    assert evaluated.name == "evaluation-test"
    predictions = read_predictions(evaluated / "predictions.parquet")
    assert predictions.sample_ids == HOSTILE
    figures = json.loads((evaluated / "metrics.json").read_text())
    assert figures == {"split": "test", **measure(predictions)}
    assert figures["n"] == 4
    assert len(figures["per_keypoint_epe"]) == 20
    assert "wrist" not in figures["per_keypoint_epe"]


def test_hostile_names_stay_text_on_a_page_that_loads_nothing(evaluated: Path) -> None:
    page = (evaluated / "evaluation.html").read_text()
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Reader().feed(page)
    tags = {tag for tag, _ in seen}
    assert "script" not in tags
    assert "b" in tags
    assert not any(name.startswith("on") for _, attributes in seen for name in attributes)
    sources = [attributes["src"] for tag, attributes in seen if tag == "img"]
    assert len(sources) == 12
    assert all(source is not None and source.startswith("data:image/webp;base64,") for source in sources)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "&lt;script&gt;alert(1)" in page
    assert "x" * 200 not in page


def test_an_evaluation_is_the_same_bytes_each_time(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    run, training_set = make_run(size=32, keypoints=21), make_set(["test"] * 3, size=32)
    for name in ("a", "b"):
        evaluate(run, training_set, out=tmp_path / name, quiet=True)
    for name in ("predictions.parquet", "metrics.json", "evaluation.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    figures = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert len(figures["per_keypoint_epe"]) == 21
    assert figures["epe_mean_root_aligned"] > 0


def test_the_summary_names_the_split_and_the_page(make_run: MakePath, make_set: MakePath) -> None:
    result = evaluate(make_run(size=32), make_set(["val"] * 2, size=32), split="val", quiet=True)
    assert "2 images of split val, 32 px:" in str(result)
    assert str(result.out / "evaluation.html") in str(result)
    assert result.as_json()["out"] == str(result.out)
    json.dumps(result.as_json(), allow_nan=False)


def test_a_set_of_another_size_or_kind_is_refused(make_run: MakePath, make_set: MakePath) -> None:
    with pytest.raises(InputError, match=r"training.size: 64; allowed: 32, as the run was trained on"):
        evaluate(make_run(size=32), make_set(["test"], size=64), quiet=True)
    with pytest.raises(InputError, match=r"training.channels: 3; allowed: 1"):
        evaluate(make_run(size=32), make_set(["test"], size=32, channels=3), quiet=True)


def test_a_missing_split_is_refused_with_those_there(make_run: MakePath, make_set: MakePath) -> None:
    with pytest.raises(InputError, match="no sample of split 'val'; allowed: test, train"):
        evaluate(make_run(size=32), make_set(["test", "train"], size=32), split="val", quiet=True)


def test_a_folder_that_is_no_run_is_refused(make_set: MakePath, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"no run \(it holds no run.json\)"):
        evaluate(tmp_path, make_set(["test"], size=32), quiet=True)


def test_a_run_of_another_version_is_refused(make_run: MakePath, make_set: MakePath) -> None:
    run = make_run(size=32)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "version": 99}))
    with pytest.raises(SchemaError, match="version 99; allowed: 'hand-curate run' version 1"):
        evaluate(run, make_set(["test"], size=32), quiet=True)
