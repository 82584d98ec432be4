r"""Regular expressions of schemas and templates, matched in bounded time.

RE2 runs them: an engine without backtracking, whose time grows with the size of pattern and text alone. What
it cannot express (look-around, back-references, ``\uXXXX``) is run by a backtracking engine under a time
limit. Python's own engine has neither guarantee, and holds the interpreter's lock meanwhile: ``^(a+)+$`` on
thirty letters stops a whole process.

Patterns of ECMA-262 (the dialect of OpenAPI and JSON Schema) and of Java (CloudFormation) are read alike:
``$`` is the end of the text, ``\d`` and ``\w`` are ASCII.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2
import regex

SECONDS = 1.0
"""For the backtracking engine, in one search."""
_MAX_STEPS = 200_000_000
"""Of RE2, at the worst: instructions of the compiled pattern times characters; some three seconds."""
_MAX_MEMORY = 8 * 1024 * 1024
_MAX_PATTERN = 10_000
"""Characters. Compiling a longer one takes the backtracking engine too long."""
_MAX_EXPANDED = 100_000
"""Characters with all repetitions written out. The backtracking engine's compiler does write them out."""
_ENDLESS = re.compile(r"(?<!\\)\{\d*,?\d{7}")
"""Repetitions beyond what any engine counts to. RE2 would take the braces for plain characters."""
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL)
"""What a repetition repeats: a character, an escape or a class; and the repetition itself."""


class PatternError(ValueError):
    """A pattern cannot be used; the text is a clause without values: "is not a regular expression …"."""


class Pattern:
    """A compiled pattern.

    Raises PatternError if neither engine accepts it.
    """

    def __init__(self, pattern: str) -> None:
        self._compiled = _compile(pattern)
        self.size: int = getattr(self._compiled, "programsize", 0) or _expanded(pattern)
        """Instructions, or characters with repetitions written out: what compiling and matching cost."""
        self.backtracks = isinstance(self._compiled, regex.Pattern)
        """Whether it takes the engine whose time has to be limited."""

    def search(self, text: str, seconds: float = SECONDS) -> bool:
        """Whether it matches anywhere in the text, as `pattern` of JSON Schema means it.

        Raises PatternError if that takes too long: for the backtracking engine, `seconds`.
        """
        return self._match("search", text, seconds)

    def fullmatch(self, text: str) -> bool:
        """Whether it matches the whole text, as `AllowedPattern` of CloudFormation means it.

        Raises PatternError, as `search` does.
        """
        return self._match("fullmatch", text, SECONDS)

    def _match(self, how: str, text: str, seconds: float) -> bool:
        if self.backtracks:
            try:
                # The engine takes 0 for "without a limit".
                limit = max(seconds, 1e-6)
                return getattr(self._compiled, how)(text, timeout=limit, concurrent=True) is not None
            except TimeoutError:
                raise PatternError(f"takes longer than {SECONDS:g} s on this value") from None
        if self.size * len(text) > _MAX_STEPS:
            raise PatternError("is too large for a value of this length")
        try:
            return getattr(self._compiled, how)(text) is not None
        except UnicodeEncodeError:
            raise PatternError("cannot be applied to a value that is not valid Unicode") from None


compiled = lru_cache(maxsize=256)(Pattern)
"""`Pattern`, remembered."""


def check(pattern: str) -> None:
    """Raises PatternError if neither engine accepts the pattern."""
    compiled(pattern)


def search(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text. Raises PatternError."""
    return compiled(pattern).search(text)


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text. Raises PatternError."""
    return compiled(pattern).fullmatch(text)


def _compile(pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN:
        raise PatternError(f"is longer than {_MAX_PATTERN:,} characters")
    if _ENDLESS.search(pattern) or _expanded(pattern) > _MAX_EXPANDED:
        raise PatternError("is too large")
    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, _MAX_MEMORY
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        pass
    try:
        return regex.compile(pattern, regex.ASCII | regex.VERSION0)
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError):
        raise PatternError("is not a regular expression that can be used here") from None


def _expanded(pattern: str) -> int:
    """How many characters a pattern has with its repetitions written out, `(a{2}b){3}` nine."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        if token[0] == "(":
            groups.append(0)
        elif token[0] == ")" and len(groups) > 1:
            last = max(1, groups.pop())
            groups[-1] += last
        elif token[1]:
            times = max(int(token[1]), int(token[2] or 0))
            groups[-1] += last * (times - 1)
            last *= times
        else:
            last = 1
            groups[-1] += last
    return sum(groups)
