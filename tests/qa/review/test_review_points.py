"""Keypoints put right on the review page, with mouse, fingers and keys, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from qa_sets import save
from review_pages import flag, hand, open_page, press, until

from curate.data.dataset import Dataset
from curate.data.sample import Sample
from qa.finding import write_findings
from qa.review.apply import apply_decisions
from qa.review.build import build_review

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
TIP, MCP = 8, 5  # of the index finger


@pytest.fixture
def page_folder(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """The page of three hands, one of them without an index tip; places that no binary fraction holds."""
    samples = [hand(tmp_path / "hands", i, (flat_hand + 0.1).astype(np.float32)) for i in range(3)]
    samples[1].keypoints[TIP], samples[1].visibility[TIP] = np.nan, 0
    save(tmp_path / "hands", samples)
    write_findings([flag("blur", samples[0]), flag("blur", samples[1])], tmp_path / "qa")
    build_review(tmp_path / "hands", tmp_path / "qa", tmp_path / "page", quiet=True)
    return tmp_path / "page"


def on_screen(page: Page, k: int) -> tuple[float, float]:
    """Where a keypoint is seen."""
    place: list[float] = page.evaluate(
        f"(() => {{ const box = frames[0].node.getBoundingClientRect(); const [x, y] = pointsNow()[{k}];"
        "return [box.left + (x - lens.x) / lens.side * box.width,"
        " box.top + (y - lens.y) / lens.side * box.height]; })()"
    )
    return place[0], place[1]


def pixels(page: Page, count: float) -> float:
    """So many pixels of the image on the screen."""
    seen: float = page.evaluate(f"{count} / fineness(frames[0])")
    return seen


def drag(page: Page, k: int, dx: float, dy: float) -> None:
    x, y = on_screen(page, k)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def export(page: Page, to: Path) -> Path:
    """Export by the button; the page asks whose decisions they are."""
    page.get_by_role("button", name="Export decisions").click()
    page.get_by_label("Your name").fill("ann")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    download.value.save_as(to)
    return to


def same_but(old: Sample, new: Sample, k: int) -> bool:
    rest = np.arange(21) != k
    return np.array_equal(old.keypoints[rest], new.keypoints[rest], equal_nan=True) and np.array_equal(
        old.visibility[rest], new.visibility[rest]
    )


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_point_dragged_by_3_px_at_full_zoom_is_stored_3_px_off(
    page_folder: Path, tmp_path: Path, browser: Browser, device: dict[str, Any]
) -> None:
    context = browser.new_context(accept_downloads=True, **device)
    page = open_page(context, page_folder)
    press(page, "space")
    page.mouse.move(*on_screen(page, TIP))
    for _ in range(12):
        page.mouse.wheel(0, -500)
    until(page, "lens.side === NEAREST")
    drag(page, TIP, 0, pixels(page, -2))
    press(page, "Control+z")
    assert page.evaluate("mine.size") == 0
    press(page, "Control+Shift+Z u")
    drag(page, TIP, pixels(page, 3), 0)
    press(page, "Escape Escape")
    decisions = export(page, tmp_path / "decisions.jsonl")
    context.close()
    assert [json.loads(line)["reviewer"] for line in decisions.read_text().splitlines()] == ["ann"]
    applied = apply_decisions(tmp_path / "hands", decisions, tmp_path / "next", quiet=True)
    assert applied.counts == {"patch": 1}
    for old, new in zip(Dataset(tmp_path / "hands"), Dataset(tmp_path / "next"), strict=True):
        if old.sample_id == "s/0":
            np.testing.assert_allclose(new.keypoints[TIP] - old.keypoints[TIP], (3, 0), atol=1e-3)
            assert same_but(old, new, TIP)
        else:
            assert same_but(old, new, -1)
            assert new.label_source == old.label_source


def test_by_keys_a_point_is_moved_hidden_taken_away_and_added(
    page_folder: Path, tmp_path: Path, context: BrowserContext
) -> None:
    page = open_page(context, page_folder)
    old = list(Dataset(tmp_path / "hands"))
    press(page, "space . . ArrowLeft Shift+ArrowDown v . Delete")  # CMC moved and hidden, MCP gone
    assert page.locator("#said").inner_text() == "thumb mcp: not labelled"
    press(page, "Enter c . v Escape Escape j space")  # MCP put, then as it was; IP hidden
    page.get_by_role("button", name="index tip: not labelled").click()
    press(page, "+ + Enter ArrowRight")
    centre = page.evaluate("centre()")
    lines = [json.loads(line)["patch"]["points"] for line in page.evaluate("exported()").splitlines()]
    (x, y), (u, v) = old[0].keypoints[1].tolist(), old[0].keypoints[3].tolist()
    assert lines[0] == {"thumb_cmc": [x - 1, y + 10, 1], "thumb_ip": [u, v, 1]}
    assert lines[1] == {"index_tip": [centre[0] + 1, centre[1], 2]}
    press(page, "c u")
    page.close()
    again = open_page(context, page_folder)  # nothing is lost
    kept = [json.loads(line)["patch"]["points"] for line in again.evaluate("exported()").splitlines()]
    assert kept == lines


def test_a_click_puts_a_missing_point_and_wheel_and_drag_move_the_picture(
    page_folder: Path, context: BrowserContext
) -> None:
    page = open_page(context, page_folder, "#id=s/1")
    press(page, "space")
    box = page.locator("#panel .picture").bounding_box()
    assert box is not None
    x, y = round(box["x"] + 0.9 * box["width"]), round(box["y"] + 0.1 * box["height"])
    seen = page.evaluate(f"placeAt(frames[0], [{x}, {y}])")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    until(page, "lens.side < 0.6 * windowOf(active).side")
    np.testing.assert_allclose(page.evaluate(f"placeAt(frames[0], [{x}, {y}])"), seen, atol=1e-6)
    page.mouse.down()
    page.mouse.move(x - 50, y + 20)
    page.mouse.up()
    np.testing.assert_allclose(page.evaluate(f"placeAt(frames[0], [{x - 50}, {y + 20}])"), seen, atol=1e-6)
    assert page.evaluate("mine.size") == 0
    page.get_by_role("button", name="index tip: not labelled").click()
    page.mouse.click(x - 50, y + 20)
    put = json.loads(page.evaluate("exported()"))["patch"]["points"]["index_tip"]
    np.testing.assert_allclose(put, [*seen, 2], atol=1e-6)


def test_two_fingers_magnify_and_do_not_move_a_point(page_folder: Path, browser: Browser) -> None:
    context = browser.new_context(**PHONE)
    page = open_page(context, page_folder)
    picture, grid = page.locator("#panel .picture").bounding_box(), page.locator("#grid").bounding_box()
    assert picture is not None
    assert grid is not None
    assert picture["y"] + picture["height"] < grid["y"]  # the picture comes first
    page.locator("#panel .picture").tap()
    assert page.locator("#panel.zoomed").count() == 1
    x, y = on_screen(page, TIP)
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": at[0], "y": at[1], "id": i} for i, at in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (x, y))
    fingers("touchMove", (x + 6, y))
    fingers("touchStart", (x + 6, y), (x + 6, y + 40))
    fingers("touchMove", (x + 6, y - 20), (x + 6, y + 60))
    fingers("touchEnd")
    until(page, "Math.abs(lens.side - windowOf(active).side / 2) < 1")
    assert page.evaluate("mine.size") == 0
    context.close()


def test_a_key_during_a_drag_lets_the_point_go(page_folder: Path, context: BrowserContext) -> None:
    page = open_page(context, page_folder)
    press(page, "space")
    x, y = on_screen(page, TIP)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    press(page, "a")
    page.mouse.up()
    assert page.evaluate("[mine.get(active).decision, fingers.size, draft]") == ["accept", 0, None]
    drag(page, TIP, 40, 0)
    assert page.evaluate("mine.get(active).decision") == "patch"


def test_points_keep_their_places_where_the_order_is_reversed_afterwards(
    page_folder: Path, tmp_path: Path, context: BrowserContext
) -> None:
    page = open_page(context, page_folder)
    press(page, "space")
    page.get_by_role("button", name="index tip: visible").click()
    press(page, "ArrowUp Escape o")
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert captions == ["before: as labelled", "after: fingers reversed, 1 point changed"]
    (tmp_path / "decisions.jsonl").write_text(page.evaluate("exported()"))
    apply_decisions(tmp_path / "hands", tmp_path / "decisions.jsonl", tmp_path / "next", quiet=True)
    old, new = next(iter(Dataset(tmp_path / "hands"))), next(iter(Dataset(tmp_path / "next")))
    np.testing.assert_allclose(new.keypoints[MCP], old.keypoints[TIP] - (0, 1), atol=1e-4)
    np.testing.assert_array_equal(new.keypoints[TIP], old.keypoints[MCP])


def test_a_page_without_findings_counts_all_samples(
    page_folder: Path, tmp_path: Path, context: BrowserContext
) -> None:
    made = build_review(tmp_path / "hands", None, tmp_path / "plain", quiet=True)
    assert made.flagged == 0
    page = open_page(context, tmp_path / "plain")
    assert page.locator("#filters").get_by_text("Severity").count() == 0
    press(page, "n a")
    assert page.locator("#state").inner_text() == "1 of 3 decided · 1 not exported"
    assert "Not checked" in page.locator("#panel").inner_text()


def test_a_rejected_sample_has_another_mark_than_an_error(page_folder: Path, context: BrowserContext) -> None:
    page = open_page(context, page_folder)
    press(page, "r")
    cell = page.locator("[role=option]").first
    assert cell.locator(".badge").inner_text() != cell.locator(".verdict-mark").inner_text()
    colours = [
        cell.locator(mark).evaluate("(node) => getComputedStyle(node).backgroundColor")
        for mark in (".badge", ".verdict-mark")
    ]
    assert colours[0] != colours[1]
