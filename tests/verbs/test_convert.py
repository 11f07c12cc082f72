"""curate convert: what every source goes through, whatever its format."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curate.basics import images
from curate.basics.engine import ONE, Engine, Local
from curate.basics.errors import ConfigChanged, InputError
from curate.cli import main
from curate.convert import convert, fingerprint
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, make_batch, to_batch
from curate.data.source import Source
from curate.data.stage import Summary
from curate.options.convert import ConvertOptions
from tests.folders import content

Reader = Callable[[Source], Iterator[Part]]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Three pictures of 40 x 30 and an annotation file."""
    root = tmp_path / "source"
    for name in ("a", "b", "c"):
        picture = np.full((30, 40, 3), ord(name), np.uint8)
        images.write(root / "photos" / f"{name}.png", picture)
    (root / "labels.json").write_text("{}")
    return Source(root)


def reader(*names: str, **columns: object) -> Reader:
    """A converter that yields a sample an image."""

    def read(source: Source) -> Iterator[Part]:
        for name in names:
            path = str(source.root / "photos" / name)
            yield Part(make_batch(1, sample_id=f"test/{name}", source="test", image=[path], **columns))

    return read


def run(
    read: Reader, source: Source, out: Path, *, overwrite: bool = False, engine: Engine = ONE, **options: Any
) -> Summary:
    chosen = ConvertOptions(**options)
    return convert(read, "test", source, out, chosen, overwrite=overwrite, engine=engine, quiet=True)


def test_pictures_that_are_copied_must_be_the_same_when_given_again(source: Source, tmp_path: Path) -> None:
    photo = source.root / "photos" / "a.png"
    for copy, noticed in ((False, False), (True, True)):
        out = tmp_path / f"copy-{copy}"
        run(reader("a.png"), source, out, copy=copy)
        data = photo.read_bytes()
        photo.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # as long as it was
        if noticed:
            with pytest.raises(ConfigChanged, match=r"\(files changed\)"):
                run(reader("a.png"), source, out, copy=copy)
        else:  # the dataset refers to it, and has nothing of its own
            assert run(reader("a.png"), source, out, copy=copy).reused


def test_sizes_are_filled_in_and_paths_made_relative(source: Source, tmp_path: Path) -> None:
    summary = run(reader("a.png", "b.png"), source, tmp_path / "out")
    assert (summary.samples, summary.dropped, summary.quarantined) == (2, {}, 0)
    samples = list(Dataset(tmp_path / "out"))
    assert [(s.width, s.height, s.image) for s in samples] == [
        (40, 30, "../source/photos/a.png"),
        (40, 30, "../source/photos/b.png"),
    ]
    assert "source/" not in (tmp_path / "out" / "dataset.json").read_text()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_a_file_of_several_pictures_is_counted(form: str, source: Source, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    first.save(source.root / "photos" / "d.pic", form, save_all=True, append_images=[second])
    first.save(source.root / "photos" / "e.pic", form)
    summary = run(reader("d.pic", "e.pic"), source, tmp_path / "out")
    assert summary.samples == 2
    assert summary.notes == {
        "animation or file of several pages, of which the first picture alone was read": 1
    }


def test_small_versions_behind_a_page_are_no_further_pictures(source: Source, tmp_path: Path) -> None:
    page, small = Image.new("RGB", (40, 30)), Image.new("RGB", (20, 15))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    page.save(source.root / "photos" / "d.tif", "TIFF", save_all=True, append_images=[small])
    assert run(reader("d.tif"), source, tmp_path / "out").notes == {}


@pytest.mark.parametrize("kind", [str, Path, Source, lambda root: Source(str(root))])
def test_places_are_given_as_text_too(
    kind: Callable[[Path], str | Path | Source], source: Source, tmp_path: Path
) -> None:
    made = convert(reader("a.png"), "toy", kind(source.root), str(tmp_path / "out"), quiet=True)
    assert (made.out, made.samples) == (tmp_path / "out", 1)


def test_source_and_dataset_move_together(source: Source, tmp_path: Path) -> None:
    run(reader("a.png"), source, tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    for name in ("source", "out"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    dataset = Dataset(tmp_path / "elsewhere" / "out")
    assert dataset.read_image(next(iter(dataset)))[0, 0].tolist() == [97, 97, 97]


def test_copied_images_need_no_source(source: Source, tmp_path: Path) -> None:
    run(reader("a.png", "b.png", "a.png"), source, tmp_path / "other", copy=True, limit=2)
    shutil.rmtree(source.root)
    dataset = Dataset(tmp_path / "other")
    assert [dataset.read_image(s)[0, 0, 0] for s in dataset] == [97, 98]
    assert all(s.image.startswith("images/photos_") for s in dataset)


def test_masks_are_copied_too(source: Source, tmp_path: Path) -> None:
    mask = str(source.root / "photos" / "c.png")
    run(reader("a.png", mask=mask), source, tmp_path / "out", copy=True)
    sample = next(iter(Dataset(tmp_path / "out")))
    assert sample.mask is not None
    assert sample.mask.startswith("masks/")
    assert images.read(tmp_path / "out" / sample.mask)[0, 0, 0] == ord("c")


def test_shares_where_pixels_are_wanted_are_quarantined(source: Source, tmp_path: Path) -> None:
    """They all lay in the corner of the picture, without a word. One point may."""
    points = np.linspace(0, 1, 42).reshape(1, 21, 2)
    alone = np.arange(21) < 1
    shares = reader("a.png", keypoints=points, visibility=np.full((1, 21), 2))
    summary = run(shares, source, tmp_path / "out")
    assert (summary.samples, summary.dropped) == (0, {"hand whose points are no pixels": 1})
    (entry,) = Dataset(tmp_path / "out").quarantine()
    assert entry["input"] == "photos/a.png: test/a.png"
    assert entry["reason"].startswith("keypoints within -1 to 1; allowed: pixels; multiply shares by")
    one = reader("a.png", keypoints=points, visibility=2 * alone[None])
    pixels = reader("a.png", keypoints=points * 30, visibility=np.full((1, 21), 2))
    assert [run(read, source, tmp_path / f"{i}").samples for i, read in enumerate((one, pixels))] == [1, 1]


def test_another_size_than_claimed_is_quarantined_with_both(source: Source, tmp_path: Path) -> None:
    images.write(source.root / "photos" / "d.png", np.zeros((30, 41, 3), np.uint8))
    summary = run(reader("a.png", "d.png", width=40, height=30), source, tmp_path / "out")
    assert (summary.samples, summary.dropped) == (1, {"image of another size than claimed": 1})
    (entry,) = Dataset(tmp_path / "out").quarantine()
    assert entry["input"] == "photos/d.png"
    assert entry["reason"] == "the image is 41 x 30; its annotation says 40 x 30"


def test_labels_made_on_a_picture_that_exif_turns(source: Source, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(source.root / "photos" / "turned.jpg", exif=exif)
    summary = run(reader("turned.jpg", width=40, height=30), source, tmp_path / "out")
    assert summary.samples == 0
    (entry,) = Dataset(tmp_path / "out").quarantine()
    assert "30 x 40" in entry["reason"]
    assert "EXIF orientation is 6" in entry["reason"]
    upright = run(reader("turned.jpg", width=30, height=40), source, tmp_path / "upright")
    assert upright.samples == 1


def hostile_images() -> dict[str, bytes]:
    jpeg = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(jpeg, "JPEG")
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return {
        "truncated.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "bomb.png": png,
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "empty.png": b"",
        "text.jpg": b"no image at all",
    }


@pytest.mark.parametrize(("name", "data"), hostile_images().items(), ids=list(hostile_images()))
def test_a_hostile_image_is_quarantined_and_the_rest_goes_on(
    name: str, data: bytes, source: Source, tmp_path: Path
) -> None:
    (source.root / "photos" / name).write_bytes(data)
    summary = run(reader("a.png", name, "missing.png", "b.png"), source, tmp_path / "out")
    assert (summary.samples, summary.dropped, summary.quarantined) == (2, {"image unreadable": 2}, 2)
    entries = {entry["input"]: entry["reason"] for entry in Dataset(tmp_path / "out").quarantine()}
    assert entries.keys() == {f"photos/{name}", "photos/missing.png"}
    assert entries["photos/missing.png"] == "no such image file"


def test_two_hands_of_one_broken_image_are_two_samples_and_one_entry(source: Source, tmp_path: Path) -> None:
    def read(place: Source) -> Iterator[Part]:
        path = str(place.root / "photos" / "missing.png")
        yield Part(make_batch(2, sample_id=["x/0", "x/1"], source="x", image=[path, path]))

    summary = run(read, source, tmp_path / "out")
    assert (summary.dropped, summary.quarantined) == ({"image unreadable": 2}, 1)


def test_without_probing_images_are_trusted(source: Source, tmp_path: Path) -> None:
    summary = run(reader("missing.png", width=7, height=5), source, tmp_path / "out", probe=False)
    assert summary.samples == 1
    assert next(iter(Dataset(tmp_path / "out"))).width == 7


def test_an_image_that_cannot_be_copied_is_quarantined(source: Source, tmp_path: Path) -> None:
    summary = run(reader("a.png", "missing.png"), source, tmp_path / "out", probe=False, copy=True)
    assert (summary.samples, summary.dropped, summary.quarantined) == (1, {"image unreadable": 1}, 1)


def test_a_depth_map_is_copied_and_a_missing_one_is_no_reason_to_drop(source: Source, tmp_path: Path) -> None:
    there, gone = (str(source.root / "photos" / name) for name in ("c.png", "gone.png"))
    read = reader("a.png", depth=there)
    _, samples = run(read, source, tmp_path / "in place"), list(Dataset(tmp_path / "in place"))
    assert samples[0].depth == "../source/photos/c.png"
    run(read, source, tmp_path / "copied", copy=True)
    (sample,) = Dataset(tmp_path / "copied")
    assert sample.depth is not None
    assert sample.depth.startswith("depth/")
    assert images.read(tmp_path / "copied" / sample.depth)[0, 0, 0] == ord("c")
    summary = run(reader("a.png", depth=gone), source, tmp_path / "gone", copy=True)
    assert (summary.samples, summary.dropped, summary.quarantined) == (1, {}, 1)
    assert next(iter(Dataset(tmp_path / "gone"))).depth is None
    (entry,) = Dataset(tmp_path / "gone").quarantine()
    assert entry["reason"].startswith("depth cannot be copied")


def test_label_source_and_licence_are_filled_in_where_unknown(source: Source, tmp_path: Path) -> None:
    told = {"label_source": "auto:mediapipe", "licence": "CC0"}
    run(reader("a.png", licence="MIT"), source, tmp_path / "out", **told)
    sample = next(iter(Dataset(tmp_path / "out")))
    assert (sample.label_source, sample.licence) == ("auto:mediapipe", "MIT")


@pytest.mark.parametrize("label_source", ["auto:", "human", ""])
def test_an_unknown_label_source_is_refused(label_source: str, source: Source, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manual, render or auto:NAME"):
        run(reader("a.png"), source, tmp_path / "out", label_source=label_source)


def test_sources_that_are_none(source: Source, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="an empty folder"):
        run(reader(), Source(tmp_path / "empty"), tmp_path / "out")
    with pytest.raises(InputError, match="no such file or folder"):
        run(reader(), Source(tmp_path / "nowhere"), tmp_path / "out")
    with pytest.raises(InputError, match="no such file or folder"):
        run(reader(), Source(source.root, images=tmp_path / "nowhere"), tmp_path / "out")


@pytest.mark.parametrize("out", ["source/out", "source", "."])
def test_the_dataset_lies_apart_from_the_source(out: str, source: Source, tmp_path: Path) -> None:
    before = content(source.root)
    with pytest.raises(InputError, match="overlap"):
        run(reader("a.png"), source, tmp_path / out, overwrite=True)
    assert content(source.root) == before


def test_a_refused_source_leaves_no_folder(source: Source, tmp_path: Path) -> None:
    def read(place: Source) -> Iterator[Part]:
        raise InputError(place.root, "not this format")
        yield

    with pytest.raises(InputError, match="not this format"):
        run(read, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_word_that_no_dataset_holds_is_the_sources(source: Source, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"source: aspect: 'Dorsal' .*correct it there, or what the converter test makes"
    ):
        run(reader("a", "b", aspect="Dorsal"), source, tmp_path / "d")
    assert not (tmp_path / "d").exists()
    (source.root / "labels.json").write_text('{"mended": 1}')
    assert run(reader("a.png", aspect="dorsal"), source, tmp_path / "d").samples == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"keypoints": np.zeros((20, 2))},
            r"keypoints: shape \(20, 2\) .*allowed: numbers, of shape \(21, 2\)",
        ),
        (
            {"keypoints": np.zeros((2, 21))},
            r"keypoints: shape \(2, 21\) .*allowed: numbers, of shape \(21, 2\)",
        ),
        ({"bbox": ["left"] * 4}, "bbox: could not convert string to float.*allowed: numbers"),
        ({"width": "wide"}, "width: 'wide' .*allowed: a whole number"),
        ({"width": 60.5}, r"width: 60\.5 .*allowed: a whole number"),
        ({"frame": np.float64(0.5)}, r"frame: .*0\.5.* .*allowed: a whole number"),
        ({"height": 2**70}, "height: 1180591620717411303424 .*allowed: a whole number"),
        ({"bbox": [0, 0, 1, 10**400]}, "bbox: int too large .*allowed: numbers"),
        ({"subject_id": 7}, "subject_id: 7 .*allowed: text"),
        ({"visibility": np.full(21, 3)}, "visibility: 3 .*allowed: 0, 1 or 2"),
        ({"attrs": {"where": Path()}}, "attrs: .*allowed: what JSON can hold"),
        ({"attrs": {"age": float("nan")}}, "attrs: .*not JSON compliant.*allowed: what JSON can hold"),
    ],
)
def test_a_converter_that_yields_wrong_values_is_named_with_the_sample(
    wrong: dict[str, Any], told: str, source: Source, tmp_path: Path
) -> None:
    def read(place: Source) -> Iterator[Part]:
        right = Sample("test/a", "test", str(place.root / "photos/a.png"))
        yield Part(to_batch([right, replace(right, sample_id="test/b", **wrong)]))

    with pytest.raises(InputError, match=rf"^converter test: {told}") as caught:
        run(read, source, tmp_path / "d")
    assert "(sample 'test/b')" in str(caught.value)
    assert not (tmp_path / "d").exists()


def test_a_converter_that_yields_no_parts_is_named(source: Source, tmp_path: Path) -> None:
    hand = Sample("test/a", "test", "a.png")
    with pytest.raises(InputError, match=r"^converter test: yields a Sample; allowed: .*Part"):
        run(lambda _: iter([hand]), source, tmp_path / "d")  # type: ignore[arg-type, list-item]
    part = Part(to_batch([hand]).select(["image"]))
    with pytest.raises(InputError, match=r"^converter test: yields a Part of other columns; allowed: "):
        run(lambda _: iter([part]), source, tmp_path / "d")


def test_a_source_without_samples_is_counted_as_such(source: Source, tmp_path: Path) -> None:
    def read(_: Source) -> Iterator[Part]:
        yield Part(make_batch(0), dropped=Counter({"shape": 3}))

    summary = run(read, source, tmp_path / "out")
    assert (summary.samples, summary.dropped) == (0, {"shape": 3})


def test_fingerprint_sees_content_and_not_time(source: Source) -> None:
    before = fingerprint(source.root)
    os.utime(source.root / "labels.json", (1, 1))
    (source.root / ".DS_Store").write_bytes(b"x")
    assert fingerprint(source.root) == before
    (source.root / "labels.json").write_text("[]")
    changed = fingerprint(source.root)
    assert changed != before
    (source.root / "photos" / "a.png").rename(source.root / "photos" / "z.png")
    assert fingerprint(source.root) != changed


def test_a_finished_folder_is_reused_only_for_the_same_content(source: Source, tmp_path: Path) -> None:
    run(reader("a.png"), source, tmp_path / "out")
    assert run(reader("a.png"), source, tmp_path / "out").reused
    (source.root / "labels.json").write_text('{"new": 1}')
    with pytest.raises(ConfigChanged, match="source_sha256"):
        run(reader("a.png"), source, tmp_path / "out")
    assert not run(reader("a.png"), source, tmp_path / "out", overwrite=True).reused


def many(fail_after: int | None = None) -> Reader:
    def read(source: Source) -> Iterator[Part]:
        for start in range(0, 700, 100):
            if start == fail_after:
                raise KeyboardInterrupt
            ids = [f"many/{i:04d}" for i in range(start, start + 100)]
            paths = [str(source.root / "photos" / f"{'abc'[i % 3]}.png") for i in range(100)]
            yield Part(make_batch(100, sample_id=ids, source="many", image=paths), notes=Counter({"part": 1}))

    return read


def test_an_interrupted_run_continues_to_the_same_bytes(source: Source, tmp_path: Path) -> None:
    run(many(), source, tmp_path / "whole", copy=True)
    with pytest.raises(KeyboardInterrupt):
        run(many(fail_after=600), source, tmp_path / "broken", copy=True)
    done = sorted((tmp_path / "broken" / ".curate").glob("part-*"))
    assert len(done) == 2
    run(many(), source, tmp_path / "broken", copy=True)
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


def test_workers_do_not_change_the_bytes(source: Source, tmp_path: Path) -> None:
    for workers in (1, 3):
        run(many(), source, tmp_path / str(workers), copy=True, engine=Local(workers))
    assert content(tmp_path / "1") == content(tmp_path / "3")


@given(sizes=st.lists(st.integers(0, 400), max_size=6), limit=st.none() | st.integers(1, 900))
def test_every_row_and_count_survives_the_division(
    sizes: list[int], limit: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("division")
    (root / "source").mkdir()
    (root / "source" / "labels.txt").write_text("x")
    ids = [[f"s/{part}/{i}" for i in range(size)] for part, size in enumerate(sizes)]

    def read(_: Source) -> Iterator[Part]:
        for names in ids:
            batch = make_batch(len(names), sample_id=names, source="s", image=str(root / "source" / "x.png"))
            yield Part(batch, Counter({"one": 1}), [("file", "why")], Counter({"n": len(names)}))

    summary = run(read, Source(root / "source"), root / "out", probe=False, limit=limit)
    flat = [name for names in ids for name in names]
    assert [s.sample_id for s in Dataset(root / "out")] == flat[:limit]
    if limit is None:
        assert summary.quarantined == len(sizes)
        assert summary.dropped.get("one", 0) == len(sizes)
        assert summary.notes.get("n", 0) == len(flat)


def test_masks_of_another_folder_are_joined_by_name(source: Source, tmp_path: Path) -> None:
    for name in ("a", "b"):
        images.write(tmp_path / "cut" / "deep" / f"{name}.png", np.full((30, 40), 255, np.uint8))
    place = replace(source, masks=tmp_path / "cut")
    summary = run(reader("a.png", "b.png", "c.png"), place, tmp_path / "out")
    assert summary.notes == {"samples_without_mask": 1}
    assert [s.mask for s in Dataset(tmp_path / "out")] == ["../cut/deep/a.png", "../cut/deep/b.png", None]
    copied = run(reader("a.png"), place, tmp_path / "copied", copy=True)
    assert copied.notes == {"masks_of_no_sample": 1}
    assert run(reader("a.png", "b.png"), place, tmp_path / "first", limit=1).notes == {}
    (copied,) = Dataset(tmp_path / "copied")
    assert images.read(tmp_path / "copied" / copied.mask, grey=True).shape == (30, 40)
    images.write(tmp_path / "cut" / "a.jpg", np.full((30, 40), 255, np.uint8))
    with pytest.raises(InputError, match="masks: a second mask called 'a'"):
        run(reader("a.png"), place, tmp_path / "twins")


def test_labels_that_nothing_names_come_with_how_to_name_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels").mkdir()
    images.write(tmp_path / "labels" / "a.png", np.zeros((40, 40, 3), np.uint8))
    shape = {"label": "Daumenspitze", "points": [[5, 6]], "shape_type": "point"}
    told = {"imagePath": "a.png", "imageHeight": 40, "imageWidth": 40, "shapes": [shape]}
    (tmp_path / "labels" / "a.json").write_text(json.dumps(told))
    line = ["convert", "labelme", str(tmp_path / "labels"), "--out"]
    assert main([*line, str(tmp_path / "unnamed")]) == 1
    advice = capsys.readouterr().err
    assert "labels: {Daumenspitze: thumb_tip}\nand give it with --mapping" in advice
    (tmp_path / "names.yaml").write_text("labels: {Daumenspitze: thumb_tip}")
    assert main([*line, str(tmp_path / "named"), "--mapping", str(tmp_path / "names.yaml")]) == 0
    assert "--mapping" not in capsys.readouterr().err
    assert Dataset(tmp_path / "named")[0].visibility.nonzero()[0].tolist() == [4]
