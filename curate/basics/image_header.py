"""Reading the header of an image file, before a pixel is decoded: size, format, orientation, origin."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from curate.basics import jpeg
from curate.basics.errors import MissingExtra, UnreadableImage
from curate.basics.unwarned import unwarned

# A photograph of 200 megapixels takes 0.6 GB decoded; headers that promise more are refused unread.
MAX_PIXELS = 200_000_000
READ = "JPEG, PNG, BMP, WebP, TIFF, JPEG 2000, PNM, AVIF, GIF or HEIC"
BROKEN = (OSError, ValueError, SyntaxError, struct.error, TypeError, KeyError, EOFError, RuntimeError)
# Pillow refuses images of more than twice its limit; ours is to be the one that counts.
Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, MAX_PIXELS)

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
_EXIF_LIES_IN = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_ORIENTATION_TAG = 0x0112
_SUBFILE_TAG, _WIDTH_TAG, _HEIGHT_TAG = 254, 256, 257  # TIFF 6.0
_BITS_TAG, _NUMBERS_TAG, _UNSIGNED = 258, 339, frozenset({1, 4})  # what is not told is unsigned
_OF_A_PAGE = 1 | 4  # a page that is a small version, or a mask, of another (TIFF 6.0)
_MOST_PAGES = 64  # looked at
_OF_SEVERAL = frozenset({"GIF", "WEBP", "PNG", "AVIF", "TIFF"})
_TIFF_HEADS = (b"II*\0", b"MM\0*")
# EXIF 2.32: latitude, of the GPS part; the owner and both serial numbers, of the camera's part.
_GPS_PART, _LATITUDE = 0x8825, 2
_CAMERA_PART, _OWNERS = 0x8769, frozenset({0xA430, 0xA431, 0xA435})
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_TELLING = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
_PNG_LARGEST = 10_000_000  # bytes of one such chunk
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The content of an image's header.

    Attributes
    ----------
    width, height: as displayed (EXIF applied), pixels. orientation: EXIF's, 1..8. format: as Pillow names it.
    located: EXIF says where it was taken. owned: EXIF names the owner, or a serial number of camera or lens.
    deep: grey of 16 bits. further: more pictures follow, such as frames of an animation, or pages.
    """

    width: int
    height: int
    orientation: int
    format: str
    located: bool = False
    owned: bool = False
    deep: bool = False
    further: bool = False


def inspect(where: str | os.PathLike[str], stream: BinaryIO) -> ImageInfo:
    """Read the header of the image at `where`, which is open as `stream`.

    Raises
    ------
    UnreadableImage: a Git-LFS pointer, no image, truncated, or more than MAX_PIXELS; a HEIC image where the
        package that reads them is not installed.
    """
    head = stream.read(64)
    if head.startswith(_LFS_HEAD):
        raise UnreadableImage(where, "a Git-LFS pointer, not the image", remedy="run: git lfs pull")
    try:
        with unwarned(), _opened(where, stream, head) as header:  # Pillow warns of oversized and odd ones
            info = _info(where, stream, header)
    except Image.DecompressionBombError:
        found = f"its header promises more than {MAX_PIXELS // 1_000_000} megapixels"
        raise UnreadableImage(where, found) from None
    except UnidentifiedImageError:
        found = "not an image" if head else "an empty file"
        found = "a TIFF that is damaged, or of a rare kind" if head.startswith(_TIFF_HEADS) else found
        raise UnreadableImage(where, found, allowed=READ, remedy="convert other formats first") from None
    except UnreadableImage:
        raise
    except BROKEN as error:
        raise UnreadableImage(where, f"its header does not parse ({error})") from None
    _check_end(where, stream, info.format)
    return info


def open_heif() -> bool:
    """Let Pillow open HEIF, if a package for that is installed. Returns whether one is."""
    return _heif_opener() is not None


def _opened(where: str | os.PathLike[str], stream: BinaryIO, head: bytes) -> Image.Image:
    try:
        stream.seek(0)
        return Image.open(stream)
    except UnidentifiedImageError:
        if not _is_heif(head):
            raise
    if not open_heif():
        error = MissingExtra("HEIC", "heif")
        raise UnreadableImage(where, str(error), remedy="or convert it to JPEG")
    stream.seek(0)
    return Image.open(stream)


def _is_heif(head: bytes) -> bool:
    """Whether the box that begins the file names a brand of HEIF (ISO 23008-12)."""
    box = head[8 : max(0, int.from_bytes(head[:4]))]
    brands = {box[:4], *(box[at : at + 4] for at in range(8, len(box), 4))}
    return head[4:8] == b"ftyp" and not brands.isdisjoint(_HEIF_BRANDS)


@cache
def _heif_opener() -> str | None:
    # pi-heif only decodes; the same author's pillow-heif does as well, for those who have it.
    for name in ("pi_heif", "pillow_heif"):
        try:
            import_module(name).register_heif_opener(thumbnails=False)
        except ImportError:
            continue
        return name
    return None


def _info(where: str | os.PathLike[str], stream: BinaryIO, header: Any) -> ImageInfo:
    width, height = header.size
    if header.format == "TIFF":
        width, height = _tiff_size(where, header)
    if width < 1 or height < 1:
        raise UnreadableImage(where, f"a size of {width} x {height}")
    if width * height > MAX_PIXELS:
        found = f"its header promises {width} x {height} pixels"
        raise UnreadableImage(where, found, allowed=f"at most {MAX_PIXELS // 1_000_000} megapixels")
    # MPO is a JPEG with further JPEGs behind it: a photo of many telephones.
    form = "JPEG" if header.format == "MPO" else header.format or "?"
    if form == "PNG":
        _look_behind_pixels(header, stream)
    exif = _exif(header)
    orientation = int(exif.get(_ORIENTATION_TAG, 1) or 1)
    if orientation not in range(1, 9):
        orientation = 1
    if orientation >= 5:
        width, height = height, width
    located = _LATITUDE in _part(exif, _GPS_PART)
    owned = not _OWNERS.isdisjoint(_part(exif, _CAMERA_PART))
    deep = header.mode.startswith("I;16")
    return ImageInfo(width, height, orientation, form, located, owned, deep, _has_further(header))


def _has_further(header: Any) -> bool:
    """Whether further pictures follow the first. What belongs to the first does not count: the depth map in a
    telephone's JPEG, a small version or a mask of a TIFF's page. Leaves a TIFF at another page."""
    if header.format not in _OF_SEVERAL:
        return False
    try:
        if header.format != "TIFF":
            return bool(getattr(header, "is_animated", False))
        for page in range(1, _MOST_PAGES):
            header.seek(page)
            if not header.tag_v2.get(_SUBFILE_TAG, 0) & _OF_A_PAGE:
                return True
    except BROKEN:  # EOFError behind the last page
        return False
    return False


def _tiff_size(where: str | os.PathLike[str], header: Any) -> tuple[int, int]:
    """As stored: some versions of Pillow turn a TIFF's size, some do not.

    Raises UnreadableImage: a small version of another, or numbers that OpenCV takes for other shades.
    """
    if header.tag_v2.get(_SUBFILE_TAG, 0) & 1:  # as in DNG, NEF and ARW, with the sensor's data behind it
        found = "its first image is a small version of another, as in a camera's raw file"
        raise UnreadableImage(where, found, allowed=READ, remedy="convert it first")
    bits = max(header.tag_v2.get(_BITS_TAG, (1,)))
    if bits > 16 or not _UNSIGNED.issuperset(header.tag_v2.get(_NUMBERS_TAG, (1,))):
        found = f"a TIFF of signed, floating-point or long numbers ({bits} bits)"
        raise UnreadableImage(where, found, allowed="8 or 16 bits, unsigned", remedy="convert it first")
    return int(header.tag_v2[_WIDTH_TAG]), int(header.tag_v2[_HEIGHT_TAG])


def _exif(header: Image.Image) -> Image.Exif:
    """The EXIF data; empty if it is broken: viewers do not turn such an image either."""
    if header.format in ("JPEG", "PNG") and header.info.keys().isdisjoint(_EXIF_LIES_IN):
        return Image.Exif()  # as getexif finds out, but in a tenth of the time
    try:
        # PNG's own decodes all pixels, to look behind them.
        return Image.Image.getexif(header) if header.format == "PNG" else header.getexif()
    except BROKEN:
        return Image.Exif()


def _part(exif: Image.Exif, tag: int) -> dict[int, Any]:
    """The tags of a part of EXIF; none if it is missing or broken, as the image may still be sound."""
    try:
        return exif.get_ifd(tag) if tag in exif else {}
    except BROKEN:
        return {}


def _look_behind_pixels(header: Image.Image, stream: BinaryIO) -> None:
    """Add to a PNG's info the chunks behind its pixels, as Pillow does once it has decoded these.

    Pillow reads the chunks itself, with its own guards: from a copy in which they stand before the pixels.
    """
    begun, found, first = False, [], b""
    for kind, at, size in _png_chunks(stream):
        begun = begun or kind == b"IDAT"
        if kind == b"IHDR" or (begun and kind in _PNG_TELLING and size <= _PNG_LARGEST):
            stream.seek(at)
            chunk = stream.read(size + 12)
            first = first or chunk
            found += [chunk] if begun else []
    if found:
        copy = b"".join((_PNG_HEAD, first, *found, struct.pack(">I4s", 0, b"IDAT")))
        with suppress(*BROKEN), Image.open(io.BytesIO(copy)) as behind:
            header.info.update({k: v for k, v in behind.info.items() if k in _EXIF_LIES_IN})


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of each chunk's data (ISO 15948, 5.3)."""
    at = len(_PNG_HEAD)
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        size = int.from_bytes(head[:4])
        yield head[4:], at, size
        at += size + 12


def _check_end(where: str | os.PathLike[str], stream: BinaryIO, form: str) -> None:
    """A file that was cut off lacks its end marker; decoders would fill the rest with grey."""
    marker = {"JPEG": jpeg.END, "PNG": b"IEND"}.get(form)
    if marker is None:
        return
    begin = jpeg.scan_start(stream) if form == "JPEG" else 0
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(begin, size - 4096))
    if marker in stream.read():
        return
    stream.seek(begin)  # telephones append films and notes
    if marker not in stream.read():
        raise UnreadableImage(
            where,
            f"truncated: {form} data without its end marker",
            remedy="if it looks whole, save it again",
        )
