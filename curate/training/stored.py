"""Tensors in files: written whole, and read without running anything that stands in them.

The files are torch's: a zip archive of a pickle and of the tensors' bytes. Its sums are compared, which torch
does not do, and the pickle is followed before it is read (curate.basics.pickle_scan). Weights are also read
from ONNX files that keep their names, such as those of the box.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import torch

from curate.basics import files, pickle_scan
from curate.basics.errors import MissingExtra
from curate.basics.paths import open_file
from curate.basics.unwarned import unwarned

_PICKLE = "data.pkl"
_PICKLES = 5  # of what torch wrote before version 1.6: what it is, its version, the machine, the value, names
_MOST = 100_000_000  # bytes of the pickle, which names the tensors and does not hold them
_LONGEST = 300  # characters of an error
HALF = ".half"  # behind the name of what is stored in half precision, see curate.training.onnx.bare


class Damaged(Exception):
    """A file that holds no tensors, or no longer those that were written; says why in one line."""


def write(path: Path, value: Any) -> None:
    """Write tensors, and what holds them. Raises OSError."""
    with files.writing(path) as file:
        save(file, value)


def save(file: IO[bytes], value: Any) -> None:
    """As `write`, to a file that is open."""
    try:
        torch.save(value, file)
    except RuntimeError as error:
        # Where a write fails, torch ends its archive none the less, and tells of that instead.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    file.flush()


def read(path: Path) -> Any:
    """What `write` wrote: tensors and plain values. Raises OSError; Damaged."""
    with open_file(path) as file, _as_damage():
        _check(file)
        file.seek(0)
        return _load(file)


def read_any(path: Path) -> Any:
    """What any version of torch wrote: an archive, or some pickles in a row and the tensors' bytes.

    Raises as `read`.
    """
    with open_file(path) as file, _as_damage():
        if zipfile.is_zipfile(file):
            return read(path)
        file.seek(0)
        data, at = file.read(), 0
        for _ in range(_PICKLES):
            at = pickle_scan.check(data, at)
        return _load(io.BytesIO(data))


def read_onnx(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of an ONNX file by their names, in float32; files beside it are not read.

    Raises OSError; Damaged; MissingExtra: the packages of the extra `onnx` are not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtra("ONNX", "onnx") from None
    with open_file(path) as file, _as_damage():
        try:
            tensors = onnx.load_from_string(file.read()).graph.initializer
        except DecodeError:
            raise Damaged("no ONNX") from None
        if any(map(onnx.external_data_helper.uses_external_data, tensors)):
            raise Damaged("ONNX with its tensors in other files")
        values = {tensor.name.removesuffix(HALF): onnx.numpy_helper.to_array(tensor) for tensor in tensors}
        return {name: torch.tensor(value, dtype=torch.float32) for name, value in values.items()}


def _load(file: IO[bytes]) -> Any:
    return torch.load(file, map_location="cpu", weights_only=True)


@contextmanager
def _as_damage() -> Iterator[None]:
    """What torch and zipfile raise becomes Damaged, and what torch warns of before is left out."""
    try:
        with unwarned():
            yield
    except zipfile.BadZipFile:
        raise Damaged("no archive of tensors, or half of one") from None
    except pickle_scan.Suspicious as error:
        raise Damaged(f"a pickle with {error}") from None
    except UnpicklingError:
        raise Damaged("more than tensors and plain values") from None
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Damaged(reason(error)) from None
    except (MemoryError, RecursionError, NotImplementedError, AssertionError, ImportError) as error:
        raise Damaged(reason(error)) from None


def reason(error: BaseException) -> str:
    """The first line of an error of torch's, or ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:_LONGEST]


def _check(file: Any) -> None:
    with zipfile.ZipFile(file) as archive:
        packed = [entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise Damaged("compressed tensors, which torch does not write")
        pickles = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == _PICKLE]
        if len(pickles) != 1 or pickles[0].file_size > _MOST:
            raise Damaged(f"an archive without one {_PICKLE}")
        try:
            broken = archive.testzip()
        except (zlib.error, EOFError) as error:
            raise Damaged(reason(error)) from None
        if broken is not None:
            raise Damaged(f"other bytes than were written ({broken})")
        pickle_scan.check(archive.read(pickles[0]))
