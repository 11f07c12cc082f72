"""What a pickle would do, found out without doing it.

Unpickling hashes what it uses as keys, and a tuple is hashed item by item, to any depth: a hundred thousand
tuples in each other end the process, forty pairs that hold each other twice never end. So a pickle's
instructions are followed first, with a number for each value instead of the value: how many values it takes
to hash it (docs.python.org/3/library/pickletools.html lists the instructions).
"""

from __future__ import annotations

# A tuple of an array's or tensor's pickle holds some ten values, those of its shape and type.
MAX_VALUES = 1000
MAX_INTEGER = 16  # bytes of a whole number
_LONGEST_LINE = 1_000_000  # characters of a line of the oldest protocol

# What an instruction does to the stack: puts a value there (PUSH), one that is remembered (GET), remembers
# the last (PUT, MEMOIZE), marks a place (MARK), makes a tuple of what stands behind the mark (TUPLE) or of so
# many (TUPLE_OF), takes so many (DROP) and gives one for them (TAKE), takes all behind the mark (DROP_MARKED)
# and gives one for them (COLLECT), takes the last or the mark (POP), repeats the last (DUPLICATE). Each has a
# number: bytes of its argument or of its argument's length (SIZED), lines (LINED), or how many it takes.
_PUSH, _GET, _PUT, _TUPLE_OF, _TAKE, _DROP, _PUSH_SIZED, _MARK, _TUPLE, _MEMOIZE = range(10)
_DROP_MARKED, _COLLECT, _POP, _DUPLICATE, _SKIP, _INTEGER_SIZED, _LINED, _STOP = range(10, 18)

_ACTS: dict[str, tuple[int, int]] = {
    # numbers, text and constants
    **dict.fromkeys("N\x88\x89)]}", (_PUSH, 0)),
    **{code: (_PUSH, width) for code, width in zip("KMJG", (1, 2, 4, 8), strict=True)},
    **dict.fromkeys("UC\x8c", (_PUSH_SIZED, 1)),
    **dict.fromkeys("TBX", (_PUSH_SIZED, 4)),
    **dict.fromkeys("\x8d\x8e\x96", (_PUSH_SIZED, 8)),
    "\x8a": (_INTEGER_SIZED, 1),
    "\x8b": (_INTEGER_SIZED, 4),
    **dict.fromkeys("ILFSVgp", (_LINED, 1)),
    "c": (_LINED, 2),
    # containers and calls
    "(": (_MARK, 0),
    "t": (_TUPLE, 0),
    "\x85": (_TUPLE_OF, 1),
    "\x86": (_TUPLE_OF, 2),
    "\x87": (_TUPLE_OF, 3),
    **dict.fromkeys("ld", (_COLLECT, 0)),
    **dict.fromkeys("ab", (_DROP, 1)),
    "s": (_DROP, 2),
    **dict.fromkeys("eu1", (_DROP_MARKED, 0)),
    **dict.fromkeys("R\x93", (_TAKE, 2)),
    "Q": (_TAKE, 1),  # what is stored beside the pickle
    # the stack and what is remembered
    "0": (_POP, 0),
    "2": (_DUPLICATE, 0),
    "h": (_GET, 1),
    "j": (_GET, 4),
    "q": (_PUT, 1),
    "r": (_PUT, 4),
    "\x94": (_MEMOIZE, 0),
    # the file
    "\x80": (_SKIP, 1),
    "\x95": (_SKIP, 8),
    ".": (_STOP, 0),
}
_TABLE = [_ACTS.get(chr(code)) for code in range(256)]


class Suspicious(Exception):
    """A pickle does what no data does; says what."""


def check(data: bytes, start: int = 0) -> int:
    """Follow the instructions of a pickle that begins at `start`; returns where it ends.

    Raises
    ------
    Suspicious: it holds what data never does: tuples in tuples without end, numbers of very many digits, an
        instruction that no data needs.
    ValueError: it ends before its end.
    """
    try:
        return _follow(data, start)
    except IndexError:
        raise ValueError("it is cut off or broken") from None


def _follow(data: bytes, at: int) -> int:  # one loop, as it is run millions of times
    stack: list[int] = []  # what stands behind the last mark
    marked: list[list[int]] = []
    memo: dict[int, int] = {}  # of what is remembered, the values that are not one
    counted, numbered = 0, False  # what is remembered in order; whether anything is by a number of its own
    table = _TABLE
    while True:
        entry = table[data[at]]
        at += 1
        if entry is None:
            raise Suspicious(f"an instruction that no data needs ({data[at - 1]:#x})")
        act, number = entry
        if act == _PUSH:
            at += number
            stack.append(1)
        elif act == _GET:
            stack.append(memo.get(int.from_bytes(data[at : at + number], "little"), 1))
            at += number
        elif act == _PUT:
            numbered = True
            if stack[-1] != 1 or number != 1:
                memo[_place(int.from_bytes(data[at : at + number], "little"), data)] = stack[-1]
            at += number
        elif act == _TUPLE_OF:
            stack[-number:] = [_values(stack[-number:], number)]
        elif act in (_TAKE, _DROP):
            if number > len(stack):
                raise IndexError
            del stack[-number:]
            if act == _TAKE:
                stack.append(1)
        elif act == _PUSH_SIZED:
            at += number + int.from_bytes(data[at : at + number], "little")
            stack.append(1)
        elif act == _MARK:
            marked.append(stack)
            stack = []
        elif act == _MEMOIZE:
            memo[counted] = stack[-1]
            counted += 1
        elif act in (_DROP_MARKED, _COLLECT, _TUPLE) or (act == _POP and not stack):
            held, stack = stack, marked.pop()
            if act in (_COLLECT, _TUPLE):
                stack.append(1 if act == _COLLECT else _values(held, len(held)))
        elif act in (_POP, _DUPLICATE):
            stack[-1:] = [] if act == _POP else [stack[-1]] * 2
        elif act == _SKIP:
            at += number
        elif act == _INTEGER_SIZED:
            at += number + _integer_length(data[at : at + number])
            stack.append(1)
        elif act == _LINED:
            numbered |= data[at - 1] == ord("p")
            at = _follow_line(data, at, number, stack, memo)
        elif counted and numbered:  # which value is which would take more to follow
            raise Suspicious("two ways to remember values")
        else:
            return at


def _follow_line(data: bytes, at: int, lines: int, stack: list[int], memo: dict[int, int]) -> int:
    """An instruction of the oldest protocol, whose argument is a line or two; returns where they end."""
    end = _line_end(data, at, lines)
    code, line = data[at - 1], data[at : end - 1]
    if code == ord("g"):
        stack.append(memo.get(_place(int(line), data), 1))
    elif code == ord("p"):
        memo[_place(int(line), data)] = stack[-1]
    else:
        if code in b"IL":
            _check_length(len(line), 3 * MAX_INTEGER)
        stack.append(1)
    return end


def _line_end(data: bytes, at: int, lines: int) -> int:
    for _ in range(lines):
        at = data.find(b"\n", at, at + _LONGEST_LINE) + 1
        if not at:
            raise IndexError
    return at


def _values(held: list[int], count: int) -> int:
    """How many values it takes to hash a tuple of these."""
    if len(held) != count:
        raise IndexError
    values = 1 + sum(held)
    if values > MAX_VALUES:
        raise Suspicious(f"nested tuples of more than {MAX_VALUES} values")
    return values


def _check_length(length: int, most: int) -> None:
    if length > most:
        raise Suspicious("a whole number of very many digits")


def _integer_length(told: bytes) -> int:
    length = int.from_bytes(told, "little")
    _check_length(length, MAX_INTEGER)
    return length


def _place(number: int, data: bytes) -> int:
    """A place among what is remembered: none that a pickle of this length can have come to is refused."""
    if not 0 <= number <= len(data):
        raise Suspicious(f"place {number} of what it remembers")
    return number
