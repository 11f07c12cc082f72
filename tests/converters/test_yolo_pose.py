"""YOLO pose: layouts, what v means, and lines that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from converters import yolo_pose
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.source import BY_NAME, Source
from curate.data.stage import Summary
from tests.converters.yolo_files import HEIGHT, ONES, WIDTH, add, line, run


def test_a_line_by_hand(tmp_path: Path, shares: NDArray[Any]) -> None:
    seen = ONES.copy()
    shares[0], seen[0] = 0.0, 0
    shares[3] = 0.25, 0.75
    add(tmp_path / "y", "images/train/a.png", line(shares, seen))
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert summary.dropped == {}
    assert sample.sample_id == "yolo-pose/train/a"
    assert (sample.width, sample.height, sample.split) == (WIDTH, HEIGHT, "train")
    assert sample.bbox is not None
    assert sample.bbox.tolist() == [75, 25, 50, 50]  # centre (100, 50), a quarter and a half of the image
    assert sample.keypoints[3].tolist() == [50, 75]
    assert np.isnan(sample.keypoints[0]).all()
    assert sample.visibility.tolist() == [0] + [2] * 20
    assert (sample.label_source, sample.side) == (None, None)


@pytest.mark.parametrize(
    ("image", "key", "split"),
    [
        ("images/val/a.png", "val/a", "val"),
        ("images/valid/a.png", "valid/a", "val"),
        ("test/images/a.png", "test/a", "test"),
        ("images/a.png", "a", None),
        ("hands/images/train/a.png", "train/a", "train"),
        ("images/train/day1/a.png", "train/day1/a", "train"),
    ],
)
def test_layouts(image: str, key: str, split: str | None, tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", image, line(shares))
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert (sample.sample_id, sample.split) == (f"yolo-pose/{key}", split)


def test_a_box_of_no_size_is_left_out_and_counted(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares).replace("0.5 0.5 0.25 0.5", "0.5 0.5 0 0"))
    add(tmp_path / "y", "images/b.png", line(shares / 2).replace("0.5 0.5 0.25 0.5", "0 0 0 0"))
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert [sample.bbox for sample in samples] == [None, None]
    assert summary.notes["impossible bbox, left out"] == 1  # all zero says that there is none


def test_two_splits_and_several_hands(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "train/images/a.png", f"{line(shares)}\n\n{line(shares / 2)}\n")
    add(tmp_path / "y", "val/images/a.png", line(shares) + "\r\n")
    _, samples = run(tmp_path / "y", tmp_path / "out")
    assert [(s.sample_id, s.split) for s in samples] == [
        ("yolo-pose/train/a", "train"),
        ("yolo-pose/train/a#1", "train"),
        ("yolo-pose/val/a", "val"),
    ]


def test_images_that_lie_elsewhere(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    (tmp_path / "y" / "images").rename(tmp_path / "pictures")
    place = Source(tmp_path / "y", images=tmp_path / "pictures")
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out", source=place)
    assert (summary.dropped, sample.image) == ({}, "../pictures/a.png")


def elsewhere(
    tmp_path: Path, shares: NDArray[Any], labels: list[str], pictures: list[str]
) -> tuple[Summary, dict[str, str]]:
    """Labels without images, and images in a folder of the user's: which image each sample got."""
    for name in labels:
        add(tmp_path / "y", f"images/{name}.png", line(shares))
    for name in labels:
        (tmp_path / "y" / "images" / f"{name}.png").unlink()
    for name in pictures:
        images.write(tmp_path / "pics" / f"{name}.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    place = Source(tmp_path / "y", images=tmp_path / "pics")
    summary, samples = run(tmp_path / "y", tmp_path / "out", source=place)
    got = {s.sample_id.removeprefix("yolo-pose/"): s.image.removeprefix("../pics/") for s in samples}
    return summary, got


@pytest.mark.parametrize(
    ("labels", "pictures", "got"),
    [
        (["train/p1/1", "train/p2/1"], ["p1/1", "p2/1"], {"train/p1/1": "p1/1", "train/p2/1": "p2/1"}),
        (["train/1", "val/1"], ["train/1", "val/1"], {"train/1": "train/1", "val/1": "val/1"}),
        (["train/1"], ["val/1"], {}),
        (["train/p1/1", "train/p2/1"], ["p1/1"], {"train/p1/1": "p1/1"}),
        (["train/p1/1", "train/p2/1"], ["1"], {}),
        (["train/1", "val/1"], ["1"], {}),
        (["train/1"], ["a/1", "b/1"], {}),
    ],
)
def test_an_image_that_lies_elsewhere_is_that_of_the_same_folder(
    tmp_path: Path, shares: NDArray[Any], labels: list[str], pictures: list[str], got: dict[str, str]
) -> None:
    summary, found = elsewhere(tmp_path, shares, labels, pictures)
    assert found == {name: f"{place}.png" for name, place in got.items()}
    assert summary.quarantined == len(labels) - len(got)
    assert summary.notes.get(BY_NAME, 0) == 0


def test_an_image_found_by_its_name_alone_is_counted(tmp_path: Path, shares: NDArray[Any]) -> None:
    summary, found = elsewhere(tmp_path, shares, ["train/1", "p1/2"], ["day/1", "2"])
    assert found == {"train/1": "day/1.png", "p1/2": "2.png"}
    assert summary.notes[BY_NAME] == 2


def test_folders_of_any_letter_case(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/Train/a.png", line(shares))
    (tmp_path / "y" / "images").rename(tmp_path / "y" / "Images")
    (tmp_path / "y" / "labels").rename(tmp_path / "y" / "LABELS")
    (tmp_path / "y" / "LABELS" / "Train").rename(tmp_path / "y" / "LABELS" / "train")
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert (sample.image, sample.split) == ("../y/Images/Train/a.png", "train")


def test_linked_folders(tmp_path: Path, shares: NDArray[Any]) -> None:
    root = tmp_path / "y"
    add(root, "images/a.png", line(shares))
    (root / "images").rename(root / "pictures")
    (root / "images").symlink_to("pictures")
    (root / "pictures" / "loop").symlink_to(root)
    _, (sample,) = run(root, tmp_path / "out")
    assert sample.image == "../y/images/a.png"
    (root / "pictures" / "loop").unlink()
    (root / "pictures").rename(tmp_path / "outside")
    (root / "images").unlink()
    (root / "images").symlink_to(tmp_path / "outside")
    summary, samples = run(root, tmp_path / "out2")
    assert not samples
    assert summary.quarantined == 2
    reasons = {entry["input"]: entry["reason"] for entry in Dataset(tmp_path / "out2").quarantine()}
    assert reasons["images"] == (
        "a link that leads out of the source; give the folder of the images with --images"
    )
    place = Source(root, images=tmp_path / "outside")
    summary, (sample,) = run(root, tmp_path / "out3", source=place)
    assert (sample.image, summary.quarantined) == ("../outside/a.png", 0)


def test_a_link_that_git_left_as_text_is_told(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "in", "images/train/a.png", line(shares))
    (tmp_path / "in" / "images").rename(tmp_path / "pictures")
    (tmp_path / "in" / "images").write_text("../pictures")
    summary, _ = run(tmp_path / "in", tmp_path / "out")
    assert summary.samples == 0
    (told,) = Dataset(tmp_path / "out").quarantine()
    assert told["reason"].startswith("images is a file, as Git leaves a link")


def test_of_twins_the_picture_that_is_read_by_all_counts(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "in", "images/train/a.png", line(shares))
    (tmp_path / "in" / "images" / "train" / "a.HEIC").write_bytes(b"not read")
    summary, (sample,) = run(tmp_path / "in", tmp_path / "out")
    assert summary.dropped == {"image of the same name as another": 1}
    assert sample.image.endswith("a.png")


def test_labelimgs_list_of_classes_is_passed_over(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    (tmp_path / "y" / "labels" / "classes.txt").write_text("hand\n")
    summary, (_,) = run(tmp_path / "y", tmp_path / "out")
    assert summary.quarantined == 0
    assert summary.notes["classes.txt among the labels, passed over"] == 1


def test_lines_of_47_numbers_have_no_visibility(tmp_path: Path, shares: NDArray[Any]) -> None:
    shares[5] = 0
    add(tmp_path / "y", "images/a.png", line(shares, None))
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert sample.visibility.tolist() == [2] * 5 + [0] + [2] * 15
    np.testing.assert_allclose(sample.keypoints[20], shares[20] * (WIDTH, HEIGHT), rtol=1e-6)


def test_one_means_visible_in_a_set_that_never_says_two(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert set(sample.visibility) == {2}
    assert summary.notes == {"visibility: the set never uses 2, so 1 was read as visible": 1}


@pytest.mark.parametrize("two", ["2", "2.0", "2.000000"])
def test_a_single_two_anywhere_makes_the_set_cocos(two: str, tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/train/a.png", line(shares))
    add(tmp_path / "y", "images/val/z.png", line(shares).rsplit(" ", 1)[0] + f" {two}")
    summary, (first, second) = run(tmp_path / "y", tmp_path / "out")
    assert set(first.visibility) == {1}
    assert second.visibility.tolist() == [1] * 20 + [2]
    assert summary.notes == {}


def test_a_class_two_does_not_make_it_so(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares, number="2"))
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert set(sample.visibility) == {2}


def test_zero_zero_is_no_label(tmp_path: Path, shares: NDArray[Any]) -> None:
    seen = ONES.copy()
    shares[4] = 0  # v = 1 at (0, 0)
    seen[7] = 0  # v = 0 at a place
    add(tmp_path / "y", "images/a.png", line(shares, seen))
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert np.flatnonzero(sample.visibility == 0).tolist() == [4, 7]
    assert np.isnan(sample.keypoints[[4, 7]]).all()
    assert summary.notes["point at (0, 0) with v > 0, read as unlabelled"] == 1
    assert summary.notes["point with v = 0 at a place, read as unlabelled"] == 1


def test_points_outside_the_image_keep_their_place(tmp_path: Path, shares: NDArray[Any]) -> None:
    shares[8] = -0.25, 1.5
    add(tmp_path / "y", "images/a.png", line(shares))
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert sample.keypoints[8].tolist() == [-50, 150]


@pytest.mark.parametrize("comma", [",", ", ", " ,\t"])
def test_numbers_between_commas(comma: str, tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares).replace(" ", comma))
    _, (sample,) = run(tmp_path / "y", tmp_path / "out")
    np.testing.assert_allclose(sample.keypoints, shares * (WIDTH, HEIGHT), rtol=1e-6)


def broken(shares: NDArray[Any]) -> dict[str, tuple[str, str]]:
    good = line(shares).split()

    def put(place: int, text: str) -> str:
        return " ".join([*good[:place], text, *good[place + 1 :]])

    return {
        "short": (" ".join(good[:-1]), "67 numbers; allowed: 68"),
        "decimal commas": (line(shares).replace(".", ","), "135 numbers"),
        "long": (" ".join([*good, "1"]), "69 numbers"),
        "detection": ("0 0.5 0.5 0.1 0.1", "5 numbers"),
        "word": (put(9, "x"), "'x'; allowed: decimal numbers, such as 0.25"),
        "hexadecimal": (put(9, "0x10"), "'0x10'; allowed: decimal numbers, such as 0.25"),
        "underscore": (put(9, "0.1_5"), "'0.1_5'; allowed: decimal numbers, such as 0.25"),
        "other digits": (put(9, "٠.٥"), "'٠.٥'; allowed: decimal numbers, such as 0.25"),
        "nan": (put(9, "nan"), "not finite"),
        "nan box": (put(1, "nan"), "not finite"),
        "inf": (put(9, "inf"), "not finite"),
        "inf v": (put(10, "inf"), "not finite"),
        "nan v": (put(7, "nan"), "not finite"),
        "nan class": (put(0, "nan"), "not finite"),
        "pixels": (put(8, "120.5"), "divide pixels by width and height"),
        "class": (put(0, "-1"), "class -1"),
        "half class": (put(0, "0.5"), "class 0.5"),
        "box": (put(3, "-0.1"), "a box of -0.1 x 0.5"),
        "visibility": (put(7, "0.87"), "visibility 0.87; allowed: 0, 1 or 2"),
        "three": (put(7, "3"), "visibility 3"),
    }


@pytest.mark.parametrize("name", list(broken(np.full((21, 2), 0.5))))
def test_a_broken_line_is_quarantined_and_the_file_goes_on(
    name: str, tmp_path: Path, shares: NDArray[Any]
) -> None:
    wrong, reason = broken(shares)[name]
    add(tmp_path / "y", "images/train/a.png", "\n".join([line(shares), wrong, line(shares / 2)]))
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert [s.sample_id for s in samples] == ["yolo-pose/train/a", "yolo-pose/train/a#2"]
    assert summary.quarantined == 1
    (entry,) = Dataset(tmp_path / "out").quarantine()
    assert entry["input"] == "labels/train/a.txt line 2"
    assert reason in entry["reason"]


def test_files_that_lack_each_other_are_counted(tmp_path: Path, shares: NDArray[Any]) -> None:
    root = tmp_path / "y"
    add(root, "images/a.png", line(shares))
    add(root, "images/no_label.png", None)
    add(root, "images/background.png", "\n")
    add(root, "images/no_image.png", line(shares))
    (root / "images" / "no_image.png").unlink()
    add(root, "images/a.jpg", None)  # shares a.txt with a.png
    summary, samples = run(root, tmp_path / "out")
    assert len(samples) == 1
    assert summary.dropped == {
        "image of the same name as another": 1,
        "image without a label file": 1,
    }
    assert [entry["reason"] for entry in Dataset(tmp_path / "out").quarantine()] == ["no image of its name"]
    assert summary.notes["image without a hand (its label file is empty)"] == 1


def test_hostile_files_are_quarantined(tmp_path: Path, shares: NDArray[Any]) -> None:
    root = tmp_path / "y"
    add(root, "images/good.png", line(shares))
    add(root, "images/pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    add(root, "images/binary.png", bytes(range(256)))
    add(root, "images/cut.png", line(shares) + "\n" + line(shares / 2))
    (root / "images" / "cut.png").write_bytes((root / "images" / "good.png").read_bytes()[:40])
    summary, samples = run(root, tmp_path / "out")
    assert [s.sample_id for s in samples] == ["yolo-pose/good"]
    assert summary.dropped == {"image unreadable": 2}
    inputs = [entry["input"] for entry in Dataset(tmp_path / "out").quarantine()]
    assert {i.split(" line")[0] for i in inputs} == {
        "labels/binary.txt",
        "labels/pointer.txt",
        "images/cut.png",
    }
    assert inputs.count("images/cut.png") == 1


def test_names_cannot_make_two_samples_alike(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares) + "\n" + line(shares / 2))
    add(tmp_path / "y", "images/a#1.png", line(shares))
    _, samples = run(tmp_path / "y", tmp_path / "out")
    assert sorted(s.sample_id for s in samples) == ["yolo-pose/a", "yolo-pose/a#1", "yolo-pose/a%231"]


def test_a_folder_of_something_else_is_refused(tmp_path: Path, shares: NDArray[Any]) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "a.txt").write_text(line(shares))
    with pytest.raises(InputError, match="no label files"):
        run(tmp_path / "y", tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        list(yolo_pose.read(Source(tmp_path / "y" / "a.txt")))


@pytest.mark.parametrize("inner", ["labels", "labels/train", "images/train"])
def test_a_folder_within_a_set_is_told_with_the_one_to_give(
    tmp_path: Path, shares: NDArray[Any], inner: str
) -> None:
    add(tmp_path / "y", "images/train/a.png", line(shares))
    with pytest.raises(InputError, match=r"no label files, as .*; give the folder above \w+: (.*)") as caught:
        run(tmp_path / "y" / inner, tmp_path / "out")
    above = Path(str(caught.value).rpartition(": ")[2])
    assert len(run(above, tmp_path / "out")[1]) == 1


@pytest.mark.parametrize(("size", "kept"), [(3, 68), (2, 47)])
def test_a_line_of_other_numbers_a_point_than_data_yaml_says(
    size: int, kept: int, tmp_path: Path, shares: NDArray[Any]
) -> None:
    whole = line(shares)
    cut_off = " ".join(whole.split()[:47])  # reads as a line without v, of other points
    add(tmp_path / "y", "images/a.png", f"{whole}\n{cut_off}")
    (tmp_path / "y" / "data.yaml").write_text(f"kpt_shape: [21, {size}]\n")
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert (summary.quarantined, len(samples)) == (1, 1)
    ((where, reason),) = (
        (entry["input"], entry["reason"]) for entry in Dataset(tmp_path / "out").quarantine()
    )
    assert where == f"labels/a.txt line {2 if kept == 68 else 1}"
    assert reason == (
        f"{68 + 47 - kept} numbers, {5 - size} per point, which is not what kpt_shape of data.yaml says"
    )


@pytest.mark.parametrize(("with_v", "kept"), [(2, 68), (1, 68), (0, 47)])
def test_a_line_of_other_numbers_a_point_than_the_others_have(
    with_v: int, kept: int, tmp_path: Path, shares: NDArray[Any]
) -> None:
    """Nothing else tells that a line was cut off, which then read as one without v, of other points."""
    whole, without = line(shares), line(shares, None)
    cut_off = " ".join(whole.split()[:47])
    for name, text in (("a", cut_off), ("b", whole), ("c", whole if with_v == 2 else "")):
        add(tmp_path / "y", f"images/{name}.png", text if with_v else without)
    if not with_v:
        add(tmp_path / "y", "images/a.png", whole)
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert summary.quarantined == 1
    assert "yolo-pose/a" not in [sample.sample_id for sample in samples]
    (entry,) = Dataset(tmp_path / "out").quarantine()
    assert entry["input"] == "labels/a.txt line 1"
    other, size = (47, 2) if kept == 68 else (68, 3)
    told = f"{other} numbers, {size} per point, which is not what other lines of the set say"
    assert entry["reason"] == told


@pytest.mark.parametrize("shape", ["[17, 3]", "[21]", "21", "[42, 2]"])
def test_a_data_yaml_of_other_keypoints_is_refused(shape: str, tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    (tmp_path / "y" / "data.yaml").write_text(f"kpt_shape: {shape}\n")
    with pytest.raises(InputError, match=r"kpt_shape: .*allowed: \[21, 2\] or \[21, 3\]"):
        run(tmp_path / "y", tmp_path / "out")


def test_data_yaml_tells_sides_and_is_not_believed_on_flips(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares) + "\n" + line(shares, number="1"))
    flips = [0, 1, 2, 4, 3, 10, 11, 12, 13, 14, 5, 6, 7, 8, 9, 15, 16, 17, 18, 19, 20]
    text = f"kpt_shape: [21, 3]\nflip_idx: {flips}\nnames: {{0: left_hand, 1: Right}}\n"
    (tmp_path / "y" / "hands.yaml").write_text(text)
    (tmp_path / "y" / "broken.yaml").write_text("a: [")
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert [s.side for s in samples] == ["left", "right"]
    (advice,) = (
        note for note in summary.notes if note.startswith("flip_idx of hands.yaml exchanges thumb_ip")
    )
    assert advice.endswith(f"write there: flip_idx: {list(range(21))}")
    assert summary.notes["broken.yaml does not parse, and was not used"] == 1


def test_points_by_their_names(tmp_path: Path, shares: NDArray[Any]) -> None:
    names = list(kp.NAMES[::-1])
    names[names.index("thumb_ip")] = "thumb_x"
    add(tmp_path / "y", "images/a.png", line(shares[::-1]) + "\n" + line(shares / 2, number="1"))
    text = yaml.safe_dump({"kpt_shape": [21, 3], "names": ["hand", "hand"], "kpt_names": {"0": names}})
    (tmp_path / "y" / "Data.YAML").write_text(text)
    summary, (first, second) = run(tmp_path / "y", tmp_path / "out")
    size = np.array([WIDTH, HEIGHT])
    np.testing.assert_allclose(first.keypoints, shares * size, rtol=1e-6)
    np.testing.assert_allclose(second.keypoints, shares / 2 * size, rtol=1e-6)
    assert summary.notes["hand whose point 'thumb_x' has the place that the others left"] == 1


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ({"names": {0: "person"}}, "'person' is no hand"),
        ({"names": ["hand"], "kpt_names": [["nose", *(f"p{i}" for i in range(20))]]}, "'nose' is no point"),
        ({"names": ["hand"], "kpt_names": ["a", "b", *kp.NAMES[18::-1]]}, "'little_pip' stands where"),
    ],
)
def test_a_class_that_is_no_hand_is_left_out(
    content: dict[str, Any], refusal: str, tmp_path: Path, shares: NDArray[Any]
) -> None:
    add(tmp_path / "y", "images/a.png", line(shares) + "\n" + line(shares, number="1"))
    (tmp_path / "y" / "data.yaml").write_text(yaml.safe_dump(content))
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    ((reason, count),) = summary.dropped.items()
    assert refusal in reason
    assert count == 2 - len(samples)


@pytest.mark.parametrize("text", [
    "kpt_shape: [21, 3]\nnames: {'0': left, '1': right}",
    "train: images\nnames: [Left-Hand, R_hand]",
    "# H\xe4nde\nkpt_shape: [21.0, 3]\nnames: [lefthand, hand_r]",
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_sides_of_classes_however_they_are_written(
    text: str, encoding: str, tmp_path: Path, shares: NDArray[Any]
) -> None:
    add(tmp_path / "y", "images/a.png", line(shares) + "\n" + line(shares, number="1"))
    (tmp_path / "y" / "data.yaml").write_bytes(text.encode(encoding))
    _, samples = run(tmp_path / "y", tmp_path / "out")
    assert [s.side for s in samples] == ["left", "right"]


def test_two_files_that_name_a_class_differently_are_refused(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    (tmp_path / "y" / "a.yaml").write_text("names: [left]")
    (tmp_path / "y" / "b.yaml").write_text("names: [right]")
    with pytest.raises(InputError, match=r"b.yaml: names.0: 'right'; another file says 'left'"):
        run(tmp_path / "y", tmp_path / "out")


def test_data_yaml_stands_for_its_folder(tmp_path: Path, shares: NDArray[Any]) -> None:
    add(tmp_path / "y", "images/a.png", line(shares))
    (tmp_path / "y" / "data.yaml").write_text("names: [left]")
    _, (sample,) = run(tmp_path / "y" / "data.yaml", tmp_path / "out")
    assert (sample.sample_id, sample.side) == ("yolo-pose/a", "left")


def test_a_negative_coordinate_without_v_is_no_point(tmp_path: Path, shares: NDArray[Any]) -> None:
    shares[2], shares[5] = (-1, -1), (0.5, -0.01)
    add(tmp_path / "y", "images/a.png", line(shares, None))
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert np.flatnonzero(sample.visibility == 0).tolist() == [2, 5]
    assert summary.notes["point with a negative coordinate in a line without v, read as unlabelled"] == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_label_files_of_windows(encoding: str, tmp_path: Path, shares: NDArray[Any]) -> None:
    seen = ONES.copy()
    seen[3] = 2
    add(tmp_path / "y", "images/a.png", (line(shares, seen) + "\r\n").encode(encoding))
    summary, (sample,) = run(tmp_path / "y", tmp_path / "out")
    assert sample.visibility[:4].tolist() == [1, 1, 1, 2]
    assert summary.quarantined == 0


def test_the_same_hand_twice(tmp_path: Path, shares: NDArray[Any]) -> None:
    other = line(shares).replace("0.25", "0.3", 1)  # the same points in another box
    add(tmp_path / "y", "images/a.png", "\n".join([line(shares), line(shares), other]))
    summary, samples = run(tmp_path / "y", tmp_path / "out")
    assert [s.sample_id for s in samples] == ["yolo-pose/a", "yolo-pose/a#2"]
    assert summary.notes["line that stands in its file before, left out"] == 1
    assert summary.notes["hand with the same points as another of its image"] == 1


def test_the_set_of_ultralytics(real_data: Path, tmp_path: Path) -> None:
    summary, samples = run(real_data / "ultralytics_hand_keypoints", tmp_path / "out")
    assert (summary.samples, summary.dropped, summary.quarantined) == (60, {}, 0)
    assert sum((s.visibility == 0).any() for s in samples) == 9
    assert {s.split for s in samples} == {"train", "val"}
    (advice,) = (
        note for note in summary.notes if note.startswith("flip_idx of hand-keypoints.yaml exchanges")
    )
    assert "its bones become 1.4 times as long" in advice
