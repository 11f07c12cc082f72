"""What QA finds in a HandInfo.csv of 11k Hands alone, whose photographs need not be at hand.

    python benchmarks/qa_hand_info.py HandInfo.csv

Every row gets a blank picture, is brought in by `convert 11khands` and judged by the checks that ask nothing
of pixels or points. Each finding says where to look; what it is worth only the photographs tell.
"""

from __future__ import annotations

import argparse
import csv
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from converters.table import FORMATS
from curate.basics import files, images
from curate.basics.engine import ONE
from curate.convert import convert
from curate.data.source import Source
from qa.config import checks
from qa.view import open_view

OF_TABLES = ("subject-facts", "label-run", "balance", "licence")


def main() -> None:
    """Print what the reader counted, and each finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path, nargs="?")
    given = parser.parse_args()
    if given.table is None:
        print("give the HandInfo.csv of 11k Hands: data/README.md says where it is")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        blank = images.encode(np.full((12, 16, 3), 255, np.uint8), ".jpg")
        with open(given.table, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        names, raw = [row["imageName"] for row in rows], {row["id"] for row in rows}
        for name in names:
            files.write(root / "Hands" / Path(name).name, blank)
        start = time.process_time()
        source = Source(given.table, root / "Hands")
        summary = convert(FORMATS["11khands"].read, "11khands", source, root / "set", quiet=True)
        view = open_view([root / "set"], engine=ONE, quiet=True)
        people = len(set(view.subject_id))
        odd = sorted(name for name in raw if not re.fullmatch(r"\d{7}", name))
        print(f"ids that are not written as seven digits: {odd}")
        print(f"{len(names)} rows, {summary.samples} samples of {people} people, notes {summary.notes}")
        for check in checks():
            if check.id in OF_TABLES:
                checked = check.judge(view)
                print(f"{check.id}: {checked.checked} judged, {len(checked.findings)} found")
                for found in checked.findings:
                    print(f"  {found.sample_id or found.severity}: {found.message}")
        print(f"{time.process_time() - start:.1f} s of CPU")


if __name__ == "__main__":
    main()
