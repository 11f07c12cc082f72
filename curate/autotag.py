"""`curate autotag`: labels for photographs, by a program; what is not to be trusted is sifted out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.settings import require_options
from curate.basics.wording import counted, percent, verb
from curate.data.dataset import TABLE, Dataset, Rows, write_info, write_table
from curate.data.part import Part
from curate.data.references import REFERS_TO, Folders, file_of, is_trusted, places_of
from curate.data.sample import SCHEMA, Sample, from_batch, to_batch
from curate.data.sideless import TAKEN_FOR_RIGHT
from curate.data.stage import Stage, Summary, relative_to_out, tasks
from curate.hands import sifting
from curate.hands.cropping import Dropped, set_aside
from curate.hands.finding import Find, Finder
from curate.hands.oriented import SIDE_FROM, TAGGER, oriented, untold
from curate.hands.photograph import DIM, Photograph
from curate.hands.sifting import (
    CERTAIN,
    HARDNESS,
    LOOKS_APART,
    SIFTED,
    TAGGERS_APART,
    Judged,
    Limits,
    Verdict,
    explain_limits,
    tightened,
)
from curate.options.autotag import AutotagOptions
from curate.scoring import precision
from curate.taggers.table import Choice, choose_by, finder_of
from curate.taggers.tagger import Tagged, labelled, least_score, open_photograph, tag_in_order

FOLDER, REPORT, LIMITS = "sifted", "sifting.json", "limits.yaml"
OUT, KEPT, LABELS_REPLACED = "sifted out", "kept", "labels_replaced"  # notes
SHARED = "shares its photo with another hand and has no bbox"
NONE_KNOWN = (
    "none of the photographs has labels to compare with: those of --truth are matched by the photograph's "
    "file, if it shows one hand"
)
ONE_HALF = (
    "they are chosen on half of the people and measured on the others, but all people with labels to compare "
    "with are in one half; label photographs of more people"
)
_ROWS = 16  # samples a task, at least
_SORTED = 4096  # rows of the sifted table at a time
_PART, _PARTS = "sifted-{:06d}.arrow", "sifted-*.arrow"


@dataclass(frozen=True)
class Autotagged:
    """What became of the photographs.

    Attributes
    ----------
    summary: of the dataset of kept hands. sifted: how many were sifted out. report: as in sifting.json.
    hand_score_is: why the limit `hand_score` has its value; None: it was given.
    """

    summary: Summary
    sifted: int
    report: dict[str, Any] = field(default_factory=dict)
    hand_score_is: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**self.summary.as_json(), "sifted": self.sifted, "report": self.report}

    def lines(self) -> list[str]:
        """What the report says of how right the labels are, for people."""
        known = self.report.get("truth")
        least = self.report["limits"]["hand_score"]
        told = [f"limit hand_score {least:g}: {self.hand_score_is}"] if self.hand_score_is else []
        return told + (self._compared(known) if known else [])

    def _compared(self, known: dict[str, Any]) -> list[str]:
        kept, every = known["kept"], known["all"]
        if not every["n"]:
            return [NONE_KNOWN]
        were = f"{kept['n']:,} {verb(kept['n'], 'was', 'were')} kept"
        told = f"of {counted(every['n'], 'photograph')} with labels to compare with, {were}"
        lines = [f"{told}; {_share(kept)} of those kept are right, and {_share(every)} of all"]
        chosen = known.get("precision")
        if chosen is not None and not chosen.get("on_both_halves", True):
            lines.append(f"no limits for a precision of {chosen['asked']:g}: {ONE_HALF}")
        elif chosen is not None and chosen["hardness"] is None:
            lines.append(f"no limits give a precision of {chosen['asked']:g} on these photographs")
        elif chosen is not None:
            lines.append(f"limits chosen for a precision of {chosen['asked']:g}: {self.summary.out / LIMITS}")
            lines.append(f"  measured on the other people: {_about(chosen['others'])}")
        return lines


def _share(share: dict[str, Any]) -> str:
    """A share with its interval, for people."""
    if share["share"] is None:
        return "none"
    return f"{percent(share['share'], 1)} ({percent(share['low'], 1)} to {percent(share['high'], 1)})"


def autotag(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: AutotagOptions,
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Autotagged:
    """Label the hand in each photograph by one or more taggers, and sift out what cannot be trusted.

    OUT is a dataset of the hands within the limits, with a score for each point and each hand; its samples
    refer to the photographs. OUT/sifted is a dataset of the others, the hardest first, with the reasons in
    their attrs ("sifted"). OUT/sifting.json counts them, and with `truth` says how right the labels are. With
    `precision`, OUT/limits.yaml holds limits chosen on half of the people (by a hash of their names).

    For a hand that is kept, side, aspect, tilt and rotation are filled in if they are unknown and follow
    from the points, or if a tagger reports the side ("side_from", "aspect_from" and "angles_from" in attrs).
    Labels that a sample already has are replaced. A hand that shares its photograph with others is told apart
    by its bbox; without one, it is dropped.

    Raises
    ------
    InputError: a tagger that cannot be used, invalid limits, a training set.
    SchemaError: not a dataset, not a finished run. ConfigChanged: OUT was begun with other options.
    """
    require_options(options, AutotagOptions)
    if options.precision is not None and options.truth is None:
        raise InputError(
            "--precision", "given without --truth", remedy="name labels to compare with: --truth"
        )
    source, folder = Dataset(dataset), Path(out)
    source.refuse_training_set("tag the photographs that it was built from")
    chosen = tuple(choose_by(text, options.looks) for text in options.tagger)
    limits = limits_of(chosen[0], options.limits)
    truth = None if options.truth is None else Dataset(options.truth)
    finder = None if options.finder is None else finder_of(options.finder)
    record = _record(chosen, finder, limits, truth, options)
    others = () if truth is None else (truth.root / TABLE,)
    stage = Stage(
        "autotag", folder, record, (source,), others, engine=engine, overwrite=overwrite, quiet=quiet
    )
    find = None if finder is None else finder.find
    work = partial(
        _tag_batch, root=source.root, out=folder, aside=stage.folder, chosen=chosen, find=find, limits=limits
    )
    size, sizes = tasks(_ROWS, source)
    complete = partial(
        _complete, stage=stage, source=source, truth=truth, asked=options.precision, limits=limits
    )
    summary = stage.run(enumerate(source.rows(size)), work, sizes=sizes, beside=complete)
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    least, why = least_score(chosen[0].open())
    return Autotagged(summary, report["sifted"], report, why if limits.hand_score == least else None)


def _record(
    chosen: Sequence[Choice],
    finder: Finder | None,
    limits: Limits,
    truth: Dataset | None,
    options: AutotagOptions,
) -> dict[str, Any]:
    """What two taggings must share to give the same bytes."""
    return {
        "taggers": [[choice.name, choice.content, choice.open().label_source] for choice in chosen],
        "finder": finder and finder.identity,
        "looks": options.looks,
        "limits": asdict(limits),
        "truth": truth and truth.fingerprint,
        "precision": options.precision,
    }


def limits_of(first: Choice, file: Path | None) -> Limits:
    """The limits in a file. What it leaves out has its default, and `hand_score` the first tagger's
    threshold.

    Raises
    ------
    InputError: no such file, or not such limits.
    """
    return sifting.read_limits(file, Limits(hand_score=least_score(first.open())[0]))


# one batch -------------------------------------------------------------------------------------------


def _tag_batch(
    item: tuple[int, Rows],
    *,
    root: Path,
    out: Path,
    aside: Path,
    chosen: Sequence[Choice],
    find: Find | None,
    limits: Limits,
) -> Part:
    """The hands that are kept; those sifted out are put aside, whole before the part counts as done."""
    number, rows = item
    part, kept, sifted = Part(to_batch([])), list[Sample](), list[Sample]()
    samples = []
    for sample, shared in zip(from_batch(rows.batch), rows.shared, strict=True):
        with set_aside(part, sample.sample_id, out):
            if shared and sample.bbox is None:
                raise Dropped(SHARED)
            samples.append(sample)
    taggers = [choice.open() for choice in chosen]
    opened = [open_photograph(root, sample) for sample in samples]
    for sample, result in zip(samples, tag_in_order(taggers, opened, find), strict=True):
        with set_aside(part, sample.sample_id, out):
            if isinstance(result, InputError):
                raise result
            photograph, said = result
            verdict, attrs = _judge(photograph, said, limits)
            place = out / FOLDER if verdict.reasons else out
            made = labelled(photograph, said[0], taggers[0].label_source, place)
            made = _with_files(photograph, _with_hidden(replace(made, attrs={**made.attrs, **attrs})), place)
            if verdict.reasons:
                sifted.append(made)
            else:
                kept.append(_with_side(made, said))
            part.notes[LABELS_REPLACED] += bool(sample.visibility.any())
            part.notes[OUT] += bool(verdict.reasons)
            part.notes[DIM] += photograph.dim
            part.notes[TAKEN_FOR_RIGHT] += any(tagged.taken_for_right for tagged in said)
            part.notes.update(f"{OUT} for {reason.limit}" for reason in verdict.reasons)
    part.notes = +part.notes
    Part(to_batch(sifted)).store(aside / _PART.format(number))
    part.batch = to_batch(oriented(kept, limits.turn))
    return part


def _judge(photograph: Photograph, said: Sequence[Tagged], limits: Limits) -> tuple[Verdict, dict[str, Any]]:
    """The verdict on the first tagger's hand, and what goes into its attrs about it."""
    first, sample = said[0], untold(photograph.sample)
    frame = (float(photograph.info.width), float(photograph.info.height))
    others = _apart_from_others(said)
    hand = Judged(first.keypoints, first.scores, frame, sample.side, sample.aspect, first.apart, others)
    verdict = sifting.judge(hand, limits)
    attrs: dict[str, Any] = {HARDNESS: round(verdict.hardness, 4), CERTAIN: verdict.certain}
    for name, apart in ((LOOKS_APART, first.apart), (TAGGERS_APART, others)):
        share = hand.share(apart)
        if share is not None:
            attrs[name] = round(share, 4)
    if verdict.reasons:
        attrs[SIFTED] = [reason.as_json() for reason in verdict.reasons]
    return verdict, attrs


def _apart_from_others(said: Sequence[Tagged]) -> NDArray[np.floating] | None:
    """(21,) pixels from each of the first tagger's points to the farthest of the other taggers'; NaN where no
    other has it. None: there is one tagger."""
    if len(said) == 1:
        return None
    gaps = np.stack([np.linalg.norm(said[0].keypoints - other.keypoints, axis=1) for other in said[1:]])
    known = np.isfinite(gaps)
    return np.where(known.any(axis=0), np.where(known, gaps, -1).max(axis=0), np.nan)


def _with_files(photograph: Photograph, made: Sample, place: Path) -> Sample:
    """With the photograph's own mask and depth map, as seen from `place`."""
    mask, depth = (
        None if file is None else relative_to_out(file, place)
        for file in (photograph.mask_file, photograph.depth_file)
    )
    return replace(made, mask=mask, depth=depth)


def _with_hidden(made: Sample) -> Sample:
    """With the points that lie outside the photograph, such as a wrist below its edge, marked as hidden."""
    beyond = (made.keypoints < 0) | (made.keypoints >= np.array([made.width, made.height]))
    hidden = (made.visibility == kp.VISIBLE) & beyond.any(axis=1)
    return replace(made, visibility=np.where(hidden, kp.HIDDEN, made.visibility).astype(np.uint8))


def _with_side(made: Sample, said: Sequence[Tagged]) -> Sample:
    """With the side that a tagger reports, if none is known."""
    side = next((tagged.side for tagged in said if tagged.side), None)
    if made.side is not None or side is None:
        return made
    return replace(made, side=side, attrs={**made.attrs, SIDE_FROM: TAGGER})


# all of them -----------------------------------------------------------------------------------------


def _complete(
    made: Dataset,
    *,
    stage: Stage,
    source: Dataset,
    truth: Dataset | None,
    asked: float | None,
    limits: Limits,
) -> None:
    """Write the dataset of what was sifted out, and the report."""
    parts = sorted(stage.folder.glob(_PARTS))
    place = made.root / FOLDER
    _write_sifted(made, place, parts, source)
    sifted = Dataset(place)
    counts = made.info["history"][-1]["counts"]["notes"]
    start = f"{OUT} for "
    reasons = {name.removeprefix(start): count for name, count in counts.items() if name.startswith(start)}
    report: dict[str, Any] = {
        "kept": len(made),
        "sifted": len(sifted),
        "reasons": reasons,
        "limits": asdict(limits),
    }
    if truth is not None:
        known = _compared([made, sifted], truth)
        report["truth"] = _measure(known)
        if asked is not None:
            report["truth"]["precision"] = _choose(known, asked, limits, made.root)
    files.write_json(made.root / REPORT, report)


def _write_sifted(made: Dataset, place: Path, parts: Sequence[Path], source: Dataset) -> None:
    """A dataset of the samples that were put aside, the hardest first."""
    batches = [Part.load(path).batch for path in parts]
    table = pa.Table.from_batches(batches, SCHEMA)
    hardness = [sample.attrs[HARDNESS] for batch in batches for sample in from_batch(batch)]
    order = np.argsort(-np.asarray(hardness, np.float64), kind="stable")
    folders = Folders(place, places_of(source))

    def hardest_first() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(order), _SORTED):
            piece = table.take(pa.array(order[start : start + _SORTED])).combine_chunks()
            for batch in piece.to_batches():
                folders.add(batch)
                yield batch

    count = write_table(place, hardest_first())
    sources, licences = (
        sorted(filter(None, pc.unique(table.column(name)).to_pylist())) for name in ("source", "licence")
    )
    *before, last = made.info["history"]
    notes = {**last["counts"]["notes"], KEPT: len(made)}
    history = [*before, {**last, "counts": {**last["counts"], "out": count, "notes": notes}}]
    info = {"samples": count, "sources": sources, "licences": licences, REFERS_TO: folders.relative()}
    write_info(place, {**info, "history": history}, trusted=is_trusted(source))


@dataclass(frozen=True, slots=True)
class _Compared:
    """Hands whose photograph has labels to compare with: (n,) arrays, see `precision.curve`; whether each was
    kept; and of which person, else which sample, each is."""

    hardness: NDArray[np.float64]
    certain: NDArray[np.bool_]
    right: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    who: NDArray[np.str_]

    def __getitem__(self, rows: NDArray[np.bool_]) -> _Compared:
        return _Compared(*(getattr(self, entry.name)[rows] for entry in fields(self)))

    def up_to(self, hardness: float) -> dict[str, Any]:
        """How many there are, of how many people, and how right those are that are no harder."""
        kept = self.certain & (self.hardness <= hardness)
        right = precision.share_with_interval(int(self.right[kept].sum()), int(kept.sum()))
        counts = {"photographs": len(kept), "people": len(np.unique(self.who))}
        return {**counts, "kept": round(float(kept.mean()), 4), "right": right}


def _compared(tagged: Sequence[Dataset], truth: Dataset) -> _Compared:
    known = _by_photograph(truth)
    rows: list[tuple[float, bool, bool, bool, str]] = []
    for number, dataset in enumerate(tagged):
        for sample in dataset:
            true = known.get(os.path.realpath(file_of(dataset.root, sample.image)))
            if true is None:
                continue
            fits = precision.is_right(sample.keypoints, true.keypoints, true.visibility)
            if fits is not None:
                who = sample.subject_id or true.subject_id or sample.sample_id
                rows.append((sample.attrs[HARDNESS], sample.attrs[CERTAIN], fits, number == 0, who))
    hardness, certain, right, kept, people = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return _Compared(
        np.array(hardness, np.float64),
        np.array(certain, bool),
        np.array(right, bool),
        np.array(kept, bool),
        np.array(people, str),
    )


def _measure(known: _Compared) -> dict[str, Any]:
    """How right the labels are that were kept, and at other strictnesses."""
    right, kept = known.right, known.kept
    return {
        "all": precision.share_with_interval(int(right.sum()), len(right)),
        "kept": precision.share_with_interval(int(right[kept].sum()), int(kept.sum())),
        "curve": precision.curve(known.hardness, known.certain, right) if len(right) else [],
    }


def _choose(known: _Compared, asked: float, limits: Limits, out: Path) -> dict[str, Any]:
    """Choose limits on half of the people, measure them on the others, and write them; what came of it."""
    half = np.array([hashlib.sha256(who.encode()).digest()[0] % 2 == 0 for who in known.who], bool)
    chosen_on, others = known[half], known[~half]
    hardness = precision.hardness_for(chosen_on.hardness, chosen_on.certain, chosen_on.right, asked)
    if hardness is None or not len(others.right):
        both = bool(half.any() and not half.all())
        return {"asked": asked, "hardness": None, "on_both_halves": both}
    chosen, measured = chosen_on.up_to(hardness), others.up_to(hardness)
    origin = f"Chosen for a precision of {asked:g} on {_about(chosen)}.\nOn other people: {_about(measured)}."
    files.write(out / LIMITS, explain_limits(tightened(limits, hardness), origin).encode())
    return {"asked": asked, "hardness": hardness, "chosen_on": chosen, "others": measured}


def _about(part: dict[str, Any]) -> str:
    who = f"{counted(part['photographs'], 'photograph')} of {counted(part['people'], 'person', 'people')}"
    return f"{who}, {percent(part['kept'], 1)} kept, {_share(part['right'])} of those right"


def _by_photograph(truth: Dataset) -> dict[str, Sample]:
    """The labelled hands by their photograph's file, without photographs that show several."""
    found: dict[str, Sample | None] = {}
    for sample in truth:
        place = os.path.realpath(file_of(truth.root, sample.image))
        found[place] = None if place in found else sample
    return {place: sample for place, sample in found.items() if sample is not None}
