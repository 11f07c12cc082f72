"""Ctrl-C and SIGTERM: one line, never lost, and nothing that was ignored is listened to."""

from __future__ import annotations

import signal
import subprocess
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import cv2
import pytest

from curate import cli
from curate.basics import stopping
from curate.basics.engine import Local

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_keyboard_interrupt_and_what_was_before_comes_back(number: signal.Signals) -> None:
    before, called = signal.getsignal(number), []
    with pytest.raises(KeyboardInterrupt), stopping.listening(also=lambda: called.append(1)):
        signal.raise_signal(number)
    assert called == [1]
    assert signal.getsignal(number) is before
    assert not stopping.stopped()


def test_work_ends_at_the_next_item_where_something_swallowed_the_interrupt() -> None:
    done = []

    def deaf(item: int) -> None:
        done.append(item)
        try:
            if item == 2:
                signal.raise_signal(signal.SIGTERM)
        except BaseException:
            assert stopping.stopped()

    with pytest.raises(KeyboardInterrupt), stopping.listening():
        list(Local(1).map(deaf, range(10)))
    assert done == [0, 1, 2]


def test_what_came_in_a_block_within_is_not_lost_around_it() -> None:
    with stopping.listening():
        with suppress(KeyboardInterrupt), stopping.listening():
            signal.raise_signal(signal.SIGTERM)
        assert stopping.stopped()
    assert not stopping.stopped()


def test_of_a_signal_that_python_lets_get_lost_there_is_no_traceback() -> None:
    script = (
        "import os, signal; from curate.basics import stopping\n"
        "class Ends:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGINT)\n"
        "with stopping.listening():\n"
        "    Ends(); print('went on to', 'the end' if not stopping.stopped() else 'the next check')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("went on to the next check\n", "")


def test_what_is_ignored_stays_ignored() -> None:
    script = (
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from curate.basics import stopping\n"
        "with stopping.listening(): os.kill(os.getpid(), signal.SIGHUP); print('went on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "went on\n"


def test_what_is_ignored_stays_ignored_when_all_is_done() -> None:
    script = (
        "import atexit, os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "from curate import cli; sys.argv = ['curate', 'show', 'nowhere']; sys.exit(cli.main())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)
    assert done.returncode == cli.USAGE


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("code", [0, 1])
def test_when_all_is_done_a_signal_ends_the_process_with_its_own_code_and_no_word(
    code: int, number: signal.Signals
) -> None:
    done = _run_to_the_end(code, f"atexit.register(os.kill, os.getpid(), {int(number)})")
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_python_takes_itself_down_changes_no_exit_code(number: signal.Signals) -> None:
    late = (
        "class Late:\n"
        f"    def __del__(self, kill=os.kill, pid=os.getpid()): kill(pid, {int(number)})\n"
        "late = Late()"
    )
    done = _run_to_the_end(1, late)
    assert (done.returncode, done.stderr) == (1, "")


def _run_to_the_end(code: int, before: str) -> subprocess.CompletedProcess[str]:
    """A process that is a command which ends with `code`."""
    script = (
        f"import atexit, os, sys; from curate import cli\n{before}\n"
        f"cli._run = lambda *_: {code}; sys.argv = ['curate', 'completion', 'bash']; sys.exit(cli.main())"
    )
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_anything_is_begun_a_signal_ends_the_process_in_one_line(number: signal.Signals) -> None:
    script = (
        "import os; from curate.basics import stopping\n"
        "with stopping.at_once():\n"
        f"  try: os.kill(os.getpid(), {int(number)})\n"
        "  except: pass\n"
        "print('went on')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert (done.stdout, done.stderr) == ("", "curate: stopped before any work began\n")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("change", [1, 5, 9])
def test_a_command_that_is_stopped_says_so_and_goes_on_to_the_same_bytes(
    number: signal.Signals, change: int, drawn_dataset: Path, tmp_path: Path
) -> None:
    def line(name: str) -> list[str]:
        return ["export", str(drawn_dataset), "--to", "labelme", "--out", str(tmp_path / name)]

    script = (
        "import os, sys; from curate import cli; changes = 0\n"
        "def hook(event, arguments):\n"
        "    global changes; changes += event == 'os.rename'\n"
        f"    if event == 'os.rename' and changes == {change}: os.kill(os.getpid(), {int(number)})\n"
        f"sys.addaudithook(hook); sys.exit(cli.main({line('stopped')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "curate export: stopped; the same command resumes from here\n"
    assert cli.main(line("stopped")) == cli.main(line("undisturbed")) == 0
    contents = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("stopped", "undisturbed")
    ]
    assert contents[0] == contents[1]


def test_a_process_gets_no_signal_before_it_asks_for_it() -> None:
    script = (
        "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('went on', flush=True)\n"
        "signal.pthread_sigmask(signal.SIG_SETMASK, ())"
    )
    with stopping.held_back():
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    assert process.communicate()[0] == b"went on\n"
    assert process.returncode == -signal.SIGINT


NO_MEMORY = [
    MemoryError(),
    ImportError("cv2.abi3.so: failed to map segment from shared object"),
    RuntimeError("can't start new thread"),
    cv2.error("std::bad_alloc"),
]


@pytest.mark.parametrize("error", NO_MEMORY, ids=repr)
def test_a_library_for_which_there_is_no_memory_is_told_in_a_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def fail(*_: object) -> None:
        raise error

    given = Namespace(command="trust", do=fail)
    monkeypatch.setattr("curate.commands.parser.Parser.parse_args", lambda *_: given)
    assert cli.main(["trust", "d"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("curate trust: out of memory")
    assert told.count("\n") == 1


def test_where_a_library_cannot_be_loaded_at_the_start_one_line_tells_so() -> None:
    script = (
        "from curate.basics import stopping\n"
        "with stopping.at_once():\n"
        "    raise ImportError('cv2.so: failed to map segment from shared object')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "curate: out of memory before any work began\n"
