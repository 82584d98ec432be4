"""What exists already is imported by the plugin, and the program that says the same sees no difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.project import PLUGIN, Project
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, SERVICE_ROLE
from tests.servers import LocalServer
from tests.waiting import eventually

pytestmark = pytest.mark.parametrize("adapter", [PLUGIN], indirect=True)

NOWHERE = "00000000-0000-0000-0000-000000000000"

_PROGRAM = f"""
import pulumi
import pulumi_aws_proton as proton

there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton-admin")
)
IDS = {{}}

def existing(name, **options):
    return pulumi.ResourceOptions(import_=IDS.get(name), **options)

proton.Environment(
    "environment", name="brought-in", template_name="TEMPLATE", template_major_version="1",
    spec={{"days": 3}}, proton_service_role_arn="{SERVICE_ROLE}", tags={{"team": "net"}},
    opts=existing("environment"),
)
request = proton.EnvironmentAccountConnection(
    "request", environment_name="brought-in-across", management_account_id="{ACCOUNT}",
    role_arn="arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton",
    opts=existing("request", provider=proton.Provider("there", assume_role=there.assume_role)),
)
proton.EnvironmentAccountConnectionAccepter(
    "accepted", connection_id=request.id, opts=existing("accepted")
)
proton.AccountSettings(
    "settings", pipeline_service_role_arn="{SERVICE_ROLE}", opts=existing("settings")
)
"""


@pytest.fixture
def ids(
    proton: Any, workshop: str, proton_server: LocalServer, region: str, project: Project
) -> Iterator[dict[str, str]]:
    """One of each resource, made by somebody with another tool: their ids, by the name in the program."""
    there = proton_server.client("proton", ENVIRONMENT_ACCOUNT, region)
    proton.create_environment(
        name="brought-in",
        templateName=workshop,
        templateMajorVersion="1",
        spec="proton: EnvironmentSpec\nspec: {days: 3}\n",
        protonServiceRoleArn=SERVICE_ROLE,
        tags=[{"key": "team", "value": "net"}],
    )
    request = there.create_environment_account_connection(
        environmentName="brought-in-across",
        managementAccountId=ACCOUNT,
        roleArn=f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/proton",
    )["environmentAccountConnection"]["id"]
    proton.accept_environment_account_connection(id=request)
    proton.update_account_settings(pipelineServiceRoleArn=SERVICE_ROLE)
    eventually(
        lambda: proton.get_environment(name="brought-in")["environment"]["deploymentStatus"] == "SUCCEEDED"
    )
    yield {
        "environment": "brought-in",
        "request": request,
        "accepted": request,
        "settings": f"{ACCOUNT}/{region}",
    }
    assert project.resources() == {}
    assert "brought-in" not in str(proton.list_environments()["environments"])
    assert proton.get_account_settings()["accountSettings"] == {}


def test_each_resource_is_imported_by_the_program_and_by_the_command_without_a_difference(
    project: Project, proton: Any, workshop: str, ids: dict[str, str]
) -> None:
    source = _PROGRAM.replace("TEMPLATE", workshop)
    project.program(source.replace("IDS = {}", f"IDS = {ids}"))
    assert project.preview().summary == {"import": 4, "create": 2}
    project.up()
    resources = project.resources()
    there = resources.pop("there")
    assert {name: item["id"] for name, item in resources.items()} == ids
    project.program(source)
    assert project.preview().summary == {"same": 6}

    known = json.loads(project.state())
    found = known["deployment"]["resources"]
    known["deployment"]["resources"] = [item for item in found if item.get("id") not in ids.values()]
    (project.folder / "forgotten.json").write_text(json.dumps(known))
    project.pulumi("stack", "import", "--file", "forgotten.json")
    wanted = [
        {"type": item["type"], "name": name, "id": ids[name]}
        | ({"provider": "there"} if name == "request" else {})
        for name, item in resources.items()
    ]
    bulk = {"nameTable": {"there": there["urn"]}, "resources": wanted}
    (project.folder / "import.json").write_text(json.dumps(bulk))
    project.pulumi("import", "--file", "import.json", "--yes", "--skip-preview", "--generate-code=false")
    assert project.preview().summary == {"same": 6}

    project.program(source.replace('"days": 3', '"days": 4'))
    project.up()
    arn = proton.get_environment(name="brought-in")["environment"]["arn"]
    tags = {tag["key"]: tag["value"] for tag in proton.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert tags["pulumi:owner"].startswith("engine/test/environment@")
    project.pulumi("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize(
    ("kind", "identifier", "reason"),
    [
        ("Environment", "not-there", "Environment not-there does not exist"),
        ("EnvironmentAccountConnection", NOWHERE, f"EnvironmentAccountConnection {NOWHERE} does not exist"),
        (
            "EnvironmentAccountConnectionAccepter",
            NOWHERE,
            f"EnvironmentAccountConnectionAccepter {NOWHERE} does not exist",
        ),
        ("AccountSettings", ACCOUNT, f"{ACCOUNT}, but the current credentials and Region reach {ACCOUNT}/"),
    ],
)
def test_an_id_that_does_not_exist_is_one_sentence(
    project: Project, kind: str, identifier: str, reason: str
) -> None:
    result = project.pulumi(
        *("import", f"aws-proton:index:{kind}", "dev", identifier, "--yes", "--generate-code=false"),
        fails=True,
    )

    assert reason in result.error()
