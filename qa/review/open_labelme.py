"""`curate review open-labelme`: flagged samples in Labelme, and what was moved there as decisions.

    OUT/labels/0001-NAME.jpg .json   the pictures and their labels, the worst first; Labelme works here
    OUT/labels.txt                   the 21 names that Labelme offers
    OUT/decisions.jsonl              what was corrected, for `curate review apply`

Labelme (GPL) runs as a process of its own; it and this package exchange files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from curate.basics import files, images, process
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import is_digits
from curate.basics.wording import counted
from curate.data import contents
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.part import Part
from curate.data.references import file_of
from curate.data.sample import FINDINGS, Sample, from_batch, to_batch, without_points
from curate.data.source import TWO_SIDES, Source, files_below
from curate.hands.sifting import reasons_in
from qa.finding import read_findings
from qa.options import LabelmeOptions
from qa.review.corrections import decision_of, difference, last_saved
from qa.review.decisions import DECISIONS, Decision, Patch, as_jsonl, read_decisions
from qa.severity import SEVERITIES, Severity, at_least

Write = Callable[[Dataset, Path], Counter[str]]
Read = Callable[[Source], Iterator[Part]]

LABELS, NAMES = "labels", "labels.txt"
# What Labelme asks of each point: a hidden one, and the hand's side.
_FLAGS = '{".*": ["occluded", "left", "right"]}'
_SWITCHES = ("--nosortlabels", "--validatelabel", "exact", "--labelflags", _FLAGS)


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What came back from Labelme.

    Attributes
    ----------
    out: the folder of the session. opened: samples it holds. corrected: those whose labels were changed.
    refused: (file or sample, reason) of what could not be read back.
    """

    out: Path
    opened: int
    corrected: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        if not self.opened:
            return "nothing to open: no sample is flagged in this way or marked to be fixed"
        lines = [
            f"{len(self.corrected)} of {counted(self.opened, 'sample')} corrected in {self.out / LABELS}"
        ]
        lines += [f"  cannot be read back: {name!r}: {why}" for name, why in self.refused]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "opened": self.opened,
            "corrected": list(self.corrected),
            "refused": [{"input": name, "reason": why} for name, why in self.refused],
            "decisions": os.fspath(self.out / DECISIONS) if self.corrected else None,
        }


def open_labelme(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: LabelmeOptions,
    *,
    write: Write,
    read: Read,
    overwrite: bool = False,
) -> Relabelled:
    """Open samples in Labelme, wait until it is closed, and write what was corrected to OUT/decisions.jsonl.

    The same call again goes on with the same session: nothing that was corrected is lost. With `overwrite` it
    begins anew, whatever was corrected in `out`.

    Parameters
    ----------
    write, read: of the Labelme converter.

    Raises
    ------
    InputError: no option that chooses samples, or findings and decisions of another dataset; an option
        without effect beside the others; a training set; no such program; an `out` that is none of curate's,
        or in use.
    SchemaError: no dataset. ConfigChanged: `out` holds a session of another dataset, or of other samples.
    """
    source, folder = Dataset(dataset), Path(out)
    source.refuse_training_set("correct the dataset that it is built from, and build again")
    program = None if options.no_open else _program(options.labelme)
    wanted = _chosen(source, options)
    if not wanted:
        return Relabelled(folder, 0, (), ())
    session = _session(source, wanted, options.limit)
    identity = {
        "stage": "open-labelme",
        "dataset": source.fingerprint,
        "samples": hashlib.sha256(json.dumps(list(map(_ids, session.values()))).encode()).hexdigest(),
    }
    reads = [source.root, *options.decisions, *([options.qa] if options.qa else [])]
    shown = [file_of(source.root, hands[0].image) for hands in session.values()]
    with contents.claimed(folder, identity, [], reads=reads, others=shown, overwrite=overwrite) as claim:
        if claim.result is None:
            _prepare(source, claim, session, write, {} if options.qa is None else _remarks(options.qa))
            claim.finish({"files": len(session)})
        else:
            files.sweep(folder)  # of a command that was killed as it read back
        if program is not None:
            _run(program, folder)
        return _read_back(source, folder, session, read, options.reviewer)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        remedy = "install it in an environment of its own (pipx install labelme), or name it with --labelme"
        raise InputError("labelme", f"no program {name!r}", remedy=remedy)
    return found


def _run(program: str, folder: Path) -> None:
    line = [program, os.fspath(folder / LABELS), "--labels", os.fspath(folder / NAMES), *_SWITCHES]
    done = subprocess.run(line, check=False, stdout=subprocess.DEVNULL, env=process.environment())
    if done.returncode:
        remedy = "what was saved is kept: give the same command again, or --no-open to read it back"
        raise InputError(program, f"ended with exit code {done.returncode}", remedy=remedy)


# choosing --------------------------------------------------------------------------------------------


def _chosen(source: Dataset, options: LabelmeOptions) -> list[str]:
    """Ids of the samples to open, the worst first."""
    if options.qa is None and not options.decisions and not options.all:
        found = "neither --qa nor --decisions nor --all"
        raise InputError("open-labelme", found, remedy="say what is to be opened")
    _refuse_idle(options)
    ids: list[str] = source.table(["sample_id"]).column(0).to_pylist()
    if options.all:
        return ids
    known = set(ids)
    told = [d.sample_id for path in options.decisions for d in read_decisions(path) if d.decision == "fix"]
    if options.qa is not None:
        told += _flagged(options.qa, options)
    chosen = [name for name in dict.fromkeys(told) if name in known]
    if told and not chosen:
        found = f"{counted(len(told), 'sample')} to open, none of them in {source.root.name}"
        raise InputError("open-labelme", found, remedy="give what was made of this dataset")
    return chosen


def _refuse_idle(options: LabelmeOptions) -> None:
    """Raise InputError for an option that has no effect beside the others."""
    changed = options.changed()
    for name in ("decisions", "check", "severity"):
        if name not in changed:
            continue
        if options.all:
            raise InputError(f"--{name}", "given with --all", remedy="leave one of them out")
        if options.qa is None and name != "decisions":
            raise InputError(f"--{name}", "--qa is not given", remedy="say whose findings: --qa QA")


def _flagged(qa: Path, options: LabelmeOptions) -> list[str]:
    rows = read_findings(qa)
    unknown = sorted(set(options.check) - {row["check"] for row in rows})
    if unknown:
        allowed = ", ".join(sorted({row["check"] for row in rows if row["sample_id"] is not None}))
        raise InputError(qa, f"no finding of {unknown[0]!r}", field="check", allowed=allowed)
    grave = at_least(cast(Severity, options.severity))
    rows = [r for r in rows if r["sample_id"] is not None and r["severity"] in grave]
    rows = [r for r in rows if not options.check or r["check"] in options.check]
    return [r["sample_id"] for r in sorted(rows, key=lambda r: SEVERITIES.index(r["severity"]))]


def _remarks(qa: Path) -> dict[str, list[str]]:
    """The findings on each sample, one line each, the worst first."""
    remarks: dict[str, list[str]] = {}
    for row in sorted(read_findings(qa), key=lambda row: (SEVERITIES.index(row["severity"]), row["check"])):
        if row["sample_id"] is not None:
            remarks.setdefault(row["sample_id"], []).append(f"{row['check']}: {row['message']}")
    return remarks


# the session -----------------------------------------------------------------------------------------

# The hands in each file, by the file's name without its suffix, in the order of their group ids.
_Session = dict[str, list[Sample]]


def _session(source: Dataset, wanted: list[str], limit: int | None) -> _Session:
    """The images of the samples wanted, the worst first, each with all of its hands."""
    by_image: dict[str, list[Sample]] = {}
    place = {name: i for i, name in enumerate(wanted)}
    for sample in source:
        by_image.setdefault(sample.image, []).append(sample)
    ranked = sorted(
        (image for image, hands in by_image.items() if any(s.sample_id in place for s in hands)),
        key=lambda image: min(place.get(s.sample_id, len(place)) for s in by_image[image]),
    )[:limit]
    return {_file_name(i, image): by_image[image] for i, image in enumerate(ranked, start=1)}


def _ids(hands: list[Sample]) -> list[str]:
    return [hand.sample_id for hand in hands]


def _file_name(number: int, image: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(image).stem).strip("._")[:80] or "image"
    return f"{number:04d}-{stem}"


def _prepare(
    source: Dataset, claim: files.Claim, session: _Session, write: Write, remarks: dict[str, list[str]]
) -> None:
    """Write the pictures and labels by way of a small dataset; with the labels, why autotag sifted them out
    and what QA found."""
    part = claim.work / "opened"
    for place in (part, claim.out / LABELS):
        files.remove(place)  # of a command that was killed
    (part / "images").mkdir(parents=True)
    samples = []
    for name, hands in session.items():
        picture = Path("images") / (name + Path(hands[0].image).suffix)
        files.write(part / picture, images.load(file_of(source.root, hands[0].image)))
        samples += [
            replace(
                hand,
                image=picture.as_posix(),
                attrs={FINDINGS: [*reasons_in(hand.attrs), *remarks.get(hand.sample_id, [])]},
            )
            for hand in hands
        ]
    write_table(part, [to_batch(samples)])
    write_info(part, {"samples": len(samples), "sources": [], "licences": [], "history": []})
    write(Dataset(part), claim.out / LABELS)
    files.write(claim.out / NAMES, "".join(f"{name}\n" for name in kp.NAMES).encode())


# reading back ----------------------------------------------------------------------------------------


def _read_back(source: Dataset, folder: Path, session: _Session, read: Read, reviewer: str) -> Relabelled:
    refused: list[tuple[str, str]] = []
    corrected: list[Decision] = []
    when = last_saved(folder / LABELS)
    there = {path.stem: path for path in files_below(folder / LABELS) if path.suffix == ".json"}
    for name, hands in session.items():
        try:
            patches = _patches(there.pop(name, folder / LABELS / f"{name}.json"), hands, read)
        except InputError as error:
            refused.append((f"{name}.json", f"{error.reason}; nothing of it was taken"))
            continue
        corrected += [decision_of(source, old, patch, reviewer, when) for old, patch in patches]
    refused += [(path.name, "no picture that was opened here") for path in there.values()]
    files.write(folder / DECISIONS, as_jsonl(corrected))
    opened = sum(map(len, session.values()))
    return Relabelled(folder, opened, tuple(d.sample_id for d in corrected), tuple(refused))


def _patches(path: Path, hands: list[Sample], read: Read) -> list[tuple[Sample, Patch]]:
    """What was changed on each hand of a picture; a hand that is gone has lost all of its points.

    Raises
    ------
    InputError: a part of the file cannot be read: what is missing would be taken for removed.
    """
    if not path.is_file():
        raise InputError(path, "no such file any more")
    edited: dict[int, Sample] = {}
    for part in read(Source(path)):
        faults = [reason for _, reason in part.quarantine]
        faults += [f"{count} x {what}" for what, count in part.dropped.items()]
        faults += [TWO_SIDES] if part.notes[TWO_SIDES] else []
        if faults:
            raise InputError(path, "; ".join(faults))
        edited |= {_number(sample.sample_id): sample for sample in from_batch(part.batch)}
    unknown = sorted(edited.keys() - set(range(1, len(hands) + 1)))
    if unknown:
        raise InputError(path, f"a hand that was not opened here (group_id {unknown[0]})")
    compared = [
        (old, difference(old, edited.get(number) or without_points(old)))
        for number, old in enumerate(hands, start=1)
    ]
    return [(old, patch) for old, patch in compared if patch != Patch()]


def _number(sample_id: str) -> int:
    """The number of a hand in its picture: the group id in Labelme, behind the #; without one, 1."""
    group = sample_id.rpartition("/")[2].partition("#")[2]
    return int(group) if is_digits(group) else 0 if group else 1
