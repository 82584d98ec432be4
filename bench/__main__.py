"""Measures the quick subjects, or those named, prints the tables, and writes them into `bench/RESULTS.md`.

    python -m bench [NAME …] [--runs N]

No figure fails it: what is fast enough is for the reader of the ratios to say.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bench.calls import CALLS
from bench.deployments import DEPLOYMENTS
from bench.evaluation import EVALUATION
from bench.flight import FLIGHT
from bench.measure import RUNS, Subject, run
from bench.pages import PAGES
from bench.provider import PROVIDER, PROVIDER_MANY
from bench.report import replaced, section
from bench.start import START

SUBJECTS: dict[str, Subject] = {
    "calls": CALLS,
    "deployments": DEPLOYMENTS,
    "evaluation": EVALUATION,
    "flight": FLIGHT,
    "provider": PROVIDER,
    "provider-many": PROVIDER_MANY,
    "pages": PAGES,
    "start": START,
}
"""By name. A new subject is a file with a `Subject`, and a line here."""

_FEW_MINUTES = 5

_RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(map(_title, SUBJECTS))}")
    parser.add_argument("--runs", type=int, default=RUNS, help="results are written for %(default)s or more")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in SUBJECTS]:
        parser.error(f"there is no subject {', '.join(unknown)}: choose from {', '.join(SUBJECTS)}")
    for name in arguments.names or (name for name in SUBJECTS if SUBJECTS[name].minutes <= _FEW_MINUTES):
        text = _section(name, arguments.runs)
        print(f"{text}\n", flush=True)
        if arguments.runs >= RUNS:
            before = _RESULTS.read_text(encoding="utf-8") if _RESULTS.exists() else ""
            _RESULTS.write_text(replaced(before, name, text), encoding="utf-8")


def _title(name: str) -> str:
    minutes = SUBJECTS[name].minutes
    return name if minutes <= _FEW_MINUTES else f"{name} ({minutes} minutes)"


def _section(name: str, runs: int) -> str:
    subject, load = SUBJECTS[name], os.getloadavg()[0]
    with subject.measurements() as measurements:
        measured = [(measurement, run(measurement, runs)) for measurement in measurements]
    return section(name, subject, measured, load)


if __name__ == "__main__":
    main()
