"""Settings that people write: YAML files, options, and dataclasses whose fields say what they allow.

A field is declared once, with its default, its limits and a line of explanation; reading, complaining, the
commented default file and the command line all come from there:

    @dataclass(frozen=True, slots=True)
    class CameraOptions(Options):
        distance: Range = span((0.4, 0.7), 0.1, 5, "metres from the camera to the hand")
"""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar, cast

from curate.basics import files
from curate.basics.errors import InputError
from curate.basics.numerals import as_number, as_whole
from curate.basics.paths import read_file
from curate.basics.wording import nearest

Range = tuple[float, float]
Record = TypeVar("Record")
_WIDTH = 100
_KEY = "setting"
_NUMPY_FLAGS = ("bool", "bool_")  # names of NumPy's type, which is no subclass of bool, in its versions


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field holds.

    Attributes
    ----------
    says: a line of explanation. allowed: the values that may be given, in words.
    read: turns a given value into the one that the field holds. Raises ValueError: it is not allowed.
    of_text: turns a word of the command line into what `read` takes. Raises ValueError: it cannot be.
    metavar: what stands for the value in --help. many: the option may be given several times.
    or_none: None (null in a file) is allowed, too; on the command line the option is left out instead.
    """

    says: str
    allowed: str
    read: Callable[[Any], Any]
    of_text: Callable[[str], Any] = str
    metavar: str = ""
    many: bool = False
    or_none: bool = False

    @property
    def allowed_in_files(self) -> str:
        """What may be given in a file, where every field has a value."""
        return f"null or {self.allowed}" if self.or_none else self.allowed

    @property
    def allowed_in_python(self) -> str:
        """What may be given in Python."""
        return f"None or {self.allowed}" if self.or_none else self.allowed

    def at_fault(self, value: Any) -> Any:
        """The first of several values that is not allowed by itself; else all that was given."""
        if self.many and isinstance(value, list | tuple):
            for one in value:
                try:
                    self.read([one])
                except ValueError:
                    return one
        return value


class Options:
    """A command's options: a dataclass of settings, each with the values that it allows.

    Raises
    ------
    InputError: when one is made with a value that is not allowed.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, setting in settings_of(type(self)).items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, setting.read(value))
            except ValueError:
                where, found = type(self).__name__, repr(setting.at_fault(value))
                raise InputError(where, found, field=name, allowed=setting.allowed_in_python) from None

    def values(self) -> dict[str, Any]:
        """The settings by name."""
        return {name: getattr(self, name) for name in settings_of(type(self))}

    def changed(self) -> dict[str, Any]:
        """The settings that differ from their defaults, by name; only for options that all have one."""
        usual = type(self)()
        return {name: value for name, value in self.values().items() if value != getattr(usual, name)}

    def record(self) -> dict[str, Any]:
        """The settings as JSON values, for the identity of a folder; for a file the hash of its content, not
        its path.

        Raises
        ------
        InputError: a file that cannot be read.
        """
        record: dict[str, Any] = {}
        for name, value in self.values().items():
            if not isinstance(value, Path):
                record[name] = value
                continue
            try:
                record[f"{name}_sha256"] = files.sha256(value)
            except OSError as error:
                raise InputError(value, f"cannot be read ({error.strerror})") from None
        return record


@dataclass(frozen=True, slots=True)
class NoOptions(Options):
    """The options of something that has none."""


def require_options(given: Any, kind: type[Options]) -> None:
    """Raise InputError where a function is given the options of another one."""
    if not isinstance(given, kind):
        raise InputError("options", f"of type {type(given).__name__}", allowed=kind.__name__)


def require_count(name: str, value: Any, *, least: int = 0) -> int:
    """`value` as an int, where it is a count. Raises InputError: no whole number, or below `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise InputError(name, repr(value), allowed=f"a whole number, {least} or more")
    return int(value)


def settings_of(kind: type[Any]) -> dict[str, Setting]:
    """The fields of a dataclass that are settings, by name."""
    return {entry.name: entry.metadata[_KEY] for entry in fields(kind) if _KEY in entry.metadata}


def load(path: str | os.PathLike[str], *, allowed: str = "key: value", remedy: str = "") -> dict[str, Any]:
    """The table in a YAML file; an empty file is an empty table.

    Raises
    ------
    InputError: a file that cannot be read, or that holds no YAML, or no table.
    """
    from curate.basics import yaml_text  # few command lines name a file of settings

    try:
        given = yaml_text.parse(read_file(path, yaml_text.MAX_BYTES))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise InputError(path, f"is not a YAML file of settings ({error})", remedy=remedy) from None
    return table(given, path, allowed=allowed)


def table(
    given: Any, where: str | os.PathLike[str], field: str = "", *, allowed: str = "key: value"
) -> dict[str, Any]:
    """`given` as a table; None is an empty one. Raises InputError: it is something else."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        found = repr(given)[:_WIDTH] if field else f"a {type(given).__name__}, not a table"
        raise InputError(where, found, field=field, allowed=allowed)
    return given


def known(
    where: str | os.PathLike[str], what: str, name: Any, names: Iterable[str], *, many: str = ""
) -> str:
    """`name`, if it is one of `names`.

    Parameters
    ----------
    what: what the names are of, such as "column". many: says in a message what is allowed, where more than
        eight names are.

    Raises
    ------
    InputError: it is none of them; suggests the nearest, if one is like it.
    """
    names = list(names)
    if name in names:
        return str(name)
    name = str(name)[:_WIDTH]
    near = nearest(name, names)
    remedy = f"did you mean {near!r}?" if near else ""
    allowed = many if many and len(names) > 8 else ", ".join(names)
    raise InputError(where, f"no {what} {name!r}", allowed=allowed or "none", remedy=remedy)


def parse(
    kind: type[Record],
    given: Mapping[str, Any],
    where: str | os.PathLike[str],
    *,
    base: Record | None = None,
    section: str = "",
) -> Record:
    """A record of settings; what is not given is as in `base`, or the default.

    Parameters
    ----------
    kind: a dataclass whose fields are settings, or dataclasses of settings. where: names the file in errors.
    section: the field of the file that holds the table, dotted; "" for the whole file.

    Raises
    ------
    InputError: a key that is not known, a value that is not allowed.
    """
    entries = {entry.name: entry for entry in fields(cast(Any, kind))}
    values = {name: getattr(base, name) if base else _default(entry) for name, entry in entries.items()}
    for key, value in given.items():
        name = known(where, f"setting of {section}" if section else "setting", key, entries)
        place = f"{section}.{name}" if section else name
        setting: Setting | None = entries[name].metadata.get(_KEY)
        if setting is None:
            inner = table(value, where, place)
            values[name] = parse(type(values[name]), inner, where, base=values[name], section=place)
            continue
        try:
            values[name] = setting.read(value)
        except ValueError:
            allowed = setting.allowed_in_files
            found = repr(setting.at_fault(value))[:_WIDTH]
            raise InputError(where, found, field=place, allowed=allowed) from None
        except InputError as error:  # its reader named the option instead of the file
            raise error.at(where, f"{place}.{error.field}".rstrip(".")) from None
    return kind(**values)


def explain(record: Any, indent: str = "") -> str:
    """A record as YAML, each key under what it means and allows; `parse` reads it back."""
    lines = []
    for entry in fields(record):
        value = getattr(record, entry.name)
        setting: Setting | None = entry.metadata.get(_KEY)
        if setting is None:
            about, shown = (type(value).__doc__ or "").partition("\n")[0], ""
        else:
            about = f"{setting.says}; {setting.allowed_in_files}"
            shown = f" {json.dumps(value, ensure_ascii=False)}"
        start = f"{indent}# "
        lines.append(textwrap.fill(about, _WIDTH, initial_indent=start, subsequent_indent=f"{start}  "))
        lines.append(f"{indent}{entry.name}:{shown}")
        if setting is None:
            inner = explain(value, indent + "  ")
            lines.append(inner) if inner else lines.append(lines.pop() + " {}")
    return "\n".join(lines)


def number(default: float | None, low: float, high: float, says: str) -> Any:
    """A field that holds a number; with a default of None, possibly none."""

    def read(value: Any) -> float | None:
        return None if value is None and default is None else _number(value, low, high)

    return _field(
        default,
        Setting(says, f"{low:g} to {high:g}", read, of_text=as_number, metavar="X", or_none=default is None),
    )


def whole(default: int | None, low: int, high: int, says: str, *, none: bool = False, step: int = 1) -> Any:
    """A field that holds a whole number, a multiple of `step`.

    With `none`, or a default of None, possibly none.
    """
    none = none or default is None

    def read(value: Any) -> int | None:
        if value is None and none:
            return None
        # NumPy's integers are Integral, too; they are kept as Python's, which JSON takes.
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError
        if not low <= (found := int(value)) <= high or found % step:
            raise ValueError
        return found

    allowed = f"a whole number, {low} to {high}" if step == 1 else f"a multiple of {step}, {low} to {high}"
    return _field(default, Setting(says, allowed, read, of_text=as_whole, metavar="N", or_none=none))


def share(default: float, says: str) -> Any:
    """A field that holds a share of the pictures, or a probability."""
    return number(default, 0, 1, says)


def span(default: Range, low: float, high: float, says: str) -> Any:
    """A field that holds a range for each picture to draw from; a number alone is drawn always."""

    def read(value: Any) -> Range:
        several = not isinstance(value, str | Real) and hasattr(value, "__len__") and len(value) == 2
        first, last = value if several else (value, value)
        if (drawn := (_number(first, low, high), _number(last, low, high)))[0] > drawn[1]:
            raise ValueError
        return drawn

    return _field(default, Setting(says, f"[low, high] within {low:g} to {high:g}, or one number", read))


def choice(default: str | None, options: Iterable[str], says: str) -> Any:
    """A field that holds one of a few words; with a default of None, possibly none."""
    options = tuple(options)

    def read(value: Any) -> str | None:
        if value not in options and not (value is None and default is None):
            raise ValueError
        return None if value is None else str(value)

    allowed = ", ".join(options[:-1]) + f" or {options[-1]}"
    return _field(default, Setting(says, allowed, read, metavar="|".join(options)))


def choices(default: tuple[str, ...], options: Iterable[str], says: str) -> Any:
    """A field that holds some of a few words, drawn alike; twice as often if given twice."""
    options = tuple(options)

    def read(value: Any) -> tuple[str, ...]:
        words = value if isinstance(value, list | tuple) else [value]
        if not words or any(word not in options for word in words):
            raise ValueError
        return tuple(words)

    allowed = f"one or a list of {', '.join(options)}"
    return _field(default, Setting(says, allowed, read, metavar="|".join(options), many=True))


def flag(default: bool, says: str) -> Any:
    """A field that holds true or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool) and type(value).__name__ not in _NUMPY_FLAGS:
            raise ValueError
        return bool(value)

    return _field(default, Setting(says, "true or false", read))


def text(
    default: str | None,
    allowed: str,
    says: str,
    read: Callable[[str], str] = str,
    *,
    metavar: str = "TEXT",
) -> Any:
    """A field that holds a word or a path as text, as `read` gives it back; with "" or None, perhaps none."""

    def read_one(value: Any) -> str | None:
        return default if value == default else read(_word(value))

    return _field(default, Setting(says, allowed, read_one, metavar=metavar))


def path(says: str, *, metavar: str, allowed: str = "a path") -> Any:
    """A field that holds the path of a file or folder, or None."""

    def read(value: Any) -> Path | None:
        return None if value is None else Path(_word(value))

    return _field(None, Setting(says, allowed, read, metavar=metavar))


def paths(says: str, *, metavar: str, allowed: str = "paths") -> Any:
    """A field that holds the paths of any number of files or folders."""

    def read(value: Any) -> tuple[Path, ...]:
        several = value if isinstance(value, list | tuple) else [value]
        return tuple(Path(_word(one)) for one in several)

    return _field((), Setting(says, allowed, read, metavar=metavar, many=True))


def texts(
    default: tuple[str, ...],
    allowed: str,
    says: str,
    read: Callable[[str], str] = str,
    *,
    metavar: str = "TEXT",
    once: bool = True,
) -> Any:
    """A field that holds one or more texts, each as `read` gives it back (ValueError: not allowed).

    With `once`, what is given again does not count. With a default of (), possibly none.
    """

    def read_all(value: Any) -> tuple[str, ...]:
        words = value if isinstance(value, list | tuple) else [value]
        if not words and default:
            raise ValueError
        found = tuple(read(_word(word)) for word in words)
        return tuple(dict.fromkeys(found)) if once else found

    return _field(default, Setting(says, allowed, read_all, metavar=metavar, many=True))


def _field(default: Any, setting: Setting) -> Any:
    return field(default=default, metadata={_KEY: setting})


def _default(entry: Field[Any]) -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        raise ValueError from None
    if not math.isfinite(found) or not low <= found <= high:
        raise ValueError
    return found


def _word(value: Any) -> str:
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(value, str) or not value:
        raise ValueError
    return str(value)
