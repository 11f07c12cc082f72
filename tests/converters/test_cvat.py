"""CVAT's XML: skeletons as people draw and export them, tracks, and what a file may hide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest

from converters import cvat
from converters.parts import xml_files
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from tests.converting import read_all, small_dataset

PICTURE = np.zeros((40, 60, 3), np.uint8)


def point(name: str, x: float = 1.0, y: float = 2.0, **more: Any) -> str:
    told = {"label": name, "outside": 0, "occluded": 0, "points": f"{x:.2f},{y:.2f}", **more}
    return f"<points{attributes(told)}/>"


def hand() -> str:
    return "".join(point(name, i + 0.25, i + 1.5) for i, name in enumerate(kp.NAMES))


def skeleton(inner: str, label: str = "hand", **more: Any) -> str:
    return f"<skeleton{attributes({'label': label, 'source': 'manual', **more})}>{inner}</skeleton>"


def attribute(name: str, value: str) -> str:
    return f'<attribute name="{name}">{value}</attribute>'


def image(inner: str, name: str = "a.png", **more: Any) -> str:
    return f"<image{attributes({'id': 0, 'name': name, 'width': 60, 'height': 40, **more})}>{inner}</image>"


def attributes(told: dict[str, Any]) -> str:
    return "".join(f" {key}={quoteattr(str(value))}" for key, value in told.items())


def meta(*points: str, label: str = "hand", about: str = "") -> str:
    below = "".join(f"<label><name>{name}</name><parent>{label}</parent></label>" for name in points)
    labels = f"<labels><label><name>{label}</name></label>{below}</labels>"
    return f"<meta><task><name>t</name>{about}{labels}</task><source>clip.mp4</source></meta>"


def save(
    folder: Path, *content: str, name: str = "annotations.xml", pictures: tuple[str, ...] = ("a.png",)
) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(content)
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{body}</annotations>'
    )
    for picture in pictures:
        images.write(path.parent / "images" / picture, PICTURE)
    return path


def read(root: Path, mapping: Path | None = None) -> tuple[list[Sample], Part]:
    return read_all(cvat.read, root, mapping)


def test_a_hand_with_its_side_from_an_attribute(tmp_path: Path) -> None:
    told = attribute("side", "left") + attribute("aspect", "dorsal") + attribute("ring", "gold")
    save(tmp_path, meta(*kp.NAMES), image(skeleton(hand() + told)))
    (sample,), counted = read(tmp_path)
    assert (sample.sample_id, sample.source, sample.label_source) == ("cvat/a", "cvat", "manual")
    assert (sample.width, sample.height, sample.side, sample.aspect) == (60, 40, "left", "dorsal")
    assert sample.image == str(tmp_path / "images" / "a.png")
    assert sample.keypoints[4].tolist() == [4.25, 5.5]
    assert sample.visibility.tolist() == [2] * 21
    assert sample.attrs == {"ring": "gold"}
    assert (counted.dropped, counted.quarantine) == ({}, [])


def test_what_attributes_of_our_names_say_is_understood_or_kept(tmp_path: Path) -> None:
    """An aspect called Dorsal or back, a side in another language and the 51st attribute were lost."""
    first = attribute("side", "Left") + attribute("aspect", "Dorsal")
    second = attribute("side", "links") + attribute("aspect", "back")
    third = attribute("side", "unknown") + "".join(attribute(f"a{i}", "x") for i in range(52))
    save(tmp_path, *(image(skeleton(hand() + told)) for told in (first, second, third)))
    samples, counted = read(tmp_path)
    told = [(sample.side, sample.aspect, len(sample.attrs)) for sample in samples]
    assert told == [("left", "dorsal", 0), (None, None, 2), (None, None, 50)]
    assert samples[1].attrs == {"side": "links", "aspect": "back"}
    notes = {note: count for note, count in counted.notes.items() if "attr" in note}
    assert notes == {
        "side that is not understood, kept among the attrs: 'links'": 1,
        "aspect that is not understood, kept among the attrs: 'back'": 1,
        "attribute of a hand beyond the first 50, left out": 2,
    }


def test_outside_is_unlabelled_and_occluded_is_hidden(tmp_path: Path) -> None:
    shapes = point("wrist", outside=1) + point("thumb_cmc", occluded=1) + point("thumb_mcp")
    save(tmp_path, image(skeleton(shapes)))
    (sample,), _ = read(tmp_path)
    assert sample.visibility[:4].tolist() == [0, 1, 2, 0]
    assert np.isnan(sample.keypoints[0]).all()


@pytest.mark.parametrize(
    ("names", "points", "note"),
    [
        ([str(i + 1) for i in range(21)], list(range(21)), ""),
        ([str(i) for i in (0, 20, *range(1, 20))], [0, 20, *range(1, 20)], ""),
        (list(reversed(kp.NAMES)), list(range(20, -1, -1)), ""),
        ([f"p{chr(97 + i)}" for i in range(21)], list(range(21)), "keypoint_names_unknown_order_assumed"),
        ([f"left_{name}" for name in kp.NAMES], list(range(21)), ""),
    ],
)
def test_what_people_call_the_points_of_their_skeleton(
    names: list[str], points: list[int], note: str, tmp_path: Path
) -> None:
    shapes = "".join(point(name, i, 0) for i, name in enumerate(names))
    save(tmp_path, meta(*names), image(skeleton(shapes)))
    (sample,), counted = read(tmp_path)
    assert sample.keypoints[points, 0].tolist() == list(range(21))
    assert sample.side == ("left" if names[0].startswith("left") else None)
    assert list(counted.notes) == ([note] if note else [])


def test_a_skeleton_of_some_of_the_points(tmp_path: Path) -> None:
    shapes = point("index_tip", 3, 4) + point("pinky tip", 5, 6) + point("nail", 7, 8)
    save(tmp_path, meta("index_tip", "pinky tip", "nail"), image(skeleton(shapes, label="Right Hand")))
    (sample,), counted = read(tmp_path)
    assert sample.side == "right"
    assert sample.visibility.nonzero()[0].tolist() == [8, 20]
    assert counted.dropped == {"unknown label 'nail'": 1}


def test_a_mapping_file_names_the_points(tmp_path: Path) -> None:
    save(tmp_path / "in", image(skeleton(point("Daumenspitze", 3, 4) + point("ruler"))))
    (tmp_path / "mapping.yaml").write_text(
        "labels: {Daumenspitze: thumb_tip}\nignore: [ruler]\nside: right\n"
    )
    (sample,), counted = read(tmp_path / "in", tmp_path / "mapping.yaml")
    assert (sample.side, sample.keypoints[4].tolist()) == ("right", [3, 4])
    assert counted.notes == {"ignored label 'ruler'": 1}


def test_what_is_no_hand_is_counted_by_name(tmp_path: Path) -> None:
    body = [f"<points label='{n}' outside='0' occluded='0' points='1,1'/>" for n in ("nose", "left_eye")]
    box = "<box label='hand' xtl='1' ytl='1' xbr='2' ybr='2'/>"
    save(tmp_path, image(skeleton("".join(body), label="person") + box + box), image("", name="b.png"))
    samples, counted = read(tmp_path)
    assert not samples
    assert counted.dropped == {
        "skeleton 'person', no known hand: no point of a hand is named": 1,
        "shape box 'hand'": 2,
    }
    assert counted.notes == {"image without a skeleton": 1}


PLACES = ("", "1", "1,2,3", "1,2;3,4", "x,2", "nan,1", "1,nan", "1,1e9", "1_0,2", "١,2")


@pytest.mark.parametrize("told", PLACES)
def test_a_place_that_is_none_costs_its_point_alone(told: str, tmp_path: Path) -> None:
    save(tmp_path, image(skeleton(point("wrist", points=told) + point("thumb_tip", 3, 4))))
    (sample,), counted = read(tmp_path)
    assert sample.visibility.nonzero()[0].tolist() == [4]
    assert counted.dropped == {f"point with points {told!r}; allowed: x,y in pixels": 1}


def test_two_points_of_a_name_cost_their_hand_alone(tmp_path: Path) -> None:
    save(tmp_path, image(skeleton(point("wrist") + point("wrist")) + skeleton(hand())))
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["cvat/a#1"]
    assert counted.quarantine == [
        ("annotations.xml: cvat/a", "two points of one skeleton have the same name")
    ]


@pytest.mark.parametrize("flag", ["outside", "occluded"])
@pytest.mark.parametrize("told", ["true", "2", "", "-1", "1.0"])
def test_a_flag_that_is_neither_0_nor_1_costs_its_hand_alone(flag: str, told: str, tmp_path: Path) -> None:
    """It was read as 0: a hidden point as one to be seen, without a word."""
    bad, good = point("wrist", **{flag: told}), point("wrist", **{flag: "1"}) + point("thumb_cmc")
    save(tmp_path, image(skeleton(bad)), image(skeleton(good), name="b.png"), pictures=("a.png", "b.png"))
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["cvat/b"]
    reason = f"points wrist: {flag} {told!r}; allowed: 0 or 1"
    assert counted.quarantine == [("annotations.xml: cvat/a", reason)]


def test_a_flag_that_is_not_told_is_0(tmp_path: Path) -> None:
    save(tmp_path, image(skeleton("<points label='wrist' points='1,2'/>")))
    ((sample,), _) = read(tmp_path)
    assert sample.visibility[0] == 2


def test_a_size_of_half_a_pixel_is_refused(tmp_path: Path) -> None:
    save(tmp_path, image(skeleton(hand()), width="60.5"))
    samples, counted = read(tmp_path)
    assert not samples
    reason = "width: '60.5'; allowed: a whole number of pixels"
    assert counted.quarantine == [("annotations.xml: cvat/a", reason)]


def test_projects_have_their_images_by_subset(tmp_path: Path) -> None:
    pictures = ("Train/a.png", "Validation/a.png")
    both = [image(skeleton(hand()), subset=name) for name in ("Train", "Validation")]
    save(tmp_path, *both, pictures=pictures)
    samples, _ = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["cvat/Train/a", "cvat/Validation/a"]
    assert [sample.image for sample in samples] == [str(tmp_path / "images" / name) for name in pictures]
    assert [sample.split for sample in samples] == ["train", "val"]


def test_several_exports_have_pictures_of_the_same_name(tmp_path: Path) -> None:
    for task in ("one", "two"):
        save(tmp_path / task, image(skeleton(hand())))
    samples, _ = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["cvat/one/a", "cvat/two/a"]
    assert [Path(sample.image).parts[-3] for sample in samples] == ["one", "two"]


def test_a_hand_that_was_copied_in_cvat_keeps_neither_id_nor_place(tmp_path: Path) -> None:
    sent = attribute("sample_id", "toy/7")
    body = [image(skeleton(hand() + sent)), image(skeleton(hand() + sent), name="b.png")]
    save(tmp_path, *body, pictures=("a.png", "b.png"))
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["toy/7", "cvat/b"]
    assert list(counted.notes.values()) == [1]


# Tracks ----------------------------------------------------------------------------------------------


def frame(number: int, *shapes: str, **more: Any) -> str:
    return f"<skeleton{attributes({'frame': number, 'keyframe': 1, **more})}>{''.join(shapes)}</skeleton>"


def track(*frames: str, number: int = 3) -> str:
    return (
        f"<track{attributes({'id': number, 'label': 'hand', 'source': 'manual'})}>{''.join(frames)}</track>"
    )


def video(folder: Path, *tracks: str, frames: range = range(10, 17), about: str = "") -> None:
    names = tuple(f"frame_{n:06d}.PNG" for n in frames)
    save(folder, meta("wrist", "thumb_tip", about=about), *tracks, pictures=names)


def shown(samples: list[Sample]) -> dict[int, tuple[list[float], list[int]]]:
    """x of the wrist and the thumb's tip, and how they are seen, by frame."""
    return {s.frame or 0: (s.keypoints[[0, 4], 0].tolist(), s.visibility[[0, 4]].tolist()) for s in samples}


def test_between_keyframes_a_point_moves_on_a_line(tmp_path: Path) -> None:
    first = frame(10, point("wrist", 10, 0, occluded=1), point("thumb_tip", 2, 2))
    last = frame(14, point("wrist", 20, 0), point("thumb_tip", 2, 2))
    video(tmp_path, track(first, last))
    samples, _ = read(tmp_path)
    assert shown(samples) == {
        10: ([10, 2], [1, 2]),
        11: ([12.5, 2], [1, 2]),
        12: ([15, 2], [1, 2]),
        13: ([17.5, 2], [1, 2]),
        14: ([20, 2], [2, 2]),
    }
    sample = samples[1]
    assert (sample.sample_id, sample.clip, sample.track) == ("cvat/frame_000011#3", "clip.mp4", "3")
    assert sample.image == str(tmp_path / "images" / "frame_000011.PNG")
    assert sample.label_source == "manual"


def test_frames_that_the_task_skips_are_not_filled_in(tmp_path: Path) -> None:
    ends = [frame(n, point("wrist", n, 0), point("thumb_tip", 0, 0)) for n in (10, 16)]
    video(tmp_path, track(*ends), about="<frame_filter>step=3</frame_filter>")
    samples, _ = read(tmp_path)
    assert {number: x[0] for number, (x, _) in shown(samples).items()} == {10: 10, 13: 13, 16: 16}


def test_a_point_is_gone_while_it_is_outside_and_a_hand_too(tmp_path: Path) -> None:
    frames = [
        frame(10, point("wrist", 1, 0), point("thumb_tip", 2, 0)),
        frame(11, point("wrist", 1, 0), point("thumb_tip", 2, 0, outside=1)),
        frame(12, point("wrist", 3, 0)),  # as CVAT writes a frame at which the other is outside
        frame(13, point("wrist", 3, 0, outside=1), point("thumb_tip", 2, 0, outside=1)),
        frame(15, point("wrist", 5, 0), point("thumb_tip", 4, 0)),
    ]
    video(tmp_path, track(*frames))
    samples, counted = read(tmp_path)
    seen = {number: seen for number, (_, seen) in shown(samples).items()}
    assert seen == {10: [2, 2], 11: [2, 0], 12: [2, 0], 15: [2, 2]}
    assert counted.notes == {"skeleton whose points are all outside": 2}  # 13 and 14


def test_tracks_below_a_track_as_datumaro_writes_them(tmp_path: Path) -> None:
    def below(name: str, *points: tuple[int, float, int]) -> str:
        shapes = "".join(
            f"<points frame='{n}' outside='{out}' occluded='0' keyframe='1' points='{x},0'/>"
            for n, x, out in points
        )
        return f"<track id='0' label='{name}'>{shapes}</track>"

    frames = [frame(10), frame(13), frame(16, outside=1)]
    wrist = below("wrist", (10, 1, 0), (13, 4, 0), (16, 9, 1))
    thumb = below("thumb_tip", (10, 2, 0), (13, 2, 1))
    video(tmp_path, track(*frames, wrist, thumb))
    samples, _ = read(tmp_path)
    assert {n: (x[0], v) for n, (x, v) in shown(samples).items()} == {
        10: (1, [2, 2]),
        11: (2, [2, 2]),
        12: (3, [2, 2]),
        13: (4, [2, 0]),
        14: (pytest.approx(4 + 5 / 3), [2, 0]),
        15: (pytest.approx(4 + 10 / 3), [2, 0]),
    }


def test_frames_without_pictures_are_told(tmp_path: Path) -> None:
    frames = [frame(n, point("wrist"), point("thumb_tip")) for n in (10, 11, 12)]
    video(tmp_path, track(*frames), frames=range(10, 11))
    samples, counted = read(tmp_path)
    assert [sample.frame for sample in samples] == [10]
    assert counted.dropped == {"hand at a frame without its picture": 2}
    ((where, reason),) = counted.quarantine
    assert where == "annotations.xml: track 3"
    assert reason.startswith("no picture of 2 frames; export with images")


@pytest.mark.parametrize("number", ["", "-1", "1e3", "9999999999", "x", "١٠"])
def test_a_frame_that_is_no_number_costs_its_track_alone(number: str, tmp_path: Path) -> None:
    bad = frame(10, point("wrist"), point("thumb_tip")).replace('"10"', f'"{number}"')
    good = track(frame(11, point("wrist"), point("thumb_tip")), number=4)
    video(tmp_path, track(bad), good)
    samples, counted = read(tmp_path)
    assert [sample.track for sample in samples] == ["4"]
    assert counted.quarantine == [("annotations.xml: track 3", f"frame {number!r}; allowed: 0, 1, 2, ...")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (frame(10, point("wrist"), outside="true"), "skeleton: outside 'true'; allowed: 0 or 1"),
        (frame(10, point("wrist", outside="yes")), "points wrist: outside 'yes'; allowed: 0 or 1"),
    ],
)
def test_a_flag_that_is_neither_0_nor_1_costs_its_track_alone(bad: str, reason: str, tmp_path: Path) -> None:
    good = track(frame(11, point("wrist"), point("thumb_tip")), number=4)
    video(tmp_path, track(bad), good)
    samples, counted = read(tmp_path)
    assert [sample.track for sample in samples] == ["4"]
    assert counted.quarantine == [("annotations.xml: track 3", reason)]


# Hostile files ---------------------------------------------------------------------------------------

BOMB = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
FETCH = "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'>"
STEAL = "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"


@pytest.mark.parametrize("doctype", [BOMB, FETCH, STEAL, "<!DOCTYPE annotations>"])
def test_a_document_type_is_refused(doctype: str, tmp_path: Path) -> None:
    path = save(tmp_path, image(skeleton(hand())))
    head, _, rest = path.read_text().partition("\n")
    path.write_text(f"{head}{doctype}{rest}")
    with pytest.raises(InputError, match="not a CVAT file: a document type"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"<annotations>", "is not XML: no element found"),
        (b"<annotations></annotation>", "is not XML: mismatched tag"),
        (b"<annotations>&a;</annotations>", "is not XML: undefined entity"),
        (b"<annotation><folder/></annotation>", "the root is <annotation>; allowed: <annotations>"),
        (b"<?xml version='1.0' encoding='zlib'?><annotations/>", "is not XML: 'zlib' is not a text encoding"),
        (b"<annotations>" + b"<a>" * 40 + b"</a>" * 40 + b"</annotations>", "nested too deeply"),
        (b"\x00\x01\x02", "is not XML"),
    ],
)
def test_a_file_that_cannot_be_read_costs_no_other(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(content)
    with pytest.raises(InputError, match="not a CVAT file") as told:
        read(tmp_path)
    assert reason in str(told.value)
    save(tmp_path, image(skeleton(hand())))
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert [(name, reason in why) for name, why in counted.quarantine] == [("bad.xml", True)]


def test_a_tag_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_files, "_TOKEN", 1 << 17)
    (tmp_path / "a.xml").write_bytes(b"<annotations><image name='" + b"x" * (1 << 18))
    with pytest.raises(InputError, match=r"a tag of more than 131,072 bytes"):
        read(tmp_path)


def test_too_much_in_one_element_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_files, "_MOST", 100)
    save(tmp_path, *(image(skeleton(hand())) for _ in range(6)))  # 22 elements each
    assert len(read(tmp_path)[0]) == 6
    save(tmp_path, image(skeleton(hand()) * 6))
    with pytest.raises(InputError, match="more than 100 elements in one"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "..\\..\\secret.png", ""])
def test_a_picture_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    save(tmp_path / "in", image(skeleton(hand()), name=name), image(skeleton(hand())))
    images.write(tmp_path / "secret.png", PICTURE)
    samples, counted = read(tmp_path / "in")
    assert [sample.sample_id for sample in samples] == ["cvat/a"]
    assert counted.dropped == {"hand whose image cannot be used": 1}
    assert len(counted.quarantine) == 1


@pytest.mark.parametrize("subset", ["..", "../..", "/etc", "a" * 5000, "tr\u0085ain"])
def test_a_subset_leads_nowhere_else(subset: str, tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", PICTURE)
    save(tmp_path / "in", image(skeleton(hand()), subset=subset), pictures=())
    samples, counted = read(tmp_path / "in")
    assert not samples
    assert len(counted.quarantine) == 1


# Writing -----------------------------------------------------------------------------------------------


def sample_of(name: str, picture: str = "images/p.png", **more: Any) -> Sample:
    points = np.arange(42, dtype=np.float32).reshape(21, 2) + 0.125
    seen = np.full(21, 2, np.uint8)
    return Sample(name, "toy", picture, 60, 40, keypoints=points, visibility=seen, **more)


def test_what_is_written_defines_the_labels_that_it_uses(tmp_path: Path) -> None:
    sample = sample_of("toy/1", side="left", label_source="manual")
    sample.visibility[[0, 1]] = 0, 1
    lost = cvat.write(small_dataset(tmp_path / "data", [sample], PICTURE), tmp_path / "out")
    assert lost == {"source": 1}
    root = ElementTree.parse(tmp_path / "out" / "annotations.xml").getroot()
    parents = {label.findtext("name"): label.findtext("parent") for label in root.iter("label")}
    assert parents == {"hand": None} | dict.fromkeys(kp.NAMES, "hand")
    (shape,) = root.iter("skeleton")
    assert [points.get("label") for points in shape.iter("points")] == list(kp.NAMES)
    told = {a.get("name"): a.text for a in shape.iter("attribute")}
    assert told == {"sample_id": "toy/1", "side": "left", "aspect": "unknown"}
    (specs,) = (label for label in root.iter("label") if label.findtext("name") == "hand")
    assert {spec.findtext("name") for spec in specs.iter("attribute")} == set(told)
    wrist, thumb = list(shape.iter("points"))[:2]
    assert (wrist.get("outside"), thumb.get("outside"), thumb.get("occluded")) == ("1", "0", "1")
    assert thumb.get("points") == "2.125,3.125"


def test_the_labels_to_paste_are_those_of_the_file(tmp_path: Path) -> None:
    cvat.write(small_dataset(tmp_path / "data", [sample_of("toy/1")], PICTURE), tmp_path / "out")
    (hand_label,) = json.loads((tmp_path / "out" / "labels.json").read_text())
    root = ElementTree.parse(tmp_path / "out" / "annotations.xml").getroot()
    svg = next(root.iter("svg")).text
    assert (hand_label["type"], hand_label["svg"]) == ("skeleton", svg)
    assert [label["name"] for label in hand_label["sublabels"]] == list(kp.NAMES)
    drawn = ElementTree.fromstring(f"<svg>{svg}</svg>")
    circles = {int(c.get("data-node-id", 0)): c.get("data-label-name") for c in drawn.iter("circle")}
    assert circles == {i + 1: name for i, name in enumerate(kp.NAMES)}
    bones = {(int(b.get("data-node-from", 0)), int(b.get("data-node-to", 0))) for b in drawn.iter("line")}
    assert bones == {(a + 1, b + 1) for a, b in kp.BONES}


def test_ids_that_xml_cannot_hold_are_told(tmp_path: Path) -> None:
    names = ["toy/<&\"'>", "toy/ä\u2028", "toy/a\uffff"]
    samples = [sample_of(name, f"images/{i}.png") for i, name in enumerate(names)]
    lost = cvat.write(small_dataset(tmp_path / "data", samples, PICTURE), tmp_path / "out")
    assert lost["sample_id"] == 1
    found, _ = read(tmp_path / "out")
    assert [sample.sample_id for sample in found] == [*names[:2], "cvat/2"]
