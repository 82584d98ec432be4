"""The benchmark's own arithmetic, and what it writes."""

from __future__ import annotations

import pytest

from bench.measure import Measurement, Ratio, is_met, ratio_of, run
from bench.report import replaced, table

RATIO = Ratio("ours", "theirs", at_least=5.0)


def test_cases_are_measured_in_turn() -> None:
    order: list[str] = []

    def case(name: str):
        return lambda: order.append(name) or float(len(order))

    figures = run(Measurement("Calls", "calls/s", {"ours": case("ours"), "theirs": case("theirs")}), runs=3)
    assert order == ["ours", "theirs"] * 3
    assert figures == {"ours": [1.0, 3.0, 5.0], "theirs": [2.0, 4.0, 6.0]}


def test_a_ratio_is_of_the_medians_and_its_spread_is_of_single_runs() -> None:
    figures = {"ours": [10.0, 90.0, 50.0], "theirs": [10.0, 10.0, 10.0]}
    assert ratio_of(RATIO, figures) == (5.0, 1.0, 9.0)


@pytest.mark.parametrize(
    ("ratio", "met", "missed"),
    [
        (Ratio("a", "b", at_least=5.0), 5.0, 4.99),
        (Ratio("a", "b", at_most=1.5), 1.5, 1.51),
        (Ratio("a", "b", at_least=0.5, at_most=2.0), 1.0, 2.1),
    ],
)
def test_a_goal_is_a_bound_of_the_ratio(ratio: Ratio, met: float, missed: float) -> None:
    assert is_met(ratio, met)
    assert not is_met(ratio, missed)


def test_the_table_shows_medians_spread_and_whether_the_goal_is_met() -> None:
    measurement = Measurement("Calls", "calls/s", {}, [RATIO])
    lines = list(table(measurement, {"ours": [1200.0, 1000.0, 900.0], "theirs": [0.5, 250.0, 300.0]}))
    assert lines == [
        "| Calls | calls/s |",
        "|---|---|",
        "| ours | 1,000 (900 to 1,200) |",
        "| theirs | 250 (0.500 to 300) |",
        "| **ours : theirs** | **4.00 ×** (3.00 to 2400.00), goal ≥ 5 ×: not met |",
    ]


def test_a_subject_measured_alone_replaces_its_own_section_and_leaves_the_others() -> None:
    results = replaced(
        replaced("", "server", "## server: title\n\nold"), "preview", "## preview: title\n\nkept"
    )
    results = replaced(results, "server", "## server: title\n\nnew")
    assert results.count("\n## ") == 2
    assert results.index("## preview: title\n\nkept") < results.index("## server: title\n\nnew")
    assert "old" not in results
