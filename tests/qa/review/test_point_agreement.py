"""Two annotators' points by hand: distances in hand sizes, kappa on visibility, and what both agree on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qa_sets import save
from review_pages import hand

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.cli import main
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from qa.review import pairs
from qa.review.apply import apply_decisions
from qa.review.consensus import consensus
from qa.review.decisions import Decision, Patch, as_jsonl, pixel_state, sample_sha
from qa.review.point_agreement import point_agreement

# A hand of 100 px: the box around its points is 100 x 40.
POINTS = np.array([[5.0 * k, 2.0 * k] for k in range(21)], np.float32)
WRIST, THUMB_TIP, INDEX_TIP, RING_TIP = (
    kp.INDEX[name] for name in ("wrist", "thumb_tip", "index_tip", "ring_tip")
)


@pytest.fixture
def ann(tmp_path: Path) -> list[Sample]:
    """Four hands as Ann labelled them, saved as by-ann."""
    samples = [hand(tmp_path / "by-ann", i, POINTS.copy()) for i in range(4)]
    save(tmp_path / "by-ann", samples)
    return samples


@pytest.fixture
def bob(tmp_path: Path, ann: list[Sample]) -> list[Sample]:
    """The same by Bob: index tips 10 px off, thumb tips 2 px; two wrists hidden, one ring tip missing."""
    samples = [hand(tmp_path / "by-bob", i, POINTS.copy()) for i in range(4)]
    for i, sample in enumerate(samples):
        sample.keypoints[INDEX_TIP] += (6, 8)
        sample.keypoints[THUMB_TIP] += (0, 2)
        sample.visibility[WRIST] = 1 if i < 2 else 2
    samples[3].keypoints[RING_TIP], samples[3].visibility[RING_TIP] = np.nan, 0
    save(tmp_path / "by-bob", samples)
    return samples


def test_distances_and_kappa_by_hand(ann: list[Sample], bob: list[Sample]) -> None:
    found = point_agreement(ann, bob)
    tip = found.keypoints["index_tip"]
    assert (tip.both, tip.pixels, tip.alike, tip.kappa) == (
        4,
        10,
        1,
        None,
    )  # all say visible: chance does too
    assert tip.median == pytest.approx(0.1)
    assert found.keypoints["thumb_tip"].median == pytest.approx(0.02)
    ring = found.keypoints["ring_tip"]
    assert (ring.both, ring.median, ring.alike) == (3, 0, 0.75)
    # Ann calls 4 wrists visible, Bob 2: they agree on half, as they would by chance.
    assert (found.keypoints["wrist"].alike, found.keypoints["wrist"].kappa) == (0.5, 0)
    assert found.all.both == 83
    # 81 of 84 alike; by chance 84 * 81 of 84^2, as Ann calls all visible and Bob 81.
    assert found.all.alike == pytest.approx(81 / 84)
    assert found.all.kappa == 0
    assert [(sample, name) for sample, name, _ in found.apart[:4]] == [
        (f"s/{i}", "index_tip") for i in (3, 2, 1, 0)
    ]


def test_what_two_agree_on_is_put_in_the_middle(tmp_path: Path, ann: list[Sample], bob: list[Sample]) -> None:
    bob[2].side = "left"
    save(tmp_path / "by-bob", bob)
    compared = pairs.of_labels(tmp_path / "by-ann", tmp_path / "by-bob", quiet=True)
    merged = consensus(compared, 0.05)
    assert merged.counts == {"fix": 1, "patch": 3}  # left and right: someone has to look
    assert merged.disputed == [
        *((f"s/{i}", "index_tip") for i in (0, 1)),
        ("s/3", "index_tip"),
        ("s/3", "ring_tip"),
    ]
    (tmp_path / "both.jsonl").write_bytes(as_jsonl(merged.decisions))
    applied = apply_decisions(tmp_path / "by-ann", tmp_path / "both.jsonl", tmp_path / "next", quiet=True)
    assert not applied.failed
    new = list(Dataset(tmp_path / "next"))
    want = POINTS.copy()
    want[THUMB_TIP] += (0, 1)
    want[INDEX_TIP] = np.nan
    np.testing.assert_array_equal(new[0].keypoints, want)
    assert (new[0].visibility[WRIST], new[3].visibility[WRIST], new[3].visibility[RING_TIP]) == (1, 2, 0)
    np.testing.assert_array_equal(new[2].keypoints, POINTS)
    assert consensus(compared, 0.2).counts == {"fix": 1, "patch": 3}
    assert consensus(compared, 0.2).disputed == [("s/3", "ring_tip")]


def decided(tmp_path: Path, name: str, samples: list[Sample], patches: list[Patch | str]) -> Path:
    """A file of decisions: a patch, or another kind."""
    data = Dataset(tmp_path / "by-ann")
    decisions = [
        Decision(
            "hand-curate decision 1",
            data.fingerprint,
            sample.sample_id,
            sample_sha(sample, pixel_state(data.read_image(sample))),
            "patch" if isinstance(patch, Patch) else patch,  # type: ignore[arg-type]
            name,
            "2026-01-01",
            patch=patch if isinstance(patch, Patch) else None,
        )
        for sample, patch in zip(samples, patches, strict=True)
    ]
    (tmp_path / f"{name}.jsonl").write_bytes(as_jsonl(decisions))
    return tmp_path / f"{name}.jsonl"


def test_decisions_are_compared_by_the_points_that_they_lead_to(tmp_path: Path, ann: list[Sample]) -> None:
    x, y = POINTS[THUMB_TIP].tolist()
    moved = Patch(points={"thumb_tip": (x, y + 4, 2)})
    one = decided(tmp_path, "ann", ann, ["accept", "accept", "reject", "reject"])
    two = decided(tmp_path, "bob", ann, [moved, "accept", "reject", "accept"])
    compared = pairs.of_decisions(one, two, tmp_path / "by-ann", quiet=True)
    assert compared.people == ("ann", "bob")
    found = point_agreement(*compared.labelled)
    assert found.samples == 2
    assert found.keypoints["thumb_tip"].median == pytest.approx(0.02)  # of 0.04 and 0
    merged = consensus(compared, 0.05)
    assert [decision.decision for decision in merged.decisions] == ["patch", "accept", "reject", "fix"]
    assert merged.decisions[0].patch == Patch(points={"thumb_tip": (x, y + 2, 2)})
    assert {decision.reviewer for decision in merged.decisions} == {"ann and bob"}
    assert merged.disputed == []


def test_decisions_on_what_has_changed_are_not_compared(tmp_path: Path, ann: list[Sample]) -> None:
    one = decided(tmp_path, "ann", ann, ["accept"] * 4)
    two = decided(tmp_path, "bob", ann, ["accept"] * 4)
    save(tmp_path / "by-ann", [replace(ann[0], side="left"), *ann[1:]])
    compared = pairs.of_decisions(one, two, tmp_path / "by-ann", quiet=True)
    assert [pair.base.sample_id for pair in compared.pairs] == ["s/1", "s/2", "s/3"]
    assert compared.left == [("s/0", "stale: its labels or pixels have changed since the decision")]


def test_the_command_writes_what_both_agree_on(
    tmp_path: Path, bob: list[Sample], capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(tmp_path / "by-ann"), str(tmp_path / "by-bob")]
    to = str(tmp_path / "both.jsonl")
    assert main(["review", "agreement", *folders, "--consensus", to]) == 0
    said = capsys.readouterr().err
    assert "index_tip          4    0.100   0.100    10.0  100.0 %       -" in said
    assert "points in dispute, left unlabelled: 5 (most: index_tip 4, ring_tip 1)" in said
    once = Path(to).read_bytes()
    (tmp_path / ".both.jsonl.1.tmp").touch()  # of one that was killed
    assert main(["review", "agreement", *folders, "--consensus", to]) == 0
    assert Path(to).read_bytes() == once
    assert not list(tmp_path.glob(".*.tmp"))
    Path(to).write_bytes(once[:-9])
    capsys.readouterr()
    assert main(["review", "agreement", *folders, "--consensus", to]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["review", "agreement", *folders, "--consensus", to, "--overwrite", "--quiet"]) == 0
    assert Path(to).read_bytes() == once
    assert main(["review", "agreement", *folders, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"]["keypoints"]["ring_tip"]["both"] == 3
    assert main(["review", "agreement", to, to, "--consensus", str(tmp_path / "x")]) == 2
    assert "--dataset D" in capsys.readouterr().err


def test_nothing_in_common_is_an_error(tmp_path: Path, ann: list[Sample], bob: list[Sample]) -> None:
    save(tmp_path / "by-bob", [replace(sample, sample_id="x" + sample.sample_id) for sample in bob])
    with pytest.raises(InputError, match="no sample in common"):
        pairs.of_labels(tmp_path / "by-ann", tmp_path / "by-bob", quiet=True)
    save(tmp_path / "by-bob", [replace(sample, width=100) for sample in bob])
    with pytest.raises(InputError, match="200 x 200 px in one, 100 x 200 px in the other"):
        pairs.of_labels(tmp_path / "by-ann", tmp_path / "by-bob", quiet=True)
