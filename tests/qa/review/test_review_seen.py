"""What a reviewer sees of the page: in large, by keyboard, on small screens, of names and of an empty set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext
from review_pages import hand, open_page, press, save

from qa.review.build import build_review


def test_in_large_the_focus_never_leaves_the_sample(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    press(page, "j space")
    within = "document.getElementById('panel').contains(document.activeElement)"
    assert page.evaluate(within)
    reached = set()
    for _ in range(60):
        press(page, "Tab")
        if not page.evaluate("document.activeElement === document.body"):  # the browser's own buttons
            assert page.evaluate(within)
            reached.add(page.evaluate("document.activeElement.textContent"))
    assert "Back to the grid" in reached
    page.evaluate("document.getElementById('panel').focus()")
    press(page, "j")
    assert page.locator("#said").inner_text().startswith("s/5; error: order")
    press(page, "f")
    assert page.locator("#panel.zoomed").count() == 0
    press(page, "s / 1 1")
    assert page.locator("#find-id").input_value() == "s/11"


@pytest.mark.parametrize(
    ("sample_id", "caption"),
    [
        ("rhd/training/00111/left", "00111/left"),
        ("openpose/clip_000000000007/0-right", "clip_000000000007/0-right"),
        ("11khands/Hand_0000084", "Hand_0000084"),
        ("photo", "photo"),
    ],
)
def test_the_names_under_the_pictures_tell_the_hands_apart(
    sample_id: str, caption: str, tmp_path: Path, flat_hand: np.ndarray, context: BrowserContext
) -> None:
    sample = hand(tmp_path / "hands", 0, flat_hand)
    sample.sample_id = sample_id
    build_review(save(tmp_path / "hands", [sample]), None, tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    assert page.locator(".cell .id").inner_text() == caption
