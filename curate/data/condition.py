"""A condition on samples, as people write it: `side == 'left' and attrs.age > 30`.

It is parsed as a Python expression and built from the few parts that are known here; nothing of it is ever
executed as Python.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import as_number
from curate.basics.settings import known
from curate.data.sample import SCHEMA, SHAPES, Sample

COLUMNS = tuple(name for name in SCHEMA.names if name not in SHAPES and name != "attrs")
LABELLED = "labelled"  # how many keypoints a sample has
_NOTHING = ("null", "nan", "nil", "na")  # as other languages call None
_ENTRY = re.compile(r"""attrs(?:\.(?P<after>.+)|\[(?P<mark>['"])(?P<within>.+)(?P=mark)\])""")
_LONGEST = 2000  # characters

Row = Mapping[str, Any]
_Value = Callable[[Row], Any]

_ORDERED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def asked_for(word: str, columns: Container[str]) -> tuple[str | None, str | None]:
    """The column that a word names, or else the name in attrs: NAME, attrs.NAME or attrs['NAME']."""
    if word in columns:
        return word, None
    entry = _ENTRY.fullmatch(word)
    return None, (entry["after"] or entry["within"]) if entry else word


def row_of(sample: Sample, columns: Iterable[str]) -> Row:
    """A sample as `Condition.holds` takes it: these columns by name, `labelled`, and attrs."""
    row = {name: getattr(sample, name) for name in columns if name != LABELLED}
    labelled = int(np.count_nonzero(sample.visibility != kp.UNLABELLED))
    return {**row, LABELLED: labelled, "attrs": sample.attrs}


def require_known(root: Path, names: Iterable[str], there: Collection[str]) -> None:
    """Raise InputError for the first of the names that is in no sample's attrs; those in use are `there`."""
    for name in sorted(set(names) - set(there)):
        _refuse(root, name, sorted(there))


def _refuse(root: Path, name: str, there: list[str]) -> None:
    every = [*COLUMNS, LABELLED, *there]
    if name in (*COLUMNS, LABELLED):  # written as an entry of attrs; otherwise it would be the column
        found, allowed = f"no name in attrs {name!r}", ", ".join(there) or "none"
        raise InputError(root, found, allowed=allowed, remedy=f"for the column: {name}")
    if name in SHAPES:
        found = f"the column {name} holds several numbers a sample, which are not compared"
        raise InputError(root, found, allowed=", ".join(every))
    if name.lower() in _NOTHING:
        raise InputError(root, f"no column or name in attrs {name!r}", remedy="what is not known is None")
    known(root, "column or name in attrs", name, every)


class Condition:
    """A condition on samples, parsed from text.

    A name is a column that holds one value, `labelled` (how many keypoints are labelled), or else a name in
    attrs, which can also be written attrs.NAME or attrs['NAME']. A missing value equals only None, and is
    neither smaller nor larger than anything. Text that is a number is compared with numbers as a number.

    Attributes
    ----------
    columns: the columns that it uses. attributes: the names in attrs that it uses.
    """

    def __init__(self, text: str) -> None:
        """Parse a condition. Raises ValueError: not a condition; says where it fails."""
        if len(text) > _LONGEST:
            raise ValueError(f"more than {_LONGEST:,} characters")
        self.columns: set[str] = set()
        self.attributes: set[str] = set()
        try:
            tree = ast.parse(text.strip(), mode="eval")
            self._holds = self._built(tree.body)
        except SyntaxError as error:
            place = f"at character {error.offset}" if error.offset else "at its end"
            raise ValueError(f"{error.msg} {place}") from None
        except (RecursionError, MemoryError):
            raise ValueError("nested too deeply") from None

    def holds(self, row: Row) -> bool:
        """Whether it holds for a sample, given as `row_of` makes it."""
        return bool(self._holds(row))

    def _built(self, node: ast.expr) -> _Value:
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                every = [self._built(part) for part in parts]
                return lambda row: all(part(row) for part in every)
            case ast.BoolOp(op=ast.Or(), values=parts):
                some = [self._built(part) for part in parts]
                return lambda row: any(part(row) for part in some)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                denied = self._built(operand)
                return lambda row: not denied(row)
            case ast.Compare(left=left, ops=ways, comparators=others):
                return self._compared(left, ways, others)
        raise ValueError(f"{ast.unparse(node)[:60]!r} is compared with nothing")

    def _compared(self, left: ast.expr, ways: list[ast.cmpop], others: list[ast.expr]) -> _Value:
        values = [self._value(part) for part in (left, *others)]
        tests = [_test(way) for way in ways]

        def holds(row: Row) -> bool:
            found = [value(row) for value in values]
            return all(test(a, b) for test, a, b in zip(tests, found, found[1:], strict=False))

        return holds

    def _value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as constant):
                return lambda _: constant
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as constant)):
                return lambda _: -constant
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                several = [self._value(part) for part in parts]
                return lambda row: [part(row) for part in several]
            case ast.Name(id=name) if name in COLUMNS or name == LABELLED:
                self.columns.add(name)
                return lambda row: row[name]
            case ast.Name(id=name):
                return self._attribute(name)
            case ast.Attribute(value=ast.Name(id="attrs"), attr=name):
                return self._attribute(name)
            case ast.Subscript(value=ast.Name(id="attrs"), slice=ast.Constant(value=str() as name)):
                return self._attribute(name)
        raise ValueError(f"{ast.unparse(node)[:60]!r} is not allowed in a condition")

    def _attribute(self, name: str) -> _Value:
        self.attributes.add(name)
        return lambda row: row["attrs"].get(name)


def _test(way: ast.cmpop) -> Callable[[Any, Any], bool]:
    match way:
        case ast.Eq() | ast.Is():
            return _equal
        case ast.NotEq() | ast.IsNot():
            return lambda a, b: not _equal(a, b)
        case ast.In():
            return _among
        case ast.NotIn():
            return lambda a, b: not _among(a, b)
    ordered = _ORDERED[type(way)]

    def compare(a: Any, b: Any) -> bool:
        a, b = _alike(a, b)
        try:
            return a is not None and b is not None and ordered(a, b)
        except TypeError:  # a word and a number
            return False

    return compare


def _equal(a: Any, b: Any) -> bool:
    a, b = _alike(a, b)
    return bool(a == b)


def _among(a: Any, b: Any) -> bool:
    if isinstance(b, str):
        return isinstance(a, str) and a in b
    return isinstance(b, list) and any(_equal(a, one) for one in b)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values to be compared: beside a number, text that is a number is converted."""
    if isinstance(a, str) and isinstance(b, int | float):
        return _number(a), b
    if isinstance(b, str) and isinstance(a, int | float):
        return a, _number(b)
    return a, b


def _number(text: str) -> Any:
    try:
        return as_number(text)
    except ValueError:
        return text
