"""How the fake engine calls either adapter: the calls of Pulumi's engine, with its values."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

Properties = dict[str, Any]


class OperationFailed(Exception):
    """A call was answered with an error, with the text that Pulumi shows."""

    code = ""


class InitFailed(OperationFailed):
    """A call failed, but Pulumi keeps the object in its state: `id` and `state` as the answer has them."""

    def __init__(self, code: str, identifier: str, state: Properties, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.code, self.identifier, self.state, self.reasons = code, identifier, state, reasons


@dataclasses.dataclass(frozen=True)
class Diff:
    """The answer to Diff; only the plugin says `paths`, `diffs` and `stables`."""

    changes: bool
    replaces: list[str]
    delete_before_replace: bool
    paths: dict[str, str] = dataclasses.field(default_factory=dict)
    diffs: list[str] = dataclasses.field(default_factory=list)
    stables: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Found:
    """The answer to Read, without an id where there is nothing."""

    identifier: str
    state: Properties
    inputs: Properties


class Adapter(abc.ABC):
    """A provider's process for one resource of a stack; `start` begins the next command."""

    urn: str

    @abc.abstractmethod
    def start(self) -> None:
        """Starts the process and configures it: it remembers nothing of the last command."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends the process."""

    @abc.abstractmethod
    def check(self, olds: Properties, news: Properties, **more: Any) -> tuple[Properties, list[str]]:
        """The inputs, and the reasons of the failures; `news` are what the program gives."""

    @abc.abstractmethod
    def diff(self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties) -> Diff: ...

    @abc.abstractmethod
    def create(self, inputs: Properties, **more: Any) -> tuple[str, Properties]: ...

    @abc.abstractmethod
    def read(self, identifier: str, inputs: Properties, state: Properties) -> Found: ...

    @abc.abstractmethod
    def update(
        self, identifier: str, old_inputs: Properties, olds: Properties, news: Properties, **more: Any
    ) -> Properties: ...

    @abc.abstractmethod
    def delete(self, identifier: str, inputs: Properties, state: Properties, **more: Any) -> None: ...
