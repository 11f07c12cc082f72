"""Arrays in files: mapped as they are, and what is no array refused in a line."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from curate.basics.arrays import open_mapped


def test_an_array_comes_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.float16).reshape(2, 3))
    assert open_mapped(tmp_path / "a.npy").tolist() == [[0, 1, 2], [3, 4, 5]]


def head(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"PK\x03\x04 a zip",
        head("[" * 900),
        head("(" * 90 + "1"),
        head("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 5)}"),
        head("{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
        head("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
        head("{'descr': '', 'fortran_order': False, 'shape': (1,)}"),
        head("{'descr': [('a', 'x' * 5)], 'fortran_order': 0, 'shape': 3}"),
        head("{'descr': '|u1', 'fortran_order': False, 'shape': ('a',)}"),
        head("__import__('os').abort()"),
    ],
)
def test_what_is_no_array(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ValueError, match=r".") as caught:
        open_mapped(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)
    assert "0x" not in str(caught.value)  # an address, another one each time


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npy")
    for name in ("a.npy", "b.npy"):
        with pytest.raises(OSError, match=r"not a regular file|No such file"):
            open_mapped(tmp_path / name)
