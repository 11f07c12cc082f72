"""Two reviewers against each other: raw agreement and kappa by hand, what is compared, and who differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curate.basics.errors import InputError
from curate.cli import main
from qa.review.agreement import agreement
from qa.review.decisions import SCHEMA
from qa.review.pairs import of_labels


def lines(path: Path, decisions: list[dict[str, Any]]) -> Path:
    known = {
        "schema": SCHEMA,
        "dataset_sha": "d",
        "sample_sha": "s",
        "reviewer": path.stem,
        "ts": "2026-01-01",
    }
    path.write_text("".join(json.dumps(known | decision) + "\n" for decision in decisions))
    return path


def kinds(path: Path, *runs: tuple[str, int]) -> Path:
    """Samples 0, 1, ... with as many decisions of each kind as told."""
    flat = [kind for kind, count in runs for _ in range(count)]
    return lines(path, [{"sample_id": f"n/{i:02d}", "decision": kind} for i, kind in enumerate(flat)])


def test_kappa_by_hand(tmp_path: Path) -> None:
    # 20 both accept, 5 accept and reject, 10 reject and accept, 15 both reject: 35 of 50 agree. Chance
    # alone: (25 * 30 + 25 * 20) / 50^2 = 0.5. (0.7 - 0.5) / (1 - 0.5) = 0.4.
    ann = kinds(tmp_path / "ann", ("accept", 25), ("reject", 25))
    bob = kinds(tmp_path / "bob", ("accept", 20), ("reject", 5), ("accept", 10), ("reject", 15))
    found = agreement(ann, bob)
    assert (found.shared, found.raw) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.table == {
        ("accept", "accept"): 20,
        ("accept", "reject"): 5,
        ("reject", "accept"): 10,
        ("reject", "reject"): 15,
    }
    assert [sample for sample, _, _ in found.differ] == [f"n/{i:02d}" for i in range(20, 35)]
    assert found.differ[0] == ("n/20", "accept", "reject")
    back = agreement(bob, ann)
    assert back.kappa == found.kappa
    assert back.differ[0] == ("n/20", "reject", "accept")


@pytest.mark.parametrize(
    ("one", "two", "kappa"),
    [
        ([("accept", 2), ("fix", 2)], [("accept", 2), ("fix", 2)], 1.0),
        ([("accept", 2), ("fix", 2)], [("fix", 2), ("accept", 2)], -1.0),
        ([("accept", 1), ("fix", 1)] * 2, [("accept", 2), ("fix", 2)], 0.0),
        ([("accept", 4)], [("accept", 4)], None),  # chance says it too
        ([("accept", 4)], [("accept", 3), ("reject", 1)], 0.0),
    ],
)
def test_kappa_at_its_ends(tmp_path: Path, one: Any, two: Any, kappa: float | None) -> None:
    assert agreement(kinds(tmp_path / "a", *one), kinds(tmp_path / "b", *two)).kappa == kappa


def test_what_is_compared(tmp_path: Path) -> None:
    def moved(x: float) -> dict[str, Any]:
        return {"decision": "patch", "patch": {"points": {"wrist": [x, 1, 2]}}}

    ann = lines(
        tmp_path / "ann",
        [
            {"sample_id": "late", "decision": "reject", "ts": "2026-01-03"},
            {
                "sample_id": "late",
                "decision": "accept",
                "ts": "2026-01-02",
            },  # not the last
            {"sample_id": "moved", **moved(1)},
            {"sample_id": "same", **moved(5)},
            {"sample_id": "changed", "decision": "accept"},
            {"sample_id": "hers", "decision": "accept"},
        ],
    )
    bob = lines(
        tmp_path / "bob",
        [
            {"sample_id": "late", "decision": "reject", "reason": "blurred"},
            {"sample_id": "moved", **moved(2)},
            {"sample_id": "same", **moved(5)},
            {"sample_id": "changed", "decision": "reject", "sample_sha": "another"},
            {"sample_id": "his", "decision": "accept"},
            {"sample_id": "his too", "decision": "accept"},
        ],
    )
    found = agreement(ann, bob)
    assert found.table == {("reject", "reject"): 1, ("patch", "patch"): 2}
    assert found.differ == [("moved", "patch", "patch")]
    assert (found.alone, found.other) == ((1, 2), 1)
    assert "'moved': both patch, each otherwise" in str(found)


def test_nothing_in_common_is_an_error(tmp_path: Path) -> None:
    ann, bob = kinds(tmp_path / "ann", ("accept", 1)), lines(tmp_path / "bob", [])
    with pytest.raises(InputError, match="no sample in common"):
        agreement(ann, bob)


def test_a_file_is_not_compared_with_itself_or_a_copy(tmp_path: Path) -> None:
    ann, other = kinds(tmp_path / "ann", ("accept", 3), ("fix", 1)), tmp_path / "again"
    other.symlink_to(ann)
    with pytest.raises(InputError, match="again: given twice, to be compared with itself; allowed: what ano"):
        agreement(ann, other)
    other.unlink()
    other.write_bytes(ann.read_bytes())
    with pytest.raises(InputError, match=r"again: a copy of .*ann; allowed: what another person decided"):
        agreement(ann, other)
    with pytest.raises(InputError, match="given twice"):
        of_labels(tmp_path, tmp_path)


def test_the_command_tells_a_person_and_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ann = kinds(tmp_path / "ann", ("accept", 3), ("fix", 1))
    bob = kinds(tmp_path / "bob", ("accept", 2), ("reject", 1), ("fix", 1))
    assert main(["review", "agreement", str(ann), str(bob)]) == 0
    said = capsys.readouterr().err
    assert "4 samples shared, 75.0 % decided alike, Cohen's kappa 0.556" in said  # (12/16 - 7/16) / (9/16)
    assert "'n/02': accept, reject" in said
    assert main(["review", "agreement", str(ann), str(bob), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kappa"] == pytest.approx(5 / 9)
    assert told["table"]["accept"] == {"accept": 2, "reject": 1, "fix": 0, "patch": 0}
    assert told["differ"] == [{"sample": "n/02", "first": "accept", "second": "reject"}]
