"""The report of what was measured: tables in Markdown, a section of `RESULTS.md` for each subject."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib.metadata import version

from bench.measure import Figures, Measurement, Ratio, Subject, is_met, ratio_of

HEAD = """# Speed, measured

Written by `make bench`, which replaces the sections of the subjects that it measures (`python -m bench NAME`
measures one). Each figure is the median of interleaved runs, with the lowest and the highest of them in
parentheses. Figures compare only within a table: read the ratios.
"""


def section(name: str, subject: Subject, measured: Sequence[tuple[Measurement, Figures]], load: float) -> str:
    """The section of a subject. `load` is the machine's load average before it was measured."""
    return "\n".join([f"## {name}: {subject.title}", "", _circumstances(subject, load), *_tables(measured)])


def replaced(results: str, name: str, text: str) -> str:
    """The text of `RESULTS.md` with the section of a subject replaced, or added in the order of names."""
    sections = {part.partition(":")[0]: f"## {part.strip()}" for part in _split(results)}
    sections[name] = text.strip()
    return "\n\n".join([HEAD.strip(), *(sections[key] for key in sorted(sections))]) + "\n"


def table(measurement: Measurement, figures: Figures) -> Iterator[str]:
    """The lines of one measurement: its figures, and then its ratios."""
    yield from (f"| {measurement.title} | {measurement.unit} |", "|---|---|")
    for name, values in figures.items():
        low, median, high = (
            _number(value) for value in (min(values), statistics.median(values), max(values))
        )
        yield f"| {name} | {median} ({low} to {high}) |"
    for ratio in measurement.ratios:
        value, low_ratio, high_ratio = ratio_of(ratio, figures)
        spread = f"({low_ratio:.2f} to {high_ratio:.2f})"
        yield f"| **{ratio.of} : {ratio.to}** | **{value:.2f} ×** {spread}{_goal(ratio, value)} |"


def _tables(measured: Sequence[tuple[Measurement, Figures]]) -> Iterator[str]:
    for measurement, figures in measured:
        yield ""
        yield from table(measurement, figures)
        if measurement.note:
            yield from ("", measurement.note)


def _circumstances(subject: Subject, load: float) -> str:
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    machine = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load average {load:.1f} before"
    )
    versions = ", ".join(f"{package} {version(package)}" for package in subject.packages)
    return f"{datetime.now(timezone.utc):%Y-%m-%d}; {machine}; {runtime}; {versions}."


def _goal(ratio: Ratio, value: float) -> str:
    goals = ((ratio.at_least, "≥"), (ratio.at_most, "≤"))
    words = " and ".join(f"{sign} {goal:g} ×" for goal, sign in goals if goal is not None)
    if not words:
        return ""
    return f", goal {words}: {'met' if is_met(ratio, value) else 'not met'}"


def _number(value: float) -> str:
    """With three digits that matter."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def _split(results: str) -> list[str]:
    return re.split(r"^## ", results, flags=re.MULTILINE)[1:]
