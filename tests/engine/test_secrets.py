"""No secret of a program is ever shown: not in a preview, its JSON, an error, a warning, a state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.project import DYNAMIC, PLUGIN, Project, with_dynamic, with_plugin
from tests.names import SERVICE_ROLE

_PROGRAM = """
import pulumi
import pulumi_aws_proton as proton

config = pulumi.Config()
secret = config.require_secret("password")

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Team", name)
        proton.Environment(
            "dev", name="{name}", template_name="{template}", template_major_version="1",
            proton_service_role_arn="{role}", {arguments}, opts=pulumi.ResourceOptions(parent=self),
        )

Team("team")
"""


def _program(name: str, template: str, arguments: str) -> str:
    return _PROGRAM.format(name=name, template=template, role=SERVICE_ROLE, arguments=arguments)


def _all_output(project: Project, *, fails: bool) -> str:
    """A preview in each of its forms, and an up."""
    output = ""
    for command in (
        ("preview",),
        ("preview", "--diff"),
        ("preview", "--json"),
        ("up", "--yes", "--skip-preview"),
    ):
        output += project.pulumi(*command, fails=fails).text
    return output + project.state()


_BEYOND = ('spec={"password": secret, "days": 99}', "spec.days: must be at most 14")
_NO_YAML = (
    'spec=secret.apply(lambda value: "password: *" + value)',
    "spec: cannot be read: not valid YAML: ",
)
_PATTERN = ('spec={"label": secret}, tags={"token": secret}', "spec.label: must match the pattern")


@pytest.mark.parametrize(
    ("adapter", "arguments", "reason"),
    [(DYNAMIC, *_BEYOND), (DYNAMIC, *_NO_YAML), (PLUGIN, *_NO_YAML), (PLUGIN, *_PATTERN)],
    indirect=["adapter"],
)
def test_what_check_refuses_is_said_without_the_value(
    project: Project, workshop: str, arguments: str, reason: str
) -> None:
    project.program(_program("refused-secret", workshop, arguments))
    project.pulumi("config", "set", "--secret", "password", "Hunter2-Hunter2")

    output = "".join(project.pulumi("preview", *form, fails=True).text for form in ((), ("--json",)))

    assert f"resource 'dev' has a problem: {reason}" in output
    assert "Hunter2" not in output


def test_a_secret_tag_and_a_secret_default_tag_are_secret_among_all_tags(
    project: Project, proton: Any, workshop: str
) -> None:
    project.program(_program("secret-tag", workshop, 'spec={}, tags={"token": secret, "team": "net"}'))
    project.pulumi("config", "set", "--secret", "password", "Hunter2-Hunter2")
    project.pulumi(
        "config", "set", "--secret", "aws-proton:defaultTags", '{"tags": {"more": "Hunter3-Hunter3"}}'
    )

    output = _all_output(project, fails=False)
    output += project.pulumi("refresh", "--yes", "--skip-preview").text + project.state()
    arn = proton.get_environment(name="secret-tag")["environment"]["arn"]
    live = str(proton.list_tags_for_resource(resourceArn=arn))
    assert "Hunter2-Hunter2" in live
    assert "Hunter3-Hunter3" in live
    assert project.preview().summary == {"same": 3}
    assert "Hunter" not in output


@with_dynamic
def test_a_short_secret_does_not_garble_what_went_wrong(project: Project, workshop: str) -> None:
    arguments = (
        'spec={"broken": True, "password": "sesame-open", "days": config.require_secret_int("password"), '
    )
    project.program(_program("short-secret", workshop, arguments + '"label": pulumi.Output.secret("a")}'))
    project.pulumi("config", "set", "--secret", "password", "1")

    error = project.up(fails=True).error()

    assert error.startswith("environment short-secret: FAILED:")
    assert "No-such-property-sesame-open" in error, "what is no secret is shown"


@with_plugin
def test_the_reason_of_a_failure_that_may_quote_a_secret_of_before_is_not_repeated(
    project: Project, proton: Any, workshop: str
) -> None:
    """After the program is reverted, nobody knows any more what the failed one held."""
    good = _program("reverted-secret", workshop, 'spec={"password": secret}')
    project.program(good)
    project.pulumi("config", "set", "--secret", "password", "Hunter2-Hunter2")
    project.up()
    project.program(_program("reverted-secret", workshop, 'spec={"password": secret, "broken": True}'))
    project.pulumi("config", "set", "--secret", "password", "Hunter3-Hunter3")
    failed = project.up(fails=True).text
    assert "No-such-property-[secret]" in failed

    project.program(good)
    project.pulumi("config", "set", "--secret", "password", "Hunter2-Hunter2")
    planned = project.preview()

    assert (
        "environment reverted-secret: its last deployment ended in FAILED; `pulumi up` deploys it"
        in planned.text
    )
    assert "Hunter" not in failed + planned.text + json.dumps(planned.steps)
