"""Hugging Face: Parquet that tells `datasets` what is in it, and a card that a stranger can read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from converters import hf
from curate.basics import images
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.sample import SCHEMA, Sample, to_batch
from curate.data.stage import Stage

FILES = ("image", "mask", "depth")


def rows_of(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted((folder / "data").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_every_field_and_file_comes_back(varied: Dataset, tmp_path: Path) -> None:
    counts = hf.write(varied, tmp_path)
    assert counts == {"sample without a split, put into train": 1}
    found = {row["sample_id"]: row for row in rows_of(tmp_path)}
    stored = varied.table().to_pylist()
    assert len(found) == len(stored)
    for sample in stored:
        row = found[sample["sample_id"]]
        for name in SCHEMA.names:
            if name in FILES:
                path = sample[name] and varied.root / sample[name]
                assert (row.get(name) and row[name]["bytes"]) == (path and path.read_bytes())
            elif name != "split":
                assert row.get(name) == sample[name], name


def test_the_files_are_called_by_their_split(varied: Dataset, tmp_path: Path) -> None:
    hf.write(varied, tmp_path)
    found = {path.name: pq.read_metadata(path).num_rows for path in (tmp_path / "data").iterdir()}
    assert found == {
        "test-00000-of-00001.parquet": 2,
        "train-00000-of-00001.parquet": 4,
        "validation-00000-of-00001.parquet": 2,
    }


def test_the_files_say_what_their_columns_are(varied: Dataset, tmp_path: Path) -> None:
    hf.write(varied, tmp_path)
    schema = pq.read_schema(tmp_path / "data" / "test-00000-of-00001.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["image"] == features["mask"] == {"_type": "Image"}
    assert features["keypoints"] == {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
    assert features["side"] == {"dtype": "string", "_type": "Value"}
    assert "tilt" not in features


def test_the_card_tells_splits_licence_and_columns(varied: Dataset, tmp_path: Path) -> None:
    hf.write(varied, tmp_path)
    _, head, body = (tmp_path / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    assert card["license"] == "cc-by-4.0"
    assert card["task_categories"] == ["keypoint-detection"]
    assert card["size_categories"] == ["n<1K"]
    assert [entry["split"] for entry in card["configs"][0]["data_files"]] == ["train", "validation", "test"]
    assert "8 hands, each with up to 21 keypoints" in body
    assert "| validation | 2 | 1 |" in body
    assert "0 wrist, 1 thumb_cmc" in body
    assert images.read(tmp_path / "preview.webp").shape[2] == 3


def _work(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


def photographs(root: Path, count: int, source: str = "shoot") -> Dataset:
    """Photographs of about 0.3 MB each: noise does not compress."""
    rng = np.random.default_rng(1)
    samples = []
    for i in range(count):
        images.write(root.parent / f"photos/{i}.png", rng.integers(0, 255, (320, 320, 3), np.uint8))
        samples.append(Sample(f"{source}/{i}", source, f"../photos/{i}.png", 320, 320, licence="my own: ---"))
    Stage("made", root, {}, quiet=True).run([samples], _work)
    return Dataset(root)


def test_a_shard_ends_where_it_is_full(tmp_path: Path) -> None:
    dataset = photographs(tmp_path / "data", 9)
    hf.write(dataset, tmp_path / "out", shard_mb=1)
    shards = sorted((tmp_path / "out" / "data").iterdir())
    assert [path.name for path in shards] == [f"train-{i:05d}-of-00003.parquet" for i in range(3)]
    assert [pq.read_metadata(path).num_rows for path in shards] == [4, 4, 1]
    assert [row["sample_id"] for row in rows_of(tmp_path / "out")] == [f"shoot/{i}" for i in range(9)]


def test_a_photograph_that_is_gone_is_left_out_and_counted(tmp_path: Path) -> None:
    dataset = photographs(tmp_path / "data", 3)
    (tmp_path / "photos" / "1.png").unlink()
    counts = hf.write(dataset, tmp_path / "out")
    assert counts[LEFT_OUT + "sample whose image is missing or unreadable"] == 1
    assert [row["sample_id"] for row in rows_of(tmp_path / "out")] == ["shoot/0", "shoot/2"]


def test_names_of_a_stranger_break_no_card(tmp_path: Path) -> None:
    dataset = photographs(tmp_path / "data", 1, source="x\n---\nlicense: mit\n# <script>")
    hf.write(dataset, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    card = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert card["license"] == "other"
    assert "<script>" not in text.replace("\\<", "").replace("\\>", "")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bytes_are_settled(varied: Dataset, tmp_path: Path, workers: int) -> None:
    from curate.basics.engine import Local

    sums = []
    for turn in ("a", "b"):
        hf.write(varied, tmp_path / turn, Local(workers))
        paths = sorted(p for p in (tmp_path / turn).rglob("*.*") if p.suffix in (".parquet", ".md"))
        sums.append(Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
    assert sums[0] == sums[1]
