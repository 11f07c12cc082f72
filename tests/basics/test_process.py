"""Programs of others are minded: they end in time and with us, and what they said is kept."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from curate.basics import process
from curate.basics.process import Child

ROOT = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel, and looks into /proc")
ECHO = """
import sys
for line in sys.stdin:
    print(f"heard {line.strip()}", flush=True)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def lines(child: Child, count: int) -> list[bytes]:
    """Its next lines; fewer where it ends before."""
    found: list[bytes] = []
    while len(found) < count and child.talks:
        found += child.read(0.1)
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    for _ in range(400):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def echo() -> Iterator[Child]:
    child = Child(python(ECHO))
    yield child
    child.end()


def test_a_child_answers_line_by_line(echo: Child) -> None:
    echo.send("one")
    echo.send("two")
    assert lines(echo, 2) == [b"heard one", b"heard two"]
    echo.send("three")
    assert lines(echo, 1) == [b"heard three"]


def test_where_nothing_is_said_nothing_is_read(echo: Child) -> None:
    assert echo.read(0.01) == []
    assert echo.talks


def test_lines_come_whole_however_they_were_written() -> None:
    child = Child(
        python(
            "import os, time; os.write(1, b'a li'); time.sleep(0.2); os.write(1, b'ne\\nand the start of')"
        )
    )
    assert lines(child, 2) == [b"a line"]
    child.end()


def test_what_it_says_last_on_stderr_is_kept() -> None:
    child = Child(python("import sys; [print(n, file=sys.stderr) for n in range(20)]"))
    while child.talks:
        assert child.read(0.1) == []
    child.keep(b"and that")
    assert list(child.tail) == [*map(str, range(13, 20)), "and that"]
    child.end()


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("raise SystemExit(3)", "ended with 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "died of SIGKILL"),
    ],
)
def test_how_it_ended_is_told(code: str, ending: str) -> None:
    child = Child(python(code))
    assert lines(child, 1) == []
    assert child.ending() == ending
    child.send("anybody there?")
    child.end()


def test_its_python_does_not_find_our_packages_and_its_variables_are_set(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("KEPT", "yes")
    code = "import os; print([os.environ.get(name) for name in ('PYTHONPATH', 'KEPT', 'ADDED')])"
    child = Child(python(code), {"ADDED": "too"})
    assert lines(child, 1) == [b"[None, 'yes', 'too']"]
    child.end()


@pytest.mark.parametrize("how", [Child, lambda line: process.run(line, seconds=60)], ids=["child", "run"])
def test_a_program_that_is_not_there_is_an_error(how) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        how(["no-such-program"])


@LINUX
def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fnot a program")
    path.chmod(0o755)
    child = Child([str(path)])
    assert lines(child, 1) == []
    assert child.ending() == "ended with 1"
    assert "cannot be started (Exec format error)" in child.tail[-1]
    child.end()


def test_what_a_program_printed_comes_back(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('oh', file=sys.stderr); sys.exit(4)"
    done = process.run(python(code), seconds=60, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (4, f"{tmp_path}\n", "oh\n")


# Starts a process of its own, tells its number, and waits.
WITH_A_CHILD = """
import subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(inner.pid))
print("ready", flush=True)
time.sleep(600)
"""


@LINUX
def test_a_program_that_takes_too_long_is_killed_with_all_it_started(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process.run(python(WITH_A_CHILD, str(tmp_path / "inner")), seconds=3)
    assert gone(int((tmp_path / "inner").read_text()))


@LINUX
def test_a_child_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = Child(python(WITH_A_CHILD, str(tmp_path / "inner")))
    assert lines(child, 1) == [b"ready"]
    child.end()
    assert gone(child.pid)
    assert gone(int((tmp_path / "inner").read_text()))


OWNER = """
import sys, time
from curate.basics.process import Child
child = Child([sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"])
while not child.read(0.1): pass
print(child.pid, flush=True)
time.sleep(600)
"""


@LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_dies_with_its_owner(number: int) -> None:
    owner = subprocess.Popen(python(OWNER), cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ})
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert alive(pid)
    owner.send_signal(number)
    owner.wait()
    owner.stdout.close()
    assert gone(pid)


def test_a_program_of_others_is_not_led_to_our_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "PYTHONPATH": "/ours",
        "QT_QPA_PLATFORM_PLUGIN_PATH": "/ours/cv2/qt/plugins",  # importing OpenCV sets these three
        "QT_QPA_FONTDIR": "/ours/cv2/qt/fonts",
        "LD_LIBRARY_PATH": "/ours/cv2/../../lib64:/theirs/lib:",
        "QT_QPA_PLATFORM": "offscreen",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    code = f"import os; print({{n: os.environ[n] for n in {list(given)} if n in os.environ}})"
    said = process.run(python(code), seconds=60).stdout
    assert ast.literal_eval(said) == {"LD_LIBRARY_PATH": "/theirs/lib", "QT_QPA_PLATFORM": "offscreen"}


def test_where_its_temporary_files_go(tmp_path: Path) -> None:
    code = "import tempfile; print(tempfile.gettempdir())"
    assert process.run(python(code), seconds=60, temporary=tmp_path).stdout.strip() == str(tmp_path)
