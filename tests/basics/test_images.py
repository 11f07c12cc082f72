"""Reading images: orientation, hostile files, reduced decoding; and writing them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from curate.basics import files, images
from curate.basics.errors import UnreadableImage


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth picture, so that JPEG keeps it: x in red, y in green, and a blue corner."""
    y, x = np.mgrid[:height, :width]
    blue = np.where((x < width / 3) & (y < height / 4), 255, 0)
    return np.stack([x * 255 // width, y * 255 // height, blue], axis=-1).astype(np.uint8)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def with_orientation(array: np.ndarray, form: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    options = {"quality": 95, "subsampling": 0} if form == "JPEG" else {}
    Image.fromarray(array).save(data, form, exif=exif, **options)
    return data.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("grey", [False, True])
def test_exif_orientation_as_pillow_does_it(tmp_path: Path, form: str, orientation: int, grey: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(with_orientation(picture(), form, orientation))
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("L" if grey else "RGB"))
    found = images.read(path, grey=grey)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 2
    info = images.probe(path)
    assert (info.height, info.width) == expected.shape[:2]
    assert (info.orientation, info.format) == (orientation, form)


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_an_orientation_that_does_not_exist_is_none(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_orientation(picture(), "JPEG", orientation))
    assert images.read(path).shape == (48, 64, 3)
    assert images.probe(path).orientation == 1


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("shrink", [2, 4, 8])
@pytest.mark.parametrize("orientation", [1, 6])
def test_reduced_decoding_is_the_mean_of_the_pixels(form: str, shrink: int, orientation: int) -> None:
    data = with_orientation(picture(), form, orientation)
    full = images.decode(data, "a").astype(float)
    small = images.decode(data, "a", shrink=shrink)
    height, width = full.shape[0] // shrink, full.shape[1] // shrink
    assert small.shape == (height, width, 3)
    expected = full.reshape(height, shrink, width, shrink, 3).mean(axis=(1, 3))
    assert np.abs(small - expected).mean() < 4


def test_reduced_sizes_round_up() -> None:
    for form in ("JPEG", "PNG"):
        assert images.decode(with_orientation(picture(41, 53), form, 1), "a", shrink=4).shape == (11, 14, 3)


def jpeg(array: np.ndarray | None = None) -> bytes:
    return images.encode(picture() if array is None else array, ".jpg")


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises this size, with next to no data behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"hello, I am a text", "no image; allowed: JPEG, PNG"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
            "a Git-LFS pointer.*git lfs pull",
        ),
        (jpeg()[:-200], "truncated: JPEG data without its end marker"),
        (images.encode(noise(), ".png")[:-5000], "truncated: PNG data without its end marker"),
        (jpeg()[:10], "no image|header does not parse"),
        (jpeg()[:-200] + jpeg()[-2:], "header does not parse|damaged|do not decode"),
        (png_header(60_000, 60_000), "promises more than 200 megapixels"),
        (png_header(15_000, 15_000), "promises 15000 x 15000 pixels; allowed: at most 200 megapixels"),
        (png_header(40, 30), "its pixels do not decode"),
        (png_header(0, 30), "size of 0 x 30|header does not parse|no image"),
    ],
    ids=[
        "empty",
        "text",
        "lfs",
        "cut jpeg",
        "cut png",
        "cut head",
        "hollow jpeg",
        "bomb",
        "large",
        "hollow png",
        "flat",
    ],
)
def test_files_that_are_no_readable_image(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match=message) as caught:
        images.read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_stands_behind_an_image_does_no_harm(tmp_path: Path) -> None:
    """Telephones append films to photos."""
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg() + bytes(20_000))
    assert images.probe(path).width == 64
    np.testing.assert_array_equal(images.read(path), images.decode(jpeg(), "a"))


def test_a_photo_of_several_pictures_is_a_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(picture()).save(path, "MPO", save_all=True, append_images=[Image.fromarray(picture())])
    assert images.probe(path).format == "JPEG"
    assert images.read(path, shrink=2).shape == (24, 32, 3)


def test_the_largest_photographs_that_exist_are_probed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(16_320, 12_240))
    assert images.probe(path).width == 16_320


def test_probe_finds_what_the_header_and_the_end_tell(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    for data in (b"", jpeg()[:-200], png_header(60_000, 60_000)):
        path.write_bytes(data)
        with pytest.raises(UnreadableImage):
            images.probe(path)
    with pytest.raises(UnreadableImage, match="no such image file"):
        images.probe(tmp_path / "none.jpg")
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        images.read(tmp_path)


@given(st.binary(max_size=400), st.integers(0, 300))
def test_any_bytes_give_an_image_or_the_one_error(junk: bytes, at: int) -> None:
    for data in (junk, jpeg()[:at] + junk, jpeg()[:at] + junk + jpeg()[at:]):
        try:
            found = images.decode(data, "a")
        except UnreadableImage:
            continue
        assert found.dtype == np.uint8
        assert found.ndim == 3


def test_other_kinds_of_jpeg_and_png() -> None:
    """CMYK, grey, palette, transparency and 16 bits come out as 8-bit RGB."""
    kinds = {"CMYK": "JPEG", "L": "JPEG", "P": "PNG", "RGBA": "PNG", "LA": "PNG", "I;16": "PNG", "1": "PNG"}
    for mode, form in kinds.items():
        data = io.BytesIO()
        image = Image.fromarray(picture())
        if mode == "I;16":
            image = Image.fromarray(picture()[..., 0].astype(np.uint16) * 257)
        else:
            image = image.convert(mode)
        image.save(data, form)
        for grey in (False, True):
            found = images.decode(data.getvalue(), "a", grey=grey)
            assert found.shape == ((48, 64) if grey else (48, 64, 3)), mode
            assert found.dtype == np.uint8


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("grey", [False, True])
def test_write_and_read_back(tmp_path: Path, suffix: str, grey: bool) -> None:
    before = picture()[..., 0] if grey else picture()
    path = tmp_path / "new" / f"a{suffix}"
    images.write(path, before)
    after = images.read(path, grey=grey)
    assert np.abs(after.astype(int) - before).mean() < (0.01 if suffix == ".png" else 3)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    files.write(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_stacks(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", stack)
    np.save(tmp_path / "pixels.npy", stack.astype(np.float32))
    with pytest.raises(UnreadableImage, match="float32 of shape"):
        images.open_stack(tmp_path)
    np.save(tmp_path / "pixels.npy", stack[..., :1])
    with pytest.raises(UnreadableImage, match=r"uint8 of shape \(3, 8, 8, 1\); allowed: uint8 \(N, S, S"):
        images.open_stack(tmp_path)
    np.save(tmp_path / "pixels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableImage, match="allowed: a uint8"):
        images.open_stack(tmp_path)


def test_the_hash_is_of_the_pixels_not_the_file() -> None:
    one = images.decode(images.encode(picture(), ".png"), "a")
    assert images.pixel_sha256(one) == images.pixel_sha256(picture())
    assert images.pixel_sha256(picture()) != images.pixel_sha256(picture().reshape(64, 48, 3))
    assert images.pixel_sha256(picture()[:, ::-1]) == images.pixel_sha256(picture()[:, ::-1].copy())


@pytest.mark.parametrize(
    ("size", "form", "scale", "shrink"),
    [
        ((1600, 1200), "JPEG", 0.25, 4), ((1600, 1200), "JPEG", 0.26, 2), ((1600, 1200), "JPEG", 0.01, 8),
        ((1600, 1200), "JPEG", 2.0, 1), ((1602, 1200), "JPEG", 0.1, 2), ((1601, 1200), "JPEG", 0.1, 1),
        ((1600, 1200), "PNG", 0.1, 1),
    ],
)  # fmt: skip
def test_shrink_for(size: tuple[int, int], form: str, scale: float, shrink: int) -> None:
    assert images.shrink_for(images.ImageInfo(*size, 1, form), scale) == shrink


def test_cut_square_by_hand() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(images.cut_square(image, (1, 2), 2, 2), [[9, 10], [13, 14]])
    np.testing.assert_array_equal(images.cut_square(image, (3, -1), 2, 2), [[3, 3], [3, 3]])
    np.testing.assert_array_equal(images.cut_square(image, (0, 0), 4, 1), [[8]])
    np.testing.assert_array_equal(
        images.cut(image, (0, 0, 2, 2), (4, 4), labels=True), np.kron([[0, 1], [4, 5]], np.ones((2, 2)))
    )
    with pytest.raises(ValueError, match="does not touch"):
        images.cut_square(image, (4, 0), 2, 2)


def test_cut_of_a_part_that_is_no_square_by_hand() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)
    np.testing.assert_array_equal(images.cut(image, (1, 1, 4, 2), (4, 2)), image[1:3, 1:5])
    np.testing.assert_array_equal(images.cut(image, (0, 0, 6, 4), (3, 2)), [[4, 6, 8], [16, 18, 20]])


def test_reduced_by_a_whole_factor() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    assert images.reduced(image, 90) is image
    assert images.reduced(image, 62) is image
    np.testing.assert_allclose(
        images.reduced(image, 31), image.reshape(20, 3, 30, 3, 3).mean(axis=(1, 3)), atol=0.51
    )
