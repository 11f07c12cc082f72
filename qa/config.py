"""Which checks run, and with which limits: the table, what other packages add, and a qa.yaml over both."""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from curate.basics import settings
from curate.basics.errors import InputError
from qa.checks.check import Check
from qa.checks.table import CHECKS
from qa.severity import WORDS

GROUP = "hand_curate.checks"
_EXPLAIN, _ALLOWED = "curate qa --explain", "{limit: number}"
_HEAD = "# The checks of curate qa. Keep the lines that you change, and give the file with --config.\n"


def checks(config: str | os.PathLike[str] | None = None) -> tuple[Check, ...]:
    """The checks to run: ours, then those of other packages; with the limits of a qa.yaml.

    Other packages add theirs by an entry point of the group "hand_curate.checks" that names a
    `qa.checks.Check` or a sequence of them.

    Raises
    ------
    InputError: an unknown check or limit, a value that is not a number, or a file that is not such YAML; an
        entry point that cannot be loaded, holds no check, or uses an id that is taken.
    """
    table = {check.id: check for check in CHECKS}
    for check in _added():
        if check.id in table:
            raise InputError(check.origin, f"a second check {check.id!r}", remedy="rename it")
        table[check.id] = check
    if config is not None:
        given = settings.load(config, allowed=f"check: {_ALLOWED}", remedy=f"start from: {_EXPLAIN}")
        for name, limits in given.items():
            check = table[settings.known(config, "check", name, table, many=f"those of {_EXPLAIN}")]
            table[check.id] = replace(check, limits={**check.limits, **_limits(config, check, limits)})
    return tuple(table.values())


def explain(config: str | os.PathLike[str] | None = None) -> str:
    """All checks as a qa.yaml: what each says, what to do about it, and its limits. Raises like `checks`."""
    return _HEAD + "".join(_entry(check) for check in checks(config))


def _entry(check: Check) -> str:
    said = [
        f"{check.title} ({WORDS.get(check.severity, check.severity)}, per {check.scope}).",
        f"Says: {check.sentence}",
        f"Do: {check.remedy}",
    ]
    about = "".join(
        textwrap.fill(line, 100, initial_indent="# ", subsequent_indent="#   ") + "\n" for line in said
    )
    if not check.limits:
        return f"\n{about}{check.id}: {{}}\n"
    limits = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in check.limits.items())
    return f"\n{about}{check.id}:\n{limits}"


def _added() -> Iterable[Check]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        where = f"entry point {GROUP}:{point.name}"
        try:
            given: Any = point.load()
        except (Exception, SystemExit) as error:  # another package's code: whatever it does, it is named
            why = f"cannot be loaded ({type(error).__name__}: {error})"
            raise InputError(where, why, remedy="reinstall or remove its package") from error
        found = given if isinstance(given, Sequence) else [given]
        if not all(isinstance(check, Check) for check in found):
            raise InputError(where, f"a {type(given).__name__}", allowed="a qa.checks.Check, or several")
        yield from (replace(check, origin=where) for check in found)


def _limits(path: str | os.PathLike[str], check: Check, given: Any) -> dict[str, float]:
    limits = {}
    for name, value in settings.table(given, path, check.id, allowed=_ALLOWED).items():
        limit = settings.known(path, f"limit of {check.id}", name, check.limits, many=f"those of {_EXPLAIN}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(path, repr(value), field=f"{check.id}.{limit}", allowed="a number")
        if value < 0 <= check.limits[limit]:  # a share, count or distance cannot be negative
            raise InputError(path, repr(value), field=f"{check.id}.{limit}", allowed="a number, 0 or more")
        limits[limit] = float(value)
    return limits
