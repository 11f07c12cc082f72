"""Numbers as people are told them."""

from __future__ import annotations

import pytest

from curate.basics.wording import counted, verb


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 samples have, 0 people, 0 boxes"),
        (1, "1 sample has, 1 person, 1 box"),
        (2, "2 samples have, 2 people, 2 boxes"),
        (1500, "1,500 samples have, 1,500 people, 1,500 boxes"),
    ],
)
def test_what_is_counted_agrees_with_its_number(count: int, told: str) -> None:
    has, people = verb(count, "has", "have"), counted(count, "person", "people")
    assert f"{counted(count, 'sample')} {has}, {people}, {counted(count, 'box', 'boxes')}" == told
