"""A forced replacement, in every order: what the state says exists must exist, and nothing else is left.

For `--replace`, `state taint` and `replacement_trigger` Pulumi asks no provider whether a new object can
stand beside the old one; only the resource's options say which comes first.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.project import DYNAMIC, PLUGIN, Project, with_dynamic, with_plugin
from tests.names import ENVIRONMENT_ACCOUNT, SERVICE_ROLE
from tests.servers import LocalServer

CONNECTION = "0fb4ee0b-1f5c-4f0c-a1bc-111111111111"

_START = f"""
import pulumi
import pulumi_aws_proton as proton

there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton-admin")
)
"""
CREATE_FIRST = "opts=pulumi.ResourceOptions(delete_before_replace=False)"


def _environment(template: str, name: str, more: str = "", days: int = 1) -> str:
    return f"""{_START}
proton.Environment(
    "dev", name="{name}", template_name="{template}", template_major_version="1", spec={{"days": {days}}},
    proton_service_role_arn="{SERVICE_ROLE}", {more}
)
"""


def _request(name: str, more: str = "") -> str:
    return f"""{_START}
proton.EnvironmentAccountConnection(
    "dev", environment_name="{name}", management_account_id="123456789012",
    role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton", account=there, {more}
)
"""


def _urn(project: Project, name: str = "dev") -> str:
    urn: str = project.resources()[name]["urn"]
    return urn


def _replaced_by(project: Project, way: str) -> str:
    """What `pulumi up` says of a replacement that is forced in one of the ways."""
    if way == "taint":
        project.pulumi("state", "taint", _urn(project), "--yes")
        return project.up().text
    if way == "trigger":
        source = (project.folder / "__main__.py").read_text()
        project.program(source.replace("replacement_trigger=1", "replacement_trigger=2"))
        return project.up().text
    return project.pulumi("up", "--yes", "--skip-preview", way, _urn(project)).text


def _live(proton: Any, name: str) -> dict[str, Any]:
    live: dict[str, Any] = proton.get_environment(name=name)["environment"]
    return live


@pytest.mark.parametrize(
    ("adapter", "way"),
    [(DYNAMIC, "--replace"), (PLUGIN, "--target-replace"), (PLUGIN, "taint"), (DYNAMIC, "trigger")],
    indirect=["adapter"],
)
def test_an_environment_is_really_made_anew(project: Project, proton: Any, workshop: str, way: str) -> None:
    name = f"anew-{way.strip('-')}"
    project.program(_environment(workshop, name, "opts=pulumi.ResourceOptions(replacement_trigger=1)"))
    project.up()
    born = _live(proton, name)["createdAt"]

    _replaced_by(project, way)

    live = _live(proton, name)
    assert live["createdAt"] > born
    assert live["deploymentStatus"] == "SUCCEEDED"
    assert project.preview().summary == {"same": 2}
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert name not in str(proton.list_environments()["environments"])


@with_plugin
def test_an_environment_whose_program_creates_first_is_kept_and_still_the_states_own(
    project: Project, proton: Any, workshop: str
) -> None:
    project.program(_environment(workshop, "kept", CREATE_FIRST))
    project.up()
    born = _live(proton, "kept")["createdAt"]

    for way in ("--replace", "taint"):
        output = _replaced_by(project, way)

        assert _live(proton, "kept")["createdAt"] == born
        assert "environment kept exists already, as the program wants it, and is kept" in output
        assert "deleteBeforeReplace" in output
        assert "environment kept was not deleted" in output
        assert list(project.resources()) == ["dev"]
    assert project.preview().summary == {"same": 2}
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert "kept" not in str(proton.list_environments()["environments"])


@with_plugin
def test_a_replacement_that_creates_first_and_changes_something_is_refused_and_nothing_is_lost(
    project: Project, proton: Any, workshop: str
) -> None:
    project.program(_environment(workshop, "not-both", CREATE_FIRST))
    project.up()
    project.program(_environment(workshop, "not-both", CREATE_FIRST, days=2))

    output = project.pulumi("up", "--yes", "--skip-preview", "--replace", _urn(project), fails=True)

    assert "differs from the program in spec" in output.error()
    assert "deleteBeforeReplace" in output.error()
    assert "days: 1" in _live(proton, "not-both")["spec"]
    assert "dev" in project.resources()


@with_plugin
def test_a_replacement_counts_where_the_deployment_type_is_limited(
    project: Project, proton: Any, workshop: str
) -> None:
    project.program(_environment(workshop, "limited", 'max_deployment_type="MAJOR_VERSION"'))
    project.up()

    for command in ("preview", "up"):
        skip = ("--yes", "--skip-preview") if command == "up" else ()
        output = project.pulumi(command, *skip, "--replace", _urn(project), fails=True).text
        assert "creating it means replacing it, but maxDeploymentType allows MAJOR_VERSION at most" in output
    assert _live(proton, "limited")["deploymentStatus"] == "SUCCEEDED"
    assert project.preview().summary == {"same": 2}


@pytest.mark.parametrize(("adapter", "more"), [(PLUGIN, ""), (DYNAMIC, CREATE_FIRST)], indirect=["adapter"])
def test_a_request_is_made_anew_or_kept_and_always_there(
    project: Project, proton_server: LocalServer, region: str, more: str
) -> None:
    name = f"asked-{'first' if more else 'anew'}"
    project.program(_request(name, more))
    project.up()
    proton = proton_server.client("proton", ENVIRONMENT_ACCOUNT, region)
    identifier = project.resources()["dev"]["id"]

    output = _replaced_by(project, "--replace")

    after = project.resources()["dev"]["id"]
    assert (after == identifier) == bool(more)
    assert ("deleteBeforeReplace" in output) == bool(more)
    assert proton.get_environment_account_connection(id=after)["environmentAccountConnection"]
    listed = proton.list_environment_account_connections(
        requestedBy="ENVIRONMENT_ACCOUNT", environmentName=name
    )
    assert [item["id"] for item in listed["environmentAccountConnections"]] == [after]
    project.pulumi("destroy", "--yes", "--skip-preview")
    with pytest.raises(proton.exceptions.ResourceNotFoundException):
        proton.get_environment_account_connection(id=after)


@with_plugin
@pytest.mark.parametrize("more", ["", CREATE_FIRST])
def test_settings_are_set_anew_and_always_there(
    project: Project, proton_server: LocalServer, more: str
) -> None:
    project.program(f"""{_START}
elsewhere = proton.AccountArgs(region="sa-east-1")
proton.AccountSettings("dev", pipeline_service_role_arn="{SERVICE_ROLE}", account=elsewhere, {more})
""")
    project.up()

    output = _replaced_by(project, "--replace")

    proton = proton_server.client("proton", region="sa-east-1")
    assert proton.get_account_settings()["accountSettings"]["pipelineServiceRoleArn"] == SERVICE_ROLE
    assert ("was not deleted: a later create has adopted it" in output) == bool(more)
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert proton.get_account_settings()["accountSettings"] == {}


@with_plugin
def test_an_acceptance_in_use_stays_and_one_that_nothing_uses_is_gone_with_a_sentence(
    project: Project, proton: Any, workshop: str
) -> None:
    source = f"""{_START}
request = proton.EnvironmentAccountConnection(
    "request", environment_name="accepted-anew", management_account_id="123456789012",
    role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton", account=there,
)
accepted = proton.EnvironmentAccountConnectionAccepter("dev", connection_id=request.id)
"""
    user = f"""
proton.Environment(
    "user", name="accepted-anew", template_name="{workshop}", template_major_version="1", spec={{}},
    environment_account_connection_id=accepted.connection_id,
)
"""
    project.program(source + user)
    project.up()

    _replaced_by(project, "--replace")
    listed = proton.list_environment_account_connections(
        requestedBy="MANAGEMENT_ACCOUNT", environmentName="accepted-anew"
    )
    assert [item["status"] for item in listed["environmentAccountConnections"]] == ["CONNECTED"]

    project.program(source)
    project.up()
    output = project.pulumi("up", "--yes", "--skip-preview", "--replace", _urn(project), fails=True)
    assert "was rejected, which is final" in output.error()
    assert project.resources()["dev"]["pendingReplacement"], "deleted, and still to be made"
    project.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert project.resources()["dev"]["outputs"]["status"] == "CONNECTED"


@with_dynamic
@pytest.mark.parametrize(
    "declared",
    [
        f'AccountSettings("dev", pipeline_service_role_arn="{SERVICE_ROLE}", {CREATE_FIRST})',
        f'EnvironmentAccountConnectionAccepter("dev", connection_id="{CONNECTION}", {CREATE_FIRST})',
    ],
)
def test_what_has_no_tag_to_tell_old_from_new_refuses_to_create_first(
    project: Project, declared: str
) -> None:
    project.program(f"{_START}\nproton.{declared}\n")

    assert "delete_before_replace=False is not possible here" in project.pulumi("preview", fails=True).text
