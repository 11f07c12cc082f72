"""Prediction on photos of any size: what comes out, and that points land on the photo."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from curate.basics import engine, files, images
from curate.basics import keypoints as kp
from curate.basics.errors import ConfigChanged, InputError
from curate.cli import main
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.answer import Answer
from curate.options.predict import PredictOptions
from curate.predict import predict
from curate.training.run import Run

MakePath = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of drawn hands, one broken file and one that is no image."""
    folder = tmp_path / "photos"
    for number, name in enumerate(["a.jpg", "below/b.png"]):
        rng = np.random.default_rng(number)
        picture, _ = draw_hand(rng, Person.sample(rng), "left", width=320, height=240)
        images.write(folder / name, picture)
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:900])
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_photos_become_a_dataset_json_and_pictures(make_run: MakePath, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    result = predict(make_run(size=32), [photos], out, quiet=True)

    assert result.photos == 2
    made = Dataset(out)
    assert [sample.sample_id for sample in made] == [f"photo/{photos}/a.jpg", f"photo/{photos}/below/b.png"]
    for sample in made:
        assert (out / sample.image).is_file()
        assert (sample.width, sample.height) == (320, 240)
        assert sample.label_source is not None
        assert sample.label_source.startswith("auto:run")
        assert sample.visibility.tolist() == [0] + [2] * 20
        assert np.isnan(sample.keypoints[0]).all()
        assert np.isfinite(sample.keypoints[1:]).all()
        assert sample.keypoint_scores is not None
        assert sample.keypoint_scores[0] == 0
        assert sample.score == pytest.approx(sample.keypoint_scores[1:].mean())
    told = json.loads((out / "predictions.json").read_text())
    assert told["keypoints"] == list(kp.NAMES)
    first = told["predictions"][0]
    assert first["points"][0] is None
    np.testing.assert_allclose(
        [p[:2] for p in first["points"][1:]], next(iter(made)).keypoints[1:], atol=1e-3
    )
    scores = next(iter(made)).keypoint_scores
    assert scores is not None
    assert [p[2] for p in first["points"][1:]] == [round(float(score), 4) for score in scores[1:]]
    picture = images.read(out / first["picture"])
    assert picture.shape == (240, 320, 3)
    assert (picture != images.read(photos / "a.jpg")).any()


def test_a_path_alone_is_no_list_of_the_letters_of_its_name(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    run, photo = make_run(size=32), photos / "a.jpg"
    for number, alone in enumerate([photo, str(photo)]):
        assert predict(run, alone, tmp_path / f"found-{number}", quiet=True).photos == 1


def test_what_cannot_be_read_is_told_in_a_line_and_counted(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    result = predict(make_run(size=32), [photos, tmp_path / "nowhere.jpg"], tmp_path / "found", quiet=True)
    assert result.photos == 2
    assert dict(result.unreadable).keys() == {str(photos / "broken.jpg"), str(tmp_path / "nowhere.jpg")}
    lines = str(result).splitlines()
    assert len(lines) == 5
    assert "broken.jpg: truncated" in lines[0]
    assert "nowhere.jpg: no such image file" in lines[1]
    assert "2 hands" in lines[2]
    assert "2 unreadable" in lines[2]
    assert lines[3].startswith(
        "  note: hands are in doubt below a score of 0.7: no score is known from which"
    )
    assert lines[4] == "  note: file that is no picture, passed over: .txt: 1"
    assert result.as_json()["unreadable"][1]["reason"].startswith("no such image file")


def test_a_limit_for_videos_is_told_only_where_one_was_read(
    monkeypatch: pytest.MonkeyPatch, make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("curate.predict.UNMEASURED", 0.5)
    (tmp_path / "a.mp4").write_text("no film")
    found = predict(make_run(size=32), [photos, tmp_path / "a.mp4"], tmp_path / "found", quiet=True)
    assert "hands are in doubt below" in str(found)
    assert "hands in videos" not in str(found)
    assert "hands in videos" in str(replace(found, clips=1))


def test_where_no_photo_can_be_read_that_is_told_and_no_pictures(
    make_run: MakePath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    out = tmp_path / "found"
    assert main(["predict", str(make_run(size=32)), str(tmp_path / "a.jpg"), "--out", str(out)]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"{tmp_path / 'a.jpg'}: not an image")
    assert told[1:] == [f"no photo could be processed, see {out / 'quarantine.jsonl'}; 1 unreadable"]
    assert not (out / "pictures").exists()


def test_every_picture_of_a_folder_is_looked_at_or_told(make_run: MakePath, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(draw_hand(rng, Person.sample(rng), "left", width=320, height=240)[0])
    folder = tmp_path / "album"
    folder.mkdir()
    for name, form in {"1.JFIF": "JPEG", "2.gif": "GIF", "3.Avif": "AVIF", "4.jpe": "JPEG"}.items():
        picture.save(folder / name, form)
    (folder / "5.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (folder / "6.CR3").write_bytes(b"\0\0\0\x18ftypcrx raw")
    (folder / "7.mov").write_bytes(b"a film")
    (folder / "8.txt").write_text("taken on a Monday")
    (folder / ".hidden.jpg").write_bytes(b"")
    result = predict(make_run(size=32), [folder], tmp_path / "found", quiet=True)
    assert result.photos == 4
    assert [Path(name).name for name, _ in result.unreadable] == ["5.HEIC", "6.CR3", "7.mov"]
    assert result.passed_over == {"file that is no picture, passed over: .txt": 1}


def test_pictures_of_16_bits_that_use_12_are_counted(make_run: MakePath, tmp_path: Path) -> None:
    """As depth and infrared cameras write them: they are looked at, and nearly black."""
    folder = tmp_path / "infrared"
    folder.mkdir()
    shades = np.random.default_rng(0).integers(0, 1 << 12, (60, 80)).astype(np.uint16)
    for name, picture in (("dim", shades), ("bright", shades * 16)):
        Image.fromarray(picture).save(folder / f"{name}.png")
    result = predict(make_run(size=32), [folder], tmp_path / "found", quiet=True)
    assert result.photos == 2
    assert "note: sample in a picture of 16 bits that uses 12 or fewer: it is nearly black: 1" in str(result)
    assert result.as_json()["dim"] == 1


def bright_spot(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
    """Stands for a network whose every keypoint is the centre of what is brightest."""
    points = np.zeros((len(pixels), kp.COUNT, 2), np.float32)
    for number, image in enumerate(pixels):
        weight = np.maximum(image.astype(float) - 150, 0)
        at = np.arange(len(image)) + 0.5
        points[number] = (weight.sum(0) @ at / weight.sum(), weight.sum(1) @ at / weight.sum())
    return Answer(points, np.ones((len(pixels), kp.COUNT), np.float32))


@pytest.mark.parametrize(
    ("shape", "suffix"),
    [((120, 200), ".png"), ((300, 90), ".png"), ((960, 1280), ".jpg"), ((40, 40), ".png")],
    ids=["wide", "tall", "large jpeg", "small"],
)
def test_points_come_back_to_where_they_lie_in_the_photo(
    make_run: MakePath,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, int],
    suffix: str,
) -> None:
    height, width = shape
    spot = np.array([width * 0.4, height * 0.55])
    across = np.exp(-((np.arange(width) + 0.5 - spot[0]) ** 2) / (2 * (width / 16) ** 2))
    down = np.exp(-((np.arange(height) + 0.5 - spot[1]) ** 2) / (2 * (width / 16) ** 2))
    photo = np.repeat((40 + 200 * np.outer(down, across)).astype(np.uint8)[..., None], 3, 2)
    images.write(tmp_path / f"spot{suffix}", photo)
    monkeypatch.setattr(Run, "predict", bright_spot)

    predict(make_run(), [tmp_path / f"spot{suffix}"], tmp_path / "found", quiet=True)

    (sample,) = Dataset(tmp_path / "found")
    tolerance = max(height, width) / 96 * 0.25
    np.testing.assert_allclose(sample.keypoints, np.tile(spot, (kp.COUNT, 1)), atol=tolerance)


def test_exif_orientation_is_undone_first(
    make_run: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    upright = np.full((80, 120, 3), 40, np.uint8)
    cv2.circle(upright, (30, 50), 9, (250, 250, 250), -1)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned; shown after a quarter turn clockwise
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    monkeypatch.setattr(Run, "predict", bright_spot)
    predict(make_run(), [tmp_path / "turned.png"], tmp_path / "found", quiet=True)
    (sample,) = Dataset(tmp_path / "found")
    assert (sample.width, sample.height) == (120, 80)
    np.testing.assert_allclose(sample.keypoints[0], [30.5, 50.5], atol=0.5)


def dataset_of(root: Path, samples: list[Sample]) -> Path:
    root.mkdir()
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "history": [], "refers_to": [".."]})
    return root


def test_a_datasets_samples_keep_their_names_and_boxes_decide(
    make_run: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = np.full((100, 200, 3), 30, np.uint8)
    cv2.circle(photo, (50, 50), 6, (250, 250, 250), -1)
    cv2.circle(photo, (150, 50), 6, (250, 250, 250), -1)
    images.write(tmp_path / "two.png", photo)
    boxes = [np.array([20, 20, 60, 60], np.float32), np.array([120, 20, 60, 60], np.float32)]
    samples = [
        Sample(f"pair/{n}", "pair", "../two.png", bbox=box, side="left", subject_id="7", attrs={"age": 30})
        for n, box in enumerate(boxes)
    ]
    monkeypatch.setattr(Run, "predict", bright_spot)
    predict(make_run(keypoints=21), [dataset_of(tmp_path / "data", samples)], tmp_path / "found", quiet=True)
    first, second = Dataset(tmp_path / "found")
    assert (first.sample_id, first.side, first.subject_id) == ("pair/0", "left", "7")
    assert (first.attrs["age"], first.attrs["found_by"]) == (30, "bbox")
    np.testing.assert_allclose(first.keypoints[0], [50.5, 50.5], atol=0.5)
    np.testing.assert_allclose(second.keypoints[0], [150.5, 50.5], atol=0.5)


def spots_of(root: Path, places: dict[str, tuple[int, int]]) -> Path:
    """A dataset of photos, each with a bright spot at its place, called by the keys."""
    for name, place in places.items():
        photo = np.full((100, 200, 3), 30, np.uint8)
        cv2.circle(photo, place, 6, (250, 250, 250), -1)
        images.write(root.parent / f"{root.name}-photos" / f"{name}.png", photo)
    samples = [Sample(f"s/{name}", "s", f"../{root.name}-photos/{name}.png") for name in places]
    return dataset_of(root, samples)


def test_a_file_whose_name_is_no_text_is_set_aside_and_the_others_go_on(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    run, unnamed = make_run(size=32), os.fsdecode(b"caf\xe9")
    content = (photos / "a.jpg").read_bytes()
    (photos / "broken.jpg").unlink()
    (photos / f"{unnamed}.jpg").write_bytes(content)
    (photos / f"{unnamed}.mp4").write_bytes(content)
    (photos / "link.jpg").symlink_to(f".{unnamed}.jpg")
    (photos / f".{unnamed}.jpg").write_bytes(content)
    result = predict(run, [photos], tmp_path / "found", quiet=True)
    assert result.photos == 2
    assert sorted(result.unreadable) == [
        (f"{photos}/caf\\udce9.jpg", "a file name with control characters or invalid UTF-8; rename it"),
        (f"{photos}/caf\\udce9.mp4", "a file name with control characters or invalid UTF-8; rename it"),
        (
            f"{photos}/link.jpg",
            f"leads to {photos}/.caf\\udce9.jpg, "
            "a file name with control characters or invalid UTF-8; rename it",
        ),
    ]
    alone = predict(run, [photos / f"{unnamed}.jpg"], tmp_path / "alone", quiet=True)
    assert (alone.photos, len(alone.unreadable)) == (0, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_of_samples_with_one_id_the_first_is_looked_at_and_its_photo_drawn(
    make_run: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    first = spots_of(tmp_path / "first", {"x": (50, 50)})
    second = spots_of(tmp_path / "second", {"x": (150, 50), "y": (100, 30)})
    monkeypatch.setattr(Run, "predict", bright_spot)
    run, both = make_run(), tmp_path / "both"
    predict(run, [first], tmp_path / "alone", quiet=True)
    result = predict(run, [first, second], both, engine=engine.Local(workers), quiet=True)

    made = Dataset(both)
    assert [sample.sample_id for sample in made] == ["s/x", "s/y"]
    np.testing.assert_allclose(made[0].keypoints[1], [50.5, 50.5], atol=0.5)
    ((name, reason),) = result.unreadable
    assert Path(name).resolve() == tmp_path / "second-photos" / "x.png"
    assert reason == f"another sample has its id, s/x: that of {first} is kept; this one is of {second}"
    assert made.info["history"][-1]["counts"]["dropped"] == {"sample whose id another one has": 1}
    entry = json.loads((both / "predictions.json").read_text())["predictions"][0]
    assert (both / entry["picture"]).read_bytes() == (tmp_path / "alone" / entry["picture"]).read_bytes()
    assert len(list((both / "pictures").iterdir())) == 2


def test_a_dataset_that_is_given_twice_is_looked_at_once(
    make_run: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = spots_of(tmp_path / "data", {"x": (50, 50)})
    (tmp_path / "link").symlink_to(data)
    monkeypatch.setattr(Run, "predict", bright_spot)
    result = predict(make_run(), [data, tmp_path / "link", data], tmp_path / "found", quiet=True)
    assert (result.photos, result.unreadable) == (1, [])


def told(score: float) -> Callable[..., Answer]:
    """Stands for a network that is so sure of the middle of whatever it is shown."""

    def answer(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
        middle = np.full((len(pixels), kp.COUNT, 2), pixels.shape[1] / 2, np.float32)
        return Answer(middle, np.full((len(pixels), kp.COUNT), score, np.float32))

    return answer


@pytest.fixture
def walls(tmp_path: Path) -> Path:
    """A white wall, noise and a grey picture: no finder sees a hand. And a drawn hand on plain ground."""
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    for name, picture in (
        ("wall", np.full((90, 120, 3), 250, np.uint8)),
        ("noise", noise),
        ("grey", noise[..., 0]),
    ):
        images.write(tmp_path / "walls" / f"{name}.png", picture)
    rng = np.random.default_rng(1)
    hand, _ = draw_hand(rng, Person.sample(rng), "left", width=320, height=240)
    images.write(tmp_path / "walls" / "hand.png", hand)
    return tmp_path / "walls"


def test_where_no_hand_is_seen_and_the_network_is_unsure_there_is_none(
    make_run: MakePath, walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "predict", told(0.22))
    out = walls.parent / "found"
    result = predict(make_run(), [walls], out, quiet=True)
    assert (result.photos, result.hands, result.without) == (4, 1, 3)
    assert "1 hand, 3 photos without a hand" in str(result)
    assert "in 3 photos no finder saw a hand" in str(result)
    assert "scores below 0.7: 1 hand" in str(result)
    entries = {
        Path(e["image"]).stem: e for e in json.loads((out / "predictions.json").read_text())["predictions"]
    }
    assert {name: entry["found_by"] for name, entry in entries.items()} == {
        "wall": "whole photo",
        "noise": "whole photo",
        "grey": "whole photo",
        "hand": "colour",
    }
    assert entries["wall"]["points"] is None
    assert entries["wall"]["reason"] == "no finder saw a hand, and the network's score of 0.22 is below 0.7"
    assert (entries["hand"]["reason"], len(entries["hand"]["points"])) == (None, 21)
    for sample in Dataset(out):
        seen = "hand.png" in sample.image
        assert (sample.visibility > 0).all() == seen
        assert np.isfinite(sample.keypoints).all() == seen
        assert (sample.label_source is not None) == seen
    wall = images.read(out / entries["wall"]["picture"])
    assert (wall > 240).all()  # no skeleton on it
    again = predict(make_run(), [walls / "hand.png"], walls.parent / "one", quiet=True)
    assert (again.hands, again.without, again.unseen) == (1, 0, 0)
    assert predict(make_run(), [walls], out, quiet=True, overwrite=True).as_json()["without_a_hand"] == 3


@pytest.mark.parametrize(("score", "least", "without"), [(0.9, 0.7, 0), (0.9, 0.95, 3), (0.1, 0.0, 0)])
def test_the_least_score_can_be_set(
    make_run: MakePath,
    walls: Path,
    monkeypatch: pytest.MonkeyPatch,
    score: float,
    least: float,
    without: int,
) -> None:
    monkeypatch.setattr(Run, "predict", told(score))
    options = PredictOptions(min_score=least, pictures=False)
    result = predict(make_run(), [walls], walls.parent / "found", options, quiet=True)
    assert (result.hands, result.without, result.unseen) == (4 - without, without, 3)


def test_each_hand_is_looked_at_as_often_as_asked(
    make_run: MakePath, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, shown, look = make_run(size=32), list[np.ndarray](), Run.predict

    def seen(self: Run, pixels: np.ndarray, *others: Any, **told: Any) -> Any:
        shown.extend(pixels)
        return look(self, pixels, *others, **told)

    monkeypatch.setattr(Run, "predict", seen)
    points = []
    for looks in (1, 4):
        shown.clear()
        options = PredictOptions(looks=looks, pictures=False)
        predict(run, [photos], tmp_path / f"found-{looks}", options, quiet=True)
        assert len(shown) == 2 * looks  # two photographs
        assert len({picture.tobytes() for picture in shown}) == 2 * looks
        points.append(next(iter(Dataset(tmp_path / f"found-{looks}"))).keypoints[1:])
    assert not np.array_equal(*points)


@pytest.mark.parametrize("confidence", [None, {"temperature": 1.0, "threshold": None}])
def test_it_is_told_why_a_run_has_no_least_score(
    make_run: MakePath, walls: Path, confidence: dict[str, float | None] | None
) -> None:
    """It had no validation split, or one without a score that is good enough."""
    run = make_run()
    told = json.loads((run / "run.json").read_text())
    files.write_json(run / "run.json", {**told, "confidence": confidence})
    result = predict(run, [walls / "hand.png"], walls.parent / "found", quiet=True)
    why = "as there was no split val to choose it on, or no score there was high enough"
    assert f"0.7: no score is known from which 95 % of the points are right, {why}" in str(result)


@pytest.mark.parametrize(("score", "without"), [(0.9, 0), (0.85, 3)])
def test_the_run_tells_the_least_score_where_none_is_set(
    make_run: MakePath,
    walls: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    score: float,
    without: int,
) -> None:
    """And the least score of a hand that autotag keeps."""
    run = make_run()
    threshold = {"score": 0.88, "precision": 0.95, "hands": 30, "of": 40}
    confidence = {"temperature": 1.0, "threshold": threshold}
    files.write_json(
        run / "run.json", {**json.loads((run / "run.json").read_text()), "confidence": confidence}
    )
    monkeypatch.setattr(Run, "predict", told(score))
    result = predict(run, [walls], walls.parent / "found", quiet=True)
    assert (result.min_score, result.without) == (0.88, without)
    said = (
        "below a score of 0.88: from it on, 95 % of the points are right; of the 40 hands that it was "
        "chosen on, 30 reach it"
    )
    assert said in str(result)
    assert main(["autotag", "--explain", "--tagger", str(run)]) == 0
    assert "hand_score: 0.88" in capsys.readouterr().out


def test_nothing_found_at_all_ends_with_1(
    make_run: MakePath, walls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Run, "predict", told(0.22))
    run = str(make_run())
    wall, out = str(walls / "wall.png"), walls.parent
    assert main(["predict", run, wall, "--out", str(out / "a")]) == 1
    assert "0 hands, 1 photo without a hand" in capsys.readouterr().err
    assert main(["predict", run, wall, "--out", str(out / "b"), "--min-score", "0.2", "--quiet"]) == 0
    assert main(["predict", run, wall, str(walls / "hand.png"), "--out", str(out / "c"), "--quiet"]) == 0


def test_a_crop_of_a_hand_that_was_seen_is_a_hand(
    make_run: MakePath, walls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crop was cut by counts: it is looked at whole because it is a hand."""
    monkeypatch.setattr(Run, "predict", told(0.22))
    identity = np.eye(3)[:2]
    samples = [
        Sample(f"s/{by}", "s", "../walls/wall.png", transform=identity, parent_id="p", attrs={"found_by": by})
        for by in ("colour", "whole photo")
    ]
    data = dataset_of(walls.parent / "data", samples)
    predict(make_run(), [data], walls.parent / "found", quiet=True)
    cut, whole = Dataset(walls.parent / "found")
    assert (cut.visibility > 0).all()
    assert not whole.visibility.any()


@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_the_result_is_the_same_whatever_the_workers(
    make_run: MakePath, photos: Path, drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch, processes: bool
) -> None:
    run, out = make_run("figure12", size=32), photos.parent
    predict(run, [photos, drawn_dataset], out / "one", quiet=True)
    monkeypatch.setattr(engine, "PROCESSES_FROM", 1 if processes else 1000)
    result = predict(run, [photos, drawn_dataset], out / "two", engine=engine.Local(2), quiet=True)
    assert (result.photos, len(result.unreadable)) == (26, 1)
    names = {p.relative_to(out / "one") for p in (out / "one").rglob("*") if p.is_file()}
    assert len(names) == 26 + 5
    for name in names:
        assert (out / "one" / name).read_bytes() == (out / "two" / name).read_bytes()


def test_links_are_followed_within_what_is_given_and_refused_where_they_lead_out(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    run, photo = make_run(), next(path for path in sorted(photos.rglob("*")) if path.suffix == ".png")
    for folder in ("given", "private"):
        (tmp_path / folder / "below").mkdir(parents=True)
        (tmp_path / folder / "photo.png").write_bytes(photo.read_bytes())
    (tmp_path / "given" / "photo.png").rename(tmp_path / "given" / "below" / "own.png")
    (tmp_path / "given" / "within.png").symlink_to("below/own.png")
    (tmp_path / "given" / "out.png").symlink_to(tmp_path / "private" / "photo.png")
    options = PredictOptions(pictures=False)
    found = predict(run, [tmp_path / "given"], tmp_path / "a", options, quiet=True)
    assert found.photos == 1  # the link within leads to a photo that is looked at anyway
    ((name, reason),) = found.unreadable
    assert name == str(tmp_path / "given" / "out.png")
    assert "give the folder that it leads to: curate predict RUN DIR" in reason
    both = predict(run, [tmp_path / "given", tmp_path / "private"], tmp_path / "b", options, quiet=True)
    assert (both.photos, both.unreadable) == (2, [])
    (tmp_path / "private" / "photo.png").unlink()
    broken = predict(run, [tmp_path / "given", tmp_path / "private"], tmp_path / "c", options, quiet=True)
    assert broken.unreadable == [(str(tmp_path / "given" / "out.png"), "no such image file")]


def test_pictures_can_be_left_out(make_run: MakePath, photos: Path, tmp_path: Path) -> None:
    options = PredictOptions(pictures=False)
    result = predict(make_run(size=32), [photos], tmp_path / "found", options, quiet=True)
    assert not (tmp_path / "found" / "pictures").exists()
    assert ", pictures in" not in str(result)
    told = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert [entry["picture"] for entry in told["predictions"]] == [None, None]


def test_the_same_again_is_not_done_twice_and_other_inputs_are_refused(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    run, out = make_run(size=32), photos / "found"
    first = predict(run, [photos], out, quiet=True)
    content = (out / "predictions.json").read_bytes()
    again = predict(run, [photos], out, quiet=True)
    assert not first.reused
    assert again.reused
    assert again.photos == 2
    assert (out / "predictions.json").read_bytes() == content
    with pytest.raises(ConfigChanged, match="--overwrite"):
        predict(run, [photos / "a.jpg"], out, quiet=True)
    assert predict(run, [photos / "a.jpg"], out, overwrite=True, quiet=True).photos == 1


def test_a_photo_that_was_exchanged_is_noticed(make_run: MakePath, photos: Path, tmp_path: Path) -> None:
    run, photo = make_run(size=32), photos / "a.jpg"
    before = photo.read_bytes()
    predict(run, [photo], tmp_path / "found", quiet=True)
    photo.write_bytes(before[:-1] + b"\0")  # as long as it was
    with pytest.raises(ConfigChanged, match=r"\(files changed\)"):
        predict(run, [photo], tmp_path / "found", quiet=True)


def test_photos_that_lie_in_the_folder_to_make_are_told(
    make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    run, photo = make_run(size=32), photos / "a.jpg"
    with pytest.raises(InputError) as told:
        predict(run, [photo], photos)
    where = f"lies in --out {photos}, where what is found is written to"
    assert str(told.value) == f"{photo}: {where}; give another folder as --out"
    with pytest.raises(InputError, match=f"{where}, as do 2 more; give another"):
        predict(run, [photos], photos)


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_behind_the_photos_is_refused(
    make_run: MakePath, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: bool
) -> None:
    run, out = make_run(size=32), tmp_path / "found"
    images.write(run / "epochs" / "epoch-001.png", np.full((40, 60, 3), 99, np.uint8))
    if not finished:
        (run / "weights.pt").unlink()
    assert main(["predict", str(photos / "a.jpg"), str(run), "--out", str(out)]) == 2
    told = "a run (it holds run.json) where a photo should be; allowed: one run, before the photos; curate"
    assert f"{run}: {told} predict RUN FILES" in capsys.readouterr().err
    assert not out.exists()


def test_nothing_to_look_at_and_training_sets_are_refused(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photo"):
        predict(make_run(size=32), [tmp_path / "empty"], tmp_path / "found")
    with pytest.raises(InputError, match=r"a training set; .*for those: curate evaluate"):
        predict(make_run(size=32), [make_set(["test"], size=32)], tmp_path / "found")


def test_a_link_that_leads_to_itself_is_set_aside(
    make_run: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").symlink_to("a.png")
    photo = np.full((80, 120, 3), 40, np.uint8)
    cv2.circle(photo, (30, 50), 9, (250, 250, 250), -1)
    images.write(tmp_path / "photos" / "b.png", photo)
    monkeypatch.setattr(Run, "predict", bright_spot)
    found = predict(make_run(), [tmp_path / "photos"], tmp_path / "found", quiet=True)
    assert found.photos == 1
    assert [Path(name).name for name, _ in found.unreadable] == ["a.png"]
