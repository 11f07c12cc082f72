"""The search for thumbnails that look alike."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.measures.similar_pairs import correlations, similar_pairs


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.sampled_from([0, 1, 2, 300, 700]),
    likeness=st.sampled_from([0.9, 0.99]),
)
def test_alike_pairs_are_among_those_found_and_none_is_left_out(
    seed: int, count: int, likeness: float
) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 1, (40, 4, 4)).astype(np.float32)
    smooth = np.stack([cv2.resize(d, (16, 16)) for d in drawn])[rng.integers(0, 40, count)]
    smooth = np.where(rng.random((count, 1, 1)) < 0.5, smooth, smooth[:, :, ::-1])
    noise = rng.uniform(0, 0.1, (count, 1, 1)) * rng.normal(0, 1, (count, 16, 16))
    thumbs = np.clip(128 + 40 * (smooth + noise), 0, 255).astype(np.uint8)
    thumbs[: count // 100] = 7  # of one tone: like nothing, not even each other
    found, crowded = similar_pairs(thumbs, likeness, 1000)
    keys = list(zip(found.first.tolist(), found.second.tolist(), found.mirrored.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert (found.first < found.second).all()
    assert len(crowded) == 0
    told = {key for key, alike in zip(keys, correlations(thumbs, found), strict=True) if alike >= likeness}
    expected = set()
    for mirrored in (False, True):
        other = thumbs[:, :, ::-1] if mirrored else thumbs
        flat, turned = (x.reshape(count, 256).astype(np.float64) for x in (thumbs, other))
        flat, turned = flat - flat.mean(axis=1, keepdims=True), turned - turned.mean(axis=1, keepdims=True)
        lengths = np.outer(np.linalg.norm(flat, axis=1), np.linalg.norm(turned, axis=1))
        alike = np.triu(flat @ turned.T / np.maximum(lengths, 1e-9), 1)
        clear = np.abs(alike - likeness) > 1e-5  # float32 may say either of what lies on the limit
        expected |= {(int(i), int(j), mirrored) for i, j in np.argwhere((alike >= likeness) & clear)}
        told -= {(int(i), int(j), mirrored) for i, j in np.argwhere(~clear)}
    assert told == expected


def test_of_too_many_alike_each_is_compared_with_some_and_the_rest_is_told() -> None:
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.normal(0, 40, (4, 4)).astype(np.float32), (16, 16))
    thumbs = np.clip(128 + picture + rng.normal(0, 1, (1600, 16, 16)), 0, 255).astype(np.uint8)
    found, crowded = similar_pairs(thumbs, 0.9, 200)
    assert len(found) == 1400 * 200 + 200 * 199 // 2  # each with the 200 next to it; the last have fewer
    assert len(crowded) == 1399
    # All are still of one group: each is compared with those next to it.
    group = np.arange(1600)
    for _ in range(20):
        np.minimum.at(group, found.second, group[found.first])
        np.minimum.at(group, found.first, group[found.second])
    assert set(group.tolist()) == {0}
