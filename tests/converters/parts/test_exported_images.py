"""The images of an export: copied or written anew, under names that any system can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.parts.exported_images import place, put
from curate.basics import files, images
from curate.basics.engine import ONE, Local
from curate.basics.errors import UnreadableImage
from curate.data.dataset import Dataset
from curate.data.references import read_image
from curate.data.sample import Sample

PIXELS = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)


@pytest.fixture
def dataset(store, tmp_path: Path) -> Dataset:
    """Pictures with odd names, and a training set's two rows."""
    names = ["hand#1.png", f"{'n' * 200}.png", "a b.png", "x/a_b.png"]
    folder = store(tmp_path / "data", [Sample("s/1", "s", names[0])], dict.fromkeys(names, PIXELS))
    np.save(folder / "pixels.npy", np.stack([PIXELS[:20, :20, 0]] * 2))
    return Dataset(folder)


def test_names_that_any_system_can_hold(dataset: Dataset, tmp_path: Path) -> None:
    refs = ["hand#1.png", f"{'n' * 200}.png", "a b.png", "x/a_b.png", "pixels.npy#1", "gone.png"]
    placed, counts = put(dataset, refs, tmp_path / "out", ONE)
    assert counts == {"image missing or unreadable": 1}
    assert placed.keys() == {*refs} - {"gone.png"}
    names = {ref: path.name for ref, path in placed.items()}
    assert (names["hand#1.png"], names["pixels.npy#1"]) == ("hand_1.png", "row_0000001.png")
    assert len(names[f"{'n' * 200}.png"]) < 180
    assert names["a b.png"] != names["x/a_b.png"]
    for ref, path in placed.items():
        assert (images.read(path, grey=True) == read_image(dataset.root, ref, grey=True)).all()


def test_two_workers_place_the_same_as_one(dataset: Dataset, tmp_path: Path) -> None:
    refs = [images.stack_ref(row % 2) for row in range(2)] + ["hand#1.png", "gone.png"]
    one, two = (put(dataset, refs, tmp_path / "out", engine) for engine in (ONE, Local(2)))
    assert one == two


def test_an_upright_file_of_the_format_is_copied_and_others_are_written_anew(
    dataset: Dataset, tmp_path: Path
) -> None:
    assert not place(dataset.root, "a b.png", tmp_path / "copied.png")
    assert (tmp_path / "copied.png").read_bytes() == (dataset.root / "a b.png").read_bytes()
    assert place(dataset.root, "a b.png", tmp_path / "anew.jpg")
    assert images.probe(tmp_path / "anew.jpg").format == "JPEG"
    with pytest.raises(UnreadableImage):
        place(dataset.root, "gone.png", tmp_path / "gone.png")
    assert not (tmp_path / "gone.png").exists()


def test_what_was_placed_before_is_left(dataset: Dataset, tmp_path: Path) -> None:
    files.write(tmp_path / "a.jpg", b"placed before")
    assert place(dataset.root, "a b.png", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"placed before"
