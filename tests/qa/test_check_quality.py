"""`curate qa` as a whole: about whom it tells, and what it does when it is asked again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from qa_sets import copy_of, posed, save, tree

from curate import cli
from curate.basics import images
from curate.basics.errors import ConfigChanged
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.options import QualityOptions


def test_nothing_that_is_written_names_a_person_where_that_is_asked(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    for i, sample in enumerate(samples):
        sample.subject_id = f"Jane Doe {i // 4}"
        sample.split = ("train", "test")[i % 2]  # leaks, which are told of people
        sample.attrs = {"gender": ("male", "female")[i % 2]}
    root = save(tmp_path / "set", samples)
    check_quality(root, tmp_path / "named", quiet=True)
    check_quality(root, tmp_path / "qa", QualityOptions(anonymise=True), quiet=True)
    for path in (tmp_path / "qa").iterdir():
        assert b"Jane" not in path.read_bytes(), path
    assert b"Jane" in (tmp_path / "named/report.html").read_bytes()
    rows = json.loads((tmp_path / "qa/findings.json").read_text())
    leak = next(row for row in rows if row["check"] == "subject-leak")
    assert leak["message"] == "Subject person 1 is in several splits: 2 in test, 2 in train."


def test_the_same_command_again_was_finished_before_and_exits_as_it_did(
    tmp_path: Path, hands: list[Sample], capsys: pytest.CaptureFixture[str]
) -> None:
    hands[3].image += ".gone"
    line = ["qa", str(save(tmp_path / "d", hands)), "--out", str(tmp_path / "qa")]
    assert cli.main(line) == cli.FINDINGS
    first, said = tree(tmp_path / "qa"), capsys.readouterr().err
    assert cli.main(line) == cli.FINDINGS
    *_, report, then = said.splitlines()
    assert then.startswith("next: ")
    assert capsys.readouterr().err.endswith(f"{report} (already finished)\n{then}\n")
    assert tree(tmp_path / "qa") == first
    assert cli.main([*line, "--seed", "1"]) == cli.USAGE
    assert "seed was 0, now 1" in capsys.readouterr().err
    assert cli.main([*line, "--seed", "1", "--overwrite", "--fail-on", "never"]) == cli.OK


def test_an_image_that_was_mended_is_looked_at_again(tmp_path: Path, hands: list[Sample]) -> None:
    root = tmp_path / "d"
    pixels = images.read(hands[0].image)
    (root / "images").mkdir(parents=True)
    (root / "images" / "0.png").write_bytes(b"half of an image")
    save(root, [copy_of(hands[0], image="images/0.png")])
    assert check_quality(root, tmp_path / "qa", quiet=True).checks["unreadable-image"] == 1
    images.write(root / "images" / "0.png", pixels)
    with pytest.raises(ConfigChanged, match="files changed"):
        check_quality(root, tmp_path / "qa", quiet=True)
    again = check_quality(root, tmp_path / "qa", overwrite=True, quiet=True)
    assert (again.checks["unreadable-image"], again.reused) == (0, False)


def test_the_limits_that_a_finished_folder_was_made_with_are_told(
    tmp_path: Path, flat_hand: np.ndarray
) -> None:
    seen = np.full(21, 2, np.uint8)
    sample = Sample("s/0", "s", "none.png", 200, 200, keypoints=flat_hand, visibility=seen)
    root, limits = save(tmp_path / "d", [sample]), tmp_path / "qa.yaml"
    limits.write_text("few-points: {least: 20}")
    check_quality(root, tmp_path / "qa", quiet=True)
    with pytest.raises(ConfigChanged, match=r"least was 12, now 20\.0"):
        check_quality(root, tmp_path / "qa", QualityOptions(config=limits), quiet=True)


def test_without_images_the_table_alone_is_judged(tmp_path: Path, hands: list[Sample]) -> None:
    """The images are gone, and nobody asks for them."""
    gone = [copy_of(hand, image=f"{hand.image}.gone") for hand in hands]
    few = gone[3].visibility.copy()
    few[5:] = 0
    gone[3] = copy_of(gone[3], visibility=few)
    root, options = save(tmp_path / "d", gone), QualityOptions(images=False)
    found = check_quality(root, tmp_path / "qa", options, quiet=True)
    assert {name: count for name, count in found.checks.items() if count} == {"few-points": 1}
    report = (tmp_path / "qa" / "report.html").read_text()
    assert "data:image/jpeg" not in report
    assert check_quality(root, tmp_path / "qa", options, quiet=True).reused
    with pytest.raises(ConfigChanged, match="images was False, now True"):
        check_quality(root, tmp_path / "qa", quiet=True)
