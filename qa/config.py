"""Which checks run, and with which limits: the table, what other packages add, and a qa.yaml over both."""

from __future__ import annotations

import difflib
import json
import math
import os
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml

from curate.errors import InputError
from qa.checks import CHECKS, Check

GROUP = "hand_curate.checks"
_MAX_BYTES = 1_000_000
_HEAD = "# The checks of curate qa. Keep what you change, and give the file with --config.\n"


def checks(config: str | os.PathLike[str] | None = None) -> tuple[Check, ...]:
    """The checks to run: ours, then those of other packages; with the limits of a qa.yaml.

    Other packages add theirs by an entry point of the group "hand_curate.checks" that names a
    `qa.checks.Check` or a sequence of them.

    Raises
    ------
    InputError: an unknown check or limit, a value that is no number, a file that is no such YAML; an entry
        point that cannot be loaded, holds no check, or takes an id that is taken.
    """
    table = {check.id: check for check in CHECKS}
    for check in _added():
        if check.id in table:
            raise InputError(f"entry point {GROUP}", f"a second check {check.id!r}", remedy="rename it")
        table[check.id] = check
    if config is not None:
        for name, limits in _read(Path(config)).items():
            check = table[_one_of(config, "check", name, table)]
            table[check.id] = replace(check, limits={**check.limits, **_limits(config, check, limits)})
    return tuple(table.values())


def explain(config: str | os.PathLike[str] | None = None) -> str:
    """All checks as a qa.yaml: what each says, what to do about it, and its limits. Raises as `checks`."""
    return _HEAD + "".join(_entry(check) for check in checks(config))


def _entry(check: Check) -> str:
    severity = {"info": "note"}.get(check.severity, check.severity)
    said = [
        f"{check.title} ({severity}, per {check.scope}).",
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
        except Exception as error:  # another package's code: whatever it raises, this is whose it is
            raise InputError(
                where, f"cannot be loaded ({error})", remedy="reinstall or remove its package"
            ) from error
        found = given if isinstance(given, Sequence) else [given]
        if not all(isinstance(check, Check) for check in found):
            raise InputError(where, f"a {type(given).__name__}", allowed="a qa.checks.Check, or several")
        yield from found


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(path, f"larger than {_MAX_BYTES // 1_000_000} MB", allowed="a qa.yaml")
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(path, f"no YAML ({error})", remedy="start from: curate qa --explain") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError(path, f"a {type(given).__name__}", allowed="check: {limit: number}")
    return given


def _limits(path: str | os.PathLike[str], check: Check, given: Any) -> dict[str, float]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError(path, repr(given), field=check.id, allowed="{limit: number}")
    limits = {}
    for name, value in given.items():
        limit = _one_of(path, f"limit of {check.id}", name, check.limits)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(path, repr(value), field=f"{check.id}.{limit}", allowed="a number")
        limits[limit] = float(value)
    return limits


def _one_of(path: str | os.PathLike[str], what: str, name: Any, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return str(name)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)
    remedy = f"did you mean {near[0]!r}?" if near else ""
    allowed = ", ".join(names) if len(names) <= 8 else "those of curate qa --explain"
    raise InputError(path, f"no {what} {str(name)!r}", allowed=allowed or "none", remedy=remedy)
