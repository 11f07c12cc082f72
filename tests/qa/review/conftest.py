"""What tests of the review page share: a browser, and hands to look at; helpers are in review_pages.py."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent))

from qa_sets import save
from review_pages import flag, hand

from qa.finding import write_findings
from qa.review.build import build_review

SWITCHES = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no browser here: install chromium or google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, with what the page complained of checked at the end."""
    fresh = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    fresh.set_default_timeout(60_000)  # a busy machine is slow, not wrong
    errors: list[str] = []
    fresh.on("weberror", lambda error: errors.append(str(error.error)))
    yield fresh
    fresh.close()
    assert errors == []


@pytest.fixture
def hands(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """Twelve hands in `hands`; findings in `qa`: 5 out of order, 2 blurred, 1 about the set."""
    root = tmp_path / "hands"
    samples = [hand(root, i, flat_hand) for i in range(12)]
    samples[3].keypoints = flat_hand + 500  # far outside
    samples[4].keypoints, samples[4].visibility = flat_hand * np.nan, np.zeros(21, np.uint8)
    save(root, samples)
    found = [flag("order", samples[i], 2.0 + i) for i in range(5, 10)]
    found += [flag("blur", samples[i]) for i in (9, 10)] + [flag("leak", None)]
    write_findings(found, tmp_path / "qa")
    return root


@pytest.fixture
def built(hands: Path, tmp_path: Path) -> Path:
    """The review page of `hands`."""
    build_review(hands, tmp_path / "qa", tmp_path / "page", quiet=True)
    return tmp_path / "page"
