"""What AWS Proton answered, for all operations of one command that would ask the same.

It lives as long as the configuration of one command, and never as long as the process: that may serve many.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core.errors import ProtonError

_T = TypeVar("_T")

_FAILED_SECONDS, _READ_SECONDS = 10.0, 60.0
"""How long it is not asked again what failed, and how old an answer is at most that a read takes."""


@dataclasses.dataclass
class Answer(Generic[_T]):
    """An answer: None where the caller may not see it, or nothing answered.

    Args:
        value: What was answered.
        began: When it was asked for, by the monotonic clock.
        writes: `Proton.writes` at that time.
        readers: Whose reads have taken it.

    """

    value: _T | None
    began: float
    writes: int
    readers: set[str] = dataclasses.field(default_factory=set)


Valid = Callable[[Answer[Any]], bool]
"""Whether an answer of before is taken again."""


def for_the_command(answer: Answer[Any]) -> bool:
    """What a whole preview may go by."""
    return answer.value is not None or time.monotonic() - answer.began < _FAILED_SECONDS


def until_a_write(answer: Answer[Any]) -> bool:
    """What a preview may go by until something is changed, in any account."""
    return for_the_command(answer) and answer.writes == Proton.writes


def _not_yet_taken(answer: Answer[Any], reader: str) -> bool:
    """What a refresh may go by: each reads an answer once, so that a second refresh asks again."""
    return reader not in answer.readers and time.monotonic() - answer.began < _READ_SECONDS


class Answers:
    """The answers of one account in one command. Safe to share between threads."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], Answer[Any]] = {}
        self._asking: dict[tuple[str, ...], threading.Lock] = {}

    def of(
        self,
        ask: Callable[[], _T],
        *key: str,
        valid: Valid = for_the_command,
        lasting: Callable[[_T], bool] = lambda _: True,
        unknown: type[ProtonError] | tuple[()] = (),
        reader: str | None = None,
    ) -> _T | None:
        """The answer of before, otherwise what `ask` answers; one asks, and others wait.

        Args:
            ask: Asks AWS Proton.
            key: What is asked.
            valid: Whether the answer of before is taken.
            lasting: Whether an answer is kept.
            unknown: Errors that are kept as the answer None.
            reader: Whose refresh it is: instead of `valid`, each takes an answer once, and only one that was
                asked for by a refresh.

        """
        key = (*key, "refresh") if reader else key
        with self._asking.setdefault(key, threading.Lock()):
            answer: Answer[_T] | None = self._answers.get(key)
            taken = answer is not None and (_not_yet_taken(answer, reader) if reader else valid(answer))
            if answer is None or not taken:
                answer = Answer(None, time.monotonic(), Proton.writes)
                try:
                    answer.value = ask()
                except unknown:
                    kept = True
                else:
                    kept = lasting(answer.value)
                if kept:
                    self._answers[key] = answer
            if reader:
                answer.readers.add(reader)
            return answer.value
