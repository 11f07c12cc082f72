"""Paths and files that come from elsewhere: where they may lead, and what may be opened.

Before a path from an annotation, a table or a link is followed, it is checked against the folders that it
may lead into (`Places`). Only regular files are opened: a pipe could keep us waiting for ever, and a device
may never end.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from curate.basics.errors import InputError, UnsafeInput

LONGEST = 4096  # characters in a path, PATH_MAX of Linux
_SHOWN = 80  # characters shown of a path that is too long
NO_TEXT = "a file name with control characters or invalid UTF-8; rename it"


class Places:
    """The folders that files may lie in, links followed.

    The answer for a folder is kept; of the files in it, only links are resolved one by one.
    """

    def __init__(self, roots: Iterable[str | os.PathLike[str]]) -> None:
        self._roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots))
        self._folders: dict[str, bool] = {}

    def hold(self, path: str | os.PathLike[str]) -> bool:
        """Whether a path leads into one of the folders; the file itself need not exist."""
        path = os.fspath(path)
        if not is_path(path):
            return False
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):  # noqa: PTH114 (a NUL is no link, and no error)
            return self._within(os.path.realpath(path))
        if folder not in self._folders:
            self._folders[folder] = self._within(os.path.realpath(folder))
        return self._folders[folder] or self._within(os.path.realpath(path))

    def require(self, path: str | os.PathLike[str], *, option: str = "--images") -> None:
        """Raise UnsafeInput for a path that leads out of the folders."""
        if not self.hold(path):
            kind = "a link" if os.path.islink(path) else "a path"  # noqa: PTH114
            raise UnsafeInput(
                path,
                f"{kind} that leads out of the source folder",
                remedy=f"if this is intended, give the folder that it leads to: {option} DIR",
            )

    def _within(self, real: str) -> bool:
        return any(within(real, root) for root in self._roots)


def real(path: str | os.PathLike[str]) -> Path:
    """Where a path leads, links followed. A link that leads to itself stays as it is: opening it fails."""
    return Path(os.path.realpath(path))


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it, by their names alone: no link is followed."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def require_apart(out: Path, read: Path, what: str) -> None:
    """Raise InputError if the folder to make and one that is read lie in each other, links followed.

    Parameters
    ----------
    what: what the folder `read` is called in the message.
    """
    makes, reads = real(out), real(read)
    if makes.is_relative_to(reads) or reads.is_relative_to(makes):
        raise InputError(
            out, f"--out and the {what} {read} overlap", allowed=f"a folder apart from the {what}"
        )


def is_path(name: str) -> bool:
    """Whether a system call takes a name: it is not empty, not too long, and without NUL."""
    return 0 < len(name) <= LONGEST and "\0" not in name


def is_text(name: str) -> bool:
    """Whether a file's name can stand in a table and on a terminal: without control characters, and without
    bytes that are not UTF-8 (lone surrogates in Python's file names)."""
    return name.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)


def as_text(name: str) -> str:
    """A name of any bytes as text that people can read and tables can hold."""
    return "".join(letter if is_text(letter) else letter.encode("unicode_escape").decode() for letter in name)


def paths_of(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Several paths, or one by itself: a text is one path, not a sequence of letters."""
    return tuple(map(path_of, [given] if isinstance(given, str | os.PathLike) else given))


def path_of(given: str | os.PathLike[str]) -> Path:
    """The path. Raises InputError for "", which Python takes for the working folder."""
    if not os.fspath(given):
        raise InputError(repr(""), "an empty path", allowed='a file or a folder, such as "." for this one')
    return Path(given)


def require_there(path: Path) -> None:
    """Raise InputError if there is nothing at a path, or only a link that leads nowhere."""
    if not path.exists():
        raise InputError(path, "no such file or folder")


def require_text(path: Path) -> None:
    """Raise InputError for a path that is not text, see `is_text`."""
    if not is_text(str(path)):
        raise InputError(as_text(str(path)), NO_TEXT)


def require_utf8(path: str | os.PathLike[str], *, remedy: str = "") -> None:
    """Raise InputError for a path that neither Arrow nor JSON can hold."""
    text = os.fspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        found, helps = NO_TEXT, remedy
        with suppress(UnicodeDecodeError):
            os.fsencode(text).decode()
            found, helps = "a name with letters that are not in this locale", "set LC_ALL=C.UTF-8"
        raise InputError(as_text(text), found, remedy=helps) from None


def require_place(path: str | os.PathLike[str]) -> None:
    """Raise InputError for a path that the system does not take: with NUL, or too long."""
    text = os.fspath(path)
    try:
        os.lstat(text)
    except ValueError:
        raise InputError(as_text(text), NO_TEXT) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            raise InputError(shown, f"a path too long for the system ({len(text)} characters)") from None


def open_file(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading. Raises OSError, also for what is not a regular file, or not a path."""
    try:
        mode = Path(path).stat().st_mode
    except ValueError:  # NUL, or what no system encodes
        raise OSError(errno.EINVAL, "no path", as_text(os.fspath(path))) from None
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return open(path, "rb")


def read_file(path: str | os.PathLike[str], most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises OSError as `open_file`, and for more."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"{size:,} bytes; allowed: at most {most:,}", os.fspath(path))
        return file.read(size)
