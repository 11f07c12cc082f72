"""The review page: written small and safe, and driven in a real browser from file://."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page
from qa_sets import save, tree
from review_pages import flag, hand, ids, open_page, press, until

import qa.review.atlas
import qa.review.page
from curate.basics import images
from curate.basics.engine import Local
from curate.basics.errors import InputError
from curate.data.dataset import Dataset, write_info
from curate.data.sample import Sample
from qa.finding import write_findings
from qa.options import PageOptions
from qa.review.apply import apply_decisions
from qa.review.build import build_review

HOSTILE = '"></script><script>window.pwned=1</script><img src=x onerror="window.pwned=2">\u2028${alert(3)}'


def test_decide_by_keyboard_export_apply_and_reopen(
    hands: Path, tmp_path: Path, built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built)
    # Blur stands before order; the dataset's order within each.
    assert ids(page)[:6] == ["s/9", "s/10", "s/5", "s/6", "s/7", "s/8"]
    page.get_by_role("textbox", name="Reviewer").fill("ann")
    page.get_by_role("checkbox", name="order").check()
    assert ids(page) == ["s/9", "s/5", "s/6", "s/7", "s/8"]
    page.locator("#grid").get_by_role("option").first.click()
    press(page, "a j 1 n x j s o j r u r")  # 9 accepted, 5 rejected as blurred, 6 to fix, 7 patched, 8 out
    assert page.locator("#state").inner_text() == "5 of 6 flagged decided · 5 not exported"
    assert page.locator("#panel").get_by_text("before: as labelled").count() == 0
    press(page, "k")
    assert page.locator("#panel").get_by_text("after: side: left, fingers reversed").count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Export decisions").click()
    assert page.locator("#state").inner_text() == "5 of 6 flagged decided · all exported"
    download.value.save_as(tmp_path / "decisions.jsonl")
    text = (tmp_path / "decisions.jsonl").read_text()
    lines = {line["sample_id"]: line for line in map(json.loads, text.splitlines())}
    assert {name: line["decision"] for name, line in lines.items()} == {
        "s/5": "reject",
        "s/6": "fix",
        "s/7": "patch",
        "s/8": "reject",
        "s/9": "accept",
    }
    assert lines["s/9"]["check_ids"] == ["blur", "order"]
    assert lines["s/5"]["reason"] == "blurred"
    applied = apply_decisions(hands, tmp_path / "decisions.jsonl", tmp_path / "next", quiet=True)
    assert not applied.failed
    new = {sample.sample_id: sample for sample in Dataset(tmp_path / "next")}
    assert set(new) == {f"s/{i}" for i in range(12)} - {"s/5", "s/8"}
    assert new["s/7"].side == "left"
    assert applied.checks == {"blur": (1, 1), "order": (5, 1)}
    page.close()
    again = open_page(context, built, "#decision=reject")
    assert ids(again) == ["s/5", "s/8"]
    assert again.locator("#state").inner_text() == "5 of 6 flagged decided · all exported"


def test_reviewers_are_merged_and_conflicts_shown(
    hands: Path, tmp_path: Path, built: Path, context: BrowserContext
) -> None:
    page = open_page(context, built, "#id=s/1")
    assert ids(page) == ["s/10", "s/1", "s/11"]
    page.get_by_role("textbox", name="Reviewer").fill("ann")
    page.locator("#grid").get_by_role("option").first.click()
    press(page, "a j a j r")
    text = page.evaluate("exported()")
    lines = [dict(json.loads(line), reviewer="bob") for line in text.splitlines()]
    lines[0]["sample_sha"] = "0" * 64  # of other labels
    lines[1]["decision"] = "reject"
    file = "".join(json.dumps(line) + "\n" for line in [*lines, {"schema": "something else"}])
    page.locator("#import-file").set_input_files(
        {"name": "bob.jsonl", "mimeType": "text/plain", "buffer": file.encode()}
    )
    notice = page.locator("#notice")
    notice.wait_for()
    assert (
        notice.inner_text()
        == "2 decisions imported, 2 refused: not a decision, or made on other labels or pixels."
    )
    conflicts = page.evaluate("[...column.verdict].map((v, i) => [VERDICTS[v], column.id[i]])")
    assert {name: verdict for verdict, name in conflicts if verdict != "undecided"} == {
        "s/1": "accept",
        "s/10": "conflict",
        "s/11": "reject",
    }
    merged = tmp_path / "merged.jsonl"
    merged.write_text(page.evaluate("exported()"))
    applied = apply_decisions(hands, merged, tmp_path / "next", dry_run=True)
    assert [name for name, _ in applied.conflicts] == ["s/10"]


def test_a_view_is_linked_by_its_address(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built, "#check=order&sort=order")
    assert ids(page) == ["s/9", "s/8", "s/7", "s/6", "s/5"]  # furthest beyond the limit first
    page.get_by_role("checkbox", name="test").check()
    until(page, "location.hash.includes('split=test')")
    assert ids(page) == ["s/9", "s/7", "s/5"]
    page.get_by_label("Check whose score is filtered").select_option("order")
    page.get_by_label("lowest score").fill("500")  # the middle of 7 .. 11
    assert min(page.evaluate("[...view].map((row) => finding.score[findingOf(row, 2)])")) >= 9
    until(page, "location.hash === '#' + viewAsHash()")
    link = page.evaluate("location.hash")
    page.close()
    assert ids(open_page(context, built, link)) == ["s/9", "s/7"]


def test_a_large_set_takes_few_nodes_and_counts_right(
    tmp_path: Path, flat_hand: np.ndarray, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa.review.page, "CHUNK", 300)
    root = tmp_path / "hands"
    save(root, [hand(root, i, flat_hand / 10, size=20) for i in range(1000)])
    write_findings([flag("blur", hand(root, i, flat_hand)) for i in range(0, 1000, 3)], tmp_path / "qa")
    build_review(root, tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    press(page, "End")
    assert page.evaluate("column.id[active]") == "s/998"
    assert page.locator("[role=option]").count() < 200
    until(page, "atlases.has('a0003.webp') && queue.size === 0")
    page.locator("#skeleton").uncheck()
    shot = page.locator("[aria-selected=true] .picture").screenshot()
    assert images.decode(shot, "shot")[30:90, 30:90].std() > 20  # noise, where no picture would be plain
    page.get_by_role("checkbox", name="blur").check()
    assert page.locator("#count").inner_text() == "334 of 1,000"
    counts = page.evaluate("Object.fromEntries(GROUPS.map((name) => [name, [...counts[name]]]))")
    assert counts["split"] == [0, 167, 167]
    assert counts["check"] == [334]
    assert counts["severity"] == [334, 0, 0, 0]  # none: those that the check's filter leaves out


def test_mask_and_heatmap_are_drawn_over_the_pictures(
    hands: Path, tmp_path: Path, context: BrowserContext
) -> None:
    samples = list(Dataset(hands))
    mask = np.zeros((200, 200), np.uint8)
    mask[:, 100:] = 255
    images.write(hands / "masks" / "half.png", mask)
    samples[5].mask = "masks/half.png"
    save(hands, samples)
    build_review(hands, tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page", "#id=s/5")
    assert page.evaluate("[column.mask[view[0]], column.mask[0]]") == [1, 0]  # noise has no hand's colour

    def overlay() -> np.ndarray:
        # What is drawn: a canvas of a page from a file may be seen, yet not read.
        page.locator("#panel .picture canvas").first.evaluate("(canvas) => canvas.remove()")
        return images.decode(page.locator("#panel .picture").screenshot(), "shot").astype(int)

    press(page, "b")
    plain = overlay()
    press(page, "m")
    until(page, "queue.size === 0 && atlases.has('m0000.png')")
    assert "its own mask" in page.locator("#panel figcaption").inner_text()
    far = np.abs(overlay() - plain).max(axis=2) > 8
    middle = far.shape[1] // 2
    assert not far[60:-60, 60 : middle - 8].any()
    assert far[60:-60, middle + 8 : -60].all()
    press(page, "m h")
    warm = np.abs(overlay() - plain).max(axis=2) > 8
    points = page.evaluate(
        "pointsOf(active).map(([x, y]) => [(x - lens.x) / lens.side, (y - lens.y) / lens.side])"
    )
    for x, y in points:
        assert warm[int(y * warm.shape[0]), int(x * warm.shape[1])]
    assert not warm[20, 20]


def test_what_a_finding_asks_for_is_proposed(hands: Path, tmp_path: Path, context: BrowserContext) -> None:
    samples = list(Dataset(hands))
    write_findings([flag("finger-order", samples[1]), flag("handedness", samples[2])], tmp_path / "qa")
    build_review(hands, tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    assert ids(page)[:2] == ["s/1", "s/2"]
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert captions == ["before: as labelled", "proposed: fingers reversed"]
    press(page, "p j")
    page.get_by_role("button", name="Apply the proposal: swap the side").click()
    lines = [json.loads(line) for line in page.evaluate("exported()").splitlines()]
    assert [line["patch"] for line in lines] == [{"order": "reverse"}, {"side": "swap"}]
    press(page, "j p")
    assert page.locator("#said").inner_text() == "Nothing is proposed for this sample."


def test_nothing_is_proposed_for_points_that_are_no_hand_s(
    hands: Path, tmp_path: Path, context: BrowserContext
) -> None:
    samples = list(Dataset(hands))
    found = [flag("finger-order", samples[1]), flag("coincident-points", samples[1])]
    found += [flag("handedness", samples[2]), flag("pose-outlier", samples[2])]
    found += [flag("handedness", samples[5]), flag("blur", samples[5])]
    write_findings(found, tmp_path / "qa")
    build_review(hands, tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    proposed = page.evaluate(
        "Object.fromEntries(column.id.slice(0, 3).map((id, row) => [id, proposalOf(row)]))"
    )
    assert proposed == {"s/1": None, "s/2": None, "s/5": {"side": "swap"}}


def test_a_decision_holds_for_all_that_are_selected(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built, "#sort=dataset")
    page.locator(f"#cell-{page.evaluate('view[0]')}").click()
    press(page, "Shift+ArrowRight Shift+ArrowRight r")
    assert page.locator(".several").inner_text() == "3 selected: a decision applies to all of them"
    assert rejected(page) == ["s/0", "s/1", "s/2"]
    press(page, "u")
    assert rejected(page) == []
    press(page, "7 j x")
    lines = [json.loads(line) for line in page.evaluate("exported()").splitlines()]
    told = [(line["sample_id"], line["decision"], line["reason"]) for line in lines]
    assert told == [*((f"s/{i}", "reject", "duplicate") for i in range(3)), ("s/3", "fix", None)]
    page.locator(f"#cell-{page.evaluate('view[7]')}").click(modifiers=["ControlOrMeta"])
    assert page.locator(".cell[aria-selected=true]").count() == 2


def rejected(page: Page) -> list[str]:
    rows: list[str] = page.evaluate(
        "[...mine].filter(([, m]) => m.decision === 'reject').map(([r]) => column.id[r])"
    )
    return sorted(rows)


def test_points_that_were_moved_elsewhere_are_shown(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built, "#id=s/5")
    press(page, "x")
    line = json.loads(page.evaluate("exported()"))
    line |= {
        "decision": "patch",
        "reviewer": "ann",
        "patch": {"points": {"thumb_tip": [1, 2, 1], "wrist": None}},
    }
    bad = line | {"patch": {"points": {"toe": [1, 2, 1]}}}
    text = json.dumps(line) + "\n" + json.dumps(bad)
    page.locator("#reviewer").fill("ann")
    page.locator("#import-file").set_input_files({"name": "d.jsonl", "mimeType": "", "buffer": text.encode()})
    until(page, "mine.get(active)?.decision === 'patch'")
    assert page.locator("#notice").inner_text().startswith("1 decision imported, 1 refused")
    assert page.locator("#panel figcaption").all_inner_texts() == ["corrected: 2 points changed"]
    again = json.loads(page.evaluate("exported()"))
    assert again["patch"] == line["patch"]


def test_the_keyboard_alone_reaches_everything(built: Path, context: BrowserContext) -> None:
    page = open_page(context, built)
    assert page.locator("[role=option][tabindex='0']").count() == 1
    press(page, "j")
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-selected") == "true"
    assert focused.get_attribute("aria-label") == "s/10; error: blur; undecided"
    press(page, "space")
    assert page.locator("#panel.zoomed").count() == 1
    press(page, "Escape ?")
    assert page.get_by_role("dialog").is_visible()
    press(page, "Escape")
    assert not page.get_by_role("dialog").is_visible()
    press(page, "f s / 1 1 Escape")
    assert ids(page) == ["s/11"]
    press(page, "r")
    assert page.locator("#said").inner_text() == "s/11; nothing found; rejected"
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter((e) => !e.hidden && "
        "!(e.labels?.length || e.textContent.trim() || e.ariaLabel)).length"
    )
    assert nameless == 0


def test_a_hostile_dataset_executes_nothing(
    tmp_path: Path, flat_hand: np.ndarray, context: BrowserContext
) -> None:
    root = tmp_path / "<img src=x onerror=window.pwned=4>"
    samples = [hand(root, i, flat_hand) for i in range(3)]
    for name in ("sample_id", "source", "subject_id"):
        setattr(samples[0], name, HOSTILE)
    samples[1].sample_id = samples[1].source = "__proto__"
    samples[2].attrs = {HOSTILE: HOSTILE}
    save(root, samples)
    found = [flag(HOSTILE, samples[0], message=HOSTILE), flag("__proto__", None, message=HOSTILE)]
    write_findings(found, tmp_path / "qa")
    build_review(root, tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    press(page, "j k a space Escape s o")
    page.get_by_role("checkbox").nth(4).check()
    page.evaluate("take(exported().replaceAll('reviewer\":\"', 'reviewer\":\"<img src=x onerror=alert(5)>'))")
    page.evaluate("redress(), showPanel()")
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    assert dialogs == []
    assert page.locator("#panel h2").inner_text().startswith('"></script><script>')
    # Were a name to reach the page as markup after all, the policy would stop it.
    blocked = page.evaluate(
        "(() => { try { document.body.innerHTML = '<p>'; return ''; } catch (e) { return e.name; } })()"
    )
    assert blocked == "TypeError"
    page.evaluate("document.body.append(document.createElement('script'))")
    refused = page.evaluate(
        "(() => { try { addScript('https://example.org/x.js'); return ''; } catch (e) { return e.name; } })()"
    )
    assert refused == "TypeError"
    data = "".join(path.read_text() for path in (tmp_path / "page" / "data").iterdir())
    assert data.isascii()
    assert not set("<>&") & set(data)


def test_letters_that_turn_the_order_of_a_name_are_shown_as_such(
    tmp_path: Path, flat_hand: np.ndarray, context: BrowserContext
) -> None:
    turning = "\u202egnp.exe"
    sample = hand(tmp_path / "hands", 0, flat_hand)
    sample.sample_id = sample.source = sample.subject_id = turning
    save(tmp_path / "hands", [sample])
    found = [flag("blur", sample, message=turning), flag("leak", None, message=turning)]
    write_findings(found, tmp_path / "qa")
    build_review(tmp_path / "hands", tmp_path / "qa", tmp_path / "page", quiet=True)
    page = open_page(context, tmp_path / "page")
    press(page, "j a")
    assert page.locator("#panel h2").inner_text() == "\ufffdgnp.exe"
    assert "\u202e" not in page.evaluate("document.documentElement.outerHTML + document.title")
    assert page.evaluate("JSON.parse(exported()).sample_id") == turning  # a decision is on the sample itself


def test_no_metadata_and_no_absolute_path_is_written(tmp_path: Path, flat_hand: np.ndarray) -> None:
    root = tmp_path / "hands"
    (root / "images").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = "a secret place", {1: "N", 2: (47.0, 22.0, 0.0)}
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(root / "images" / "0.jpg", exif=exif)
    sample = hand(root, 0, flat_hand)
    sample.image = "images/0.jpg"
    save(root, [sample])
    write_findings([], tmp_path / "qa")
    build_review(root, tmp_path / "qa", tmp_path / "page", quiet=True)
    for path in (tmp_path / "page").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert str(tmp_path).encode() not in content
        assert b"secret" not in content
        assert b"EXIF" not in content
        assert b"Exif" not in content


def test_an_anonymous_page_names_nobody(hands: Path, tmp_path: Path, context: BrowserContext) -> None:
    found = [flag("same", next(iter(Dataset(hands))), message="The same as s/1 of person-1.")]
    write_findings([*found, flag("leak", None, message="person-2 is everywhere")], tmp_path / "qa")
    build_review(hands, tmp_path / "qa", tmp_path / "page", PageOptions(anonymise=True), quiet=True)
    for path in (tmp_path / "page" / "data").iterdir():
        assert not re.search(r"person-|\"s/\d|images/|\.png", path.read_text())
    page = open_page(context, tmp_path / "page")
    press(page, "j k r")
    (tmp_path / "d").write_text(page.evaluate("exported()"))
    applied = apply_decisions(hands, tmp_path / "d", tmp_path / "next", quiet=True)
    assert applied.counts == {"reject": 1}
    assert "s/0" not in [sample.sample_id for sample in Dataset(tmp_path / "next")]


def test_a_killed_page_goes_on_and_gives_the_same_bytes(
    tmp_path: Path, flat_hand: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "hands"
    save(root, [hand(root, i, flat_hand / 10, size=20) for i in range(600)])
    (root / "images" / "3.png").write_bytes(b"broken")
    write_findings([], tmp_path / "qa")
    whole = build_review(root, tmp_path / "qa", tmp_path / "whole", engine=Local(2), quiet=True)
    assert whole.unreadable == sum(i % 7 == 3 for i in range(600))
    decoded: list[str] = []
    read_image = qa.review.atlas.read_image

    def read(where: Path, ref: str) -> images.Pixels:
        decoded.append(ref)
        if len(decoded) == 300:
            raise KeyboardInterrupt
        return read_image(where, ref)

    monkeypatch.setattr(qa.review.atlas, "read_image", read)
    with pytest.raises(KeyboardInterrupt):
        build_review(root, tmp_path / "qa", tmp_path / "page", quiet=True)
    assert not (tmp_path / "page" / "index.html").exists()
    build_review(root, tmp_path / "qa", tmp_path / "page", quiet=True)
    assert len(decoded) == 300 + 600 - 256
    assert tree(tmp_path / "page") == tree(tmp_path / "whole")


def test_what_cannot_be_reviewed_is_refused_in_one_line(hands: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    with pytest.raises(InputError, match="no such file; allowed: a folder of curate qa; make one with"):
        build_review(hands, tmp_path / "nothing", out)
    (tmp_path / "other").mkdir()
    write_findings([flag("blur", Sample("x/1", "x", "x.png"))], tmp_path / "other")
    with pytest.raises(InputError, match="concerns no sample of hands"):
        build_review(hands, tmp_path / "other", out)
    with pytest.raises(InputError, match="the folder that is read"):
        build_review(hands, tmp_path / "qa", hands)
    build_review(hands, tmp_path / "qa", out, quiet=True)
    first = tree(out)
    build_review(hands, tmp_path / "qa", out, quiet=True)
    assert tree(out) == first
    with pytest.raises(InputError, match=r"anonymise was False, now True.* add --overwrite"):
        build_review(hands, tmp_path / "qa", out, PageOptions(anonymise=True))
    build_review(hands, tmp_path / "qa", out, PageOptions(anonymise=True), overwrite=True, quiet=True)
    info = Dataset(hands).info
    write_info(hands, {**info, "training": {"size": 96, "keypoints": 21}})
    with pytest.raises(InputError, match="a training set; allowed: a dataset"):
        build_review(hands, tmp_path / "qa", out)
