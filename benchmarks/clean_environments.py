"""The wheel, installed in clean environments of several Pythons, and the whole demo run there.

    python benchmarks/clean_environments.py [PYTHON ...] [--extras train]

PYTHON is an interpreter; by default python3.11, python3.12 and python3.13, those that are on the PATH. Each
gets a virtual environment of its own in a temporary folder, without this checkout: there the wheel is
installed, with the versions of constraints.txt, and `curate demo` is run in an empty folder. A row for each
tells what was installed, how long that took, and how the demo ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_KNOWN = ("python3.11", "python3.12", "python3.13")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--extras", default="", help="to install too, such as: train,render")
    given = parser.parse_args()
    pythons = given.pythons or [python for python in _KNOWN if shutil.which(python)]
    with tempfile.TemporaryDirectory() as folder:
        wheel = built(Path(folder) / "wheel")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        print("python | packages | MB | install s | demo s | demo's exit code")
        for number, python in enumerate(pythons):
            tried(python, wheel, given.extras, Path(folder) / str(number))


def built(folder: Path) -> Path:
    """The wheel of this checkout."""
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder))
    subprocess.run([*pip, str(_ROOT)], check=True)
    return next(folder.glob("*.whl"))


def tried(python: str, wheel: Path, extras: str, folder: Path) -> None:
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
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
