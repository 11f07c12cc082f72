"""Text: JSON, YAML, XML, lines of fields, conditions and arguments."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import yaml

from benchmarks.fuzz import hostile
from benchmarks.fuzz.hostile import Raw


def json_file(rng: Random, content: bytes) -> bytes:
    """JSON, with a place or a few spoilt; now and then a key twice, or in another encoding."""
    written = _written(hostile.tree(rng, json.loads(content)), ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.05:
        written = written.replace("{", '{"version": 1, "version": [],', 1)
    encoding = rng.choice(("utf-8",) * 30 + ("utf-16", "utf-8-sig", "utf-32"))
    return written.encode(encoding, "surrogatepass")


def json_lines(rng: Random, content: bytes) -> bytes:
    """JSON, a value a line."""
    spoilt = hostile.tree(rng, [json.loads(line) for line in content.splitlines()])
    lines = spoilt if isinstance(spoilt, list) else [spoilt]
    return "\n".join(_written(line, ensure_ascii=False) for line in lines).encode("utf-8", "surrogatepass")


_YAML_RAW = (
    "0x_",
    "2001-13-45",
    "2001-01-01",
    "!!int x",
    "!!timestamp x",
    "!!float _",
    "!!binary =",
    "!!python/object/apply:os.system [touch executed]",
    "!!set {a, b}",
    "*missing",
    "&a [*a]",
    "190:20:30",
    ".nan",
    ".inf",
    "0b_",
    "0o9",
    "<<: {a: 1}",
    "? a",
    "yes",
    "~",
    "=",
    "9" * 5000,
    "'a\n  b'",
    '"\\ud800"',
    '"\\0"',
    "[" * 900 + "]" * 900,
    "{a: {a: {a: {a: [1]}}}}",
)


_BOMB = "".join(f"{'&' + chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}], " for n in range(9))


def yaml_file(rng: Random, content: bytes) -> bytes:
    """YAML, in the flow style that JSON is a part of, with scalars and aliases that only YAML knows."""

    def make(rng: Random) -> Any:
        kind = rng.random()
        if kind < 0.05:
            return Raw(f"[&a [x, x, x, x, x, x, x, x, x], {_BOMB}]")
        return Raw(rng.choice(_YAML_RAW)) if kind < 0.4 else hostile.value(rng)

    if rng.random() < 0.2:
        return hostile.text(rng, content.decode(), ": ,[").encode("utf-8", "surrogatepass")
    tree = hostile.tree(rng, yaml.safe_load(content), make)
    return _written(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _written(tree: Any, *, ensure_ascii: bool) -> str:
    raw: list[str] = []

    def held(value: Any) -> str:
        text = value.text if isinstance(value, Raw) else str(value)
        raw.append(text)
        return f"raw {len(raw) - 1} text"

    written = json.dumps(tree, default=held, ensure_ascii=ensure_ascii)
    for number, text in enumerate(raw):
        written = written.replace(f'"raw {number} text"', text, 1)
    return written


_DOCTYPES = (
    "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
    "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
    f"<!DOCTYPE a [<!ENTITY a SYSTEM '{hostile.SECRET}'>]>",
)


def xml_file(rng: Random, content: bytes) -> bytes:
    """XML, with a tag, an attribute, a text or an element spoilt; now and then with a document type, or in
    another encoding."""
    kind = rng.random()
    if kind < 0.2:
        return _encoded(rng, hostile.text(rng, content.decode(), '<>"& '))
    text = _as_xml(hostile.tree(rng, _as_tree(ElementTree.fromstring(content))))
    head = (
        rng.choice(_DOCTYPES) if kind < 0.25 else "<" + "a><" * rng.choice((40, 9000)) if kind < 0.27 else ""
    )
    return _encoded(rng, head + text)


def _as_tree(element: ElementTree.Element) -> list[Any]:
    return [element.tag, dict(element.attrib), element.text or "", [_as_tree(below) for below in element]]


def _as_xml(tree: Any) -> str:
    """An element of `_as_tree`, whatever has become of it."""
    if not (isinstance(tree, list) and len(tree) == 4 and isinstance(tree[1], dict)):
        return escape(_plain(tree))
    tag, attributes, text, below = tree
    told = "".join(f" {_plain(key)}={quoteattr(_plain(value))}" for key, value in attributes.items())
    inner = "".join(map(_as_xml, below)) if isinstance(below, list) else _plain(below)
    return f"<{_plain(tag)}{told}>{escape(_plain(text))}{inner}</{_plain(tag)}>"


def _plain(value: Any) -> str:
    return value.text if isinstance(value, Raw) else str(value)[:200_000]


def spaced(rng: Random, content: bytes) -> bytes:
    """Lines of fields with spaces between."""
    return _encoded(rng, hostile.text(rng, content.decode(), " "))


def csv(rng: Random, content: bytes) -> bytes:
    """Lines of fields with commas between."""
    return _encoded(rng, hostile.text(rng, content.decode(), ","))


def tabbed(rng: Random, content: bytes) -> bytes:
    """Lines of fields with tabs between."""
    return _encoded(rng, hostile.text(rng, content.decode(), "\t"))


def _encoded(rng: Random, text: str) -> bytes:
    encoding = rng.choice(("utf-8",) * 20 + ("utf-16", "utf-8-sig", "latin-1"))
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


_CONDITIONS = (
    "(" * 900 + "side" + ")" * 900,
    "not " * 400 + "side == 1",
    " or ".join(["side == 'left'"] * 120),
    "side == 'a'.join(['b'])",
    "__import__('os').system('touch executed')",
    "[x for x in [1]] == side",
    "side == " + "9" * 1500,
    "attrs.age > 10 ** 10 ** 10",
    "labelled in " + "[" * 300 + "]" * 300,
    "attrs['__class__'] == 1",
    "width == -9" + "9" * 400 + " or height < 1e999",
    "side in {'left', None} and keypoints == 1",
    "f'{side}' == side",
    "side == b'left'",
    "(side := 1) == 1",
    "lambda: side",
    "attrs.age == 1j",
    "side < [1, 'a', None]",
    "age\n== 30",
    "# side == 1",
)


def condition(rng: Random, content: bytes) -> bytes:
    """A condition of `curate select`."""
    if rng.random() < 0.4:
        return rng.choice(_CONDITIONS).encode()
    return hostile.text(rng, content.decode(), " .'[,=").encode("utf-8", "surrogatepass")


_ARGUMENTS = (
    "0",
    "1",
    "3",
    "7.5",
    "1e3",
    "-0.1",
    "0.99",
    "1.0",
    "33",
    "4096",
    "1,2",
    "0:9",
    "tilt=0..45",
    "#00f",
)


def argument(rng: Random, _content: bytes) -> bytes:
    """What somebody may type behind an option."""
    drawn = rng.choice((*_ARGUMENTS, *hostile.TEXTS, *hostile.NUMBERS))
    return str(drawn).encode("utf-8", "surrogatepass")
