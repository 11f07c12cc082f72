"""Annotation files in XML, read without trusting them: no document type, so no entities and nothing that is
fetched; bounded in size, depth and elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from converters.parts import json_files
from curate.basics.errors import InputError, UnsafeInput
from curate.basics.paths import Places

MAX_BYTES = 1_000_000_000
_CHUNK = 1 << 16
_DEEPEST = 32
_MOST = 2_000_000  # elements in one below the root: an image, or a track of 80,000 frames
_LONGEST = 1_000_000  # characters of text that are kept of an element
_TOKEN = 1 << 24  # bytes in which something must end: what does not is read from its beginning time and again
_NO_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Element:
    """An element: its tag, attributes, those below it, and its text up to the first of them."""

    tag: str
    attributes: dict[str, str]
    below: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> Iterator[Element]:
        """Those right below it that have one of these tags."""
        return (element for element in self.below if element.tag in tags)

    def find(self, *tags: str) -> Element | None:
        """The first one below it, by the tags of the way there."""
        found: Element | None = self
        for tag in tags:
            found = next(found.all(tag), None) if found is not None else None
        return found

    def told(self, *tags: str) -> str:
        """The text of the one that `find` gives, or nothing."""
        found = self.find(*tags)
        return found.text.strip() if found is not None else ""


class NotXml(InputError):
    """A file that is no XML, or of another root."""


def elements(path: Path, places: Places, root: str) -> Iterator[Element]:
    """The elements right below the root of a file, one at a time.

    Parameters
    ----------
    places: where it may lie. root: the tag that its root must have.

    Raises
    ------
    UnsafeInput: it lies elsewhere, or declares a document type, as only entities need it.
    NotXml: not well-formed, or of another root.
    InputError: not a regular file, empty, too large, or with too much in one element.
    """
    with json_files.open_checked(path, places, MAX_BYTES) as file:
        builder = _Builder(path, root)
        while True:
            chunk = file.read(_CHUNK)
            builder.feed(chunk)
            yield from builder.finished
            builder.finished.clear()
            if not chunk:
                return


class _Builder:
    def __init__(self, path: Path, root: str) -> None:
        self.path, self.root = path, root
        self.finished: list[Element] = []
        self._open: list[Element] = []
        self._count = 0
        self._waiting = 0
        self._parser: Any = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, chunk: bytes) -> None:
        self._waiting += len(chunk)
        if self._waiting > _TOKEN:
            raise InputError(self.path, f"a tag of more than {_TOKEN:,} bytes")
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise NotXml(self.path, f"is not XML: {error}") from None
        except (ValueError, LookupError) as error:  # an encoding that is none
            raise NotXml(self.path, f"is not XML: {error}", remedy="save it as UTF-8") from None

    def _refuse(self, *_declared: object) -> None:
        raise UnsafeInput(
            self.path,
            "a document type (<!DOCTYPE>), which can make a file grow or fetch others",
            allowed="none",
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != self.root:
            raise NotXml(self.path, f"the root is <{tag[:40]}>", allowed=f"<{self.root}>")
        self._waiting = 0
        self._count = self._count + 1 if len(self._open) > 1 else 0
        if len(self._open) >= _DEEPEST or self._count > _MOST:
            what = (
                "nested too deeply" if len(self._open) >= _DEEPEST else f"more than {_MOST:,} elements in one"
            )
            raise InputError(self.path, what)
        self._open.append(Element(tag, attributes))

    def _end(self, _tag: str) -> None:
        self._waiting = 0
        element = self._open.pop()
        if len(self._open) == 1:
            self.finished.append(element)
        elif self._open:
            self._open[-1].below.append(element)

    def _text(self, text: str) -> None:
        self._waiting = 0
        element = self._open[-1]
        if not element.below and len(element.text) < _LONGEST:
            element.text += text


def holds(text: str) -> bool:
    """Whether XML can hold a text: most control characters it cannot, not even escaped."""
    return not _NO_XML.search(text)


def tag(name: str, attributes: dict[str, object], inner: str = "") -> str:
    """An element as text, with `inner`, which is XML, in it."""
    told = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>"


def text(name: str, value: object) -> str:
    """An element as text, with a text in it."""
    return f"<{name}>{escape(str(value), {chr(13): '&#13;'})}</{name}>"
