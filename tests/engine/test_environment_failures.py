"""What a user of Environment sees when something goes wrong: one sentence, and nothing lost."""

from __future__ import annotations

from typing import Any

from tests.engine.conftest import Project, deployments, environment, kill, wait_for


def test_a_deployment_that_fails_says_why_and_the_next_up_goes_on_with_the_same_environment(
    project: Project, proton: Any, workshop: str
) -> None:
    project.declare(dev=environment(workshop, "mended", spec={"broken": True}))

    error = project.up(fails=True).error()
    assert "environment mended: FAILED" in error
    assert "No-such-property" in error
    born = proton.get_environment(name="mended")["environment"]["createdAt"]

    project.declare(dev=environment(workshop, "mended", spec={"broken": False, "days": 2}))
    project.up()
    live = proton.get_environment(name="mended")["environment"]
    assert ("SUCCEEDED", born) == (live["deploymentStatus"], live["createdAt"])

    project.declare(dev=environment(workshop, "mended", spec={"broken": True}))
    project.up(fails=True)
    project.declare(dev=environment(workshop, "mended", spec={"days": 5}))
    assert project.preview().deployment_type("dev") == "CURRENT_VERSION"
    project.up()
    assert "days: 5" in proton.get_environment(name="mended")["environment"]["spec"]


def test_an_engine_killed_in_the_middle_of_a_create_leaves_no_orphan(
    tmp_path: Any, slow_server: Any, publish: Any, pulumi_home: Any
) -> None:
    project = Project(tmp_path / "project", slow_server.url, home=pulumi_home)
    proton = slow_server.client("proton")
    template = publish("tests/engine/workshop", server=slow_server)
    project.declare(dev=environment(template, "survivor"))

    process = project.start("up", "--yes", "--skip-preview")
    wait_for(lambda: "survivor" in str(proton.list_environments()["environments"]))
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


def test_a_bad_spec_is_stopped_in_the_preview_with_its_path(
    project: Project, proton: Any, workshop: str
) -> None:
    project.declare(
        dev=environment(workshop, "never-made", spec={"days": 99, "label": "Not This", "lable": "x"})
    )

    said = project.pulumi("preview", fails=True)

    for reason in (
        "spec.days: must be at most 14",
        "spec.label: must match the pattern ^[a-z0-9-]+$",
        "spec.lable: the template has no such input; it has broken, days, label, password",
    ):
        assert reason in said.text
    assert "never-made" not in str(proton.list_environments())


def test_two_stacks_that_want_the_same_name_do_not_take_it_from_each_other(
    project: Project, proton: Any, workshop: str, tmp_path: Any, proton_server: Any, pulumi_home: Any
) -> None:
    project.declare(dev=environment(workshop, "contested", spec={"days": 1}))
    project.up()
    other = Project(tmp_path / "other", proton_server.url, name="other", home=pulumi_home)
    other.declare(dev=environment(workshop, "contested", spec={"days": 2}))

    error = other.up(fails=True).error()

    assert "environment contested exists already and belongs to engine/test/dev" in error
    assert "tag-resource" in error
    assert "days: 1" in proton.get_environment(name="contested")["environment"]["spec"]


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

    said = project.up().text
    said += project.pulumi("preview", "--diff").text
    said += project.pulumi("refresh", "--yes", "--skip-preview").text
    assert "hunter2hunter2" in proton.get_environment(name="secretive")["environment"]["spec"]
    assert project.preview().summary == {"same": 2}

    project.pulumi("config", "set", "broken", "true")
    failed = project.up(fails=True).text
    assert "No-such-property-[secret]" in failed
    said += failed
    project.pulumi("config", "set", "label", "Not This")
    refused = project.pulumi("preview", fails=True).text
    assert "spec.label: must match the pattern" in refused
    said += refused
    project.pulumi("config", "rm", "label")
    project.pulumi("config", "set", "--secret", "password", "hunter2-the-second")
    assert "hunter2" not in said + project.state() + project.preview().text


def test_the_account_guard_stops_before_the_first_write(project: Project, proton: Any, workshop: str) -> None:
    project.declare(dev=environment(workshop, "guarded"))
    project.pulumi("config", "set", "--path", "aws-proton:allowedAccountIds[0]", "999999999999")

    error = project.up(fails=True).error()

    assert "account 123456789012, which aws-proton:allowedAccountIds does not list (999999999999)" in error
    assert "guarded" not in str(proton.list_environments())
