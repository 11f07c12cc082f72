"""Reading images: orientation, hostile files, reduced decoding; and writing them."""

from __future__ import annotations

import io
import struct
import sys
import types
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from curate.basics import files, image_header, images
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


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises this size, with next to no data behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"hello, I am a text", "not an image; allowed: JPEG, PNG, BMP, WebP, TIFF, JPEG 2000, PNM, AVIF"),
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
        (png_header(40, 30), "its pixels cannot be decoded"),
        (png_header(0, 30), "size of 0 x 30|header does not parse|not an image"),
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


def test_an_image_for_which_there_is_no_memory_is_not_called_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))

    def fail(*_: object) -> None:
        raise cv2.error("Insufficient memory")

    monkeypatch.setattr("cv2.imdecode", fail)
    with pytest.raises(cv2.error, match="memory"):
        images.read(tmp_path / "a.png")


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
    with pytest.raises(ValueError, match="lies outside"):
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


def stored(array: np.ndarray, form: str, mode: str = "RGB", **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(array).convert(mode).save(data, form, **options)
    return data.getvalue()


KINDS_OF_JPEG = {
    "baseline": {},
    "all colours": {"subsampling": 0},
    "own tables": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "CMYK": {"mode": "CMYK"},
    "grey": {"mode": "L"},
}


@pytest.mark.parametrize("kind", KINDS_OF_JPEG)
@pytest.mark.parametrize("damage", ["cut off", "without its middle", "zeros", "a marker", "two scans"])
@pytest.mark.parametrize("shrink", [1, 4])
def test_a_damaged_jpeg_is_told(kind: str, damage: str, shrink: int) -> None:
    whole = stored(np.kron(noise(), np.ones((4, 4, 1), np.uint8)), "JPEG", **KINDS_OF_JPEG[kind])
    assert images.decode(whole, "a", shrink=shrink).shape == (192 // shrink, 256 // shrink, 3)
    middle = len(whole) * 2 // 3
    damaged = {
        "cut off": whole[:middle] + whole[-2:],
        "without its middle": whole[:middle] + whole[middle + 1500 :],
        "zeros": whole[:middle] + bytes(1500) + whole[middle + 1500 :],
        "a marker": whole[:middle] + b"\xff\xf9" + whole[middle + 2 :],
        "two scans": whole[:middle] + whole[middle - 1500 :],
    }[damage]
    with pytest.raises(UnreadableImage, match="its JPEG data is damaged"):
        images.decode(damaged, "a", shrink=shrink)


def test_restart_markers_out_of_order_are_damage() -> None:
    whole = stored(np.kron(noise(), np.ones((4, 4, 1), np.uint8)), "JPEG", restart_marker_rows=1)
    at = whole.index(b"\xff\xd4")
    with pytest.raises(UnreadableImage, match="its JPEG data is damaged"):
        images.decode(whole[:at] + whole[at + 700 :], "a")


def test_what_is_irregular_in_a_jpeg_and_harmless_is_passed_over() -> None:
    whole = jpeg()
    tables = whole.index(b"\xff\xdb")
    version = whole.index(b"JFIF") + 5
    odd = {
        "bytes between segments": whole[:tables] + b"\0\1" + whole[tables:],
        "version of JFIF": whole[:version] + b"\x09" + whole[version + 1 :],
        "zeros at the end": whole[:-2] + bytes(40) + whole[-2:],
        "fill bytes": whole[:-2] + b"\xff" * 40 + whole[-2:],
    }
    for kind, data in odd.items():
        np.testing.assert_array_equal(images.decode(data, "a"), images.decode(whole, "a"), kind)
    with pytest.raises(UnreadableImage, match=r"damaged.*if it looks whole, save it again"):
        images.decode(whole[:-2] + bytes(range(40)) + whole[-2:], "a")


def test_the_end_of_a_thumbnail_is_not_that_of_the_photo(tmp_path: Path) -> None:
    small, whole = jpeg(), jpeg(noise())
    photo = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small + whole[2:]
    path = tmp_path / "a.jpg"
    path.write_bytes(photo)
    np.testing.assert_array_equal(images.read(path), images.decode(whole, "a"))
    path.write_bytes(photo[:-500])
    with pytest.raises(UnreadableImage, match="truncated"):
        images.probe(path)


def late_png(*chunks: bytes) -> bytes:
    """A PNG in which these come behind the pixels."""
    whole = stored(picture(48, 48), "PNG")
    return whole[:-12] + b"".join(chunks) + whole[-12:]


def test_an_orientation_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = exif.tobytes()
    profile = b"\nexif\n%8d\n%s\n" % (len(plain), plain.hex().encode())
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    late = {
        "eXIf": chunk(b"eXIf", plain.removeprefix(b"Exif\0\0")),
        "zTXt": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)),
        "iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
    }
    for kind, data in late.items():
        path = tmp_path / f"{kind}.png"
        path.write_bytes(late_png(data))
        with Image.open(path) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened))
        assert images.probe(path).orientation == 6, kind
        np.testing.assert_array_equal(images.read(path), expected, kind)
        assert (images.read(path) != picture(48, 48)).any()
    assert images.examine(late_png(chunk(b"tEXt", b"Comment\0a hand")), "a").orientation == 1
    assert images.examine(late_png(chunk(b"eXIf", b"nonsense")), "a").orientation == 1


@pytest.mark.parametrize("form", ["GIF", "AVIF"])
def test_further_formats(form: str) -> None:
    data = stored(picture(), form, **({"quality": 95} if form == "AVIF" else {}))
    assert images.examine(data, "a").format == form
    assert np.abs(images.decode(data, "a").astype(int) - picture()).mean() < 8
    assert images.decode(data, "a", grey=True, shrink=2).shape == (24, 32)
    with pytest.raises(UnreadableImage):
        images.decode(data[: len(data) // 2], "a")


def test_of_moving_pictures_the_first_is_taken() -> None:
    second = [Image.fromarray(noise())]
    data = stored(picture(), "GIF", save_all=True, append_images=second)
    assert np.abs(images.decode(data, "a").astype(int) - picture()).mean() < 8


@pytest.mark.parametrize(
    ("mode", "told", "bits"), [("L", {339: 2}, 8), ("I;16", {339: 2}, 16), ("I", {}, 32), ("F", {}, 32)]
)
def test_a_tiff_of_other_numbers_than_shades_is_refused(
    mode: str, told: dict[int, int], bits: int, tmp_path: Path
) -> None:
    """Those of 8 and 16 bits came out darker than they are, without a word."""
    path = tmp_path / "a.tif"
    Image.new(mode, (4, 4), 100).save(path, tiffinfo=told)
    with pytest.raises(UnreadableImage, match=rf"a\.tif: a TIFF of signed, .* \({bits} bits\); allowed: 8"):
        images.probe(path)


def test_a_tiff_that_pillow_does_not_know_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("RGB", (4, 4)).save(path, tiffinfo={339: (3, 3, 3)})
    with pytest.raises(UnreadableImage, match="a TIFF that is damaged, or of a rare kind"):
        images.probe(path)


def test_damage_in_a_compressed_tiff_is_told() -> None:
    data = stored(noise(), "TIFF", compression="tiff_lzw")
    assert images.decode(data, "a").shape == (48, 64, 3)
    with pytest.raises(UnreadableImage, match="its pixels cannot be decoded"):
        images.decode(data[:1000] + bytes(500) + data[1500:], "a")


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("orientation", [1, 6])
def test_transparency_of_a_tiff_is_passed_over_as_in_a_png(grey: bool, orientation: int) -> None:
    """What is transparent came out as if it lay on black."""
    clear = np.broadcast_to(np.arange(64, dtype=np.uint8) * 4, (48, 64))
    layers = np.dstack([picture(), clear])
    expected = images.decode(stored(layers, "PNG", "RGBA"), "a", grey=grey)
    turned = np.rot90(expected, -1) if orientation == 6 else expected
    tiff = stored(layers, "TIFF", "RGBA", tiffinfo={0x0112: orientation}, compression="tiff_lzw")
    np.testing.assert_allclose(images.decode(tiff, "a", grey=grey), turned.astype(int), atol=grey)


def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo() -> None:
    data = stored(picture(), "TIFF", tiffinfo={254: 1})
    with pytest.raises(UnreadableImage, match="small version of another"):
        images.examine(data, "a")


HEIC = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"


@pytest.fixture
def no_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    image_header._heif_opener.cache_clear()


@pytest.mark.usefixtures("no_heif")
def test_heic_without_its_package_names_the_extra(tmp_path: Path) -> None:
    path = tmp_path / "IMG_1.HEIC"
    path.write_bytes(HEIC)
    with pytest.raises(UnreadableImage, match=r"IMG_1.HEIC: HEIC needs.*pip install 'hand-curate\[heif\]'"):
        images.probe(path)
    image_header._heif_opener.cache_clear()


@pytest.mark.usefixtures("no_heif")
@pytest.mark.parametrize("package", ["pi_heif", "pillow_heif"])
def test_heic_is_read_by_whichever_package_there_is(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    class Heif(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self.fp.seek(len(HEIC))
            within = Image.open(io.BytesIO(self.fp.read())).convert("RGB")
            self.im, self._mode, self._size = within.im, "RGB", within.size
            self.tile = []

    def register(**_: object) -> None:
        Image.register_open("HEIF", Heif, lambda head: head[4:12] == b"ftypheic")

    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    module = types.SimpleNamespace(register_heif_opener=register)
    monkeypatch.setitem(sys.modules, package, module)  # type: ignore[arg-type]
    data = HEIC + stored(picture(), "PNG")
    assert images.examine(data, "a") == images.ImageInfo(64, 48, 1, "HEIF")
    np.testing.assert_array_equal(images.decode(data, "a"), picture())
    image_header._heif_opener.cache_clear()


def test_reading_in_threads_leaves_the_warnings_of_the_process_as_they_were(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.zeros((8, 8), np.uint8))
    before, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(images.probe, [tmp_path / "a.png"] * 2000))
        assert warnings.filters == before
    finally:
        sys.setswitchinterval(interval)
        warnings.filters[:] = before
