"""MATLAB's files: what SciPy writes is read as it was, and what is spoilt is refused in one line."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from converters.parts import mat_files
from curate.basics.errors import InputError
from curate.basics.paths import Places


def load(path: Path, *names: str) -> list[Any]:
    return mat_files.load(path, Places([path.parent]), *names)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_numbers_come_back_as_they_were(tmp_path: Path, kind: str, packed: bool) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    savemat(tmp_path / "a.mat", {"other": {"x": 1}, "values": values}, do_compression=packed)
    (found,) = load(tmp_path / "a.mat", "values")
    assert found.dtype.itemsize == values.dtype.itemsize
    np.testing.assert_array_equal(found, values)


def test_text_is_a_string_a_row(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"names": ["images/0.jpg", "é.jpg"], "n": 3.0})
    names, number = load(tmp_path / "a.mat", "names", "n")
    assert (names.tolist(), number.tolist()) == (["images/0.jpg", "é.jpg"], [[3.0]])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(200), "a MATLAB file of version 7.3"),
        (b"\x89HDF\r\n\x1a\n".ljust(200), "a MATLAB file of version 7.3"),
        (b"nothing".ljust(200), "not a MATLAB file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=found):
        load(tmp_path / "a.mat", "values")


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")


def array(sides: tuple[int, ...], data: bytes, *, of: int = 6, stored: int = 9) -> bytes:
    shape = struct.pack(f"<{len(sides)}i", *sides)
    head = element(6, struct.pack("<II", of, 0)) + element(5, shape) + element(1, b"x")
    return element(14, head + element(stored, data))


def compressed(data: bytes) -> bytes:
    packed = zlib.compress(data)
    return struct.pack("<II", 15, len(packed)) + packed


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (array((2, 2), bytes(24)), "3 numbers for an array of 2 x 2"),
        (array((2**31 - 1, 2**31 - 1), bytes(8)), "1 number for an array of 2147483647"),
        (array((-1, 1), bytes(8)), "without data or sides"),
        (array((1, 1), bytes(8), of=1), "not an array of real numbers or text"),
        (array((1, 1), bytes(8), stored=99), "numbers of an unknown type"),
        (array((1, 1), b"\0\xd8", of=4, stored=4), "text in an unknown encoding"),
        (array((1, 1), b"x", of=4, stored=9), "text in an unknown encoding"),
        (array((1, 3), b"\0\0", of=4, stored=4), "text that does not fit its array"),
        (array((1, 1), bytes(8))[:-9], "cut off"),
        (struct.pack("<II", 15, 4) + b"junk", "damaged compressed data"),
        (compressed(b""), "no array 'x'"),
        (element(14, b""), "an array without its header"),
        (b"", "no array 'x'"),
    ],
)
def test_what_is_spoilt_is_refused(tmp_path: Path, body: bytes, found: str) -> None:
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\0\1IM" + body)
    with pytest.raises(InputError, match=found):
        load(tmp_path / "a.mat", "x")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat_files, "MAX_BYTES", 10_000)
    body = compressed(array((1, 5000), bytes(40_000)))
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\0\1IM" + body)
    with pytest.raises(InputError, match="compressed data of more than 10000 bytes"):
        load(tmp_path / "a.mat", "x")
