"""Predictions for QA: by whom, of whom, and again after a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import ConfigChanged, InputError
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.predictions import read_predictions
from curate.data.sample import to_batch
from curate.options.residuals import ResidualOptions
from curate.options.train import TrainOptions
from curate.residuals import predict_unseen
from curate.train import train
from curate.training import fit
from curate.training.trained_on import seen_in_training

THREE = ResidualOptions(crossfit=3, network="toy-points", epochs=2)


@pytest.fixture
def people(make_set: Callable[..., Path]) -> Path:
    """A training set of six people with three hands each; the last two people are in the test split."""
    root = make_set(["train"] * 12 + ["test"] * 6, size=32)
    samples = list(Dataset(root))
    for number, sample in enumerate(samples):
        sample.subject_id = f"p{number // 3}"
    info = Dataset(root).info
    write_table(root, [to_batch(samples)])
    write_info(root, {name: info[name] for name in ("samples", "history", "training")})
    return root


def test_each_is_predicted_by_a_network_of_others(people: Path, tmp_path: Path) -> None:
    found = predict_unseen([people], tmp_path / "out", THREE, quiet=True)
    said = read_predictions(found.predictions)
    assert (found.samples, found.judged) == (18, 18)
    assert sorted(said.sample_ids) == sorted(sample.sample_id for sample in Dataset(people))
    trained_on = []
    for number in (1, 2, 3):
        run = tmp_path / "out" / f"fold-{number}"
        splits = [seen_in_training(run, Dataset(people), split) for split in ("train", "test")]
        trained_on.append(sum(split["samples"] for split in splits if split))
        assert sum(split["subjects"] for split in splits if split) == 4  # of six
    assert trained_on == [12, 12, 12]
    assert predict_unseen([people], tmp_path / "out", THREE, quiet=True).reused
    with pytest.raises(ConfigChanged, match="epochs was 2, now 3"):
        predict_unseen(
            [people], tmp_path / "out", ResidualOptions(crossfit=3, network="toy-points", epochs=3)
        )


def test_a_killed_one_goes_on_and_gives_the_same_bytes(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict_unseen([people], tmp_path / "whole", THREE, quiet=True)
    fill, done = fit.fill, []

    def killed(folder: Path, *args: object, **options: object) -> object:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(folder)
        return fill(folder, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fit, "fill", killed)
    with pytest.raises(KeyboardInterrupt):
        predict_unseen([people], tmp_path / "out", THREE, quiet=True)
    monkeypatch.setattr(fit, "fill", fill)
    first = (tmp_path / "out/fold-1/weights.pt").stat().st_mtime_ns
    again = predict_unseen([people], tmp_path / "out", THREE, quiet=True)
    assert again.predictions.read_bytes() == whole.predictions.read_bytes()
    assert (tmp_path / "out/fold-1/weights.pt").stat().st_mtime_ns == first


def test_a_run_is_asked_about_new_people_alone(people: Path, tmp_path: Path) -> None:
    train(people, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True)
    found = predict_unseen([people], tmp_path / "out", ResidualOptions(run=tmp_path / "run"), quiet=True)
    assert (found.samples, found.judged) == (18, 6)
    assert "12 were trained on" in str(found)
    said = read_predictions(found.predictions)
    assert set(said.sample_ids) == {s.sample_id for s in Dataset(people) if s.split == "test"}


def test_a_run_that_saw_all_of_them_is_refused(
    people: Path, tmp_path: Path, make_run: Callable[..., Path], make_set: Callable[..., Path]
) -> None:
    train(people, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True)
    (tmp_path / "run/trained_on.json").unlink()
    asked = ResidualOptions(run=tmp_path / "run")
    with pytest.raises(InputError, match="does not say whom it was trained on"):
        predict_unseen([people], tmp_path / "out", asked, quiet=True)
    seen = make_set(["train"] * 4, size=32)
    train(seen, tmp_path / "all", "toy-points", TrainOptions(epochs=1), quiet=True)
    with pytest.raises(InputError, match="trained on all of 4 samples"):
        predict_unseen([seen], tmp_path / "out2", ResidualOptions(run=tmp_path / "all"), quiet=True)


def test_datasets_are_cut_out_first(drawn_dataset: Path, tmp_path: Path) -> None:
    asked = ResidualOptions(crossfit=2, network="toy-points", epochs=1)
    found = predict_unseen(str(drawn_dataset), tmp_path / "out", asked, quiet=True)
    assert (found.samples, found.judged) == (24, 24)
    said = read_predictions(found.predictions)
    assert set(said.sample_ids) == {sample.sample_id for sample in Dataset(drawn_dataset)}
    assert np.isfinite(said.predicted[:, 1:]).all()


def test_what_cannot_be_asked_is_refused(people: Path, drawn_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both or neither"):
        predict_unseen([people], tmp_path / "out", ResidualOptions())
    for run in (None, tmp_path / "run"):
        for idle in ({"network": "heads"}, {"epochs": 2}):
            (name, value), *_ = idle.items()
            with pytest.raises(InputError, match=f"--{name}: {value}, without --crossfit; leave it out"):
                predict_unseen([people], tmp_path / "out", ResidualOptions(run=run, **idle))
    with pytest.raises(InputError, match="datasets: none given; allowed: one or more dataset folders"):
        predict_unseen([], tmp_path / "out", THREE)
    with pytest.raises(InputError, match="several training sets"):
        predict_unseen([people, drawn_dataset], tmp_path / "out", THREE)
    with pytest.raises(InputError, match="6 people, or photographs"):
        predict_unseen([people], tmp_path / "out", ResidualOptions(crossfit=7, network="toy-points"))
