"""Spoils inputs of every kind, runs the commands that read them, and counts what should not happen.

    python -m benchmarks.fuzz [--seed S] [--cases N] [--seconds T] [--kind NAME]

Small sources are made in the layouts that people have, and all that our own commands make of them. In each
case one file is spoilt, inside its format or as bytes, and a command reads it in a forked child. Counted are,
for each kind of input:

    clean, left out, refused   exit codes 0, 1 and 2
    traceback    exit code 101, or a traceback          crash    ended by a signal, or another code
    hang         over 20 s of a processor, or 120 s     memory   more than 1 GiB
    lost         rows in that are neither rows out nor counted; samples of other files gone or changed
    differ       given again, other bytes came out
    let out      code was executed; a file from outside the source taken, or referred to; control characters
    unclear      exit code 2 without one clear line; a result that cannot be read

Seed and number decide a case. Those with a fault are kept, with their command, and told of with the command
that repeats them. Exits with 1 where there is one. Ctrl-C ends it after the case at hand, with the counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Threads and forks do not mix.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")

from benchmarks.fuzz import children, seeds
from benchmarks.fuzz.kinds import KINDS
from benchmarks.fuzz.trial import FAULTS, Case, Verdict, make_baselines

ENDINGS = {0: "clean", 1: "left out", 2: "refused"}
_SHOWN = 40  # failing cases told of one by one; all are counted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of all that is drawn (0)")
    parser.add_argument("--cases", type=int, default=1000, metavar="N", help="how many to try (1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number to begin with (0)")
    parser.add_argument("--seconds", type=float, metavar="T", help="begin none after so long")
    parser.add_argument(
        "--kind", action="append", choices=[kind.name for kind in KINDS], help="only this kind"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="for cases with a fault (/tmp/curate-fuzz)")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.gettempdir()) / "curate-fuzz"
    networks = children.load_all()
    kinds = tuple(kind for kind in KINDS if networks or not kind.networks)
    chosen = [n for n, kind in enumerate(kinds) if not options.kind or kind.name in options.kind]
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        # What is known of datasets, and what OpenCV leaves of pictures that it cannot write, go with it.
        os.environ.update(XDG_STATE_HOME=f"{folder}/state", OPENCV_TEMP_PATH=folder)
        sources = Path(folder) / "sources"
        if children.run(lambda: seeds.make(sources, networks=networks)).code:
            sys.exit("the sources cannot be made")
        make_baselines(sources)
        end = time.monotonic() + (options.seconds or float("inf"))
        asked_to_end: list[int] = []
        signal.signal(signal.SIGINT, lambda number, _: asked_to_end.append(number))
        for number in range(options.first, options.first + options.cases):
            if number % len(kinds) not in chosen:
                continue
            if asked_to_end or time.monotonic() > end:
                print(f"ended before case {number}")
                break
            case = Case(options.seed, number, kinds, sources, Path(folder) / "case")
            verdict = case.run()
            tally.add(case, verdict)
            if verdict.faults:
                _keep(case, keep / f"{options.seed}-{number}")
            shutil.rmtree(case.folder, ignore_errors=True)
    print(tally)
    sys.exit(1 if tally.faults else 0)


class Tally:
    """Counts of what came of the cases, by kind of input."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.faults = 0

    def add(self, case: Case, verdict: Verdict) -> None:
        """Count a case; tell of its faults."""
        counts = self.counts.setdefault(case.kind.name, Counter())
        counts.update(["cases", ENDINGS.get(verdict.code, "else"), *verdict.faults])
        if verdict.faults:
            self.faults += 1
            if self.faults <= _SHOWN:
                print(f"{case.kind.name}: {case.command}")
                for name, line in verdict.faults.items():
                    print(f"  {name}: {line}")
                again = f"--seed {case.seed} --first {case.number} --cases 1"
                print(f"  repeat: python -m benchmarks.fuzz {again}", flush=True)

    def __str__(self) -> str:
        columns = ("cases", *ENDINGS.values(), *FAULTS)
        total = sum(self.counts.values(), Counter[str]())
        rows = [("", *columns)]
        for name, counts in [*self.counts.items(), ("all", total)]:
            rows.append((name, *(str(counts[column]) for column in columns)))
        widths = [max(len(title) + 2, 7) for title in columns]
        return "\n".join(
            name.ljust(16) + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            for name, *cells in rows
        )


def _keep(case: Case, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    case.folder.rename(place)


if __name__ == "__main__":
    main()
