"""The options of `curate qa` and `curate review`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from curate.basics.settings import Options, choice, flag, path, paths, share, text, texts, whole
from qa.severity import SEVERITIES, Severity, at_least

NEVER = "never"


@dataclass(frozen=True, slots=True)
class QualityOptions(Options):
    """How `curate qa` judges and reports."""

    fail_on: str = choice("error", (*SEVERITIES, NEVER), "exit with 1 if a finding is at least this severe")
    config: Path | None = path("a file with other limits; see --explain", metavar="YAML")
    compare: Path | None = path("the folder of an earlier run: report what is new since then", metavar="QA")
    predictions: tuple[Path, ...] = paths(
        "predictions.parquet of curate evaluate, --run or --crossfit: report where they and labels disagree",
        metavar="FILE",
    )
    anonymise: bool = flag(False, "call people by numbers, not by their subject ids")
    images: bool = flag(True, "judge the table alone and open no image; what needs pixels is not judged")
    seed: int = whole(0, 0, 2**63 - 1, "seed of the choice of samples shown")

    @property
    def grave(self) -> tuple[Severity, ...]:
        """The severities that fail a set."""
        return () if self.fail_on == NEVER else at_least(cast(Severity, self.fail_on))


@dataclass(frozen=True, slots=True)
class PageOptions(Options):
    """What the review page shows.

    An anonymous page leaves out subject ids, sample ids (each is replaced by an alias), the findings'
    messages and the paths of the images. The pictures remain: hands can be recognised.
    """

    anonymise: bool = flag(False, "leave out what identifies people or samples: ids, paths, messages")
    thumbnails_only: bool = flag(
        False, "write no links to the images themselves, so that the folder can be passed on alone"
    )


@dataclass(frozen=True, slots=True)
class LabelmeOptions(Options):
    """What `curate review open-labelme` opens in Labelme, and how."""

    qa: Path | None = path("open the samples that this run of curate qa flagged", metavar="QA")
    decisions: tuple[Path, ...] = paths(
        "open the samples that these decisions mark as to be fixed", metavar="FILE"
    )
    check: tuple[str, ...] = texts(
        (),
        "the id of a check",
        "only samples flagged by this check; may be given several times",
        metavar="ID",
    )
    severity: str = choice("error", SEVERITIES, "only samples flagged at least this severely")
    all: bool = flag(False, "open every sample, in the dataset's order")
    limit: int | None = whole(None, 1, 2**31, "open at most N images, the worst")
    labelme: str = text(
        "labelme", "a program", "the program Labelme, if it is not on the PATH", metavar="PROGRAM"
    )
    no_open: bool = flag(
        False, "do not start Labelme: only prepare the folder, or read back what was corrected in it"
    )
    reviewer: str = text("", "a name", "who makes the corrections", metavar="NAME")


@dataclass(frozen=True, slots=True)
class AgreementOptions(Options):
    """What `curate review agreement` compares besides verdicts, and what it writes."""

    dataset: Path | None = path("the dataset that the decisions are about: compare points too", metavar="D")
    consensus: Path | None = path("write what both agree on, for curate review apply", metavar="FILE")
    within: float = share(0.05, "how far apart two agreeing points may be, in hand sizes")
