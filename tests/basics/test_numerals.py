"""The one reading of numbers that people type and files hold."""

from __future__ import annotations

import pytest

from curate.basics.numerals import as_number, as_whole, is_digits

FOREIGN = ["1_0", "٣", "１２", "²"]


def test_numbers_are_read() -> None:
    assert [as_whole("-3"), as_number("0.5"), as_number("1e3"), as_number(b"2")] == [-3, 0.5, 1000.0, 2.0]
    assert is_digits("07")


@pytest.mark.parametrize("text", [*FOREIGN, "", "a"])
def test_what_only_python_has_in_numbers_is_none(text: str) -> None:
    for read in (as_number, as_whole):
        with pytest.raises(ValueError, match=r"could not|invalid"):
            read(text)
    assert not is_digits(text)
    assert not is_digits("9" * 5000)
