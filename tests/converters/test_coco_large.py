"""Large COCO files, which are read piece by piece: the same samples, counts and words as of small ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from converters import coco, coco_wholebody
from converters.parts import json_pieces
from curate.basics import keypoints as kp
from curate.data.part import Part
from curate.data.sample import from_batch
from curate.data.source import Source
from tests.converters.coco_files import flat, save

Read = Callable[[Source], Iterator[Part]]


def _read(root: Path, read: Read = coco.read) -> tuple[list[str], list[Any]]:
    samples: list[str] = []
    dropped, notes, absent, quarantine = Counter[str](), Counter[str](), Counter[str](), []
    for part in read(Source(root)):
        samples += [repr(sample) for sample in from_batch(part.batch)]
        dropped += part.dropped
        notes += part.notes
        absent += part.absent
        quarantine += part.quarantine
    return samples, [dropped, notes, absent, quarantine]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], list[Any]]]:
    """What is read of a source, after it was found to be the same in pieces of a few annotations."""

    def run(read: Read = coco.read) -> tuple[list[str], list[Any]]:
        whole = _read(tmp_path, read)
        found: list[list[str]] = []
        members = json_pieces.members

        def spied(file: Any) -> list[json_pieces.Member]:
            found.append([member.name for member in members(file) if len(member.cuts) > 1])
            return members(file)

        with monkeypatch.context() as patched:
            patched.setattr(json_pieces, "PIECE", 1500)
            patched.setattr(json_pieces, "_BLOCK", 4096)
            patched.setattr(json_pieces, "members", spied)
            assert _read(tmp_path, read) == whole
        assert "annotations" in found[0]
        return whole

    return run


def _hands(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"keypoints": flat(shift=i / 8), "bbox": [1, 2, 3, 4], **more} for i in range(count)]


def test_sound_files(tmp_path: Path, both: Callable[..., Any]) -> None:
    save(tmp_path, _hands(30, attributes={"side": "left"}), name="train.json", names=reversed(kp.NAMES))
    save(tmp_path, _hands(20), name="val.json", info={"description": "Some hands"})
    samples, (dropped, *_) = both()
    assert len(samples) == 50
    assert not dropped


def test_categories_and_images_may_stand_behind(tmp_path: Path, both: Callable[..., Any]) -> None:
    path = save(tmp_path, _hands(30), names=reversed(kp.NAMES))
    content = json.loads(path.read_text())
    path.write_text(
        json.dumps({name: content[name] for name in ("annotations", "info", "images", "categories")})
    )
    samples, _ = both()
    assert len(samples) == 30


def test_flaws_are_told_as_of_small_ones(tmp_path: Path, both: Callable[..., Any]) -> None:
    annotations = _hands(40)
    annotations[3]["keypoints"] = "none"
    annotations[25] = {"keypoints": [], "note": 'ä \\ " }, {'}
    annotations[31]["bbox"] = "none"
    annotations[37]["image_id"] = annotations[38]["image_id"] = annotations[4]["image_id"] = (
        8  # no such image
    )
    annotations[39]["keypoints"] = annotations[2]["keypoints"]  # told twice
    annotations[20]["id"] = 5
    save(tmp_path, annotations)
    samples, (dropped, notes, _, quarantine) = both()
    assert [name for name, _ in quarantine] == [
        "train.json: annotations[3]",
        "train.json: annotations[31]",
        "train.json: coco/train/5",
        "train.json: image 8",
    ]
    assert dropped == {"annotation without keypoints": 1, "image missing": 3}
    assert notes["hand that another annotation repeats exactly, left out"] == 1
    assert len(samples) == 40 - 3 - 1 - 3 - 1


def test_ids_as_text_and_as_numbers(tmp_path: Path, both: Callable[..., Any]) -> None:
    annotations = _hands(30)
    annotations[22]["image_id"] = "7"
    save(tmp_path, annotations)
    samples, _ = both()
    assert len(samples) == 30


def test_a_flawed_category_is_told_once(tmp_path: Path, both: Callable[..., Any]) -> None:
    save(tmp_path, _hands(30), categories=[{"id": 1, "keypoints": 5}, {"id": 2, "name": "hand"}])
    _, (_, _, _, quarantine) = both()
    assert [name for name, _ in quarantine] == ["train.json: categories[0]"]


def test_whole_bodies(tmp_path: Path, both: Callable[..., Any]) -> None:
    one = {"lefthand_valid": True, "lefthand_kpts": flat(), "lefthand_box": [1, 2, 3, 4]}
    people = [{**one, "lefthand_kpts": flat(shift=i / 8)} for i in range(30)]
    save(tmp_path, people)
    path = tmp_path / "annotations" / "train.json"
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        del annotation["id"]
    path.write_text(json.dumps(content))
    samples, _ = both(coco_wholebody.read)
    assert "row29-left" in samples[29]
