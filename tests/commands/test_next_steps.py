"""What a command says to do next, where its output alone does not tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate import cli
from curate.data.sample import Sample


def test_qa_leads_to_the_review_of_a_dataset_and_labelme_to_its_files(
    store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qa, review = tmp_path / "qa", tmp_path / "review"
    spoilt = Sample(
        "s/0",
        "s",
        "0.png",
        64,
        64,
        keypoints=np.zeros((21, 2), np.float32),
        visibility=np.full(21, 2, np.uint8),
    )
    data = store(tmp_path / "d", [spoilt], {"0.png": np.full((64, 64, 3), 90, np.uint8)})
    assert cli.main(["qa", str(data), "--out", str(qa)]) == 1
    told = capsys.readouterr().err
    assert f"next: curate review build {data} --qa {qa} --out REVIEW\n" in told
    opens = ["review", "open-labelme", str(data), "--all", "--no-open", "--out", str(review)]
    assert cli.main(opens) == 0
    told = f"next: correct what is in {review / 'labels'} with Labelme, and give the same command again\n"
    assert told in capsys.readouterr().err


def test_a_training_leads_to_its_evaluation(
    drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, run = tmp_path / "set", tmp_path / "run"
    assert cli.main(["build", str(drawn_dataset), "--size", "32", "--out", str(made)]) == 0
    cli.main(["qa", str(made), "--out", str(tmp_path / "qa"), "--fail-on", "never", "--overwrite"])
    assert "next: curate review" not in capsys.readouterr().err  # a training set is not reviewed itself
    assert cli.main(["train-baseline", str(made), "--epochs", "1", "--out", str(run)]) == 0
    assert f"next: curate evaluate {run} {made}\n" in capsys.readouterr().err


def test_a_new_background_leads_to_crops_by_the_mask_that_was_made(
    drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "noise"
    assert cli.main(["background", str(drawn_dataset), "--backgrounds", "noise", "--out", str(out)]) == 0
    assert f"next: curate crop {out} --by mask --out CROPS\n" in capsys.readouterr().err
