"""A process that Pulumi's engine started, for either adapter: its imports, and its end."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import select
import sys
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """For imports that take long: they make no garbage, and looking for some takes a fifth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@functools.cache
def end_with_engine() -> None:
    """Makes this process end when the engine does, also when that was killed and could say nothing.

    The engine reads what the process prints, so its death closes the other end of standard output. The next
    `pulumi up` adopts what was in progress, as after any crash.
    """
    if hasattr(select, "poll"):  # not on Windows
        threading.Thread(target=_wait_for_its_end, name="end with the engine", daemon=True).start()


def _wait_for_its_end() -> None:
    output = select.poll()
    # No event is asked for: POLLERR and POLLHUP are always reported, and are all there is to wait for.
    output.register(sys.__stdout__ or 1, 0)
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll()):
        # From a thread nothing else ends a process.
        os._exit(1)
