"""The tags of an environment on its stack and its CodeBuild project."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proton_server.provisioning import Work
from proton_server.provisioning.errors import ProvisioningError
from proton_server.provisioning.tags import propagated, stack_tags
from tests.bundles import bundle, spec
from tests.fault_proxy import CutOff, FaultProxy
from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.server.builds import Publish, built, project_of
from tests.server.environments import create, stack_of
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import ended

PROTONS = {"proton:account", "proton:template", "proton:environment"}


def as_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def numbered(count: int) -> dict[str, str]:
    return {f"key-{number}": "v" for number in range(count)}


def own_tags(server: LocalServer, environment: str) -> dict[str, str]:
    """The tags of an environment's stack, without Proton's."""
    stack = stack_of(server.client("cloudformation"), environment)
    assert stack is not None, environment
    tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
    assert tags.keys() >= PROTONS
    return {key: value for key, value in tags.items() if key not in PROTONS}


def update(proton: Any, name: str, **inputs: Any) -> dict[str, Any]:
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(**inputs))
    return ended(proton, name)


def test_the_stack_has_the_environments_tags(proton: Any, template: str, proton_server: LocalServer) -> None:
    record = create(proton, template, tags=as_tags({"team": "net", "proton:account": "mine"}))

    assert ended(proton, record["name"])["deploymentStatus"] == "SUCCEEDED"
    assert own_tags(proton_server, record["name"]) == {"team": "net"}


def test_what_a_client_records_in_tags_and_a_tag_without_a_value_stay_on_the_environment() -> None:
    tags = {
        "team": "net",
        "empty": "",
        "pulumi:owner": "o",
        "pulumi:incarnation": "i",
        "aws:cloudformation:x": "y",
        "proton:template": "other",
        "pulumi": "kept",
    }

    assert propagated(tags) == {"team": "net", "pulumi": "kept"}


def test_a_changed_tag_reaches_the_stack_with_the_next_deployment_and_a_removed_one_leaves_it(
    proton: Any, template: str, proton_server: LocalServer
) -> None:
    record = create(proton, template, tags=as_tags({"team": "net", "stage": "test"}))
    name, arn = record["name"], record["arn"]
    ended(proton, name)

    proton.tag_resource(resourceArn=arn, tags=as_tags({"team": "web"}))
    proton.untag_resource(resourceArn=arn, tagKeys=["stage"])
    before = own_tags(proton_server, name)
    deployed = ended(proton, name)["lastAttemptedDeploymentId"]

    assert before == {"team": "net", "stage": "test"}
    assert deployed == proton.get_environment(name=name)["environment"]["lastSucceededDeploymentId"]
    assert update(proton, name, title="news")["deploymentStatus"] == "SUCCEEDED"
    assert own_tags(proton_server, name) == {"team": "web"}


def test_the_codebuild_project_has_the_environments_tags(
    proton: Any, published: Publish, proton_server: LocalServer
) -> None:
    record = built(proton, published(["true"]), tags=as_tags({"team": "net", "pulumi:owner": "o"}))

    codebuild = proton_server.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[project_of(proton_server, record["name"])])["projects"]
    tags = {tag["key"]: tag["value"] for tag in project["tags"]}
    assert tags.keys() == PROTONS | {"team"}


def test_an_environment_with_more_tags_than_a_stack_may_have_is_not_created(
    proton: Any, template: str
) -> None:
    name = unique("env")
    with refused("ValidationException", "would have 51 tags, those of the environment and Proton's own"):
        create(proton, template, name=name, tags=as_tags(numbered(48)))

    with refused("ResourceNotFoundException", name):
        proton.get_environment(name=name)


def test_an_update_that_deploys_is_refused_until_the_tags_fit_and_nothing_else_is(
    proton: Any, template: str, proton_server: LocalServer
) -> None:
    record = create(proton, template, tags=as_tags(numbered(47)))
    name, arn = record["name"], record["arn"]
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert len(own_tags(proton_server, name)) == 47
    proton.tag_resource(resourceArn=arn, tags=as_tags({"one": "more", "pulumi:owner": "o"}))

    with refused("ValidationException", "remove 1 of the environment's tags"):
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
    proton.update_environment(name=name, deploymentType="NONE", description="changed")
    proton.untag_resource(resourceArn=arn, tagKeys=["key-0"])
    assert update(proton, name, title="sport")["deploymentStatus"] == "SUCCEEDED"
    assert own_tags(proton_server, name) == {key: "v" for key in numbered(47) if key != "key-0"} | {
        "one": "more"
    }


def test_a_step_that_is_made_again_sends_the_tags_with_which_the_deployment_was_begun(
    local_server: LocalServer, tmp_path: Path
) -> None:
    proxy = FaultProxy(local_server.url)
    server = ServedBesideAws(tmp_path, aws=local_server, aws_url=proxy.url)
    server.start()
    try:
        proton, template = server.client("proton"), publisher(server)(bundle(tmp_path / "bundle"))

        def cut_off(action: str) -> None:
            if action == "CreateStack":
                raise CutOff

        proxy.before = cut_off
        record = create(proton, template, tags=as_tags({"team": "net"}))
        proton.tag_resource(resourceArn=record["arn"], tags=as_tags({"team": "web"}))
        server.kill()
        proxy.heal()
        server.start()

        assert ended(proton, record["name"])["deploymentStatus"] == "SUCCEEDED"
        assert own_tags(local_server, record["name"]) == {"team": "net"}
    finally:
        server.kill()
        proxy.close()


ADOPTED = {"StackId": "arn:adopted"}
WORK = Work(
    deployment_id="d",
    created_at=1.0,
    account_id=ACCOUNT,
    region="us-east-1",
    role="r",
    environment={},
    template_version=("1", "0"),
    read_inputs=dict,
    render=lambda: None,
    tags=dict.fromkeys(PROTONS, "new"),
    notified={},
    read_bundle=lambda: None,  # type: ignore[arg-type, return-value]
    evaluate=lambda: None,
    will_provision=lambda: None,
    adopted={
        "id": ADOPTED["StackId"],
        "tags": {"proton:account": "old", "cost": "7"},
        "template_sha256": hashlib.sha256(b"same").hexdigest(),
    },
)


class TestAnAdoptedStack:
    def test_keeps_all_its_tags_while_its_template_is_the_same(self) -> None:
        assert stack_tags(WORK, ADOPTED, "same") == WORK.adopted["tags"]
        assert stack_tags(replace(WORK, environment_tags={"cost": "7"}), ADOPTED, "same") == {
            "proton:account": "old",
            "cost": "7",
        }

    def test_gets_the_environments_tags_with_the_same_template_too(self) -> None:
        work = replace(WORK, environment_tags={"team": "net"})

        assert stack_tags(work, ADOPTED, "same") == {**WORK.tags, "cost": "7", "team": "net"}

    def test_keeps_what_people_added_when_its_template_changes(self) -> None:
        assert stack_tags(WORK, ADOPTED, "other") == {**WORK.tags, "cost": "7"}

    def test_may_have_too_many_with_those(self) -> None:
        work = replace(WORK, environment_tags=numbered(47))

        with pytest.raises(ProvisioningError, match="would have 51 tags"):
            stack_tags(work, ADOPTED, "other")

    def test_is_not_the_one_that_comes_after_it(self) -> None:
        assert stack_tags(WORK, {"StackId": "arn:later"}, "same") == WORK.tags
        assert stack_tags(WORK, None, "same") == WORK.tags
