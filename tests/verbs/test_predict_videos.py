"""Prediction on videos: hands are followed, frames and a film are written, and what is wrong is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from curate.basics import images, screen, videos
from curate.basics import keypoints as kp
from curate.basics.engine import Local
from curate.basics.errors import InputError
from curate.build import build
from curate.cli import main
from curate.data.dataset import Dataset
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.answer import Answer
from curate.options.build import BuildOptions
from curate.options.predict import PredictOptions
from curate.predict import predict
from curate.taggers import clips
from curate.training.run import Run

MakePath = Callable[..., Path]
SIZE = (160, 120)
RAW = PredictOptions(smooth=0.0)


def spot(x: float, y: float = 60, size: tuple[int, int] = SIZE) -> Any:
    """A picture with a bright red spot, as OpenCV has it."""
    picture = np.full((size[1], size[0], 3), 30, np.uint8)
    cv2.circle(picture, (round(x), round(y)), 9, (60, 60, 250), -1)
    return picture


def film(path: Path, pictures: list[Any], rate: float = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pictures[0].shape[:2]
    codec = "mp4v" if path.suffix == ".mp4" else "MJPG"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def bright_hand(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
    """Stands for a network that finds a hand around what is brightest, as large as that; and none in the
    dark."""
    points = np.full((len(pixels), kp.COUNT, 2), np.nan, np.float32)
    scores = np.zeros((len(pixels), kp.COUNT), np.float32)
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 7), np.linspace(-0.5, 0.5, 3)), -1).reshape(21, 2)
    for number, image in enumerate(pixels):
        y, x = np.nonzero(image > 70)
        if len(x):
            size = max(np.ptp(x), np.ptp(y), 4)
            points[number] = np.array([x.mean() + 0.5, y.mean() + 0.5]) + grid * size
            scores[number] = 0.9
    return Answer(points, scores)


@pytest.fixture
def run(make_run: MakePath, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Run, "predict", bright_hand)
    return make_run(keypoints=21)


def centres(made: Dataset) -> list[float]:
    """Where each hand is, from left to right."""
    return [float(np.nanmean(sample.keypoints[:, 0])) for sample in made if sample.visibility.any()]


def test_a_video_becomes_a_dataset_of_tracks_and_a_film(run: Path, tmp_path: Path) -> None:
    clip = film(tmp_path / "in" / "a.mp4", [spot(40 + 5 * i) for i in range(12)] + [spot(-50)] * 2)
    images.write(tmp_path / "in" / "photo.png", spot(80)[..., ::-1])
    result = predict(run, [tmp_path / "in"], tmp_path / "out", RAW, quiet=True)
    assert (result.photos, result.hands, result.without, result.clips, result.tracks) == (15, 13, 2, 1, 1)
    assert result.rate is not None
    made = Dataset(tmp_path / "out")
    photo, *frames = made
    assert photo.clip is None
    assert [s.sample_id for s in frames[:2]] == [f"video/{clip}/00000{n}~1" for n in range(2)]
    assert [(s.clip, s.frame) for s in frames] == [(clip.as_posix(), n) for n in range(14)]
    assert [s.track for s in frames] == ["1"] * 12 + [None] * 2
    assert [s.attrs["seconds"] for s in frames] == pytest.approx([n / 10 for n in range(14)])
    assert [s.attrs["found_by"] for s in frames[1:12]] == ["last frame"] * 11
    assert centres(made)[1:13] == pytest.approx([40.5 + 5 * n for n in range(12)], abs=1)
    assert made.read_image(frames[3]).shape == (120, 160, 3)
    told = json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"]
    assert [(e["frame"], e["seconds"], e["track"]) for e in told[1:3]] == [(0, 0.0, "1"), (1, 0.1, "1")]
    assert told[13]["reason"] is not None
    drawn = tmp_path / "out" / told[1]["picture"]
    shown = list(videos.frames(drawn))
    assert len(shown) == 14
    for pixels in (made.read_image(frames[3]), shown[3].pixels):
        red, green, blue = pixels[51:70, 46:65].mean((0, 1))
        assert red > 1.3 * max(green, blue)


def test_the_angles_of_a_hand_are_told_in_a_video_as_in_a_photograph(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    _, points = draw_hand(rng, Person.sample(rng), "left", width=100, height=100)

    def drawn_hand(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
        found = np.repeat(points[None] * (pixels.shape[1] / 100), len(pixels), axis=0)
        return Answer(found, np.full((len(pixels), kp.COUNT), 0.9, np.float32))

    monkeypatch.setattr(Run, "predict", drawn_hand)
    images.write(tmp_path / "photo.png", spot(80)[..., ::-1])
    clip = film(tmp_path / "a.avi", [spot(80)] * 3)
    predict(run, [tmp_path / "photo.png", clip], tmp_path / "out", quiet=True)
    photo, *frames = Dataset(tmp_path / "out")
    assert photo.rotation is not None
    assert len(frames) == 3
    for frame in frames:
        assert frame.rotation == pytest.approx(photo.rotation, abs=1)
        assert frame.attrs["angles_from"] == "points"


def test_frames_of_a_dataset_are_no_video_that_was_followed(run: Path, tmp_path: Path) -> None:
    clip = film(tmp_path / "a.avi", [spot(80)] * 3)
    video = predict(run, [clip], tmp_path / "video", RAW, quiet=True)
    frames = predict(run, [tmp_path / "video"], tmp_path / "frames", quiet=True)
    assert (video.photos, video.clips, video.tracks) == (3, 1, 1)
    assert (frames.photos, frames.clips, frames.tracks) == (3, 0, 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["photo.png", "--seconds", "5"], "--seconds: 5, without a camera"),
        (["a.avi", "--seconds", "5"], "--seconds: 5, without a camera"),
        (["photo.png", "--smooth", "0"], "--smooth: 0, without a video"),
        (["photo.png", "--quick", "3"], "--quick: 3, without a video"),
        (["photo.png", "--find-every", "3"], "--find-every: 3, without a video"),
        (["a.avi", "--find-every", "3"], "--find-every: 3, without --finder; leave it out, or give --finder"),
    ],
)
def test_an_option_that_counts_for_nothing_is_refused(
    words: list[str], told: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images.write(tmp_path / "photo.png", spot(80)[..., ::-1])
    film(tmp_path / "a.avi", [spot(80)])
    given, *options = words
    assert main(["predict", str(run), str(tmp_path / given), *options, "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_smoothing_calms_a_hand_and_can_be_left_out(run: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clip = film(tmp_path / "a.mp4", [spot(80 + 4 * x) for x in rng.normal(size=30)], rate=30)
    raw = predict(run, [clip], tmp_path / "raw", RAW, quiet=True)
    calm = predict(run, [clip], tmp_path / "calm", PredictOptions(smooth=1.0, quick=0.0), quiet=True)
    jitter = [np.abs(np.diff(centres(Dataset(made.out)), n=2)).mean() for made in (raw, calm)]
    assert jitter[1] < jitter[0] / 2


def test_a_file_is_smoothed_without_lag_and_a_camera_as_it_comes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spot that moves by 3 px a frame, smoothed to almost a standstill; the hand is lost for two frames."""
    places = [40.0 + 3 * n for n in range(30)]
    pictures = [spot(-50) if n in (20, 21) else spot(x) for n, x in enumerate(places)]

    def camera(_number: int) -> Iterator[videos.Frame]:
        for number, picture in enumerate(pictures):
            yield videos.Frame(number, number / 10, np.ascontiguousarray(picture[..., ::-1]))

    monkeypatch.setattr(videos, "camera", camera)
    options = PredictOptions(smooth=0.7, quick=0.0, window=False)
    file = film(tmp_path / "a.avi", pictures)
    predict(run, [file], tmp_path / "file", options, quiet=True)
    predict(run, ["camera:0"], tmp_path / "camera", options, quiet=True)
    late = [
        {s.frame: places[s.frame or 0] + 0.5 - np.nanmean(s.keypoints[:, 0]) for s in made if s.track}
        for made in (Dataset(tmp_path / "file"), Dataset(tmp_path / "camera"))
    ]
    assert all(gaps.keys() == set(range(30)) - {20, 21} for gaps in late)
    assert np.abs([late[0][n] for n in range(8, 13)]).max() < 1
    assert min(late[1][n] for n in range(8, 13)) > 4


@pytest.mark.parametrize(("least", "limit", "low"), [(None, 0.7, 0), (0.95, 0.95, 4)])
def test_a_hand_that_is_followed_is_worth_less_certainty(
    run: Path, tmp_path: Path, least: float | None, limit: float, low: int
) -> None:
    """The run's threshold is 0.95, the hand's score 0.9."""
    threshold = {"score": 0.95, "precision": 0.95, "hands": 1, "of": 2}
    told = json.loads((run / "run.json").read_text())
    told["confidence"] = {"temperature": 1.0, "threshold": threshold}
    (run / "run.json").write_text(json.dumps(told))
    images.write(tmp_path / "in" / "photo.png", spot(80)[..., ::-1])
    film(tmp_path / "in" / "a.avi", [spot(60)] * 4)
    options = PredictOptions(min_score=least, pictures=False)
    result = predict(run, [tmp_path / "in"], tmp_path / "out", options, quiet=True)
    assert (result.hands, result.low, result.low_in_videos) == (5, 1, low)
    assert (result.min_score, result.min_score_in_videos) == (0.95, limit)
    assert "  note: scores below 0.95: 1 hand\n" in f"{result}\n"
    assert ("scores below 0.95 in videos: 4 hands" in str(result)) == (low == 4)
    assert ("hands in videos are in doubt below a score of 0.7: they are" in str(result)) == (low == 0)
    assert str(result).startswith("5 hands, counted in each frame, 0 photos or frames without a hand; see ")
    alone = predict(run, [tmp_path / "in" / "a.avi"], tmp_path / "alone", options, quiet=True)
    assert str(alone).startswith("4 hands, counted in each frame, 0 frames without a hand; see ")
    told = {name: value for name, value in alone.as_json().items() if "score" in name}
    assert told == {
        "low_scores": 0,
        "min_score": None,
        "low_scores_in_videos": low,
        "min_score_in_videos": limit,
    }


def test_a_film_keeps_the_times_of_a_variable_rate() -> None:
    assert videos.repeats([0.0, 0.1, 0.2, 0.5, 0.51, 0.6], 10) == [1, 1, 3, 0, 1, 1]
    assert videos.repeats([0.0, 1000.0], 10) == [100, 1]
    assert videos.repeats([5.0], 10) == [1]


def test_what_is_wrong_with_a_video_is_told_in_a_line(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = film(folder / "good.avi", [spot(60 + i) for i in range(10)])
    (folder / "cut.avi").write_bytes(good.read_bytes()[: len(good.read_bytes()) // 2])
    (folder / "none.mp4").write_text("a film")
    shutil.copy(good, tmp_path / "elsewhere.avi")
    (folder / "link.avi").symlink_to(tmp_path / "elsewhere.avi")
    result = predict(run, [folder], tmp_path / "out", RAW, quiet=True)
    told = {Path(name).name: reason for name, reason in result.unreadable}
    assert told.keys() == {"cut.avi", "none.mp4", "link.avi"}
    assert "of 10 frames; those are kept" in told["cut.avi"]
    assert told["none.mp4"].startswith("begins with b'a film'")
    assert "leads out" in told["link.avi"]
    assert result.clips == 2
    assert result.hands == result.photos > 10


def test_a_last_frame_that_is_not_there_is_counted(run: Path, tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", [spot(60 + i) for i in range(10)])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rfind(b"\xff\xd8\xff")])  # where the last JPEG begins
    result = predict(run, [path], tmp_path / "out", RAW, quiet=True)
    assert (result.photos, result.not_held, result.unreadable) == (9, 1, [])
    assert "  note: frame that a video counts and does not hold: 1\n" in f"{result}\n"


def other_size(path: Path) -> Path:
    """A video whose third frame is of another size: the JPEG of another film stands in its place."""
    good = film(path, [spot(60 + i) for i in range(4)]).read_bytes()
    small = film(path.with_name("small.avi"), [spot(10, 10, (80, 64))] * 4).read_bytes()
    path.with_name("small.avi").unlink()
    starts = [
        i for i in range(len(good)) if good.startswith(b"00dc", i) and good[i + 8 : i + 10] == b"\xff\xd8"
    ]
    other = small[small.index(b"\xff\xd8") : small.index(b"\xff\xd9") + 2]
    at = starts[2] + 8
    length = int.from_bytes(good[at - 4 : at], "little")
    assert len(other) <= length
    path.write_bytes(good[:at] + other.ljust(length, b"\0") + good[at + length :])
    return path


def test_a_frame_of_another_size_is_brought_to_the_first_ones(run: Path, tmp_path: Path) -> None:
    result = predict(run, [other_size(tmp_path / "a.avi")], tmp_path / "out", RAW, quiet=True)
    assert result.unreadable == []
    made = Dataset(tmp_path / "out")
    assert {(sample.width, sample.height) for sample in made} == {SIZE}
    assert centres(made)[1:3] == pytest.approx([61.5, 20], abs=2)


def test_a_camera_that_changes_its_size_ends(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = iter([SIZE, SIZE, (80, 64)])
    plug_in(monkeypatch)
    monkeypatch.setattr(Camera, "read", lambda _: (True, spot(60, size=next(sizes))))
    options = PredictOptions(window=False)
    result = predict(run, ["camera:0"], tmp_path / "out", options, quiet=True)
    ((_, reason),) = result.unreadable
    assert reason == "frame 2 is 80 x 64 px; the frames before it are 160 x 120 px and are kept"
    assert result.photos == 2


class Stopped(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("at", [3, 20, 39])
def test_a_stopped_video_goes_on_to_the_same_bytes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(clips, "_ROWS", 8)
    path = film(tmp_path / "a.mp4", [spot(40 + 2 * i) for i in range(40)])
    whole = predict(run, [path], tmp_path / "whole", quiet=True)
    looked = 0

    def stop(self: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
        nonlocal looked
        looked += 1
        if looked == at:
            raise Stopped
        return bright_hand(self, pixels, left)

    monkeypatch.setattr(Run, "predict", stop)
    with pytest.raises(Stopped):
        predict(run, [path], tmp_path / "again", quiet=True)
    before = looked
    result = predict(run, [path], tmp_path / "again", quiet=True)
    assert result.hands == whole.hands == 40
    assert looked - before <= 40 - at + 8 + 1  # what was done is not done again
    names = sorted(p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*") if p.is_file())
    assert len(names) == 40 + 6
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_workers_change_nothing_and_a_clip_is_never_in_two_splits(run: Path, tmp_path: Path) -> None:
    for number in range(5):
        film(tmp_path / "in" / f"{number}.mp4", [spot(40 + 2 * i + 5 * number) for i in range(6)])
    predict(run, [tmp_path / "in"], tmp_path / "one", quiet=True)
    predict(run, [tmp_path / "in"], tmp_path / "two", engine=Local(2), quiet=True)
    table = (tmp_path / "one" / "samples.parquet").read_bytes()
    assert table == (tmp_path / "two" / "samples.parquet").read_bytes()
    build([tmp_path / "one"], tmp_path / "set", BuildOptions(size=32, test=0.3, val=0.2), quiet=True)
    splits = {(sample.clip, sample.split) for sample in Dataset(tmp_path / "set")}
    assert len(splits) == 5
    assert len({split for _, split in splits}) == 3


class Camera:
    """Stands for a camera that is unplugged after a few frames."""

    frames = 5

    def __init__(self, number: int) -> None:
        self.left = self.frames if number == 0 else -1

    def isOpened(self) -> bool:
        return self.left >= 0

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return self.left >= 0, spot(60)

    def get(self, _key: int) -> float:
        return 0.0

    def release(self) -> None:
        pass


def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is opened by a number is our camera."""
    real = cv2.VideoCapture
    monkeypatch.setattr(
        cv2, "VideoCapture", lambda what, *how: Camera(what) if isinstance(what, int) else real(what, *how)
    )


def test_an_unplugged_camera_leaves_what_it_saw(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plug_in(monkeypatch)
    monkeypatch.setattr(screen, "is_there", lambda: False)
    result = predict(run, ["camera:0"], tmp_path / "out", RAW, quiet=True)
    assert result.photos == 5
    assert result.unreadable == [
        ("camera:0", "gives no more frames after 5; those are kept; is it plugged in?")
    ]
    again = predict(run, ["camera:0"], tmp_path / "out", RAW, quiet=True)
    assert (again.reused, again.photos) == (True, 5)
    assert main(["predict", str(run), "camera:7", "--out", str(tmp_path / "none")]) == 1
    assert "camera:7: the camera cannot be opened" in capsys.readouterr().err
    with pytest.raises(InputError, match="a camera alone"):
        predict(run, ["camera:0", tmp_path], tmp_path / "two")
    assert main(["predict", "camera:0", str(tmp_path), "--out", str(tmp_path / "two")]) == 2
    assert "camera:0: given with other inputs; allowed: a camera alone" in capsys.readouterr().err


def test_a_window_shows_the_hands_until_it_is_closed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def pressed(_wait: int) -> int:
        return ord("q") if len(seen) == 3 else -1

    plug_in(monkeypatch)
    monkeypatch.setattr(screen, "is_there", lambda: True)
    monkeypatch.setattr(cv2, "imshow", lambda _title, picture: seen.append(picture))
    monkeypatch.setattr(cv2, "waitKey", pressed)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    result = predict(run, ["camera:0"], tmp_path / "out", RAW, quiet=True)
    assert (result.photos, result.unreadable) == (3, [])
    assert (seen[0] != spot(60)).any()
    assert predict(run, ["camera:0"], tmp_path / "no", PredictOptions(window=False), quiet=True).photos == 5


def test_a_camera_that_was_killed_leaves_a_whole_clip(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(number: int) -> Iterator[videos.Frame]:
        for frame in range(11):
            yield videos.Frame(frame, frame / 10, np.ascontiguousarray(spot(50 + frame)[..., ::-1]))
        raise Stopped

    monkeypatch.setattr(clips, "_ROWS", 4)
    monkeypatch.setattr(videos, "camera", killed)
    options = PredictOptions(window=False)
    with pytest.raises(Stopped):
        predict(run, ["camera:0"], tmp_path / "out", options, quiet=True)
    assert predict(run, ["camera:0"], tmp_path / "out", options, quiet=True).photos == 8
