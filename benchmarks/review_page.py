"""The review page with many samples in headless Chromium: size, first paint, filter, scroll, zoom, memory.

python benchmarks/review_page.py [--samples 50000] [--keep DIR]

Draws a set of small hands (a few pictures, repeated; one is a photograph of 12 megapixels), plants
findings in a fifth of it, writes the page and opens it by file://. There is no peer to run beside it: no tool
of this kind writes such a page.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from curate.basics import images
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.finding import Finding, write_findings
from qa.review.build import build_review

SWITCHES = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
CHECKS = ("blur", "handedness", "finger-order", "pose-outlier", "few-points", "out-of-frame")
_PICTURES = 64


def main() -> None:
    """Make the set, write the page, open it and print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, default=50_000)
    options.add_argument("--keep", type=Path, help="leave set and page here, and use what is here")
    given = options.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("needs chromium or google-chrome")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        if not (folder / "page" / "index.html").exists():
            make_set(folder, given.samples)
            start = time.perf_counter()
            summary = build_review(folder / "set", folder / "qa", folder / "page", quiet=True)
            seconds = time.perf_counter() - start
            print(
                f"written              {seconds:8.1f} s   ({1e3 * seconds / given.samples:.2f} ms a sample)"
            )
            print(f"on disk              {summary.size / 1e6:8.1f} MB")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=SWITCHES)
            measure(chromium, folder / "page" / "index.html")
            chromium.close()


def make_set(folder: Path, count: int) -> None:
    """A dataset of `count` samples and findings about a fifth of them."""
    root = folder / "set"
    drawn = [_draw(root, i) for i in range(_PICTURES)]
    large = _draw(root, _PICTURES, width=4000, height=3000)
    samples = [
        replace(
            drawn[i % _PICTURES] if i else large,
            sample_id=f"drawn/Hand_{i:07d}",
            subject_id=f"p{i // 40:05d}",
            split=("train", "train", "train", "val", "test")[i % 5],
        )
        for i in range(count)
    ]
    write_table(root, (to_batch(samples[start : start + 5000]) for start in range(0, count, 5000)))
    write_info(root, {"samples": count, "sources": ["drawn"], "licences": [], "history": []})
    rng = np.random.default_rng(0)
    write_findings([_finding(sample, rng) for sample in samples[1:] if rng.random() < 0.2], folder / "qa")


def _draw(root: Path, number: int, *, width: int = 96, height: int = 96) -> Sample:
    rng = np.random.default_rng(number)
    side = "left" if number % 2 else "right"
    picture, points = draw_hand(rng, Person.sample(rng), side, width=width, height=height)
    name = f"images/{number}.png"
    images.write(root / name, picture)
    return Sample("", "drawn", name, width, height, side, "dorsal", "", points, np.full(21, 2, np.uint8))


def _finding(sample: Sample, rng: np.random.Generator) -> Finding:
    check, score = str(rng.choice(CHECKS)), float(rng.gamma(2.0))
    grave = "error" if score > 3 else "warning"
    text = "The planted finding of a benchmark, about as long as a real one."
    return Finding(check, grave, "sample", "set", sample.sample_id, None, score, 0.5, text, "Look at it.")


def measure(browser: Browser, path: Path) -> None:
    """Open the page anew a few times and print medians."""
    stages: dict[str, list[float]] = {"first paint": [], "first pictures": [], "all rows read": []}
    for last in (False, False, True):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(path.resolve().as_uri())
        pictures = reached(page, "typeof atlases === 'object' && atlases.size > 0")
        rows = reached(page, "loaded === head.rows")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        for name, value in zip(stages, (paint, pictures, rows), strict=True):
            stages[name].append(value)
        if not last:
            page.close()
    for name, values in stages.items():
        print(f"{name:20s} {statistics.median(values):8.0f} ms")
    for name, code in FILTERS.items():
        before = processor(browser)
        times = page.evaluate(f"() => {{ {_TIMED} return timed(() => {{ {code} refilter(); }}); }}")
        spent = 1e3 * (processor(browser) - before) / len(times)
        worst, told = max(times), f"filter: {name}"
        print(f"{told:20s} {statistics.median(times):8.1f} ms   (worst {worst:.1f}; processor {spent:.1f})")
    for name, gesture in (("scroll", scroll), ("magnify", magnify)):
        before = processor(browser)
        frames = gesture(page)
        spent = 1e3 * (processor(browser) - before) / len(frames)
        late, told = np.quantile(frames, 0.95), f"{name}, frame"
        print(f"{told:20s} {statistics.median(frames):8.1f} ms   (p95 {late:.1f}; processor {spent:.1f})")
    for kind, megabytes in memory(browser).items():
        print(f"memory, {kind:12s} {megabytes:8.0f} MB")


def reached(page: Page, condition: str) -> float:
    """Milliseconds from the opening of the page until a condition holds."""
    while not page.evaluate(condition):
        page.wait_for_timeout(5)
    return float(page.evaluate("performance.now()"))


_TIMED = """
const timed = (run) => [0, 1, 2, 3, 4].map(() => {
  const start = performance.now();
  run();
  void grid.offsetHeight;
  return performance.now() - start;
});
"""
FILTERS = {
    "severity": "viewFromHash(new URLSearchParams('severity=error'));",
    "check, split": "viewFromHash(new URLSearchParams('check=blur&check=handedness&split=test'));",
    "id": "viewFromHash(new URLSearchParams('id=999'));",
    "sort": "viewFromHash(new URLSearchParams('sort=blur'));",
    "none": "viewFromHash(new URLSearchParams());",
}


def scroll(page: Page) -> list[float]:
    """Times between frames, ms, while 150 screens go by."""
    script = """() => new Promise((done) => {
      const times = []; let last = performance.now(); let left = 150;
      const frame = (now) => {
        times.push(now - last); last = now;
        grid.scrollTop += 0.6 * grid.clientHeight;
        if (left--) requestAnimationFrame(frame); else done(times.slice(2));
      };
      requestAnimationFrame(frame);
    })"""
    frames: list[float] = page.evaluate(script)
    return frames


def magnify(page: Page) -> list[float]:
    """Times between frames, ms, while the wheel turns over a sample in large: 75 steps in, 75 steps out."""
    page.evaluate("() => { select(column.size.indexOf(4000) / 2); zoom(true); }")  # the photograph
    reached(page, "original.image !== null")
    script = """() => new Promise((done) => {
      const { left, top, width, height } = frames[0].node.getBoundingClientRect();
      const place = { clientX: left + 0.4 * width, clientY: top + 0.6 * height, cancelable: true };
      const times = []; let last = performance.now(); let rest = 150;
      const frame = (now) => {
        times.push(now - last); last = now;
        frames[0].node.dispatchEvent(new WheelEvent("wheel", { ...place, deltaY: rest > 75 ? -40 : 40 }));
        if (rest--) requestAnimationFrame(frame); else done(times.slice(2));
      };
      requestAnimationFrame(frame);
    })"""
    frames: list[float] = page.evaluate(script)
    return frames


def processor(browser: Browser) -> float:
    """Seconds of processor that the browser has used, all of its processes: the same on a busy machine."""
    told: Any = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return float(sum(process["cpuTime"] for process in told["processInfo"]))


def memory(browser: Browser) -> dict[str, float]:
    """Memory of the page's process, MB: resident, its peak, and without mapped files (the browser itself)."""
    told: Any = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    renderers = [process["id"] for process in told["processInfo"] if process["type"] == "renderer"]
    status = [Path(f"/proc/{pid}/status").read_text() for pid in renderers]
    found = {"resident": "VmRSS:", "peak": "VmHWM:", "anonymous": "RssAnon:"}
    return {
        kind: max(float(text.partition(word)[2].split()[0]) for text in status) / 1e3
        for kind, word in found.items()
    }


if __name__ == "__main__":
    main()
