"""Reading and writing images: every file is opened here, oriented by its EXIF tag, and distrusted first.

Images are uint8, (H, W, 3) RGB, or (H, W) grey.
"""

from __future__ import annotations

import hashlib
import io
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curate.basics import files, image_header, jpeg, stopping
from curate.basics.arrays import open_mapped
from curate.basics.errors import UnreadableImage
from curate.basics.image_header import ImageInfo as ImageInfo
from curate.basics.numerals import is_digits
from curate.basics.paths import open_file, read_file
from curate.basics.unwarned import unwarned

Pixels = NDArray[np.uint8]
Kind = TypeVar("Kind", bound=np.generic)

# Suffixes of pictures, the better first, for a picture that is there in several formats. Not all can be read:
# a camera's raw files are reported by name, as images that do not open.
# fmt: off
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".dib", ".webp", ".tif", ".tiff",
    ".jp2", ".ppm", ".pgm", ".pnm", ".avif", ".heic", ".heif", ".hif", ".gif", ".jxl", ".psd",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
)
# fmt: on
_MAX_BYTES = 500_000_000
STACK = "pixels.npy"  # the images of a training set, one array


def rank(path: Path) -> int:
    """The place of a file's suffix among SUFFIXES; their number for any other suffix."""
    suffix = path.suffix.lower()
    return SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)


def probe(path: str | os.PathLike[str]) -> ImageInfo:
    """Size, orientation and format from the header alone.

    Raises
    ------
    UnreadableImage: no such file, or as `image_header.inspect`.
    """
    try:
        with open_file(path) as file:
            return image_header.inspect(path, file)
    except OSError as error:
        raise _unreadable(path, error) from None


def read(path: str | os.PathLike[str], *, grey: bool = False, shrink: int = 1) -> Pixels:
    """The image as displayed: RGB (H, W, 3), or grey (H, W) with `grey`.

    Parameters
    ----------
    shrink: 1, 2, 4 or 8: decode at that fraction of the size where the format can (JPEG); sizes round up.
        Other formats are reduced by area after decoding.

    Raises
    ------
    UnreadableImage: as `probe`, or where the pixels do not decode.
    """
    return decode(load(path), path, grey=grey, shrink=shrink)


def load(path: str | os.PathLike[str]) -> bytes:
    """The file's bytes, for `examine` and `decode`. Raises UnreadableImage: no such file, or too large."""
    try:
        return read_file(path, _MAX_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from None


def examine(data: bytes, where: str | os.PathLike[str]) -> ImageInfo:
    """As `probe`, from bytes; `where` names them in errors."""
    return image_header.inspect(where, io.BytesIO(data))


def decode(
    data: bytes,
    where: str | os.PathLike[str],
    *,
    grey: bool = False,
    shrink: int = 1,
    info: ImageInfo | None = None,
) -> Pixels:
    """As `read`, from bytes; `where` names them in errors, `info` is the result of `examine`, if known."""
    info = examine(data, where) if info is None else info
    if info.format == "JPEG":
        return np.ascontiguousarray(
            _orient(jpeg.decode(data, where, grey=grey, shrink=shrink), info.orientation)
        )
    image = _READERS.get(info.format, _by_opencv)(data, where, grey)
    if shrink > 1:
        image = _reduced_exactly(image, shrink)
    # Both orient TIFF whatever they are told.
    return np.ascontiguousarray(image if info.format == "TIFF" else _orient(image, info.orientation))


def read_mask(path: str | os.PathLike[str]) -> Pixels:
    """A mask file, (H, W) uint8: its grey values or, of a cut-out as other tools write it, its transparency.

    Raises UnreadableImage as `read`.
    """
    data = load(path)
    info = examine(data, path)
    alpha = _transparency(data, info.format)
    if alpha is None or alpha.min() == 255:
        return decode(data, path, grey=True, info=info)
    # Pillow orients TIFF.
    return np.ascontiguousarray(alpha if info.format == "TIFF" else _orient(alpha, info.orientation))


def _transparency(data: bytes, kind: str) -> Pixels | None:
    """The alpha of an image's pixels, as they are stored; None where it has none, or does not decode."""
    if kind == "PNG":
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None or image.shape[2:] != (4,):
            return None
        alpha = image[..., 3]
        return np.asarray(alpha >> 8 if alpha.dtype == np.uint16 else alpha, np.uint8)
    if kind not in ("WEBP", "TIFF"):
        return None
    try:
        with unwarned(), Image.open(io.BytesIO(data)) as stored:
            return np.asarray(stored.getchannel("A")) if "A" in stored.getbands() else None
    except image_header.BROKEN:
        return None


def in_stack(ref: str) -> bool:
    """Whether the `image` of a sample is a row of a training set; else it is a file, whatever its name."""
    return ref.startswith(f"{STACK}#")


def stack_ref(row: int) -> str:
    """The `image` of row `row` of a training set."""
    return f"{STACK}#{row}"


def stack_row(ref: str) -> int | None:
    """The row of a training set that the `image` of a sample names; None if it names none."""
    row = ref.removeprefix(f"{STACK}#")
    return int(row) if in_stack(ref) and is_digits(row) else None


def open_stack(root: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The memory-mapped images of a training set: (N, S, S) or (N, S, S, 3) uint8, never unpickled."""
    path = Path(root) / STACK
    try:
        state = path.stat()
        stack = _map_stack(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError as error:
        raise UnreadableImage(path, str(error), allowed="a uint8 .npy array") from None
    if stack.dtype != np.uint8 or stack.ndim not in (3, 4) or stack.shape[3:] not in ((), (3,)):
        raise UnreadableImage(path, f"{stack.dtype} of shape {stack.shape}", allowed="uint8 (N, S, S[, 3])")
    return stack


@lru_cache(maxsize=4)
def _map_stack(path: Path, _changed: int, _size: int) -> NDArray[Any]:
    """The mapped file; its header is parsed once as long as it stays the same."""
    return open_mapped(path)


def shrink_for(info: ImageInfo, scale: float) -> int:
    """The `shrink` with which to `read` an image that is wanted at `scale` of its size, or larger.

    More than 1 for JPEG alone, as other formats gain nothing, and only where it divides both sides: then
    pixel i of the reduced image covers exactly [shrink * i, shrink * (i + 1)), whatever the orientation.
    """
    if info.format != "JPEG":
        return 1
    fits = (n for n in (8, 4, 2) if n * scale <= 1 and info.width % n == 0 and info.height % n == 0)
    return next(fits, 1)


def cut_square(image: Pixels, corner: tuple[int, int], side: int, size: int) -> Pixels:
    """The square [x, x + side) x [y, y + side) of an image, resized to `size`, as `cut` does it."""
    return cut(image, (*corner, side, side), (size, size))


def cut(
    image: NDArray[Kind], box: tuple[int, int, int, int], size: tuple[int, int], *, labels: bool = False
) -> NDArray[Kind]:
    """The part [x, x + w) x [y, y + h) of an image, resized to `size`.

    A point moves as p' = (p - corner) size / side. Beyond the image, its edge is repeated. To reduce, pixels
    are averaged by area; to enlarge, interpolated (cubic); with `labels`, the nearest one is taken.

    Parameters
    ----------
    box: (x, y, w, h), pixels. size: (width, height), pixels. labels: for masks and depth maps.

    Raises
    ------
    ValueError: the part lies outside the image.
    """
    x, y, w, h = box
    height, width = image.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if left >= right or top >= bottom:
        raise ValueError("the part lies outside the image")
    piece: Any = image[top:bottom, left:right]
    if piece.shape[:2] != (h, w):
        beyond = (top - y, y + h - bottom, left - x, x + w - right)
        piece = cv2.copyMakeBorder(piece, *beyond, borderType=cv2.BORDER_REPLICATE)
    if size != (w, h):
        way = cv2.INTER_AREA if size[0] <= w and size[1] <= h else cv2.INTER_CUBIC
        piece = cv2.resize(piece, size, interpolation=cv2.INTER_NEAREST_EXACT if labels else way)
    return np.ascontiguousarray(piece)


def reduced(image: Pixels, longest: float) -> Pixels:
    """The image at the whole fraction of its size whose longer side comes nearest to `longest`, by area.

    Whole fractions are reduced ten times as fast as others.
    """
    times = max(1, round(max(image.shape[:2]) / longest))
    if times == 1:
        return image
    size = tuple(max(1, round(side / times)) for side in image.shape[1::-1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def pixel_sha256(image: Pixels) -> str:
    """Hash of the decoded pixels and their shape, whatever file held them."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def encode(image: Pixels, suffix: str = ".png", *, quality: int = 95) -> bytes:
    """The image as PNG (lossless), JPEG or WebP bytes, without metadata."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }[suffix]
    done, data = cv2.imencode(suffix, stored, options)
    if not done:
        raise ValueError(f"OpenCV could not write a {image.shape} {image.dtype} image as {suffix}")
    return data.tobytes()


def encode_stencil(mask: Pixels) -> bytes:
    """A mask (H, W) as PNG of one bit a pixel: what is not zero is white, all else transparent."""
    stream = io.BytesIO()
    Image.fromarray(mask > 0).save(stream, "PNG", transparency=0)
    return stream.getvalue()


def write(path: str | os.PathLike[str], image: Pixels, *, quality: int = 95) -> None:
    """Write atomically; the format follows the suffix (.png, .jpg, .webp)."""
    files.write(path, encode(image, Path(path).suffix.lower(), quality=quality))


def _by_opencv(data: bytes, where: str | os.PathLike[str], grey: bool) -> Pixels:
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        if stopping.is_out_of_memory(error):  # nothing is wrong with the image
            raise
        image = None
    if image is None:
        raise UnreadableImage(where, "its pixels cannot be decoded")
    return np.asarray(image if grey else cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _by_pillow(data: bytes, where: str | os.PathLike[str], grey: bool) -> Pixels:
    """The first picture of a file."""
    try:
        with unwarned(), Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except image_header.BROKEN as error:
        raise UnreadableImage(where, f"its pixels cannot be decoded ({error})") from None
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if grey else pixels, np.uint8)


def _of_tiff(data: bytes, where: str | os.PathLike[str], grey: bool) -> Pixels:
    """By OpenCV, unless it is transparent, which OpenCV makes dark; but first by Pillow, as OpenCV only warns
    of damaged strips."""
    image = _by_pillow(data, where, grey)
    with Image.open(io.BytesIO(data)) as header:
        return image if "A" in header.getbands() else _by_opencv(data, where, grey)


_READERS = {"GIF": _by_pillow, "HEIF": _by_pillow, "TIFF": _of_tiff}


def _reduced_exactly(image: Pixels, times: int) -> Pixels:
    size = (-(-image.shape[1] // times), -(-image.shape[0] // times))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _orient(image: Pixels, orientation: int) -> Pixels:
    """Undo EXIF orientation 1..8 (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image


def _unreadable(path: str | os.PathLike[str], error: OSError) -> UnreadableImage:
    if isinstance(error, FileNotFoundError):
        return UnreadableImage(path, "no such image file")
    return UnreadableImage(path, f"cannot be opened ({error.strerror or error})")
