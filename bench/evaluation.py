"""What it costs to evaluate specs and templates in worker processes, against the same in the server's own.

On a spec, a schema and a template of the size of example 01's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.measure import Measurement, Ratio, Subject
from proton_server.engine.evaluation import Evaluator
from proton_templates.rendering import render_template
from proton_templates.spec import read_inputs
from tests.bundles import TEMPLATE, spec

_CALLS = 200
_TEXT = spec(title="news")
_INPUTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "default": "news", "pattern": "^[a-z]+$"},
        "fifo": {"type": "boolean", "default": False},
    },
}
_CONTEXT = {"title": "news", "fifo": False}


def microseconds(call: Callable[[], Any]) -> float:
    """Of one call: the median of many."""
    times = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


@contextmanager
def _measurements() -> Iterator[Sequence[Measurement]]:
    evaluate = Evaluator()
    evaluate.start()
    try:
        yield [
            _measurement(
                "Check a spec",
                lambda: read_inputs(_TEXT, _INPUTS),
                lambda: evaluate("1", "Checking", read_inputs, _TEXT, _INPUTS),
            ),
            _measurement(
                "Render a template",
                lambda: render_template(TEMPLATE, "n", _CONTEXT),
                lambda: evaluate("1", "Rendering", render_template, TEMPLATE, "n", _CONTEXT),
            ),
        ]
    finally:
        evaluate.close()


def _measurement(title: str, here: Callable[[], Any], apart: Callable[[], Any]) -> Measurement:
    apart()  # the first call waits for the worker
    cases = {"in a worker": lambda: microseconds(apart), "in the process": lambda: microseconds(here)}
    return Measurement(title, "µs", cases, [Ratio("in a worker", "in the process")])


EVALUATION = Subject("specs and templates in worker processes", _measurements, ["pebble", "jsonschema"])
