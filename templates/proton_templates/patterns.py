r"""Regular expressions written by strangers, run on values of other strangers, in bounded time.

RE2 runs them: an engine without backtracking, whose time grows with the size of pattern and text alone. What
it cannot express (look-around, back-references, ``\uXXXX``) is run by a backtracking engine under a time
limit, so such a pattern works as long as it is quick. Python's own engine has neither guarantee, and holds
the interpreter's lock meanwhile: ``^(a+)+$`` on thirty letters stops a whole process.

What is written for ECMA-262 (the dialect of OpenAPI and JSON Schema) or for Java (CloudFormation) is read
alike: ``$`` is the end of the text, ``\d`` and ``\w`` are ASCII.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2
import regex

_SECONDS = 1.0
"""For the backtracking engine."""
_MAX_STEPS = 200_000_000
"""Of RE2, at the worst: instructions of the compiled pattern times characters; some three seconds."""
_MAX_MEMORY = 8 * 1024 * 1024
_MAX_PATTERN = 10_000
"""Characters. A backtracking engine's compiler is not quick either; no pattern in use comes near."""


class PatternError(ValueError):
    """A pattern cannot be used; the text is a clause such as "is no regular expression", without values."""


def check(pattern: str) -> None:
    """Raises PatternError if neither engine takes the pattern."""
    _compiled(pattern)


def search(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text, as `pattern` of JSON Schema means it.

    Raises PatternError if it is no pattern, or takes too long on this text.
    """
    return _run(pattern, text, "search")


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text, as `AllowedPattern` of CloudFormation means it.

    Raises PatternError, as `search` does.
    """
    return _run(pattern, text, "fullmatch")


def _run(pattern: str, text: str, how: str) -> bool:
    compiled = _compiled(pattern)
    if isinstance(compiled, regex.Pattern):
        try:
            return getattr(compiled, how)(text, timeout=_SECONDS, concurrent=True) is not None
        except TimeoutError:
            raise PatternError(f"takes longer than {_SECONDS:g} s on this value") from None
    if compiled.programsize * len(text) > _MAX_STEPS:
        raise PatternError("is too large for a value of this length")
    try:
        return getattr(compiled, how)(text) is not None
    except UnicodeEncodeError:
        raise PatternError("cannot be applied to a value that is no valid Unicode") from None


_ENDLESS = re.compile(r"(?<!\\)\{\d*,?\d{7}")
"""Repetitions beyond what any engine counts to. RE2 would take the braces for plain characters."""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    if _ENDLESS.search(pattern):
        raise PatternError("is too large")
    if len(pattern) > _MAX_PATTERN:
        raise PatternError(f"is longer than {_MAX_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, _MAX_MEMORY
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        pass
    try:
        return regex.compile(pattern, regex.ASCII | regex.VERSION0)
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError):
        raise PatternError("is no regular expression that can be used here") from None
