"""JSON as data: the one reader of the JSON files that curate writes, which may come from a stranger.

Python's own reader lets through lone surrogates, which no file and no terminal takes, numbers beyond all
bounds, which no other reader takes, and values that are nested so deeply that whoever walks through them runs
out of stack.
"""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 100  # lists and tables in each other; files of ours have a dozen


def parse(data: bytes | str) -> Any:
    """The value in a JSON text.

    Raises
    ------
    ValueError: not JSON, or not JSON that can be written again, which it says in a line.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, parse_float=_finite)
        if _is_deep(value):
            raise RecursionError
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"text that is not valid Unicode ({error.reason})") from None
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        held = (
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        )
        level = [inner for several in held for inner in several]
    return bool(level)
