"""The tagger in the box, on drawn hands and on pictures without a hand; and how the commands come to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from curate.basics import geometry, images
from curate.basics.errors import InputError
from curate.cli import main
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.drawn_hands import Person, draw_hand
from curate.hands.photograph import Photograph
from curate.networks.answer import Answer
from curate.predict import predict
from curate.scoring import metrics
from curate.taggers import box_networks
from curate.taggers.box import BoxFinder
from curate.taggers.table import choose_by, finder_of
from render.job import Job

SIDE = 256


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """Photographs of one hand each, and their points."""
    root, points = tmp_path_factory.mktemp("drawn"), {}
    for number in range(4):
        rng = np.random.default_rng(number)
        picture, found = draw_hand(rng, Person.sample(rng), "right", width=320, height=SIDE)
        images.write(root / f"{number}.png", picture)
        points[f"{number}.png"] = found
    return root, points


def blank(kind: str) -> np.ndarray:
    """A picture without a hand."""
    if kind == "white":
        return np.full((SIDE, SIDE, 3), 250, np.uint8)
    if kind == "noise":
        return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return np.tile(np.linspace(20, 230, SIDE).astype(np.uint8)[:, None, None], (1, SIDE, 3))


@pytest.mark.parametrize("grey", [False, True])
def test_drawn_hands_are_found_where_they_are(
    drawn: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, grey: bool
) -> None:
    """Half of the points within a tenth of the hand's longer side, also where there is no colour."""
    root, points = drawn
    if grey:
        for name in points:
            images.write(tmp_path / name, images.read(root / name, grey=True))
        root = tmp_path
    tagger = choose_by("box").open()
    assert tagger.label_source == "auto:box"
    for tagged, truth in zip(
        tagger.tag([Photograph(root, Sample(name, "s", name)) for name in points]),
        points.values(),
        strict=True,
    ):
        assert not isinstance(tagged, InputError)
        assert tagged.found_by == "box"
        box = geometry.bounding_box(truth)
        assert box is not None
        gaps = np.linalg.norm(tagged.keypoints - truth, axis=1)
        assert np.median(gaps) < 0.1 * box[2:].max()


@pytest.mark.parametrize(("likely", "looks"), [(0.95, 2), (0.8, 6)])
def test_a_hand_that_stays_where_it_was_seen_is_looked_at_again_only_in_doubt(
    drawn: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch, likely: float, looks: int
) -> None:
    """Of a network that finds the same corners of whatever it is shown the second square is the first; what
    the outline proposes and what the whole photograph does are two places. In doubt each is looked at twice
    more, turned."""
    root, points = drawn
    looked: list[float] = []
    margin = box_networks.box_info().margin

    def same(self: box_networks.Network, pixels: np.ndarray, left: object = None) -> Answer:
        if self.size != box_networks.box_info().sizes[box_networks.LOCALISER]:
            return find(self, pixels)
        looked.append(1)
        low, high = (
            self.size * share for share in (margin / (1 + 2 * margin), 1 - margin / (1 + 2 * margin))
        )
        corners = np.where((np.arange(21) % 2)[:, None], high, low) * np.ones(2)
        scores = np.full((1, 21), likely, np.float32)
        return Answer(corners[None].astype(np.float32), scores, hands=scores[:, 0])

    find = box_networks.Network.predict
    monkeypatch.setattr(box_networks.Network, "predict", same)
    name = next(iter(points))
    found = finder_of("box").find(Photograph(root, Sample(name, "s", name)))
    assert found is not None
    assert found.score == pytest.approx(likely)
    assert len(looked) == looks


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_hand_too_small_for_the_whole_is_seen_in_a_part(seed: int, tmp_path: Path) -> None:
    """A twentieth of the photograph's longer side, in its corner."""
    rng = np.random.default_rng(seed)
    hand, points = draw_hand(rng, Person.sample(rng), "right", width=72, height=72)
    picture = np.full((720, 960, 3), hand[0, 0], np.uint8)
    picture[640:712, 880:952] = hand
    images.write(tmp_path / "a.png", picture)
    (found,) = BoxFinder().all(Photograph(tmp_path, Sample("s/a", "s", "a.png")))
    truth = geometry.bounding_box(points + np.array([880, 640]))
    assert truth is not None
    assert metrics.box_iou(found.box, truth) > 0.6


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_hand_that_no_network_proposes_is_seen_at_a_glance(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    hand, points = draw_hand(rng, Person.sample(rng), "right", width=120, height=120)
    picture = np.full((240, 320, 3), hand[0, 0], np.uint8)
    picture[100:220, 170:290] = hand
    images.write(tmp_path / "a.png", picture)
    monkeypatch.setattr(BoxFinder, "looks", lambda *_: [])
    found = BoxFinder()(Photograph(tmp_path, Sample("s/a", "s", "a.png")))
    truth = geometry.bounding_box(points + np.array([170, 100]))
    assert found is not None
    assert truth is not None
    assert metrics.box_iou(found.box, truth) > 0.6


@pytest.mark.parametrize(("width", "side"), [(960, 128), (1280, 48)])
def test_small_hands_far_apart_are_each_seen_once(width: int, side: int, tmp_path: Path) -> None:
    """The whole shows one of them, and of the smaller ones parts show one: smaller parts show the others. A
    part of the photograph that cuts a hand does not make it two."""
    picture, boxes = np.full((width * 3 // 4, width, 3), 200, np.uint8), []
    for seed, (across, down) in ((1, (0.06, 0.08)), (2, (0.81, 0.78)), (3, (0.45, 0.42))):
        rng, x, y = np.random.default_rng(seed), int(across * width), int(down * width * 3 / 4)
        hand, points = draw_hand(rng, Person.sample(rng), "right", width=side, height=side)
        picture[y : y + side, x : x + side] = hand
        boxes.append(geometry.bounding_box(points + np.array([x, y])))
    images.write(tmp_path / "a.png", picture)
    photograph = Photograph(tmp_path, Sample("s/a", "s", "a.png"))
    found = [hand.box for hand in BoxFinder().all(photograph)]
    assert len(found) == len(boxes)
    for box in boxes:
        assert box is not None
        assert max(metrics.box_iou(box, other) for other in found) > 0.6


@pytest.mark.parametrize("kind", ["white", "noise", "gradient"])
def test_where_there_is_no_hand_none_is_found(kind: str, tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", blank(kind))
    photograph = Photograph(tmp_path, Sample("s/a", "s", "a.png"))
    (tagged,) = choose_by("box").open().tag([photograph])
    assert not isinstance(tagged, InputError)
    assert (tagged.found_by, tagged.score, tagged.found.any()) == ("none", 0.0, False)
    find = finder_of("box").find_all
    assert find is not None
    assert find(photograph) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2, 3), (5, 3, 3)])
def test_a_picture_of_a_few_pixels_holds_no_hand(shape: tuple[int, int, int], tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.full(shape, 200, np.uint8))
    find = finder_of("box").find_all
    assert find is not None
    assert find(Photograph(tmp_path, Sample("s/a", "s", "a.png"))) == []


def test_nothing_is_named_behind_the_box() -> None:
    with pytest.raises(InputError, match="box:mine: a name behind the box; allowed: box alone"):
        choose_by("box:mine")


def test_predict_takes_it_where_no_run_is_named(
    drawn: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images.write(tmp_path / "photos/wall.png", blank("white"))
    words = ["predict", str(drawn[0]), str(tmp_path / "photos"), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(words) == 0
    made = list(Dataset(tmp_path / "out"))
    assert [sample.label_source for sample in made] == [*["auto:box"] * 4, None]
    told = json.loads((tmp_path / "out/predictions.json").read_text())["predictions"]
    assert [entry["found_by"] for entry in told] == [*["box"] * 4, "none"]
    assert told[-1]["points"] is None
    assert main([*words[:2], "--out", str(tmp_path / "again"), "--workers", "2", "--quiet"]) == 0
    assert [s.keypoints.tolist() for s in Dataset(tmp_path / "again")] == [
        s.keypoints.tolist() for s in made[:4]
    ]
    assert main(["predict", str(tmp_path / "nowhere"), words[1], "--out", str(tmp_path / "no")]) == 2
    assert "no run" in capsys.readouterr().err


def test_predict_asks_the_box_once_and_tells_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photograph in which its finder sees no hand is not searched again."""
    images.write(tmp_path / "photos/wall.jpg", blank("gradient"))
    half = (tmp_path / "photos/wall.jpg").read_bytes()
    (tmp_path / "photos/half.jpg").write_bytes(half[: len(half) // 2])
    searched = []
    monkeypatch.setattr(
        BoxFinder, "_in_whole", lambda _, photograph: searched.append(photograph.read()) or []
    )
    result = predict(None, [tmp_path / "photos"], tmp_path / "out", quiet=True)
    assert (result.without, len(searched)) == (1, 1)
    assert [Path(name).name for name, _ in result.unreadable] == ["half.jpg"]


def test_autotag_takes_it_where_no_tagger_is_named(
    drawn: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`convert images` says so."""
    raw, out = str(tmp_path / "raw"), tmp_path / "tagged"
    assert main(["convert", "images", str(drawn[0]), "--out", raw]) == 0
    assert f"curate autotag {raw} --out TAGGED" in capsys.readouterr().err
    assert main(["autotag", raw, "--out", str(out), "--looks", "2", "--quiet"]) == 0
    made = [*Dataset(out), *Dataset(out / "sifted")]
    assert {sample.label_source for sample in made} == {"auto:box"}
    assert len(made) == 4


def test_no_torch_is_needed(drawn: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    line = ["predict", str(drawn[0] / "0.png"), "--out", str(tmp_path / "out"), "--quiet"]
    script = (
        "import sys; sys.modules['torch'] = None; from curate import cli; "
        f"print(cli.main({line!r}), [m for m in sys.modules if m.startswith(('torch.', 'lightning'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"


def test_crop_cuts_out_what_it_finds(drawn: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    assert main(["convert", "images", str(drawn[0]), "--out", str(raw), "--quiet"]) == 0
    assert main(["crop", str(raw), "--by", "box", "--out", str(tmp_path / "crops"), "--quiet"]) == 0
    assert {sample.attrs["found_by"] for sample in Dataset(tmp_path / "crops")} == {"box"}


def test_the_jobs_that_it_was_made_of_are_jobs() -> None:
    jobs = sorted((Path(__file__).resolve().parents[2] / "benchmarks/box").glob("*.yaml"))
    assert [len(Job.of(job, random=4000)) for job in jobs] == [4000] * 11


def test_the_card_tells_its_limits() -> None:
    card = (box_networks.FOLDER / "README.md").read_text(encoding="utf-8")
    for section in ("## Trained on", "## Figures", "## Limits"):
        assert section in card
