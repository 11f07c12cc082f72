"""Files are written whole or not at all; a folder is held by one command, and never another's."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from curate.basics import files
from curate.basics.errors import ConfigChanged, InputError, SchemaError

ROOT = Path(__file__).resolve().parents[2]


def make(out: Path, *, says: str = "hello", overwrite: bool = False, **more: Any) -> bool:
    """A command of two steps: each is a file of its own while at work. Returns whether it had work to do."""
    with files.claimed(
        out, {"verb": "make", "options": {"says": says}}, overwrite=overwrite, **more
    ) as claim:
        if claim.result is not None:
            assert claim.result == {"letters": len(says)}
            return False
        for step in ("one", "two"):
            if not (claim.work / step).exists():
                files.write(claim.work / step, says.encode())
        files.write(out / "deep" / "result.txt", b"".join(files_of(claim.work, "one", "two")))
        claim.finish({"letters": len(says)})
    return True


def files_of(folder: Path, *names: str) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    files.write(tmp_path / "a" / "b.txt", b"before")
    with pytest.raises(TypeError), files.writing(tmp_path / "a" / "b.txt") as file:
        file.writelines([b"half of wh", None])  # type: ignore[list-item]
    assert content(tmp_path) == {"a": None, "a/b.txt": b"before"}


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x"])
def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path, name: str) -> None:
    with files.writing(tmp_path / name) as one, files.writing(tmp_path / f"{name[:-1]}y") as two:
        one.write(b"one")
        two.write(b"two")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: b"one",
        f"{name[:-1]}y": b"two",
    }


def test_what_cannot_be_written_is_named_as_what_it_was_to_be(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long") as refused:
        files.write(tmp_path / ("x" * 256), b".")
    assert refused.value.filename == str(tmp_path / ("x" * 256))


def test_where_there_is_no_room_the_file_to_be_is_named(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refused:
            files.write(tmp_path / "x", b"." * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.filename == str(tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_on_a_read_only_disk_the_file_to_be_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str | Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)  # it refuses that of a file that there is not, too
    with pytest.raises(OSError, match="Read-only") as refused:
        files.write(tmp_path / "x", b".")
    assert refused.value.filename == str(tmp_path / "x")


def test_one_result_written_twice_at_once_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, rename = tmp_path / "page.html", os.replace
    second = Thread(target=partial(files.write_result, page, b"page", overwrite=False))

    def begin_second(temporary: Path, target: Path) -> None:
        monkeypatch.undo()
        second.start()
        second.join(0.3)  # it sweeps what a killed command left, and waits for this one
        rename(temporary, target)

    monkeypatch.setattr("os.replace", begin_second)
    files.write_result(page, b"page", overwrite=False)
    second.join()
    assert content(tmp_path) == {"page.html": b"page"}


def test_the_same_command_again_has_nothing_to_do(tmp_path: Path) -> None:
    assert make(tmp_path / "o")
    before = content(tmp_path / "o")
    assert set(before) == {".curate.json", "deep", "deep/result.txt"}
    assert not make(tmp_path / "o")
    assert content(tmp_path / "o") == before
    assert make(tmp_path / "o", overwrite=True)
    assert content(tmp_path / "o") == before


def test_another_configuration_is_refused_and_said(tmp_path: Path) -> None:
    make(tmp_path / "o")
    before = content(tmp_path / "o")
    with pytest.raises(ConfigChanged, match=r"\(says was 'hello', now 'bye'\); choose another --out, or add"):
        make(tmp_path / "o", says="bye")
    assert content(tmp_path / "o") == before
    assert make(tmp_path / "o", says="bye", overwrite=True)
    assert (tmp_path / "o" / "deep" / "result.txt").read_bytes() == b"byebye"


def test_what_cannot_be_read_by_people_is_only_said_to_have_changed(tmp_path: Path) -> None:
    for inputs in (["0" * 64], ["1" * 64]):
        try:
            with files.claimed(tmp_path / "o", {"inputs": inputs}) as claim:
                claim.finish({})
        except ConfigChanged as error:
            assert "(inputs changed)" in str(error)  # noqa: PT017
            return
    pytest.fail("another input was not noticed")


@pytest.mark.parametrize(
    "before",
    [
        {"a" * 9999: 1},
        {"a": "b" * 9999},
        {"a": ["b"] * 9999},
        {"a": [["b"] * 9999]},
        {"a": {str(number): 1 for number in range(9999)}},
        {str(number): 1 for number in range(9999)},
    ],
    ids=["name", "text", "list", "nested", "table", "names"],
)
def test_another_configuration_is_told_in_a_line_of_some_length(
    tmp_path: Path, before: dict[str, Any]
) -> None:
    with files.claimed(tmp_path / "o", before) as claim:
        claim.finish({})
    with pytest.raises(ConfigChanged) as told, files.claimed(tmp_path / "o", {"a": 1}):
        pass
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "foreign",
    [
        {"thesis.txt": "precious"},
        {"dataset.json": '{"title": "not ours"}', "thesis.txt": "precious"},
        {".curate.json": '{"title": "not ours"}', "thesis.txt": "precious"},
        {".curate/thesis.txt": "precious"},
        {"index.html": "mine", "data/mine.csv": "precious"},
        {".thesis.txt.tmp": "precious"},
    ],
    ids=lambda foreign: next(iter(foreign)),
)
def test_a_folder_that_is_not_ours_is_left_alone(
    tmp_path: Path, foreign: dict[str, str], overwrite: bool
) -> None:
    for name, text in foreign.items():
        files.write(tmp_path / "o" / name, text.encode())
    before = content(tmp_path / "o")
    with pytest.raises(InputError, match="a folder with other files in it; allowed: a new folder"):
        make(tmp_path / "o", overwrite=overwrite)
    assert content(tmp_path / "o") == before


def test_a_folder_of_an_earlier_version_is_ours_but_not_the_same(tmp_path: Path) -> None:
    files.write_json(tmp_path / "o" / "dataset.json", {"format": "hand-curate dataset"})
    with pytest.raises(ConfigChanged, match="an earlier one"):
        make(tmp_path / "o")
    assert make(tmp_path / "o", overwrite=True)
    assert not (tmp_path / "o" / "dataset.json").exists()


@pytest.mark.parametrize("result", [{"out": "many"}, [], None, {}])
def test_a_result_that_was_changed_is_not_relied_on(tmp_path: Path, result: object) -> None:
    make(tmp_path / "o")
    mark = tmp_path / "o" / files.MARK
    mark.write_text(json.dumps({**json.loads(mark.read_text()), "result": result}))
    with pytest.raises(SchemaError, match=r"damaged; choose another --out, or add --overwrite"):
        make(tmp_path / "o")
    assert make(tmp_path / "o", overwrite=True)


def test_places_that_cannot_be_a_folder_to_write_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="a file; allowed: a new folder"):
        make(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        make(tmp_path / "file" / "deeper")
    with pytest.raises(InputError, match="the folder that is read"):
        make(tmp_path, reads=[tmp_path / "in"])
    assert content(tmp_path) == {"file": b""}


def test_two_commands_do_not_hold_one_folder(tmp_path: Path) -> None:
    with files.claimed(tmp_path / "o", {}):
        for overwrite in (False, True):
            with pytest.raises(InputError, match="another curate command is writing here"):
                make(tmp_path / "o", overwrite=overwrite)


def test_work_for_which_the_key_has_changed_is_refused(tmp_path: Path) -> None:
    def begin(work: Path) -> None:
        files.write(work / "begun", b"")
        raise RuntimeError

    with pytest.raises(RuntimeError), files.claimed(tmp_path / "o", {"a": 1}, resume_key="one") as claim:
        begin(claim.work)
    with (
        pytest.raises(ConfigChanged, match="resume_key was 'one', now 'two'"),
        files.claimed(tmp_path / "o", {"a": 1}, resume_key="two"),
    ):
        pytest.fail("held")
    with files.claimed(tmp_path / "o", {"a": 1}, resume_key="one") as claim:
        claim.finish({})
    with files.claimed(tmp_path / "o", {"a": 1}, resume_key="two") as claim:
        assert claim.result == {}


@pytest.mark.parametrize("before", ["nothing", "an empty folder", "a finished one"])
def test_a_command_that_fails_before_it_made_anything_leaves_the_folder_free(
    tmp_path: Path, before: str
) -> None:
    out = tmp_path / "o"
    if before == "an empty folder":
        out.mkdir()
    elif before == "a finished one":
        make(out, says="one")
    with pytest.raises(RuntimeError), files.claimed(out, {"a": 1}, overwrite=True):
        raise RuntimeError
    assert out.exists() == (before != "nothing")
    make(out, says="two")
    make(tmp_path / "expected", says="two")
    assert content(out) == content(tmp_path / "expected")


def test_a_share_that_fails_before_it_made_anything_leaves_the_folder_free(tmp_path: Path) -> None:
    """The corrected command was told to add --overwrite, to throw away nothing."""
    out = tmp_path / "o"
    with pytest.raises(RuntimeError), files.claimed(out, {"a": 1}, shares=True):
        raise RuntimeError
    assert not out.exists()
    with files.claimed(out, {"a": 2}, shares=True):
        pass


def test_a_share_that_fails_while_another_goes_on_leaves_the_folder_to_it(tmp_path: Path) -> None:
    out = tmp_path / "o"
    with files.claimed(out, {"a": 1}, shares=True) as other:
        with pytest.raises(RuntimeError), files.claimed(out, {"a": 1}, shares=True):
            raise RuntimeError
        with pytest.raises(ConfigChanged), files.claimed(out, {"a": 2}, shares=True):
            pytest.fail("held")
        files.write(other.work / "one", b"one")
    with files.claimed(out, {"a": 1}, shares=True) as again:
        assert (again.work / "one").read_bytes() == b"one"


@pytest.mark.parametrize("first", [0, 1])
def test_the_last_of_two_shares_that_fail_leaves_the_folder_free(tmp_path: Path, first: int) -> None:
    out = tmp_path / "o"
    shares = [files.claimed(out, {"a": 1}, shares=True) for _ in range(2)]
    for share in shares:
        share.__enter__()
    for share in (shares[first], shares[1 - first]):
        assert not share.__exit__(RuntimeError, RuntimeError(), None)
    with files.claimed(out, {"a": 2}, shares=True) as claim:
        assert claim.result is None


# Kills its process just before the n-th time that it changes anything on disk.
DIE_AT = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
import test_files
left = int(sys.argv[1])
def hook(event, arguments):
    global left
    opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_CREAT)
    if opened or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.dont_write_bytecode = True
sys.addaudithook(hook)
test_files.make(Path(sys.argv[2]), says="two", overwrite=True)
"""


@pytest.mark.parametrize("begun", ["nothing", "finished otherwise", "unfinished otherwise"])
def test_a_command_killed_at_any_step_goes_on_to_the_same_bytes(tmp_path: Path, begun: str) -> None:
    make(tmp_path / "expected", says="two")
    expected = content(tmp_path / "expected")
    for moment in range(1, 100):
        out = tmp_path / str(moment)
        if begun != "nothing":
            make(out, says="one")
            files.write(out / "old" / "file.txt", b"of the one before")
        if begun == "unfinished otherwise":
            mark = json.loads((out / files.MARK).read_text())
            del mark["result"]
            files.write_json(out / files.MARK, {**mark, "resume_key": ""})
            files.write(out / files.WORK / "one", b"one")
        command = [sys.executable, "-c", DIE_AT, str(moment), str(out), str(Path(__file__).parent), str(ROOT)]
        code = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode
        make(out, says="two", overwrite=not files_say_two(out))
        assert content(out) == expected, f"killed before change {moment}"
        if code == 0:
            assert moment > 10
            return
        assert code == -signal.SIGKILL
    pytest.fail("never ran to its end")


def files_say_two(out: Path) -> bool:
    """Whether the killed command had come far enough to be gone on with without --overwrite."""
    mark = out / files.MARK
    return not mark.exists() or json.loads(mark.read_text())["identity"]["options"]["says"] == "two"


def test_what_others_are_clearing_up_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a worker that ends just now goes with the worker, in the middle of the sweep."""
    desk = tmp_path / ".desk.tmp"
    for name in ("a", "b", "c"):
        (desk / name).mkdir(parents=True)
        (desk / name / "file").touch()
    remove_folder, gone = os.rmdir, []

    def rmdir(path: Any, **where: Any) -> None:
        remove_folder(path, **where)
        if not gone:
            gone.append(path)
            remove_folder(path, **where)  # as when the other was first

    monkeypatch.setattr(os, "rmdir", rmdir)
    files.sweep(tmp_path)
    assert gone
    assert not list(tmp_path.iterdir())
