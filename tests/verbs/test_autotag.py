"""Photographs become labels: what is kept, what is sifted out and why, and how right either is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.autotag import Autotagged, autotag
from curate.basics import engine, geometry
from curate.basics import keypoints as kp
from curate.basics.errors import ConfigChanged, InputError
from curate.cli import main
from curate.data.dataset import Dataset, write_table
from curate.data.part import Part
from curate.data.references import take_word
from curate.data.sample import Sample
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.answer import Answer
from curate.options.autotag import AutotagOptions
from curate.scoring import metrics
from curate.taggers import box_networks
from curate.training.run import Run
from tests.conftest import Store

MakePath = Callable[..., Path]
SIZE = 96


def hand(flat_hand: np.ndarray, side: str = "right") -> np.ndarray:
    """A hand seen from its back, in a picture of 96 x 96 pixels."""
    points = flat_hand * SIZE / 200
    return points if side == "right" else np.array([SIZE, 0]) + points * [-1, 1]


@pytest.fixture
def sees(flat_hand: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for a network that is told by the grey of a picture what to find: 10 k for

    k = 1 a right hand, 2 a left one, 3 a right one without trust, 4 a right one elsewhere at each look,
    5 a right one with a thumb's tip that lies 12 px off, 6 the same with less trust.
    """
    looks = np.random.default_rng(0)

    def predict(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
        points, scores = [], np.full((len(pixels), 21), 0.95, np.float32)
        for row, picture in enumerate(pixels):
            kind = round(int(np.median(picture)) / 10)
            found = hand(flat_hand, "left" if kind == 2 else "right").copy()
            if kind == 3:
                scores[row] = 0.2
            if kind == 4:
                found = found + looks.uniform(-20, 20, 2)
            if kind == 6:
                scores[row] = 0.8
            if kind in (5, 6):
                found[4] += (0, -12)
            points.append(found)
        return Answer(np.array(points, np.float32), scores)

    monkeypatch.setattr(Run, "predict", predict)


@pytest.fixture
def photos(tmp_path: Path, store: Store) -> Callable[..., Path]:
    """Makes a dataset of photographs of these kinds (see `sees`), all looked at whole."""

    def make(*kinds: int, **known: Any) -> Path:
        pictures = {
            f"images/{n}.png": np.full((SIZE, SIZE), 10 * kind, np.uint8) for n, kind in enumerate(kinds)
        }
        samples = [
            Sample(f"s/{n}", "s", name, SIZE, SIZE, transform=np.eye(3)[:2], **known)
            for n, name in enumerate(pictures)
        ]
        return store(tmp_path / "photos", samples, pictures)

    return make


@pytest.fixture
def truth_of(tmp_path: Path, store: Store, flat_hand: np.ndarray) -> Callable[..., Path]:
    """Makes a dataset of labels of the first of `photos`, a right hand's each, of these people."""

    def make(people: Sequence[str | None]) -> Path:
        seen = np.full(21, kp.VISIBLE, np.uint8)
        labels = {"keypoints": hand(flat_hand), "visibility": seen}
        samples = [
            Sample(f"t/{n}", "t", f"../photos/images/{n}.png", subject_id=who, **labels)
            for n, who in enumerate(people)
        ]
        folder = store(tmp_path / "truth", samples, {})
        info = json.loads((folder / "dataset.json").read_text())
        (folder / "dataset.json").write_text(json.dumps({**info, "refers_to": ["../photos"]}))
        take_word(folder)
        return folder

    return make


def run(dataset: Path, tagger: Path, out: Path, looks: int = 1, **options: Any) -> Autotagged:
    return autotag(dataset, out, AutotagOptions(tagger=(str(tagger),), looks=looks, **options), quiet=True)


def reasons(sample: Sample) -> list[str]:
    return [reason["limit"] for reason in sample.attrs["sifted"]]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("sees")
def test_photographs_become_labels_and_the_doubtful_are_sifted_out(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, flat_hand: np.ndarray
) -> None:
    made = run(photos(1, 3, 1, 2, aspect="dorsal"), make_run(), tmp_path / "tagged")
    kept, sifted = Dataset(tmp_path / "tagged"), Dataset(tmp_path / "tagged/sifted")
    assert (made.summary.samples, made.sifted) == (3, 1)
    assert [sample.sample_id for sample in kept] == ["s/0", "s/2", "s/3"]
    for sample in kept:
        np.testing.assert_allclose(sample.keypoints, hand(flat_hand, sample.side or ""), atol=1e-3)
        assert sample.label_source is not None
        assert sample.label_source.startswith("auto:run")
        assert sample.keypoint_scores is not None
        assert sample.score == pytest.approx(0.95)
        assert sample.attrs["found_by"] == "whole photo"
        assert (kept.root / sample.image).is_file()
    (doubtful,) = sifted
    assert reasons(doubtful) == ["point_score", "hand_score"]
    assert doubtful.attrs["sifted"][1] == {"limit": "hand_score", "found": 0.2, "allowed": 0.7}
    assert (sifted.read_image(doubtful) == 30).all()
    assert doubtful.visibility.all()
    told = sifted.info["history"][-1]["counts"]
    assert (told["in"], told["out"], told["notes"]["kept"]) == (4, 1, 3), "of the other dataset"
    notes = {"sifted out": 1, "sifted out for hand_score": 1, "sifted out for point_score": 1}
    assert made.summary.notes == notes
    report = json.loads((tmp_path / "tagged/sifting.json").read_text())
    assert (report["kept"], report["sifted"]) == (3, 1)
    assert report["reasons"] == {"hand_score": 1, "point_score": 1}


@pytest.mark.usefixtures("sees")
def test_a_finder_says_where_a_run_looks_and_where_there_is_no_hand(
    make_run: MakePath, tmp_path: Path, store: Store
) -> None:
    """A drawn hand in the corner of a wall, the same with a bbox elsewhere, and a wall."""
    rng, wall = np.random.default_rng(0), np.full((240, 320, 3), 250, np.uint8)
    drawn, points = draw_hand(rng, Person.sample(rng), "right", width=120, height=120)
    hand_on_wall = np.full_like(wall, drawn[0, 0])
    hand_on_wall[110:230, 190:310] = drawn
    bbox = np.array([20, 20, 90, 90], np.float32)
    samples = [
        Sample("s/hand", "s", "images/hand.png", 320, 240),
        Sample("s/told", "s", "images/told.png", 320, 240, bbox=bbox),
        Sample("s/wall", "s", "images/wall.png", 320, 240),
    ]
    pictures = {"images/hand.png": hand_on_wall, "images/told.png": hand_on_wall, "images/wall.png": wall}
    run(store(tmp_path / "raw", samples, pictures), make_run(), tmp_path / "tagged", finder="box")
    made = {s.sample_id: s for name in ("tagged", "tagged/sifted") for s in Dataset(tmp_path / name)}
    assert {name: s.attrs["found_by"] for name, s in made.items()} == {
        "s/hand": "box",
        "s/told": "bbox",
        "s/wall": "none",
    }
    assert not made["s/wall"].visibility.any()
    assert made["s/hand"].bbox is None
    x, y, side, _ = made["s/hand"].attrs["looked_at"]
    box = geometry.bounding_box(points + np.array([190, 110]))
    assert box is not None
    assert metrics.box_iou(np.array([x, y, side, side]), geometry.square_around(box, 0.1)) > 0.6
    with pytest.raises(InputError, match="nowhere"):
        run(tmp_path / "raw", make_run(), tmp_path / "again", finder=str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("sees")
@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"aspect": "dorsal"}, [("right", "dorsal"), ("left", "dorsal")]),
        ({"aspect": "palmar"}, [("left", "palmar"), ("right", "palmar")]),
        ({"side": "left"}, [("left", "palmar"), ("left", "dorsal")]),
        ({}, [("right", "dorsal"), ("left", "dorsal")]),
    ],
    ids=["backs", "palms", "left hands", "nothing known"],
)
def test_side_and_aspect_are_filled_in_where_the_points_tell_them(
    make_run: MakePath,
    photos: Callable[..., Path],
    tmp_path: Path,
    known: dict[str, str],
    expected: list[tuple[str | None, str | None]],
) -> None:
    run(photos(1, 2, **known), make_run(), tmp_path / "tagged")
    made = list(Dataset(tmp_path / "tagged"))
    assert [(sample.side, sample.aspect) for sample in made] == expected
    filled = {"side_from", "aspect_from"} & made[0].attrs.keys()
    assert filled == {f"{name}_from" for name in ("side", "aspect") if name not in known}


@pytest.mark.usefixtures("sees")
def test_what_was_said_of_replaced_labels_is_said_of_no_others(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path
) -> None:
    of_others = {
        "decision": "accept",
        "no_hand": "too dark",
        "sifted": [{"limit": "turn"}],
        "taggers_apart": 1.0,
    }
    told = {"side_from": "tagger", "angles_from": "points", "roll": 77.0, "age": 30, **of_others}
    before = photos(1, side="left", aspect="dorsal", tilt=33.0, rotation=44.0, attrs=told)
    run(before, make_run(), tmp_path / "tagged")
    (sample,) = Dataset(tmp_path / "tagged")
    assert (sample.side, sample.attrs["side_from"]) == ("right", "points")
    assert sample.rotation == pytest.approx(0, abs=20)
    assert sample.tilt != 33
    assert sample.attrs["roll"] != 77
    assert not of_others.keys() & sample.attrs.keys()
    assert sample.attrs["age"] == 30


@pytest.mark.usefixtures("sees")
def test_points_that_deny_the_side_that_is_known_are_sifted_out(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path
) -> None:
    run(photos(1, 2, side="left", aspect="dorsal"), make_run(), tmp_path / "tagged")
    assert [sample.sample_id for sample in Dataset(tmp_path / "tagged")] == ["s/1"]
    assert [reasons(sample) for sample in Dataset(tmp_path / "tagged/sifted")] == [["turn"]]


@pytest.mark.usefixtures("sees")
def test_looks_that_differ_are_a_reason(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path
) -> None:
    """Each look is given the same points whatever it is shown, so only a mirrored one differs."""
    dataset = photos(1, 4)
    run(dataset, make_run(), tmp_path / "one", looks=1)
    assert len(Dataset(tmp_path / "one")) == 2
    assert "looks_apart" not in next(iter(Dataset(tmp_path / "one"))).attrs
    run(dataset, make_run(), tmp_path / "several", looks=2)
    assert {"looks_apart"} <= {name for s in Dataset(tmp_path / "several/sifted") for name in reasons(s)}


@pytest.mark.usefixtures("sees")
def test_what_is_sifted_out_stands_the_hardest_first(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path
) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("point_score: 0.96\nhand_score: 0\n")
    run(photos(1, 3, 2), make_run(), tmp_path / "tagged", limits=limits)
    sifted = list(Dataset(tmp_path / "tagged/sifted"))
    assert [sample.sample_id for sample in sifted] == ["s/1", "s/0", "s/2"]
    hardness = [sample.attrs["hardness"] for sample in sifted]
    np.testing.assert_allclose(hardness, [0.8 / 0.04, 0.05 / 0.04, 0.05 / 0.04], rtol=1e-3)


@pytest.mark.usefixtures("sees")
def test_taggers_must_agree(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run is the first with points that lie 20 px to the right: a third of the hand's 60 px."""
    shifted, answer = make_run(size=32), Run.predict

    def predict(opened: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
        found = answer(opened, pixels, left)
        if opened.spec.size == SIZE:
            return found
        return found._replace(points=(found.points + np.array([20, 0])) / 3)

    monkeypatch.setattr(Run, "predict", predict)
    both = AutotagOptions(tagger=(str(make_run()), str(shifted)), looks=1)
    autotag(photos(1), tmp_path / "tagged", both, quiet=True)
    (sample,) = Dataset(tmp_path / "tagged/sifted")
    assert reasons(sample) == ["taggers_apart"]
    assert sample.attrs["taggers_apart"] == pytest.approx(20 / 60, rel=1e-3)


@pytest.mark.usefixtures("sees")
def test_labels_to_compare_with_tell_how_right_it_is(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    """Of four photographs, one is sifted out; of those kept, one has a tip 12 px off: 9 * 72 / 96 may be."""
    dataset = photos(1, 5, 3, 1, 1)
    truth, tagger = truth_of([None] * 4), make_run()
    made = run(dataset, tagger, tmp_path / "tagged", truth=truth)
    told = made.report["truth"]
    assert (told["all"]["n"], told["all"]["share"]) == (4, 0.75)
    assert (told["kept"]["n"], told["kept"]["share"]) == (3, pytest.approx(2 / 3, abs=1e-4))
    assert told["kept"]["low"] < 2 / 3 < told["kept"]["high"]
    at_limit = next(entry for entry in told["curve"] if entry["hardness"] == 1)
    assert at_limit["kept"] == 0.75
    assert at_limit["right"] == told["kept"]
    assert [entry["kept"] for entry in told["curve"]] == sorted(entry["kept"] for entry in told["curve"])
    assert made.lines()[0].startswith("limit hand_score 0.7: ")
    assert "66.7 %" in made.lines()[1]
    write_table(truth, Dataset(truth).table().slice(0, 3).to_batches())  # as another tool would
    with pytest.raises(ConfigChanged, match="files changed"):
        run(dataset, tagger, tmp_path / "tagged", truth=truth)


@pytest.mark.usefixtures("sees")
def test_the_result_is_the_same_whatever_the_workers_and_after_a_kill(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, tagger = photos(*[1, 3, 2] * 15), make_run()
    options = AutotagOptions(tagger=(str(tagger),), looks=1)
    autotag(dataset, tmp_path / "one", options, quiet=True)
    autotag(dataset, tmp_path / "three", options, engine=engine.Local(3), quiet=True)
    store, stored = Part.store, list[Path]()

    def fail(part: Part, path: Path) -> None:
        if len(stored) == 3:  # the second batch's hands that are kept
            raise KeyboardInterrupt
        stored.append(path)
        store(part, path)

    monkeypatch.setattr(Part, "store", fail)
    with pytest.raises(KeyboardInterrupt):
        autotag(dataset, tmp_path / "killed", options, quiet=True)
    monkeypatch.setattr(Part, "store", store)
    made = autotag(dataset, tmp_path / "killed", options, quiet=True)
    assert not made.summary.reused
    expected = everything(tmp_path / "one")
    assert {"sifted/samples.parquet", "sifting.json", "samples.parquet"} <= expected.keys()
    assert everything(tmp_path / "three") == expected
    assert everything(tmp_path / "killed") == expected
    again = autotag(dataset, tmp_path / "killed", options, quiet=True)
    assert again.summary.reused
    assert again.report == made.report
    with pytest.raises(ConfigChanged, match="looks"):
        autotag(dataset, tmp_path / "killed", AutotagOptions(tagger=(str(tagger),), looks=2), quiet=True)


@pytest.mark.usefixtures("sees")
def test_what_cannot_be_used_is_set_aside_with_a_reason(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = photos(1, 1, 1)
    (dataset / "images/1.png").write_bytes((dataset / "images/1.png").read_bytes()[:40])
    made = run(dataset, make_run(), tmp_path / "tagged")
    assert [entry["input"] for entry in Dataset(tmp_path / "tagged").quarantine()] == ["s/1"]
    assert (made.summary.samples, made.summary.quarantined) == (2, 1)


@pytest.mark.usefixtures("sees")
def test_hands_that_share_a_photograph_are_told_apart_by_their_bbox(
    make_run: MakePath, tmp_path: Path, store: Store
) -> None:
    two = [Sample(f"s/{n}", "s", "images/a.png", SIZE, SIZE) for n in range(2)]
    two[1].bbox = np.array([0, 0, SIZE, SIZE], np.float32)
    dataset = store(tmp_path / "two", two, {"images/a.png": np.full((SIZE, SIZE, 3), 10, np.uint8)})
    made = run(dataset, make_run(), tmp_path / "tagged")
    assert made.summary.dropped == {"shares its photo with another hand and has no bbox": 1}
    assert [sample.sample_id for sample in Dataset(tmp_path / "tagged")] == ["s/1"]


@pytest.mark.usefixtures("sees")
def test_the_command_line(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, out = photos(1, 3), tmp_path / "tagged"
    line = ["autotag", str(dataset), "--tagger", str(make_run()), "--looks", "1", "--out", str(out)]
    assert main([*line, "--workers", "1"]) == 0
    told = capsys.readouterr().err
    assert "1 sample in" in told
    assert f"curate review open-labelme {out}/sifted --all" in told
    assert main([*line, "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sifted"] == 1
    assert main(["autotag", "--explain"]) == 0
    threshold = box_networks.box_info().threshold
    assert threshold is not None
    assert f"hand_score: {threshold.score}" in capsys.readouterr().out
    assert main(["autotag", str(dataset)]) == 2


def test_a_tagger_that_is_none_is_refused_before_anything_is_written(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = photos(1)
    for tagger in ("nowhere", "openpose:nowhere", "mediapipe:nowhere.task"):
        with pytest.raises(InputError):
            run(dataset, Path(tagger), tmp_path / "tagged")
    assert not (tmp_path / "tagged").exists()


def test_masks_of_the_photographs_move_along(
    make_run: MakePath, tmp_path: Path, store: Store, sees: None
) -> None:
    sample = Sample("s/0", "s", "images/a.png", SIZE, SIZE, mask="masks/a.png", transform=np.eye(3)[:2])
    picture = np.full((SIZE, SIZE), 10, np.uint8)
    dataset = store(tmp_path / "d", [sample], {"images/a.png": picture, "masks/a.png": picture})
    run(dataset, make_run(), tmp_path / "tagged")
    (made,) = Dataset(tmp_path / "tagged")
    assert made.mask == "../d/masks/a.png"
    assert (tmp_path / "tagged" / made.mask).is_file()


@pytest.mark.usefixtures("sees")
def test_limits_for_a_precision_are_chosen_on_some_people_and_measured_on_others(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    """Of each person's four hands the one with a lower score has a thumb's tip that is off."""
    dataset = photos(*[1, 1, 1, 6] * 10)
    truth = truth_of([f"person-{n // 4}" for n in range(40)])
    made = run(dataset, make_run(), tmp_path / "fitted", truth=truth, precision=0.99)
    chosen = made.report["truth"]["precision"]
    assert chosen["chosen_on"]["people"] + chosen["others"]["people"] == 10
    assert (chosen["others"]["kept"], chosen["others"]["right"]["share"]) == (0.75, 1)
    assert "75.0 % kept, 100.0 %" in made.lines()[-1]
    written = tmp_path / "fitted/limits.yaml"
    assert "# Chosen for a precision of 0.99 on" in written.read_text()
    again = run(dataset, make_run(), tmp_path / "again", limits=written)
    assert (again.summary.samples, again.sifted) == (30, 10)


@pytest.mark.usefixtures("sees")
def test_one_photograph_is_told_as_one(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    made = run(photos(1), make_run(), tmp_path / "tagged", truth=truth_of(["anna"]))
    assert made.lines()[-1].startswith("of 1 photograph with labels to compare with, 1 was kept; ")


@pytest.mark.usefixtures("sees")
def test_one_person_is_told_as_one(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    """By their names, one of the two is chosen on and the other measured on."""
    truth = truth_of(["anna", "carla"])
    made = run(photos(1, 1), make_run(), tmp_path / "fitted", truth=truth, precision=0.9)
    assert "measured on the other people: 1 photograph of 1 person, " in made.lines()[-1]
    assert "on 1 photograph of 1 person, " in (tmp_path / "fitted/limits.yaml").read_text()


@pytest.mark.usefixtures("sees")
def test_a_precision_that_no_limits_give_is_told(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    truth = truth_of([f"person-{n}" for n in range(8)])
    made = run(photos(*[6] * 8), make_run(), tmp_path / "fitted", truth=truth, precision=0.9)
    assert made.lines()[-1] == "no limits give a precision of 0.9 on these photographs"
    assert not (tmp_path / "fitted/limits.yaml").exists()


@pytest.mark.usefixtures("sees")
def test_a_precision_is_not_said_to_be_missed_where_there_is_one_person_alone(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, truth_of: Callable[..., Path]
) -> None:
    """All labels are right; but there is nobody else to measure limits on, or to choose them on."""
    for name in ("anna", "bob", "carla", "dora"):
        truth = truth_of([name] * 3)
        made = run(photos(1, 1, 1), make_run(), tmp_path / name, truth=truth, precision=0.9)
        assert made.report["truth"]["all"]["share"] == 1
        assert made.lines()[-1].startswith("no limits for a precision of 0.9: they are chosen on half of the")
        assert not (tmp_path / name / "limits.yaml").exists()


@pytest.mark.usefixtures("sees")
def test_labels_of_other_photographs_are_told_to_be_none_to_compare_with(
    make_run: MakePath, photos: Callable[..., Path], tmp_path: Path, store: Store
) -> None:
    """They have the same names, in another folder."""
    picture = {"images/0.png": np.zeros((SIZE, SIZE), np.uint8)}
    truth = store(tmp_path / "elsewhere", [Sample("s/0", "s", "images/0.png", SIZE, SIZE)], picture)
    made = run(photos(1), make_run(), tmp_path / "tagged", truth=truth, precision=0.9)
    assert made.lines()[1:] == [
        "none of the photographs has labels to compare with: those of --truth are matched by the "
        "photograph's file, if it shows one hand"
    ]


@pytest.mark.usefixtures("sees")
def test_where_no_hand_is_kept_the_command_tells_as_much_as_else(
    make_run: MakePath,
    photos: Callable[..., Path],
    tmp_path: Path,
    truth_of: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ["autotag", str(photos(3, 3)), "--tagger", str(make_run()), "--looks", "1"]
    assert main([*line, "--truth", str(truth_of([None])), "--out", str(tmp_path / "tagged")]) == 1
    told = capsys.readouterr().err
    assert "limit hand_score 0.7: " in told
    assert "of 1 photograph with labels to compare with, 0 were kept; none of those kept are right" in told
    assert f"sifted out: curate review open-labelme {tmp_path / 'tagged' / 'sifted'} --all" in told
    assert "next: " not in told  # there is nothing to check


def test_a_precision_without_labels_to_compare_with_is_refused(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="--precision"):
        run(photos(1), tmp_path, tmp_path / "out", precision=0.9)
