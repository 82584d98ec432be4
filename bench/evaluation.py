"""What it costs to evaluate specs and templates in worker processes, against the same in the server's own.

    make bench        (or: python -m bench.evaluation)

Both ways in one run, on the spec, schema and template of example 01's size; then a whole CreateEnvironment
over HTTP, of which one check is a part. Figures of one machine mean nothing on another: read the ratios.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from proton_server.engine.evaluation import Evaluator
from proton_templates.rendering import render_template
from proton_templates.spec import read_inputs
from tests.conftest import LocalServer, publisher
from tests.server.steps import TEMPLATE, bundle, create, spec

CALLS, CREATES, CLIENTS = 1_000, 200, 8
TEXT = spec(title="news")
INPUTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "default": "news", "pattern": "^[a-z]+$"},
        "fifo": {"type": "boolean", "default": False},
    },
}


def microseconds(call: Callable[[], Any]) -> float:
    """Of one call: the median of many."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def creates_a_second() -> float:
    """CreateEnvironment on `proton-server local`, from several clients at once."""
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder))
        server.start()
        try:
            template = publisher(server)(bundle(Path(folder) / "bundle"))
            clients = [server.client("proton") for _ in range(CLIENTS)]
            create(clients[0], template)
            began = time.perf_counter()
            with ThreadPoolExecutor(CLIENTS) as threads:
                list(threads.map(lambda number: create(clients[number % CLIENTS], template), range(CREATES)))
            return CREATES / (time.perf_counter() - began)
        finally:
            server.stop()


def main() -> None:
    """Measures, and prints a table."""
    evaluate = Evaluator()
    evaluate.start()
    context = {"title": "news", "fifo": False}
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "check a spec": (
            lambda: read_inputs(TEXT, INPUTS),
            lambda: evaluate("1", "Checking", read_inputs, TEXT, INPUTS),
        ),
        "render a template": (
            lambda: render_template(TEMPLATE, "n", context),
            lambda: evaluate("1", "Rendering", render_template, TEMPLATE, "n", context),
        ),
    }
    out = sys.stdout.write
    for what, (here, worker) in pairs.items():
        own, apart = microseconds(here), microseconds(worker)
        out(f"{what:20} {own:7.0f} us in the process  {apart:7.0f} us in a worker  x{apart / own:.2f}\n")
    evaluate.close()
    rate = creates_a_second()
    out(f"CreateEnvironment    {rate:7.0f} a second, {1e6 / rate:.0f} us each ({CLIENTS} clients)\n")


if __name__ == "__main__":
    main()
