"""A label's journey through the tools that people use, and labels that are mended there and taken back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from curate import cli
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.sample import Sample

WIDTH, HEIGHT = 320, 240


def curate(*words: object) -> int:
    return cli.main([*map(str, words), "--quiet"])


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    """Labelme's files of two pictures, converted: a left and a right hand in one, one of unknown side alone;
    with points that are hidden, that are not labelled, and that lie outside the picture."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "labelme"
    for picture, sides in (("both", ("left", "right")), ("alone", (None,))):
        images.write(folder / f"{picture}.png", rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
        shapes = []
        for group, side in enumerate(sides):
            points = rng.uniform((-20, 5), (WIDTH - 5, HEIGHT - 5), (kp.COUNT, 2))
            for k, (x, y) in enumerate(points.tolist()):
                flags = {"occluded": k % 5 == 1} | ({side: True} if side else {})
                shape = {"label": kp.NAMES[k], "points": [[x, y]], "group_id": group, "shape_type": "point"}
                shapes += [{**shape, "flags": flags}] if k % 7 != 3 else []
        size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": f"{picture}.png", **size}
        (folder / f"{picture}.json").write_text(json.dumps(content | {"imageData": None}))
    assert curate("convert", "labelme", folder, "--out", tmp_path / "tagged") == cli.OK
    return tmp_path / "tagged"


def as_cvat_writes(folder: Path) -> None:
    """Two decimals, and `file` for who labelled what was imported."""
    path = folder / "annotations.xml"
    text = re.sub(
        r'points="(\S+?),(\S+?)"', lambda m: f'points="{float(m[1]):.2f},{float(m[2]):.2f}"', path.read_text()
    )
    path.write_text(re.sub(r' source="\w+"', ' source="file"', text))


def as_label_studio_writes(folder: Path) -> None:
    """Numbers for tasks and annotations, and predictions that were accepted as they are."""
    path = folder / "tasks.json"
    tasks = json.loads(path.read_text())
    for number, task in enumerate(tasks, start=1):
        (done,) = task.pop("annotations", None) or task.pop("predictions")
        result = [{**region, "origin": "manual"} for region in done["result"]]
        task |= {"id": number, "predictions": [], "drafts": [], "project": 1, "meta": {}}
        task["annotations"] = [{"id": number, "completed_by": 1, "was_cancelled": False, "result": result}]
    path.write_text(json.dumps(tasks))


def by_id(folder: Path) -> dict[str, Sample]:
    return {sample.sample_id: sample for sample in Dataset(folder)}


def test_labels_come_through_all_tools_as_they_were(tagged: Path, tmp_path: Path) -> None:
    here, folder = tagged, tmp_path
    for tool, meddle in (("cvat", as_cvat_writes), ("label-studio", as_label_studio_writes)):
        assert curate("export", here, "--to", tool, "--out", folder / tool) == cli.OK
        meddle(folder / tool)
        here = folder / f"from-{tool}"
        assert curate("convert", tool, folder / tool, "--out", here) == cli.OK
    assert curate("export", here, "--to", "coco", "--out", folder / "coco") == cli.OK
    assert curate("convert", "coco", folder / "coco", "--out", folder / "last") == cli.OK
    first, last = by_id(tagged), by_id(folder / "last")
    assert sorted(first) == sorted(last) == ["labelme/alone#0", "labelme/both#0", "labelme/both#1"]
    for name, sample in first.items():
        found = last[name]
        assert (found.side, found.visibility.tolist()) == (sample.side, sample.visibility.tolist())
        np.testing.assert_allclose(found.keypoints, sample.keypoints, rtol=0, atol=0.01)
        assert (Dataset(folder / "last").read_image(found) == Dataset(tagged).read_image(sample)).all()
    assert {0, 1, 2} == {int(v) for sample in last.values() for v in sample.visibility}
    annotations = json.loads((folder / "coco/annotations/person_keypoints_default.json").read_text())
    assert {a["hand_curate"]["sample_id"] for a in annotations["annotations"]} == set(first)


def mend_in_cvat(folder: Path) -> None:
    """Of the right hand: the thumb's tip moved, the wrist hidden, the index tip taken away, the side set."""
    path = folder / "annotations.xml"
    head, shape, rest = re.split(
        r"(<skeleton(?:(?!</skeleton>).)*?labelme/both#1.*?</skeleton>)", path.read_text(), flags=re.DOTALL
    )
    for name, told in (
        ("thumb_tip", 'outside="0" occluded="0" points="100.5,50.25"'),
        ("wrist", 'outside="0" occluded="1" points="\\1"'),
        ("index_tip", 'outside="1" occluded="0" points="1,1"'),
    ):
        old = rf'(?<=label="{name}" source="file" )outside="\d" occluded="\d" points="(\S+?)"'
        shape, count = re.subn(old, told, shape)
        assert count == 1
    path.write_text(head + shape.replace('"side">right', '"side">left') + rest)


def mend_in_label_studio(folder: Path) -> None:
    """The same."""
    path = folder / "tasks.json"
    tasks = json.loads(path.read_text())
    (task,) = (task for task in tasks if len(task["data"]["hand_curate"]) == 2)
    (done,) = task["annotations"]
    regions = {(region["id"], region["type"]): region for region in done["result"]}
    regions["hand-1-thumb_tip", "keypointlabels"]["value"] |= {"x": 100.5 / 3.2, "y": 50.25 / 2.4}
    wrist = regions["hand-1-wrist", "keypointlabels"]
    hidden = {**wrist, "type": "choices", "from_name": "visibility", "value": {"choices": ["hidden"]}}
    done["result"] += [hidden]
    done["result"].remove(regions["hand-1-index_tip", "keypointlabels"])
    regions["hand-1", "rectanglelabels"]["value"]["rectanglelabels"] = ["left hand"]
    path.write_text(json.dumps(tasks))


TOOLS = {
    "cvat": (as_cvat_writes, mend_in_cvat),
    "label-studio": (as_label_studio_writes, mend_in_label_studio),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_was_mended_comes_back_on_the_same_sample_and_nothing_else(
    tool: str, tagged: Path, tmp_path: Path
) -> None:
    write, mend = TOOLS[tool]
    curate("export", tagged, "--to", tool, "--out", tmp_path / "sent")
    write(tmp_path / "sent")
    mend(tmp_path / "sent")
    taking = ("review", "take-back", tool, tmp_path / "sent", "--dataset", tagged, "--out", tmp_path / "back")
    assert curate(*taking, "--reviewer", "ann") == cli.OK
    applying = ("review", "apply", tmp_path / "back/decisions.jsonl", "--dataset", tagged)
    assert curate(*applying, "--out", tmp_path / "next") == cli.OK
    before, after = by_id(tagged), by_id(tmp_path / "next")
    old, new = before.pop("labelme/both#1"), after.pop("labelme/both#1")
    assert (old.side, new.side) == ("right", "left")
    np.testing.assert_allclose(new.keypoints[4], (100.5, 50.25), atol=1e-4)
    assert new.visibility[[0, 4, 8]].tolist() == [1, 2, 0]
    kept = [k for k in range(kp.COUNT) if k not in (0, 4, 8)]
    np.testing.assert_array_equal(new.keypoints[kept], old.keypoints[kept])  # to the last bit
    assert new.visibility[kept].tolist() == old.visibility[kept].tolist()
    for name, sample in before.items():
        np.testing.assert_array_equal(after[name].keypoints, sample.keypoints)
        assert after[name].attrs == sample.attrs
