"""Large JSON objects read piece by piece: the same lists as when read at once."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.parts import json_pieces

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(['"', "\\", '\\"', "}, {", "]"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=4), values, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=6) | VALUES,
    min_size=1,
    max_size=4,
)


@pytest.fixture(autouse=True, scope="module")
def _small() -> Any:
    """Pieces of a few elements, from blocks that end anywhere."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_pieces, "PIECE", 40)
        patched.setattr(json_pieces, "_BLOCK", 61)
        yield


def _opened(text: bytes) -> Any:
    return io.BufferedReader(io.BytesIO(text))  # type: ignore[arg-type]


def test_pieces_by_hand() -> None:
    a, b, c, d = ({"id": number, "name": "}, {" * 4} for number in range(4))
    file = _opened(json.dumps({"info": "x", "images": [], "annotations": [a, b, c, d]}).encode())
    images, annotations = json_pieces.members(file)
    assert (images.name, [json.loads(piece) for piece in images.pieces(file)]) == ("images", [[]])
    # Each is 34 bytes long: after two of them 40 are over.
    assert [json.loads(piece) for piece in annotations.pieces(file)] == [[a, b], [c, d]]
    assert json.loads(annotations.value(file)) == [a, b, c, d]


def test_a_piece_stands_between_what_it_is_asked_to() -> None:
    file = _opened(
        json.dumps({"annotations": [{"id": "of forty bytes and more than that"}, {}]}, indent=1).encode()
    )
    (annotations,) = json_pieces.members(file)
    first, second = annotations.pieces(file, b'{"a":[', b'],"b":0}')
    assert json.loads(first) == {"a": [{"id": "of forty bytes and more than that"}], "b": 0}
    assert json.loads(second) == {"a": [{}], "b": 0}


def test_elements_without_a_comma_between_pieces_are_refused() -> None:
    file = _opened(b'{"annotations": [{"id": "of forty bytes and more than that"} {"id": 2}]}')
    (annotations,) = json_pieces.members(file)
    with pytest.raises(ValueError, match="comma"):
        list(annotations.pieces(file))


@given(OBJECTS, st.booleans(), st.sampled_from([None, 1]))
def test_all_pieces_together_are_the_list(
    content: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(content, ensure_ascii=ascii_only, indent=indent)
    file = _opened(text.encode("utf-8", "surrogatepass"))
    wanted = {name: value for name, value in content.items() if isinstance(value, list | dict)}
    try:
        found = json_pieces.members(file)
    except ValueError:  # no list at all, or text between lists that no block holds, or that is no Unicode
        assert not wanted or len(text) > 61 or not text.isascii()
        return
    assert [member.name for member in found] == list(wanted)
    for member in found:
        assert json.loads(member.value(file)) == wanted[member.name]
        if isinstance(wanted[member.name], list):
            pieces = [json.loads(piece) for piece in member.pieces(file)]
            assert [one for piece in pieces for one in piece] == wanted[member.name]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'[{"a": []}]',
        b'{"a": 1}',
        b'{"a": [1, 2}',
        b'{"a": [], "a": []}',
        b'{"a": [] "b": []}',
        b'{"a": []} {',
        b'{"a": []]',
        b'{"a: []}',
        b"\x00" * 200,
    ],
)
def test_what_is_no_object_of_lists_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_pieces.members(_opened(text))


def test_a_list_with_a_flaw_is_still_one_in_its_piece() -> None:
    file = _opened(b'{"a": [{"x": 1},, {"x": 2}, ]}')
    (member,) = json_pieces.members(file)
    for piece in member.pieces(file):
        with pytest.raises(ValueError, match=r"."):
            json.loads(piece)
