"""Answers that the API's model allows and nobody expects: each has a meaning, or is named to the person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.location import require_gone
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.core.errors import Refused
from aws_proton_provider.core.records import from_record
from aws_proton_provider.resources.environment.resource import Environment
from aws_proton_provider.resources.environment.waits import (
    await_deployment,
    await_removal,
    await_settled,
    get_environment,
    with_outputs,
)
from aws_proton_provider.resources.environment_account_connection import EnvironmentAccountConnection
from aws_proton_provider.resources.environment_account_connection_accepter import (
    EnvironmentAccountConnectionAccepter,
)
from aws_proton_provider.resources.service import ProtonService
from tests.provider.fake_server import ENVIRONMENT, Answer, FakeServer, one_after_another, response


def test_an_invalid_schema_is_reported_with_its_version(fake_server: FakeServer, proton: Proton) -> None:
    version = {
        **dict.fromkeys(("createdAt", "lastModifiedAt"), 1),
        **dict.fromkeys(("arn", "templateName"), "vpc"),
        "majorVersion": "1",
        "minorVersion": "0",
        "status": "PUBLISHED",
        "schema": "no schema",
    }
    fake_server.answer = response(json.dumps({"environmentTemplateVersion": version}).encode())

    reason = r"against version 1\.0 of template vpc: its schema is not valid: must be a YAML mapping"
    with pytest.raises(Refused, match=reason):
        ProtonService(proton).input_schema("vpc", "1", "0")


def _environment(**different: Any) -> Answer:
    return response(json.dumps({"environment": ENVIRONMENT | different}).encode())


def test_a_status_that_is_new_ends_a_wait_and_is_named(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = _environment(deploymentStatus="RESTING")

    for wait in (
        lambda: await_deployment(ENVIRONMENT, {}, Operation(proton, "create")),
        lambda: await_removal("dev", {"timeouts": {"delete": "1m"}}, Operation(proton, "delete")),
    ):
        with pytest.raises(
            Refused, match="environment dev has the deploymentStatus RESTING, which this version"
        ):
            wait()


def test_a_status_that_is_new_does_not_prevent_a_change(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = _environment(deploymentStatus="RESTING")

    assert await_settled("dev", {}, Operation(proton, "update"))["deploymentStatus"] == "RESTING"


def test_an_environment_in_delete_complete_counts_as_deleted(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = _environment(deploymentStatus="DELETE_COMPLETE")

    await_removal("dev", {"timeouts": {"delete": "1m"}}, Operation(proton, "delete"))


def test_an_invalid_spec_on_the_server_is_a_difference(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = _environment(spec="a: !!int x")

    live = get_environment("dev", proton)

    assert from_record(Environment, live)["spec"] == "a: !!int x"


def test_an_output_without_a_value_is_left_out(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = response(b'{"outputs": [{"key": "a"}, {"key": "b", "valueString": "1"}, {}]}')

    assert with_outputs(Environment, {"name": "dev"}, {}, proton)["outputs"] == {"b": "1"}


CONNECTION = {
    "arn": "arn:aws:proton:us-east-1:222222222222:environment-account-connection/c",
    "environmentAccountId": "222222222222",
    "environmentName": "dev",
    "id": "c",
    "lastModifiedAt": 1,
    "managementAccountId": "111111111111",
    "requestedAt": 1,
    "status": "RESTING",
}


def test_a_request_whose_status_is_new_is_not_taken_for_accepted(
    fake_server: FakeServer, proton: Proton
) -> None:
    fake_server.answer = one_after_another(
        response(json.dumps({"environmentAccountConnections": []}).encode()),
        response(json.dumps({"environmentAccountConnection": CONNECTION}).encode()),
    )
    wanted = {
        "environmentName": "dev",
        "managementAccountId": "111111111111",
        "tagsAll": {},
        "waitForAcceptance": True,
    }

    with pytest.raises(Refused, match="connection c has the status RESTING, which this version"):
        EnvironmentAccountConnection.create(wanted, Operation(proton, "create"))


def test_a_request_whose_status_is_new_can_be_looked_up(fake_server: FakeServer, proton: Proton) -> None:
    fake_server.answer = one_after_another(
        response(json.dumps({"environmentAccountConnections": [CONNECTION]}).encode()),
        response(json.dumps({"environmentAccountConnection": CONNECTION}).encode()),
        response(
            json.dumps({"environmentAccountConnections": [CONNECTION | {"status": "CONNECTED"}]}).encode()
        ),
    )
    wanted = {
        "environmentName": "dev",
        "environmentAccountId": "222222222222",
        "decision": "ACCEPT",
        "waitForRequest": False,
    }

    made = EnvironmentAccountConnectionAccepter.create(wanted, Operation(proton, "create"))

    assert (made.identifier, made.state["status"]) == ("c", "CONNECTED")


def test_an_invalid_arn_does_not_keep_an_object_from_counting_as_deleted(proton: Proton) -> None:
    require_gone("dev", proton)
