"""Lists of numbers become bytes of float32 and arrays; what is none is left as it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.parts.packed_numbers import NOTHING, is_packed, pack, stack


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


@given(st.lists(st.lists(st.floats(-1e30, 1e30) | st.integers(-(2**53), 2**53), min_size=6, max_size=6)))
def test_plain_numbers_are_packed_as_numpy_rounds_them(rows: list[list[float]]) -> None:
    packed = pack([raw(row) for row in rows], 6)
    assert all(map(is_packed, packed))
    expected = np.array(rows, np.float64).astype(np.float32).reshape(-1, 2, 3)
    np.testing.assert_array_equal(stack(packed, (2, 3), np.float32), expected)


def test_a_number_beyond_float32_is_infinite() -> None:
    (packed,) = pack([raw([1e300, -1e300])], 2)
    np.testing.assert_array_equal(stack([packed], (2,), np.float32), [[np.inf, -np.inf]])


def test_what_is_no_plain_list_of_so_many_is_left() -> None:
    values: list[Any] = [[1.0, 2.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [], None]
    assert pack([raw(value) for value in values], 6) == values
    assert pack([NOTHING], 6) == [None]


@pytest.mark.parametrize("value", [["1", 2], [None, 1], "AAAA", {"x": 1}, [True, 1], [[1, [2]]], 3])
def test_what_holds_no_numbers_is_refused(value: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        pack([raw(value)], 2)


def test_rows_of_all_kinds_in_one_stack() -> None:
    (packed,) = pack([raw([1, 2, 3, 4, 5, 6])], 6)
    rows = [packed, [[1, 2, 3], [4, 5, 6]], [1, 2, 3, 4, 5, 6], None, [1, 2]]
    found = stack(rows, (2, 3), np.float32)
    np.testing.assert_array_equal(found[:3], [[[1, 2, 3], [4, 5, 6]]] * 3)
    assert np.isnan(found[3:]).all()
