"""What the weights that a training begins with have learnt stays known."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from curate import cli
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.evaluate import Evaluation, evaluate
from curate.options.train import TrainOptions
from curate.train import train
from curate.training.card import card
from curate.training.epoch_end import EpochEnd
from curate.training.run import open_run

MakeSet = Callable[..., Path]


def names(*letters: str) -> list[str]:
    """Two sample ids a letter."""
    return [f"{letter}/{number}" for letter in letters for number in range(2)]


def trained(training_set: Path, out: Path, start: Path | None = None, *, epochs: int = 1) -> Path:
    options = TrainOptions(epochs=epochs, batch=2, start=start)
    train(training_set, out, "toy-points", options, quiet=True)
    return out


@pytest.fixture(scope="module")
def sets(make_set: MakeSet) -> dict[str, Path]:
    """Sets of which the first two samples are of split train, by their letters."""
    made = {}
    for letters in ("ab", "bc", "cd", "ea", "ed", "ef"):
        splits = ["train", "train", "test", "test"]
        made[letters] = make_set(splits, size=32, keypoints=21, ids=names(*letters))
    return made


@pytest.fixture(scope="module")
def third(sets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on c, that began with one on b, that began with one on a."""
    root = tmp_path_factory.mktemp("runs")
    first = trained(sets["ab"], root / "first")
    second = trained(sets["bc"], root / "second", first / "weights.pt")
    return trained(sets["cd"], root / "third", second / "weights.pt")


def evaluated(run: Path, training_set: Path, out: Path) -> Evaluation:
    return evaluate(run, training_set, out, quiet=True)


def test_what_was_learnt_over_several_starts_is_known_to_an_evaluation(
    third: Path, sets: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(third, sets["ea"], tmp_path / "a")
    assert found.seen == {"samples": 2, "photographs": 2, "subjects": 0, "clips": 0}
    assert not found.fair
    assert "these figures flatter the run: it was trained on 2 samples, 2 photographs" in str(found)
    assert evaluated(third, sets["ed"], tmp_path / "d").fair
    assert "known" not in str(evaluated(third, sets["ed"], tmp_path / "d"))
    line = ["evaluate", str(third), str(sets["ab"]), "--out", str(tmp_path / "b")]
    assert cli.main(line) == 1
    assert "flatter" in capsys.readouterr().err


def test_run_json_and_the_card_tell_of_all_starts(third: Path) -> None:
    info = json.loads((third / "run.json").read_text())
    told = [(start["name"], start["trained_on"]) for start in info["starts"]]
    assert told == [("first/weights.pt", "counted"), ("second/weights.pt", "counted")]
    assert info["starts"][1]["sha256"] == info["config"]["start"]
    assert info["data"]["samples"] == 6
    assert info["data"]["sources"] == {"drawn": 6}
    text = card(open_run(third))
    assert "\n6 samples.\n" in text
    assert "Training began with weights that had been trained before, in this order:" in text
    assert "- `first/weights.pt`: what these were trained on is included above.\n" in text
    assert "not known**" not in text


def test_of_a_file_that_nothing_lies_beside_it_is_told_that_it_is_not_known(
    third: Path, sets: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copy(third / "weights.pt", tmp_path / "alone.pt")
    begun = trained(sets["ef"], tmp_path / "run", tmp_path / "alone.pt")
    further = trained(sets["cd"], tmp_path / "further", begun / "weights.pt")
    for run in (begun, further):
        found = evaluated(run, sets["ea"], tmp_path / f"of-{run.name}")
        assert found.fair
        line = "it is not known what its first weights were trained on: alone.pt"
        assert line in str(found)
        assert found.as_json()["first_weights_not_known"] == ["alone.pt"]
    evaluate(further, sets["ea"], quiet=True)
    text = card(open_run(further))
    assert "- `alone.pt`: **what these were trained on is not known**, nor under which licences." in text
    assert "- `run/weights.pt`: what these were trained on is included above." in text
    assert "- It is not known whether its first weights were trained on some of these." in text
    assert "There may be others: it is not known what its first weights were trained on." in text


def test_a_killed_training_ends_with_the_same_bytes(
    third: Path, sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: EpochEnd, *given: object) -> None:
        if self.history:
            raise KeyboardInterrupt
        begin(self, *given)  # type: ignore[arg-type]

    begin, start = EpochEnd.on_train_epoch_start, third / "weights.pt"
    whole = trained(sets["ef"], tmp_path / "whole", start, epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(EpochEnd, "on_train_epoch_start", stopped)
        with pytest.raises(KeyboardInterrupt):
            trained(sets["ef"], tmp_path / "killed", start, epochs=2)
    assert not (tmp_path / "killed/weights.pt").exists()
    killed = trained(sets["ef"], tmp_path / "killed", start, epochs=2)
    for name in ("run.json", "trained_on.json", "weights.pt", "epochs.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    # What lies beside the first weights is part of what is asked for; where they lie is not.
    moved = shutil.copytree(third, tmp_path / "moved")
    trained(sets["ef"], killed, moved / "weights.pt", epochs=2)
    (moved / "trained_on.json").unlink()
    with pytest.raises(ConfigChanged, match="start_trained_on changed"):
        trained(sets["ef"], killed, moved / "weights.pt", epochs=2)


def test_what_is_refused_writes_nothing(third: Path, sets: dict[str, Path], tmp_path: Path) -> None:
    broken = shutil.copytree(third, tmp_path / "broken")
    (broken / "trained_on.json").write_text("{}")
    with pytest.raises(SchemaError, match=r"trained_on\.json: does not parse"):
        trained(sets["ef"], tmp_path / "run", broken / "weights.pt")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten_by_what_begins_with_it(
    third: Path, sets: dict[str, Path], tmp_path: Path
) -> None:
    own = shutil.copytree(third, tmp_path / "own")
    options = TrainOptions(epochs=1, start=own / "weights.pt")
    with pytest.raises(InputError, match="the folder that is read"):
        train(sets["ef"], own, "toy-points", options, overwrite=True, quiet=True)
    assert (own / "weights.pt").read_bytes() == (third / "weights.pt").read_bytes()


def test_a_loss_that_is_no_number_ends_the_training(
    third: Path, sets: dict[str, Path], tmp_path: Path
) -> None:
    spoilt = torch.load(third / "weights.pt")
    spoilt |= {name: value * math.nan for name, value in spoilt.items() if value.is_floating_point()}
    torch.save(spoilt, tmp_path / "spoilt.pt")
    with pytest.raises(InputError, match="run: epoch 1: a loss of nan; begin with other weights"):
        trained(sets["ef"], tmp_path / "run", tmp_path / "spoilt.pt")
    assert not (tmp_path / "run" / "weights.pt").exists()
