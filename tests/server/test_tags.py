"""Tags over HTTP, and each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended

ARN = f"arn:aws:proton:us-east-1:{ACCOUNT}:"


def tags_of(proton: Any, arn: str, *, managed: bool = False) -> dict[str, str]:
    pages = proton.get_paginator("list_tags_for_resource").paginate(
        resourceArn=arn, PaginationConfig={"PageSize": 2}
    )
    tags = {tag["key"]: tag["value"] for page in pages for tag in page["tags"]}
    return {key: value for key, value in tags.items() if managed or not key.startswith("aws:")}


@pytest.fixture
def arn(proton: Any) -> str:
    """A template without tags, for one test."""
    record = proton.create_environment_template(name=unique("tagged"))["environmentTemplate"]
    created: str = record["arn"]
    return created


def test_tags_are_added_changed_and_removed(proton: Any, arn: str) -> None:
    proton.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": ""}])
    proton.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "2"}])
    assert tags_of(proton, arn) == {"a": "2", "b": ""}

    proton.untag_resource(resourceArn=arn, tagKeys=["a", "never there"])
    assert tags_of(proton, arn) == {"b": ""}


def test_proton_puts_its_own_tags_on_templates_versions_and_environments(proton: Any, template: str) -> None:
    of_template = {
        "aws:proton:account": ACCOUNT,
        "aws:proton:template": f"{ARN}environment-template/{template}",
    }
    environment = create(proton, template, tags=[{"key": "mine", "value": "m"}])["arn"]

    assert tags_of(proton, f"{ARN}environment-template/{template}", managed=True) == of_template
    assert (
        of_template.items()
        <= tags_of(proton, f"{ARN}environment-template/{template}:1.0", managed=True).items()
    )
    assert tags_of(proton, environment, managed=True) == {
        **of_template,
        "aws:proton:environment": environment,
        "mine": "m",
    }


def test_a_version_inherits_the_tags_its_template_has_at_its_creation(proton: Any) -> None:
    name = unique("tagged")
    proton.create_environment_template(
        name=name, tags=[{"key": "a", "value": "t"}, {"key": "b", "value": "t"}]
    )
    version = proton.create_environment_template_version(
        templateName=name, source={"s3": {"bucket": "none", "key": "none"}}, tags=[{"key": "b", "value": "v"}]
    )["environmentTemplateVersion"]
    proton.tag_resource(resourceArn=f"{ARN}environment-template/{name}", tags=[{"key": "c", "value": "late"}])

    assert tags_of(proton, version["arn"]) == {"a": "t", "b": "v"}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([{"key": "AWS:x", "value": ""}], "reserved and cannot be changed: AWS:x"),
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "only once"),
        ([{"key": "", "value": ""}], "Value '' at 'tags.1.member.key' failed to satisfy constraint"),
    ],
)
def test_wrong_tags_are_refused(proton: Any, arn: str, tags: list[dict[str, str]], message: str) -> None:
    with refused("ValidationException", message):
        proton.tag_resource(resourceArn=arn, tags=tags)
    assert tags_of(proton, arn) == {}


def test_a_tag_of_aws_cannot_be_removed(proton: Any, arn: str) -> None:
    with refused("ValidationException", "reserved"):
        proton.untag_resource(resourceArn=arn, tagKeys=["aws:proton:account"])


def test_a_resource_has_no_more_than_50_tags(proton: Any, arn: str) -> None:
    proton.tag_resource(resourceArn=arn, tags=[{"key": f"k{n}", "value": ""} for n in range(50)])

    with refused("ValidationException", "no more than 50 tags"):
        proton.tag_resource(resourceArn=arn, tags=[{"key": "k50", "value": ""}])
    proton.tag_resource(resourceArn=arn, tags=[{"key": "k49", "value": "new"}])


@pytest.mark.parametrize("resource", ["environment/none", "environment-template/none:1.0", "deployment/none"])
def test_what_does_not_exist_or_has_no_tags_is_not_found(proton: Any, resource: str) -> None:
    for operation, more in (
        ("tag_resource", {"tags": []}),
        ("untag_resource", {"tagKeys": []}),
        ("list_tags_for_resource", {}),
    ):
        with refused("ResourceNotFoundException", resource):
            getattr(proton, operation)(resourceArn=ARN + resource, **more)


def test_the_environment_shows_no_tags(proton: Any, template: str) -> None:
    record = ended(proton, create(proton, template, tags=[{"key": "k", "value": "v"}])["name"])

    assert "tags" not in record
