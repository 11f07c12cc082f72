"""Tensors in files: what was written comes back, and what is anything else is refused without running it."""

from __future__ import annotations

import io
import os
import pickle
import resource
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from curate.training import stored


def archive(data: bytes, *, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file as torch makes it, of this pickle."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", "3\n")
    return made.getvalue()


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    value = {"a": torch.arange(6.0).reshape(2, 3), "b": [1, "x", {"c": torch.ones((), dtype=torch.int64)}]}
    stored.write(tmp_path / "x.pt", value)
    found = stored.read(tmp_path / "x.pt")
    assert torch.equal(found["a"], value["a"])  # type: ignore[arg-type]
    assert found["b"] == [1, "x", {"c": torch.ones((), dtype=torch.int64)}]


def test_of_a_disk_that_is_full_the_system_tells(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            stored.write(tmp_path / "x.pt", {"a": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


class Attack:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no archive"),
        (b"not tensors", "no archive"),
        (pickle.dumps({"a": 1}), "no archive"),
        (archive(b""), "cut off or broken"),
        (archive(pickle.dumps({"a": 1})[:-1]), "cut off or broken"),
        (archive(b"\x80\x02})" + b"\x85" * 200_000 + b"K\x01s."), "tuples of more than 1000 values"),
        (archive(b"\x80\x02})" + b"2\x86" * 60 + b"K\x01s."), "tuples of more than 1000 values"),
        (archive(b"\x80\x02\x8a\xff" + b"\x01" * 255 + b"."), "very many digits"),
        (archive(pickle.dumps(0), compression=zipfile.ZIP_DEFLATED), "compressed"),
        (archive(b"0" * 1000).replace(b"000", b"010", 1), "other bytes than were written"),
    ],
)
def test_what_holds_no_tensors_is_refused(data: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(data)
    with pytest.raises(stored.Damaged, match=told):
        stored.read(tmp_path / "x.pt")


@pytest.mark.parametrize("zipped", [False, True])
def test_files_of_any_version_are_read(zipped: bool, tmp_path: Path) -> None:
    torch.save({"a": torch.arange(6.0)}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    assert stored.read_any(tmp_path / "x.pt")["a"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "pickled", [b"\x80\x02})" + b"\x85" * 200_000 + b"K\x01s.", b"\x80\x02})" + b"2\x86" * 60 + b"K\x01s."]
)
def test_none_of_any_version_is_waited_for(pickled: bytes, zipped: bool, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    old = (tmp_path / "old.pt").read_bytes()
    value = pickle.dumps({}, protocol=2)
    assert value in old
    (tmp_path / "x.pt").write_bytes(archive(pickled) if zipped else old.replace(value, pickled))
    with pytest.raises(stored.Damaged, match="tuples of more than 1000 values"):
        stored.read_any(tmp_path / "x.pt")


@pytest.mark.parametrize("zipped", [False, True])
def test_nothing_is_run(zipped: bool, tmp_path: Path) -> None:
    data = pickle.dumps(Attack(tmp_path / "owned"))
    (tmp_path / "x.pt").write_bytes(archive(data) if zipped else data)
    with pytest.raises(stored.Damaged):
        stored.read(tmp_path / "x.pt")
    assert not (tmp_path / "owned").exists()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.pt")
    with pytest.raises(OSError, match="not a regular file"):
        stored.read(tmp_path / "x.pt")
    pytest.importorskip("onnx")
    with pytest.raises(OSError, match="not a regular file"):
        stored.read_onnx(tmp_path / "x.pt")


def test_an_onnx_file_gives_its_tensors_by_name(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    whole, half = np.array([1.0, 2.5], np.float32), np.array([[0.5]], np.float16)
    tensors = [onnx.numpy_helper.from_array(whole, "a"), onnx.numpy_helper.from_array(half, "b.half")]
    _write_onnx(tmp_path / "x.onnx", tensors)
    found = stored.read_onnx(tmp_path / "x.onnx")
    assert {name: value.tolist() for name, value in found.items()} == {"a": [1.0, 2.5], "b": [[0.5]]}
    assert {value.dtype for value in found.values()} == {torch.float32}


def test_what_is_no_onnx_or_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    (tmp_path / "x.onnx").write_bytes(b"not ONNX")
    with pytest.raises(stored.Damaged, match="no ONNX"):
        stored.read_onnx(tmp_path / "x.onnx")
    elsewhere = onnx.numpy_helper.from_array(np.zeros(2, np.float32), "a")
    onnx.external_data_helper.set_external_data(elsewhere, "../secret")
    elsewhere.ClearField("raw_data")
    _write_onnx(tmp_path / "x.onnx", [elsewhere])
    with pytest.raises(stored.Damaged, match="in other files"):
        stored.read_onnx(tmp_path / "x.onnx")


def _write_onnx(path: Path, tensors: list[Any]) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph([], "x", [], [], initializer=tensors)
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
