"""How far two people put the same keypoints apart, and whether they call the same ones visible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.wording import counted, percent
from curate.data.sample import Sample
from curate.scoring import metrics
from qa.measures.arrays import Floats

_LISTED = 10  # of the points that are furthest apart


@dataclass(frozen=True, slots=True)
class PointFigures:
    """Two people on one keypoint, or on all.

    Attributes
    ----------
    both: how many points both labelled; distances are between these.
    median, p95: distance in hand sizes. pixels: median distance in pixels of the images. NaN if `both` is 0.
    alike: share of the samples in which both give the same visibility: not labelled, hidden or visible.
    kappa: Cohen's kappa of the visibility; None if both give one and the same throughout.
    """

    both: int
    median: float
    p95: float
    pixels: float
    alike: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class PointAgreement:
    """Two people's labels of the same samples.

    A hand's size is the longer side of the box around its points, the mean of what the two labelled.

    Attributes
    ----------
    samples: compared. keypoints: by name. all: keypoints taken together.
    apart: (sample, keypoint, distance in hand sizes), the furthest first.
    """

    samples: int
    keypoints: dict[str, PointFigures]
    all: PointFigures
    apart: list[tuple[str, str, float]]

    def __str__(self) -> str:
        head = f"{'':12}{'both':>8}{'median':>9}{'95 %':>8}{'px':>8}{'alike':>9}{'kappa':>8}"
        rows = [_row(name, figures) for name, figures in [*self.keypoints.items(), ("all", self.all)]]
        far = [f"  {sample!r}: {name} {gap:.3f}" for sample, name, gap in self.apart]
        lines = [
            f"points of {counted(self.samples, 'sample')}: how many both labelled; how far apart, in hand",
            "sizes and px; how often both agree on visible, hidden or not labelled; the kappa of that",
            head,
            *rows,
        ]
        return "\n".join([*lines, *(["furthest apart:", *far] if far else [])])

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "samples": self.samples,
            "all": _json(self.all),
            "keypoints": {name: _json(figures) for name, figures in self.keypoints.items()},
            "apart": [{"sample": s, "keypoint": name, "distance": gap} for s, name, gap in self.apart],
        }


def _json(figures: PointFigures) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in asdict(figures).items()}


def _row(name: str, figures: PointFigures) -> str:
    kappa = "-" if figures.kappa is None else f"{figures.kappa:.3f}"
    gaps = f"{figures.median:9.3f}{figures.p95:8.3f}{figures.pixels:8.1f}" if figures.both else f"{'-':>25}"
    return f"{name:12}{figures.both:8,}{gaps}{percent(figures.alike, 1):>9}{kappa:>8}"


def cohen(table: Mapping[tuple[Any, Any], int]) -> float | None:
    """Cohen's kappa (1960, Educ. Psychol. Meas. 20:37-46) of counts by (first says, second says): 0 for the
    agreement expected by chance, 1 for full agreement. None if both say one and the same throughout."""
    firsts, seconds = Counter[Any](), Counter[Any]()
    for (a, b), count in table.items():
        firsts[a] += count
        seconds[b] += count
    total = sum(firsts.values())
    chance = sum(firsts[kind] * seconds[kind] for kind in firsts)
    same = sum(count for (a, b), count in table.items() if a == b)
    return None if chance == total**2 else (same * total - chance) / (total**2 - chance)


def hand_sizes(first: Sequence[Sample], second: Sequence[Sample]) -> Floats:
    """(n,) the longer side of the box around a hand's points, pixels, mean of two people's labels; NaN where
    neither labelled two points in different places."""
    sizes = []
    for samples in (first, second):
        points, seen = _stacked(samples)
        size = metrics.box_sizes(points, seen > 0)[0]
        sizes.append(np.where(size > 0, size, np.nan))
    known = ~np.isnan(sizes)
    return np.where(known.any(axis=0), np.nansum(sizes, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)


def point_agreement(first: Sequence[Sample], second: Sequence[Sample]) -> PointAgreement:
    """Compare two people's labels of the same samples, in the same order."""
    one, seen_one = _stacked(first)
    two, seen_two = _stacked(second)
    pixels = metrics.distances(one, two, (seen_one > 0) & (seen_two > 0))
    gaps = pixels / hand_sizes(first, second)[:, None]
    pixels = np.where(np.isnan(gaps), np.nan, pixels)
    figures = {
        name: _figures(gaps[:, k], pixels[:, k], seen_one[:, k], seen_two[:, k])
        for k, name in enumerate(kp.NAMES)
    }
    whole = _figures(gaps.ravel(), pixels.ravel(), seen_one.ravel(), seen_two.ravel())
    order = np.argsort(np.where(np.isnan(gaps), -1, gaps), axis=None, kind="stable")[::-1][:_LISTED]
    places = [divmod(int(place), kp.COUNT) for place in order]
    apart = [(first[i].sample_id, kp.NAMES[k], float(gaps[i, k])) for i, k in places if gaps[i, k] > 0]
    return PointAgreement(len(first), figures, whole, apart)


def _figures(gaps: Floats, pixels: Floats, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> PointFigures:
    known = ~np.isnan(gaps)
    median, p95, px = (
        (*np.quantile(gaps[known], (0.5, 0.95)), np.median(pixels[known])) if known.any() else (np.nan,) * 3
    )
    table = Counter(zip(one.tolist(), two.tolist(), strict=True))
    return PointFigures(
        int(known.sum()), float(median), float(p95), float(px), float((one == two).mean()), cohen(table)
    )


def _stacked(samples: Sequence[Sample]) -> tuple[Floats, NDArray[np.uint8]]:
    points = np.array([sample.keypoints for sample in samples], np.float64).reshape(-1, kp.COUNT, 2)
    seen = np.array([sample.visibility for sample in samples], np.uint8).reshape(-1, kp.COUNT)
    return points, np.where(np.isfinite(points).all(axis=2), seen, np.uint8(0))
