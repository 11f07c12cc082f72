"""Records that are all alike are found at once, with the content that reading one by one gives."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.parts import pickled_records, safe_pickle
from curate.basics.errors import InputError

SHAPES = {"xyz": (42, 3), "K": (3, 3)}
KIND = np.dtype(np.float32)
FIRST = 40  # at most so many records come before one that is like all behind it


def table(numbers: Any) -> dict[int, dict[str, Any]]:
    rng = np.random.default_rng(0)
    return {
        n: {name: rng.random(shape).astype(KIND) for name, shape in SHAPES.items()} for n in map(int, numbers)
    }


def by_one(path: Path) -> dict[Any, Any]:
    """Each array by the reader of any pickle."""
    return {
        number: {name: safe_pickle.stack([record[name]], shape)[0] for name, shape in SHAPES.items()}
        for number, record in safe_pickle.load(path).items()
    }


def at_once(path: Path) -> dict[Any, Any]:
    content, records = safe_pickle.load_records(path, SHAPES)
    found = {
        number: {name: safe_pickle.stack([record[name]], shape)[0] for name, shape in SHAPES.items()}
        for number, record in content.items()
    }
    rows = list(records.row_of.values())
    stacked = {name: records.stack(name, rows) for name in SHAPES} if rows else {}
    return found | {
        number: {name: arrays[i] for name, arrays in stacked.items()}
        for i, number in enumerate(records.row_of)
    }


def same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(array, other[number][name])
        for number, record in one.items()
        for name, array in record.items()
    )


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("count", [100, 1000, 1001, 3500])
def test_all_but_the_first_are_found(count: int, protocol: int, tmp_path: Path) -> None:
    numbers = [*range(count - 2), 70_000, 2**31 - 1]  # of one, two and four bytes
    content = table(numbers)
    data = pickle.dumps(content, protocol)
    found = pickled_records.find(data)
    assert found is not None
    assert len(found.keys) > count - FIRST
    assert len(found.first) < len(data) * FIRST / count
    (tmp_path / "a").write_bytes(data)
    assert same(at_once(tmp_path / "a"), content)


def test_in_any_order_and_in_the_order_of_fortran(tmp_path: Path) -> None:
    content = table(np.random.default_rng(1).permutation(400))
    for record in content.values():
        record["xyz"] = np.asfortranarray(record["xyz"])
    (tmp_path / "a").write_bytes(pickle.dumps(content, 3))
    assert len(safe_pickle.load_records(tmp_path / "a", SHAPES)[1].row_of) > 400 - FIRST
    assert same(at_once(tmp_path / "a"), content)


def _with_another_shape(content: dict[int, Any]) -> None:
    content[150]["xyz"] = np.zeros((3, 42), KIND)


def _with_another_type(content: dict[int, Any]) -> None:
    content[150]["xyz"] = content[150]["xyz"].astype(">f4")


def _with_a_shared_array(content: dict[int, Any]) -> None:
    content[150]["K"] = content[149]["K"]


def _with_a_field_more(content: dict[int, Any]) -> None:
    content[150]["more"] = 1


def _with_another_at_the_end(content: dict[int, Any]) -> None:
    del content[199]["K"]


@pytest.mark.parametrize(
    "change",
    [
        _with_another_shape,
        _with_another_type,
        _with_a_shared_array,
        _with_a_field_more,
        _with_another_at_the_end,
    ],
)
def test_a_record_of_another_form_leaves_all_to_the_reader_of_any_pickle(change: Any, tmp_path: Path) -> None:
    content = table(range(200))
    change(content)
    (tmp_path / "a").write_bytes(pickle.dumps(content, 3))
    loaded, records = safe_pickle.load_records(tmp_path / "a", SHAPES)
    assert (len(loaded), len(records.row_of)) == (200, 0)


@pytest.mark.parametrize(
    "content",
    [
        {"a": table(range(100))},
        [table(range(100))],
        {str(n): record for n, record in table(range(100)).items()},
        {n: {"xyz": 1} for n in range(100)},
        table(range(1)),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_what_is_no_table_of_many_records(content: Any, protocol: int) -> None:
    assert pickled_records.find(pickle.dumps(content, protocol)) is None


def test_other_shapes_than_asked_for_are_read_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pickle.dumps(table(range(100)), 3))
    for shapes in ({"xyz": (3, 42)}, {"other": (42, 3)}):
        loaded, records = safe_pickle.load_records(tmp_path / "a", shapes)
        assert (len(loaded), len(records.row_of)) == (100, 0)


def test_of_two_records_of_one_number_the_last_counts(tmp_path: Path) -> None:
    data = pickle.dumps(table(range(200)), 3)
    (tmp_path / "a").write_bytes(data.replace(b"K\x97}", b"K\x96}"))  # 151 is called 150
    assert same(by_one(tmp_path / "a"), at_once(tmp_path / "a"))
    assert len(at_once(tmp_path / "a")) == 199


DATA = pickle.dumps(table(range(60)), 3)


@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_spoilt_pickle_gives_the_same_either_way(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(DATA)
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "spoilt"
    path.write_bytes(data)

    def outcome(read: Any) -> Any:
        try:
            return {
                number: {name: array.tobytes() for name, array in record.items()}
                for number, record in read(path).items()
            }
        except InputError as error:
            return str(error)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return type(error)

    assert outcome(by_one) == outcome(at_once)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert pickled_records.find(b"\x80\x03}q\x00(" + data) is None


def test_a_huge_argument_is_not_believed() -> None:
    for instruction in (b"\x8e", b"\x96", b"\x8b", b"B"):
        assert pickled_records.find(b"\x80\x04}\x94(" + instruction + b"\xff" * 7 + b"\x7f") is None
