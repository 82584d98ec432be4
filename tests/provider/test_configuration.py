"""Stack configuration: what it means, which target it makes, and one sentence for what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from aws_proton_provider.aws.configuration import Configuration, target
from aws_proton_provider.core.errors import InvalidInput

ROLE = "arn:aws:iam::123456789012:role/deploy"


def test_every_key_has_its_meaning() -> None:
    found = Configuration.of_stack(
        {
            "aws-proton:region": "eu-west-1",
            "aws-proton:profile": "dev",
            "aws-proton:assumeRole": f'{{"roleArn": "{ROLE}", "externalId": "x"}}',
            "aws-proton:endpoint": "http://127.0.0.1:4030",
            "aws-proton:maxRetries": "3",
            "aws-proton:allowedAccountIds": '["123456789012"]',
            "aws-proton:forbiddenAccountIds": '["210987654321"]',
            "aws-proton:defaultTags": '{"tags": {"stage": "dev"}}',
            "aws-proton:maxDeploymentType": "MINOR_VERSION",
            "aws-proton:refreshTags": "true",
            "aws:region": "us-east-1",
            "project:anything": "goes",
        }
    )

    assert (found.region, found.profile, found.endpoint) == ("eu-west-1", "dev", "http://127.0.0.1:4030")
    assert found.assume_role is not None
    assert (found.assume_role.role_arn, found.assume_role.external_id) == (ROLE, "x")
    assert (found.max_retries, found.max_deployment_type) == (3, "MINOR_VERSION")
    assert found.refresh_tags
    assert (found.allowed_account_ids, found.forbidden_account_ids) == (("123456789012",), ("210987654321",))
    assert found.default_tags.tags == {"stage": "dev"}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("allowedAcountIds", '["123456789012"]', ": no such key, did you mean allowedAccountIds"),
        ("unheardOf", "x", ": no such key"),
        ("allowedAccountIds", '["1"]', "[0]: must be an AWS account ID of 12 digits"),
        ("refreshTags", "perhaps", ": Input should be a valid boolean, unable to interpret input"),
        ("maxRetries", "-1", ": Input should be greater than or equal to 0"),
        (
            "maxDeploymentType",
            "MINOR",
            ": Input should be 'NONE', 'CURRENT_VERSION', 'MINOR_VERSION' or 'MAJOR_VERSION'",
        ),
        ("assumeRole", f'{{"roleArn": "{ROLE}", "arn": "x"}}', ".arn: no such key"),
    ],
)
def test_an_invalid_value_is_refused_with_how_to_fix_it(key: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Configuration.of_stack({f"aws-proton:{key}": value})

    below = said.partition(":")[0]
    named = f"--path 'aws-proton:{key}{below}'" if below else f"aws-proton:{key}"
    remedy = f"rm {named}" if ": no such key" in said else f"set {named} VALUE"
    assert str(refusal.value) == (
        f"stack configuration aws-proton:{key}{said}; fix it with `pulumi config {remedy}`"
    )


def test_a_tag_that_pulumi_stores_as_a_number_is_the_text_that_was_typed() -> None:
    """`pulumi config set --path aws-proton:defaultTags.tags.cost 42` stores a number."""
    found = Configuration.of_stack({"aws-proton:defaultTags": '{"tags": {"cost": 42, "paid": true}}'})

    assert found.default_tags.tags == {"cost": "42", "paid": "true"}


STACK = Configuration.of_stack(
    {
        "aws-proton:region": "eu-west-1",
        "aws-proton:profile": "dev",
        "aws-proton:endpoint": "http://stack",
        "aws-proton:allowedAccountIds": '["123456789012"]',
    }
)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, {"region": "eu-west-1", "profile": "dev", "endpoint": "http://stack"}),
        ({"region": "us-east-1"}, {"region": "us-east-1", "profile": "dev"}),
        ({"endpoint": "http://own"}, {"endpoint": "http://own", "profile": "dev"}),
        ({"profile": "other"}, {"profile": "other", "region": "eu-west-1"}),
    ],
)
def test_a_resources_account_overrides_what_it_names(account: Any, expected: dict[str, Any]) -> None:
    found = target(STACK, account)

    assert {name: getattr(found, name) for name in expected} == expected
    assert found.allowed_account_ids == ("123456789012",)


def test_an_account_with_a_role_of_its_own_does_not_take_the_stacks_profile() -> None:
    found = target(STACK, {"assumeRole": {"roleArn": ROLE}})

    assert found.profile is None
    assert found.assume_role is not None
    assert found.assume_role.role_arn == ROLE
