"""What the commands share: exit codes, common options, and how results are printed. Data goes to stdout,
everything else to stderr."""

from __future__ import annotations

import argparse
import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from curate.basics import stopping, streams
from curate.basics.engine import ALL, Engine, Local, Share, default_workers
from curate.basics.errors import InputError
from curate.basics.numerals import as_whole, is_digits
from curate.basics.settings import Options, settings_of
from curate.basics.wording import already, counted
from curate.commands.table import COMMANDS

if TYPE_CHECKING:
    from curate.data.stage import Summary

Chosen = TypeVar("Chosen", bound=Options)

# Notes whose noun is singular or plural, depending on the number: the noun, and what follows it.
_COUNTED = {
    "grounds_without_a_hand": ("ground", "without a hand"),
    "images outside the dataset": ("image", "outside the dataset"),
    "labelled_points": ("labelled point", "in all"),
    "labelled_points_outside_crop": ("labelled point", "outside the crop"),
    "labels_replaced": ("sample", "whose labels were replaced"),
    "masks_of_no_sample": ("mask", "of no sample"),
    "masks_of_the_source": ("mask", "of the source"),
    "pictures with two hands apart that found no place to touch or overlap": (
        "picture",
        "with two hands apart that found no place to touch or overlap",
    ),
    "samples_with_points_outside_crop": ("sample", "with points outside the crop"),
    "samples_without_mask": ("sample", "without mask"),
    "samples_without_subject": ("sample", "without subject"),
    "whole_photo_kept": ("whole photo", "kept"),
    "whole_photo_of_several_hands": ("whole photo", "of several hands"),
}
_QUARANTINED = 3  # inputs that are named if no sample was made
OK, FINDINGS, USAGE, INTERRUPTED, BUG = 0, 1, 2, stopping.CODE, 101


def command(commands: Any, name: str, run: Callable[[Any], int], examples: str) -> argparse.ArgumentParser:
    """Add the parser of a command of the table; `run` does the work and returns the exit code."""
    says = COMMANDS[name].says
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=says,
        description=says,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=run)
    return parser


def common(
    parser: argparse.ArgumentParser,
    *,
    workers: bool = True,
    overwrite: bool = True,
    strict: bool = False,
    shares: bool = False,
    cluster: bool = False,
) -> None:
    """Add the options that most commands take.

    Parameters
    ----------
    strict: what the source is known to lack can count as left out, too.
    shares: several processes may each do a share of the work. cluster: a Dask cluster may do it.
    """
    group = parser.add_argument_group("common options")
    if workers:
        group.add_argument(
            "--workers",
            type=positive,
            metavar="N",
            help=f"processes to run at once (default: {default_workers()})",
        )
    if cluster:
        group.add_argument(
            "--cluster",
            metavar="ADDRESS|local:N",
            help="do the work on a Dask cluster: give the address of its scheduler, or local:N to start N "
            "workers here",
        )
    if shares:
        group.add_argument(
            "--part",
            type=_share,
            default=ALL,
            metavar="I/N",
            help="do only share I of N of the work; the other shares may run at the same time, here or on "
            "machines that share the folders; the share that ends last completes the folder",
        )
    if overwrite:
        group.add_argument("--overwrite", action="store_true", help="replace what is at --out")
    if strict:
        says = "exit with 1 also for what the source itself is known to lack"
        group.add_argument("--strict", action="store_true", help=says)
    group.add_argument("--json", action="store_true", help="print the result as one JSON object")
    group.add_argument("--quiet", action="store_true", help="print no progress and no summary")
    group.add_argument(
        "--log", type=Path, metavar="FILE", help="also append all messages to FILE, with times and versions"
    )


def positive(text: str) -> int:
    """A whole number from 1 on, as an argparse type."""
    if not is_digits(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a whole number, 1 or more")
    return int(text)


def whole(text: str) -> int:
    """A whole number, as an argparse type."""
    try:
        return as_whole(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a whole number") from None


def _share(text: str) -> Share:
    """ "I/N" as an argparse type."""
    number, slash, of = text.partition("/")
    if not (slash and is_digits(number) and is_digits(of) and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: I/N, such as 2/8, the second of eight shares")
    return Share(int(number), int(of))


def tell(
    a: argparse.Namespace,
    summary: Summary,
    *,
    advice: str,
    splits: Mapping[str, int] | None = None,
    more: Sequence[str] = (),
) -> int:
    """Print what a stage did; returns the exit code.

    Parameters
    ----------
    advice: what to do next; only printed if there are samples.
    splits: how many samples each split has, if the stage made splits. more: further lines of the command.
    """
    lines = [f"{counted(summary.samples, 'sample')} in {summary.out}{already(summary.reused)}"]
    lines += [f"  left out: {count:,} {_words(reason)}" for reason, count in summary.dropped.items()]
    lines += [f"  not there: {count:,} {_words(reason)}" for reason, count in summary.absent.items()]
    if summary.quarantined:
        inputs = counted(summary.quarantined, "input")
        lines.append(f"  in quarantine: {inputs}, see {summary.out / 'quarantine.jsonl'}")
        if not summary.samples:
            lines += _first_of_quarantine(summary.out)
    lines += [f"  note: {_noted(what, count)}" for what, count in summary.notes.items() if count]
    if splits:
        lines.append("  splits: " + ", ".join(f"{count:,} {name}" for name, count in sorted(splits.items())))
    lines += more
    show(a, summary.as_json(), "\n".join([*lines, advice] if summary.samples else lines))
    return OK if summary.clean(strict=getattr(a, "strict", False)) else FINDINGS


def count_splits(summary: Summary) -> Counter[str]:
    """How many samples each split has in what a stage made."""
    from curate.data.dataset import Dataset

    return Counter(Dataset(summary.out).table(["split"]).column(0).to_pylist())


def _first_of_quarantine(out: Path) -> list[str]:
    """The first inputs that could not be used, and why."""
    with (out / "quarantine.jsonl").open(encoding="utf-8") as file:
        entries = [json.loads(line) for line in islice(file, _QUARANTINED)]
    return [f"    {entry['input']}: {entry['reason']}" for entry in entries]


def add_options(parser: argparse._ActionsContainer, kind: type[Options], *names: str) -> None:
    """Add an option for each setting of a command's Options, or for those named alone."""
    for name, setting in settings_of(kind).items():
        if names and name not in names:
            continue
        default = getattr(kind(), name)
        told = f"{setting.says}" + (
            "" if default in (None, False, True, "", ()) else f" (default: {_shown(default)})"
        )
        told = told.replace("%", "%%")
        if isinstance(default, bool):
            action = "store_false" if default else "store_true"
            parser.add_argument(
                flag_of(f"no_{name}" if default else name),
                dest=name,
                action=action,
                default=argparse.SUPPRESS,
                help=told,
            )
        else:
            parser.add_argument(
                flag_of(name),
                dest=name,
                action="append" if setting.many else "store",
                default=argparse.SUPPRESS,
                metavar=setting.metavar,
                help=told,
            )


def options_of(a: argparse.Namespace, kind: type[Chosen]) -> Chosen:
    """A command's Options as given on the command line. Raises InputError: a value that is not allowed."""
    return kind(**values_of(a, kind))


def values_of(a: argparse.Namespace, kind: type[Options]) -> dict[str, Any]:
    """The settings of `kind` that were given on the command line. Raises InputError as `options_of`."""
    values = {}
    for name, setting in settings_of(kind).items():
        if not hasattr(a, name):
            continue
        given: Any = getattr(a, name)
        try:
            if isinstance(given, list):
                given = [setting.of_text(text) for text in given]
            elif isinstance(given, str):
                given = setting.of_text(given)
            values[name] = setting.read(given)
        except ValueError:
            raise InputError(flag_of(name), repr(getattr(a, name)), allowed=setting.allowed) from None
    return values


def flag_of(name: str) -> str:
    """The option of a setting on the command line."""
    return f"--{name.replace('_', '-')}"


def _shown(default: Any) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def workers_of(a: argparse.Namespace) -> int:
    """How many processes work at once: --workers, or the number of cores."""
    return default_workers() if a.workers is None else int(a.workers)


def engine_of(a: argparse.Namespace) -> Engine:
    """The engine that --workers, --part and --cluster ask for.

    Raises InputError: --workers together with a cluster, which has its own.
    """
    share = getattr(a, "part", ALL)
    if getattr(a, "cluster", None) is None:
        return Local(workers_of(a), share)
    if a.workers is not None:
        remedy = "leave it out; --cluster local:N starts N workers"
        raise InputError("--workers", f"{a.workers}, beside --cluster", remedy=remedy)
    from curate.basics.cluster import Cluster

    return Cluster(a.cluster, share, (lambda _line: None) if a.quiet else say)


def typed(*words: object) -> str:
    """A command line of curate, quoted for a shell."""
    return shlex.join(["curate", *map(str, words)])


def how_to_run(a: argparse.Namespace) -> dict[str, Any]:
    """The common options that a command's function takes: engine, overwrite and quiet."""
    return {"engine": engine_of(a), "overwrite": a.overwrite, "quiet": a.quiet}


def say(text: str) -> None:
    """Print text for people on stderr; all messages go through here, which removes control characters."""
    streams.tell(text)


def show(a: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    """Print a result in the form that --json and --quiet ask for; the log always gets the text."""
    if a.json:
        streams.give(json.dumps(data, sort_keys=True))
    if a.json or a.quiet:
        streams.log(text)
    else:
        say(text)


def _noted(what: str, count: int) -> str:
    if what not in _COUNTED:
        return f"{count:,} {_words(what)}"
    noun, rest = _COUNTED[what]
    return f"{counted(count, noun)} {rest}"


def _words(name: str) -> str:
    return name.replace("_", " ") if name.isidentifier() else name
