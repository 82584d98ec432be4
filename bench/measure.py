"""Measures things side by side: in interleaved runs, as medians, and compares them by their ratios.

A figure of one machine means nothing on another, and on a shared machine not even an hour later. So whatever
is claimed is measured beside its peer, in turn with it, and what counts is the ratio.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

RUNS = 7


@dataclass(frozen=True)
class Ratio:
    """How the figure of the case `of` compares with that of the case `to`, and what the goal for that is."""

    of: str
    to: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Measurement:
    """Cases that are measured in turn, and the ratios that matter between them."""

    title: str
    unit: str
    """Of the figures, such as "requests/s"."""
    cases: Mapping[str, Callable[[], float]]
    """By name: measures once, and returns the figure."""
    ratios: Sequence[Ratio] = ()
    note: str = ""
    """Why the figures are what they are: what was found and changed."""


@dataclass(frozen=True)
class Subject:
    """What one file of this package is about."""

    title: str
    measurements: Callable[[], AbstractContextManager[Sequence[Measurement]]]
    """Sets up all that the measurements need, and takes it down again."""
    packages: Sequence[str]
    """Those whose versions matter, by their names on PyPI."""
    minutes: int = 1
    """How long it takes; one that takes long is measured only by its name."""


Figures = Mapping[str, Sequence[float]]
"""By case: the figure of each run."""


def run(measurement: Measurement, runs: int = RUNS) -> Figures:
    """Measures each case so often: all cases in each run, so that what slows the machine slows them all."""
    figures: dict[str, list[float]] = {name: [] for name in measurement.cases}
    for _ in range(runs):
        for name, measure in measurement.cases.items():
            figures[name].append(measure())
    return figures


def ratio_of(ratio: Ratio, figures: Figures) -> tuple[float, float, float]:
    """The ratio of the medians, and the lowest and the highest ratio of a single run."""
    of, to = figures[ratio.of], figures[ratio.to]
    single = [left / right for left, right in zip(of, to, strict=True)]
    return statistics.median(of) / statistics.median(to), min(single), max(single)


def is_met(ratio: Ratio, value: float) -> bool:
    """Whether the ratio reaches its goal."""
    return (ratio.at_least is None or value >= ratio.at_least) and (
        ratio.at_most is None or value <= ratio.at_most
    )
