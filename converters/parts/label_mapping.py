"""The mapping file: how a team's own Labelme labels become our keypoints.

labels:                 # their label: our keypoint
  Daumenspitze: thumb_tip
  P0: wrist
hidden: [verdeckt]      # further words that mark a hidden point
ignore: [ruler, logo]   # labels to leave out
side: left              # of hands that do not say
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.parts.labels import HIDDEN_WORDS, Label, bare, nearest
from converters.parts.labels import parse as parse_label
from curate.basics import keypoints as kp
from curate.basics import settings
from curate.basics.errors import InputError

_KEYS = ("labels", "hidden", "ignore", "side")
UNKNOWN_LABEL, IGNORED_LABEL = "unknown label", "ignored label"  # why points are left out, in counts


@dataclass(frozen=True, slots=True)
class Mapping:
    """The content of a mapping file. Without one, labels are read by `converters.parts.labels` alone."""

    labels: dict[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = HIDDEN_WORDS
    ignore: frozenset[str] = frozenset()
    side: str | None = None

    @classmethod
    def load(cls, path: Path) -> Mapping:
        """Read a mapping file. Raises InputError, which suggests the most similar name for an unknown one."""
        content = settings.load(path)
        for key in content:
            settings.known(path, "setting", key, _KEYS)
        theirs = settings.table(
            content.get("labels"), path, "labels", allowed="a table of their label: our keypoint"
        )
        side = content.get("side")
        if side not in (None, "left", "right"):
            raise InputError(path, repr(side), field="side", allowed="left or right")
        return cls(
            {str(label).casefold(): _keypoint(path, str(label), name) for label, name in theirs.items()},
            HIDDEN_WORDS | {word.lower() for word in _words(path, content, "hidden")},
            frozenset(word.casefold() for word in _words(path, content, "ignore")),
            side,
        )

    def ignores(self, label: str) -> bool:
        """Whether a label is to be left out."""
        return label.casefold() in self.ignore

    def parse(self, label: str) -> Label:
        """Read a label: by the mapping, as a whole or without the words on side and visibility at its ends;
        else as `converters.parts.labels` does."""
        parsed = parse_label(label, self.hidden)
        if not self.labels:
            return parsed
        keypoint = self.labels.get(label.casefold())
        if keypoint is not None:
            return Label(keypoint)
        keypoint = self.labels.get(bare(label, self.hidden).casefold())
        return parsed if keypoint is None else Label(keypoint, parsed.side, parsed.visibility)


def _keypoint(path: Path, label: str, name: object) -> int:
    keypoint = kp.INDEX.get(name) if isinstance(name, str) else None
    if keypoint is None:
        like = nearest(str(name))
        remedy = f"did you mean {like}?" if like else ""
        allowed = "one of the 21: " + ", ".join(kp.NAMES)
        raise InputError(
            path, f"{name!r} is not a keypoint", field=f"labels.{label}", allowed=allowed, remedy=remedy
        )
    return keypoint


def _words(path: Path, content: dict[str, Any], key: str) -> list[str]:
    found = content.get(key) or []
    if not (isinstance(found, list) and all(isinstance(word, str) for word in found)):
        raise InputError(path, repr(found), field=key, allowed="a list of words")
    return found
