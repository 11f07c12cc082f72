"""Checks of what a set is made of: what is rare, who labelled the test split, and under which licences."""

from __future__ import annotations

from collections import Counter

import numpy as np

from curate.basics.wording import counted
from curate.hands.relabelled import DECISION
from qa.checks.check import Check, Hit, Limits, Outcome, highest_first
from qa.measures.arrays import Names
from qa.severity import Severity
from qa.view import View, as_names

_SEEN = ("accept", "patch")  # decisions of `curate review` that make a label a person's
_WEIGHTY = ("side", "aspect", "skinColor")  # a network's errors are known to depend on these
# Words in licences that allow less than a product may need.
_LIMITED = ("non-commercial", "noncommercial", "academic", "research", "-nc", "fair use", "gpl")


def balance(view: View, limits: Limits) -> Outcome:
    """What is rare in the set: a kind of people, hands or render angles with less than `share` of the
    samples, or `ratio` times fewer than the most frequent kind."""
    hits = []
    kinds = view.properties() | _angle_bands(view)
    for name, values in kinds.items():
        counts = Counter(str(value) for value in values if value is not None)
        total = sum(counts.values())
        (most, top), (least, bottom) = counts.most_common(1)[0], counts.most_common()[-1]
        ratio = top / bottom
        if bottom >= limits["share"] * total and ratio <= limits["ratio"]:
            continue
        heavy = name in _WEIGHTY and ratio > limits["ratio"]
        severity: Severity = "warning" if heavy else "info"
        words = {"what": name, "least": least, "few": bottom, "most": most, "many": top}
        words["total"] = counted(total, "sample")
        hits.append(Hit(ratio, limits["ratio"], severity=severity, words=words))
    return Outcome(len(kinds), highest_first(hits))


def _angle_bands(view: View) -> dict[str, Names]:
    """Tilt and rotation of renders in bands of 15 and 30 degrees; an angle that no sample has is left out."""
    bands = {"tilt": (view.tilt, 15), "rotation": (view.rotation % 360, 30)}
    found = {}
    for name, (values, width) in bands.items():
        starts = [None if np.isnan(v) else int(v // width * width) for v in values]
        found[name] = as_names([None if s is None else f"{s} to {s + width} degrees" for s in starts])
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


def auto_label_in_test(view: View, limits: Limits) -> Outcome:
    """Labels made by a network in the test split: a test on them measures agreement with that network."""
    auto = np.array([str(who).startswith("auto") for who in view.label_source], bool)
    reviewed = np.array([about.get(DECISION) in _SEEN for about in view.attrs], bool)
    test = view.split == "test"
    bad = int((test & auto & ~reviewed).sum())
    count = int(test.sum())
    if not bad:
        return Outcome(count)
    return Outcome(
        count, [Hit(float(bad), 0.0, split="test", words={"bad": bad, "samples": counted(count, "sample")})]
    )


def licences(view: View, limits: Limits) -> Outcome:
    """Licences that are unknown, or that allow only research: a note before anything is passed on."""
    hits = []
    counts = Counter(view.licence.tolist())
    for licence, count in sorted(counts.items(), key=lambda item: (item[0] is not None, str(item[0]))):
        if licence is None:
            what = "no licence is recorded"
        elif any(word in licence.lower() for word in _LIMITED):
            what = f"the licence is {licence}"
        else:
            continue
        hits.append(Hit(float(count), 0.0, words={"samples": counted(count, "sample"), "what": what}))
    return Outcome(len(view), hits)


CHECKS: tuple[Check, ...] = (
    Check(
        "balance",
        "No kind of hand is rare",
        "info",
        "dataset",
        balance,
        "{what}: {least!r} has {few} of {total}, and {most!r} has {many}.",
        "Collect more of what is rare, or give it more weight; report results for each kind.",
        {"share": 0.01, "ratio": 10.0},
    ),
    Check(
        "auto-label-in-test",
        "The test split is labelled by people",
        "error",
        "split",
        auto_label_in_test,
        "Labelled by a network and not reviewed: {bad} of {samples} in the test split.",
        "Review them (curate review), or use labels made by people for the test.",
    ),
    Check(
        "licence",
        "Licences are known",
        "info",
        "dataset",
        licences,
        "{samples}: {what}.",
        "Read the source's terms before you pass on the set, or a network trained on it.",
    ),
)
