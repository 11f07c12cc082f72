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
        ("a: !!timestamp x", "does not fit its type"),
        ("a: !!bool x", "does not fit its type"),
        ("a: !!float _", "does not fit its type"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("[" * 5000, "nested too deeply"),
        ("a: [", "parsing"),
        ("#" * 300_000, "larger than 200,000 bytes"),
        ("a: \ud800", "not in UTF-8: save it as UTF-8"),
        ("seed: 1\ncount: 3\nseed: 2", "the key 'seed' twice, in lines 1 and 3"),
        ('a:\n  b: {c: 1, d: 2,\n      "c": 1}', "the key 'c' twice, in lines 2 and 3"),
        ("1: a\n0x1: b", "the key '1' twice, in lines 1 and 2"),
        ("<<: {a: 1}\n<<: {b: 1}", "the key '<<' twice, in lines 1 and 2"),
        ("<<: {a: 1, a: 2}", "the key 'a' twice, in lines 1 and 1"),
        ("? [a]\n: 1\n? [a]\n: 2", "unhashable"),
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


def test_the_same_key_in_several_tables_is_no_repetition() -> None:
    assert yaml_text.parse(b"a: {x: 1}\nb: {x: 2}\nx: [{x: 3}, {x: 4}]") == {
        "a": {"x": 1},
        "b": {"x": 2},
        "x": [{"x": 3}, {"x": 4}],
    }
    assert yaml_text.parse(b"<<: {a: 1, b: 1}\na: 2") == {"a": 2, "b": 1}


def test_another_encoding_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("size: 96", "utf-16")
    with pytest.raises(InputError, match=r"of settings \(not in UTF-8: save it as UTF-8\)$"):
        settings.load(tmp_path / "a.yaml")


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="not a regular file"):
        settings.load(tmp_path / "a.yaml")
