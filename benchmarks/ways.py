"""One process, two, a cluster, or shares: does a command leave the same bytes, and what does each way cost?

    python -m benchmarks.ways PHOTOGRAPHS [--only crop build ...] [--renders 200] [--rounds 1]

PHOTOGRAPHS is a labelled dataset. Each command runs in each of these ways, which take turns:

    one        --workers 1
    two        --workers 2
    cluster    a Dask scheduler and two workers of one thread, started beforehand as they are on a cluster
    shares     --part 1/2 and 2/2, one after the other, with one worker each; `qa` has none

Printed are the median seconds by the clock of each way, and whether its folder is that of one process, byte
for byte; exits with 1 where one is not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.kills import content

COMMANDS = {
    "crop": "crop {data}",
    "build": "build {data} --crop colour --keypoints 20",
    "qa": "qa {data} --fail-on never",
    "render": "render --random {renders} --size 64 --samples 2",
}
WAYS = {
    "one": ["--workers 1"],
    "two": ["--workers 2"],
    "cluster": ["--cluster {address}"],
    "shares": ["--workers 1 --part 1/2", "--workers 1 --part 2/2"],
}
WORKERS = 2
WHOLE = "qa"  # it judges a set as a whole


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The address of a scheduler with workers that stand ready."""
    from distributed import Client

    told = folder / "scheduler.json"
    dask, at = Path(sys.executable).with_name("dask"), f"--scheduler-file={told}"
    lines = (
        [dask, "scheduler", at, "--port=0", "--no-dashboard"],
        [dask, "worker", at, f"--nworkers={WORKERS}", "--nthreads=1", "--no-dashboard"],
    )
    with open(os.devnull, "w") as nowhere:
        running = [subprocess.Popen(line, stdout=nowhere, stderr=nowhere, cwd=folder) for line in lines]
    try:
        with Client(scheduler_file=str(told)) as client:  # which waits for the file
            client.wait_for_workers(WORKERS, timeout=120)
            address = client.scheduler.address
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def run(command: str, way: str, out: Path, **given: object) -> float:
    """Seconds that a command takes in a way."""
    begun = time.perf_counter()
    for options in WAYS[way]:
        line = f"{command} {options} --out {out} --quiet".format(**given)
        subprocess.run([sys.executable, "-m", "curate.cli", *line.split()], check=True)
    return time.perf_counter() - begun


def main() -> int:
    """Run all, and print a row for each command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--renders", type=int, default=200, metavar="N", help="pictures of render (200)")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    given = parser.parse_args()
    print("".join(f"{name:>12}" for name in ("", *WAYS)) + "  bytes")
    unequal = 0
    with tempfile.TemporaryDirectory() as held, cluster(Path(held)) as address:
        for name in given.only:
            seconds, different = defaultdict(list), set()
            for number in range(given.rounds):
                ways = [way for way in WAYS if (name, way) != (WHOLE, "shares")]
                folders = {way: Path(held) / f"{name}-{number}-{way}" for way in ways}
                for way, out in folders.items():
                    about = {"data": given.photographs.resolve(), "renders": given.renders}
                    seconds[way].append(run(COMMANDS[name], way, out, address=address, **about))
                wanted = content(folders["one"])
                different |= {way for way, out in folders.items() if content(out) != wanted}
            unequal += len(different)
            medians = (f"{statistics.median(seconds[way]):.1f}" if seconds[way] else "-" for way in WAYS)
            row = "".join(f"{told:>12}" for told in medians)
            print(f"{name:>12}{row}  {', '.join(sorted(different)) or 'equal'}", flush=True)
    return int(unequal > 0)


if __name__ == "__main__":
    sys.exit(main())
