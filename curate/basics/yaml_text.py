"""YAML as data: the one loader of all YAML that is read.

PyYAML's safe loader runs nothing, but it lets aliases stand for each other (ten lines that hold a thousand
million values), raises what it likes on odd scalars (2001-13-45, 0x_, !!int x), reads numbers of any length,
and of a key that is given twice takes the last.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

MAX_BYTES = 200_000  # a file of settings has a few thousand
_LARGEST = 1 << 63
_SHOWN = 60  # characters of a key


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """The safe loader without aliases, endless numbers and keys that are given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise ValueError(f"an alias in line {mark.line + 1}; write its value out")
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: Any) -> int:
        value: int = super().construct_yaml_int(node)
        if abs(value) > _LARGEST:
            raise ValueError(f"a whole number of very many digits in line {node.start_mark.line + 1}")
        return value

    def flatten_mapping(self, node: Any) -> None:
        # Before `<<` is merged in: what stands beside it is meant to take precedence.
        lines: dict[Hashable, int] = {}
        for name, _ in node.value:
            key = name.value if name.tag.endswith(":merge") else self.construct_object(name, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused by those who build the table
            line = name.start_mark.line + 1
            if key in lines:
                raise ValueError(f"the key {str(key)[:_SHOWN]!r} twice, in lines {lines[key]} and {line}")
            lines[key] = line
        super().flatten_mapping(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def parse(data: bytes) -> Any:
    """The value in a YAML document; None where it is empty.

    Raises
    ------
    ValueError: not YAML, or not YAML of plain values, which it says in a line.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES:,} bytes")
    try:
        return yaml.load(data.decode("utf-8-sig"), _Loader)
    except UnicodeDecodeError:
        raise ValueError("not in UTF-8: save it as UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except (LookupError, AttributeError, TypeError, ArithmeticError) as error:  # of its scalars
        raise ValueError(f"a value that does not fit its type ({error})") from None
