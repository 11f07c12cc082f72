"""Every error that hand-curate raises deliberately.

    CurateError                 anything the user can act on; the command ends with exit code 2
    ├── InputError              a file, a field or an option has a value that is not allowed
    │   ├── UnreadableImage     an image that is missing, broken or too large, or not an image at all
    │   │   └── UnsafeReference  a dataset's image, mask or depth map lies where none of its files may
    │   ├── NotLabelme          a JSON file of another form than Labelme's (its converter's)
    │   ├── NotXml              a file that is not XML, or of another format (the converters')
    │   ├── UnsafeInput         an input that tries to do more than hold data
    │   ├── SchemaError         a folder of ours that is unfinished, broken, or of another version
    │   └── ConfigChanged       a folder was begun, or made, with another configuration
    ├── MissingExtra            a feature needs a package that is not installed
    ├── ShareDone               not an error: a share of the work is done, and the others are not
    ├── ClusterError            a cluster that cannot be reached, is lost, or gives up (the engine's)
    └── BlenderError            no Blender, or one that does not work (the renderer's)

A message says where, what was found, what is allowed and what to do, in one line.
"""

from __future__ import annotations

import os

_LONGEST = 500  # characters of a value found, or of a field's name, that a message shows


def found_and_field(message: str) -> tuple[str, str]:
    """What was found, and in which field, by msgspec: "Expected `int`, got `str` - at `$.history`"."""
    found, _, field = message.partition(" - at `$")
    return found.replace("`", ""), field.rstrip("`").removeprefix(".")


class CurateError(Exception):
    """Base of all errors a user can act on."""


class InputError(CurateError):
    """Bad input, reported in one line.

    Parameters
    ----------
    where: the file (or folder, or option) at fault.
    found: what was found there.
    field: the field, key, column or line within it.
    allowed: what is allowed instead.
    remedy: what the reader can do about it.
    """

    def __init__(
        self,
        where: str | os.PathLike[str],
        found: str,
        *,
        field: str = "",
        allowed: str = "",
        remedy: str = "",
    ) -> None:
        self.where = os.fspath(where)
        self.found, self.field, self.allowed, self.remedy = found, field, allowed, remedy
        super().__init__(self._line())

    @property
    def reason(self) -> str:
        """The message without the file: the quarantine records it next to the file's name."""
        found = _shortened(self.found)
        text = f"{_shortened(self.field)}: {found}" if self.field else found
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.remedy:
            text += f"; {self.remedy}"
        return _one_line(text)

    def at(self, where: str | os.PathLike[str], field: str = "") -> InputError:
        """The same error, told of another place: the option, or the field of a file, that led to it."""
        return type(self)(where, self.found, field=field, allowed=self.allowed, remedy=self.remedy)

    def _line(self) -> str:
        return f"{_one_line(self.where)}: {self.reason}"

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        # Errors cross process borders in the engine; the default would lose the keywords.
        return (_rebuild, (type(self), self.where, self.found, self.field, self.allowed, self.remedy))


class UnreadableImage(InputError):
    """An image file that is missing, truncated or oversized, or not an image at all."""


class UnsafeReference(UnreadableImage):
    """An image, mask or depth map of a dataset that lies where its dataset.json names no folder."""


class UnsafeInput(InputError):
    """An input that was refused because it tries to do more than hold data."""


class SchemaError(InputError):
    """A folder of ours that is unfinished, of another schema version, or broken."""

    @classmethod
    def of_field(cls, where: str | os.PathLike[str], message: str, *, remedy: str) -> SchemaError:
        """Make the error from msgspec's message on a JSON file."""
        found, field = found_and_field(message)
        return cls(where, found, field=field, remedy=remedy)


class ConfigChanged(InputError):
    """A folder was begun with another configuration than the one asked for now."""


class MissingExtra(CurateError):
    """A feature needs an optional package."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed; "
            f"install them with: pip install 'hand-curate[{extra}]'"
        )


class ShareDone(CurateError):
    """A share of a command's work is done, but not all shares: nothing is wrong, but the folder is not whole.

    Attributes
    ----------
    out: the folder. share: the share that was done, such as "2/8".
    missing, total: how many pieces of work are not done yet, of how many. If none is missing, another share
        completes the folder.
    """

    def __init__(self, out: str | os.PathLike[str], share: str, missing: int, total: int) -> None:
        self.out, self.share, self.missing, self.total = os.fspath(out), share, missing, total
        told = "; another share completes the folder"
        if missing:
            are = "is" if missing == 1 else "are"
            told = (
                f", {missing} of {total} pieces of work {are} not; the share that does the last completes it"
            )
        super().__init__(f"{_one_line(self.out)}: share {share} is done{told}")

    def as_json(self) -> dict[str, str | int]:
        """For --json."""
        return {"out": self.out, "share": self.share, "missing": self.missing, "pieces": self.total}


def printable(text: str) -> str:
    """Text for a terminal, line by line: a hostile name must not write over it, so control characters and the
    like become blanks."""
    return "\n".join(_blanked(line) for line in text.split("\n"))


def _shortened(text: str) -> str:
    """The beginning of a text that is long, and its length: a value in a hostile file can have any."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _one_line(text: str) -> str:
    return _blanked(text).strip()


def _blanked(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _rebuild(
    kind: type[InputError], where: str, found: str, field: str, allowed: str, remedy: str
) -> InputError:
    return kind(where, found, field=field, allowed=allowed, remedy=remedy)
