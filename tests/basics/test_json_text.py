"""JSON of strangers: what Python's own reader lets through is refused, in a line."""

from __future__ import annotations

import pytest

from curate.basics import json_text


def test_values_come_back() -> None:
    assert json_text.parse(b'{"a": [1, 2.5, null, "\\u00e9\\ud83d\\ude00"]}') == {"a": [1, 2.5, None, "é😀"]}
    assert json_text.parse('"text"') == "text"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": "\\ud800"}', "not valid Unicode"),
        (b'{"\\udcff": 1}', "not valid Unicode"),
        (b'"\xff"', "not valid Unicode"),
        (b"[" * 200_000, "deeply"),
        (b"[" * 900 + b"]" * 900, "deeply"),
        (b'{"a": ' * 101 + b"1" + b"}" * 101, "deeply"),
        (b"9" * 5000, "digits"),
        (b"[-1e999]", "-1e999 is too large a number"),
        (b"{", "line 1"),
        (b"", "line 1"),
    ],
)
def test_what_is_no_json(data: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        json_text.parse(data)
    assert "\n" not in str(caught.value)
