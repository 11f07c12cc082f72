"""Samples go to Labelme and come back as decisions; Labelme is stood in for by a program that edits files."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qa_sets import save

from converters import labelme
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from qa.finding import Finding, write_findings
from qa.options import LabelmeOptions
from qa.review.apply import apply_decisions
from qa.review.decisions import read_decisions
from qa.review.open_labelme import Relabelled, open_labelme


@pytest.fixture
def hands(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """Five samples, the last two in one image; findings in `qa`: errors about 3 and 1, a warning on 2."""
    root = tmp_path / "hands"
    rng = np.random.default_rng(3)
    samples = []
    for i in range(5):
        name = f"images/{min(i, 3)} é.png"
        images.write(root / name, rng.integers(0, 256, (200, 200, 3), np.uint8))
        seen = np.full(21, 2, np.uint8)
        seen[8] = 1
        sample = Sample(f"s/{i}", "noise", name, 200, 200, "right", "dorsal", "p1", flat_hand + i / 3, seen)
        sample.label_source, sample.attrs = "auto:net", {"age": 30}
        samples.append(sample)
    write_findings([flag("s/2", "warning", "blur"), flag("s/3"), flag("s/1")], tmp_path / "qa")
    return save(root, samples)


def flag(name: str, severity: Any = "error", check: str = "pose-outlier") -> Finding:
    return Finding(check, severity, "sample", "hands", name, None, 2.0, 1.0, "Look.", "Do so.")


def program(folder: Path, body: str) -> str:
    """A stand-in for Labelme: `edit` is called with each label file's name and content, and may change it."""
    path = folder / "labelme"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "(folder.parent / 'argv').write_text(chr(10).join(sys.argv[1:]))\n"
        f"def edit(name, data, shapes):\n    {body}\n"
        "for path in sorted(folder.glob('*.json')):\n"
        "    data = json.loads(path.read_text())\n"
        "    edit(path.stem, data, {(s['group_id'], s['label']): s for s in data['shapes']})\n"
        "    path.write_text(json.dumps(data))\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def session(hands: Path, *, overwrite: bool = False, **options: Any) -> Relabelled:
    given = {"qa": hands.parent / "qa", "no_open": "labelme" not in options, "reviewer": "ann", **options}
    chosen, out = LabelmeOptions(**given), hands.parent / "out"
    return open_labelme(hands, out, chosen, write=labelme.write, read=labelme.read, overwrite=overwrite)


EDIT = """
    if name.startswith('0002-'):
        shapes[None, 'thumb_tip']['points'] = [[12.5, 30.25]]
        shapes[None, 'index_tip']['flags'] = {'right': True}
        data['shapes'].remove(shapes[None, 'wrist'])
    if name.startswith('0001-'):
        for s in data['shapes']:
            if s['group_id'] == 2: s['flags'] = {**s['flags'], 'right': False, 'left': True}
"""


def test_what_was_corrected_comes_back_as_decisions_and_nothing_else_changes(
    hands: Path, tmp_path: Path
) -> None:
    done = session(hands, labelme=program(tmp_path, EDIT))
    # s/3 stands first in the findings; s/4 lies in the same image.
    assert [path.stem for path in sorted((tmp_path / "out/labels").glob("*.json"))] == ["0001-3", "0002-1"]
    assert (done.opened, done.corrected, done.refused) == (3, ("s/4", "s/1"), ())
    given = {d.sample_id: d for d in read_decisions(tmp_path / "out/decisions.jsonl")}
    assert {d.reviewer for d in given.values()} == {"ann"}
    assert given["s/4"].patch is not None
    assert (given["s/4"].patch.side, given["s/4"].patch.points) == ("left", None)
    assert given["s/1"].patch is not None
    assert given["s/1"].patch.points == {
        "wrist": None,
        "thumb_tip": (12.5, 30.25, 2),
        "index_tip": (*map(float, list(Dataset(hands))[1].keypoints[8]), 2),
    }
    applied = apply_decisions(hands, tmp_path / "out/decisions.jsonl", tmp_path / "next", quiet=True)
    assert applied.counts == {"patch": 2}
    old, new = list(Dataset(hands)), list(Dataset(tmp_path / "next"))
    np.testing.assert_array_equal(new[1].keypoints[4], (12.5, 30.25))
    assert new[1].visibility[[0, 4, 8]].tolist() == [0, 2, 2]
    assert np.isnan(new[1].keypoints[0]).all()
    kept = [k for k in range(21) if k not in (0, 4)]
    np.testing.assert_array_equal(new[1].keypoints[kept], old[1].keypoints[kept])
    assert [s.label_source for s in new] == ["auto:net", "manual", "auto:net", "auto:net", "auto:net"]
    assert [s.side for s in new] == ["right", "right", "right", "right", "left"]
    assert new[1].attrs == {"age": 30, "decision": "patch"}
    for i in (0, 2, 3):
        np.testing.assert_array_equal(new[i].keypoints, old[i].keypoints)


def test_corrections_come_back_from_where_very_many_pictures_are_spread_over_folders(
    hands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "A_FOLDER", 1)
    session(hands)
    (path,) = (tmp_path / "out/labels").rglob("0002-1.json")
    assert path.parent.name == "00001"
    data = json.loads(path.read_text())
    data["shapes"][0]["points"] = [[12.5, 30.25]]
    path.write_text(json.dumps(data))
    done = session(hands)
    assert (done.corrected, done.refused) == (("s/1",), ())


def test_all_samples_are_opened_in_the_order_of_the_dataset(hands: Path, tmp_path: Path) -> None:
    done = session(hands, qa=None, all=True)
    assert done.opened == 5
    names = [path.stem for path in sorted((tmp_path / "out/labels").glob("*.json"))]
    assert names == ["0001-0", "0002-1", "0003-2", "0004-3"]


def test_labelme_is_given_the_21_labels(hands: Path, tmp_path: Path) -> None:
    session(hands, labelme=program(tmp_path, "pass"))
    argv = (tmp_path / "out/argv").read_text().split("\n")
    assert argv[0] == str(tmp_path / "out/labels")
    names = Path(argv[argv.index("--labels") + 1]).read_text().split()
    assert names == list(kp.NAMES)
    assert argv[argv.index("--validatelabel") + 1] == "exact"
    assert not (tmp_path / "out/.part").exists()


def test_labelme_does_not_load_the_qt_of_our_opencv(
    hands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        monkeypatch.setenv(name, "/venv/site-packages/cv2/qt")  # as importing OpenCV sets it
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":7")
    told = "import os; (folder.parent / 'environ').write_text(json.dumps(dict(os.environ)))"
    session(hands, labelme=program(tmp_path, told))
    environ = json.loads((tmp_path / "out/environ").read_text())
    assert not {"QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "PYTHONPATH"} & set(environ)
    assert environ["DISPLAY"] == ":7"


def test_the_same_command_goes_on_and_keeps_what_was_corrected(hands: Path, tmp_path: Path) -> None:
    assert session(hands).corrected == ()
    assert session(hands, labelme=program(tmp_path, EDIT)).corrected == ("s/4", "s/1")
    assert session(hands).corrected == ("s/4", "s/1")
    with pytest.raises(InputError, match=r"samples changed.*choose another --out, or add --overwrite"):
        session(hands, severity="warning")
    again = session(hands, severity="warning", overwrite=True)
    assert (again.opened, again.corrected) == (4, ())


def test_a_session_on_pictures_that_were_exchanged_since_is_not_gone_on_with(hands: Path) -> None:
    session(hands)
    other = Dataset(hands).read_image(next(iter(Dataset(hands))))
    images.write(hands / "images/0 é.png", other[::-1])  # no picture that was opened
    session(hands)
    images.write(hands / "images/1 é.png", other)
    with pytest.raises(InputError, match=r"\(files changed\)"):
        session(hands)


def test_which_samples_are_opened(hands: Path, tmp_path: Path) -> None:
    assert session(hands, check=["blur"], severity="warning").opened == 1
    assert session(hands, limit=1, overwrite=True).opened == 2  # both hands of the worst image
    with pytest.raises(InputError, match=r"no finding of 'blurr'; allowed: blur, pose-outlier"):
        session(hands, check=["blurr"])
    nothing = session(hands, check=["blur"])  # a warning, and errors are asked for
    assert (nothing.opened, str(nothing)[:16]) == (0, "nothing to open:")
    write_findings([flag("t/1")], tmp_path / "other")
    with pytest.raises(InputError, match=r"1 sample to open, none of them in hands"):
        session(hands, qa=tmp_path / "other")
    with pytest.raises(InputError, match="neither --qa nor --decisions nor --all"):
        session(hands, qa=None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"all": True, "check": ["blur"]}, "--check: given with --all; leave one of them out"),
        ({"all": True, "severity": "info"}, "--severity: given with --all"),
        ({"all": True, "decisions": ["nowhere.jsonl"]}, "--decisions: given with --all"),
        (
            {"qa": None, "decisions": ["nowhere.jsonl"], "check": ["blur"]},
            "--check: --qa is not given; say whose",
        ),
        ({"qa": None, "decisions": ["nowhere.jsonl"], "severity": "info"}, "--severity: --qa is not given"),
    ],
)
def test_an_option_that_chooses_nothing_is_refused(asked: dict[str, Any], told: str, hands: Path) -> None:
    with pytest.raises(InputError, match=told):
        session(hands, **asked)


def test_samples_that_a_reviewer_wants_fixed_are_opened(hands: Path, tmp_path: Path) -> None:
    session(hands, labelme=program(tmp_path, EDIT))
    line = json.loads((tmp_path / "out/decisions.jsonl").read_text().splitlines()[0])
    del line["patch"]
    path = tmp_path / "page.jsonl"
    path.write_text(json.dumps(line | {"decision": "fix", "sample_id": "s/0"}) + "\n")
    done = session(hands, qa=None, decisions=[path], overwrite=True)
    assert done.opened == 1
    assert [path.name for path in (tmp_path / "out/labels").glob("*.json")] == ["0001-0.json"]


def test_files_that_cannot_be_read_back_are_told(hands: Path, tmp_path: Path) -> None:
    session(hands)
    broken = tmp_path / "out/labels/0001-3.json"
    broken.write_text("{")
    data = json.loads((tmp_path / "out/labels/0002-1.json").read_text())
    data["shapes"].append({**data["shapes"][0], "label": "wirst"})
    (tmp_path / "out/labels/0002-1.json").write_text(json.dumps(data))
    done = session(hands)
    assert [name for name, _ in done.refused] == ["0001-3.json", "0002-1.json"]
    assert "did you mean wrist?" in done.refused[1][1]
    assert "cannot be read back: '0001-3.json'" in str(done)


def edited(hands: Path, name: str, change: Any) -> Relabelled:
    """The session read back after `change` of a label file's document."""
    session(hands)
    path = hands.parent / "out/labels" / f"{name}.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return session(hands)


def test_a_hand_whose_points_are_all_gone_has_lost_them(hands: Path, tmp_path: Path) -> None:
    """The only hand of a picture, and then one of two."""
    done = edited(hands, "0002-1", lambda document: document["shapes"].clear())
    assert (done.corrected, done.refused) == (("s/1",), ())

    def second_gone(document: dict[str, Any]) -> None:
        document["shapes"] = [s for s in document["shapes"] if s["group_id"] == 1]

    assert edited(hands, "0001-3", second_gone).corrected == ("s/4", "s/1")
    (given, _) = read_decisions(tmp_path / "out/decisions.jsonl")
    assert given.patch is not None
    assert given.patch.points == dict.fromkeys(kp.NAMES)
    apply_decisions(hands, tmp_path / "out/decisions.jsonl", tmp_path / "next", quiet=True)
    assert [int(s.visibility.any()) for s in Dataset(tmp_path / "next")] == [1, 0, 1, 1, 0]


def _misspelt(document: dict[str, Any]) -> None:
    document["shapes"][3]["label"] = "thumb ipp"


def _nowhere(document: dict[str, Any]) -> None:
    document["shapes"][3]["points"] = [[float("nan"), 1.0]]


def _both_sides(document: dict[str, Any]) -> None:
    for shape in document["shapes"]:
        shape["flags"] = {"left": True, "right": True}


def _another_group(document: dict[str, Any]) -> None:
    for shape in document["shapes"]:
        shape["group_id"] = 7


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_misspelt, "1 x unknown label 'thumb ipp' (did you mean thumb_ip?); nothing of it was taken"),
        (_nowhere, "1 x point without a place (NaN or null)"),
        (_both_sides, "side told in two ways"),
        (_another_group, "a hand that was not opened here (group_id 7)"),
    ],
)
def test_what_cannot_be_read_does_not_count_as_removed(hands: Path, change: Any, why: str) -> None:
    done = edited(hands, "0002-1", change)
    assert done.corrected == ()
    ((name, said),) = done.refused
    assert name == "0002-1.json"
    assert why in said


def test_a_label_file_that_is_gone_or_a_stranger_is_told(hands: Path, tmp_path: Path) -> None:
    session(hands)
    (tmp_path / "out/labels/0002-1.json").rename(tmp_path / "out/labels/mine.json")
    done = session(hands)
    assert done.corrected == ()
    assert done.refused == (
        ("0002-1.json", "no such file any more; nothing of it was taken"),
        ("mine.json", "no picture that was opened here"),
    )


def test_a_missing_or_failing_program_is_told_in_one_line(hands: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no program 'no-such-labelme'; install it .*pipx install labelme"):
        session(hands, labelme="no-such-labelme")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=r"ended with exit code 3; what was saved is kept"):
        session(hands, labelme=program(tmp_path, "sys.exit(3)"))


def test_another_folder_is_not_written_to(hands: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("kept")
    with pytest.raises(InputError, match="a folder with other files in it"):
        session(hands)
    assert (tmp_path / "out/mine.txt").read_text() == "kept"


def test_what_was_found_stands_in_the_description_and_says_nothing_of_the_point(hands: Path) -> None:
    found = flag("s/3", check="off-hand")
    found = replace(found, message="Hidden:\nthe left thumb is occluded.")
    write_findings([found, flag("s/1"), flag("s/1", "info", "few-points")], hands.parent / "qa")
    session(hands)
    shapes = [
        json.loads(p.read_text())["shapes"] for p in sorted((hands.parent / "out/labels").glob("*.json"))
    ]
    told = [
        [(s["label"], s["group_id"], s["description"]) for s in one if s["description"]] for one in shapes
    ]
    assert told == [
        [("wrist", 1, "QA: off-hand: Hidden: the left thumb is occluded.")],
        [("wrist", None, "QA: pose-outlier: Look.\nQA: few-points: Look.")],
    ]
    assert session(hands).corrected == ()
    path = sorted((hands.parent / "out/labels").glob("*.json"))[1]
    document = json.loads(path.read_text())
    document["shapes"][0]["description"] += "\nhidden"  # what a person adds counts
    path.write_text(json.dumps(document))
    assert session(hands).corrected == ("s/1",)
