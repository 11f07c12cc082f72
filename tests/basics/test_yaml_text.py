"""YAML from strangers: values, or one line that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.basics import settings, yaml_text
from curate.basics.errors import InputError

BOMB = "z: [&a [y,y,y,y,y,y,y,y,y]" + "".join(
    f",&{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{BOMB}]", "an alias in line 1; write its value out"),
        ("a: &x [*x]", "an alias"),
        ("a: 0x_", "invalid literal"),
        ("a: 2001-13-45", "month must be in 1..12"),
        (f"a: {'9' * 5000}", "digits"),
        (f"a: 0x{'f' * 5000}", "very many digits in line 1"),
        ("a: 1" + ":59" * 50, "very many digits"),
        ("a: !!int x", "invalid literal"),
        ("a: !!timestamp x", "none of its type"),
        ("a: !!bool x", "none of its type"),
        ("a: !!float _", "none of its type"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("[" * 5000, "nested too deeply"),
        ("a: [", "parsing"),
        ("#" * 300_000, "larger than 200,000 bytes"),
        ("a: \ud800", "utf-8"),
    ],
)
def test_what_is_no_yaml_of_values(text: str, why: str, tmp_path: Path) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with pytest.raises(ValueError, match=why):
        yaml_text.parse(data)
    (tmp_path / "a.yaml").write_bytes(data)
    with pytest.raises(InputError) as told:
        settings.load(tmp_path / "a.yaml")
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 600


def test_what_is() -> None:
    told = yaml_text.parse(b"\xef\xbb\xbfa: [1, 2.5, yes, x]\nb: {c: 0x1f}\nd: &anchor 1\ne: 2001-12-31\n")
    assert told["a"] == [1, 2.5, True, "x"]
    assert (told["b"], told["d"]) == ({"c": 31}, 1)
    assert yaml_text.parse(b"") is None


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="no regular file"):
        settings.load(tmp_path / "a.yaml")
