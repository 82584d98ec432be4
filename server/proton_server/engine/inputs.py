"""The input values of a deployment, where a worker needs them that evaluates something with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")


def call_with_inputs(
    function: Callable[..., Result],
    arguments: Sequence[Any],
    read: Callable[..., dict[str, Any]],
    *source: Any,
) -> Result:
    """What a function returns whose last argument are the input values, which are read of their source.

    In one call of a worker, which costs more than most of what is done in it.
    """
    return function(*arguments, read(*source))
