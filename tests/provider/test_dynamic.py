"""The dynamic adapter: what lies in users' state for ever, secrets, unknowns, and errors as one line."""

from __future__ import annotations

import base64
import importlib
import os
import pickletools
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi import dynamic
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from aws_proton_provider.adapters import dynamic as adapter
from aws_proton_provider.adapters.engine import _OneLine
from aws_proton_provider.adapters.handler import _sent_state
from aws_proton_provider.core.errors import DeploymentFailed, InvalidInput
from aws_proton_provider.resources import RESOURCES
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.provider import _redacted

IN_STATE_FOR_EVER = (
    (
        "gASVQwAAAAAAAACMJGF3c19wcm90b25fcHJvdmlkZXIuYWRhcHRlcnMuZHluYW1pY5SME0Vudmlyb25tZW50UHJvdm"
        "lkZXKUk5QpgZQu"
    ),
    (
        "gASVVAAAAAAAAACMJGF3c19wcm90b25fcHJvdmlkZXIuYWRhcHRlcnMuZHluYW1pY5SMJEVudmlyb25tZW50QWNjb3"
        "VudENvbm5lY3Rpb25Qcm92aWRlcpSTlCmBlC4="
    ),
    (
        "gASVXAAAAAAAAACMJGF3c19wcm90b25fcHJvdmlkZXIuYWRhcHRlcnMuZHluYW1pY5SMLEVudmlyb25tZW50QWNjb3"
        "VudENvbm5lY3Rpb25BY2NlcHRlclByb3ZpZGVylJOUKYGULg=="
    ),
    (
        "gASVRwAAAAAAAACMJGF3c19wcm90b25fcHJvdmlkZXIuYWRhcHRlcnMuZHluYW1pY5SMF0FjY291bnRTZXR0aW5nc1"
        "Byb3ZpZGVylJOUKYGULg=="
    ),
)
"""What a state of today says, and has to be understood by every later version."""
SECRET = "__secretSpec"


def _configured(**config: str) -> adapter.EnvironmentProvider:
    provider = adapter.EnvironmentProvider()
    raw = {"aws-proton:region": "us-east-1", "aws-proton:endpoint": "http://127.0.0.1:9", **config}
    provider.configure(dynamic.ConfigureRequest(Config(raw, "project")))
    return provider


@pytest.mark.parametrize("resource", [resource.__name__ for resource in RESOURCES])
def test_a_provider_is_one_constant_text_that_names_its_class_for_ever(resource: str) -> None:
    provider = getattr(adapter, f"{resource}Provider")
    text = serialize_provider(provider())

    assert text == serialize_provider(provider())
    assert _path_in(text) == ("aws_proton_provider.adapters.dynamic", f"{resource}Provider")
    assert not provider.serialize_as_secret_always


def test_a_provider_is_the_same_text_in_every_process_and_in_users_states_of_version_0() -> None:
    program = textwrap.dedent(
        """
        from pulumi.dynamic.dynamic import serialize_provider
        from aws_proton_provider.adapters import dynamic
        for name in ("Environment", "EnvironmentAccountConnection", "EnvironmentAccountConnectionAccepter",
                     "AccountSettings"):
            print(serialize_provider(getattr(dynamic, name + "Provider")()))
        """
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert tuple(run.stdout.split()) == IN_STATE_FOR_EVER
    for text in IN_STATE_FOR_EVER:
        module, name = _path_in(text)
        assert issubclass(getattr(importlib.import_module(module), name), dynamic.ResourceProvider)


@pytest.mark.parametrize("module", ["pulumi_aws_proton", "pulumi_aws_proton.plugin"])
def test_a_program_imports_nothing_that_only_the_provider_needs(module: str) -> None:
    """Every command waits for the program to start, and for the provider to start after it."""
    program = textwrap.dedent(
        f"""
        import sys
        import pulumi, pulumi.dynamic
        before = set(sys.modules)
        import {module}
        print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
        """
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(run.stdout.split()) - sys.stdlib_module_names == {"aws_proton_provider", "pulumi_aws_proton"}


def _path_in(text: str) -> tuple[str, str]:
    """The module and class that a pickle refers to; it may refer to nothing else and hold nothing."""
    operations = list(pickletools.genops(base64.b64decode(text)))
    texts = [argument for _, argument, _ in operations if isinstance(argument, str)]
    assert len(texts) == 2, texts
    return texts[0], texts[1]


def test_a_misspelt_configuration_key_is_refused_in_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="stack configuration aws-proton:allowedAcountIds") as refusal:
        _configured(**{"aws-proton:allowedAcountIds": '["123456789012"]'})

    assert "\n" not in str(refusal.value)


@pytest.fixture
def pulumis_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Pulumi's own dynamic server, as its engine starts it; the engine's own address leads nowhere."""
    command = [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | KEYS) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
        server.kill()


KEYS = {
    "AWS_ACCESS_KEY_ID": "123456789012",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
}


def _read(server: provider_pb2_grpc.ResourceProviderStub, text: str, **config: str) -> str:
    """What Pulumi's server says when the object cannot be read."""
    server.Configure(provider_pb2.ConfigureRequest(args=_struct(config)))
    known = _struct({"__provider": text, "name": "dev"})
    with pytest.raises(grpc.RpcError) as error:
        server.Read(provider_pb2.ReadRequest(id="dev", properties=known))
    return str(error.value.details())


def _struct(values: dict[str, str]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


@pytest.mark.parametrize("text", IN_STATE_FOR_EVER)
def test_an_error_is_one_line_in_pulumis_own_server(pulumis_server: Any, text: str) -> None:
    said = _read(
        pulumis_server,
        text,
        **{
            "aws-proton:region": "us-east-1",
            "aws-proton:endpoint": "http://127.0.0.1:9",
            "aws-proton:maxRetries": "0",
        },
    )

    assert "\n" not in said
    assert "Traceback" not in said


def test_a_misspelt_key_is_one_line_in_pulumis_own_server(pulumis_server: Any) -> None:
    said = _read(pulumis_server, IN_STATE_FOR_EVER[0], **{"aws-proton:regoin": "us-east-1"})
    # An SDK that knows no tracebacks here says so of every error.
    said = said.removeprefix("Exception calling application: ")

    assert said.startswith("stack configuration aws-proton:regoin: ")
    assert "\n" not in said


def test_an_error_that_is_a_bug_keeps_its_traceback() -> None:
    def bug() -> None:
        raise ZeroDivisionError

    try:
        bug()
    except ZeroDivisionError:
        assert "Traceback" in _OneLine.format_exc()


def test_an_unknown_goes_in_and_comes_out_as_pulumis_own() -> None:
    program = {
        "name": "dev",
        "templateName": Unknown(),
        "templateMajorVersion": 1.0,
        "spec": {"cidr": Unknown(), "zones": [3.0, Unknown()]},
        "protonServiceRoleArn": "arn:aws:iam::123456789012:role/proton",
    }

    checked = _configured().check({}, program)

    assert not checked.failures
    assert checked.inputs["templateName"] == rpc.UNKNOWN
    assert checked.inputs["spec"] == {"cidr": rpc.UNKNOWN, "zones": [3, rpc.UNKNOWN]}
    assert checked.inputs["templateMajorVersion"] == "1"


def test_an_account_that_is_still_to_be_made_is_not_asked() -> None:
    program = {
        "name": "dev",
        "templateName": "vpc",
        "templateMajorVersion": "1",
        "spec": {},
        "account": {"profile": Unknown()},
    }

    assert not _configured().check({}, program).failures


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"spec": ["Hunter2"]}, "spec: must be a mapping of the template's inputs"),
        ({"spec": "password: *Hunter2"}, "spec: cannot be read: not valid YAML: "),
        ({"spec": {}, "tags": {"token": "Hunter2", "aws:x": "y"}}, "tags: tag 'aws:x': the prefix aws: is"),
        ({"spec": {}, "description": "Hunter2" * 99}, "description: must be at most 500 characters"),
        ({"spec": {}, "templateMinorVersion": "Hunter2"}, "templateMinorVersion: must be a version number"),
        ({"spec": {}, "maxDeploymentType": "Hunter2"}, "maxDeploymentType: Input should be 'NONE'"),
        ({"spec": {}, "account": {"profile": 2, "Hunter": "Hunter2"}}, "account: profile: Input should be a"),
    ],
)
def test_a_failure_names_its_property_and_never_a_value(given: dict[str, Any], reason: str) -> None:
    """A failure that names its property to Pulumi makes it print the property's whole value."""
    program = {"name": "dev", "templateName": "vpc", "templateMajorVersion": "1", **given}

    failures = _configured().check({}, program).failures

    assert {item.property for item in failures} == {""}
    assert failures[0].reason.startswith(reason)
    assert "Hunter2" not in str([item.reason for item in failures])


SECRET_STATE = {
    "name": "dev",
    "spec": {"password": "hunter2", "nested": [{"pin": 4711}], "empty": "", "on": True},
    "outputs": {"Url": "postgres://hunter2@db"},
    "deploymentStatusMessage": "hunter2",
    "arn": "arn",
    SECRET: True,
}


def test_outputs_that_may_repeat_a_secret_spec_are_secret() -> None:
    sent = _sent_state(Environment, SECRET_STATE)

    assert rpc.is_rpc_secret(sent["outputs"])
    assert rpc.is_rpc_secret(sent["deploymentStatusMessage"])
    assert sent["arn"] == "arn"


def test_outputs_of_a_spec_without_secrets_are_readable() -> None:
    assert _sent_state(Environment, SECRET_STATE | {SECRET: False})["outputs"] == SECRET_STATE["outputs"]


def test_tags_that_are_secret_are_secret_among_all_tags_of_inputs_and_state() -> None:
    state = {"tags": {"token": "x"}, "tagsAll": {"token": "x"}, "__secrets": [["tags", "token"]]}

    assert rpc.is_rpc_secret(_sent_state(Environment, state)["tagsAll"])


def test_no_error_repeats_a_value_of_a_secret_spec() -> None:
    with pytest.raises(DeploymentFailed) as failure, _redacted(SECRET_STATE):
        raise DeploymentFailed("stack failed at hunter2, pin 4711")

    assert str(failure.value) == "stack failed at [secret], pin [secret]"
    assert failure.value.__cause__ is None


def test_an_error_about_a_spec_without_secrets_is_not_changed() -> None:
    with pytest.raises(DeploymentFailed, match="hunter2"), _redacted({"spec": {"a": "hunter2"}}):
        raise DeploymentFailed("at hunter2")
