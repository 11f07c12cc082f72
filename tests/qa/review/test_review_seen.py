"""What a reviewer sees of the page: in large, by keyboard, on small screens, of names and of an empty set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext
from qa_sets import save
from review_pages import flag, hand, open_page, press

from qa.finding import write_findings
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


@pytest.mark.parametrize(("width", "height"), [(320, 568), (375, 667), (720, 450), (667, 375)])
def test_small_and_magnified_screens_show_all_of_the_page(
    width: int, height: int, built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    grid = page.locator("#grid")
    grid.scroll_into_view_if_needed()
    seen = grid.bounding_box()
    assert seen is not None
    assert seen["height"] >= 100
    page.locator(".cell").nth(1).click()
    assert page.locator("#panel h2").inner_text() == "s/10"


def test_a_page_without_samples_says_so_and_what_was_found(tmp_path: Path, context: BrowserContext) -> None:
    write_findings([flag("no-samples", None, message="The set holds no sample.")], tmp_path / "qa")
    build_review(save(tmp_path / "hands", []), tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    assert page.locator("#nothing").inner_text() == "The dataset holds no sample."
    page.get_by_text("1 finding about the whole set").click()
    assert page.get_by_text("no-samples: The set holds no sample.").is_visible()


def test_paper_is_never_dark(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    ink = "getComputedStyle(document.body).color"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ink) != light
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ink) == light
