"""Labels that come back from another tool: on the samples of their ids, in their pictures, or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qa_sets import save

from curate.basics import images
from curate.basics.errors import InputError
from curate.cli import main
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from qa.review.decisions import read_decisions
from qa.review.taken_back import TakenBack, take_back


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    """Three samples, each with a picture of its own."""
    root, samples = tmp_path / "hands", []
    for number in range(3):
        picture = np.full((40, 60, 3), 60 * number + 20, np.uint8)
        images.write(root / f"images/{number}.png", picture)
        points = np.arange(42, dtype=np.float32).reshape(21, 2)
        seen = np.full(21, 2, np.uint8)
        samples.append(
            Sample(f"s/{number}", "s", f"images/{number}.png", 60, 40, keypoints=points, visibility=seen)
        )
    return save(root, samples)


def returned(hands: Path) -> list[Sample]:
    """The samples as a converter gives them: their pictures by absolute paths."""
    return [replace(sample, image=str(hands / sample.image)) for sample in Dataset(hands)]


def take(
    hands: Path, samples: Sequence[Sample], part: Part | None = None, *, overwrite: bool = False
) -> TakenBack:
    told = part or Part(to_batch([]))
    told.batch = to_batch(list(samples))
    return take_back(hands, [told], hands.parent / "labels", hands.parent / "out")


def test_what_a_tool_rounds_is_no_correction(hands: Path) -> None:
    samples = returned(hands)
    samples[0].keypoints += np.float32(0.005)
    samples[1].keypoints[3] += np.float32(0.02)
    done = take(hands, samples)
    assert (done.samples, done.found, done.corrected, done.refused) == (3, 3, ("s/1",), ())
    (decision,) = read_decisions(done.out / "decisions.jsonl")
    assert decision.patch is not None
    assert list(decision.patch.points or {}) == ["thumb_ip"]


def test_a_correction_has_the_time_at_which_its_labels_were_saved(hands: Path) -> None:
    (hands.parent / "labels").mkdir()
    for name, when in (("a.xml", 1_700_000_000), ("b.xml", 1_600_000_000)):
        (hands.parent / "labels" / name).touch()
        os.utime(hands.parent / "labels" / name, (when, when))
    samples = returned(hands)
    samples[1].keypoints[3] += np.float32(2)
    (decision,) = read_decisions(take(hands, samples).out / "decisions.jsonl")
    assert decision.ts == "2023-11-14T22:13:20.000Z"


def test_labels_of_no_sample_and_what_could_not_be_read_are_told(hands: Path) -> None:
    part = Part(to_batch([]), quarantine=[("a.xml: b", "no image 'b'")])
    part.dropped["unknown label 'wirst'"] = 2
    one = returned(hands)[0]
    done = take(hands, [one, replace(one, sample_id="cvat/new")], part)
    assert (done.found, done.corrected) == (1, ())
    assert done.refused == (
        ("a.xml: b", "no image 'b'"),
        ("labels", "2 x unknown label 'wirst'"),
        ("cvat/new", "no sample of this id in the dataset"),
    )
    assert "left as they are: 2 samples" in str(done)


def test_a_label_in_another_picture_is_refused(hands: Path, tmp_path: Path) -> None:
    images.write(tmp_path / "small.png", np.zeros((20, 60, 3), np.uint8))
    samples = returned(hands)
    for sample, image in zip(
        samples, (samples[1].image, tmp_path / "small.png", tmp_path / "gone.png"), strict=True
    ):
        sample.image = str(image)
        sample.keypoints += np.float32(3)
    done = take(hands, samples)
    assert done.corrected == ()
    whys = dict(done.refused)
    assert whys["s/0"] == "its picture is another one"
    assert whys["s/1"] == "its picture is another one: 60 x 40 and 60 x 20 pixels"
    assert whys["s/2"].startswith("its picture cannot be read: ")


def test_a_picture_that_was_written_anew_is_the_same(hands: Path, tmp_path: Path) -> None:
    samples = returned(hands)
    images.write(tmp_path / "0.jpg", images.read(samples[0].image))
    samples[0].image = str(tmp_path / "0.jpg")
    samples[0].keypoints += np.float32(3)
    assert take(hands, samples).corrected == ("s/0",)


def test_labels_of_another_dataset_are_refused(hands: Path) -> None:
    stranger = replace(returned(hands)[0], sample_id="other/1")
    with pytest.raises(InputError, match=r"labels of none of its samples, such as 'other/1'; give"):
        take(hands, [stranger])


def test_the_same_call_reads_the_labels_again(hands: Path) -> None:
    samples = returned(hands)
    assert take(hands, samples).corrected == ()
    samples[2].side = "left"
    assert take(hands, samples).corrected == ("s/2",)
    (hands.parent / "out" / "decisions.jsonl").unlink()
    assert take(hands, samples).corrected == ("s/2",)


def test_a_folder_of_somebody_else_is_not_written_to(hands: Path) -> None:
    (hands.parent / "out").mkdir()
    (hands.parent / "out" / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match="a folder with other files in it"):
        take(hands, returned(hands))


@pytest.mark.parametrize("gone", ["labels", "images"])
def test_a_place_that_is_not_there_is_told(
    gone: str, hands: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in {"labels", "images"} - {gone}:
        (tmp_path / "sent" / name).mkdir(parents=True)
    places = [tmp_path / "sent/labels", "--images", tmp_path / "sent/images"]
    words = ["review", "take-back", "cvat", *places, "--dataset", hands, "--out", tmp_path / "back"]
    assert main(list(map(str, words))) == 2
    assert f"{gone}: no such file or folder\n" in capsys.readouterr().err
