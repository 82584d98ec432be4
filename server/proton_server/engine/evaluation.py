"""Runs pure functions on untrusted input in worker processes, with limits of time and memory.

Bundles, schemas, specs and templates are programs of a kind: any of them can be written so that reading,
checking or rendering it does not end. Python cannot stop a thread, so each call runs in one of a few worker
processes that are started in advance, with a limit of processor time for each call and of memory for the
process; one that reaches a limit is replaced. An account never occupies all of them, so others wait for it no
longer than one call may take.

Nothing here knows what the functions do, and none may be called while a transaction is open.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import pebble

from proton_server.observability.measures import UNMEASURED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proton_server.observability.measures import Measures

_log = logging.getLogger(__name__)

_PROCESSOR_SECONDS = 4.0
"""Of one call. The largest bundle that the limits allow takes half of it on a slow machine."""
_SECONDS = 30.0
"""Of one call, on a busy machine, or where processor time cannot be limited."""
_MEMORY_BYTES = 1024 * 1024 * 1024
"""Of a worker, address space. It needs a quarter of that to start."""
_WAITING = 48
"""Calls of one account at a time; a further one raises EvaluatorBusy."""

SPEC_CHECK = "Checking the spec against the template's schema"
BUNDLE_CHECK = "Checking the template bundle"

Result = TypeVar("Result")


class EvaluationError(Exception):
    """A function reached a limit or failed; the text is a sentence: "Checking … takes more than …"."""


class EvaluatorBusy(Exception):
    """An account has too many calls at once."""


class _Failed(Exception):
    """The predicate of the message of an EvaluationError, such as "takes more than 30 s".

    `kind` is what the metrics call it: `time`, `memory` or `error`.
    """

    def __init__(self, kind: str, predicate: str) -> None:
        super().__init__(predicate)
        self.kind = kind


class Evaluator:
    """The worker processes. Closed by `close`; the first call starts them.

    Args:
        workers: how many; at least two, so that one account cannot hold all.
        seconds: of processor time, for one call.

    """

    def __init__(
        self,
        workers: int | None = None,
        seconds: float = _PROCESSOR_SECONDS,
        measures: Measures = UNMEASURED,
    ) -> None:
        self._seconds, self._measures = seconds, measures
        self.workers = count = max(2, workers or min(os.cpu_count() or 2, 8))
        self._pool = pebble.ProcessPool(count, initializer=_limit_memory, context=_context())
        self._room = count - 1
        self._turns = threading.Condition()
        self._at_work: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def __call__(
        self, account: str, what: str, function: Callable[..., Result], *arguments: Any, **options: Any
    ) -> Result:
        """What the function returns, or raises if that is an exception of ours.

        Args:
            account: the account that waits for it.
            what: the subject of an error's message, such as "Checking the spec".
            function: at the top of a module, since the worker imports it by its name.
            *arguments: the function's.
            **options: likewise.

        Raises EvaluationError, and EvaluatorBusy if the account has too many calls at once.

        """
        outcome = "refused"
        with self._turn(account):
            try:
                result = self._run(function, arguments, options)
                outcome = "OK"
            except _Failed as failed:
                outcome = failed.kind
                raise EvaluationError(f"{what} {failed}.") from None
            finally:
                self._measures.evaluation(outcome)
        return result

    def busy(self) -> int:
        """How many workers have a call."""
        return sum(self._at_work.values())

    def waiting(self) -> int:
        """How many calls wait for a worker."""
        return sum(self._waiting.values()) - self.busy()

    def start(self) -> None:
        """Starts the workers in the background; logs a warning if their memory cannot be limited here."""
        self._pool.schedule(_memory_is_limited).add_done_callback(_warn_of_unlimited_memory)

    def end(self) -> str | None:
        """That no worker will ever be started again, which only a restart of the process mends; else None."""
        return None if self._pool.active else "The workers that evaluate templates and specs have ended."

    def close(self) -> None:
        """Ends the workers; calls in progress fail."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    @contextmanager
    def _turn(self, account: str) -> Iterator[None]:
        with self._turns:
            if self._waiting[account] >= _WAITING:
                raise EvaluatorBusy("too many templates and specs are being evaluated.")
            self._waiting[account] += 1
            self._turns.wait_for(lambda: self._at_work[account] < self._room)
            self._at_work[account] += 1
        try:
            yield
        finally:
            with self._turns:
                self._at_work.subtract((account,))
                self._waiting.subtract((account,))
                # Neither may grow with every account that ever called.
                self._at_work, self._waiting = +self._at_work, +self._waiting
                self._turns.notify_all()

    def _run(
        self, function: Callable[..., Result], arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Result:
        future = self._pool.schedule(
            _limited, (self._seconds, function, *arguments), options, timeout=_SECONDS
        )
        try:
            result: Result = future.result()
            return result
        except FutureTimeoutError:
            raise _Failed("time", f"takes more than {_SECONDS:g} s") from None
        except MemoryError:
            raise _Failed("memory", f"needs more than {_MEMORY_BYTES // 1024**2} MB of memory") from None
        except RecursionError:
            raise _Failed("error", "is nested too deeply") from None
        except pebble.ProcessExpired as expired:
            if expired.exitcode == -getattr(signal, "SIGPROF", 0):
                raise _Failed("time", f"takes more than {self._seconds:g} s of processor time") from None
            raise _Failed("memory", "needs more memory or deeper nesting than a process allows") from None
        except CancelledError:
            raise
        except Exception as error:
            if type(error).__module__.startswith(_OURS):
                raise  # its message is meant for the user
            kind, place = type(error).__name__, _place(error)
            _log.error("%s failed with %s%s", function.__name__, kind, place)
            raise _Failed("error", f"fails with {kind}") from None


_OURS = ("proton_server.", "proton_templates.")


def _place(error: BaseException) -> str:
    """Where it was raised in the worker. Not the error's own text, which may quote a value of a spec."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', str(error.__cause__))
    return " at {}:{}".format(*frames[-1]) if frames else ""


def _context() -> Any:
    """Forks workers from a process without threads that has imported the modules: they start at once."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    preload = [__name__, "proton_templates.bundle", "proton_server.provisioning.codebuild.buildspec"]
    context.set_forkserver_preload(preload)
    return context


def _limit_memory() -> None:
    # Ctrl-C in a terminal is sent to every process of the group; the server ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on every platform

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _memory_is_limited() -> bool:
    import mmap  # noqa: PLC0415 - for this check only

    try:
        # Reserved and never touched, so it costs nothing where it succeeds.
        mmap.mmap(-1, 2 * _MEMORY_BYTES).close()
    except (OSError, MemoryError):
        return True
    return False


def _warn_of_unlimited_memory(check: Any) -> None:
    if not check.cancelled() and check.exception() is None and not check.result():
        _log.warning(
            "This platform (%s) does not limit the memory of processes: templates and specs are evaluated "
            "within limits of time only. Let only trusted accounts publish templates to this server.",
            sys.platform,
        )


def _limited(seconds: float, function: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
    """Limits processor time, not wall-clock time: on a busy or suspended machine no call fails for that.

    The signal ends the process at once; a handler would run only after Python's current instruction.
    """
    timer = getattr(signal, "setitimer", None)
    if timer is None:
        return function(*arguments, **options)
    timer(signal.ITIMER_PROF, seconds)
    try:
        return function(*arguments, **options)
    finally:
        timer(signal.ITIMER_PROF, 0)
