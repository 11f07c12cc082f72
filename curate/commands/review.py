"""curate review: the gallery, Labelme for what is wrong, and what was decided in either."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.table import FORMATS
from curate.basics import files
from curate.basics.errors import InputError
from curate.commands.console import (
    FINDINGS,
    OK,
    add_options,
    command,
    common,
    engine_of,
    how_to_run,
    options_of,
    show,
    typed,
)
from qa.options import AgreementOptions, LabelmeOptions, PageOptions

if TYPE_CHECKING:
    from qa.review.agreement import Agreement
    from qa.review.pairs import Pairs

_BRING_IDS = ("cvat", "label-studio", "coco")  # formats by which a label finds its sample again


def add(commands: Any) -> None:
    parser = command(
        commands,
        "review",
        run,
        "  curate review build tagged --qa qa-tagged --out review\n"
        "  curate review open-labelme tagged --qa qa-tagged --out corrections\n"
        "  curate review take-back cvat mended --dataset tagged --out mended-back\n"
        "  curate review apply decisions.jsonl corrections/decisions.jsonl --dataset tagged --out tagged-2\n"
        "  curate review agreement ann.jsonl bob.jsonl",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_build(actions)
    _add_open_labelme(actions)
    _add_take_back(actions)
    _add_apply(actions)
    _add_agreement(actions)


def run(a: argparse.Namespace) -> int:
    code: int = a.act(a)
    return code


def _add_build(actions: Any) -> None:
    build = actions.add_parser("build", help="write the gallery; open its index.html with a double click")
    build.add_argument("dataset", type=Path, metavar="D", help="a dataset, not a training set built from it")
    build.add_argument(
        "--qa", type=Path, metavar="QA", help="what curate qa wrote about D; without it, just the pictures"
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    add_options(build, PageOptions)
    common(build)
    build.set_defaults(act=_build)


def _build(a: argparse.Namespace) -> int:
    from qa.review.build import build_review

    options = options_of(a, PageOptions)
    made = build_review(a.dataset, a.qa, a.out, options, **how_to_run(a))
    show(a, made.as_json(), str(made))
    return OK


def _add_open_labelme(actions: Any) -> None:
    opens = actions.add_parser(
        "open-labelme",
        help="correct flagged samples in Labelme; corrections come back as decisions",
        description="Open flagged samples in Labelme with the 21 labels prepared, wait until it is closed, "
        "and write what was corrected to DIR/decisions.jsonl.\n"
        "Given again, the same command continues where it was left.",
        epilog="examples:\n  curate review open-labelme tagged --qa qa-tagged --out corrections\n"
        "  curate review open-labelme tagged --decisions decisions.jsonl --out corrections\n"
        "  curate review open-labelme tagged --qa qa-tagged --check mask-fit --severity warning --out more",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    opens.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    opens.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to work in")
    add_options(opens, LabelmeOptions)
    common(opens, workers=False)
    opens.set_defaults(act=_open_labelme)


def _open_labelme(a: argparse.Namespace) -> int:
    from qa.review.decisions import DECISIONS
    from qa.review.open_labelme import open_labelme

    labelme, options = FORMATS["labelme"], options_of(a, LabelmeOptions)
    done = open_labelme(
        a.dataset, a.out, options, write=labelme.write, read=labelme.read, overwrite=a.overwrite
    )
    advice = ""
    if done.corrected:
        advice = f"\n{_to_apply(a.out / DECISIONS, a.dataset)}"
    elif done.opened and options.no_open:
        labels = a.out / "labels"
        advice = f"\nnext: correct what is in {labels} with Labelme, and give the same command again"
    show(a, done.as_json(), f"{done}{advice}")
    return FINDINGS if done.refused else OK


def _add_take_back(actions: Any) -> None:
    takes = actions.add_parser(
        "take-back",
        help="take back labels that were corrected in CVAT or Label Studio; changes become decisions",
        description="Compare labels that were written by curate export and corrected in another tool with\n"
        "the dataset, and write what was changed to DIR/decisions.jsonl.\n"
        "A label belongs to the sample whose id it carries.",
        epilog="examples:\n  curate export tagged --to cvat --out sent\n"
        "  curate review take-back cvat mended --dataset tagged --out mended-back\n"
        "  curate review take-back label-studio mended.json --images sent --dataset tagged --out mended-back",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    takes.add_argument("format", choices=_BRING_IDS, metavar="FORMAT", help=", ".join(_BRING_IDS))
    takes.add_argument("labels", type=Path, metavar="SRC", help="what the tool exported")
    takes.add_argument(
        "--dataset", type=Path, required=True, metavar="D", help="the dataset that was exported"
    )
    takes.add_argument("--images", type=Path, metavar="DIR", help="another folder to look for images in")
    takes.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    takes.add_argument("--reviewer", default="", metavar="NAME", help="who made the corrections")
    common(takes, workers=False)
    takes.set_defaults(act=_take_back)


def _take_back(a: argparse.Namespace) -> int:
    from curate.basics.paths import require_place, require_there
    from curate.data.source import Source
    from qa.review.decisions import DECISIONS
    from qa.review.taken_back import take_back

    for place in filter(None, (a.labels, a.images)):
        require_place(place)
        require_there(place)
    parts = FORMATS[a.format].read(Source(a.labels, a.images))
    done = take_back(a.dataset, parts, a.labels, a.out, reviewer=a.reviewer, overwrite=a.overwrite)
    advice = f"\n{_to_apply(a.out / DECISIONS, a.dataset)}"
    show(a, done.as_json(), f"{done}{advice if done.corrected else ''}")
    return FINDINGS if done.refused else OK


def _add_apply(actions: Any) -> None:
    apply = actions.add_parser("apply", help="make a new dataset from the decisions")
    apply.add_argument(
        "decisions",
        type=Path,
        nargs="+",
        metavar="DECISIONS",
        help="files of decisions, from the page, open-labelme or take-back",
    )
    apply.add_argument(
        "--dataset", type=Path, required=True, metavar="D", help="the dataset that was reviewed"
    )
    apply.add_argument("--out", type=Path, metavar="NEW", help="the dataset to make")
    apply.add_argument(
        "--dry-run", action="store_true", help="say what would be done and write nothing; needs no --out"
    )
    common(apply)
    apply.set_defaults(act=_apply)


def _apply(a: argparse.Namespace) -> int:
    from qa.review.apply import apply_decisions

    applied = apply_decisions(a.dataset, a.decisions, a.out, dry_run=a.dry_run, **how_to_run(a))
    show(a, applied.as_json(), str(applied))
    return FINDINGS if applied.failed else OK


def _add_agreement(actions: Any) -> None:
    agree = actions.add_parser(
        "agreement",
        help="report how far two reviewers or annotators agree, and on what",
        description="Compare two files of decisions, and with --dataset also the points that each reviewer "
        "accepted or corrected.\nOr compare two datasets: the same samples, labelled by two people.",
        epilog="examples:\n  curate review agreement ann.jsonl bob.jsonl\n"
        "  curate review agreement ann.jsonl bob.jsonl --dataset tagged --consensus both.jsonl\n"
        "  curate review agreement by-ann by-bob --consensus both.jsonl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    agree.add_argument(
        "first",
        type=Path,
        metavar="A",
        help="decisions of one person, as the page exports them, or a dataset",
    )
    agree.add_argument("second", type=Path, metavar="B", help="the same, of another person")
    add_options(agree, AgreementOptions)
    common(agree)
    agree.set_defaults(act=_agreement)


def _agreement(a: argparse.Namespace) -> int:
    from qa.review.consensus import consensus
    from qa.review.decisions import as_jsonl
    from qa.review.point_agreement import point_agreement

    options = options_of(a, AgreementOptions)
    verdicts, compared = _compared(a, options)
    told: dict[str, Any] = verdicts.as_json() if verdicts else {}
    lines = [str(verdicts)] if verdicts else []
    if compared is not None:
        points = point_agreement(*compared.labelled)
        told |= {"points": points.as_json(), "not_compared": [list(one) for one in compared.left]}
        lines.append(str(points))
        lines += [f"  not compared: {sample!r}: {why}" for sample, why in compared.left]
        if options.consensus is not None:
            merged = consensus(compared, options.within)
            files.write_result(options.consensus, as_jsonl(merged.decisions), overwrite=a.overwrite)
            told["consensus"] = merged.as_json()
            root = compared.dataset.root
            lines += [str(merged), _to_apply(options.consensus, root)]
    show(a, told, "\n".join(lines))
    return OK


def _to_apply(decisions: Path, dataset: Path) -> str:
    return f"next: {typed('review', 'apply', decisions, '--dataset', dataset, '--out', 'NEW')}"


def _compared(a: argparse.Namespace, options: AgreementOptions) -> tuple[Agreement | None, Pairs | None]:
    """The verdicts of two files, and what points each would have; of two datasets the latter alone."""
    from qa.review import pairs
    from qa.review.agreement import agreement

    ways = {"engine": engine_of(a), "quiet": a.quiet}
    if a.first.is_dir() and a.second.is_dir():
        if options.dataset is not None:
            raise InputError("--dataset", "given beside two datasets", allowed="with two files of decisions")
        return None, pairs.of_labels(a.first, a.second, **ways)
    if options.consensus is not None and options.dataset is None:
        raise InputError(
            "--consensus", "no dataset", remedy="name the dataset that was reviewed: --dataset D"
        )
    verdicts = agreement(a.first, a.second)
    if options.dataset is None:
        return verdicts, None
    return verdicts, pairs.of_decisions(a.first, a.second, options.dataset, **ways)
