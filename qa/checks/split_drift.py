"""Checks of val and test against train: whether the splits show the same hands in the same places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from curate.basics import keypoints as kp
from curate.hands.shape import near_end
from qa.checks.check import Check, Hit, Limits, Outcome, graded, highest_first
from qa.measures.arrays import Floats, Rows, blocks, evenly
from qa.view import View

_MIDDLE_MCP = 9
_CROP = 128.0  # px: side of the crop that distances are given in
_BINS = 10  # of a number: tenths of train
_CHANCES = 3.0  # times the index expected by chance: up to here it is put down to chance
_STANDARD_ERRORS = 3.0
_FOLDS = 5  # of the cross-validation
_RIDGE = 0.05  # shrinkage of the discriminant's covariance, as a share of the mean variance


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a split is from train in one feature.

    Attributes
    ----------
    index: the population stability index, sum (p - q) ln(p / q) over the bins; 0 for equal splits.
    chance: its mean for splits that differ only by chance, about (bins - 1)(1 / n + 1 / m), with n and m the
        numbers of subjects, or of samples where subjects are unknown.
    """

    split: str
    feature: str
    index: float
    chance: float

    @property
    def by_chance(self) -> bool:
        """Whether the index is too small to be more than chance."""
        return self.index <= _CHANCES * self.chance


def location_prior(view: View, limits: Limits) -> Outcome:
    """Where each keypoint lies in the crops of val and test, against train.

    The distance is Wasserstein's between normal distributions with independent axes (Dowson & Landau 1982):
    sqrt(|mean - mean'|^2 + |deviation - deviation'|^2), in pixels of a crop of 128.
    """
    frame = np.where(view.cut[:, None], view.frame, np.nan)

    def places(rows: Rows, k: int) -> Floats:
        found: Floats = view.keypoints[rows, k].astype(np.float64) / frame[rows] * _CROP
        return found[np.isfinite(found[:, 0])]

    hits = []
    checked = 0
    for split, rows, train in view.against_train():
        worst, which, compared = 0.0, 0, False
        for k in range(kp.COUNT):
            here, there = places(rows, k), places(train, k)
            if min(len(here), len(there)) < max(limits["samples"], 1):
                continue
            compared = True
            moved = here.mean(axis=0) - there.mean(axis=0)
            wider = here.std(axis=0) - there.std(axis=0)
            far = float(np.sqrt((moved**2).sum() + (wider**2).sum()))
            noise = sum(
                part.var(axis=0).sum() / view.independent(r) for part, r in ((here, rows), (there, train))
            )
            if far > worst and far > _STANDARD_ERRORS * np.sqrt(noise):
                worst, which = far, k
        checked += compared
        if worst > limits["pixels"]:
            words = {"split": split, "keypoint": kp.NAMES[which]}
            hits.append(Hit(worst, limits["pixels"], split=split, words=words))
    return Outcome(checked, hits)


def split_drift(view: View, limits: Limits) -> Outcome:
    """Whether val and test differ from train in what they show, by more than chance; see `Drift`."""
    hits: list[Hit] = []
    checked = 0
    for drift in drifts(view, int(limits["samples"])):
        checked += 1
        if drift.index > limits["warning"] and not drift.by_chance:
            severity, limit = graded(drift.index, limits)
            words = {"split": drift.split, "feature": drift.feature}
            hits.append(Hit(drift.index, limit, split=drift.split, severity=severity, words=words))
    return Outcome(checked, highest_first(hits))


def drifts(view: View, least: int) -> Iterator[Drift]:
    """Each split against train in each feature that is known of at least `least` samples of both."""
    features = dict(_features(view))
    for split, rows, train in view.against_train():
        chance = 1 / view.independent(rows) + 1 / view.independent(train)
        for name, bins in features.items():
            here, there = (bins[r][bins[r] >= 0] for r in (rows, train))
            if min(len(here), len(there)) < least:
                continue
            count = int(bins.max()) + 1
            p, q = (np.bincount(values, minlength=count) for values in (here, there))
            used = (p + q) > 0
            p, q = ((x[used] + 0.5) / (x[used] + 0.5).sum() for x in (p, q))
            index = float(((p - q) * np.log(p / q)).sum())
            yield Drift(split, name, index, float((used.sum() - 1) * chance))


def split_classifier(view: View, limits: Limits) -> Outcome:
    """Whether val or test can be told from train by pose and place alone (adversarial validation).

    The classifier is Fisher's linear discriminant, cross-validated over subjects; the score is the area under
    its ROC curve. Chance gives one half; the score must be above that by three standard errors (of the
    Mann-Whitney U statistic), where each subject counts as one observation.
    """
    hits: list[Hit] = []
    checked = 0
    for split, rows, train in view.against_train():
        groups = _Traits.of(view, rows), _Traits.of(view, train)
        counts = [view.independent(group.rows) for group in groups]
        if min(len(group.rows) for group in groups) < limits["samples"] or min(counts) < _FOLDS:
            continue
        checked += 1
        area = _told_apart(*groups)
        noise = np.sqrt((sum(counts) + 1) / (12 * counts[0] * counts[1]))
        if area > limits["warning"] and area - 0.5 > _STANDARD_ERRORS * noise:
            severity, limit = graded(area, limits)
            hits.append(Hit(area, limit, split=split, severity=severity, words={"split": split}))
    return Outcome(checked, highest_first(hits))


@dataclass(frozen=True, slots=True)
class _Traits:
    """Pose and place of hands.

    Attributes
    ----------
    rows: (n,) of the hands. fold: (n,) of the cross-validation.
    values: (n, 43) place and size of each hand as shares of its image, and its points relative to its box; an
        unlabelled point counts as in the middle of the box.
    """

    rows: Rows
    fold: Rows
    values: Floats

    @classmethod
    def of(cls, view: View, rows: Rows) -> _Traits:
        """Of the hands in `rows` that have points, at most ENOUGH."""
        rows = evenly(rows)
        part = view.part(rows)
        low, high = part.boxes()
        size = (high - low).max(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            pose = (part.points[:, 1:] - ((low + high) / 2)[:, None]) / size[:, None]
            place = np.concatenate([(low + high) / 2, size], axis=1) / part.frame.max(axis=1, keepdims=True)
        pose[~part.labelled[:, 1:]] = 0
        values = np.concatenate([place, pose.reshape(len(rows), 2 * (kp.COUNT - 1))], axis=1)
        known = np.all(np.isfinite(values), axis=1)
        return cls(rows[known], _folds(view, rows[known]), values[known])


def _told_apart(here: _Traits, there: _Traits) -> float:
    """Area under the ROC curve of a discriminant between two groups of hands, on subjects it never saw."""
    scores = []
    for fold in range(_FOLDS):
        taught = [group.values[group.fold != fold] for group in (here, there)]
        means = [values.mean(axis=0) for values in taught]
        inner = np.concatenate([values - mean for values, mean in zip(taught, means, strict=True)])
        spread = inner.T @ inner / len(inner)
        spread += _RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
        axis = np.linalg.solve(spread, means[0] - means[1])
        one, two = (group.values[group.fold == fold] @ axis for group in (here, there))
        # Folds have axes of their own: pairs are compared inside each. Sum of sign(a - b), by ranks.
        two.sort()
        below, above = (np.searchsorted(two, one, side) for side in ("left", "right"))
        scores.append((below.sum() + (above - len(two)).sum(), len(one) * len(two)))
    total, count = np.sum(scores, axis=0)
    return float((total / max(count, 1) + 1) / 2)


def _folds(view: View, rows: Rows) -> Rows:
    """Which fold each row is in: subjects in turn, all samples of one together."""
    names = [view.subject_id[i] if view.subject_id[i] is not None else i for i in rows]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] % _FOLDS for name in names], np.intp)


def _features(view: View) -> Iterator[tuple[str, Rows]]:
    """The features that splits are compared by: a name, and each sample's bin, -1 where unknown."""
    low, high = view.boxes()
    middle = np.empty((len(view), 2))
    for rows in blocks(len(view)):
        hands = view.hands(rows)
        middle[rows] = hands[:, _MIDDLE_MCP] - near_end(hands)
    numbers = {
        "hand's direction": np.degrees(np.arctan2(middle[:, 1], middle[:, 0])),
        "hand's size": (high - low).max(axis=1) / view.frame.max(axis=1),
        "brightness": view.pixels.looks["mean"],
        "tilt": view.tilt,
        "rotation": view.rotation,
    }
    train = view.split == "train"
    for name, values in numbers.items():
        known = np.isfinite(values)
        if (known & train).sum() >= _BINS:
            edges = np.unique(np.quantile(values[known & train], np.linspace(0, 1, _BINS + 1)[1:-1]))
            yield name, np.where(known, np.searchsorted(edges, values), -1)
    for name, names in view.properties().items():
        found = sorted({str(x) for x in names if x is not None})
        place = {x: i for i, x in enumerate(found)}
        yield name, np.array([-1 if x is None else place[str(x)] for x in names], np.intp)


CHECKS: tuple[Check, ...] = (
    Check(
        "location-prior",
        "Keypoints lie in the same places in all splits",
        "warning",
        "split",
        location_prior,
        "In crops of 128 px, the places of {keypoint} in {split} are {score:.1f} px from those in train.",
        "Crop every split with the same settings, and split at random over the subjects.",
        {"pixels": 3.0, "samples": 30},
    ),
    Check(
        "split-drift",
        "The splits show the same kinds of hands",
        "error",
        "split",
        split_drift,
        "{split} differs from train in {feature}: population stability index {score:.2f}.",
        "Split again with another seed, or report this with the results.",
        {"warning": 0.1, "error": 0.25, "samples": 30},
    ),
    Check(
        "split-classifier",
        "The splits cannot be told apart by pose and place",
        "error",
        "split",
        split_classifier,
        "A linear classifier tells {split} from train by pose and place (area under the ROC curve: "
        "{score:.2f}).",
        "See 'Where keypoints lie': the splits come from different cameras, crops or poses. Split again.",
        {"warning": 0.65, "error": 0.8, "samples": 30},
    ),
)
