"""Annotation files in XML, read without trusting them.

A document type is refused, and with it entities and anything to be fetched; size, depth and the number of
elements are bounded.
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
_TOKEN = 1 << 24  # bytes of one tag or text: expat starts a longer one again with every chunk
_NO_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Element:
    """An element: its tag, attributes, children, and its text up to the first child."""

    tag: str
    attributes: dict[str, str]
    below: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> Iterator[Element]:
        """Its children that have one of these tags."""
        return (element for element in self.below if element.tag in tags)

    def find(self, *tags: str) -> Element | None:
        """The first descendant on a path of tags; None if there is none."""
        found: Element | None = self
        for tag in tags:
            found = next(found.all(tag), None) if found is not None else None
        return found

    def text_at(self, *tags: str) -> str:
        """The text of the element that `find` gives; empty if there is none."""
        found = self.find(*tags)
        return found.text.strip() if found is not None else ""


class NotXml(InputError):
    """A file that is not XML, or has another root."""


def elements(path: Path, places: Places, root: str) -> Iterator[Element]:
    """The children of the root of a file, one at a time.

    Parameters
    ----------
    places: where the file may lie. root: the tag that its root must have.

    Raises
    ------
    UnsafeInput: it lies elsewhere, or declares a document type, which only entities need.
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
    """Whether XML can hold a text: it cannot hold most control characters, not even escaped."""
    return not _NO_XML.search(text)


def tag(name: str, attributes: dict[str, object], inner: str = "") -> str:
    """An element as XML text; `inner` is its content, already XML."""
    told = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>"


def text(name: str, value: object) -> str:
    """An element as XML text; `value` is escaped."""
    return f"<{name}>{escape(str(value), {chr(13): '&#13;'})}</{name}>"
