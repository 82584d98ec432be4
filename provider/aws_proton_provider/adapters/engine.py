"""Pulumi's dynamic server and engine: how errors are answered, messages to the engine, and its end.

Messages name no resource, since Pulumi gives the server no URN.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from aws_proton_provider.aws.transport import CALLS_AT_ONCE
from aws_proton_provider.core.errors import ProtonError


class _OneLine:
    """Stands in for `traceback` in Pulumi's dynamic server, which answers any exception with one."""

    @staticmethod
    def format_exc() -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProtonError) else traceback.format_exc()


def adapt_server() -> None:
    """Makes Pulumi's dynamic server answer errors in one line, end with the engine, and not queue calls.

    Where the server is not as expected (another SDK version), errors are only uglier, and calls wait.
    """
    server = sys.modules.get("__main__")
    name = getattr(getattr(server, "__spec__", None), "name", "")
    if name != "pulumi.dynamic.__main__":
        return
    _end_with_engine()
    _answer_in_parallel()
    if hasattr(server, "traceback"):
        server.traceback = _OneLine  # type: ignore[union-attr]


def _answer_in_parallel() -> None:
    """Lets the server answer as many calls at once as the engine makes (`pulumi up --parallel`).

    It has four threads, for all dynamic resources of a stack. A create waits for its deployment in one, so 40
    environments would be deployed in ten rounds, and a Cancel would wait for the end of one.
    """
    # The pool is a variable of the server's main function; what runs in it knows the pool, too.
    with contextlib.suppress(AttributeError, IndexError, TypeError):
        pool = threading.current_thread()._args[0]()  # type: ignore[attr-defined]  # noqa: SLF001
        if isinstance(pool, ThreadPoolExecutor):
            pool._max_workers = max(pool._max_workers, CALLS_AT_ONCE)  # noqa: SLF001


@functools.cache
def warn(message: str) -> None:
    """Shows a warning once in this command.

    Without an engine to be reached it is left out: it is never the error.
    """
    with contextlib.suppress(grpc.RpcError, ValueError):
        _engine().Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message))


@functools.cache
def _engine() -> engine_pb2_grpc.EngineStub:
    """The engine, whose address is the server's last argument."""
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[-1]))


@functools.cache
def _end_with_engine() -> None:
    """Makes this process end when the engine does, also when that was killed and could say nothing.

    The engine reads what the server prints, so its death closes the other end of standard output. The next
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
