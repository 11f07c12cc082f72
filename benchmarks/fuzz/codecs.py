"""Each kind of file, read, spoilt inside, and written again: the spoilt bytes still are of that kind, more or
less. What spoils plain bytes is in `hostile`."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from scipy.io import loadmat, savemat

from benchmarks.fuzz import hostile
from benchmarks.fuzz.hostile import Raw

Codec = Callable[[Random, bytes], bytes]


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


class Execute:
    """What runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch executed",)


def pickled(rng: Random, content: bytes) -> bytes:
    """A pickle of dicts, lists, arrays and numbers."""
    kind = rng.random()
    if kind < 0.08:
        return rng.choice(_crafted(rng))
    tree = pickle.loads(content)
    if kind < 0.2:
        keys = list(tree)
        tree[rng.choice((*hostile.NUMBERS, *hostile.TEXTS, None, True, (1, 2), b"x"))] = tree[keys[0]]
        return pickle.dumps(tree, protocol=rng.randrange(6))
    spoilt = hostile.tree(rng, tree, _object)
    try:
        return pickle.dumps(spoilt, protocol=rng.randrange(6))
    except (RecursionError, TypeError, AttributeError):
        return hostile.data(rng, content)


def _object(rng: Random) -> Any:
    kind = rng.random()
    if kind < 0.6:
        return array(rng)
    if kind < 0.8:
        drawn = hostile.value(rng)
        return drawn.text if isinstance(drawn, Raw) else drawn
    pair: Any = ()
    for _ in range(rng.choice((3, 40, 300))):
        pair = (pair, pair)
    return rng.choice(
        (
            Execute(),
            {1, 2},
            frozenset([1.0]),
            b"x" * 100,
            bytearray(5),
            1j,
            pair[:1],
            np.float64("nan"),
            np.int8(3),
            np.str_("x"),
            np.datetime64("2001-01-01"),
            slice(1),
            range(3),
            print,
        )
    )


_SHAPES = (
    (),
    (0,),
    (1,),
    (3,),
    (42,),
    (0, 3),
    (3, 3),
    (21, 3),
    (42, 2),
    (42, 3),
    (42, 4),
    (84, 3),
    (1, 42, 3),
)
_TYPES = (
    *("float64", "float32", "float16", ">f8", "int64", "int8", "uint64", "bool", "complex64"),
    *("U3", "S3", "O", "M8[s]", "V8", "f4,i2", "longdouble"),
)


def array(rng: Random) -> np.ndarray[Any, Any]:
    """An array of a type, a shape and numbers that may not be what is expected."""
    shape, kind = rng.choice(_SHAPES), rng.choice(_TYPES[:1] * 10 + _TYPES)
    number = rng.choice((0, 1, 100.0, -1e9, 1e300, np.nan, np.inf))
    with np.errstate(all="ignore"):
        filled = np.full(shape, number).astype("float64")
        try:
            made = filled.astype(kind)
        except (TypeError, ValueError, OverflowError):
            made = np.zeros(shape, kind)
    return np.asfortranarray(made) if rng.random() < 0.2 else made


def mat(rng: Random, content: bytes) -> bytes:
    """MATLAB's arrays, with one exchanged, renamed or missing."""
    arrays = {name: value for name, value in loadmat(io.BytesIO(content)).items() if name[:2] != "__"}
    name = rng.choice(sorted(arrays))
    old = arrays.pop(name)
    kind = rng.random()
    if kind < 0.35 and old.dtype.kind in "fiu":
        spoilt = old.astype(rng.choice((old.dtype, np.dtype("f8"))))
        with np.errstate(all="ignore"):
            spoilt.flat[rng.randrange(spoilt.size)] = rng.choice((0, 1, -1, 100))
        arrays[name] = spoilt
    elif kind < 0.5 and old.dtype.kind in "fiu":
        numbers = [float(n) for n in hostile.NUMBERS if n != 10**400]
        arrays[name] = np.full(old.shape, rng.choice(numbers))
    elif kind < 0.65:
        arrays[name] = rng.choice(
            (old[:1], old[..., None], old.T, np.zeros(0), np.ones((2, 3, 4)), {"a": old})
        )
    elif kind < 0.8:
        arrays[name] = rng.sample(hostile.PATHS, 4)
    elif kind < 0.9:
        arrays["other"] = old
    sink = io.BytesIO()
    savemat(sink, arrays, do_compression=rng.random() < 0.5)
    return sink.getvalue() if rng.random() < 0.9 else hostile.data(rng, sink.getvalue())


def _crafted(rng: Random) -> tuple[bytes, ...]:
    """Pickles that no pickler writes: deep, wide, with a memo of itself, with a key that is deep."""
    depth = rng.choice((40, 2000, 200_000))
    pair = b")" + b"".join(b"q%c" % n + b"h%c\x86" % n for n in range(40))
    return (
        b"\x80\x03" + b"]" * depth + b"a" * (depth - 1) + b".",
        b"\x80\x03}" + b")" + b"\x85" * depth + b"K\x01s.",
        b"\x80\x03}" + pair + b"K\x01s.",
        b"\x80\x03" + b"(" * depth + b"t" * depth + b".",
        b"\x80\x03]q\x00h\x00a.",
        b"\x80\x03}q\x00K\x01h\x00s.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x03}r\xff\xff\xff\x7f.",
        b"\x80\x04N" + b"2" * depth + b"0" * depth + b".",
        b"cos\nsystem\n(S'touch executed'\ntR.",
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\nq\x00.",
        b"\x80\x03L" + b"9" * 5000 + b"L\n.",
        b"\x80\x03}L" + b"9" * 5000 + b"L\nNs.",
        b"\x80\x03cnumpy\nndarray\n(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ftR.",
        b"\x80\x03}(" + b"".join(b"M%cMN"[:1] + struct.pack("<H", n) + b"N" for n in range(5000)) + b"u.",
    )


def parquet(rng: Random, content: bytes) -> bytes:
    """A Parquet table with cells, columns, types or encodings that its readers do not expect."""
    table = pq.read_table(io.BytesIO(content), use_threads=False)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        table = _spoilt_table(rng, table)
    sink = io.BytesIO()
    options: dict[str, Any] = {
        "compression": rng.choice(("snappy", "zstd", "gzip", "none")),
        "use_dictionary": rng.random() < 0.5,
        "row_group_size": rng.choice((1, 2, 1000)),
        "data_page_version": rng.choice(("1.0", "2.0")),
        "version": rng.choice(("1.0", "2.6")),
    }
    if rng.random() < 0.1:
        table = table.replace_schema_metadata({b"split": b"\xff\x00", b"size": b"-1", b"": b"9" * 9999})
    try:
        pq.write_table(table, sink, **options)
    except pa.ArrowException:
        return hostile.data(rng, content)
    return sink.getvalue()


def _spoilt_table(rng: Random, table: pa.Table) -> pa.Table:
    if not table.num_columns:
        return table
    at = rng.randrange(table.num_columns)
    field, column = table.schema.field(at), table.column(at)
    kind = rng.random()
    if kind < 0.6:
        return _spoilt_cell(rng, table, at)
    if kind < 0.66:
        return table.remove_column(at)
    if kind < 0.7:
        return table.append_column(rng.choice(("extra", "", field.name)), column)
    if kind < 0.76:
        return table.slice(0, rng.choice((0, 0, 1)))
    if kind < 0.86 and table.num_rows:
        return pa.concat_tables([table, table.slice(rng.randrange(table.num_rows), 1)])
    if kind < 0.9:
        nothing = pa.nulls(table.num_rows, rng.choice((field.type, pa.null())))
        return table.set_column(at, pa.field(field.name, nothing.type), nothing)
    if kind < 0.93:
        nullable = pa.field(field.name, field.type, nullable=not field.nullable)
        return table.set_column(at, nullable, column)
    order = list(range(table.num_columns))
    rng.shuffle(order)
    return table.select(order)


def _spoilt_cell(rng: Random, table: pa.Table, at: int) -> pa.Table:
    """One cell, or all of a column, exchanged: mostly for values of its type, which go in deepest."""
    field, values = table.schema.field(at), table.column(at).to_pylist()
    rows = [rng.randrange(len(values))] if values and rng.random() < 0.7 else range(len(values))
    draw = _fitting if rng.random() < 0.75 else _cell
    for row in rows:
        values[row] = draw(rng, field.type, values)
    for kind in (field.type, pa.binary(), None):
        try:
            if kind == pa.binary() and pa.types.is_string(field.type):
                raw = [v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v for v in values]
                made = pa.Array.from_buffers(pa.string(), len(raw), pa.array(raw, pa.binary()).buffers())
            else:
                made = pa.array(values, kind)
            return table.set_column(at, pa.field(field.name, made.type, field.nullable), made)
        except (pa.ArrowException, OverflowError, TypeError, ValueError, AttributeError):
            continue
    return table


def _fitting(rng: Random, kind: pa.DataType, values: list[Any]) -> Any:
    """A value of a type."""
    if rng.random() < 0.15:
        return rng.choice((None, *values))
    if pa.types.is_fixed_size_list(kind):
        old = next((value for value in values if value is not None), None)
        new = list(old) if old and rng.random() < 0.7 else [None] * kind.list_size
        for _ in range(rng.choice((1, 2, 2 * len(new)))):
            new[rng.randrange(len(new))] = _fitting(rng, kind.value_type, new)
        return new
    if pa.types.is_integer(kind):
        top = 2 if kind.bit_width == 8 else 2**31 - 1
        return rng.choice((0, 1, top, rng.randrange(top + 1), *(() if kind.bit_width == 8 else (-1, -top))))
    if pa.types.is_floating(kind):
        return float(rng.choice([number for number in hostile.NUMBERS if number != 10**400]))
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    told = (*hostile.TEXTS, *hostile.PATHS, *_WORDS)
    return rng.choice([text for text in told if text.isprintable() or rng.random() < 0.2])


_WORDS = (
    "right",
    "palmar",
    "train",
    "test",
    "val",
    "auto:x",
    "MIT",
    '{"a": [1]}',
    "[]",
    '{"age": NaN}',
    "images",
)
_CELLS = (b"\xff\xfe", b"", b"x" * 100_000)


def _cell(rng: Random, _kind: pa.DataType, values: list[Any]) -> Any:
    """A value of any type."""
    old = rng.choice(values)
    if isinstance(old, list) and rng.random() < 0.8:
        new = list(old)
        for _ in range(rng.choice((1, 2, len(new)))):
            new[rng.randrange(len(new))] = rng.choice((None, *hostile.NUMBERS))
        return new
    if isinstance(old, str) and rng.random() < 0.5:
        return rng.choice((*hostile.TEXTS, *hostile.PATHS, *_CELLS, old + "\0"))
    drawn = hostile.value(rng)
    return drawn.text if isinstance(drawn, Raw) else drawn


def npy(rng: Random, content: bytes) -> bytes:
    """An array in a file, with another header or of another kind."""
    loaded = np.load(io.BytesIO(content))
    sink = io.BytesIO()
    kind = rng.random()
    if kind < 0.4:
        length = struct.unpack("<H", content[8:10])[0]
        shape = tuple(rng.choice((0, 1, 2, 31, 32, 2**31, 2**62, -1)) for _ in range(rng.randrange(5)))
        header = repr(
            {
                "descr": rng.choice(("|u1", "<f4", "|O", "<U9", "|b1", ">i8", "")),
                "fortran_order": rng.random() < 0.2,
                "shape": rng.choice((shape, loaded.shape, loaded.shape[:1])),
            }
        )
        header = rng.choice((header, header, "[" * 900, "__import__('os').system('touch executed')"))
        return (
            content[:8]
            + struct.pack("<H", length)
            + header.ljust(length)[:length].encode()
            + content[10 + length :]
        )
    changed = rng.choice(
        (
            loaded[:1],
            loaded[:0],
            loaded.astype("float32") * np.nan,
            loaded.astype(object),
            loaded[..., None],
            loaded.T,
            np.concatenate([loaded, loaded]),
        )
    )
    np.save(sink, changed, allow_pickle=True)
    return sink.getvalue()


def image(rng: Random, content: bytes) -> bytes:
    """An image with another header, of another kind, or with metadata that says what is not so."""
    kind = rng.random()
    if kind < 0.4:
        content = _as_other_kind(rng, content)
        kind = rng.random() * 0.8 + 0.2
    if kind < 0.6:
        return _other_header(rng, content)
    if kind < 0.75 and content[:2] == b"\xff\xd8":
        tiff = rng.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")) + rng.randbytes(rng.choice((2, 14, 60)))
        exif = b"Exif\0\0" + tiff
        return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    return hostile.data(rng, content)


def _as_other_kind(rng: Random, content: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return content
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    changed = rng.choice(
        (
            pixels,
            grey,
            grey.astype(np.uint16) * 257,
            pixels.astype(np.uint16) * 257,
            np.dstack([pixels, grey]),
            pixels[:1, :1],
            pixels[:, :1],
            pixels[::2, ::2],
            np.zeros((40_000, 1, 3), np.uint8),
        )
    )
    suffix = rng.choice((".png", ".jpg", ".webp", ".tiff", ".bmp", ".ppm", ".jp2"))
    try:
        ok, encoded = cv2.imencode(suffix, changed)
    except cv2.error:
        return content
    return encoded.tobytes() if ok else content


_SIZES = (0, 1, 2, 160, 161, 32_768, 65_535)


def _other_header(rng: Random, content: bytes) -> bytes:
    spoilt = bytearray(content)
    if spoilt[:4] == b"\x89PNG":
        sides = [rng.choice((*_SIZES, 2**31 - 1, 2**32 - 1)) for _ in range(2)]
        rest = bytes(spoilt[24:29]) if rng.random() < 0.6 else rng.randbytes(5)
        chunk = b"IHDR" + struct.pack(">II", *sides) + rest
        spoilt[12:33] = chunk + struct.pack(">I", zlib.crc32(chunk))
    elif (at := max(spoilt.find(b"\xff\xc0"), spoilt.find(b"\xff\xc2"))) > 0 and at + 9 < len(spoilt):
        spoilt[at + 5 : at + 9] = struct.pack(">HH", rng.choice(_SIZES), rng.choice(_SIZES))
        if rng.random() < 0.3:
            spoilt[at + 4] = rng.choice((0, 2, 4, 12, 255))
    else:
        for _ in range(rng.choice((1, 3))):
            start = rng.randrange(min(len(spoilt), 200)) if spoilt else 0
            spoilt[start : start + 2] = struct.pack("<H", rng.choice(_SIZES))
    return bytes(spoilt)


def archive(rng: Random, content: bytes) -> bytes:
    """What torch writes, a zip of a pickle and plain numbers, with a member that is spoilt or missing."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        names = old.namelist()
        victim = rng.choice([name for name in names if name.endswith(".pkl")] * 5 + names)
        for name in names:
            member = old.read(name)
            if name == victim:
                kind = rng.random()
                if kind < 0.15:
                    continue
                crafted = _crafted(rng) if name.endswith(".pkl") else (b"",)
                member = rng.choice(crafted) if kind < 0.3 else hostile.data(rng, member)
            new.writestr(name, member)
    return sink.getvalue()


_DOCTYPES = (
    "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
    "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
    f"<!DOCTYPE a [<!ENTITY a SYSTEM '{hostile.SECRET}'>]>",
)


_NO_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def by_content(rng: Random, content: bytes) -> bytes:
    """A file of any kind, spoilt inside where it is one that is known here, or else as bytes."""
    if content.startswith((b"\xff\xd8", b"\x89PNG")):
        return image(rng, content)
    if rng.random() < 0.7:
        for codec in (json_file, npy, pickled, csv):
            try:
                return codec(rng, content)
            except (ValueError, pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError):
                continue
    return hostile.data(rng, content)


def plain(rng: Random, content: bytes) -> bytes:
    """Anything, as bytes."""
    return hostile.data(rng, content)
