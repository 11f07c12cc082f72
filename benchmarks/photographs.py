"""The photographs that networks trained on renders are judged by, as datasets; on which of them is chosen.

DATA is a folder of what data/README.md describes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from curate.data.dataset import INFO

HERE = Path(__file__).resolve().parent
PEOPLE, CLIPS = ("11k_hands_224", "11k_hands_224_palmar"), "wild_hands"
TAGGED, GRAPH = "labelme_hands", "hand_graph_real"


def half_of(person: str | None) -> str:
    """ "0" for people to look at and choose on first, "1" for the others."""
    return str(hashlib.sha256(f"choose {person}".encode()).digest()[0] % 2)


def converted(name: str, data: Path, work: Path) -> Path | None:
    """The dataset of a folder of DATA, in WORK; what was converted before is not again. None: there is no
    such folder."""
    source, out, info = data / name, work / name, ["--hand-info", data / "11k_hands/HandInfo.csv"]
    if not source.is_dir():
        return None
    if name == GRAPH:
        if not (out / INFO).exists():
            _python(HERE / "hand_graph.py", source, out)
    elif name == TAGGED:
        _convert("labelme", source, "--images", data / "11k_hands/Hands", *info, "--out", out)
    else:
        _convert("yolo-pose", source, *(info if name in PEOPLE else ()), "--out", out)
    return out


def _convert(*words: object) -> None:
    _python("-m", "curate.cli", "convert", *words, "--quiet", fine=(0, 1))  # 1: some hand is not in view


def _python(*words: object, fine: tuple[int, ...] = (0,)) -> None:
    code = subprocess.run([sys.executable, *map(str, words)]).returncode
    if code not in fine:
        sys.exit(code)
