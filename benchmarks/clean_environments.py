"""The wheel, installed in clean environments of several Pythons, and the whole demo run there.

    python benchmarks/clean_environments.py [PYTHON ...] [--extras train] [--tutorials]

PYTHON is an interpreter; by default python3.11, python3.12 and python3.13, those that are on the PATH. Each
gets a virtual environment of its own in a temporary folder, without this checkout: there the wheel is
installed, with the versions of constraints.txt, and `curate demo` is run in an empty folder. A row for each
tells what was installed, how long that took, and how the demo ended.

With --tutorials, which want --extras train,render, all commands of docs/tutorial-*.md are then run in
one folder, in their order and as they stand there. What a page says behind a command that fails, such as
`curate render` where there is no Blender, is left out; CURATE_BLENDER names Blender's Python.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_KNOWN = ("python3.11", "python3.12", "python3.13")
_TUTORIALS = ("tutorial-photographs", "tutorial-renders")
_TYPED = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--extras", default="", help="to install too, such as: train,render")
    parser.add_argument("--tutorials", action="store_true", help="run their commands, too")
    given = parser.parse_args()
    pythons = given.pythons or [python for python in _KNOWN if shutil.which(python)]
    with tempfile.TemporaryDirectory() as folder:
        wheel = built(Path(folder) / "wheel")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        print("python | packages | MB | install s | demo s | demo's exit code")
        for number, python in enumerate(pythons):
            tried(python, wheel, given.extras, Path(folder) / str(number), tutorials=given.tutorials)


def built(folder: Path) -> Path:
    """The wheel of this checkout."""
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder))
    subprocess.run([*pip, str(_ROOT)], check=True)
    return next(folder.glob("*.whl"))


def tried(python: str, wheel: Path, extras: str, folder: Path, *, tutorials: bool) -> None:
    """Install and run; prints a row."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    begun = time.perf_counter()
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True, env=environment)
    bin_ = folder / "venv" / "bin"
    pip = (str(bin_ / "python"), "-m", "pip", "--disable-pip-version-check")
    wanted = ("-c", str(_ROOT / "constraints.txt"), f"{wheel}[{extras}]" if extras else str(wheel))
    subprocess.run([*pip, "install", "--quiet", *wanted], check=True, env=environment)
    installed = time.perf_counter() - begun
    listed = subprocess.run([*pip, "list"], check=True, env=environment, capture_output=True, text=True)
    size = sum(path.lstat().st_size for path in (folder / "venv").rglob("*") if not path.is_symlink()) / 1e6
    version = subprocess.run(
        [bin_ / "python", "-V"], capture_output=True, text=True, check=True
    ).stdout.strip()
    begun = time.perf_counter()
    cwd = folder / "empty"
    cwd.mkdir()
    with (folder / "log").open("w") as log:
        code = subprocess.run([bin_ / "curate", "demo"], cwd=cwd, env=environment, stderr=log).returncode
    packages = len(listed.stdout.splitlines()) - 2
    took = time.perf_counter() - begun
    print(f"{version} | {packages} | {size:.0f} | {installed:.0f} | {took:.0f} | {code}", flush=True)
    if code:
        print((folder / "log").read_text()[-2000:])
    elif tutorials:
        for page in _TUTORIALS:
            follow(page, cwd, environment | {"PATH": f"{bin_}{os.pathsep}{environment['PATH']}"})
    shutil.rmtree(folder)


def follow(page: str, cwd: Path, environment: dict[str, str]) -> None:
    """Run the commands of a tutorial as they stand there; prints each with its exit code and seconds."""
    print(f"\n{page}\nexit code | s | command")
    text = (_ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    lines = [line for block in _TYPED.findall(text) for line in block.splitlines()]
    for line in (line[2:] for line in lines if line.startswith("$ ")):
        begun = time.perf_counter()
        ran = subprocess.run(line, shell=True, cwd=cwd, env=environment, capture_output=True, text=True)
        print(f"{ran.returncode} | {time.perf_counter() - begun:.0f} | {line}", flush=True)
        if ran.returncode not in (0, 1):  # 1: findings, or something left out
            print(ran.stderr[-2000:])
            return


if __name__ == "__main__":
    main()
