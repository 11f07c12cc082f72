"""A stage that is killed and run again leaves, byte for byte, the folder of one that was never killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from curate.basics import files, images
from curate.build import build
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import Summary
from curate.hands.drawn_hands import Person, draw_hand
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions
from tests import dying
from tests.folders import content

SCRIPT = """
from pathlib import Path
from curate.basics.engine import Local
from curate.build import build
from curate.options.build import BuildOptions
from curate.crop import crop
from curate.options.crop import CropOptions
verb, data, out, workers = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
if __name__ == "__main__":
    if verb == "crop":
        crop(data, out, CropOptions(size=64), engine=Local(workers), quiet=True)
    else:
        options = BuildOptions(size=64, store_heatmaps="float32")
        build([data], out, options, engine=Local(workers), quiet=True)
"""

RUN: dict[str, Callable[[Path, Path], Summary]] = {
    "crop": lambda data, out: crop(data, out, CropOptions(size=64), quiet=True),
    "build": lambda data, out: build(
        [data], out, BuildOptions(size=64, store_heatmaps="float32"), quiet=True
    ),
}


@pytest.fixture(scope="module")
def photos(store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 120 photos of 160 x 120, among them a broken one and one without labels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    drawn = [draw_hand(rng, Person.sample(rng), "left", width=160, height=120) for _ in range(8)]
    samples = []
    for i in range(120):
        picture, points = drawn[i % 8]
        files.write(folder / "jpg" / f"{i}.jpg", images.encode(np.roll(picture, i, axis=1), ".jpg"))
        seen = np.full(21, 0 if i == 70 else 2, np.uint8)
        samples.append(
            Sample(
                f"s/{i}", "s", f"../jpg/{i}.jpg", subject_id=f"{i // 9}", keypoints=points, visibility=seen
            )
        )
    (folder / "jpg" / "33.jpg").write_bytes(b"\xff\xd8\xff broken")
    return store(folder / "dataset", samples, {})


@pytest.fixture(scope="module")
def undisturbed(photos: Path) -> dict[str, tuple[dict[str, bytes], int]]:
    """For each verb the content of the folder that it makes, and how many renames that takes."""
    made = {}
    for verb, run in RUN.items():
        renames = dying.renames_in(partial(run, photos, photos.parent / verb))
        made[verb] = (content(photos.parent / verb), renames)
    return made


def start(verb: str, photos: Path, out: Path, die_at: int = 0, workers: int = 1) -> subprocess.Popen[bytes]:
    return dying.start(SCRIPT, verb, photos, out, workers, die_at=die_at)


# As shares of all renames: early and late; and before some of the last ones, which complete the folder.
MOMENTS = [0.1, 0.6, -5, -2, -1]


@pytest.mark.parametrize("verb", ["crop", "build"])
def test_killed_at_any_step(verb: str, photos: Path, undisturbed, tmp_path: Path) -> None:
    expected, renames = undisturbed[verb]
    moments = [max(2, round(m * renames)) if m > 0 else renames + 1 + m for m in MOMENTS]
    for moment in moments:
        out = tmp_path / f"{moment}"
        assert start(verb, photos, out, moment).wait(60) == -signal.SIGKILL
        assert "result" not in json.loads((out / ".curate.json").read_text())
        assert not RUN[verb](photos, out).reused
        assert content(out) == expected, f"killed before rename {moment} of {renames}"


@pytest.mark.parametrize("verb", ["crop", "build"])
def test_killed_from_outside_again_and_again(verb: str, photos: Path, undisturbed, tmp_path: Path) -> None:
    """Two workers, killed at random moments while they write; what they had finished is not done again."""
    out, chance = tmp_path / "out", random.Random(1)
    done = 0
    for _ in range(2):
        process = start(verb, photos, out, workers=2)
        while process.poll() is None and len(list(out.glob(".curate/part-*.arrow"))) <= done:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.wait()
        done = max(done, len(list(out.glob(".curate/part-*.arrow"))))
    RUN[verb](photos, out)
    assert content(out) == undisturbed[verb][0]


@pytest.mark.parametrize("verb", ["crop", "build"])
def test_two_workers_give_the_same_bytes(verb: str, photos: Path, undisturbed, tmp_path: Path) -> None:
    assert start(verb, photos, tmp_path / "out", workers=2).wait(60) == 0
    assert content(tmp_path / "out") == undisturbed[verb][0]


def test_the_undisturbed_runs_hold_what_they_should(photos: Path, undisturbed) -> None:
    crops, training = Dataset(photos.parent / "crop"), Dataset(photos.parent / "build")
    assert (len(crops), len(training)) == (119, 118)
    assert training.info["history"][-1]["counts"]["dropped"] == {"no labelled keypoint of the chosen set": 1}
    for dataset in (crops, training):
        assert [entry["input"] for entry in dataset.quarantine()] == ["s/33"]
