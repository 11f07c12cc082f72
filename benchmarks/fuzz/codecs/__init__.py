"""Each kind of file, read, spoilt inside, and written again: the spoilt bytes still are of that kind, more or
less. What spoils plain bytes is in `hostile`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Codec = Callable[[Random, bytes], bytes]
