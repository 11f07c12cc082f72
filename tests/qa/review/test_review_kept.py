"""The review page keeps what was decided: in several tabs, through a reload, until it is exported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page
from review_pages import open_page, press, until

import qa.review.page
from curate.basics import images
from curate.data.dataset import Dataset
from qa.review.build import build_review


def decisions(page: Page) -> dict[str, str]:
    """What the page would export of one reviewer."""
    return {sample: decision for _, sample, decision in whose(page)}


def test_two_tabs_keep_what_was_decided_in_either(built: Path, context: BrowserContext) -> None:
    one, other = (open_page(context, built) for _ in range(2))
    press(one, "a j r")  # 9 and 10
    until(other, "mine.size === 2")
    assert other.locator("#state").inner_text() == "2 of 6 flagged decided · 2 not exported"
    press(other, "n r")  # 5
    until(one, "mine.size === 3")
    press(one, "k a")  # 9 is taken back
    until(other, "mine.size === 2")
    assert decisions(one) == decisions(other) == {"s/10": "reject", "s/5": "reject"}
    one.close()
    other.close()
    assert decisions(open_page(context, built)) == {"s/10": "reject", "s/5": "reject"}


def test_a_tab_in_which_nothing_was_decided_overwrites_nothing(built: Path, context: BrowserContext) -> None:
    one, other = (open_page(context, built) for _ in range(2))
    press(one, "a j r")
    one.close()
    other.close()
    again = open_page(context, built)
    assert decisions(again) == {"s/9": "accept", "s/10": "reject"}
    again.evaluate("localStorage.clear()")
    press(again, "n a")
    assert len(decisions(again)) == 3


def test_decisions_that_were_not_exported_are_told_after_a_reload(
    built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built)
    press(page, "a j r")
    until(page, "!saving")
    page.close()
    again = open_page(context, built)
    assert again.locator("#state").inner_text() == "2 of 6 flagged decided · 2 not exported"
    assert again.locator("#state.unsaved").count() == 1


def test_what_was_taken_back_after_an_export_is_not_exported(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    name(page, "ann")
    press(page, "a j r")  # 9 and 10
    export(page)
    press(page, "r")
    assert page.locator("#state").inner_text() == "1 of 6 flagged decided · 1 not exported"
    press(page, "k x a a")  # changed before it is taken back
    assert page.locator("#state").inner_text() == "0 of 6 flagged decided · 2 not exported"
    until(page, "!saving")
    page.evaluate("unsaved = 0")  # or the browser asks
    page.close()
    again = open_page(context, built)
    assert again.locator("#state").inner_text() == "0 of 6 flagged decided · 2 not exported"
    assert export(again) == ""
    assert again.locator("#state").inner_text() == "0 of 6 flagged decided"


def test_each_of_several_files_that_are_imported_is_told_of(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    press(page, "a j r")
    good = page.evaluate("exported()").encode()
    files = {"<b>of another.jsonl": good.replace(b'"s/', b'"t/'), "bob.jsonl": good}
    page.locator("#import-file").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": text} for name, text in files.items()]
    )
    page.locator("#notice").wait_for()
    assert page.locator("#notice").inner_text().splitlines() == [
        "<b>of another.jsonl: 0 decisions imported, "
        "2 refused: not a decision, or made on other labels or pixels.",
        "bob.jsonl: 2 decisions imported.",
    ]


def test_an_import_is_undone_and_done_again_as_one_act(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    name(page, "ann")
    press(page, "a j r j x")  # 9, 10 and 5
    file = page.evaluate("exported()")
    bring(page, file.replace('"ann"', '"bob"').replace('"accept"', '"fix"'))
    press(page, "u")
    assert whose(page) == [("ann", "s/5", "fix"), ("ann", "s/9", "accept"), ("ann", "s/10", "reject")]
    press(page, "U")
    assert whose(page)[3:] == [("bob", "s/5", "fix"), ("bob", "s/9", "fix"), ("bob", "s/10", "reject")]
    press(page, "u u u u")  # bob's, then each of ann's
    assert whose(page) == []
    bring(page, file)
    assert len(whose(page)) == 3
    press(page, "u")
    assert whose(page) == []
    until(page, "!saving")
    page.evaluate("unsaved = 0")  # or the browser asks
    page.close()
    assert whose(open_page(context, built)) == []


def test_a_file_that_a_reviewer_imports_before_giving_the_name_is_theirs(
    built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built)
    name(page, "ann")
    press(page, "a j r j x")
    file = page.evaluate("exported()")
    press(page, "u u u")
    name(page, "")
    bring(page, file)
    press(page, "r")  # 9 is decided on anew, later than in the file
    assert page.locator("#state").inner_text() == "1 of 6 flagged decided · 1 not exported"
    name(page, "bob")
    assert page.locator("#state").inner_text() == "1 of 6 flagged decided · 1 not exported"
    name(page, "ann")
    assert page.locator("#said").inner_text() == "3 imported decisions are yours"
    assert page.locator("#state").inner_text() == "3 of 6 flagged decided · 1 not exported"
    assert told(export(page)) == [
        ("ann", "s/5", "fix"),
        ("ann", "s/9", "reject"),
        ("ann", "s/10", "reject"),
    ]
    name(page, "bob")
    bring(page, file.replace('"ann"', '"bob"'))  # what ann has decided stays hers
    assert [who for who, _, _ in whose(page)] == ["ann"] * 3 + ["bob"] * 3


def test_nothing_is_imported_before_all_samples_are_read(
    hands: Path, tmp_path: Path, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa.review.page, "CHUNK", 8)
    build_review(hands, tmp_path / "qa", tmp_path / "page", quiet=True)
    assert open_page(context, tmp_path / "page").get_by_role("button", name="Import").is_enabled()
    (tmp_path / "page" / "data" / "c0001.js").unlink()  # so that it stays to be read
    page = context.new_page()
    page.goto((tmp_path / "page" / "index.html").as_uri())
    page.locator("#notice").wait_for()
    assert page.locator("#count").inner_text() == "reading 8 of 12 …"
    assert page.get_by_role("button", name="Import").is_disabled()


def test_decisions_on_pixels_of_before_are_left_out_and_counted(
    hands: Path, tmp_path: Path, built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built)
    press(page, "a j r j x")  # 9, 10 and 5
    page.close()
    sample = next(one for one in Dataset(hands) if one.sample_id == "s/10")
    images.write(hands / sample.image, np.zeros((200, 200, 3), np.uint8))
    build_review(hands, tmp_path / "qa", built, quiet=True, overwrite=True)
    again = open_page(context, built)
    assert decisions(again) == {"s/9": "accept", "s/5": "fix"}
    assert again.locator("#notice").inner_text().startswith("Of the decisions kept in this browser, 1 was")


def name(page: Page, reviewer: str) -> None:
    """Say who reviews, and go back to the sample."""
    page.get_by_role("textbox", name="Reviewer").fill(reviewer)
    page.get_by_role("textbox", name="Reviewer").press("Escape")


def bring(page: Page, file: str) -> None:
    """Import a file."""
    page.locator("#import-file").set_input_files(
        {"name": "decisions.jsonl", "mimeType": "text/plain", "buffer": file.encode()}
    )
    until(page, "document.getElementById('import-file').value === ''")


def whose(page: Page) -> list[tuple[str, str, str]]:
    """The reviewer, the sample and the decision of each line that the page would export."""
    return told(page.evaluate("exported()"))


def told(file: str) -> list[tuple[str, str, str]]:
    """The same of a file."""
    lines = map(json.loads, file.splitlines())
    return [(line["reviewer"], line["sample_id"], line["decision"]) for line in lines]


def export(page: Page) -> str:
    """What the page writes."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Export decisions").click()
    return Path(download.value.path()).read_text()
