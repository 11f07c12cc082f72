"""Weights by their names, put into a network: all of them and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

_COUNTS = ".num_batches_tracked"  # torch does without these, which the earliest weights lack
_SHOWN = 60  # characters of a name


def put(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a module.

    Raises
    ------
    ValueError: they are not those of the module, all of them and no others. It says in a line what is
    missing, what is not of the module and what is of another shape: of each the first, and how many.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        told = "; ".join(_differences(module.state_dict(), weights))
        raise ValueError(told or " ".join(str(error).split())) from None


def _differences(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Iterator[str]:
    missing = [name for name in own if name not in weights and not name.endswith(_COUNTS)]
    foreign = [name for name in weights if name not in own]
    shared = [name for name in own if name in weights]
    others = [name for name in shared if weights[name].shape != own[name].shape]
    if missing:
        yield f"without {_first(missing)} of the network's"
    if foreign:
        yield f"with {_first(foreign)} that it has not"
    if others:
        name = others[0]
        theirs, ours = tuple(weights[name].shape), tuple(own[name].shape)
        yield f"{_first(others)} of another shape: {theirs}, not {ours}"


def _first(names: list[str]) -> str:
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0][:_SHOWN]!r}{more}"
