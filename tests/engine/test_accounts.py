"""What users see of an environment in another account: the handshake, its refusals, and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project, with_dynamic
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD
from tests.servers import LocalServer
from tests.waiting import eventually

pytestmark = with_dynamic

_START = "import pulumi_aws_proton as proton\n"
_THERE = f"""\
there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton-admin")
)
"""
_REQUEST = f"""\
request = proton.EnvironmentAccountConnection(
    "request", environment_name="{{name}}", management_account_id="{ACCOUNT}",
    role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton", {{more}}
)
"""
_ACCEPTER = """\
accepted = proton.EnvironmentAccountConnectionAccepter("accepted", {arguments})
"""
_ENVIRONMENT = """\
environment = proton.Environment(
    "dev", name="{name}", template_name="{template}", template_major_version="1", spec={{}},
    environment_account_connection_id=accepted.connection_id,
)
"""


def _request_and_decision(name: str, decision: str, expected_account: str = ENVIRONMENT_ACCOUNT) -> str:
    """One program: the environment account's request, and the management account's decision on it."""
    arguments = (
        f'connection_id=request.id, decision="{decision}", '
        f'expected_environment_account_id="{expected_account}", expected_environment_name="{name}"'
    )
    return (
        _START
        + _THERE
        + _REQUEST.format(name=name, more="account=there")
        + _ACCEPTER.format(arguments=arguments)
    )


@pytest.fixture
def environment_team(tmp_path: Path, proton_server: LocalServer, pulumi_home: Path, adapter: str) -> Project:
    """A project with the credentials of the environment account."""
    folder = tmp_path / "team"
    project = Project(folder, proton_server.url, name="environment-team", home=pulumi_home, adapter=adapter)
    project.environment["AWS_ACCESS_KEY_ID"] = ENVIRONMENT_ACCOUNT
    return project


@pytest.fixture
def connections(proton_server: LocalServer) -> Any:
    """The status of each connection for an environment: `connections(name)`."""
    asked = proton_server.client("proton")

    def statuses(name: str) -> list[str]:
        listed = asked.list_environment_account_connections(
            requestedBy="MANAGEMENT_ACCOUNT", environmentName=name
        )
        return [item["status"] for item in listed["environmentAccountConnections"]]

    return statuses


def _stacks(server: LocalServer, account: str) -> str:
    return str(server.client("cloudformation", account=account).describe_stacks()["Stacks"])


def test_one_program_asks_accepts_and_deploys_in_the_other_account_and_takes_it_all_down_again(
    project: Project, proton_server: LocalServer, proton: Any, workshop: str, connections: Any
) -> None:
    name = "both-sides"
    deployed = _ENVIRONMENT.format(name=name, template=workshop)
    project.program(_request_and_decision(name, "ACCEPT") + deployed)
    assert project.preview().summary == {"create": 4}

    project.up()
    live = proton.get_environment(name=name)["environment"]
    assert (live["deploymentStatus"], live["environmentAccountId"]) == ("SUCCEEDED", ENVIRONMENT_ACCOUNT)
    assert f"AWSProton-{name}" in _stacks(proton_server, ENVIRONMENT_ACCOUNT)
    assert f"AWSProton-{name}" not in _stacks(proton_server, ACCOUNT)

    project.pulumi("refresh", "--yes", "--skip-preview")
    assert project.preview().summary == {"same": 4}

    project.program(_request_and_decision(name, "REJECT") + deployed)
    refused = project.pulumi("preview", fails=True).text
    assert (
        f"is not possible while environment {name} uses the connection: delete the environment first"
        in refused
    )

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert connections(name) == []
    assert f"AWSProton-{name}" not in _stacks(proton_server, ENVIRONMENT_ACCOUNT)


def test_a_connection_deleted_under_its_environment_is_drift_and_a_new_one_reattaches_it(
    project: Project, environment_team: Project, proton: Any, workshop: str, connections: Any
) -> None:
    name = "orphan"
    environment_team.program(_START + _REQUEST.format(name=name, more=""))
    looked_up = f'environment_name="{name}", environment_account_id="{ENVIRONMENT_ACCOUNT}"'
    project.program(
        _START + _ACCEPTER.format(arguments=looked_up) + _ENVIRONMENT.format(name=name, template=workshop)
    )
    environment_team.up()
    project.up()
    first = proton.get_environment(name=name)["environment"]

    # The wrong order of destruction: the connection goes first.
    output = environment_team.pulumi("destroy", "--yes", "--skip-preview").text
    assert f"if account {ACCOUNT} still has environment {name}, Proton cannot manage it any more" in output
    project.pulumi("refresh", "--yes", "--skip-preview")
    assert project.preview().summary == {"create": 1, "update": 1, "same": 1}
    error = project.pulumi("destroy", "--yes", "--skip-preview", fails=True).error()
    assert f"Account {ENVIRONMENT_ACCOUNT} has deleted environment account connection" in error
    assert f"Create a new connection for environment {name} in account {ENVIRONMENT_ACCOUNT}" in error

    environment_team.up()
    project.up()
    live = proton.get_environment(name=name)["environment"]
    assert live["createdAt"] == first["createdAt"]
    assert live["deploymentStatus"] == "SUCCEEDED"
    assert live["environmentAccountConnectionId"] != first["environmentAccountConnectionId"]

    # The right order: the connection goes last.
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert connections(name) == ["REJECTED"]
    assert "warning" not in environment_team.pulumi("destroy", "--yes", "--skip-preview").text
    assert connections(name) == []


def test_a_rejected_request_is_replaced_by_a_fresh_one_and_the_preview_says_why(
    project: Project, connections: Any
) -> None:
    name = "second-try"
    project.program(_request_and_decision(name, "REJECT"))
    project.up()
    assert connections(name) == ["REJECTED"]

    project.program(_request_and_decision(name, "ACCEPT"))
    project.pulumi("refresh", "--yes", "--skip-preview")
    planned = project.preview()
    assert planned.summary == {"replace": 2, "same": 1}
    assert (
        f"the environment account connection for environment {name} was rejected by account {ACCOUNT}, "
        "which is final: a new request replaces it"
    ) in planned.text

    project.up()
    assert connections(name) == ["CONNECTED"]
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert connections(name) == []


def test_a_request_from_the_wrong_account_is_refused_and_nothing_is_accepted(
    project: Project, connections: Any
) -> None:
    name = "not-from-there"
    project.program(_request_and_decision(name, "ACCEPT", expected_account=THIRD))
    what_came = f"is for environment {name} and comes from account {ENVIRONMENT_ACCOUNT}: nothing was decided"

    assert what_came in project.up(fails=True).error()
    assert connections(name) == ["PENDING"]
    # The request exists now, so that even the preview knows better.
    assert what_came in project.pulumi("preview", fails=True).text


def test_a_request_withdrawn_while_its_acceptance_is_awaited_ends_the_wait_with_a_sentence(
    environment_team: Project, proton_server: LocalServer, connections: Any
) -> None:
    name = "withdrawn"
    environment_team.program(_START + _REQUEST.format(name=name, more="wait_for_acceptance=True"))
    there = proton_server.client("proton", account=ENVIRONMENT_ACCOUNT)

    waiting = environment_team.start("up", "--yes", "--skip-preview")
    eventually(lambda: connections(name) == ["PENDING"])
    (request,) = there.list_environment_account_connections(
        requestedBy="ENVIRONMENT_ACCOUNT", environmentName=name
    )["environmentAccountConnections"]
    there.delete_environment_account_connection(id=request["id"])
    output, _ = waiting.communicate(timeout=60)

    assert waiting.returncode != 0
    assert f"environment account connection {request['id']} does not exist any more: it was deleted" in output
    assert "Traceback" not in output
