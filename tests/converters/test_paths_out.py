"""No source, whoever made it, leads out of the folders that were given."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.table import FORMATS
from curate.basics import images
from curate.basics import keypoints as kp
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.source import Source
from curate.data.stage import Summary
from curate.options.convert import ConvertOptions

PICTURE = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
POINTS = np.linspace(20, 200, 42).reshape(21, 2)
LINE = " ".join(["0 0.5 0.5 0.5 0.5", *(f"{x / 320} {y / 320} 2" for x, y in POINTS)])


def run(name: str, root: Path, out: Path, *, copy: bool = True, **places: Path) -> Summary:
    return convert(FORMATS[name].read, name, Source(root, **places), out, ConvertOptions(copy=copy))


def picture(path: Path) -> Path:
    images.write(path, PICTURE)
    return path


def yolo(root: Path) -> tuple[Path, str]:
    """A source of one hand; where its images lie, and the name for a second."""
    picture(root / "images" / "a.png")
    for stem in "ab":
        (root / "labels").mkdir(exist_ok=True)
        (root / "labels" / f"{stem}.txt").write_text(LINE)
    return root / "images", "b.png"


def eleven(root: Path) -> tuple[Path, str]:
    picture(root / "Hands" / "a.png")
    rows = [f"{i},30,male,fair,0,0,dorsal left,{name}.jpg,0" for i, name in enumerate("ab")]
    head = "id,age,gender,skinColor,accessories,nailPolish,aspectOfHand,imageName,irregularities"
    (root / "HandInfo.csv").write_text("\n".join([head, *rows]))
    return root / "Hands", "b.png"


def rhd(root: Path) -> tuple[Path, str]:
    picture(root / "training" / "color" / "00000.png")
    uv = np.concatenate([np.tile(POINTS, (2, 1)), np.ones((42, 1))], axis=1)
    entry = {"uv_vis": uv, "xyz": np.ones((42, 3)), "K": np.eye(3)}
    (root / "training" / "anno_training.pickle").write_bytes(pickle.dumps({0: entry, 1: entry}))
    return root / "training" / "color", "00001.png"


def coco(root: Path) -> tuple[Path, str]:
    picture(root / "images" / "a.png")
    save_coco(root, [annotation(1), annotation(2)])
    return root / "images", "b.png"


def labelme(root: Path) -> tuple[Path, str]:
    picture(root / "a.png")
    for stem in "ab":
        shapes = [
            {"label": n, "points": [p], "shape_type": "point"}
            for n, p in zip(kp.NAMES, POINTS.tolist(), strict=True)
        ]
        (root / f"{stem}.json").write_text(json.dumps({"shapes": shapes, "imagePath": f"{stem}.png"}))
    return root, "b.png"


def annotation(number: int, **ours: Any) -> dict[str, Any]:
    flat = [value for x, y in POINTS.tolist() for value in (x, y, 2)]
    told = {"hand_curate": {"sample_id": f"x/{number}", "source": "x", **ours}} if ours else {}
    return {"id": number, "image_id": number, "category_id": 1, "keypoints": flat, **told}


def save_coco(root: Path, annotations: list[dict[str, Any]]) -> None:
    content = {
        "images": [{"id": i, "file_name": f"{name}.png"} for i, name in enumerate("ab", start=1)],
        "categories": [{"id": 1, "keypoints": list(kp.NAMES)}],
        "annotations": annotations,
    }
    (root / "annotations").mkdir(exist_ok=True)
    (root / "annotations" / "a.json").write_text(json.dumps(content))


FORMATS_OF = {"yolo-pose": yolo, "11khands": eleven, "rhd": rhd, "coco": coco, "labelme": labelme}
HANDS = {"rhd": 2}  # in an image


@pytest.mark.parametrize("name", FORMATS_OF)
def test_links_within_work_and_links_out_are_refused(name: str, tmp_path: Path) -> None:
    outside = picture(tmp_path / "private" / "mine.png")
    folder, second = FORMATS_OF[name](tmp_path / "src")
    link = folder / second
    link.symlink_to(outside)
    hands = HANDS.get(name, 1)
    for copy in (True, False):
        summary = run(name, tmp_path / "src", tmp_path / f"refused-{copy}", copy=copy)
        assert summary.samples == hands
        ((_, reason),) = [
            entry.values() for entry in Dataset(summary.out).quarantine() if "leads out" in entry["reason"]
        ]
        assert "--images" in reason
    if name != "11khands":  # whose photographs are looked for in one place alone
        given = run(name, tmp_path / "src", tmp_path / "given", images=tmp_path / "private")
        assert given.samples == 2 * hands
    link.unlink()
    picture(tmp_path / "src" / "store" / "real.png")
    link.symlink_to(os.path.relpath(tmp_path / "src" / "store" / "real.png", folder))
    assert run(name, tmp_path / "src", tmp_path / "within").samples == 2 * hands


@pytest.mark.parametrize("target", ["pipe", "zero"])
@pytest.mark.parametrize("name", FORMATS_OF)
def test_what_is_no_regular_file_is_refused_unopened(name: str, target: str, tmp_path: Path) -> None:
    folder, second = FORMATS_OF[name](tmp_path / "src")
    if target == "pipe":
        os.mkfifo(folder / second)
    else:
        (folder / second).symlink_to("/dev/zero")
    assert run(name, tmp_path / "src", tmp_path / "out").samples == HANDS.get(name, 1)


def test_labels_that_are_pipes_and_devices(tmp_path: Path) -> None:
    yolo(tmp_path / "src")
    picture(tmp_path / "src" / "images" / "b.png")
    label = tmp_path / "src" / "labels" / "b.txt"
    label.unlink()
    os.mkfifo(label)
    assert run("yolo-pose", tmp_path / "src", tmp_path / "1").samples == 1
    label.unlink()
    (tmp_path / "password.txt").write_text("secret words")
    label.symlink_to(tmp_path / "password.txt")
    assert run("yolo-pose", tmp_path / "src", tmp_path / "2").samples == 1
    assert "secret" not in (tmp_path / "2" / "quarantine.jsonl").read_text()


@pytest.mark.parametrize("depth", ["{out}/secret.key", "../secret.key", "images/link.key"])
def test_a_depth_map_is_no_way_out(tmp_path: Path, depth: str) -> None:
    (tmp_path / "secret.key").write_text("TOP-SECRET")
    coco(tmp_path / "src")
    (tmp_path / "src" / "images" / "link.key").symlink_to(tmp_path / "secret.key")
    picture(tmp_path / "src" / "images" / "b.png")
    attrs = {"depth": depth.format(out=tmp_path)}
    save_coco(tmp_path / "src", [annotation(1, attrs={"age": 3}), annotation(2, attrs=attrs)])
    for copy in (True, False):
        summary = run("coco", tmp_path / "src", tmp_path / f"out-{copy}", copy=copy)
        assert (summary.samples, summary.quarantined) == (1, 1)
        assert summary.dropped == {"file outside the source": 1}
        for path in (tmp_path / f"out-{copy}").rglob("*"):
            assert not path.is_file() or b"TOP-SECRET" not in path.read_bytes()


def test_only_images_are_copied(tmp_path: Path) -> None:
    coco(tmp_path / "src")
    (tmp_path / "src" / "notes.txt").write_text("not for others")
    picture(tmp_path / "src" / "depth" / "1.png")
    maps = [annotation(1, attrs={"depth": "notes.txt"}), annotation(1, attrs={"depth": "depth/1.png"})]
    maps[1]["id"], maps[1]["hand_curate"]["sample_id"] = 2, "x/2"
    maps.append(annotation(1, attrs={"depth": 5}))
    maps[2]["id"], maps[2]["hand_curate"]["sample_id"] = 3, "x/3"
    save_coco(tmp_path / "src", maps)
    summary = run("coco", tmp_path / "src", tmp_path / "out")
    kept = {sample.sample_id: sample.depth for sample in Dataset(tmp_path / "out")}
    assert summary.samples == 3
    assert kept["x/1"] is kept["x/3"] is None
    assert images.read(tmp_path / "out" / str(kept["x/2"])).shape == (320, 320, 3)
    assert not list((tmp_path / "out").rglob("*.txt"))


@pytest.mark.parametrize(
    ("name", "file"), [("11khands", "HandInfo.csv"), ("rhd", "training/anno_training.pickle")]
)
def test_tables_that_lead_out(name: str, file: str, tmp_path: Path) -> None:
    from curate.basics.errors import UnsafeInput

    FORMATS_OF[name](tmp_path / "src")
    (tmp_path / "src" / file).rename(tmp_path / "table")
    (tmp_path / "src" / file).symlink_to(tmp_path / "table")
    with pytest.raises(UnsafeInput, match="leads out of the source folder"):
        run(name, tmp_path / "src", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_that_are_no_text(tmp_path: Path) -> None:
    bad = os.fsdecode(b"\xff")
    yolo(tmp_path / "yolo")
    picture(tmp_path / "yolo" / "images" / f"{bad}.png")
    (tmp_path / "yolo" / "labels" / f"{bad}.txt").write_text(LINE)
    assert run("yolo-pose", tmp_path / "yolo", tmp_path / "1").samples == 1
    labelme(tmp_path / "labelme")
    (tmp_path / "labelme" / "b.json").rename(tmp_path / "labelme" / f"{bad}.json")
    summary = run("labelme", tmp_path / "labelme", tmp_path / "2")
    assert summary.samples == 1
    ((entry),) = Dataset(tmp_path / "2").quarantine()
    assert entry == {
        "input": "\\udcff.json",
        "reason": "a file name with control characters or invalid UTF-8; rename it",
    }
    coco(tmp_path / "coco")
    content = (tmp_path / "coco" / "annotations" / "a.json").read_text()
    (tmp_path / "coco" / "annotations" / f"{bad}.json").write_text(content)
    assert run("coco", tmp_path / "coco", tmp_path / "3").samples == 1
    rhd(tmp_path / "rhd")
    picture(tmp_path / "rhd" / "training" / "mask" / f"{bad}.png")
    assert run("rhd", tmp_path / "rhd", tmp_path / "4").samples == 2
