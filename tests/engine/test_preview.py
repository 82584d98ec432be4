"""What a reviewer sees before anything happens: warnings, limits, and the comment on a pull request."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.engine.project import Project, environment, with_plugin
from tests.names import REPOSITORY, SERVICE_ROLE


@pytest.fixture(scope="module")
def with_a_draft(published_template: Any, region: str) -> str:
    """The template of example 02: versions 1.0 and 2.0 published, 1.1 a draft."""
    folder = REPOSITORY / "examples" / "02-change-and-preview"
    name: str = published_template(folder / "template-v1.0", region=region)
    published_template(folder / "template-v1.1", name=name, major_version="1", publish=False, region=region)
    published_template(folder / "template-v2.0", name=name, region=region)
    return name


@with_plugin
def test_a_preview_warns_of_what_reaches_far_and_stops_what_reaches_too_far(
    project: Project, proton: Any, with_a_draft: str
) -> None:
    name, draft = "reviewed", {"template_minor_version": "1"}
    major = {"template_major_version": "2", "template_minor_version": "0", "spec": {"retention": "week"}}
    wanted = environment(with_a_draft, name, spec={"retention_days": 4})
    project.declare(dev=wanted)
    project.up()

    project.declare(dev=wanted | draft)
    planned = project.preview()
    assert planned.deployment_type("dev") == "MINOR_VERSION"
    assert f"environment {name} gets version 1.1 of template {with_a_draft}, which is a DRAFT" in planned.text

    project.declare(dev=wanted | major)
    planned = project.preview()
    assert planned.deployment_type("dev") == "MAJOR_VERSION"
    assert (
        f"environment {name} gets a MAJOR_VERSION deployment: its template goes from version 1 to 2"
        in planned.text
    )

    project.declare(dev=wanted | {"name": "renamed"})
    assert (
        f"environment {name} is replaced because of name: its infrastructure is deleted and created again"
        in project.preview().text
    )

    project.pulumi("config", "set", "aws-proton:maxDeploymentType", "CURRENT_VERSION")
    project.declare(dev=wanted | draft)
    assert (
        "this change needs a MINOR_VERSION deployment, but maxDeploymentType allows CURRENT_VERSION"
        in project.pulumi("preview", fails=True).text
    )
    project.declare(dev=wanted | {"name": "renamed"})
    assert "this change needs a new environment" in project.pulumi("preview", fails=True).text
    project.declare(dev=wanted | major | {"max_deployment_type": "MAJOR_VERSION"})
    assert project.preview().deployment_type("dev") == "MAJOR_VERSION"
    assert proton.get_environment(name=name)["environment"]["templateMajorVersion"] == "1"


def test_the_comment_on_a_pull_request_tells_the_change_and_no_secret(
    project: Project, workshop: str
) -> None:
    source = f"""
        import pulumi
        import pulumi_aws_proton as proton

        proton.Environment(
            "dev", name="commented", template_name="{workshop}", template_major_version="1",
            spec={{"password": pulumi.Config().require_secret("password"), "days": DAYS}},
            proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
            description="a day or two",
        )
    """
    project.pulumi("config", "set", "--secret", "password", "hunter2hunter2")
    project.program(source.replace("DAYS", "1"))
    project.up()
    project.program(source.replace("DAYS", "2").replace("a day or two", "two days"))
    project.pulumi("config", "set", "--secret", "password", "hunter2hunter3")

    done = subprocess.run(
        [sys.executable, "-m", "pulumi_aws_proton.review"],
        input=project.preview().text,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "commented` is updated" in done.stdout
    assert f"template: {workshop} 1.0" in done.stdout
    assert "deploymentType: `CURRENT_VERSION`" in done.stdout
    assert "| `description` | `a day or two` | `two days` |" in done.stdout
    assert "[secret]" in done.stdout
    assert "hunter2" not in done.stdout


@with_plugin
def test_a_preview_says_what_an_up_would_be_refused_for(project: Project, proton: Any, workshop: str) -> None:
    there = environment(workshop, "wanted")
    for change, reason in (
        ({"template_name": "no-such-template"}, "no environment template no-such-template in this account"),
        ({"template_major_version": "7"}, f"template {workshop} has no version 7"),
        ({"template_minor_version": "7"}, f"template {workshop} has no version 1.7; it has 1.0"),
        (
            {"proton_service_role_arn": None},
            f"template {workshop} needs a way of provisioning: give one of",
        ),
    ):
        project.declare(dev=there | change)
        assert reason in project.pulumi("preview", fails=True).text
    project.declare(dev=there)
    assert project.preview().summary == {"create": 2}


def test_a_preview_of_what_needs_no_service_succeeds_without_one(project: Project) -> None:
    project.program(f"""
        import pulumi_aws_proton as proton

        proton.AccountSettings("settings", pipeline_service_role_arn="{SERVICE_ROLE}")
        proton.EnvironmentAccountConnection(
            "request", environment_name="x", management_account_id="111111111111", role_arn="{SERVICE_ROLE}"
        )
    """)
    project.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"

    assert project.preview().summary == {"create": 3}
