"""Annotation files in JSON, decoded without trusting them."""

from __future__ import annotations

import json
import os
import re
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

import msgspec

from curate.basics.errors import InputError, found_and_field
from curate.basics.paths import Places, open_file

T = TypeVar("T")

# COCO's largest file has 0.5 GB; beyond this a file is no annotation but an accident.
MAX_BYTES = 8_000_000_000
AS_UTF8 = "save it as UTF-8 (iconv -f GB18030, or whichever it is, -t UTF-8)"  # a remedy
_AT_BYTE = re.compile(r"^(?:JSON is malformed: )?(.*) \(byte (\d+)\)$")


def open_checked(path: Path, places: Places, most: int = MAX_BYTES, *, own: str = "") -> BufferedReader:
    """Open a file of a source.

    Parameters
    ----------
    places: where it may lie. most: its size in bytes, at most. own: what it should hold, for the error about
        an empty file.

    Raises
    ------
    UnsafeInput: a link that leads out of the source. InputError: not a regular file, too large or empty.
    """
    places.require(path)
    try:
        file = open_file(path)
    except OSError as error:
        raise unreadable(path, error) from None
    size = os.fstat(file.fileno()).st_size
    if not 0 < size <= most:
        file.close()
        found, allowed = (f"{size} bytes", f"at most {most} bytes") if size else ("an empty file", own)
        raise InputError(path, found, allowed=allowed)
    return file


def load(decoder: msgspec.json.Decoder[T], path: Path, places: Places, most: int = MAX_BYTES) -> T:
    """The content of a file. Raises as `open_checked` and `decode` do."""
    with open_checked(path, places, most) as opened:
        return decode(decoder, opened.read(), path)


def entry(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, path: Path, field: str) -> T:
    """Decode an entry that was left raw when its file was decoded, so that a flaw spoils only this entry.

    Raises InputError, which names the flawed field within `field`."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(path, error, field) from None
    except UnicodeDecodeError:
        raise InputError(path, "text that is not valid Unicode (a lone surrogate)", field=field) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(path, str(error)[:80], field=field) from None


def unreadable(path: Path, error: OSError) -> InputError:
    """The InputError for a file that the system cannot read."""
    return InputError(path, f"cannot be read ({error.strerror or error})")


def decode(decoder: msgspec.json.Decoder[T], data: bytes | bytearray, path: Path) -> T:
    """Decode strictly: UTF-8, 16 or 32, with or without a byte order mark. NaN and Infinity, which Python
    writes, become null. Raises InputError, which names the field or the place in the text at fault."""
    try:
        encoding = json.detect_encoding(data)
        text = data if encoding == "utf-8" else data.decode(encoding)
        try:
            return decoder.decode(text)
        except msgspec.DecodeError as error:
            if isinstance(error, msgspec.ValidationError) or (plain := _without_nan(text)) is None:
                raise
            return decoder.decode(plain)
    except msgspec.ValidationError as error:
        raise invalid(path, error) from None
    except UnicodeDecodeError as error:
        found = f"is not UTF-8: {error.object[max(0, error.start - 12) : error.start + 12]!r}"
        raise InputError(path, found, remedy=AS_UTF8) from None
    except msgspec.DecodeError as error:
        raise InputError(path, f"is not JSON: {_place(str(error), data)}") from None
    except RecursionError:
        raise InputError(path, "is nested too deeply") from None


def _without_nan(text: bytes | bytearray | str) -> bytes | None:
    """The same JSON with null in place of NaN and Infinity; None if more is wrong with it."""
    try:
        return msgspec.json.encode(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, TypeError, RecursionError):
        return None


def invalid(path: Path, error: msgspec.ValidationError, within: str = "") -> InputError:
    """The InputError for what a decoder found; `within` names the object that was decoded."""
    found, field = found_and_field(str(error))
    if "float" in found and found.endswith("got null"):
        found += " or NaN"  # which was read as null
    dot = "." if within and field and not field.startswith("[") else ""
    return InputError(path, found, field=f"{within}{dot}{field}")


def _place(message: str, data: bytes | bytearray) -> str:
    match = _AT_BYTE.match(message)
    if not match:
        return message
    at = int(match[2])
    text = data[at : at + 12].decode("utf-8", "replace")
    return f"{match[1]} at byte {at} ({text!r})"
