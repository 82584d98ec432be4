"""What a user of Environment sees when all goes well, from the first preview to the last destroy."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.engine.project import Project, deployments, environment, with_plugin, writes
from tests.waiting import eventually, gone


def test_from_nothing_to_outputs_to_no_change_to_nothing(
    project: Project, proton: Any, workshop: str, proton_server: Any, region: str
) -> None:
    project.declare(dev=environment(workshop, "whole-life", spec={"days": 3}, tags={"team": "net"}))

    planned = project.preview()
    assert planned.summary == {"create": 2}
    assert planned.deployment_type("dev") is None

    project.up()
    assert "whole-life-work" in project.outputs()["dev"]["QueueUrl"]
    live = proton.get_environment(name="whole-life")["environment"]
    assert project.outputs()["dev-facts"] == [live["arn"], "1", "0", "SUCCEEDED"]
    tags = {
        tag["key"]: tag["value"] for tag in proton.list_tags_for_resource(resourceArn=live["arn"])["tags"]
    }
    assert live["deploymentStatus"] == "SUCCEEDED"
    assert tags["team"] == "net"
    assert re.fullmatch(r"engine/test/dev@[0-9a-f]{10}", tags["pulumi:owner"])

    calls_before = writes(proton_server)
    assert project.preview().summary == {"same": 2}
    assert "2 unchanged" in project.up().text
    assert calls_before == writes(proton_server)

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.resources() == {}
    with pytest.raises(proton.exceptions.ResourceNotFoundException):
        proton.get_environment(name="whole-life")
    cloudformation = proton_server.client("cloudformation", region=region)
    assert "whole-life" not in str(cloudformation.describe_stacks()["Stacks"])


@with_plugin
def test_each_level_is_in_the_preview_and_then_in_the_servers_record_and_a_lower_major_version_replaces(
    project: Project, proton: Any, queue: str
) -> None:
    name = "levels"
    wanted = environment(queue, name, template_minor_version="0", spec={"retention_days": 4})
    project.declare(dev=wanted)
    project.up()
    steps: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
        ("NONE", {"description": "A queue for tests"}, ("1", "0")),
        ("CURRENT_VERSION", {"spec": {"retention_days": 5}}, ("1", "0")),
        ("MINOR_VERSION", {"template_minor_version": "1"}, ("1", "1")),
        ("MINOR_VERSION", {"template_minor_version": "0"}, ("1", "0")),
        (
            "MAJOR_VERSION",
            {"template_major_version": "2", "template_minor_version": "0", "spec": {"retention": "week"}},
            ("2", "0"),
        ),
    ]
    for kind, change, version in steps:
        before = deployments(proton, name)
        wanted |= change
        project.declare(dev=wanted)

        planned = project.preview()
        assert ("update", kind) == (planned.steps["dev"]["op"], planned.deployment_type("dev"))

        project.up()
        new = [
            item["id"]
            for item in deployments(proton, name)
            if item["id"] not in {old["id"] for old in before}
        ]
        live = proton.get_environment(name=name)["environment"]
        assert (0 if kind == "NONE" else 1) == len(new)
        assert version == (live["templateMajorVersion"], live["templateMinorVersion"])
        if new:
            target = proton.get_deployment(id=new[0])["deployment"]["targetState"]["environment"]
            assert version == (target["templateMajorVersion"], target["templateMinorVersion"])
    assert project.preview().summary == {"same": 2}

    first = proton.get_environment(name=name)["environment"]["createdAt"]
    lower = {"template_major_version": "1", "template_minor_version": "0", "spec": {"retention_days": 2}}
    project.declare(dev=wanted | lower)
    planned = project.preview()
    assert "replace" in planned.steps["dev"]["op"]
    assert planned.summary["replace"] == 1
    project.up()
    live = proton.get_environment(name=name)["environment"]
    assert live["createdAt"] > first, "the old environment went first"
    assert live["templateMajorVersion"] == "1"


@with_plugin
def test_drift_made_behind_pulumis_back_shows_after_a_refresh_and_the_next_up_undoes_it(
    project: Project, proton: Any, workshop: str
) -> None:
    wanted = environment(workshop, "drift", spec={"days": 2}, description="as declared", tags={"team": "net"})
    project.declare(dev=wanted)
    project.up()
    arn = proton.get_environment(name="drift")["environment"]["arn"]
    proton.update_environment(
        name="drift",
        deploymentType="CURRENT_VERSION",
        description="by hand",
        spec="proton: EnvironmentSpec\nspec: {days: 9}\n",
    )
    proton.tag_resource(
        resourceArn=arn, tags=[{"key": "team", "value": "other"}, {"key": "by", "value": "hand"}]
    )
    eventually(lambda: proton.get_environment(name="drift")["environment"]["deploymentStatus"] == "SUCCEEDED")

    project.pulumi("refresh", "--yes", "--skip-preview")
    planned = project.preview()
    assert planned.deployment_type("dev") == "CURRENT_VERSION"

    project.up()
    live = proton.get_environment(name="drift")["environment"]
    tags = {tag["key"]: tag["value"] for tag in proton.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert live["description"] == "as declared"
    assert "days: 2" in live["spec"]
    assert tags["team"] == "net"
    assert "by" not in tags
    assert project.preview().summary == {"same": 2}


@with_plugin
def test_an_environment_deleted_behind_pulumis_back_says_what_to_do_and_is_created_again(
    project: Project, proton: Any, workshop: str
) -> None:
    project.declare(dev=environment(workshop, "vanished"))
    project.up()
    proton.delete_environment(name="vanished")
    gone(proton, "vanished")
    project.declare(dev=environment(workshop, "vanished", spec={"days": 2}))

    assert "does not exist any more: run `pulumi up --refresh`" in project.up(fails=True).error()
    project.pulumi("refresh", "--yes", "--skip-preview")
    assert project.preview().summary["create"] == 1
    project.up()
    assert "days: 2" in proton.get_environment(name="vanished")["environment"]["spec"]


def test_an_input_that_is_not_known_yet_is_no_obstacle(project: Project, proton: Any, workshop: str) -> None:
    project.program(f"""
        import pulumi
        import pulumi_aws_proton as proton

        role = "arn:aws:iam::123456789012:role/proton-service"
        first = proton.Environment(
            "first", name="chain-first", template_name="{workshop}", template_major_version="1",
            spec={{"label": pulumi.Config().get("label") or "one"}}, proton_service_role_arn=role,
        )
        second = proton.Environment(
            "second", name="chain-second", template_name="{workshop}", template_major_version="1",
            spec={{"label": first.outputs["Label"], "days": 2}}, proton_service_role_arn=role,
            description=first.deployment_status,
        )
        pulumi.export("label", second.outputs["Label"])
    """)

    assert project.preview().summary == {"create": 3}
    project.up()
    assert project.outputs()["label"] == "one"
    project.pulumi("config", "set", "label", "two")
    project.up()
    assert project.outputs()["label"] == "two"
