"""Labelme: whatever people write into a label, and whatever a file may lack or hide."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import labelme
from converters.parts.labels import parse as parse_label
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from curate.data.source import Source


def point(label: str, x: float = 10.0, y: float = 20.0, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": [[x, y]], "shape_type": "point", "flags": {}, "group_id": None, **more}


def save(folder: Path, name: str, shapes: list[Any], **more: Any) -> Path:
    """A Labelme file, and its image if there is none."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = folder / "hand.png"
    if not image.exists():
        images.write(image, np.zeros((40, 60, 3), np.uint8))
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": "hand.png",
        "imageData": None,
        "imageHeight": 40,
        "imageWidth": 60,
    }
    path.write_text(json.dumps({**content, **more}))
    return path


def read(root: Path, mapping: Path | None = None, **more: Any) -> tuple[list[Sample], Part]:
    """All samples of a source, and a part with all that was counted."""
    samples: list[Sample] = []
    source = Source(root, **more)
    total = Part(next(labelme.read(source, mapping=mapping)).batch)
    for part in labelme.read(source, mapping=mapping):
        samples += from_batch(part.batch)
        total.dropped += part.dropped
        total.notes += part.notes
        total.quarantine += part.quarantine
    return samples, total


def hand(**more: Any) -> list[dict[str, Any]]:
    return [point(name, i + 0.25, i + 1.5, **more) for i, name in enumerate(kp.NAMES)]


def test_a_folder_without_a_json_file_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(InputError, match=r"no \.json file; allowed: Labelme's JSON"):
        list(labelme.read(Source(tmp_path)))


def test_a_hand_in_our_names(tmp_path: Path) -> None:
    save(tmp_path, "a.json", hand()[:-1])
    (sample,), counted = read(tmp_path)
    assert (sample.sample_id, sample.source, sample.label_source) == ("labelme/a", "labelme", "manual")
    assert (sample.width, sample.height, sample.side, sample.split) == (60, 40, None, None)
    assert sample.image == str(tmp_path / "hand.png")
    assert sample.keypoints[4].tolist() == [4.25, 5.5]
    assert sample.visibility.tolist() == [2] * 20 + [0]
    assert np.isnan(sample.keypoints[20]).all()
    assert not counted.dropped
    assert not counted.quarantine


@pytest.mark.parametrize(
    ("label", "keypoint"),
    [
        ("wrist", "wrist"),
        ("Wrist", "wrist"),
        ("pinky-tip", "little_tip"),
        ("PINKY_MCP", "little_mcp"),
        ("indexTip", "index_tip"),
        ("INDEX_FINGER_TIP", "index_tip"),
        ("thumbCMC", "thumb_cmc"),
        ("thumb1", "thumb_cmc"),
        ("index_1", "index_mcp"),
        ("forefinger4", "index_tip"),
        ("ring finger.dip", "ring_dip"),
        ("middle_finger2", "middle_pip"),
        ("tip_middle", "middle_tip"),
    ],
)
def test_ways_to_name_a_keypoint(label: str, keypoint: str) -> None:
    assert parse_label(label).keypoint == kp.INDEX[keypoint]


@pytest.mark.parametrize(
    "label", ["", "thumb_pip", "index", "thumb5", "index_mcp_pip", "nose", "wrist_wrist"]
)
def test_what_is_no_keypoint(label: str) -> None:
    assert parse_label(label).keypoint is None


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        (point("wrist"), 2),
        (point("wrist-visible"), 2),
        (point("wrist-occluded"), 1),
        (point("wrist_hidden"), 1),
        (point("wrist", flags={"occluded": True}), 1),
        (point("wrist", flags={"occluded": False}), 2),
        (point("wrist", flags={"visible": False}), 1),
        (point("wrist", description="occluded by the cup"), 1),
        (point("wrist", description="not visible"), 1),
        (point("wrist", description="v=1"), 1),
        (point("wrist", description="v = 2"), 2),
    ],
)
def test_visibility_as_people_tell_it(tmp_path: Path, shape: dict[str, Any], seen: int) -> None:
    save(tmp_path, "a.json", [shape])
    (sample,), _ = read(tmp_path)
    assert sample.visibility[kp.WRIST] == seen


def test_hands_of_one_image_by_group(tmp_path: Path) -> None:
    shapes = [point("wrist", 1, 1, group_id=7), point("wrist", 2, 2, group_id=3, flags={"left": True})]
    save(tmp_path, "sub/a.json", [*shapes, point("thumb_tip", 3, 3, group_id=7)], imagePath="../hand.png")
    samples, _ = read(tmp_path)
    assert [(s.sample_id, s.side) for s in samples] == [
        ("labelme/sub/a#3", "left"),
        ("labelme/sub/a#7", None),
    ]
    assert samples[1].visibility.nonzero()[0].tolist() == [0, 4]


def test_hands_of_one_image_by_side(tmp_path: Path) -> None:
    save(
        tmp_path,
        "a.json",
        [point("left_wrist", 1, 1), point("right_wrist", 2, 2), point("R-thumb-tip", 3, 3)],
    )
    samples, _ = read(tmp_path)
    assert [(s.sample_id, s.side, int((s.visibility > 0).sum())) for s in samples] == [
        ("labelme/a#left", "left", 1),
        ("labelme/a#right", "right", 2),
    ]


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ([point("wrist"), point("Wrist")], "wrist occurs twice in one hand; give each hand a group_id"),
        ([point("left_wrist"), point("right_wrist"), point("thumb_tip")], "thumb_tip without a side"),
        (
            [point("left_wrist", group_id=1), point("right_thumb_tip", group_id=1)],
            "called both left and right",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_quarantined(tmp_path: Path, shapes: list[Any], reason: str) -> None:
    save(tmp_path, "bad.json", shapes)
    save(tmp_path, "good.json", hand())
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == ["labelme/good"]
    ((name, said),) = counted.quarantine
    assert name == "bad.json"
    assert reason in said


@pytest.mark.parametrize(("change", "reason"), [
    ({"points": [[1, 2], [3, 4]]}, "point shape with 2 points; allowed: one [x, y]"),
    ({"points": []}, "point shape with 0 points; allowed: one [x, y]"),
    ({"points": [[1, 2, 3]]}, "point shape with 3 numbers; allowed: one [x, y]"),
    ({"points": [[1e300, 2]]}, "point far beyond its image; allowed: pixels"),
    ({"points": [[None, 2]]}, "point without a place (NaN or null)"),
    ({"points": [["nan", 2]]}, "point without a place (NaN or null)"),
    ({"points": [["x", 2]]}, "shape of another form: points[0][0]: Expected float | null, got str"),
    ({"points": None}, "shape of another form: points: Expected array, got null"),
    ({"group_id": {"a": 1}}, "shape of another form: group_id: Expected"),
])  # fmt: skip
def test_a_shape_that_cannot_be_used_costs_itself_alone(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    wrist, *others = hand()
    save(tmp_path, "a.json", [{**wrist, **change}, *others])
    (sample,), counted = read(tmp_path)
    assert sample.visibility.tolist() == [0] + [2] * 20
    ((said, count),) = counted.dropped.items()
    assert (said.startswith(reason), count) == (True, 1)
    assert not counted.quarantine


def test_numbers_in_quotes(tmp_path: Path) -> None:
    left = [point("wrist", "1.5", "2", group_id="1"), point("thumb_tip", 3, 4, group_id=1)]
    save(tmp_path, "a.json", [*left, point("wrist", 5, 6, group_id=2.0)])
    samples, counted = read(tmp_path)
    assert [(s.sample_id, s.visibility.nonzero()[0].tolist()) for s in samples] == [
        ("labelme/a#1", [0, 4]),
        ("labelme/a#2", [0]),
    ]
    assert samples[0].keypoints[0].tolist() == [1.5, 2]
    assert not counted.dropped


def test_nothing_is_left_out_silently(tmp_path: Path) -> None:
    box = {"label": "cat", "points": [[1, 1], [5, 5]], "shape_type": "rectangle"}
    save(tmp_path, "a.json", [*hand(), box, box, point("index_pp"), point("Katze")])
    save(tmp_path, "b.json", [], flags={"cat": True})
    save(tmp_path, "c.json", [box])
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert counted.dropped == Counter(
        {
            "shape_type rectangle": 3,
            "unknown label 'index_pp' (did you mean index_pip?)": 1,
            "unknown label 'Katze'": 1,
        }
    )
    assert counted.notes == Counter({"files without shapes": 1, "files without a keypoint": 1})


def test_files_of_an_old_labelme_lack_keys(tmp_path: Path) -> None:
    save(tmp_path, "x.json", [])
    shapes = [{"label": "wrist", "points": [[3, 4]], "line_color": None, "fill_color": None}]
    old = {"shapes": shapes, "lineColor": [0, 255, 0, 128], "imagePath": "hand.png", "imageData": None}
    (tmp_path / "old.json").write_text(json.dumps(old))
    (sample,), _ = read(tmp_path)
    assert sample.keypoints[0].tolist() == [3, 4]
    assert (sample.width, sample.height) == (None, None)


@pytest.mark.parametrize("name", ["..\\img\\Hand.PNG", "C:\\data\\hand.png", "../img/hand.png", "hand.png"])
def test_image_paths_of_any_system(tmp_path: Path, name: str) -> None:
    images.write(tmp_path / "img" / "hand.png", np.zeros((40, 60, 3), np.uint8))
    save(tmp_path / "json", "a.json", [point("wrist")], imagePath=name)
    (tmp_path / "json" / "hand.png").unlink()
    (sample,), _ = read(tmp_path)
    assert sample.image == str(tmp_path / "img" / "hand.png")


def test_a_path_that_leads_out_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "in", "a.json", [point("wrist")], imagePath="../../../../../../etc/passwd")
    samples, counted = read(tmp_path / "in")
    assert not samples
    ((_, reason),) = counted.quarantine
    assert "leads out of the source folder" in reason


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    outside = save(tmp_path / "outside", "a.json", [point("wrist")])
    save(tmp_path / "in", "b.json", [point("wrist")])
    (tmp_path / "in" / "link.json").symlink_to(outside)
    samples, counted = read(tmp_path / "in")
    assert [s.sample_id for s in samples] == ["labelme/b"]
    ((name, reason),) = counted.quarantine
    assert name == "link.json"
    assert reason.startswith("a link that leads out of the source folder; ")
    assert reason.endswith("--images DIR")


# Embedded images -------------------------------------------------------------------------------------


def embedded(value: int = 7) -> tuple[str, np.ndarray]:
    pixels = np.full((40, 60, 3), value, np.uint8)
    return base64.b64encode(images.encode(pixels)).decode(), pixels


def test_an_embedded_image_serves_where_the_file_is_missing(tmp_path: Path) -> None:
    text, pixels = embedded()
    save(tmp_path / "in", "a.json", [point("wrist")], imagePath="gone.jpg", imageData=text)
    (sample,), counted = read(tmp_path / "in", extract=tmp_path / "out" / "images")
    assert Path(sample.image).parent == tmp_path / "out" / "images"
    assert (images.read(sample.image) == pixels).all()
    assert counted.notes["images taken from imageData"] == 1


def test_the_file_goes_before_the_embedded_image(tmp_path: Path) -> None:
    save(tmp_path / "in", "a.json", [point("wrist")], imageData=embedded()[0])
    (sample,), _ = read(tmp_path / "in", extract=tmp_path / "out")
    assert sample.image == str(tmp_path / "in" / "hand.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("####", "imageData: not base64"),
        (base64.b64encode(b"MZ not an image").decode(), "imageData: neither JPEG nor PNG"),
        (None, "no image 'gone.jpg'"),
        (5, "imageData: a number"),
    ],
)
def test_embedded_data_that_is_no_image(tmp_path: Path, data: Any, reason: str) -> None:
    save(tmp_path / "in", "a.json", [point("wrist")], imagePath="gone.jpg", imageData=data)
    samples, counted = read(tmp_path / "in", extract=tmp_path / "out")
    assert not samples
    assert reason in counted.quarantine[0][1]
    assert not (tmp_path / "out").exists()


TEXT = base64.b64encode(bytes(range(256)) * 2000).decode()


@pytest.mark.parametrize(
    "content",
    [
        '{"shapes": [], "imageData": "TEXT", "imageHeight": 3}',
        '{"imageData"  :\n "TEXT", "shapes": [{"label": "b", "points": [[1, 2]]}]}',
        '{"shapes": [{"label": "say \\"imageData", "points": [[1, 2]]}], "imageData": "TEXT"}',
        '{"shapes": [{"label": "\\"imageData\\": \\"x\\"", "points": []}], "imageData": "TEXT"}',
        '{"shapes": [{"label": "a", "points": [], "flags": {"imageData": "x"}}], "imageData": "TEXT"}',
        '{"shapes": [{"label": "imageData", "points": []}], "imageData": "TEXT"}',
        '{"shapes": [], "flags": {"imageData": "TEXT"}}',
        '{"shapes": [], "image\\u0044ata": "TEXT"}',
        '{"shapes": [], "imageData": "TEXT\\/\\u0041\\"", "imageWidth": 4}',
        '{"shapes": [], "imageData": "a", "imageData": "TEXT"}',
        '{"shapes": [], "imageData": null}',
        '{"shapes": []}',
        '{"shapes": [], "imageData": ""}',
    ],
)
def test_cutting_the_image_out_changes_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content.replace("TEXT", TEXT))
    truth = json.loads(path.read_text())
    document, place = labelme.parse(path)
    assert [json.loads(bytes(shape)) for shape in document.shapes] == truth["shapes"]
    assert document.imageWidth == truth.get("imageWidth")
    found = path.read_bytes()[place].decode() if place else document.imageData
    assert found == truth.get("imageData")


def test_an_empty_file_is_told_with_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    _, counted = read(tmp_path)
    assert counted.quarantine == [("a.json", "an empty file; allowed: Labelme's JSON")]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"nonsense",
        b'{"shapes": 3}',
        b'{"shapes": [], "imageData": "x',
    ],
)
def test_a_file_that_does_not_parse(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    samples, counted = read(tmp_path)
    assert not samples
    assert len(counted.quarantine) == 1


def test_a_flaw_behind_the_image_is_told_where_it_stands(tmp_path: Path) -> None:
    content = f'{{"shapes": [], "imageData": "{TEXT}", "imageHeight": Nan}}'
    (tmp_path / "a.json").write_text(content)
    _, counted = read(tmp_path)
    assert (
        counted.quarantine[0][1] == f"is not JSON: invalid character at byte {content.index('Nan')} ('Nan}}')"
    )


@pytest.mark.parametrize(
    ("name", "content", "like"),
    [
        ("a.json", "[]", ""),
        ("a.json", '{"a": 1}', ""),
        ("a.json", "[" * 100_000, ""),
        ("a.json", '{"images": [], "annotations": []}', "it looks like COCO: curate convert coco"),
        (
            "a.json",
            '{"hand_pts": [], "is_left": 1}',
            "it looks like CMU's hand labels: curate convert panoptic",
        ),
        ("a.json", '{"0a1b": {"bboxes": [], "labels": []}}', "it looks like HaGRID: curate convert hagrid"),
        (
            "a.json",
            '{"maker": "x", "info": [{"pts": {}}]}',
            "it looks like handpose_x: curate convert handpose-x",
        ),
        ("a.json", "[[[0.1, 0.2, 0.3]]]", "it looks like FreiHAND"),
        (
            "a.json",
            '[{"image": "a.jpg", "kp": [{"keypointlabels": ["wrist"]}]}]',
            "it looks like Label Studio",
        ),
        ("annotations.xml", "<annotations/>", "no .json file.*it looks like CVAT"),
        ("HandInfo.csv", "id", "no .json file.*curate convert 11khands"),
        ("anno_training.pickle", "", "no .json file.*curate convert rhd"),
        ("labels/train/a.txt", "0" + " 0.5" * 67, "no .json file.*curate convert yolo-pose"),
    ],
)
def test_a_source_of_another_format_is_refused_by_name(
    tmp_path: Path, name: str, content: str, like: str
) -> None:
    for path in (tmp_path / name, tmp_path / "below" / name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with pytest.raises(InputError, match=like or "not a Labelme file"):
        read(tmp_path)


# As other tools write it --------------------------------------------------------------------------------


def test_difficult_of_x_anylabeling_is_hidden(tmp_path: Path) -> None:
    shapes = [point("wrist", difficult=True), point("thumb_tip", difficult=False), point("index_tip")]
    save(tmp_path, "a.json", shapes)
    (sample,), _ = read(tmp_path)
    assert [sample.visibility[kp.NAMES.index(name)] for name in ("wrist", "thumb_tip", "index_tip")] == [
        1,
        2,
        2,
    ]


def test_the_rectangle_of_a_hand_is_its_box(tmp_path: Path) -> None:
    def box(label: str, group: Any, *corners: list[float]) -> dict[str, Any]:
        return {"label": label, "points": [*corners], "shape_type": "rectangle", "group_id": group}

    shapes = [*hand(group_id=1), box("left_hand", 1, [30, 25], [10, 5])]
    save(tmp_path, "a.json", [*shapes, box("hand", 2, [1, 1], [5, 5]), box("x", 1, [1, 1], [5, 5])])
    save(tmp_path, "b.json", [*hand(), box("Hand", None, [10, 5], [30, 5], [30, 25], [10, 25])])
    save(tmp_path, "c.json", [*hand(), box("cat", None, [10, 5], [30, 25])])
    samples, counted = read(tmp_path)
    assert [None if s.bbox is None else s.bbox.tolist() for s in samples] == [[10, 5, 20, 20]] * 2 + [None]
    assert [s.side for s in samples] == ["left", None, None]
    assert counted.dropped == {"shape_type rectangle": 3}


@pytest.mark.parametrize("told", [{"imageWidth": 60.5}, {"imageWidth": "60.5"}, {"imageHeight": 40.25}])
def test_a_size_of_half_a_pixel_is_refused(told: dict[str, Any], tmp_path: Path) -> None:
    """It was cut to the whole number below, which may be the picture's size, without a word."""
    save(tmp_path, "a.json", hand(), **told)
    save(tmp_path, "b.json", hand())
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["labelme/b"]
    ((name, value),) = told.items()
    assert counted.quarantine == [("a.json", f"{name}: {value!r}; allowed: a whole number of pixels")]


def test_numbers_as_other_tools_write_them(tmp_path: Path) -> None:
    save(
        tmp_path,
        "a.json",
        hand(group_id=1.0, flags=None, description=None),
        imageHeight=40.0,
        imageWidth="60",
    )
    save(tmp_path, "b.json", hand(group_id=float("nan"), flags={"visible": 0, "left": 1}), flags=None)
    save(tmp_path, "c.json", hand(group_id=True, label_id=7), imageHeight=None)
    samples, counted = read(tmp_path)
    assert not counted.quarantine
    assert [s.sample_id for s in samples] == ["labelme/a#1", "labelme/b", "labelme/c#1"]
    assert [(s.width, s.height) for s in samples] == [(60, 40), (60, 40), (60, None)]
    assert samples[1].visibility.tolist() == [1] * 21
    assert samples[1].side == "left"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_point_without_a_place_costs_no_other(tmp_path: Path, value: float | None) -> None:
    save(tmp_path, "a.json", [*hand()[:20], point("little_tip", value, 3)])
    (sample,), counted = read(tmp_path)
    assert sample.visibility.tolist() == [2] * 20 + [0]
    assert counted.dropped == {"point without a place (NaN or null)": 1}
    assert not counted.quarantine


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_in_any_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    path = save(tmp_path, "a.json", hand(), flags={"手": True})
    path.write_bytes(path.read_text().encode(encoding))
    (sample,), counted = read(tmp_path)
    assert sample.visibility.all()
    assert not counted.quarantine


@pytest.mark.parametrize(("name", "instead"), [("hand.png", "手.png"), ("wrist", "手腕")])
def test_other_encodings_are_named(tmp_path: Path, name: str, instead: str) -> None:
    path = save(tmp_path, "a.json", hand())
    path.write_bytes(path.read_text().replace(name, instead).encode("gb18030"))
    _, counted = read(tmp_path)
    assert "is not UTF-8" in counted.quarantine[0][1]
    assert "iconv -f GB18030" in counted.quarantine[0][1]


# Mapping file ----------------------------------------------------------------------------------------


def test_a_mapping_file(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "labels: {Daumenspitze: thumb_tip, links_P0: wrist, P1: thumb_cmc}\n"
        "hidden: [verdeckt]\nignore: [lineal]\nside: left\n"
    )
    shapes = [point("Daumenspitze"), point("links_P0"), point("right-P1_verdeckt"), point("Lineal")]
    save(tmp_path / "in", "a.json", shapes)
    (sample,), counted = read(tmp_path / "in", mapping=mapping)
    assert sample.visibility[[0, 1, 4]].tolist() == [2, 1, 2]
    assert sample.side == "right"
    assert counted.notes == Counter({"ignored label 'Lineal'": 1})
    save(tmp_path / "in", "a.json", [point("Daumenspitze")])
    assert read(tmp_path / "in", mapping=mapping)[0][0].side == "left"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("labels: {a: index_pp}", "labels.a: 'index_pp' is not a keypoint; .*did you mean index_pip"),
        ("labels: [a]", "labels: .*; allowed: a table"),
        ("colour: red", "no setting 'colour'; allowed: labels, hidden, ignore, side"),
        ("side: top", "side: 'top'; allowed: left or right"),
        ("hidden: 3", "hidden: 3; allowed: a list of words"),
        ("[", "is not a YAML file"),
        ("3", "not a table"),
    ],
)
def test_a_wrong_mapping_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        next(labelme.read(Source(tmp_path), mapping=path))


# Real files ------------------------------------------------------------------------------------------


def test_real_hands(real_data: Path) -> None:
    samples, counted = read(real_data / "labelme_hands", images=real_data / "11k_hands" / "Hands")
    assert len(samples) == 30
    assert not counted.dropped
    assert not counted.quarantine
    assert {(s.width, s.height) for s in samples} == {(1600, 1200)}


def test_real_files_without_hands(real_data: Path) -> None:
    samples, counted = read(real_data / "labelme_wkentaro")
    assert not samples
    assert not counted.quarantine
    types = {"polygon": 23, "rectangle": 11, "circle": 1, "line": 1, "linestrip": 1, "mask": 1}
    assert counted.dropped == Counter(
        {f"shape_type {k}": n for k, n in types.items()} | {"unknown label 'point'": 1}
    )
    assert counted.notes == Counter({"files without a keypoint": 8, "files without shapes": 2})


# Hostile and odd ----------------------------------------------------------------------------------------


def test_very_many_unknown_labels_are_counted_together(tmp_path: Path) -> None:
    shapes = [point(f"{i} landmark of some other hand") for i in range(20_000)]
    save(tmp_path, "a.json", [point("wrist"), *shapes])
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert len(counted.dropped) == 101
    assert counted.dropped["unknown label, of a file with very many"] == 20_000 - 100


def test_a_label_of_a_megabyte(tmp_path: Path) -> None:
    save(tmp_path, "a.json", [point("wrist"), point("thumb tip " * 100_000)])
    _, counted = read(tmp_path)
    ((name, count),) = counted.dropped.items()
    assert count == 1
    assert len(name) < 120


def test_sizes_that_no_image_has(tmp_path: Path) -> None:
    path = save(tmp_path, "a.json", [point("wrist")])
    path.write_text(json.dumps({**json.loads(path.read_text()), "imageWidth": 3_000_000_000}))
    _, counted = read(tmp_path)
    ((name, reason),) = counted.quarantine
    assert name == "a.json"
    assert "imageWidth" in reason


def test_a_hash_in_a_name_is_not_the_number_of_a_hand(tmp_path: Path) -> None:
    save(tmp_path, "b.json", [{**point("wrist"), "group_id": 1}])
    save(tmp_path, "b#1.json", [point("wrist")])
    samples, _ = read(tmp_path)
    assert {sample.sample_id for sample in samples} == {"labelme/b#1", "labelme/b%231"}
