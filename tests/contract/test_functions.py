"""Functions against a live server, in both accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aws_proton_provider.aws.client import Proton, connect
from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.errors import NotFound
from aws_proton_provider.resources.functions.account_settings import GetAccountSettings
from aws_proton_provider.resources.functions.environment_account_connections import (
    GetEnvironmentAccountConnections,
)
from aws_proton_provider.resources.functions.environments import GetEnvironment, GetEnvironments
from tests.contract.fake_engine import Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, REGION, THIRD, role, unique

Stacks = Callable[..., Stack]


@pytest.fixture
def adapter() -> str:
    """Functions know nothing of how the objects came about."""
    return "plugin"


@pytest.fixture
def management() -> Proton:
    return connect(target(Configuration(region=REGION, profile="management"), None))


@pytest.fixture
def deployed(stack: Stacks, template: str) -> dict[str, Any]:
    """The state of an environment that another program manages."""
    return stack("Environment").up(
        name=unique("env"),
        templateName=template,
        templateMajorVersion="1",
        spec={"title": "first"},
        protonServiceRoleArn=role(MANAGEMENT),
        tags={"team": "net"},
    )


def test_an_environment_is_read_by_name_as_its_own_stack_has_it(
    management: Proton, deployed: dict[str, Any]
) -> None:
    found = GetEnvironment.invoke({"name": deployed["name"]}, management)

    assert found["outputs"] == {"Title": "first", "Version": "v1"}
    assert found["tags"] == deployed["tagsAll"]
    assert found["tags"]["team"] == "net"
    same = found.keys() - {"tags"}
    assert {wire: found[wire] for wire in same} == {wire: deployed[wire] for wire in same}
    assert {"arn", "spec", "templateMinorVersion", "deploymentStatus"} <= same


def test_an_environment_that_does_not_exist_is_one_sentence(management: Proton) -> None:
    with pytest.raises(NotFound) as refusal:
        GetEnvironment.invoke({"name": "nowhere"}, management)

    assert str(refusal.value) == (
        "environment nowhere does not exist in the account that the credentials reach, in Region us-east-1: "
        "check the name, and the configuration `aws-proton:*` or `account`"
    )


def test_environments_are_listed_and_filtered_by_the_major_version_of_their_template(
    management: Proton, deployed: dict[str, Any]
) -> None:
    def names(*versions: str) -> list[str]:
        filters = [{"templateName": deployed["templateName"], "majorVersion": each} for each in versions]
        given = {"environmentTemplates": filters} if filters else {}
        return [item["name"] for item in GetEnvironments.invoke(given, management)["environments"]]

    assert deployed["name"] in names()
    assert deployed["name"] in names("2", "1")
    assert deployed["name"] not in names("2")


def test_a_listed_environment_says_the_same_as_its_record(
    management: Proton, deployed: dict[str, Any]
) -> None:
    listed = GetEnvironments.invoke({}, management)["environments"]

    (found,) = (item for item in listed if item["name"] == deployed["name"])
    assert {wire: deployed[wire] for wire in found} == found
    assert "spec" not in found


def test_connections_are_listed_from_both_sides_with_their_status(stack: Stacks, management: Proton) -> None:
    name = unique("env")
    requested = stack("EnvironmentAccountConnection", profile="environment").up(
        environmentName=name, managementAccountId=MANAGEMENT, roleArn=role(ENVIRONMENT_ACCOUNT)
    )
    theirs = connect(target(Configuration(region=REGION, profile="environment"), None))

    def listed(proton: Proton, side: str, **filters: Any) -> list[dict[str, Any]]:
        given = {"requestedBy": side, "environmentName": name, **filters}
        answer = GetEnvironmentAccountConnections.invoke(given, proton)
        return answer["environmentAccountConnections"]

    (found,) = listed(management, "MANAGEMENT_ACCOUNT", statuses=["PENDING"])
    assert requested["arn"].endswith(found["connectionId"])
    assert {wire: found[wire] for wire in found if wire != "connectionId"} == {
        wire: requested[wire] for wire in found if wire != "connectionId"
    }
    assert listed(theirs, "ENVIRONMENT_ACCOUNT") == [found]
    assert listed(management, "MANAGEMENT_ACCOUNT", statuses=["CONNECTED", "REJECTED"]) == []


def test_account_settings_have_what_is_set_and_nothing_else(stack: Stacks) -> None:
    third = connect(target(Configuration(region=REGION, profile="third"), None))
    assert GetAccountSettings.invoke({}, third) == {}
    mine = stack("AccountSettings", profile="third")
    mine.up(pipelineServiceRoleArn=role(THIRD, "pipelines"))

    found = GetAccountSettings.invoke({}, third)

    assert found == {"pipelineServiceRoleArn": role(THIRD, "pipelines")}
    mine.destroy()
