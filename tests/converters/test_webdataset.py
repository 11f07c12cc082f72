"""WebDataset: a sample's files side by side in one tar, and the same bytes every time."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from converters import webdataset
from curate.data.dataset import Dataset


def members(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """The files of each tar in order, as name and content."""
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found[path.name] = [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    return found


def grouped(files: list[tuple[str, bytes]]) -> dict[str, dict[str, Any]]:
    """As webdataset groups them: by what stands before the first dot, as long as it stays the same."""
    samples: dict[str, dict[str, Any]] = {}
    last = ""
    for name, data in files:
        key, _, kind = name.partition(".")
        assert key == last or key not in samples, "a sample lies in two places"
        last = key
        samples.setdefault(key, {})[kind] = data
    return samples


def test_every_field_and_file_comes_back(varied: Dataset, tmp_path: Path) -> None:
    assert webdataset.write(varied, tmp_path) == {"sample without a split, put into train": 1}
    shards = members(tmp_path)
    assert list(shards) == ["test-000000.tar", "train-000000.tar", "val-000000.tar"]
    found = {}
    for files in shards.values():
        for sample in grouped(files).values():
            told = json.loads(sample["json"])
            found[told["sample_id"]] = told, sample
    assert len(found) == 8
    for sample in varied:
        told, packed = found[sample.sample_id]
        points = np.array(told["keypoints"], np.float32)
        assert np.array_equal(points, sample.keypoints, equal_nan=True)
        assert told["visibility"] == sample.visibility.tolist()
        assert told.get("side") == sample.side
        assert told.get("attrs", {}) == sample.attrs
        for name in ("xyz", "K", "bbox", "keypoint_scores"):
            before = getattr(sample, name)
            assert (name in told) == (before is not None)
            assert before is None or np.array_equal(np.array(told[name], before.dtype), before)
        for kind, ref in (("png", sample.image), ("mask.png", sample.mask), ("depth.png", sample.depth)):
            assert packed.get(kind) == (ref and (varied.root / ref).read_bytes())


def test_the_bytes_tell_of_nobody_and_no_time(varied: Dataset, tmp_path: Path) -> None:
    for turn in ("a", "b"):
        webdataset.write(varied, tmp_path / turn)
    for path in (tmp_path / "a").glob("*.tar"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        with tarfile.open(path) as tar:
            assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in tar} == {(0, 0, 0, "", "")}
