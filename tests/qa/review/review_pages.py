"""Small datasets for the review page, and how a test drives it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page

from curate.basics import images
from curate.data.sample import Sample
from qa.finding import Finding


def hand(root: Path, number: int, points: np.ndarray, *, size: int = 200) -> Sample:
    """A right hand on noise."""
    picture = np.random.default_rng(number % 7).integers(0, 256, (size, size, 3), np.uint8)
    name = f"images/{number % 7}.png"
    if not (root / name).exists():
        images.write(root / name, picture)
    split = ("train", "test")[number % 2]
    sample = Sample(f"s/{number}", "noise", name, size, size, "right", "dorsal", f"person-{number % 5}")
    sample.keypoints, sample.visibility, sample.split = points, np.full(21, 2, np.uint8), split
    return sample


def flag(check: str, sample: Sample | None, score: float = 2.0, message: str = "Look here.") -> Finding:
    severity, scope = ("error", "sample") if sample else ("warning", "dataset")
    name = sample.sample_id if sample else None
    return Finding(check, severity, scope, "hands", name, None, score, 1.0, message, "Do so.")  # type: ignore[arg-type]


def open_page(context: BrowserContext, folder: Path, view: str = "") -> Page:
    page = context.new_page()
    page.goto((folder / "index.html").resolve().as_uri() + view)
    until(page, "typeof loaded === 'number' && head !== null && loaded === head.rows")
    return page


def until(page: Page, condition: str) -> None:
    """Wait. Playwright's own waiting evaluates text in the page, which the page's policy forbids."""
    for _ in range(3000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never came true: {condition}")


def ids(page: Page) -> list[str]:
    shown: list[str] = page.evaluate("[...view].map((row) => column.id[row])")
    return shown


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press({"space": " "}.get(key, key))
