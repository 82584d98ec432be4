"""What a user of Environment sees when something goes wrong: one sentence, and nothing lost."""

from __future__ import annotations

from typing import Any

import psutil

from tests.engine.project import DYNAMIC, PLUGIN, Project, deployments, environment, kill, with_plugin
from tests.waiting import eventually


def test_a_failed_deployment_says_why_and_the_next_up_goes_on_with_the_same_environment(
    project: Project, proton: Any, workshop: str
) -> None:
    untouched = environment(workshop, "untouched")
    project.declare(dev=environment(workshop, "mended", spec={"broken": True}), other=untouched)
    error = project.up(fails=True).error()
    assert "environment mended: FAILED" in error
    assert "No-such-property" in error
    born = proton.get_environment(name="mended")["environment"]["createdAt"]

    good = environment(workshop, "mended", spec={"days": 2})
    project.declare(dev=good, other=untouched)
    project.up()
    live = proton.get_environment(name="mended")["environment"]
    assert ("SUCCEEDED", born) == (live["deploymentStatus"], live["createdAt"])

    project.declare(dev=environment(workshop, "mended", spec={"broken": True}), other=untouched)
    project.up(fails=True)
    project.declare(dev=good, other=untouched)
    for refreshed in (False, True):
        if refreshed:
            project.pulumi("refresh", "--yes", "--skip-preview")
        planned = project.preview()
        assert planned.summary == {"same": 2, "update": 1}
        assert planned.deployment_type("dev") == "CURRENT_VERSION"
        assert "environment mended: its last deployment ended in FAILED" in planned.text
        assert "No-such-property" in planned.text
        assert "environment untouched" not in planned.text
    project.up()
    live = proton.get_environment(name="mended")["environment"]
    assert live["deploymentStatus"] == "SUCCEEDED"
    assert live["lastAttemptedDeploymentId"] == live["lastSucceededDeploymentId"]
    assert project.preview().summary == {"same": 3}


def test_an_engine_killed_in_the_middle_of_a_create_leaves_no_orphan(
    tmp_path: Any, slow_server: Any, publish: Any, pulumi_home: Any
) -> None:
    project = Project(tmp_path / "project", slow_server.url, home=pulumi_home)
    proton = slow_server.client("proton")
    template = publish("tests/engine/workshop", server=slow_server)
    project.declare(dev=environment(template, "survivor"))

    process = project.start("up", "--yes", "--skip-preview")
    eventually(lambda: "survivor" in str(proton.list_environments()["environments"]))
    kill(process)
    born = proton.get_environment(name="survivor")["environment"]["createdAt"]
    assert "dev" not in project.resources()

    project.pulumi("cancel", "--yes")
    project.up()
    live = proton.get_environment(name="survivor")["environment"]
    assert ("SUCCEEDED", born) == (live["deploymentStatus"], live["createdAt"])
    assert len(deployments(proton, "survivor")) == 1
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert proton.list_environments()["environments"] == []


@with_plugin
def test_a_bad_spec_is_stopped_in_the_preview_with_its_path(
    project: Project, proton: Any, workshop: str
) -> None:
    project.declare(
        dev=environment(workshop, "never-made", spec={"days": 99, "label": "Not This", "lable": "x"})
    )

    output = project.pulumi("preview", fails=True)

    for reason in (
        "spec.days: must be at most 14",
        "spec.label: must match the pattern ^[a-z0-9-]+$",
        "spec.lable: is not an input of the template (known: ",
    ):
        assert reason in output.text
    assert "never-made" not in str(proton.list_environments())


def test_a_secret_in_the_spec_is_never_in_the_clear(project: Project, proton: Any, workshop: str) -> None:
    source = """
        import pulumi
        import pulumi_aws_proton as proton

        config = pulumi.Config()
        env = proton.Environment(
            "dev", name="secretive", template_name=config.require("template"), template_major_version="1",
            spec={"password": config.require_secret("password"), "broken": config.get_bool("broken"),
                  "label": config.get("label")},
            proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
        )
        pulumi.export("url", env.outputs["QueueUrl"])
    """
    project.program(source)
    project.pulumi("config", "set", "template", workshop)
    project.pulumi("config", "set", "--secret", "password", "hunter2hunter2")

    output = project.up().text
    output += project.pulumi("preview", "--diff").text
    output += project.pulumi("refresh", "--yes", "--skip-preview").text
    assert "hunter2hunter2" in proton.get_environment(name="secretive")["environment"]["spec"]
    assert project.preview().summary == {"same": 2}

    project.pulumi("config", "set", "broken", "true")
    failed = project.up(fails=True).text
    assert "No-such-property-[secret]" in failed
    output += failed
    project.pulumi("config", "set", "label", "Not This")
    refused = project.pulumi("preview", fails=True).text
    assert "spec.label: must match the pattern" in refused
    output += refused
    project.pulumi("config", "rm", "label")
    project.pulumi("config", "set", "--secret", "password", "hunter2-the-second")
    assert "hunter2" not in output + project.state() + project.preview().text


def test_the_account_guard_stops_before_the_first_write(project: Project, proton: Any, workshop: str) -> None:
    project.declare(dev=environment(workshop, "guarded"))
    project.pulumi("config", "set", "--path", "aws-proton:allowedAccountIds[0]", "999999999999")

    error = project.up(fails=True).error()

    assert "account 123456789012, which aws-proton:allowedAccountIds does not list (999999999999)" in error
    assert "guarded" not in str(proton.list_environments())


@with_plugin
def test_a_deployment_that_nobody_waited_for_is_not_forgotten_when_it_fails(
    project: Project, proton: Any, workshop: str
) -> None:
    waiting = {"wait_for_deployment": False, "max_deployment_type": "CURRENT_VERSION"}
    wanted = environment(workshop, "unwatched", spec={"broken": True}, **waiting)
    project.declare(dev=wanted)
    project.up()
    eventually(
        lambda: proton.get_environment(name="unwatched")["environment"]["deploymentStatus"] == "FAILED"
    )

    assert "environment unwatched: its last deployment ended in FAILED" in project.preview().text
    project.declare(dev=wanted | {"max_deployment_type": "NONE"})
    limited = project.preview()
    assert "maxDeploymentType NONE keeps `pulumi up` from deploying it again" in limited.text
    assert limited.deployment_type("dev") in (None, "NONE")
    project.declare(dev=wanted | {"spec": {"days": 2}, "wait_for_deployment": True})
    project.up()
    assert project.preview().summary == {"same": 2}


def test_the_same_name_below_two_components_is_refused_and_not_shared(
    project: Project, proton: Any, workshop: str
) -> None:
    project.program(f"""
        import pulumi
        import pulumi_aws_proton as proton

        class Team(pulumi.ComponentResource):
            def __init__(self, name, kind, days):
                super().__init__(f"test:index:{{kind}}", name)
                proton.Environment(
                    "dev", name="one-name", template_name="{workshop}", template_major_version="1",
                    spec={{"days": days}}, opts=pulumi.ResourceOptions(parent=self),
                    proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
                )

        Team("a", "First", 1)
        Team("b", "Second", 2)
    """)

    output = project.up(fails=True).text

    assert "environment one-name exists already and belongs to engine/test/test:index:" in output
    days = {"First": 1, "Second": 2}
    (owner,) = [kind for kind in days if f"belongs to engine/test/test:index:{kind}/dev@" in output]
    assert f"days: {days[owner]}" in proton.get_environment(name="one-name")["environment"]["spec"]


def test_an_engine_that_is_killed_takes_its_plugin_with_it(
    tmp_path: Any, slow_server: Any, publish: Any, pulumi_home: Any, adapter: str
) -> None:
    project = Project(tmp_path / "project", slow_server.url, home=pulumi_home, adapter=adapter)
    template = publish("tests/engine/workshop", server=slow_server)
    project.declare(dev=environment(template, "left-behind"))

    process = project.start("up", "--yes", "--skip-preview")
    eventually(lambda: "left-behind" in str(slow_server.client("proton").list_environments()["environments"]))
    engine = psutil.Process(process.pid)
    name = {DYNAMIC: "pulumi.dynamic", PLUGIN: "pulumi-resource-aws-proton"}[adapter]
    plugins = [one for one in engine.children(recursive=True) if name in " ".join(one.cmdline())]
    assert plugins
    engine.kill()

    _, alive = psutil.wait_procs(plugins, timeout=10)
    for one in alive:
        one.kill()
    assert not alive
