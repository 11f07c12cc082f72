"""Arrays and objects: pickles, MATLAB's and NumPy's files, and the archives that torch writes."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from random import Random
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat

from benchmarks.fuzz import hostile
from benchmarks.fuzz.hostile import Raw


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
