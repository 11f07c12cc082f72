"""Pickles that would crash or stop the process are refused before they are read."""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.parts import safe_pickle
from curate.basics import pickle_scan
from curate.basics.errors import InputError, UnsafeInput

PAIRS = b"2\x86"
HOSTILE = {
    "nested tuples as a key": b"\x80\x02})" + b"\x85" * 200_000 + b"K\x01s.",
    "pairs that hold each other": b"\x80\x02})" + PAIRS * 40 + b"K\x01s.",
    "pairs by marks": b"\x80\x02})" + b"".join(b"q%c((h%ch%ctt" % (i, i, i) for i in range(40)) + b"K\x01s.",
    "remembered in order": b"\x80\x04})"
    + b"".join(b"\x940h%ch%c\x86" % (i, i) for i in range(40))
    + b"K\x01s.",
    "by lines": b"}()" + b"".join(b"p%d\n0g%d\ng%d\n\x86" % (i, i, i) for i in range(40)) + b"I1\ns.",
    "kept through BUILD": b"\x80\x02})" + (PAIRS + b"Nb") * 40 + b"K\x01s.",
    "in two ways": b"\x80\x04N\x94N\x94N\x94N\x94)q\x04K\x01\x85\x94.",
    "sets": b"\x80\x04\x8f.",
    "a class": b"\x80\x02cbuiltins\nlist\n)\x81.",
    "a far place": b"\x80\x02Nr\x00\x00\x00\x20.",
    "a number of 5000 digits": pickle.dumps({10**5000: 1}),
    "the same in letters": b"}L" + b"9" * 5000 + b"L\nI1\ns.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles(name: str, tmp_path: Path) -> None:
    with pytest.raises(pickle_scan.Suspicious):
        pickle_scan.check(HOSTILE[name])
    path = tmp_path / "a.pickle"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(UnsafeInput, match=r"a\.pickle: a pickle with"):
        safe_pickle.load(path)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x02", b"0.", b"a.", b"\x86.", b"t.", b"2.", b"F1"])
def test_what_ends_before_its_end(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cut off"):
        pickle_scan.check(data)
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError):
        safe_pickle.load(tmp_path / "a")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=3) | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=30,
)


@given(PLAIN, st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_plain_values_pass(value: Any, protocol: int) -> None:
    pickle_scan.check(pickle.dumps(value, protocol))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_pass(protocol: int, tmp_path: Path) -> None:
    table = {i: {"xyz": np.arange(126.0).reshape(42, 3), "K": np.eye(3)} for i in range(3)}
    (tmp_path / "a").write_bytes(pickle.dumps(table, protocol))
    loaded = safe_pickle.load(tmp_path / "a")
    stacked = safe_pickle.stack([loaded[i]["xyz"] for i in range(3)], (42, 3))
    np.testing.assert_array_equal(stacked, np.stack([table[i]["xyz"] for i in range(3)]))


@given(st.binary(max_size=200))
def test_any_bytes_end(data: bytes) -> None:
    try:
        pickle_scan.check(data)
    except (ValueError, pickle_scan.Suspicious):
        return
    assert data.find(b".") >= 0


def test_every_instruction_is_known_or_refused() -> None:
    """Those of the list that a pickle of arrays or tensors has no use for."""
    refused = {op.name for op in pickletools.opcodes if pickle_scan._TABLE[ord(op.code)] is None}
    assert refused == {
        *("EMPTY_SET", "ADDITEMS", "FROZENSET", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    }
