"""JSON as data: the one reader of the JSON files that curate writes, which may come from a stranger.

Python's own reader lets through lone surrogates, which no file and no terminal takes, and has an error of its
own for what is nested deeply.
"""

from __future__ import annotations

import json
from typing import Any


def parse(data: bytes | str) -> Any:
    """The value in a JSON text.

    Raises
    ------
    ValueError: not JSON, or not JSON that can be written again, which it says in a line.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"text that is no Unicode ({error.reason})") from None
    return value
