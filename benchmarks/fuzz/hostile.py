"""Hostile values, and how a tree of values, a text or plain bytes is spoilt with them.

All is drawn from the `random.Random` that is given: the same state, the same spoilt input.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

# A path of each kind that leads out; SECRET lies beside the sources, and nothing may carry it away.
SECRET = "secret.png"
PATHS = (
    f"../{SECRET}",
    f"../../{SECRET}",
    f"../outside/{SECRET}",
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/environ",
    "..",
    ".",
    "/",
    "~/x.jpg",
    "C:\\x.jpg",
    "a\\..\\..\\b.jpg",
    "file:///etc/passwd",
    "https://example.org/x.jpg",
    "data:image/png;base64,AAAA",
    "a/" * 3000 + "b.jpg",
    "%2e%2e/%00.jpg",
    "hand#1.jpg",
    "pixels.npy#0",
    "pixels.npy#-1",
    "pixels.npy#99999999999999999999",
    "images.npz#x",
)
TEXTS = (
    "",
    " ",
    "\0",
    "\n",
    "\x1b[31mred\x07\x1b]0;t\x07",
    "\x9b31m",
    "\u202egpj.exe",
    "\ud800",
    "\udcff",
    "\ufeff",
    "\U0010ffff",
    "=1+1|' /C calc'!A0",
    "</script><img src=x onerror=alert(1)>",
    "a" * 300,
    "ä" * 70_000,
    "nan",
    "inf",
    "-1",
    "1e999",
    "0x10",
    "1_000",
    "null",
    "true",
    "left",
    "wrist",
    "٣",
    "{}",
    "%s%n",
    "{0.__class__}",
)
NUMBERS = (
    0,
    -1,
    1,
    2,
    3,
    21,
    255,
    65_536,
    2**31 - 1,
    2**31,
    -(2**31),
    2**32,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e10,
    1e38,
    1e39,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
)


@dataclass(frozen=True)
class Raw:
    """Text that stands in the file as it is, where a value would be written."""

    text: str


def value(rng: Random) -> Any:
    """A hostile value that a JSON or YAML file can hold."""
    return rng.choice(_KINDS)(rng)


def _container(rng: Random) -> Any:
    inner = rng.choice((*NUMBERS, *TEXTS, None, True))
    at_most = 10**7 // len(repr(inner))  # a hundred thousand of the longest text would fill the memory
    return rng.choice(
        (
            list,
            dict,
            lambda: [[]],
            lambda: [inner],
            lambda: [None] * rng.randrange(1, 70),
            lambda: [inner] * rng.randrange(1, 70),
            lambda: [inner] * min(100_000, at_most),
            lambda: {"": inner},
            lambda: {str(key): inner for key in range(min(20_000, at_most))},
            lambda: [[inner, inner], [inner]],
            lambda: Raw("[" * (depth := rng.choice((50, 900, 200_000))) + "]" * depth),
            lambda: Raw('{"a":' * (depth := rng.choice((50, 900, 100_000))) + "1" + "}" * depth),
        )
    )()


_KINDS: tuple[Callable[[Random], Any], ...] = (
    lambda rng: rng.choice(NUMBERS),
    lambda rng: rng.choice(NUMBERS),
    lambda rng: rng.choice(TEXTS),
    lambda rng: rng.choice(PATHS),
    lambda rng: rng.choice((None, True, False)),
    lambda rng: rng.choice((Raw("9" * 5000), Raw("1e999"), Raw("-"), Raw("NaN"), Raw("0" * 99 + "1"))),
    lambda rng: rng.randrange(-(2 ** rng.randrange(1, 70)), 2 ** rng.randrange(1, 70)),
    lambda rng: rng.uniform(-1, 1) * 10 ** rng.randrange(-3, 9),
    _container,
)

Node = tuple[Any, Any]  # a container, and a key or an index in it


def tree(rng: Random, root: Any, make: Callable[[Random], Any] = value) -> Any:
    """A copy of a tree of dicts and lists that is spoilt in one place, or in a few.

    Parameters
    ----------
    make: draws a hostile value.
    """
    holder = [copy.deepcopy(root)]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        nodes = list(_nodes(holder))
        # Lists of hundreds of coordinates would have nearly all of the draws.
        place, key = rng.choice(nodes if rng.random() < 0.4 else _rare(rng, nodes))
        _spoil(rng, place, key, nodes, make)
    return holder[0]


def _nodes(place: Any) -> Iterator[Node]:
    items = place.items() if isinstance(place, dict) else enumerate(place) if isinstance(place, list) else ()
    for key, inner in list(items):
        yield place, key
        yield from _nodes(inner)


def _rare(rng: Random, nodes: list[Node]) -> list[Node]:
    """The places of one key, whatever its name: each key is as likely as the next."""
    keys = sorted({str(key) for _, key in nodes if isinstance(key, str)})
    if not keys:
        return nodes
    chosen = rng.choice(keys)
    return [node for node in nodes if str(node[1]) == chosen]


def _spoil(rng: Random, place: Any, key: Any, nodes: list[Node], make: Callable[[Random], Any]) -> None:
    old = place[key]
    kind = rng.random()
    if kind < 0.5:
        place[key] = make(rng)
    elif kind < 0.6:
        other, there = rng.choice(nodes)
        if isinstance(other, dict) or there < len(other):
            place[key] = copy.deepcopy(other.get(there) if isinstance(other, dict) else other[there])
    elif kind < 0.72:
        del place[key]
        if not place and isinstance(place, list):
            place.append(make(rng))
    elif kind < 0.8 and isinstance(old, int | float) and not isinstance(old, bool):
        place[key] = rng.choice((-old, old + 1, old * 1000, old + 0.5, str(old), [old]))
    elif kind < 0.86 and isinstance(place, list):
        place.insert(key, copy.deepcopy(old))
    elif kind < 0.92 and isinstance(place, dict):
        place[rng.choice((*TEXTS[:16], f"{key} ", str(key).upper(), str(key)[:-1]))] = place.pop(key)
    elif kind < 0.96:
        place[key] = [old]
    elif isinstance(place, dict):
        place[rng.choice(("extra", *TEXTS[:16]))] = make(rng)
    elif isinstance(old, list | dict):
        old.clear()


def text(rng: Random, content: str, separators: str) -> str:
    """A text of fields and lines that is spoilt in one place, or in a few."""
    lines = content.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        kind = rng.random()
        if kind < 0.6:
            separator = rng.choice(separators)
            fields = lines[at].split(separator)
            _spoil_fields(rng, fields)
            lines[at] = separator.join(fields)
        elif kind < 0.7:
            del lines[at]
            lines = lines or [""]
        elif kind < 0.8:
            lines.insert(at, lines[at])
        elif kind < 0.9:
            lines.insert(at, _field(rng))
        else:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
    return rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)


def _spoil_fields(rng: Random, fields: list[str]) -> None:
    at = rng.randrange(len(fields))
    kind = rng.random()
    if kind < 0.6:
        fields[at] = _field(rng)
    elif kind < 0.75:
        del fields[at]
    elif kind < 0.9:
        fields.insert(at, fields[at])
    else:
        fields[at] = f'"{fields[at]}'


def _field(rng: Random) -> str:
    return str(rng.choice((rng.choice(TEXTS), rng.choice(PATHS), rng.choice(NUMBERS), rng.uniform(-9, 9))))


_PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x80\x04.",
    b"\x1b[31m",
    b"\0" * 4096,
    b"\xff" * 64,
    b"{}",
    b"[]",
    b"\r\n",
)


def data(rng: Random, content: bytes) -> bytes:
    """Bytes that are spoilt in one place, or in a few; the start, where headers are, as often as the rest."""
    spoilt = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        size = len(spoilt)
        at = rng.randrange(min(size, 200) if rng.random() < 0.4 else size) if size else 0
        length = rng.choice((1, 2, 4, 8, 16, 100, 1000))
        kind = rng.randrange(9)
        if kind == 0 and size:
            spoilt[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and size:
            spoilt[at] = rng.randrange(256)
        elif kind == 2:
            del spoilt[at:]
        elif kind == 3:
            del spoilt[at : at + length]
        elif kind == 4:
            spoilt[at:at] = spoilt[at : at + length] * rng.choice((1, 2, 50))
        elif kind == 5:
            spoilt[at:at] = rng.randbytes(length)
        elif kind == 6:
            spoilt[at : at + length] = rng.choice(_PIECES)
        elif kind == 7:
            width = rng.choice((2, 4, 8))
            number = rng.choice((0, 1, 0x7F, 0x80, 2 ** (8 * width - 1) - 1, 2 ** (8 * width) - 1))
            spoilt[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
        else:
            there = rng.randrange(size) if size else 0
            spoilt[at : at + length] = spoilt[there : there + length]
    if rng.random() < 0.03:
        return rng.choice((b"", b"\0", b"\xff\xfe" + bytes(spoilt), bytes(spoilt) * 2, rng.randbytes(300)))
    return bytes(spoilt)
