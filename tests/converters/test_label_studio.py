"""Label Studio's JSON, whatever a project is set up as: which points are a hand, and where its picture is."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from converters import label_studio
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from tests.converting import read_all, small_dataset

WIDTH, HEIGHT = 200, 100
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def region(kind: str, key: str, label: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    told = {"id": key, "type": kind, "from_name": "x", "to_name": "image", "origin": "manual"}
    return {**told, **size, "value": {**value, kind: [label]}, **more}


def point(label: str, x: Any = 10, y: Any = 20, key: str = "", **more: Any) -> dict[str, Any]:
    """A keypoint at x, y percent."""
    return region("keypointlabels", key or f"{label}-{x}-{y}", label, {"x": x, "y": y, "width": 0.5}, **more)


def box(key: str, label: str = "hand", at: tuple[float, ...] = (0, 0, 50, 50), **more: Any) -> dict[str, Any]:
    value = dict(zip(("x", "y", "width", "height"), at, strict=True)) | {"rotation": 0}
    return region("rectanglelabels", key, label, value | more.pop("value", {}), **more)


def choice(key: str, said: str) -> dict[str, Any]:
    return {"id": key, "type": "choices", "value": {"choices": [said]}, "from_name": "c", "to_name": "image"}


def task(*results: Any, picture: str = "a.png", number: int = 1, **more: Any) -> dict[str, Any]:
    done = {"annotations": [{"id": 7, "result": list(results), "was_cancelled": False}]}
    return {"id": number, "data": {"image": picture}, **done, "predictions": [], **more}


def save(
    folder: Path, *tasks: Any, name: str = "project.json", pictures: tuple[str, ...] = ("a.png",)
) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(tasks)))
    for picture in pictures:
        images.write(folder / picture, PICTURE)
    return path


def read(root: Path, mapping: Path | None = None, annotator: str | None = None) -> tuple[list[Sample], Part]:
    return read_all(partial(label_studio.read, annotator=annotator), root, mapping)


def seen(sample: Sample) -> dict[str, list[float]]:
    return {kp.NAMES[i]: sample.keypoints[i].tolist() for i in sample.visibility.nonzero()[0]}


def test_percent_become_pixels(tmp_path: Path) -> None:
    save(tmp_path, task(*(point(name, i, 2 * i) for i, name in enumerate(kp.NAMES[:-1], start=1))))
    (sample,), counted = read(tmp_path)
    assert (sample.sample_id, sample.source) == ("label-studio/1", "label-studio")
    assert (sample.label_source, sample.side, sample.bbox) == ("manual", None, None)
    assert (sample.width, sample.height) == (WIDTH, HEIGHT)
    assert sample.image == str(tmp_path / "a.png")
    assert sample.keypoints[4].tolist() == [10, 10]
    assert sample.visibility.tolist() == [2] * 20 + [0]
    assert (counted.dropped, counted.notes, counted.quarantine) == ({}, {}, [])


def test_a_view_that_was_turned_does_not_turn_the_places(tmp_path: Path) -> None:
    save(tmp_path, task(point("wrist", 10, 20, image_rotation=90)))
    (sample,), _ = read(tmp_path)
    assert seen(sample) == {"wrist": [20, 20]}


def test_points_under_a_rectangle_are_a_hand(tmp_path: Path) -> None:
    results = [
        box("r1", "Left hand", (10, 10, 20, 40)),
        box("r2", "right_hand"),
        point("wrist", 1, 1, parentID="r2"),
        point("wrist", 2, 2, parentID="r1"),
        point("thumb_tip", 3, 3, parentID="r1"),
    ]
    save(tmp_path, task(*results))
    right, left = read(tmp_path)[0]
    assert (right.sample_id, right.side, seen(right)) == ("label-studio/1", "right", {"wrist": [2, 1]})
    assert (left.sample_id, left.side) == ("label-studio/1#1", "left")
    assert seen(left) == {"wrist": [4, 2], "thumb_tip": [6, 3]}
    assert left.bbox is not None
    assert left.bbox.tolist() == [20, 10, 40, 40]


@pytest.mark.parametrize("at", [(0, 0, 1e300, 50), (1e39, 0, 5, 5), (10, 10, 0, 20)])
def test_a_rectangle_that_cannot_be_is_left_out_and_counted(at: tuple[float, ...], tmp_path: Path) -> None:
    save(tmp_path, task(box("h", at=at), point("wrist", parentID="h")))
    (sample,), counted = read(tmp_path)
    assert sample.bbox is None
    assert counted.notes["impossible bbox, left out"] == 1


def test_points_under_a_point_are_a_hand_with_it(tmp_path: Path) -> None:
    results = [point("wrist", 1, 1, key="w"), point("thumb_tip", 2, 2, parentID="w")]
    save(tmp_path, task(*results, point("wrist", 5, 5)))
    first, second = read(tmp_path)[0]
    assert [list(seen(sample)) for sample in (first, second)] == [["wrist", "thumb_tip"], ["wrist"]]


def test_points_under_nothing_belong_to_the_rectangle_around_them(tmp_path: Path) -> None:
    boxes = [box("a", at=(0, 0, 40, 100)), box("b", at=(60, 0, 40, 100))]
    points = [point("wrist", 10, 10), point("wrist", 90, 10), point("thumb_tip", 20, 10)]
    save(tmp_path, task(*boxes, *points))
    samples, counted = read(tmp_path)
    assert [list(seen(sample)) for sample in samples] == [["wrist", "thumb_tip"], ["wrist"]]
    assert counted.notes == {"point put under the rectangle that it lies in": 3}


def test_the_one_rectangle_of_a_task_is_that_of_its_points(tmp_path: Path) -> None:
    save(tmp_path, task(box("a", "left", (0, 0, 5, 5)), box("c", "cup"), point("wrist", 90, 90)))
    (sample,), counted = read(tmp_path)
    assert (sample.side, sample.bbox is None) == ("left", False)
    assert counted.dropped == {"region rectanglelabels 'cup'": 1}


def test_hands_by_the_sides_in_their_labels(tmp_path: Path) -> None:
    save(tmp_path, task(point("left_wrist", 1, 1), point("right wrist", 2, 2), point("L-thumb-tip", 3, 3)))
    left, right = read(tmp_path)[0]
    assert (left.side, list(seen(left)), right.side, list(seen(right))) == (
        "left",
        ["wrist", "thumb_tip"],
        "right",
        ["wrist"],
    )


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (
            [point("wrist", 1, 1), point("Wrist", 2, 2)],
            "wrist occurs twice in one hand; give each hand",
        ),
        ([point("left_wrist"), point("right_wrist"), point("thumb_tip")], "thumb_tip without a side, among"),
        ([box("a"), box("b"), point("wrist", 90, 90)], "wrist in no hand's rectangle"),
        ([box("a"), box("b"), point("wrist", 9, 9)], "wrist in the rectangles of several hands"),
        (
            [box("a"), point("left_wrist", parentID="a"), point("right_thumb_tip", parentID="a")],
            "one hand is called both left and right",
        ),
    ],
)
def test_a_task_that_does_not_tell_its_hands_costs_no_other(
    results: list[Any], reason: str, tmp_path: Path
) -> None:
    save(tmp_path, task(*results), task(point("wrist"), number=2))
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["label-studio/2"]
    ((name, said),) = counted.quarantine
    assert name == "project.json: task 1"
    assert reason in said


@pytest.mark.parametrize(
    ("results", "visibility"),
    [
        ([point("wrist", key="w")], 2),
        ([point("wrist-occluded", key="w")], 1),
        ([point("wrist", key="w"), choice("w", "hidden")], 1),
        ([choice("w", "Occluded"), point("wrist", key="w")], 1),
        ([point("wrist", key="w"), choice("w", "visible")], 2),
        ([point("wrist", key="w", meta={"text": ["occluded by the cup"]})], 1),
        ([point("wrist", key="w"), {"id": "w", "type": "textarea", "value": {"text": ["not visible"]}}], 1),
        ([point("wrist", key="w"), choice("another", "hidden")], 2),
    ],
)
def test_visibility_as_people_tell_it(results: list[Any], visibility: int, tmp_path: Path) -> None:
    save(tmp_path, task(*results))
    (sample,), _ = read(tmp_path)
    assert sample.visibility[0] == visibility


def test_a_choice_for_the_picture_tells_the_side_of_its_hand(tmp_path: Path) -> None:
    save(tmp_path, task(point("wrist"), choice("side", "Left hand")))
    (sample,), _ = read(tmp_path)
    assert sample.side == "left"


def test_numbered_labels_are_understood_together(tmp_path: Path) -> None:
    save(tmp_path, task(*(point(f"kp{i}", i, i) for i in reversed(range(21)))))
    (sample,), _ = read(tmp_path)
    assert sample.keypoints[:, 1].tolist() == list(range(21))


def test_what_is_not_understood_is_counted_by_name(tmp_path: Path) -> None:
    other = region("polygonlabels", "p", "cup", {"points": [[1, 1]]})
    brush = {"id": "b", "type": "brush", "value": {"rle": [1]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b"}
    bad = [point("thumb_tip", float("nan"), 3), point("thumb_ip", 3, "y"), point("index_tip", 1e9, 3)]
    save(tmp_path, task(point("wrist"), point("wirst"), other, brush, relation, *bad, "x"))
    (sample,), counted = read(tmp_path)
    assert list(seen(sample)) == ["wrist"]
    assert counted.dropped == {
        "unknown label 'wirst' (did you mean wrist?)": 1,
        "region polygonlabels 'cup'": 1,
        "region brush": 1,
        "point without a place in percent": 3,
        "region of another form: Expected object, got str": 1,
    }
    assert counted.notes == {"relation, not used": 1}


def test_a_mapping_file_names_the_labels(tmp_path: Path) -> None:
    save(tmp_path / "in", task(point("Daumenspitze", 1, 1), point("ruler", 2, 2)))
    (tmp_path / "mapping.yaml").write_text("labels: {Daumenspitze: thumb_tip}\nignore: [ruler]\nside: left\n")
    (sample,), counted = read(tmp_path / "in", tmp_path / "mapping.yaml")
    assert (list(seen(sample)), sample.side) == (["thumb_tip"], "left")
    assert counted.notes == {"ignored label 'ruler'": 1}


def test_a_rectangle_that_is_turned_has_the_extent_of_its_corners(tmp_path: Path) -> None:
    turned = box("a", at=(50, 50, 10, 10), value={"rotation": 90})
    save(tmp_path, task(turned, point("wrist", parentID="a")))
    (sample,), _ = read(tmp_path)
    assert sample.bbox is not None
    np.testing.assert_allclose(sample.bbox, [90, 50, 10, 20], atol=1e-4)  # 20 x 10 px, about (100, 50)


# Which annotation is read ----------------------------------------------------------------------------


def annotation(x: float, **more: Any) -> dict[str, Any]:
    return {"result": [point("wrist", x, 1)], **more}


@pytest.mark.parametrize(
    ("given", "x", "notes"),
    [
        ([annotation(1)], 2, 0),
        ([annotation(1), annotation(2)], 4, 1),
        ([annotation(1, updated_at="2024-02-02"), annotation(2, updated_at="2024-02-01")], 2, 1),
        ([annotation(1, ground_truth=True), annotation(2, updated_at="2024-02-01"), annotation(3)], 2, 2),
        ([annotation(1), annotation(2, was_cancelled=True)], 2, 1),
    ],
)
def test_of_several_annotations_one_is_read_and_the_others_counted(
    given: list[Any], x: float, notes: int, tmp_path: Path
) -> None:
    save(tmp_path, task(annotations=given))
    (sample,), counted = read(tmp_path)
    assert sample.keypoints[0, 0] == x
    assert sum(counted.notes.values()) == notes


@pytest.mark.parametrize("who", ["2", "bob@lab.org"])
def test_what_two_people_made_of_a_picture_is_read_apart(who: str, tmp_path: Path) -> None:
    both = [annotation(1, completed_by=1), annotation(2, completed_by={"id": 2, "email": "bob@lab.org"})]
    save(tmp_path, task(annotations=both), task(annotations=both[:1], number=2))
    (sample,), counted = read(tmp_path, annotator=who)
    assert (sample.sample_id, sample.keypoints[0, 0]) == ("label-studio/1", 4)
    assert counted.notes == {"annotation not read, of 1": 2, "task without an annotation of this person": 1}
    (first, second), counted = read(tmp_path, annotator="1")
    assert [first.keypoints[0, 0], second.keypoints[0, 0]] == [2, 2]
    assert counted.notes == {"annotation not read, of bob@lab.org": 1}


def test_a_prediction_is_read_where_nobody_annotated(tmp_path: Path) -> None:
    guess = {"model_version": "my net 1", "score": 0.5, "result": [point("wrist", 1, 1, score=0.25)]}
    save(
        tmp_path,
        task(annotations=[], predictions=[guess]),
        task(point("wrist"), number=2, predictions=[guess]),
    )
    first, second = read(tmp_path)[0]
    assert (first.label_source, second.label_source) == ("auto:mynet1", "manual")
    assert first.keypoint_scores is not None
    assert first.keypoint_scores[0] == 0.25


def test_tasks_that_nobody_labelled_are_counted(tmp_path: Path) -> None:
    skipped = annotation(1, was_cancelled=True)
    save(tmp_path, task(annotations=[]), task(annotations=[skipped], drafts=[{}]), task())
    samples, counted = read(tmp_path)
    assert not samples
    assert counted.notes == {
        "task without an annotation": 2,
        "annotation that was skipped": 1,
        "draft, not read": 1,
        "task without a keypoint": 1,
    }


# The other forms of its files --------------------------------------------------------------------------


def test_json_min_is_read(tmp_path: Path) -> None:
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    value = {"x": 10, "y": 20, "width": 0.5, "keypointlabels": ["wrist"], **size}
    rectangle = {"x": 0, "y": 0, "width": 50, "height": 50, "rectanglelabels": ["Right hand"], **size}
    short = {
        "image": "a.png",
        "id": 3,
        "kp": [value],
        "hand": [rectangle],
        "annotation_id": 5,
        "annotator": 1,
    }
    save(tmp_path, short)
    (sample,), _ = read(tmp_path)
    assert (sample.sample_id, sample.side, seen(sample)) == ("label-studio/3", "right", {"wrist": [20, 20]})
    assert sample.attrs == {"annotation_id": 5, "annotator": 1}


def test_hidden_points_that_json_min_does_not_name_are_counted(tmp_path: Path) -> None:
    """It lists what was chosen, and not for which point: all came out as visible, without a word."""
    value = {"x": 10, "y": 20, "width": 0.5, "keypointlabels": ["wrist"]}
    common = {"image": "a.png", "kp": [value], "annotation_id": 5}
    several = {**common, "id": 3, "visibility": ["hidden", "visible", "not visible"]}
    one = {**common, "id": 4, "visibility": "hidden", "remark": "partly hidden by a cup"}
    save(tmp_path, several, one)
    samples, counted = read(tmp_path)
    assert counted.dropped == {"hidden point that JSON-MIN does not name, read as visible; export as JSON": 3}
    assert samples[1].attrs == {"annotation_id": 5, "remark": "partly hidden by a cup"}


def test_columns_that_are_not_kept_are_counted(tmp_path: Path) -> None:
    plain = {f"c{i}": i for i in range(52)}
    data = {"image": "a.png", "people": {"id": 1}, "tags": ["x"], "nothing": None, **plain}
    save(tmp_path, task(point("wrist"), data=data))
    (sample,), counted = read(tmp_path)
    assert len(sample.attrs) == 50
    assert counted.notes == {
        "column that is no text or number, left out: 'people'": 1,
        "column that is no text or number, left out: 'tags'": 1,
        "column of a task beyond the first 50, left out": 2,
    }


def test_json_min_brings_the_id_of_a_hand_that_was_alone(tmp_path: Path) -> None:
    value = {"x": 10, "y": 20, "width": 0.5, "keypointlabels": ["wrist"]}
    sent = {"hand_curate": [{"sample_id": "toy/1", "has_bbox": False}]}
    save(tmp_path, {"image": "a.png", "id": 3, "kp": [value], **sent, "annotation_id": 5})
    (sample,), _ = read(tmp_path)
    assert sample.sample_id == "toy/1"


def test_files_of_a_target_storage_are_read(tmp_path: Path) -> None:
    stored = {
        "id": 5,
        "result": [point("wrist")],
        "task": {"id": 9, "data": {"image": "a.png", "person": "p1"}},
    }
    save(tmp_path)
    (tmp_path / "project.json").unlink()
    (tmp_path / "5.json").write_text(json.dumps(stored))
    (sample,), _ = read(tmp_path)
    assert (sample.sample_id, sample.attrs) == ("label-studio/9", {"person": "p1"})


def test_a_size_of_half_a_pixel_is_refused(tmp_path: Path) -> None:
    save(tmp_path, task(point("wrist", 10, 20, original_width=WIDTH + 0.5)))
    samples, counted = read(tmp_path)
    assert not samples
    ((where, reason),) = counted.quarantine
    assert where.endswith("task 1")
    assert reason == f"original_width: {WIDTH + 0.5!r}; allowed: a whole number of pixels"


def test_regions_of_before_version_1_lack_the_size(tmp_path: Path) -> None:
    old = point("wrist", 10, 20)
    del old["original_width"], old["original_height"]
    save(tmp_path, {"id": 0, "data": {"img": "a.png"}, "completions": [{"result": [old]}]})
    (sample,), _ = read(tmp_path)
    assert seen(sample) == {"wrist": [20, 20]}


# Pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "file"),
    [
        ("/data/local-files/?d=sub/a%20b.png", "sub/a b.png"),
        ("/data/local-files/?d=elsewhere/sub/a.png", "sub/a.png"),
        ("http://localhost:8080/data/local-files/?d=sub/a.png", "sub/a.png"),
        ("/data/upload/1/0a1b2c3d-a.png", "a.png"),
        ("/data/upload/1/0a1b2c3d-a.png", "0a1b2c3d-a.png"),
        ("https://host.org/x/a.png?token=1", "a.png"),
        ("s3://bucket/key/a.png", "a.png"),
        ("sub/a.png", "sub/a.png"),
        ("a.png", "deep/below/a.png"),
    ],
)
def test_where_the_picture_of_a_task_is(picture: str, file: str, tmp_path: Path) -> None:
    save(tmp_path, task(point("wrist"), picture=picture), pictures=(file,))
    (sample,), _ = read(tmp_path)
    assert sample.image == str(tmp_path / file)


@pytest.mark.parametrize(
    "picture",
    [
        "/data/local-files/?d=../../secret.png",
        "/data/local-files/?d=/etc/passwd",
        "../secret.png",
        "file:///etc/passwd",
        "http://[::1/secret.png",
        "data:image/png;base64,AAAA",
        "gone.png",
        "/data/upload/1/gone.png",
        "",
    ],
)
def test_a_picture_that_is_not_there_or_elsewhere_costs_its_task(picture: str, tmp_path: Path) -> None:
    images.write(tmp_path / "secret.png", PICTURE)
    save(tmp_path / "in", task(point("wrist"), picture=picture), task(point("wrist"), number=2))
    samples, counted = read(tmp_path / "in")
    assert [sample.sample_id for sample in samples] == ["label-studio/2"]
    assert [name for name, _ in counted.quarantine] == ["project.json: task 1"]


def test_a_task_of_several_pictures_or_of_none_is_refused(tmp_path: Path) -> None:
    several = {"data": {"pages": ["a.png", "b.png"]}, "annotations": [annotation(1)]}
    save(tmp_path, several, task(point("wrist"), number=2))
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert counted.quarantine == [
        ("project.json: [0]", "data: columns 'pages'; allowed: image, with a picture"),
    ]


# Hostile files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "an empty file"),
        ("{", "is not JSON"),
        ("[1, 2]", "no task"),
        ('{"images": [], "annotations": []}', "it looks like COCO"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_export_is_refused(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match="not a Label Studio file") as told:
        read(tmp_path)
    assert reason in str(told.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"data": {"image": "a.png"}, "annotations": 3},
        {"data": {"image": "a.png"}, "annotations": [{"result": 3}]},
        {"data": {"image": "a.png", "hand_curate": [{"sample_id": 3}]}, "annotations": [annotation(1)]},
        None,
        3,
    ],
)
def test_a_task_of_another_form_costs_no_other(bad: Any, tmp_path: Path) -> None:
    save(tmp_path, bad, task(point("wrist"), number=2))
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["label-studio/2"]
    assert [name for name, _ in counted.quarantine] == ["project.json: [0]"]


def test_parents_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    circle = [point("wrist", key="a", parentID="b"), point("thumb_tip", key="b", parentID="a")]
    save(tmp_path, task(*circle))
    samples, _ = read(tmp_path)
    assert sum(len(seen(sample)) for sample in samples) == 2


# Writing -----------------------------------------------------------------------------------------------


def sample_of(name: str, picture: str = "images/p.png", **more: Any) -> Sample:
    points = np.arange(42, dtype=np.float32).reshape(21, 2) + 0.125
    visibility = np.full(21, 2, np.uint8)
    return Sample(name, "toy", picture, WIDTH, HEIGHT, keypoints=points, visibility=visibility, **more)


def test_labels_of_people_are_annotations_and_those_of_networks_predictions(tmp_path: Path) -> None:
    scores = np.full(21, 0.5, np.float32)
    samples = [
        sample_of("toy/1", "images/1.png", label_source="manual"),
        sample_of("toy/2", "images/2.png", label_source="auto:net", score=0.75, keypoint_scores=scores),
        sample_of("toy/3", "images/3.png", label_source="manual"),
        sample_of("toy/4", "images/3.png", label_source="auto:net", side="left"),
    ]
    samples[3].keypoints += 5
    lost = label_studio.write(small_dataset(tmp_path / "data", samples, PICTURE), tmp_path / "out")
    assert lost == {"source": 4, "label_source": 1}  # toy/3 stands in a prediction
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert [sorted(entry) for entry in tasks] == [["annotations", "data"], *[["data", "predictions"]] * 2]
    assert tasks[1]["predictions"][0]["model_version"] == "net"
    assert tasks[1]["predictions"][0]["score"] == 0.75
    found, counted = read(tmp_path / "out")
    assert not counted.quarantine
    assert [(s.sample_id, s.label_source) for s in found] == [
        ("toy/1", "manual"),
        ("toy/2", "auto:net"),
        ("toy/3", "auto:net"),
        ("toy/4", "auto:net"),
    ]
    assert [s.bbox for s in found] == [None] * 4
    assert found[1].score == 0.75
    np.testing.assert_array_equal(found[1].keypoint_scores, scores)


def test_scores_of_points_that_are_not_labelled_are_counted(tmp_path: Path) -> None:
    sample = sample_of("toy/1", label_source="auto:net", keypoint_scores=np.full(21, 0.5, np.float32))
    sample.visibility[:3], sample.keypoints[:3] = 0, np.nan
    lost = label_studio.write(small_dataset(tmp_path / "data", [sample], PICTURE), tmp_path / "out")
    assert lost == {"source": 1, "score of a keypoint that is not labelled": 3}


def test_what_is_written_is_what_the_interface_has(tmp_path: Path) -> None:
    sample = sample_of("toy/1", side="left", bbox=np.array([1, 2, 30, 40], np.float32))
    sample.visibility[[0, 1]] = 0, 1
    label_studio.write(small_dataset(tmp_path / "data", [sample], PICTURE), tmp_path / "out")
    view = ElementTree.parse(tmp_path / "out" / "label_config.xml").getroot()
    offered = {tag.get("name"): [e.get("value") for e in tag] for tag in view if len(tag)}
    (entry,) = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert entry["data"]["image"] == "/data/local-files/?d=images/p.png"
    assert [tag.get("value") for tag in view if tag.tag == "Image"] == ["$image"]
    (done,) = entry["annotations"]
    for result in done["result"]:
        assert set(result["value"][result["type"]]) <= set(offered[result["from_name"]])
        assert result["to_name"] == "image"
    assert offered["keypoint"] == list(kp.NAMES)
    under = [r["parentID"] for r in done["result"] if "parentID" in r]
    assert set(under) == {done["result"][0]["id"]}
    assert [r["id"] for r in done["result"] if r["type"] == "choices"] == ["hand-0-thumb_cmc"]
    (back,), _ = read(tmp_path / "out")
    assert back.bbox is not None
    assert back.bbox.tolist() == [1, 2, 30, 40]
    assert (back.side, back.visibility[:3].tolist()) == ("left", [0, 1, 2])


def test_a_hand_whose_rectangle_was_deleted_is_still_known(tmp_path: Path) -> None:
    data = small_dataset(tmp_path / "data", [sample_of("toy/1", side="left")], PICTURE)
    label_studio.write(data, tmp_path / "out")
    path = tmp_path / "out" / "tasks.json"
    (entry,) = json.loads(path.read_text())
    del entry["annotations"][0]["result"][0]
    path.write_text(json.dumps([entry]))
    (back,), _ = read(tmp_path / "out")
    assert (back.sample_id, back.side) == ("toy/1", None)
