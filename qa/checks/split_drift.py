"""Checks of how a set is put together: whether its splits are alike, and what it has little of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from qa.checks.points import every
from qa.finding import Hit, Outcome, Severity, graded
from qa.measures.image_pass import Names
from qa.view import View

Limits = Mapping[str, float]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_CROP = 128.0  # px: the side that distances between crops are told for
_BINS = 10
_STANDARD_ERRORS = 3.0
_FOLDS, _RIDGE = (
    5,
    0.05,
)  # of the discriminant: cross-validation, and shrinkage as a share of the mean variance
_SEEN = ("accept", "patch")  # decisions of `curate review` that make a label a person's
_WEIGHTY = ("side", "aspect", "skinColor")  # what a network's errors are known to follow
# Words in licences that allow less than a product may need.
_LIMITED = ("non-commercial", "noncommercial", "academic", "research", "-nc", "fair use", "gpl")


def location_prior(view: View, limits: Limits) -> Outcome:
    """Where each keypoint lies in the crops of val and test, against train.

    The distance is Wasserstein's between normal distributions with independent axes (Dowson & Landau 1982):
    sqrt(|mean - mean'|^2 + |deviation - deviation'|^2), in pixels of a crop of 128.
    """
    places = np.where(view.cut[:, None, None], view.points / view.frame[:, None], np.nan) * _CROP
    hits = []
    checked = 0
    for split, rows, train in _against_train(view):
        worst, which = 0.0, 0
        for k in range(kp.COUNT):
            here, there = (places[r, k][np.isfinite(places[r, k, 0])] for r in (rows, train))
            if min(len(here), len(there)) < limits["samples"]:
                continue
            moved = here.mean(axis=0) - there.mean(axis=0)
            wider = here.std(axis=0) - there.std(axis=0)
            far = float(np.sqrt((moved**2).sum() + (wider**2).sum()))
            noise = sum(
                part.var(axis=0).sum() / _independent(view, r) for part, r in ((here, rows), (there, train))
            )
            if far > worst and far > _STANDARD_ERRORS * np.sqrt(noise):
                worst, which = far, k
        checked += bool(np.isfinite(places[rows]).any() and np.isfinite(places[train]).any())
        if worst > limits["pixels"]:
            words = {"split": split, "keypoint": kp.NAMES[which]}
            hits.append(Hit(worst, limits["pixels"], split=split, words=words))
    return Outcome(checked, hits)


def split_drift(view: View, limits: Limits) -> Outcome:
    """Whether val and test differ from train in what is photographed: population stability index.

    PSI = sum (p - q) ln(p / q) over the bins (tenths of train, or the names). By chance alone it has about
    the mean (bins - 1)(1 / n + 1 / m), n and m counting subjects where they are known; that much is allowed
    three times over.
    """
    hits: list[Hit] = []
    checked = 0
    for split, feature, index, chance in drift_of(view, int(limits["samples"])):
        checked += 1
        if index > limits["warning"] and index > _STANDARD_ERRORS * chance:
            severity, limit = graded(index, limits)
            words = {"split": split, "feature": feature}
            hits.append(Hit(index, limit, split=split, severity=severity, words=words))
    return Outcome(checked, sorted(hits, key=lambda hit: -hit.score))


def drift_of(view: View, least: int) -> Iterator[tuple[str, str, float, float]]:
    """Split, feature, stability index against train, and what chance alone would give; of splits in which
    at least `least` samples tell the feature."""
    features = dict(features_of(view))
    for split, rows, train in _against_train(view):
        chance = 1 / _independent(view, rows) + 1 / _independent(view, train)
        for name, bins in features.items():
            here, there = (bins[r][bins[r] >= 0] for r in (rows, train))
            if min(len(here), len(there)) < least:
                continue
            count = int(bins.max()) + 1
            p, q = (np.bincount(values, minlength=count) for values in (here, there))
            used = (p + q) > 0
            p, q = ((x[used] + 0.5) / (x[used] + 0.5).sum() for x in (p, q))
            yield split, name, float(((p - q) * np.log(p / q)).sum()), float((used.sum() - 1) * chance)


def split_classifier(view: View, limits: Limits) -> Outcome:
    """Whether val or test can be told from train by pose and place alone (adversarial validation): Fisher's
    linear discriminant, cross-validated over subjects; the score is the area under its ROC curve.

    Place and size are shares of the image; the pose is the points about their box. Half is what chance gives,
    which must be exceeded by three standard errors (of the Mann-Whitney U statistic); subjects count as one
    observation each.
    """
    traits = _traits(view)
    known = every(np.isfinite(traits))
    hits: list[Hit] = []
    checked = 0
    for split, rows, train in _against_train(view):
        here, there = rows[known[rows]], train[known[train]]
        counts = _independent(view, here), _independent(view, there)
        if min(len(here), len(there)) < limits["samples"] or min(counts) < _FOLDS:
            continue
        checked += 1
        area = _told_apart(traits, view, here, there)
        noise = np.sqrt((sum(counts) + 1) / (12 * counts[0] * counts[1]))
        if area > limits["warning"] and area - 0.5 > _STANDARD_ERRORS * noise:
            severity, limit = graded(area, limits)
            hits.append(Hit(area, limit, split=split, severity=severity, words={"split": split}))
    return Outcome(checked, sorted(hits, key=lambda hit: -hit.score))


def _traits(view: View) -> Floats:
    """Pose and place of each hand, (n, 43); NaN where a box is unknown, unlabelled points in its middle."""
    low, high = view.boxes()
    size = (high - low).max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        pose = (view.points[:, 1:] - ((low + high) / 2)[:, None]) / size[:, None]
        place = np.concatenate([(low + high) / 2, size], axis=1) / view.frame.max(axis=1, keepdims=True)
    pose[~view.labelled[:, 1:]] = 0
    return np.concatenate([place, pose.reshape(len(view), 2 * (kp.COUNT - 1))], axis=1)


def _told_apart(traits: Floats, view: View, here: Rows, there: Rows) -> float:
    """Area under the ROC curve of a discriminant between two groups of rows, on subjects it never saw."""
    scores = []
    folds = [_folds(view, rows) for rows in (here, there)]
    for fold in range(_FOLDS):
        taught = [traits[rows[of != fold]] for rows, of in zip((here, there), folds, strict=True)]
        means = [values.mean(axis=0) for values in taught]
        inner = np.concatenate([values - mean for values, mean in zip(taught, means, strict=True)])
        spread = inner.T @ inner / len(inner)
        spread += _RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
        axis = np.linalg.solve(spread, means[0] - means[1])
        one, two = (traits[rows[of == fold]] @ axis for rows, of in zip((here, there), folds, strict=True))
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


def features_of(view: View) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """What splits are compared by: a name, and each sample's bin, -1 where unknown."""
    low, high = view.boxes()
    middle = view.points[:, 9] - np.where(np.isnan(view.points[:, 0]), view.points[:, 1], view.points[:, 0])
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
    for name, names in properties(view).items():
        found = sorted({str(x) for x in names if x is not None})
        place = {x: i for i, x in enumerate(found)}
        yield name, np.array([-1 if x is None else place[str(x)] for x in names], np.intp)


def properties(view: View) -> dict[str, Names]:
    """Side, aspect, and what the sources tell of the people: gender, age band, skin tone, accessories.

    Each is (n,) text with None where unknown; those that no sample has are left out.
    """
    found: dict[str, Names] = {"side": view.side, "aspect": view.aspect}
    for name in ("gender", "skinColor", "accessories", "nailPolish", "irregularities"):
        found[name] = _names([about.get(name) for about in view.attrs])
    found["age"] = _names([age_band(about.get("age")) for about in view.attrs])
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


def age_band(age: object) -> str | None:
    """The decade of an age in years; None where it is none."""
    if not isinstance(age, int | float) or not 0 < age < 130:
        return None
    decade = int(age) // 10 * 10
    return f"{decade} to {decade + 9}"


def balance(view: View, limits: Limits) -> Outcome:
    """What the set has little of: a kind (of people, hands, render angles) with under `share` of the samples,
    or a `ratio` between kinds."""
    hits = []
    kinds = properties(view) | _angle_bands(view)
    for name, values in kinds.items():
        counts = Counter(str(value) for value in values if value is not None)
        total = sum(counts.values())
        (most, top), (least, bottom) = counts.most_common(1)[0], counts.most_common()[-1]
        ratio = top / bottom
        if bottom >= limits["share"] * total and ratio <= limits["ratio"]:
            continue
        heavy = name in _WEIGHTY and ratio > limits["ratio"]
        severity: Severity = "warning" if heavy else "info"
        words = {"what": name, "least": least, "few": bottom, "most": most, "many": top, "total": total}
        hits.append(Hit(ratio, limits["ratio"], severity=severity, words=words))
    return Outcome(len(kinds), sorted(hits, key=lambda hit: -hit.score))


def _angle_bands(view: View) -> dict[str, Names]:
    """Tilt and rotation of renders in bands of 15 and 30 degrees; those that no sample has are left out."""
    bands = {"tilt": (view.tilt, 15), "rotation": (view.rotation % 360, 30)}
    found = {}
    for name, (values, width) in bands.items():
        starts = [None if np.isnan(v) else int(v // width * width) for v in values]
        found[name] = _names([None if s is None else f"{s} to {s + width} degrees" for s in starts])
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


def auto_label_in_test(view: View, limits: Limits) -> Outcome:
    """Labels made by a network in the test split: the test then asks for another network's errors."""
    auto = np.array([str(who).startswith("auto") for who in view.label_source], bool)
    reviewed = np.array([about.get("decision") in _SEEN for about in view.attrs], bool)
    test = view.split == "test"
    bad = int((test & auto & ~reviewed).sum())
    count = int(test.sum())
    if not bad:
        return Outcome(count)
    return Outcome(count, [Hit(float(bad), 0.0, split="test", words={"bad": bad, "count": count})])


def licences(view: View, limits: Limits) -> Outcome:
    """Licences that are unknown, or that allow research alone: a note before anything is passed on."""
    hits = []
    counts = Counter(view.licence.tolist())
    for licence, count in sorted(counts.items(), key=lambda item: (item[0] is not None, str(item[0]))):
        if licence is None:
            what = "no licence is recorded"
        elif any(word in licence.lower() for word in _LIMITED):
            what = f"the licence is {licence}"
        else:
            continue
        hits.append(Hit(float(count), 0.0, words={"count": count, "what": what}))
    return Outcome(len(view), hits)


def _against_train(view: View) -> Iterator[tuple[str, Rows, Rows]]:
    """Each split but train with its rows, and train's."""
    groups = {name: rows for name, rows in view.splits().items() if name}
    train = groups.pop("train", np.zeros(0, np.intp))
    for name, rows in groups.items():
        if len(rows) and len(train):
            yield name, rows, train


def _independent(view: View, rows: Rows) -> int:
    """How many samples count as independent: subjects, where they are known."""
    subjects = view.subject_id[rows]
    return len(set(subjects.tolist()) - {None}) + int((subjects == np.array(None)).sum())


def _names(values: list[object]) -> Names:
    column = np.empty(len(values), object)
    column[:] = [None if value is None else str(value) for value in values]
    return column
