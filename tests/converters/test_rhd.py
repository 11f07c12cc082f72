"""RHD: its order, hands in view, hostile pickles, and the way back."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from converters import rhd
from converters.parts import safe_pickle
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError, UnsafeInput
from curate.convert import convert
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import Source
from curate.data.stage import Stage, Summary
from curate.options.convert import ConvertOptions

K = np.array([[300.0, 0, 160], [0, 300, 160], [0, 0, 1]])

# Rows of one hand in the words of the dataset's README: wrist, then each finger from its tip to the palm.
RHD_NAMES = [
    "wrist",
    *("thumb_tip", "thumb_ip", "thumb_mcp", "thumb_cmc"),
    *(f"{f}_{j}" for f in ("index", "middle", "ring", "little") for j in ("tip", "dip", "pip", "mcp")),
]


def entry(left: bool = True, right: bool = True, seed: int = 0) -> dict[str, NDArray[Any]]:
    """A sample whose points project exactly; a hand that is not in view has rows far to the left."""
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-0.1, 0.1, (42, 3)) + np.array([0, 0, 0.6])
    for rows, shown in ((slice(0, 21), left), (slice(21, 42), right)):
        if not shown:
            xyz[rows, 0] -= 3.0
    uvw = xyz @ K.T
    uv = uvw[:, :2] / uvw[:, 2:]
    seen = ((uv > 0) & (uv < 320)).all(axis=1) & (np.arange(42) % 3 > 0)
    return {"xyz": xyz, "uv_vis": np.concatenate([uv, seen[:, None]], axis=1), "K": K.copy()}


def make(
    root: Path,
    entries: dict[Any, Any],
    name: str = "training",
    *,
    data: bytes | None = None,
    masks: bool = False,
) -> Path:
    """A set in RHD's layout; returns the folder RHD_published_v2."""
    folder = root / "RHD_published_v2" / name
    (folder / "color").mkdir(parents=True)
    for key in entries:
        if isinstance(key, int):
            images.write(folder / "color" / f"{key:05d}.png", np.full((320, 320, 3), key % 256, np.uint8))
            if masks and key % 2 == 0:
                images.write(folder / "mask" / f"{key:05d}.png", np.full((320, 320), 7, np.uint8))
    pickled = pickle.dumps(entries, protocol=3) if data is None else data
    (folder / f"anno_{name}.pickle").write_bytes(pickled)
    return folder.parent


def run(root: Path, out: Path, **options: Any) -> tuple[Summary, list[Sample]]:
    summary = convert(rhd.read, "rhd", Source(root), out, ConvertOptions(**options), quiet=True)
    return summary, list(Dataset(out))


def reasons(out: Path) -> dict[str, str]:
    return {line["input"]: line["reason"] for line in Dataset(out).quarantine()}


# Reading ---------------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_readme() -> None:
    assert [RHD_NAMES[row] for row in rhd.ORDER] == list(kp.NAMES)


def test_a_sample_by_hand(tmp_path: Path) -> None:
    annotation = entry()
    root = make(tmp_path / "s", {7: annotation}, masks=False)
    summary, (left, right) = run(root, tmp_path / "out")
    assert (summary.dropped, summary.quarantined) == ({}, 0)
    assert [left.sample_id, right.sample_id] == ["rhd/training/00007/left", "rhd/training/00007/right"]
    assert (left.side, right.side, left.split, left.label_source) == ("left", "right", "train", "render")
    assert left.image == right.image
    assert (left.width, left.height) == (320, 320)
    assert left.K is not None
    np.testing.assert_array_equal(left.K, K)
    for sample, first in ((left, 0), (right, 21)):
        assert sample.xyz is not None
        for i, name in enumerate(kp.NAMES):
            row = first + RHD_NAMES.index(name)
            np.testing.assert_array_equal(
                sample.keypoints[i], annotation["uv_vis"][row, :2].astype(np.float32)
            )
            np.testing.assert_array_equal(sample.xyz[i], annotation["xyz"][row].astype(np.float32))
            assert sample.visibility[i] == (2 if annotation["uv_vis"][row, 2] else 1)
        projected = sample.xyz @ K.T
        np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], sample.keypoints, atol=1e-3)


def test_hands_out_of_view_are_counted(tmp_path: Path) -> None:
    entries = {0: entry(right=False), 1: entry(left=False), 2: entry(left=False, right=False)}
    summary, samples = run(make(tmp_path / "s", entries), tmp_path / "out")
    assert [s.sample_id for s in samples] == ["rhd/training/00000/left", "rhd/training/00001/right"]
    assert summary.absent == {"hand not in view": 4}


def test_one_point_in_view_keeps_a_hand_with_true_places_outside(tmp_path: Path) -> None:
    annotation = entry(left=False, right=False)
    annotation["uv_vis"][21] = 319.5, 0.5, 0
    _, (sample,) = run(make(tmp_path / "s", {0: annotation}), tmp_path / "out")
    assert sample.side == "right"
    assert sample.keypoints[0].tolist() == [319.5, 0.5]
    assert (sample.keypoints[1:, 0] < 0).all()
    assert set(sample.visibility) == {1}


def test_both_sets_and_masks(tmp_path: Path) -> None:
    make(tmp_path / "s", {0: entry(), 1: entry(seed=1)}, masks=True)
    root = make(tmp_path / "s", {0: entry(seed=2)}, "evaluation")
    for place in (root, root.parent):
        _, samples = run(place, tmp_path / f"out_{place.name}")
        assert [(s.split, s.mask is not None) for s in samples] == [
            ("train", True),
            ("train", True),
            ("train", False),
            ("train", False),
            ("test", False),
            ("test", False),
        ]
        assert samples[0].mask is not None
        assert images.read(tmp_path / f"out_{place.name}" / samples[0].mask, grey=True).max() == 7
    _, alone = run(root / "evaluation", tmp_path / "alone")
    assert [s.sample_id for s in alone] == ["rhd/evaluation/00000/left", "rhd/evaluation/00000/right"]


def test_folders_and_suffixes_in_any_letter_case(tmp_path: Path) -> None:
    root = make(tmp_path, {0: entry(), 1: entry()}, masks=True)
    folder = root / "training"
    for kind in ("color", "mask"):
        for path in (folder / kind).iterdir():
            path.rename(path.with_suffix(".PNG"))
        (folder / kind).rename(folder / kind.capitalize())
    (folder / "anno_training.pickle").rename(folder / "Anno_Training.PKL")
    folder.rename(root / "Training")
    summary, samples = run(root, tmp_path / "out")
    assert (summary.samples, summary.dropped) == (4, {})
    assert [sample.mask is None for sample in samples] == [False, False, True, True]


def test_annotations_and_images_that_lack_each_other(tmp_path: Path) -> None:
    root = make(tmp_path / "s", {0: entry(), 1: entry(), 2: entry()})
    (root / "training" / "color" / "00001.png").unlink()
    images.write(root / "training" / "color" / "00009.png", np.zeros((320, 320, 3), np.uint8))
    summary, samples = run(root, tmp_path / "out")
    assert len(samples) == 4
    assert summary.dropped == {"annotation without its image": 1, "image without an annotation": 1}


def test_more_samples_than_a_piece_come_in_order(tmp_path: Path) -> None:
    entries = {key: entry(seed=key % 5) for key in (*range(5000, 0, -1), 0)}
    root = make(tmp_path / "s", {})
    color = root / "training" / "color"
    images.write(color / "00000.png", np.zeros((320, 320, 3), np.uint8))
    for key in range(1, 5001):
        (color / f"{key:05d}.png").symlink_to("00000.png")
    (root / "training" / "anno_training.pickle").write_bytes(pickle.dumps(entries))
    _, samples = run(root, tmp_path / "out", probe=False)
    assert [s.sample_id for s in samples] == [
        f"rhd/training/{key:05d}/{side}" for key in range(5001) for side in ("left", "right")
    ]
    expected = entries[4999]["uv_vis"][21 + 4, :2].astype(np.float32)  # the right thumb's base
    np.testing.assert_array_equal(samples[2 * 4999 + 1].keypoints[1], expected)


BROKEN: dict[str, Any] = {
    "no dict": 7,
    "no K": {"xyz": entry()["xyz"], "uv_vis": entry()["uv_vis"]},
    "shape": {**entry(), "xyz": np.zeros((21, 3))},
    "list": {**entry(), "xyz": [[0.0] * 3] * 42},
    "objects": {**entry(), "xyz": np.zeros((42, 3)).astype("U3")},
    "visible nan": {**entry(), "uv_vis": np.full((42, 3), [np.nan, 1, 1])},
    "infinite": {**entry(), "xyz": np.full((42, 3), np.inf)},
    "huge": {**entry(), "xyz": np.full((42, 3), 1e300)},
    "infinite K": {**entry(), "K": np.full((3, 3), -np.inf)},
    "K in part": {**entry(), "K": np.where(np.eye(3) > 0, np.nan, 1.0)},
    "empty K": {**entry(), "K": np.zeros((3, 3))},
    "K turned about": {**entry(), "K": K.T},
    "K of a mirror": {**entry(), "K": np.diag([-1, 1, 1]) @ K},
    "millimetres": {**entry(), "xyz": 1000 * entry()["xyz"]},
    "visibility": {**entry(), "uv_vis": np.full((42, 3), 5.0)},
    "nan visibility": {**entry(), "uv_vis": np.full((42, 3), np.nan)},
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_malformed_sample_is_quarantined_and_the_rest_goes_on(name: str, tmp_path: Path) -> None:
    entries = {0: entry(), 1: BROKEN[name], 2: entry(seed=3)}
    summary, samples = run(make(tmp_path / "s", entries), tmp_path / "out")
    assert {s.sample_id.split("/")[2] for s in samples} == {"00000", "00002"}
    assert list(reasons(tmp_path / "out")) == ["training/anno_training.pickle sample 1"]
    assert summary.dropped == {}


def test_unknown_points_are_nan(tmp_path: Path) -> None:
    annotation = entry()
    annotation["uv_vis"][5] = np.nan, np.nan, 0
    annotation["xyz"][21:] = np.nan
    annotation["K"][:] = np.nan
    _, (left, right) = run(make(tmp_path / "s", {0: annotation}), tmp_path / "out")
    assert left.visibility[rhd.ORDER.tolist().index(5)] == 0
    assert left.xyz is not None
    assert (right.xyz, right.K) == (None, None)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i4"])
def test_numbers_of_any_kind(dtype: str, tmp_path: Path) -> None:
    annotation = {name: array.round().astype(dtype) for name, array in entry().items()}
    _, samples = run(make(tmp_path / "s", {0: annotation}), tmp_path / "out")
    expected = annotation["uv_vis"][rhd.ORDER, :2].astype(np.float32)
    np.testing.assert_array_equal(samples[0].keypoints, expected)


def test_arrays_in_the_order_of_fortran(tmp_path: Path) -> None:
    turned = {name: np.asfortranarray(array) for name, array in entry().items()}
    root = make(tmp_path / "s", {0: entry(), 1: turned, 2: {**entry(), "xyz": turned["xyz"]}})
    _, samples = run(root, tmp_path / "out")
    assert len(samples) == 6
    for sample in samples[2:]:
        twin = samples[0 if sample.side == "left" else 1]
        for name in ("keypoints", "visibility", "xyz", "K"):
            np.testing.assert_array_equal(getattr(sample, name), getattr(twin, name))
    _, alone = run(make(tmp_path / "t", {0: turned, 1: turned}), tmp_path / "alone")
    np.testing.assert_array_equal(alone[3].xyz, samples[1].xyz)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_protocol_of_pickle(protocol: int, tmp_path: Path) -> None:
    data = pickle.dumps({0: entry()}, protocol=protocol)
    for name, pickled in (
        ("new", data),
        ("old", data.replace(b"numpy._core.", b"numpy.core.") if protocol < 4 else data),
    ):
        _, samples = run(make(tmp_path / name, {0: 0}, data=pickled), tmp_path / f"out_{name}")
        np.testing.assert_array_equal(samples[0].K, K)


def python2_pickle(xyz: bytes, uv_vis: bytes, intrinsics: bytes) -> bytes:
    """What cPickle of Python 2 wrote: text and bytes are one thing, the key is a NumPy integer."""

    def text(data: bytes) -> bytes:
        return (
            b"U" + bytes([len(data)]) + data
            if len(data) < 256
            else b"T" + struct.pack("<I", len(data)) + data
        )

    def array(shape: bytes, data: bytes) -> bytes:
        made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"tR"
        return made + b"(K\x01" + shape + dtype + b"I00\n" + text(data) + b"tb"

    dtype = b"cnumpy\ndtype\n(" + text(b"f8") + b"I0\nI1\ntR(K\x03" + text(b"<") + b"NNNI-1\nI-1\nI0\ntb"
    integer = dtype.replace(b"f8", b"i8")
    key = b"cnumpy.core.multiarray\nscalar\n(" + integer + text(struct.pack("<q", 0)) + b"tR"
    body = text(b"xyz") + array(b"K\x2aK\x03\x86", xyz) + text(b"uv_vis") + array(b"K\x2aK\x03\x86", uv_vis)
    return b"\x80\x02}" + key + b"}(" + body + text(b"K") + array(b"K\x03K\x03\x86", intrinsics) + b"us."


def test_a_pickle_of_python_2(tmp_path: Path) -> None:
    annotation = entry()
    data = python2_pickle(*(annotation[name].tobytes() for name in ("xyz", "uv_vis", "K")))
    _, samples = run(make(tmp_path / "s", {0: 0}, data=data), tmp_path / "out")
    np.testing.assert_array_equal(samples[1].keypoints[0], annotation["uv_vis"][21, :2].astype(np.float32))


# Hostile ---------------------------------------------------------------------------------------------


class Runs:
    """Pickles to a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {marker}",), "(posix|nt).system"),
        (eval, ("open('{marker}', 'w')",), "builtins.eval"),
        (getattr, (dict, "fromkeys"), "builtins.getattr"),
        (np.fromfile, ("/etc/passwd",), r"numpy.*fromfile"),
        (pickle.loads, (b"N.",), "_pickle.loads"),
    ],
)
def test_a_pickle_that_imports_is_refused_by_name(
    function: Any, arguments: tuple[Any, ...], name: str, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    filled = tuple(a.format(marker=marker) if isinstance(a, str) else a for a in arguments)
    root = make(tmp_path / "s", {0: entry(), 1: Runs(function, *filled)})
    with pytest.raises(UnsafeInput, match=f"tries to import {name}"):
        run(root, tmp_path / "out")
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


NO_PICKLES = {
    "empty": b"",
    "text": b"hello",
    "cut off": pickle.dumps({0: entry()})[:900],
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "list": pickle.dumps([entry()]),
    "text keys": pickle.dumps({"0": entry()}),
    "negative key": pickle.dumps({-1: entry()}),
    "persistent": b"\x80\x02Pid\n.",
    "stack": b"\x80\x02aaaa.",
    "deep": b"\x80\x02" + b"(" * 1000 + b".",
}


@pytest.mark.parametrize("data", NO_PICKLES.values(), ids=list(NO_PICKLES))
def test_what_is_no_annotation_is_refused(data: bytes, tmp_path: Path) -> None:
    root = make(tmp_path / "s", {0: 0}, data=data)
    with pytest.raises(InputError, match=r"anno_training\.pickle") as error:
        run(root, tmp_path / "out")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02Nr\x00\x00\x00\x20.",  # a memo of 2**30 places, 8 GB
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".",  # a terabyte of bytes
    ],
)
def test_a_few_bytes_cannot_ask_for_gigabytes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pickle"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bomb\.pickle"):
        safe_pickle.load(path)


def test_a_pickle_cannot_change_the_reader(tmp_path: Path) -> None:
    """BUILD sets attributes of what it finds; nothing that lives on may be found."""
    path = tmp_path / "a.pickle"
    for target in (b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n"):
        path.write_bytes(b"\x80\x02" + target + b"N}X\x08\x00\x00\x00__init__NsX\x04\x00\x00\x00codeNs\x86b.")
        with pytest.raises(InputError, match="not a pickle of arrays"):
            safe_pickle.load(path)
    root = make(tmp_path / "s", {0: entry()})
    assert run(root, tmp_path / "out")[0].samples == 2


def test_an_oversized_pickle_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.pickle"
    with open(path, "wb") as file:
        file.truncate(safe_pickle.MAX_BYTES + 1)
    with pytest.raises(InputError, match="500,000,001 bytes"):
        safe_pickle.load(path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"no anno_training\.pickle"):
        run(tmp_path / "s", tmp_path / "out")
    (tmp_path / "s" / "anno_training.pickle").write_bytes(pickle.dumps({0: entry()}))
    with pytest.raises(InputError, match="no images in color/"):
        run(tmp_path / "s", tmp_path / "out")


def test_images_that_are_not_png_are_named_and_others_may_stand_in(tmp_path: Path) -> None:
    color = make(tmp_path / "s", {0: entry()}) / "training/color"
    images.write(tmp_path / "pictures/00000.png", images.read(color / "00000.png"))
    (color / "00000.png").rename(color / "00000.JPG")
    with pytest.raises(
        InputError, match=r"no images in color/ that end in \.png; 1 in \.jpg; allowed: \.png"
    ):
        run(color.parent, tmp_path / "out")
    assert sum(part.batch.num_rows for part in rhd.read(Source(color.parent, tmp_path / "pictures"))) == 2


def test_an_odd_first_image_does_not_tell_the_size_of_all(tmp_path: Path) -> None:
    root = make(tmp_path / "s", {key: entry(seed=key) for key in range(4)})
    images.write(root / "training/color/00000.png", np.zeros((64, 64, 3), np.uint8))
    summary, _ = run(root, tmp_path / "out")
    assert summary.samples == 6
    assert summary.dropped == {"image of another size than claimed": 2}


# Writing ---------------------------------------------------------------------------------------------


def as_part(samples: tuple[Sample, ...]) -> Part:
    return Part(to_batch(samples))


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    entries = {0: entry(), 1: entry(left=False, seed=1)}
    make(tmp_path / "s", entries, masks=True)
    root = make(tmp_path / "s", {0: entry(right=False, seed=2)}, "evaluation")
    _, before = run(root, tmp_path / "first")
    lost = rhd.write(Dataset(tmp_path / "first"), tmp_path / "written")
    assert lost == {"licence": 4}
    summary, after = run(tmp_path / "written", tmp_path / "second")
    assert summary.absent == {"hand not in view": 2}
    for one, other in zip(before, after, strict=True):
        assert (one.sample_id, one.side, one.split) == (other.sample_id, other.side, other.split)
        for name in ("keypoints", "visibility", "xyz", "K"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert (one.mask is None) == (other.mask is None)
    assert (tmp_path / "written/RHD_published_v2/training/color/00001.png").read_bytes() == (
        root / "training" / "color" / "00001.png"
    ).read_bytes()


def test_others_can_unpickle_what_is_written(tmp_path: Path) -> None:
    run(make(tmp_path / "s", {0: entry()}), tmp_path / "d")
    rhd.write(Dataset(tmp_path / "d"), tmp_path / "w")
    data = (tmp_path / "w/RHD_published_v2/training/anno_training.pickle").read_bytes()
    assert b"numpy.core.multiarray" in data
    assert b"numpy._core" not in data
    content = pickle.loads(data.replace(b"numpy.core.", b"numpy._core."))
    np.testing.assert_allclose(content[0]["uv_vis"], entry()["uv_vis"], atol=1e-4)
    assert content[0]["uv_vis"].shape == content[0]["xyz"].shape == (42, 3)


def test_what_rhd_cannot_hold_is_counted(tmp_path: Path) -> None:
    for name, size in (("a", 64), ("b", 64), ("c", 80)):
        images.write(tmp_path / f"{name}.jpg", np.full((size, size, 3), 99, np.uint8))
    images.write(tmp_path / "mask.png", np.full((64, 64), 255, np.uint8))
    points, seen = np.full((21, 2), 30, np.float32), np.full(21, 2, np.uint8)
    seen[3] = 0

    def hand(number: int, image: str, side: str | None = "left", **fields: Any) -> Sample:
        return Sample(
            f"s/{number}", "s", f"../{image}.jpg", side=side, keypoints=points, visibility=seen, **fields
        )

    samples = (
        hand(0, "a", split="train", mask="../mask.png", aspect="dorsal", label_source="manual"),
        hand(1, "a", split="train"),
        hand(2, "a", None, split="train"),
        hand(3, "c", split="train"),
        hand(4, "gone", split="train"),
        hand(5, "b", "right", split="val"),
    )
    Stage("test", tmp_path / "d", {}, quiet=True).run([samples], as_part)
    lost = rhd.write(Dataset(tmp_path / "d"), tmp_path / "w")
    assert lost == {
        "sample_id": 2,
        "source": 6,
        "aspect": 1,
        "label_source": 6,  # five of which it is not known come back as renders
        "mask without RHD's part ids": 1,
        "image written anew as PNG": 2,
        "left out: further hand of the same side in an image": 1,
        "left out: sample of an unknown side": 1,
        "left out: sample without an image of the set's size": 2,
        "split val, put into evaluation": 1,
    }
    summary, (left, right) = run(tmp_path / "w", tmp_path / "back")
    assert summary.absent == {"hand not in view": 2}
    assert (left.split, right.split, right.side) == ("train", "test", "right")
    np.testing.assert_array_equal(left.visibility, seen)
    np.testing.assert_array_equal(left.keypoints[0], [30, 30])
    assert (left.xyz, left.K) == (None, None)
    assert (left.width, left.height) == (64, 64)


def test_a_hand_that_comes_back_as_out_of_view_is_counted(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.full((64, 64, 3), 99, np.uint8))
    bare = Sample("s/1", "s", "../a.png", side="right", bbox=np.array([5, 5, 30, 30], np.float32))
    Stage("test", tmp_path / "d", {}, quiet=True).run([(bare,)], as_part)
    assert rhd.write(Dataset(tmp_path / "d"), tmp_path / "w")["hand without a labelled keypoint"] == 1
    assert run(tmp_path / "w", tmp_path / "back")[1] == []


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_rendered_dataset_goes_out_and_comes_back(tmp_path: Path, side: str) -> None:
    """Part masks, depth in tenths of a millimetre, xyz, K and visibility, as the renderer stores them."""
    rng = np.random.default_rng(7)
    camera = np.array([[310.0, 0, 130], [0, 310.0, 125], [0, 0, 1]])
    samples, maps, parts = [], [], []
    for number in range(3):
        xyz = (rng.uniform(-0.1, 0.1, (21, 3)) + np.array([0, 0, 0.5])).astype(np.float32)
        uvw = xyz @ camera.T
        metres = rng.uniform(0.35, 0.7, (256, 256)).round(4).astype(np.float32)
        metres[:, :90] = np.nan
        mask = rng.integers(2, 18, (256, 256)).astype(np.uint8) + (16 if side == "right" else 0)
        mask[:, :90], mask[:, 90:99] = 0, 1  # ground, forearm
        images.write(tmp_path / f"images/{number}.jpg", np.full((256, 256, 3), 90, np.uint8))
        images.write(tmp_path / f"masks/{number}.png", mask)
        files.write(tmp_path / f"depth/{number}.png", depth.encode(metres))
        samples.append(
            Sample(
                f"render/{number}",
                "render",
                f"../images/{number}.jpg",
                side=side,
                keypoints=(uvw[:, :2] / uvw[:, 2:]).astype(np.float32),
                visibility=np.array(rng.integers(1, 3, 21), np.uint8),
                xyz=xyz,
                K=camera,
                mask=f"../masks/{number}.png",
                label_source="render",
                depth=f"../depth/{number}.png",
                attrs={"model": "procedural"},
            )
        )
        maps.append(metres)
        parts.append(mask)
    Stage("test", tmp_path / "d", {}, quiet=True).run([tuple(samples)], as_part)
    lost = rhd.write(Dataset(tmp_path / "d"), tmp_path / "w")
    assert lost == {
        "sample_id": 3,
        "source": 3,
        "attrs": 3,
        "image written anew as PNG": 3,
        "no split, put into training": 3,
    }
    training = tmp_path / "w/RHD_published_v2/training"
    assert sorted(path.name for path in training.iterdir()) == [
        "anno_training.pickle",
        "color",
        "depth",
        "mask",
    ]

    # As RHD's own tools read it: OpenCV hands out B, G, R.
    stored = cv2.imread(str(training / "depth/00001.png"), cv2.IMREAD_UNCHANGED).astype(float)
    read = (256 * stored[..., 2] + stored[..., 1]) / 65535 * 5
    np.testing.assert_allclose(read, np.nan_to_num(maps[1]), atol=4e-5)

    summary, back = run(tmp_path / "w", tmp_path / "back")
    assert summary.absent == {"hand not in view": 3}
    for number, (one, other) in enumerate(zip(samples, back, strict=True)):
        assert (other.side, other.split, other.width, other.height) == (side, "train", 256, 256)
        for name in ("keypoints", "visibility", "xyz", "K"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert other.mask is not None
        np.testing.assert_array_equal(images.read(tmp_path / "back" / other.mask, grey=True), parts[number])
        found = depth.read(tmp_path / "back" / str(other.depth), 256, 256)
        np.testing.assert_allclose(found, maps[number], atol=4e-5)


def test_depth_maps_are_copied_when_asked_and_a_lost_one_is_no_reason_to_drop(tmp_path: Path) -> None:
    root = make(tmp_path / "s", {0: entry(left=False), 1: entry(left=False, seed=1)})
    metres = np.full((320, 320), 0.61, np.float32)
    files.write(root / "training/depth/00000.png", depth.encode_rhd(metres))
    _, samples = run(tmp_path / "s", tmp_path / "out", copy=True)
    first, second = (sample.depth for sample in samples)
    assert first is not None
    assert first.startswith("depth/")
    assert second is None
    np.testing.assert_allclose(depth.read(tmp_path / "out" / first, 320, 320), metres, atol=4e-5)
    images.write(tmp_path / "out" / first, np.zeros((320, 320), np.uint8))  # not a depth map
    assert rhd.write(Dataset(tmp_path / "out"), tmp_path / "w")["depth map missing or unreadable"] == 1


# Real samples ----------------------------------------------------------------------------------------


def test_the_real_sample(real_data: Path, tmp_path: Path) -> None:
    summary, (sample,) = run(real_data / "rhd_native_reconstructed", tmp_path / "out")
    assert summary.absent == {"hand not in view": 1}
    assert sample.sample_id == "rhd/training/00111/left"
    by_name = dict(zip(kp.NAMES, sample.keypoints.tolist(), strict=True))
    assert by_name["thumb_tip"] == pytest.approx([170.4, 115.0], abs=1e-3)
    assert by_name["little_mcp"] == pytest.approx([244.4, 129.2], abs=1e-3)
    assert sample.xyz is not None
    assert sample.K is not None
    projected = sample.xyz @ sample.K.T
    gap = np.abs(projected[:, :2] / projected[:, 2:] - sample.keypoints).max()
    assert gap < 0.08
    wrist, bases, tips = (
        sample.keypoints[0],
        sample.keypoints[list(kp.BASES)],
        sample.keypoints[list(kp.TIPS)],
    )
    assert (np.linalg.norm(bases - wrist, axis=1) < np.linalg.norm(tips - wrist, axis=1)).all()
