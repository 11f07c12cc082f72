"""How likely the box is shown a hand, as benchmarks/box learns it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_where_one_value_tells_two_groups_apart_each_is_as_likely_as_it_was_right(
    low: int, high: int
) -> None:
    """Of ten at 0 `low` are right, of ten at 1 `high`; the second value tells nothing."""
    pytest.importorskip("onnx")
    from benchmarks.box.likely import logistic

    seen = np.array([[0.0, 5.0]] * 10 + [[1.0, 5.0]] * 10)
    right = np.concatenate([np.arange(10) < low, np.arange(10) < high]).astype(float)
    weights, bias = logistic(seen, right, 1e-9)
    likely = 1 / (1 + np.exp(-(seen[[0, -1]] @ weights + bias)))
    np.testing.assert_allclose(likely, [low / 10, high / 10], atol=1e-3)
