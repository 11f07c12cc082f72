"""A dataset as a sequence: by index, filtered, for torch, and as a notebook shows it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import curate.data.dataset
from curate.basics import images
from curate.basics.errors import InputError
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch

HOSTILE = "<script>alert(1)</script>\" onload='alert(2)"


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Ten hands in row groups of four, pictures of 8 x 6; every other one left, the last without points."""
    monkeypatch.setattr(curate.data.dataset, "ROWS", 4)
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[2, 3] = (255, 51, 0)
    images.write(tmp_path / "hands" / "a.png", pixels)
    samples = []
    for n in range(10):
        sample = Sample(f"s/{n}", "s", "a.png", 8, 6, ("left", "right")[n % 2], attrs={"age": n})
        if n < 9:
            sample.keypoints, sample.visibility = (
                np.full((21, 2), n / 2, np.float32),
                np.full(21, 2, np.uint8),
            )
        samples.append(sample)
    write_table(tmp_path / "hands", [to_batch(samples)])
    write_info(tmp_path / "hands", {"samples": 10})
    return Dataset(tmp_path / "hands")


def ids(samples: object) -> str:
    return "".join(sample.sample_id[2:] for sample in samples)  # type: ignore[attr-defined]


def test_by_index(hands: Dataset) -> None:
    assert len(hands) == 10
    assert [hands[n].sample_id for n in (0, 9, 4, -1, -10)] == ["s/0", "s/9", "s/4", "s/9", "s/0"]
    assert (ids(hands[2:9:3]), ids(hands[::-1]), len(hands[20:])) == ("258", "9876543210", 0)
    np.testing.assert_array_equal(hands[-4:][1].keypoints, np.full((21, 2), 3.5))
    for n in (10, -11):
        with pytest.raises(IndexError):
            hands[n]


def test_filtered_by_text_or_a_function(hands: Dataset) -> None:
    left = hands.filter("side == 'left'")
    assert (len(left), ids(left), left[1].sample_id) == (5, "02468", "s/2")
    assert ids(left.filter("age > 3").filter(lambda sample: sample.attrs["age"] < 8)) == "46"
    assert ids(hands.filter("labelled == 0")) == "9"
    assert ids(hands[:3].filter("side == 'left'")) == "02"
    with pytest.raises(InputError, match="'side ='"):
        hands.filter("side =")


def test_a_condition_on_what_no_sample_has_is_refused(hands: Dataset) -> None:
    with pytest.raises(InputError, match=r"no column or name in attrs 'sied'.*did you mean 'side'"):
        hands.filter("sied == 'left'")


def test_what_other_samples_alone_have_can_be_asked_for(tmp_path: Path) -> None:
    samples = [Sample(f"s/{n}", "s", "a.png", 8, 6, attrs={"ring": True} if n else {}) for n in range(2)]
    write_table(tmp_path, [to_batch(samples)])
    write_info(tmp_path, {"samples": 2})
    assert len(Dataset(tmp_path)[:1].filter("ring == 1")) == 0


def test_for_torch(hands: Dataset) -> None:
    from torch.utils.data import DataLoader

    examples = pickle.loads(pickle.dumps(hands.filter("age < 4").to_torch()))  # to a worker
    batches = list(DataLoader(examples, batch_size=2))
    assert [batch["sample_id"] for batch in batches] == [["s/0", "s/1"], ["s/2", "s/3"]]
    image = batches[0]["image"]
    assert tuple(image.shape) == (2, 3, 6, 8)
    np.testing.assert_allclose(image[0, :, 2, 3].numpy(), (1, 0.2, 0))
    assert batches[1]["keypoints"][1, 8].tolist() == [1.5, 1.5]
    assert batches[1]["visibility"].dtype.is_signed
    assert hands[9:].to_torch()[0]["visibility"].tolist() == [0] * 21
    only = hands.to_torch(lambda item: item["keypoints"][0, 0])
    assert (len(only), only[3]) == (10, 1.5)


def test_torch_is_not_imported(hands: Dataset) -> None:
    code = f"""
import sys, curate
curate.Dataset({str(hands.root)!r}).to_torch()[0]
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_notebook_shows_pictures_and_names_are_text(hands: Dataset) -> None:
    samples = list(hands)
    samples[0].sample_id, samples[1].image = HOSTILE, "missing.png"
    write_table(hands.root, [to_batch(samples)])
    write_info(hands.root, hands.info)
    root = ET.fromstring(Dataset(hands.root)._repr_html_())  # well formed
    assert "hands: 10 samples" in "".join(root.itertext())
    assert len(root.findall(".//image")) == 9
    assert [len(svg.findall("line")) for svg in root.iter("svg")] == [20] * 8 + [0]
    assert {node.tag for node in root.iter()} == {
        *("div", "p", "b", "figure", "figcaption", "svg", "image", "line", "circle")
    }
    assert {name for node in root.iter() for name in node.attrib if name.startswith("on")} == set()
    assert root.find(".//figcaption").get("title") == HOSTILE  # type: ignore[union-attr]
    assert "cannot be read" in "".join(root.itertext())


@pytest.mark.parametrize("index", [[1, 2], "1", 1.0, None, (1, 2)])
def test_what_is_no_index_is_told(hands: Dataset, index: object) -> None:
    with pytest.raises(TypeError, match=r"a whole number or a slice, not .*; several rows: Dataset\.take"):
        hands.samples()[index]
    assert [sample.sample_id for sample in hands.take([1, 2])] == ["s/1", "s/2"]
    assert hands[np.int64(2)].sample_id == "s/2"


@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_batches_of_no_rows_are_refused(hands: Dataset, size: object) -> None:
    for read in (hands.batches, hands.rows):
        with pytest.raises(InputError, match=r"size: .*; allowed: a whole number, 1 or more"):
            list(read(size))
