"""What a reviewer sees of the page: in large, by keyboard, on small screens, of names and of an empty set."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext
from review_pages import open_page, press


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
