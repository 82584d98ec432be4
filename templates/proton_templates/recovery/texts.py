"""The deployed text, and how the fixed parts of a template are found in it."""

from __future__ import annotations

import re
from functools import lru_cache

from proton_templates.recovery.limits import Steps

_SHOWN = 60
_PUNCTUATION = re.compile(r"\s+|[{}\[\],:]")


class Text:
    """A deployed text, as it is."""

    def __init__(self, text: str, steps: Steps) -> None:
        self.text, self._steps = text, steps
        self._reached = -1
        self._expected = ""

    def after(self, literal: str, at: int) -> int:
        """Where a literal ends that begins here; -1 if it does not."""
        self._steps.take()
        if self.text.startswith(literal, at):
            return at + len(literal)
        self._remember(literal, at)
        return -1

    def find(self, literal: str, start: int, last: int) -> tuple[int, int]:
        """Begin and end of the next place of a literal, at `last` the latest; (-1, -1) if there is none."""
        begin = self.text.find(literal, start, last + len(literal))
        self._steps.take(characters=(begin if begin >= 0 else last) - start)
        if begin < 0:
            self._remember_beginning(literal, start, last)
            return -1, -1
        return begin, begin + len(literal)

    def is_end(self, at: int) -> bool:
        """Whether nothing is left."""
        if at == len(self.text):
            return True
        self._remember("", at)
        return False

    def indent(self, at: int) -> str:
        """The spaces that the line of a place begins with."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        if line.strip(" "):
            return line[: len(line) - len(line.lstrip(" "))]
        rest = self.text[at : at + 200]
        return line + rest[: len(rest) - len(rest.lstrip(" "))]

    def _remember(self, literal: str, at: int) -> None:
        """Keeps the furthest place that the search got to, which says best what differs."""
        if at + len(literal) < self._reached:
            return
        there = self.text[at : at + len(literal)]
        pairs = enumerate(zip(literal, there, strict=False))
        same = next((index for index, (one, other) in pairs if one != other), len(there))
        if at + same > self._reached:
            self._reached, self._expected = at + same, literal[same:]

    def _remember_beginning(self, literal: str, start: int, last: int) -> None:
        """The same for a literal of which perhaps the beginning is found, after an expression."""
        if last + len(literal) < self._reached:
            return
        found, size = start, 0
        step = len(literal) // 2
        while step:
            begin = self.text.find(literal[: size + step], start, last + size + step)
            self._steps.take(characters=max(last - start, 0))
            if begin >= 0:
                found, size = begin, size + step
            step = min(step // 2, len(literal) - size) if step > 1 else 0
        self._remember(literal, found)

    @property
    def reached(self) -> int:
        """How many characters agreed in the best attempt."""
        return max(self._reached, 0)

    @property
    def difference(self) -> str:
        """Where the best attempt ended, and a piece of both texts."""
        at = self.reached
        line = self.text.count("\n", 0, at) + 1
        found = self.text[at : at + 200].split("\n", 1)[0][:_SHOWN] if at < len(self.text) else None
        lines = (each for each in self._expected.split("\n") if each.strip())
        expected = next(lines, self._expected)[:_SHOWN]
        shown = f"has {found!r}" if found else "has the end of a line" if found == "" else "ends"
        wanted = f"the template has {expected!r}" if expected else "the template has nothing more"
        return f"line {line}: the deployed text {shown} where {wanted}"


class SpacedText(Text):
    """A deployed text of which spaces and line ends do not count, as if it had been written anew.

    What is found so is only a proposal: it still has to render the same document.
    """

    def after(self, literal: str, at: int) -> int:
        """As of a `Text`."""
        self._steps.take(characters=len(literal))
        if match := _spaced(literal).match(self.text, at):
            return match.end()
        self._remember(literal, at)
        return -1

    def find(self, literal: str, start: int, last: int) -> tuple[int, int]:
        """As of a `Text`. A space has to be found, where it is all that is looked for."""
        pattern = _spaced(literal) if literal.strip() else _SPACE
        # A search from beyond the end begins at the end, and finds it again.
        match = pattern.search(self.text, start) if start <= len(self.text) else None
        self._steps.take(characters=8 * ((match.end() if match else len(self.text)) - start))
        return match.span() if match and match.start() <= last else (-1, -1)

    def is_end(self, at: int) -> bool:
        """Whether only spaces are left."""
        return not self.text[at:].strip() or super().is_end(at)


_SPACE = re.compile(r"\s+|\Z")


@lru_cache(maxsize=1024)
def _spaced(literal: str) -> re.Pattern[str]:
    """A literal with any spaces where it has some, and around the punctuation of JSON.

    No two repetitions stand beside each other, so it takes time in proportion to the text.
    """
    made: list[str] = []
    at = 0
    for part in _PUNCTUATION.finditer(literal):
        made.append(re.escape(literal[at : part.start()]))
        if part[0].isspace():
            made.append(r"\s*")
        else:
            made += [r"\s*", re.escape(part[0]), r"\s*"]
        at = part.end()
    made.append(re.escape(literal[at:]))
    pattern: list[str] = []
    for piece in made:
        if piece and not (piece == r"\s*" and pattern and pattern[-1] == r"\s*"):
            pattern.append(piece)
    return re.compile("".join(pattern))
