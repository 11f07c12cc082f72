"""Licences as the Hub and Croissant name them."""

from __future__ import annotations

import pytest

from converters.parts import licences


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("CC-BY-NC 4.0", "cc-by-nc-4.0"),
        ("MIT", "mit"),
        ("Apache-2.0", "apache-2.0"),
        ("CC0", "cc0-1.0"),
        ("CC BY-NC", "other"),
        ("research only, no commercial use", "other"),
        ("CC BY 4.0 for the pictures, else ask", "other"),
    ],
)
def test_short_names(text: str, name: str) -> None:
    assert licences.short_name(text) == name


def test_pages() -> None:
    assert licences.page("CC BY-NC 4.0") == "https://creativecommons.org/licenses/by-nc/4.0/"
    assert licences.page("ask the author") == "ask the author"
