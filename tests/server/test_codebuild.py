"""CodeBuild provisioning over HTTP: the server, the local CodeBuild, and commands that really run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import spec
from tests.names import ACCOUNT, REPOSITORY, unique
from tests.server.builds import BUILD_ROLE, Publish, built, outputs_of, project_of, projects
from tests.server.environments import create
from tests.servers import LocalServer
from tests.waiting import ended, gone

DEMO = REPOSITORY / "examples" / "05-codebuild" / "template"


def test_the_demo_is_created_updated_and_deleted_with_what_it_made(
    proton_server: LocalServer, proton: Any, published_template: Publish
) -> None:
    template, sqs = published_template(DEMO), proton_server.client("sqs")
    name = unique("queues")

    def queues() -> set[str]:
        urls = sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])
        return {url.rpartition(f"{name}-")[2] for url in urls}

    record = built(proton, template, name=name, spec=spec(teams=["orders", "billing"]))
    assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
    assert queues() == outputs_of(proton, name).keys() == {"orders", "billing"}

    proton.update_environment(
        name=name, deploymentType="CURRENT_VERSION", spec=spec(teams=["orders", "carts"])
    )
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert queues() == outputs_of(proton, name).keys() == {"orders", "carts"}
    project = project_of(proton_server, name)

    proton.delete_environment(name=name)
    gone(proton, name)
    assert queues() == set()
    assert project not in projects(proton_server)


def test_the_project_is_what_manifest_and_environment_say(
    proton_server: LocalServer, proton: Any, published: Publish
) -> None:
    template = published(
        ["true"],
        image="aws/codebuild/standard:7.0",
        project_properties={
            "TimeoutInMinutes": 7,
            "VpcConfig": {"VpcId": "vpc-{{ environment.inputs.title }}", "Subnets": ["subnet-1"]},
            "Environment": {"ComputeType": "BUILD_GENERAL1_LARGE"},
        },
    )
    record = built(proton, template)

    codebuild = proton_server.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[project_of(proton_server, record["name"])])["projects"]
    assert project["serviceRole"] == BUILD_ROLE
    assert project["timeoutInMinutes"] == 7
    assert project["vpcConfig"] == {"vpcId": "vpc-news", "subnets": ["subnet-1"]}
    assert project["environment"]["image"] == "aws/codebuild/standard:7.0"
    assert project["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert {"key": "proton:environment", "value": record["arn"]} in project["tags"]


def test_a_property_that_a_version_drops_goes_back_to_its_default(
    proton_server: LocalServer, proton: Any, published: Publish
) -> None:
    template = published(["true"], project_properties={"TimeoutInMinutes": 7})
    name = built(proton, template)["name"]
    published(["true"], name=template, major_version="1")

    proton.update_environment(name=name, deploymentType="MINOR_VERSION")
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"

    codebuild = proton_server.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[project_of(proton_server, name)])["projects"]
    assert project["timeoutInMinutes"] == 60


def test_a_build_has_its_own_variables_and_none_of_whoever_started_the_server(
    restartable_server: Callable[..., LocalServer],
    published: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "leaked")
    monkeypatch.setenv("AWS_PROFILE", "leaked")
    server, seen = restartable_server(), tmp_path / "seen.json"
    monkeypatch.undo()
    dump = "import json, os, sys, boto3; caller = boto3.client('sts').get_caller_identity()['Arn']; "
    dump += f"json.dump(dict(os.environ, caller=caller), open({str(seen)!r}, 'w'))"
    secret = server.client("secretsmanager").create_secret(Name="keys", SecretString='{"api": "s3cret"}')
    template = published(
        ["cd /", "export FIRST=1", f'python3 -c "{dump}"'],
        server=server,
        env={
            "variables": {"TITLE": "{{ environment.inputs.title }}"},
            "secrets_manager": {"API_KEY": "keys:api", "BY_ARN": f"{secret['ARN']}:api"},
        },
    )
    proton = server.client("proton")
    record = built(proton, template)
    assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")

    environment = json.loads(seen.read_text())
    expected = {
        "RESOURCE_ARN": record["arn"],
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "TITLE": "news",
        "API_KEY": "s3cret",
        "BY_ARN": "s3cret",
        "FIRST": "1",
        "PWD": "/",
    }
    assert {name: environment[name] for name in expected} == expected
    assert environment["caller"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/builds/")
    assert Path(environment["HOME"]) not in (Path.home(), tmp_path)
    assert "leaked" not in environment.values()
    known = {"PATH", "HOME", "LANG", "CODEBUILD_", "AWS_", "PROTON_DEPLOYMENT_ID", *expected}
    of_the_shell = {"SHLVL", "_", "OLDPWD", "caller", "LC_CTYPE", "__PYVENV_LAUNCHER__"}
    assert not [
        each for each in environment if not each.startswith(tuple(known)) and each not in of_the_shell
    ]


def test_what_a_build_installs_stays_in_the_build(proton: Any, published: Publish, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    template = published([f"python3 -c \"import sysconfig; print(sysconfig.get_path('purelib'))\" > {seen}"])
    assert built(proton, template)["deploymentStatus"] == "SUCCEEDED"
    assert "proton-local-builds-" in seen.read_text()
    assert not Path(seen.read_text().strip()).exists()


NOTIFY = """
import json, os, boto3
boto3.client("proton").notify_resource_deployment_status_change(
    resourceArn=os.environ["RESOURCE_ARN"], status="IN_PROGRESS",
    outputs=[{"key": "From", "valueString": boto3.client("sts").get_caller_identity()["Account"]}],
)
"""
"""What `aws proton notify-resource-deployment-status-change` does at the end of AWS's own bundles.

A build's AWS has one endpoint, which must then answer for Proton too.
"""


def test_outputs_are_what_was_notified_before_what_the_file_says(
    local_server: LocalServer, published: Publish
) -> None:
    proton = local_server.client("proton")
    template = published(
        [f"python3 -c {shlex.quote(NOTIFY)}", 'echo \'{"Stack": {"A": "b"}}\' > proton-outputs.json'],
        server=local_server,
    )
    record = built(proton, template)

    assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
    assert outputs_of(proton, record["name"]) == {"From": ACCOUNT}


def test_through_a_connection_the_build_is_in_the_environment_account_and_nowhere_else(
    local_server: LocalServer, published: Publish
) -> None:
    proton = local_server.client("proton")
    name, account = unique("far"), "222222222222"
    there = local_server.client("proton", account)
    connection = there.create_environment_account_connection(
        managementAccountId=ACCOUNT,
        environmentName=name,
        codebuildRoleArn=f"arn:aws:iam::{account}:role/builds",
    )["environmentAccountConnection"]
    proton.accept_environment_account_connection(id=connection["id"])
    template = published([f"python3 -c {shlex.quote(NOTIFY)}"], ["true"], server=local_server)
    request = {"codebuildRoleArn": None, "environmentAccountConnectionId": connection["id"]}
    create(proton, template, name=name, protonServiceRoleArn=None, **request)

    record = ended(proton, name)
    assert record["deploymentStatus"] == "SUCCEEDED", record.get("deploymentStatusMessage")
    assert outputs_of(proton, name) == {"From": account}
    assert project_of(local_server, name, account)
    assert not [each for each in projects(local_server) if name in each]

    proton.delete_environment(name=name)
    gone(proton, name)
    assert not [each for each in projects(local_server, account) if name in each]
