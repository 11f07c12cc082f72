"""One set of labels from two people's, as decisions for `curate review apply`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import counted
from curate.data.sample import Sample
from curate.scoring import metrics
from qa.review.corrections import difference
from qa.review.decisions import Decision, Patch, Verdict, decide
from qa.review.pairs import Pair, Pairs
from qa.review.point_agreement import hand_sizes


@dataclass(frozen=True, slots=True)
class Consensus:
    """What two people's labels agree on.

    Attributes
    ----------
    decisions: one per sample, in the dataset's order.
    disputed: (sample, keypoint) of points that only one labelled, or that lie too far apart.
    """

    decisions: list[Decision]
    disputed: list[tuple[str, str]]

    @property
    def counts(self) -> dict[str, int]:
        """Decisions of each kind."""
        return dict(sorted(Counter(decision.decision for decision in self.decisions).items()))

    def __str__(self) -> str:
        told = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.items())
        points = Counter(name for _, name in self.disputed)
        most = ", ".join(f"{name} {count:,}" for name, count in points.most_common(5))
        more = f" (most: {most})" if points else ""
        lines = [f"consensus on {counted(len(self.decisions), 'sample')}: {told}"]
        lines.append(f"points in dispute, left unlabelled: {len(self.disputed):,}{more}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        disputed = [{"sample": sample, "keypoint": name} for sample, name in self.disputed]
        return {"decisions": self.counts, "disputed": disputed}


def consensus(compared: Pairs, within: float) -> Consensus:
    """What two people agree on, sample by sample.

    A point that both labelled no further than `within` of the hand's size apart is put in the middle; it is
    visible if both say so. Other points that either labelled are left unlabelled and reported as disputed. A
    sample on which they disagree (reject and accept, left and right) is to be fixed.
    """
    both = [pair.base.sample_id for pair in compared.pairs if None not in pair.labels]
    sizes = dict(zip(both, hand_sizes(*compared.labelled), strict=True))
    decisions: list[Decision] = []
    disputed: list[tuple[str, str]] = []
    for pair in compared.pairs:
        one, two = pair.labels
        if one is None or two is None or len({one.side, two.side} - {None}) > 1:
            same = pair.decisions is not None and pair.decisions[0].verdict == pair.decisions[1].verdict
            kind: Verdict = pair.decisions[0].decision if pair.decisions and same else "fix"
            decisions.append(_decision(compared, pair, kind, None))
            continue
        merged, apart = _merged(one, two, within * sizes[pair.base.sample_id])
        disputed += [(pair.base.sample_id, name) for name in apart]
        patch = difference(pair.base, merged)
        kind = "accept" if patch == Patch() else "patch"
        decisions.append(_decision(compared, pair, kind, None if patch == Patch() else patch))
    return Consensus(decisions, disputed)


def _merged(one: Sample, two: Sample, reach: float) -> tuple[Sample, list[str]]:
    """The labels in the middle between two, and the names of the disputed points."""
    labelled = (one.visibility > 0) & (two.visibility > 0)
    gaps = metrics.distances(one.keypoints[None], two.keypoints[None], labelled[None])[0]
    near = (gaps <= reach) | (gaps == 0)
    middle = (one.keypoints.astype(np.float64) + two.keypoints) / 2
    seen = np.where(near, np.minimum(one.visibility, two.visibility), kp.UNLABELLED).astype(np.uint8)
    points = np.where(near[:, None], middle, np.nan).astype(np.float32)
    either = (one.visibility > 0) | (two.visibility > 0)
    apart = [kp.NAMES[k] for k in np.flatnonzero(either & ~near)]
    return replace(one, side=one.side or two.side, keypoints=points, visibility=seen), apart


def _decision(compared: Pairs, pair: Pair, kind: Verdict, patch: Patch | None) -> Decision:
    given = pair.decisions or ()
    reasons = {decision.reason for decision in given}
    return decide(
        compared.dataset.fingerprint,
        pair.base,
        pair.pixels,
        kind,
        reviewer=" and ".join(sorted(compared.people)),
        ts=max(given, key=lambda one: one.at).ts if given else compared.saved,
        patch=patch,
        check_ids=sorted({check for decision in given for check in decision.check_ids}),
        reason=reasons.pop() if len(reasons) == 1 else None,
    )
