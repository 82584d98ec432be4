"""What a preview says of an environment besides its deploymentType: connections, the guard, and warnings."""

from __future__ import annotations

from typing import Any

import pytest

from aws_proton_provider.core import facts
from aws_proton_provider.core.checking import Checked
from aws_proton_provider.core.ownership import Tags
from aws_proton_provider.core.values import UNKNOWN
from aws_proton_provider.resources.check_context import CheckContext
from aws_proton_provider.resources.environment.resource import Environment
from tests.names import ENVIRONMENT_ACCOUNT, THIRD
from tests.provider.fakes import CONNECTION, OTHER_CONNECTION, ROLE, KnownService, connection, version

BASE: dict[str, Any] = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "1",
    "templateMinorVersion": "0",
    "spec": {},
}
SAME = BASE | {"protonServiceRoleArn": ROLE}
CROSS = BASE | {"environmentAccountConnectionId": CONNECTION}
VERSIONS = {
    "1": [version("0"), version("1", recommended="1"), version("2", status="DRAFT")],
    "2": [version("0", recommended="0")],
}


_OTHER_NAME = (
    "was requested for environment prod, not dev: have the environment account request one for this name"
)
_NO_REQUEST = (
    "no connection request with this ID exists for this account in this Region: have the environment account "
    "request one, or correct the ID"
)
_REPLACED = (
    "environment dev is replaced because of templateName: its infrastructure is deleted and created again"
)


def _check(
    olds: dict[str, Any],
    news: dict[str, Any],
    *listed: dict[str, str],
    allowed: str | None = None,
) -> Checked:
    service = KnownService(VERSIONS, listed=list(listed))
    return Environment.check(olds, news, CheckContext(max_deployment_type=allowed, service=service))


def _reason(checked: Checked) -> tuple[str, str]:
    (failure,) = checked.failures
    return failure.wire, failure.reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            connection(OTHER_CONNECTION),
            _NO_REQUEST,
        ),
        (
            connection(status="REJECTED"),
            "was rejected, which is final: have the environment account request a new connection",
        ),
        (
            connection(environmentName="prod"),
            _OTHER_NAME,
        ),
    ],
)
def test_a_connection_that_cannot_serve_is_refused_in_the_preview(given: dict[str, str], reason: str) -> None:
    assert _reason(_check({}, CROSS, given)) == ("environmentAccountConnectionId", reason)


def test_a_connection_in_use_is_not_judged_again_while_it_stays_the_same() -> None:
    olds = _check({}, CROSS, connection()).inputs

    assert _check(olds, CROSS).failures == []


def test_connections_that_may_not_be_listed_are_not_checked_in_the_preview() -> None:
    context = CheckContext(service=KnownService(VERSIONS, listed=None))

    assert Environment.check({}, CROSS, context).failures == []


def test_a_new_connection_of_the_same_account_is_an_update() -> None:
    olds = _check({}, CROSS, connection()).inputs

    news = _check(
        olds, BASE | {"environmentAccountConnectionId": OTHER_CONNECTION}, connection(OTHER_CONNECTION)
    )

    assert news.inputs["deploymentType"] == "CURRENT_VERSION"
    assert Environment.diff(olds, news.inputs).replaces == ()


def test_a_new_connection_into_another_account_is_a_new_environment() -> None:
    olds = _check({}, CROSS, connection()).inputs
    other = connection(OTHER_CONNECTION, environmentAccountId=THIRD)

    news = _check(olds, BASE | {"environmentAccountConnectionId": OTHER_CONNECTION}, other)

    assert Environment.diff(olds, news.inputs).replaces == ("environmentAccountConnectionId",)


def test_an_environment_that_lost_its_connection_takes_a_new_one_by_an_update() -> None:
    state = _check({}, CROSS, connection()).inputs | {"environmentAccountId": ENVIRONMENT_ACCOUNT}
    del state["environmentAccountConnectionId"]

    news = _check(
        state, BASE | {"environmentAccountConnectionId": OTHER_CONNECTION}, connection(OTHER_CONNECTION)
    )

    assert news.failures == []
    assert news.inputs["deploymentType"] == "CURRENT_VERSION"
    assert Environment.diff(state, news.inputs).replaces == ()


@pytest.mark.parametrize(
    ("allowed", "change", "wire", "need"),
    [
        ("NONE", {"spec": {"a": 1}}, "spec", "a CURRENT_VERSION deployment"),
        (
            "CURRENT_VERSION",
            {"templateMinorVersion": "1"},
            "templateMinorVersion",
            "a MINOR_VERSION deployment",
        ),
        (
            "MINOR_VERSION",
            {"templateMajorVersion": "2"},
            "templateMajorVersion",
            "a MAJOR_VERSION deployment",
        ),
        ("MAJOR_VERSION", {"name": "other"}, "name", "a new environment"),
    ],
)
def test_a_change_beyond_the_allowed_deployment_type_fails(
    allowed: str, change: dict[str, Any], wire: str, need: str
) -> None:
    olds = _check({}, SAME).inputs
    sentence = f"this change needs {need}, but maxDeploymentType allows {allowed} at most"

    assert _reason(_check(olds, SAME | change, allowed=allowed)) == (wire, sentence)
    assert _reason(_check(olds, SAME | change | {"maxDeploymentType": allowed})) == (wire, sentence)


def test_an_environments_own_limit_comes_before_the_stacks() -> None:
    olds = _check({}, SAME).inputs
    news = SAME | {"templateMinorVersion": "1", "maxDeploymentType": "MINOR_VERSION"}

    assert _check(olds, news, allowed="NONE").failures == []


def test_the_limit_does_not_prevent_a_new_environment() -> None:
    assert _check({}, SAME, allowed="NONE").failures == []


def test_what_may_turn_out_to_be_beyond_the_limit_is_decided_when_it_is_known() -> None:
    olds = _check({}, SAME).inputs

    assert _check(olds, SAME | {"spec": UNKNOWN}, allowed="NONE").failures == []
    assert _check(olds, SAME | {"spec": {"a": 1}}, allowed="NONE").failures != []


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            {"templateMajorVersion": "2"},
            "environment dev gets a MAJOR_VERSION deployment: its template goes from version 1 to 2",
        ),
        (
            {"templateName": "other"},
            _REPLACED,
        ),
        (
            {"templateMinorVersion": "2"},
            "environment dev gets version 1.2 of template vpc, which is a DRAFT and not published",
        ),
        (
            {"templateMajorVersion": "1", "templateMinorVersion": "0"},
            "environment dev gets version 1.0 of template vpc, not the recommended 1.1",
        ),
    ],
)
def test_a_reviewer_is_warned_in_one_sentence(change: dict[str, Any], warning: str) -> None:
    olds = _check({}, SAME | {"templateMinorVersion": "1"}).inputs

    assert _check(olds, SAME | change).warnings == [warning]


def test_a_draft_version_causes_a_warning_at_creation_too() -> None:
    assert _check({}, SAME | {"templateMinorVersion": "2"}).warnings == [
        "environment dev gets version 1.2 of template vpc, which is a DRAFT and not published"
    ]


def test_nothing_is_warned_of_where_nothing_changes() -> None:
    olds = _check({}, SAME).inputs

    assert _check(olds, SAME).warnings == []


def test_a_pending_connection_causes_a_warning_in_every_preview() -> None:
    pending = connection(status="PENDING")
    said = (
        f"environment dev: its environment account connection {CONNECTION} is still PENDING: "
        "accept it before deploying"
    )

    first = _check({}, CROSS | {"templateMinorVersion": "1"}, pending)

    assert first.warnings == [said]
    assert _check(first.inputs, CROSS | {"templateMinorVersion": "1"}, pending).warnings == [said]


def test_a_replacement_under_the_same_name_cannot_create_first() -> None:
    first = SAME | {facts.CREATE_FIRST: True}

    refused = _check(SAME, first | {"templateName": "other"})
    renamed = _check(SAME, first | {"templateMajorVersion": "1", "name": "prod"})

    assert any("delete_before_replace=False forbids" in item.sentence for item in refused.failures)
    assert not renamed.failures


FAILED = {"name": "dev", "deploymentStatus": "FAILED", "lastAttemptedDeploymentId": "d-1"}


def _after_a_failure(
    more: dict[str, Any], allowed: str | None = None, reason: str = "No such thing"
) -> Checked:
    record = FAILED | {"deploymentStatusMessage": reason}
    service = KnownService(VERSIONS, live={"dev": (record, Tags({}))})
    context = CheckContext(max_deployment_type=allowed, service=service)
    return Environment.check(Environment.check({}, SAME, CheckContext()).inputs, SAME | more, context)


def test_a_failed_deployment_is_a_change_that_diff_sees() -> None:
    checked = _after_a_failure({})

    assert checked.inputs[facts.FAILED_DEPLOYMENT] == "d-1"
    assert checked.inputs["deploymentType"] == "CURRENT_VERSION"
    assert Environment.diff(_check({}, SAME).inputs, checked.inputs).changed
    assert checked.warnings == [
        "environment dev: its last deployment ended in FAILED (No such thing); `pulumi up` deploys it again"
    ]


def test_a_failed_deployment_lowers_no_other_change() -> None:
    assert _after_a_failure({"templateMinorVersion": "1"}).inputs["deploymentType"] == "MINOR_VERSION"


def test_a_failed_deployment_is_not_repeated_against_the_limit() -> None:
    checked = _after_a_failure({}, allowed="NONE")

    assert facts.FAILED_DEPLOYMENT not in checked.inputs
    assert "maxDeploymentType NONE keeps `pulumi up` from deploying it again" in checked.warnings[0]
    assert not checked.failures


def test_the_reason_of_a_failure_is_not_repeated_beside_a_secret() -> None:
    checked = _after_a_failure({facts.SECRETS: [["spec", "x"]]}, reason="at hunter2 of before")

    assert "hunter2" not in checked.warnings[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"templateName": "vpn"}, "templateName: no environment template vpn in this account and Region"),
        ({"templateMajorVersion": "9"}, "templateMajorVersion: template vpc has no version 9"),
        (
            {"templateMinorVersion": "9"},
            "templateMinorVersion: template vpc has no version 1.9; it has 1.0, 1.1, 1.2",
        ),
        (
            {"protonServiceRoleArn": None},
            (
                "template vpc needs a way of provisioning: give one of protonServiceRoleArn, "
                "codebuildRoleArn, environmentAccountConnectionId, provisioningRepository"
            ),
        ),
    ],
)
def test_what_does_not_exist_or_is_missing_is_refused_before_anything_is_made(
    change: dict[str, Any], reason: str
) -> None:
    assert [item.sentence for item in _check({}, SAME | change).failures] == [reason]
    assert not _check(SAME | change, SAME | change).failures, "what is deployed is not judged again"


def test_a_customer_managed_template_needs_no_way_of_provisioning() -> None:
    service = KnownService(VERSIONS, provisioning="CUSTOMER_MANAGED")

    assert not Environment.check({}, BASE, CheckContext(service=service)).failures
