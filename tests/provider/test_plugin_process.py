"""The plugin's process, as Pulumi's engine starts and ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

COMMAND = [sys.executable, "-m", "aws_proton_provider.adapters.plugin.main"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    # As the engine's: flags before the address, of which some have values.
    arguments = ["--logtostderr", "-v=9", "--tracing", "file:///trace", "127.0.0.1:1"]
    started = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


def _stub(process: subprocess.Popen[str]) -> provider_pb2_grpc.ResourceProviderStub:
    assert process.stdout is not None
    port = int(process.stdout.readline())
    return provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))


def test_its_first_line_is_its_port_and_there_it_answers(process: subprocess.Popen[str]) -> None:
    stub = _stub(process)

    assert stub.GetPluginInfo(empty_pb2.Empty()).version == version("pulumi-aws-proton")
    schema = json.loads(stub.GetSchema(messages.GetSchemaRequest()).schema)
    assert (schema["name"], schema["version"]) == ("aws-proton", version("pulumi-aws-proton"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_silence_when_the_engine_says_so(
    process: subprocess.Popen[str], how: signal.Signals
) -> None:
    _stub(process).Handshake(messages.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))

    process.send_signal(how)

    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0


def test_it_ends_when_the_engine_is_gone(process: subprocess.Popen[str]) -> None:
    _stub(process).Handshake(messages.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    assert process.stdout is not None

    process.stdout.close()

    assert process.wait(timeout=20) == 1


def test_started_by_hand_it_says_what_it_is_for() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("pulumi-resource-aws-proton is started by Pulumi")
    assert done.stdout == ""
