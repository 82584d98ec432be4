"""What a template's expressions can see, and how much text they may make. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proton_server.local.cloudformation.errors import TemplateError

_MAX_MADE = 10_000_000


class Meter:
    """How much text the functions of a template make. Nested, a few of them could fill any memory."""

    def __init__(self) -> None:
        self._made = 0

    def add(self, characters: int) -> None:
        """Count what is about to be made.

        Raises:
            TemplateError: it is too much in all.

        """
        self._made += characters
        if self._made > _MAX_MADE:
            raise TemplateError(
                f"Template error: the functions of the template make more than {_MAX_MADE:,} characters"
            )


@dataclass(frozen=True)
class Scope:
    """What a template's expressions can see.

    Attributes:
        values: parameters and pseudo parameters by name.
        mappings: the template's Mappings.
        reference: logical id -> what Ref yields for that resource.
        attribute: (logical id, attribute) -> what Fn::GetAtt yields.
        import_value: name of an export -> its value.
        zones: region -> the names of its availability zones.
        condition: name of a condition -> its value.
        meter: of all that is evaluated in the scope.

    """

    values: Mapping[str, Any]
    mappings: Mapping[str, Any]
    reference: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    import_value: Callable[[str], Any]
    zones: Callable[[str], list[str]]
    condition: Callable[[str], bool]
    meter: Meter = field(default_factory=Meter)
