"""Two people's labels of the same samples: from their decisions on a dataset, or from a dataset of each."""

from __future__ import annotations

import os
from dataclasses import dataclass

from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.data.dataset import TABLE, Dataset
from curate.data.sample import Sample
from qa.review.corrections import last_saved
from qa.review.decisions import Decision, Patch, latest_decisions, require_two
from qa.review.decisions_on_samples import names_of, patched, pixel_states, stale


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people on one sample.

    Attributes
    ----------
    base: the sample that decisions are about. pixels: their state, see `pixel_state`.
    labels: the sample as the first and as the second person would have it; None if that person rejects it, or
        wants it labelled again.
    decisions: theirs; None if the labels come from two datasets.
    """

    base: Sample
    pixels: str
    labels: tuple[Sample | None, Sample | None]
    decisions: tuple[Decision, Decision] | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """All samples that two people labelled.

    Attributes
    ----------
    dataset: of the `base` samples. people: their names. pairs: in the dataset's order.
    left: (sample, reason) of samples that both have but that cannot be compared.
    saved: when the later of two datasets was written; empty for decisions, which have their own times.
    """

    dataset: Dataset
    people: tuple[str, str]
    pairs: list[Pair]
    left: list[tuple[str, str]]
    saved: str = ""

    @property
    def labelled(self) -> tuple[list[Sample], list[Sample]]:
        """The samples as each person would have them, where neither is None."""
        both = [pair.labels for pair in self.pairs]
        found = [(one, two) for one, two in both if one is not None and two is not None]
        return [one for one, _ in found], [two for _, two in found]


def of_decisions(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    *,
    engine: Engine = ONE,
    quiet: bool = False,
) -> Pairs:
    """Two files of decisions on a dataset: who accepts a sample keeps its labels, who corrects it has others.

    Raises
    ------
    InputError: a file that does not parse, a training set, or no sample that both decided on as it is now.
    SchemaError: no dataset.
    """
    source = _opened(dataset)
    files = [latest_decisions(first), latest_decisions(second)]
    names = names_of(source, [decision for file in files for decision in file.values()])
    one, two = ({names.get((d.dataset_sha, d.sample_id), ""): d for d in file.values()} for file in files)
    samples = [sample for sample in source if sample.sample_id in one and sample.sample_id in two]
    states = pixel_states(source.root, samples, engine=engine, quiet=quiet)
    pairs, left = [], []
    for sample, pixels in zip(samples, states, strict=True):
        a, b = one[sample.sample_id], two[sample.sample_id]
        why = stale(sample, pixels, a) or stale(sample, pixels, b)
        if why:
            left.append((sample.sample_id, why))
        else:
            pairs.append(Pair(sample, pixels, (_labels(sample, a), _labels(sample, b)), (a, b)))
    if not pairs:
        found = f"no sample of {source.root} that both decided on" + (": " + left[0][1] if left else "")
        raise InputError(second, found, allowed=f"decisions on samples of {first}, unchanged since")
    people = [next(iter(file.values())).reviewer or "someone" for file in (one, two)]
    return Pairs(source, (people[0], people[1]), pairs, left)


def of_labels(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    *,
    engine: Engine = ONE,
    quiet: bool = False,
) -> Pairs:
    """Two datasets of the same samples, each labelled by one person; `base` is the first's sample.

    Raises
    ------
    InputError: a training set, the same one twice, or no sample that both hold. SchemaError: no dataset.
    """
    require_two(first, second)
    source, other = _opened(first), _opened(second)
    theirs = {sample.sample_id: sample for sample in other}
    samples, left = [], []
    for sample in source:
        twin = theirs.get(sample.sample_id)
        if twin is None:
            continue
        if (sample.width, sample.height) != (twin.width, twin.height):
            sizes = (
                f"{sample.width} x {sample.height} px in one, {twin.width} x {twin.height} px in the other"
            )
            left.append((sample.sample_id, f"its image has {sizes}"))
        else:
            samples.append(sample)
    if not samples:
        found = "no sample in common" + (f": {left[0][1]}" if left else "")
        raise InputError(other.root, found, allowed=f"the samples of {source.root}, labelled by someone else")
    states = pixel_states(source.root, samples, engine=engine, quiet=quiet)
    pairs = [Pair(s, state, (s, theirs[s.sample_id])) for s, state in zip(samples, states, strict=True)]
    saved = max(last_saved(dataset.root / TABLE) for dataset in (source, other))
    return Pairs(source, (source.name, other.name), pairs, left, saved)


def _opened(dataset: str | os.PathLike[str]) -> Dataset:
    source = Dataset(dataset)
    source.refuse_training_set("compare labels of the dataset that it was built from")
    return source


def _labels(sample: Sample, decision: Decision) -> Sample | None:
    return patched(sample, decision.patch or Patch()) if decision.decision in ("accept", "patch") else None
