"""A case: an input is spoilt, a command reads it, and what came of it is judged."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz import children, hostile
from benchmarks.fuzz.children import Ending, Limits
from benchmarks.fuzz.kinds import KINDS, SPOILT, Kind
from curate import cli
from curate.basics import images
from curate.data.dataset import QUARANTINE, TABLE, Dataset

FAULTS = ("traceback", "crash", "hang", "memory", "lost", "differ", "let out", "unclear")
_LIMITS = Limits(processor=20, wall=120, address_space=8 << 30)
_MOST_MEMORY = 1 << 30
_AGAIN = 8  # of so many cases one is run twice
_MOMENTS = {"tensorboard", "last.ckpt"}
_ALONE = (
    "review open-",
    "review take",
    "review agree",
    "train",
    "evaluate",
    "show",
    "trust",
)  # take no --workers
_COUNTS = ("dropped", "absent", "notes")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case: the exit code, or minus the signal; and what is wrong with it, a line each."""

    code: int
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A case, decided by its seed and number.

    Attributes
    ----------
    sources: what `seeds.make` made. folder: where it is tried; new.
    """

    seed: int
    number: int
    kinds: tuple[Kind, ...]
    sources: Path
    folder: Path

    @property
    def kind(self) -> Kind:
        """Of the kinds in turn."""
        return self.kinds[self.number % len(self.kinds)]

    @property
    def rng(self) -> Random:
        """What decides it, afresh."""
        return Random(f"{self.seed} {self.number // len(self.kinds)} {self.kind.name}")

    @property
    def command(self) -> str:
        """Its command line, for the case's folder."""
        line = self.rng.choice(self.kind.commands)
        several = not line.startswith(_ALONE)
        return f"{line} --json" + (" --workers 1" if several else "")

    def run(self) -> Verdict:
        """Try it."""
        self.folder.mkdir(parents=True)
        self._aside("spoiling", self._spoil)
        if self.kind.rows is not None:
            children.run(self._count, limits=_LIMITS, err=self.folder / "counting")
        ending = self._give("")
        out = self.folder / "out"
        again = self.number // len(self.kinds) % _AGAIN == 0 and ending.code in (cli.OK, cli.FINDINGS)
        if again and out.is_dir():
            out.rename(self.folder / "first")
            self._give(".again")
        self._aside("judging", lambda: self._judge(ending))
        return Verdict(ending.code, json.loads((self.folder / "faults.json").read_text()))

    def _aside(self, name: str, act: Callable[[], None]) -> None:
        """Do what belongs to no command; in a child, as it may start threads."""
        said = self.folder / name
        if children.run(act, err=said).code:
            raise RuntimeError(f"{name} case {self.number} of seed {self.seed} failed: {said.read_text()}")

    def _give(self, suffix: str) -> Ending:
        return children.run(
            lambda: cli.main(self._words()),
            limits=_LIMITS,
            out=self.folder / f"stdout{suffix}",
            err=self.folder / f"stderr{suffix}",
            folder=self.folder,
        )

    def _words(self) -> list[str]:
        """The words of the command, an argument in its place."""
        if SPOILT not in self.command:
            return shlex.split(self.command)
        victim = self.folder / (self.folder / "spoilt").read_text()
        text = victim.read_bytes().decode("utf-8", "surrogateescape") if victim.is_file() else ""
        return [word.replace(SPOILT, text.replace("\0", "")) for word in shlex.split(self.command)]

    def _spoil(self) -> None:
        """Copy the sources, spoil a file of them, and put a picture beside them that is nobody's business."""
        rng = self.rng
        rng.choice(self.kind.commands)  # drawn first, see `command`
        sources = self.folder / "in"
        for name in self.kind.tree:
            shutil.copytree(self.sources / name, sources / name)
        secret = _secret()
        for place in (self.folder, sources, self.folder / "outside", sources / "outside"):
            images.write(place / hostile.SECRET, secret)
        victim = rng.choice(sorted(sources.glob(self.kind.spoils)))
        (self.folder / "spoilt").write_text(str(victim.relative_to(self.folder)))
        (self.folder / "command").write_text(f"curate {self.command}\n")
        if rng.random() < 0.05 and SPOILT not in self.command:
            _exchange(rng, victim, self.folder)
            return
        content = self.kind.codec(rng, victim.read_bytes())
        victim.write_bytes(content)
        (self.folder / "countable").touch()

    def _count(self) -> None:
        """Write down how many rows the spoilt file holds, where that can be known."""
        victim = self.folder / (self.folder / "spoilt").read_text()
        if self.kind.rows is not None and (self.folder / "countable").exists():
            (self.folder / "rows").write_text(str(self.kind.rows(victim.read_bytes())))

    def _judge(self, ending: Ending) -> None:
        said = (self.folder / "stderr").read_bytes()
        faults = dict(_of_ending(ending, said))
        faults |= self._of_words(ending.code, said)
        if ending.code in (cli.OK, cli.FINDINGS):
            try:
                faults |= self._of_result(ending.code)
            except Exception as error:
                faults["unclear"] = f"the result is not what it should be: {error!r}"[:300]
        if (self.folder / "executed").exists():
            faults["let out"] = "executed"
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def _of_words(self, code: int, said: bytes) -> dict[str, str]:
        text = said.decode("utf-8", "surrogateescape")
        odd = [letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cs")]
        if odd:
            return {"let out": f"control characters: {odd[:5]!r}"}
        lines = text.strip().splitlines()
        if code == cli.USAGE and (len(lines) != 1 or len(lines[0]) > 1500):
            return {"unclear": f"{len(lines)} lines, {len(text)} characters: {text[:300]!r}"}
        return {}

    def _of_result(self, code: int) -> dict[str, str]:
        out, first = self.folder / "out", self.folder / "first"
        faults: dict[str, str] = {}
        if first.exists():
            before, after = _content(first), _content(out)
            if before != after:
                names = [n for n in {**before, **after} if before.get(n, 0) != after.get(n, 0)]
                faults["differ"] = ", ".join(sorted(names)[:5])
        try:
            told = json.loads((self.folder / "stdout").read_text())
        except ValueError as error:
            return faults | {"unclear": f"--json: {error}"}
        if carried := _carried(out, self.folder):
            faults["let out"] = carried
        if lost := self._lost(told, code, out):
            faults["lost"] = lost
        return faults

    def _lost(self, told: dict[str, Any], code: int, out: Path) -> str:
        """What went missing without a word; "": nothing."""
        if not {"samples", "quarantined", "dropped"} <= told.keys():
            return ""
        if told["quarantined"] and code == cli.OK:
            return f"{told['quarantined']} in quarantine, and exit code 0"
        counted = told["quarantined"] + sum(sum(told.get(name, {}).values()) for name in _COUNTS)
        rows = self.folder / "rows"
        whole = self._quarantined_whole(out)  # then one entry stands for all of its rows
        if rows.exists() and not whole and told["samples"] + counted < int(rows.read_text()):
            return f"{rows.read_text()} rows in, {told['samples']} out, {counted} counted"
        if self.kind.apart and (out / TABLE).exists():
            victim = self.folder / (self.folder / "spoilt").read_text()
            there = os.path.lexists(victim) and not victim.is_dir()
            before, after = (_samples(folder) for folder in (self._baseline(), out))
            for name, sample in before.items():
                if victim.stem in name:
                    if there and name not in after and not counted:
                        return f"{name}, without a word"
                elif after.get(name) != sample:
                    return f"{name}, of another file: {'missing' if name not in after else 'changed'}"
        return ""

    def _quarantined_whole(self, out: Path) -> bool:
        """Whether the spoilt file itself is in quarantine."""
        spoilt = (self.folder / "spoilt").read_text()
        try:
            lines = (out / QUARANTINE).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return False
        return any(f"/{spoilt}".endswith(f"/{json.loads(line)['input']}") for line in lines)

    def _baseline(self) -> Path:
        """What comes of the sources as they are, made when it is first asked for."""
        return self.sources / "baseline" / self.kind.tree[0]


def make_baselines(sources: Path) -> None:
    """Convert each source whose files stand apart as it is."""
    for kind in KINDS:
        name = kind.tree[0]
        if kind.apart and not (sources / "baseline" / name).exists():
            line = f"convert {name} {sources / name} --out {sources / 'baseline' / name} --quiet --workers 1"
            children.run(partial(cli.main, line.split()))


def _of_ending(ending: Ending, said: bytes) -> Iterator[tuple[str, str]]:
    last = said.decode("utf-8", "replace").strip().splitlines()
    if ending.code == cli.BUG or b"Traceback" in said:
        where = [line.strip() for line in last if line.lstrip().startswith("File ")]
        errors = [line for line in last if line and not line.startswith((" ", "Traceback", "curate"))]
        yield "traceback", " | ".join([*where[-1:], *errors[-1:]])[:400]
    if ending.hung:
        yield "hang", "stopped"
    elif ending.code < 0:
        yield "crash", f"signal {-ending.code}"
    elif ending.code not in (cli.OK, cli.FINDINGS, cli.USAGE, cli.BUG):
        yield "crash", f"exit code {ending.code}"
    if ending.memory > _MOST_MEMORY or b"out of memory" in said:
        yield "memory", f"{ending.memory / 2**20:.0f} MiB"


def _secret() -> np.ndarray[Any, Any]:
    return np.random.default_rng(20).integers(0, 256, (160, 160, 3), np.uint8)


def _carried(out: Path, folder: Path) -> str:
    """What a result took from outside the sources, or refers to there."""
    secret = hashlib.sha256((folder / hostile.SECRET).read_bytes()).digest()
    for path in out.rglob("*") if out.is_dir() else ():
        if path.is_file() and hashlib.sha256(path.read_bytes()).digest() == secret:
            return f"{path.relative_to(folder)} is the secret picture"
    if not (out / TABLE).exists():
        return ""
    beside = ("outside", hostile.SECRET)
    sources = (place for place in (folder / "in").iterdir() if place.name not in beside)
    kept = tuple(os.path.realpath(place) for place in (*sources, out))
    for sample in Dataset(out):
        for name in (sample.image, sample.mask, sample.depth):
            real = os.path.realpath(out / name.split("#")[0]) if name else kept[0]
            if not real.startswith(kept):
                return f"a sample refers to {real}"
    return ""


def _samples(folder: Path) -> dict[str, str]:
    """Each sample's row as text, without what differs with --copy (references) and --no-probe (sizes)."""
    left = ["image", "mask", "depth", "sha256", "width", "height"]
    table = Dataset(folder).table().drop_columns(left)
    return {row["sample_id"]: repr(row) for row in table.to_pylist()}


def _content(folder: Path) -> dict[str, bytes | None]:
    """All that is to be the same; what tells of moments and processes is not."""
    paths = (path for path in folder.rglob("*") if not _MOMENTS & {*path.parts})
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


_NAMES = ("a\x1b[31m", "a\udcff", "a" * 240, "a#1", " ", "-rf", "ä\u0308\u202e", "a\nb", "%41", "'\"<>")


def _exchange(rng: Random, victim: Path, folder: Path) -> None:
    """Put something else in a file's place, or give it a name that nobody expects."""
    content = victim.read_bytes()
    kind = rng.randrange(9)
    name = rng.choice(_NAMES)
    victim.unlink()
    if kind == 0:
        victim.write_bytes(b"")
    elif kind == 1:
        victim.mkdir()
    elif kind == 2:
        os.mkfifo(victim)
    elif kind == 3:
        victim.symlink_to(folder / hostile.SECRET)
    elif kind == 4:
        victim.symlink_to("/dev/zero")
    elif kind == 5:
        victim.symlink_to(victim.name)
    elif kind == 6:
        (victim.parent / f"{name}{victim.suffix}").write_bytes(content)
    elif kind == 7:
        victim.write_bytes(content)
        (victim.parent / f"{name}{victim.suffix}").write_bytes(content)
