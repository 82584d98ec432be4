"""`pulumi-resource-aws-proton [flags] ENGINE`: the process that Pulumi's engine starts and talks to.

Its first line on standard output is its port.
"""

from __future__ import annotations

import signal
import sys
import threading
from concurrent import futures
from typing import TYPE_CHECKING

import grpc

from aws_proton_provider.adapters.plugin.protocol import skip_sdk
from aws_proton_provider.adapters.processes import end_with_engine, without_collector

if TYPE_CHECKING:
    from aws_proton_provider.adapters.plugin.servicer import Servicer

_LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes; Pulumi's own limit for its plugins."""

_MOST_OPERATIONS = 10_000
"""Threads, made as needed: one that waits for a deployment sleeps. More than Pulumi has in parallel, since
one has to be free for Cancel."""

_GRACE = 4.0
"""Seconds for the answers under way: Pulumi kills a plugin five seconds after it asked it to end."""


def main() -> int:
    """Serves until the engine says to end, or is gone."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if not addresses:
        sys.stderr.write(
            "pulumi-resource-aws-proton is started by Pulumi, with the address of its engine; to use it, "
            "name its folder in Pulumi.yaml (plugins: providers: - name: aws-proton, path: …)\n"
        )
        return 2
    skip_sdk()
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415 - as said there

    server = grpc.server(
        futures.ThreadPoolExecutor(_MOST_OPERATIONS),
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ],
    )
    servicer = _imported()(addresses[-1])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    end_with_engine()
    ended.wait()
    servicer.Cancel(None, None)
    server.stop(_GRACE).wait()
    return 0


def _imported() -> type[Servicer]:
    """The class `Servicer`, whose import takes long."""
    with without_collector():
        from aws_proton_provider.adapters.plugin.servicer import Servicer  # noqa: PLC0415 - as said above
    return Servicer


if __name__ == "__main__":
    sys.exit(main())
