"""Decisions become a new dataset version: what was decided, nothing stale, nothing silently."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qa_sets import save, tree

from curate import cli
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import ConfigChanged, InputError
from curate.data.dataset import Dataset, write_info
from curate.data.sample import Sample
from curate.hands.oriented import oriented
from qa.review.apply import apply_decisions
from qa.review.decisions import SCHEMA, alias, pixel_state, sample_sha

# Index finger: MCP 5, PIP 6, DIP 7, TIP 8.
INDEX = [5, 6, 7, 8]


@pytest.fixture
def hands(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """Six noise pictures with the same labelled hand; the last one's side is unknown."""
    root = tmp_path / "hands"
    rng = np.random.default_rng(3)
    samples = []
    for i in range(6):
        images.write(root / "images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        side = None if i == 5 else "right"
        seen = np.full(21, 2, np.uint8)
        seen[8] = 1
        samples.append(
            Sample(f"s/{i}", "noise", f"images/{i}.png", 200, 200, side, "dorsal", "p1", flat_hand + i, seen)
        )
    return save(root, samples)


def decided(root: Path, number: int, decision: str, **fields: Any) -> dict[str, Any]:
    dataset = Dataset(root)
    sample = list(dataset)[number]
    line = {
        "schema": SCHEMA,
        "dataset_sha": dataset.fingerprint,
        "sample_id": sample.sample_id,
        "sample_sha": sample_sha(sample, pixel_state(dataset.read_image(sample))),
        "check_ids": [],
        "decision": decision,
        "reason": None,
        "reviewer": "ann",
        "ts": "2026-01-01T10:00:00.000Z",
        "app_version": "0.1.0",
    }
    return line | fields


def write_lines(folder: Path, *lines: dict[str, Any], name: str = "decisions.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_each_kind_of_decision_does_what_it_says(hands: Path, tmp_path: Path) -> None:
    before = tree(hands)
    patch = {"side": "swap", "order": "reverse"}
    path = write_lines(
        tmp_path,
        decided(hands, 0, "accept"),
        decided(hands, 1, "reject", reason="blurred"),
        decided(hands, 2, "fix", reason="wrong-points"),
        decided(hands, 3, "patch", patch=patch),
        decided(hands, 4, "reject"),
    )
    applied = apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert applied.counts == {"accept": 1, "fix": 1, "patch": 1, "reject": 2}
    assert applied.fix == ["s/2"]
    assert not applied.failed
    old, new = {s.sample_id: s for s in Dataset(hands)}, {s.sample_id: s for s in Dataset(tmp_path / "next")}
    assert list(new) == ["s/0", "s/2", "s/3", "s/5"]
    assert applied.summary is not None
    assert applied.summary.dropped == {
        "rejected in review: blurred": 1,
        "rejected in review: no reason given": 1,
    }
    assert new["s/3"].side == "left"
    np.testing.assert_array_equal(new["s/3"].keypoints[INDEX], old["s/3"].keypoints[[8, 7, 6, 5]])
    np.testing.assert_array_equal(new["s/3"].visibility[INDEX], [1, 2, 2, 2])
    np.testing.assert_array_equal(new["s/3"].keypoints[0], old["s/3"].keypoints[0])
    for name in ("s/0", "s/2", "s/5"):
        np.testing.assert_array_equal(new[name].keypoints, old[name].keypoints)
        np.testing.assert_array_equal(
            Dataset(tmp_path / "next").read_image(new[name]), Dataset(hands).read_image(old[name])
        )
    assert Dataset(tmp_path / "next").info["review"]["fix"] == ["s/2"]
    assert tree(hands) == before


def test_reversing_twice_gives_the_dataset_back(hands: Path, tmp_path: Path) -> None:
    patch = {"order": "reverse"}
    first = write_lines(tmp_path, *(decided(hands, i, "patch", patch=patch) for i in range(6)), name="1")
    apply_decisions(hands, first, tmp_path / "once", quiet=True)
    once = tmp_path / "once"
    second = write_lines(tmp_path, *(decided(once, i, "patch", patch=patch) for i in range(6)), name="2")
    apply_decisions(once, second, tmp_path / "twice", quiet=True)
    for old, new in zip(Dataset(hands), Dataset(tmp_path / "twice"), strict=True):
        np.testing.assert_array_equal(old.keypoints, new.keypoints)
        np.testing.assert_array_equal(old.visibility, new.visibility)


def test_a_decision_on_other_labels_or_pixels_is_refused_and_the_rest_applied(
    hands: Path, tmp_path: Path
) -> None:
    path = write_lines(tmp_path, *(decided(hands, i, "reject") for i in range(4)))
    samples = list(Dataset(hands))
    samples[0].keypoints[3] += 0.25
    samples[1].side = "left"
    images.write(hands / "images" / "2.png", np.zeros((200, 200, 3), np.uint8))
    samples[3].split = "test"  # no reviewer decided on that
    save(hands, samples)
    applied = apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert applied.failed
    assert [name for name, _ in applied.refused] == ["s/0", "s/1", "s/2"]
    assert {why for _, why in applied.refused} == {
        "stale: its labels or pixels have changed since the decision"
    }
    assert [s.sample_id for s in Dataset(tmp_path / "next")] == ["s/0", "s/1", "s/2", "s/4", "s/5"]
    assert [line["input"] for line in Dataset(tmp_path / "next").quarantine()] == [
        "decision on s/0",
        "decision on s/1",
        "decision on s/2",
    ]


def test_unknown_samples_and_impossible_patches_are_refused(hands: Path, tmp_path: Path) -> None:
    stranger = decided(hands, 0, "accept", sample_id="s/\x1b[2J", check_ids=["\x1b[2J"])
    path = write_lines(tmp_path, stranger, decided(hands, 5, "patch", patch={"side": "swap"}))
    applied = apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert applied.refused == [
        ("s/\x1b[2J", "no such sample in the dataset"),
        ("s/5", "its side is not known: there is nothing to swap"),
    ]
    assert "\x1b" not in str(applied)


def test_reviewers_who_disagree_change_nothing_and_are_listed(hands: Path, tmp_path: Path) -> None:
    ann = write_lines(tmp_path, decided(hands, 0, "reject"), decided(hands, 1, "reject"), name="ann")
    bob = write_lines(
        tmp_path,
        decided(hands, 0, "accept", reviewer="bob"),
        decided(hands, 1, "reject", reviewer="bob", reason="blurred", ts="2026-01-02"),
        name="bob",
    )
    applied = apply_decisions(hands, [ann, bob], tmp_path / "next", quiet=True)
    assert applied.conflicts == [("s/0", "ann: reject, bob: accept")]
    assert applied.failed
    assert applied.counts == {"reject": 1}
    assert applied.summary is not None
    assert applied.summary.dropped == {"rejected in review: blurred": 1}
    assert "s/0" in [s.sample_id for s in Dataset(tmp_path / "next")]


def test_of_one_reviewer_the_last_decision_counts(hands: Path, tmp_path: Path) -> None:
    late = decided(hands, 0, "accept", ts="2026-01-03T00:00:00.000Z")
    path = write_lines(tmp_path, late, decided(hands, 0, "reject"))
    assert apply_decisions(hands, path, tmp_path / "next", quiet=True).counts == {"accept": 1}


def test_of_one_reviewer_two_decisions_of_the_same_time_are_a_conflict(hands: Path, tmp_path: Path) -> None:
    """In two files, of which neither is the later one; in one file the later line is."""
    lines = decided(hands, 0, "accept"), decided(hands, 0, "reject")
    files = [write_lines(tmp_path, line, name=f"{line['decision']}.jsonl") for line in lines]
    for order in (files, files[::-1]):
        applied = apply_decisions(hands, order, tmp_path / "next", dry_run=True)
        assert applied.conflicts == [("s/0", "ann: accept, ann: reject")]
        assert applied.counts == {}
    one = write_lines(tmp_path, *lines)
    assert apply_decisions(hands, one, tmp_path / "next", dry_run=True).counts == {"reject": 1}
    late = write_lines(tmp_path, decided(hands, 0, "fix", ts="2026-01-02T00:00:00.000Z"), name="late.jsonl")
    assert apply_decisions(hands, [*files, late], tmp_path / "next", dry_run=True).counts == {"fix": 1}


def test_times_of_other_zones_are_compared_as_times(hands: Path, tmp_path: Path) -> None:
    late = decided(hands, 0, "accept", ts="2026-01-01T04:30:00-06:00")  # half an hour after the other
    path = write_lines(tmp_path, late, decided(hands, 0, "reject"))
    assert apply_decisions(hands, path, tmp_path / "next", quiet=True).counts == {"accept": 1}


def test_false_positives_are_counted_per_check(hands: Path, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path,
        decided(hands, 0, "accept", check_ids=["blur", "handedness"]),
        decided(hands, 1, "reject", check_ids=["blur"]),
        decided(hands, 2, "accept", check_ids=["blur"]),
        decided(hands, 3, "accept"),
    )
    applied = apply_decisions(hands, path, tmp_path / "next", dry_run=True)
    assert applied.checks == {"blur": (3, 2), "handedness": (1, 1)}
    assert "'blur': 2 of 3 accepted although flagged (67 %)" in str(applied)


def test_a_dry_run_writes_nothing(hands: Path, tmp_path: Path) -> None:
    path = write_lines(tmp_path, decided(hands, 0, "reject"))
    applied = apply_decisions(hands, path, tmp_path / "next", dry_run=True)
    assert applied.counts == {"reject": 1}
    assert applied.summary is None
    assert not (tmp_path / "next").exists()


def test_a_dry_run_needs_no_folder_to_write_to(
    hands: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path, decided(hands, 0, "reject"))
    command = ["review", "apply", str(path), "--dataset", str(hands)]
    before = tree(tmp_path)
    assert cli.main([*command, "--dry-run"]) == 0
    assert "decisions applied: 1 reject\nnothing was written (dry run)" in capsys.readouterr().err
    assert cli.main(command) == 2
    assert "curate review apply: no --out; give --out NEW, or --dry-run" in capsys.readouterr().err
    assert tree(tmp_path) == before


def test_the_same_decisions_give_the_same_bytes_and_others_are_refused(hands: Path, tmp_path: Path) -> None:
    lines = [decided(hands, 0, "reject"), decided(hands, 2, "fix")]
    path = write_lines(tmp_path, *lines)
    apply_decisions(hands, path, tmp_path / "next", quiet=True)
    apply_decisions(hands, write_lines(tmp_path, *lines[::-1], name="b"), tmp_path / "again", quiet=True)
    assert tree(tmp_path / "next") == tree(tmp_path / "again")
    again = apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert again.summary is not None
    assert again.summary.reused
    other = write_lines(tmp_path, decided(hands, 0, "accept"), name="c")
    with pytest.raises(ConfigChanged, match="decisions changed"):
        apply_decisions(hands, other, tmp_path / "next", quiet=True)


def test_a_refused_decision_in_two_files_is_refused_once_in_either_order(hands: Path, tmp_path: Path) -> None:
    gone, other = (decided(hands, 0, "accept", sample_id=name) for name in ("gone", "another"))
    ann = write_lines(tmp_path, gone, decided(hands, 1, "reject"), name="ann")
    both = write_lines(tmp_path, other, gone, name="both")
    applied = apply_decisions(hands, [ann, both], tmp_path / "next", quiet=True)
    assert [name for name, _ in applied.refused] == ["another", "gone"]
    again = apply_decisions(hands, [both, ann], tmp_path / "next", quiet=True)
    assert again.summary is not None
    assert again.summary.reused


def test_an_alias_leads_back_to_its_sample(hands: Path, tmp_path: Path) -> None:
    name = alias(Dataset(hands).fingerprint, "s/1")
    assert "s/1" not in name
    path = write_lines(tmp_path, decided(hands, 1, "reject", sample_id=name))
    apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert [s.sample_id for s in Dataset(tmp_path / "next")] == ["s/0", "s/2", "s/3", "s/4", "s/5"]


def test_a_sample_whose_image_is_gone_can_be_rejected(hands: Path, tmp_path: Path) -> None:
    (hands / "images" / "1.png").unlink()
    sample = list(Dataset(hands))[1]
    line = decided(hands, 0, "reject", sample_id="s/1", sample_sha=sample_sha(sample, "unreadable"))
    applied = apply_decisions(hands, write_lines(tmp_path, line), tmp_path / "next", quiet=True)
    assert applied.counts == {"reject": 1}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"decision": "burn"}, "decision: Invalid enum value 'burn'; allowed: accept, reject, fix, patch;"),
        ({"decision": "patch", "patch": {"side": "up"}}, "patch.side: .*'up'; allowed: swap, left, right;"),
        ({"schema": "hand-curate decision 2"}, "hand-curate decision 2"),
        ({"sample_sha": 7}, "sample_sha"),
        ({"reason": "<b>"}, "<b>"),
        ({"ts": "yesterday"}, "ts 'yesterday'; allowed: a date and time, such as 2026-01-31T10:00:00.000Z"),
        ({"ts": ""}, "ts ''; allowed"),
        ({"reason": "b" * 70_000}, "reason 'b{40}'; allowed"),
        ({"decision": "patch", "patch": {"points": {"a" * 70_000: None}}}, "no keypoint 'a{40}'; allowed"),
        ({"patch": {"side": "swap"}}, "a patch says what to correct"),
        ({"decision": "patch"}, "a patch says what to correct"),
        ({"decision": "patch", "patch": {"keypoints": []}}, "unknown field"),
        ({"run": "rm"}, "unknown field"),
    ],
)
def test_a_line_that_is_no_decision_is_refused_by_its_number(
    hands: Path, tmp_path: Path, change: dict[str, Any], found: str
) -> None:
    path = write_lines(tmp_path, decided(hands, 0, "accept"), decided(hands, 1, "reject") | change)
    with pytest.raises(InputError, match=f"line 2: .*{found}"):
        apply_decisions(hands, path, tmp_path / "next", quiet=True)
    assert not (tmp_path / "next").exists()


def test_a_byte_order_mark_before_the_decisions_is_no_part_of_them(hands: Path, tmp_path: Path) -> None:
    path = write_lines(tmp_path, decided(hands, 0, "accept"), decided(hands, 1, "reject"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    applied = apply_decisions(hands, path, tmp_path / "next", dry_run=True)
    assert applied.counts == {"accept": 1, "reject": 1}


def test_no_decision_no_file_and_a_training_set_are_refused(hands: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no decision; decide first: on the page"):
        apply_decisions(hands, write_lines(tmp_path), tmp_path / "next")
    with pytest.raises(InputError, match="cannot be opened"):
        apply_decisions(hands, tmp_path / "none", tmp_path / "next")
    info = Dataset(hands).info
    write_info(hands, {**info, "training": {"size": 96, "keypoints": 21}})
    with pytest.raises(InputError, match="a training set"):
        apply_decisions(hands, write_lines(tmp_path, name="x"), tmp_path / "next")


def test_xyz_and_scores_move_with_their_points(hands: Path, tmp_path: Path) -> None:
    xyz, scores = np.arange(63, dtype=np.float32).reshape(21, 3), np.arange(21, dtype=np.float32)
    save(hands, [replace(sample, xyz=xyz, keypoint_scores=scores) for sample in Dataset(hands)])
    path = write_lines(tmp_path, decided(hands, 0, "patch", patch={"order": "reverse"}))
    apply_decisions(hands, path, tmp_path / "next", quiet=True)
    moved = next(iter(Dataset(tmp_path / "next")))
    assert moved.xyz is not None
    assert moved.keypoint_scores is not None
    np.testing.assert_array_equal(moved.xyz[INDEX], xyz[[8, 7, 6, 5]])
    np.testing.assert_array_equal(moved.keypoint_scores[INDEX], [8, 7, 6, 5])


def test_what_points_told_is_told_by_the_corrected_points(hands: Path, tmp_path: Path) -> None:
    """Angles of a hand that was turned round stayed those of the points before."""
    told = oriented([replace(sample, aspect=None) for sample in Dataset(hands)])
    save(hands, told)
    turned = {
        name: [200 - float(x), 200 - float(y), 2]
        for name, (x, y) in zip(kp.NAMES, told[0].keypoints, strict=True)
    }
    path = write_lines(
        tmp_path,
        decided(hands, 0, "patch", patch={"points": turned}),
        decided(hands, 1, "patch", patch={"side": "swap"}),
    )
    apply_decisions(hands, path, tmp_path / "next", quiet=True)
    first, second, third, *_ = Dataset(tmp_path / "next")
    assert told[0].rotation is not None
    assert first.rotation is not None
    assert abs((first.rotation - told[0].rotation) % 360 - 180) < 1
    assert (first.side, first.aspect) == (told[0].side, told[0].aspect)
    assert {told[1].aspect, second.aspect} == {"dorsal", "palmar"}
    assert (second.side, second.attrs["aspect_from"]) == ("left", "points")
    assert (third.rotation, third.attrs["roll"]) == pytest.approx((told[2].rotation, told[2].attrs["roll"]))


def test_what_a_person_corrected_has_no_tagger_s_scores(hands: Path, tmp_path: Path) -> None:
    scores = np.ones(21, np.float32)
    judged = {"certain": True, "hardness": 3.2, "looks_apart": 0.2, "sifted": [{"limit": "looks_apart"}]}
    scored = {"keypoint_scores": scores, "score": 0.5, "label_source": "auto:run", "depth": "depth/0.png"}
    save(hands, [replace(sample, **scored, attrs={**sample.attrs, **judged}) for sample in Dataset(hands)])
    path = write_lines(tmp_path, decided(hands, 0, "patch", patch={"points": {"wrist": [1, 2, 2]}}))
    apply_decisions(hands, path, tmp_path / "next", quiet=True)
    first, second, *_ = Dataset(tmp_path / "next")
    assert (first.label_source, first.score, first.keypoint_scores) == ("manual", None, None)
    assert not judged.keys() & first.attrs.keys()
    assert judged.items() <= second.attrs.items()
    np.testing.assert_array_equal(second.keypoint_scores, scores)
    assert (tmp_path / "next" / first.depth).resolve() == (hands / "depth/0.png").resolve()


def test_what_goes_with_corrected_points_is_told(hands: Path, tmp_path: Path) -> None:
    box = np.array([0, 0, 200, 200], np.float32)
    save(hands, [replace(sample, xyz=np.ones((21, 3), np.float32), bbox=box) for sample in Dataset(hands)])
    line = decided(hands, 0, "patch", patch={"points": {"thumb_tip": [150.0, 260.0, 2]}})
    path = write_lines(tmp_path, line, decided(hands, 1, "reject"))
    for dry_run in (True, False):
        done = apply_decisions(hands, path, tmp_path / "new", dry_run=dry_run, quiet=True)
        assert "  note: bbox drawn anew around corrected points: 1\n" in str(done)
        assert "  note: 3D point of a keypoint that was corrected, left out: 1\n" in str(done)
        assert sorted(done.as_json()["beside"].values()) == [1, 1]
    new = next(iter(Dataset(tmp_path / "new")))
    assert new.bbox is not None
    assert new.bbox.tolist() == [0, 0, 200, 260]
    assert new.xyz is not None
    assert np.isnan(new.xyz).all(axis=1).sum() == 1
