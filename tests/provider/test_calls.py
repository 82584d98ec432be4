"""The calls that an environment's create, read and update make: none whose answer is known already."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import botocore.session
import pytest

from aws_proton_provider.aws.answers import Answers
from aws_proton_provider.aws.client import Proton
from aws_proton_provider.aws.operation import Operation
from aws_proton_provider.resources.environment.resource import Environment
from tests.provider.fake_server import ENVIRONMENT, FakeServer, response

INPUTS = {
    "name": "dev",
    "templateName": "vpc",
    "templateMajorVersion": "1",
    "templateMinorVersion": "0",
    "spec": {},
    "protonServiceRoleArn": "arn:aws:iam::111111111111:role/proton",
    "tagsAll": {},
    "waitForDeployment": True,
}
LIVE = ENVIRONMENT | {
    "protonServiceRoleArn": INPUTS["protonServiceRoleArn"],
    "spec": "proton: EnvironmentSpec\nspec: {}\n",
    "lastAttemptedDeploymentId": "first",
}
IN_PROGRESS = {"environment": LIVE | {"deploymentStatus": "IN_PROGRESS"}}
SUCCEEDED = {"environment": LIVE}
OUTPUTS = {"outputs": [{"key": "Url", "valueString": "https://dev"}]}
OTHER_OUTPUTS = {"outputs": [{"key": "Url", "valueString": "https://other"}]}
NO_TAGS: dict[str, Any] = {"tags": []}
MODEL = botocore.session.get_session().get_service_model("proton")
STATE = INPUTS | {
    "arn": LIVE["arn"],
    "deploymentStatus": "SUCCEEDED",
    "lastAttemptedDeploymentId": "first",
    "outputs": {"Url": "https://known"},
}


@dataclasses.dataclass
class Script:
    """What the server answers, each to one call; and which calls were made."""

    expected: list[str]
    made: list[str] = dataclasses.field(default_factory=list)


@pytest.fixture
def script(fake_server: FakeServer) -> Callable[..., Script]:
    """`script(("CreateEnvironment", answer), …)` gives the server its answers."""

    def prepare(*answers: tuple[str, dict[str, Any]]) -> Script:
        script = Script([operation for operation, _ in answers])
        left = [answer for _, answer in answers]

        def answer(request: BaseHTTPRequestHandler) -> None:
            script.made.append(request.headers["X-Amz-Target"].rpartition(".")[2])
            body = left.pop(0) if left else {}
            response(json.dumps(body).encode(), status=400 if "__type" in body else 200)(request)

        fake_server.answer = answer
        return script

    return prepare


def test_a_create_reads_the_environment_only_to_see_the_end_of_its_deployment(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", IN_PROGRESS),
        ("GetEnvironment", IN_PROGRESS),
        ("GetEnvironment", SUCCEEDED),
        ("ListEnvironmentOutputs", OUTPUTS),
        ("UntagResource", {}),
    )

    made = Environment.create(INPUTS, Operation(proton, "create"))

    assert calls.made == calls.expected
    assert made.state["deploymentStatus"] == "SUCCEEDED"
    assert made.state["outputs"] == {"Url": "https://dev"}


def test_a_create_that_does_not_wait_takes_the_environment_from_the_answer(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", IN_PROGRESS), ("ListEnvironmentOutputs", {"outputs": []}), ("UntagResource", {})
    )

    made = Environment.create(INPUTS | {"waitForDeployment": False}, Operation(proton, "create"))

    assert calls.made == calls.expected
    assert made.state["deploymentStatus"] == "IN_PROGRESS"


def test_an_answer_that_names_an_earlier_deployments_end_does_not_end_the_wait(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("CreateEnvironment", SUCCEEDED),
        ("GetEnvironment", IN_PROGRESS),
        ("GetEnvironment", SUCCEEDED),
        ("ListEnvironmentOutputs", OUTPUTS),
        ("UntagResource", {}),
    )

    Environment.create(INPUTS, Operation(proton, "create"))

    assert calls.made == calls.expected


def test_an_update_of_metadata_takes_the_environment_from_the_answer(
    script: Callable[..., Script], proton: Proton
) -> None:
    changed = {"environment": LIVE | {"description": "new"}}
    calls = script(
        ("GetEnvironment", SUCCEEDED),
        ("ListTagsForResource", NO_TAGS),
        ("UpdateEnvironment", changed),
    )

    state = Environment.update("dev", STATE, INPUTS | {"description": "new"}, Operation(proton, "update"))

    assert calls.made == calls.expected
    assert (state["description"], state["outputs"]) == ("new", STATE["outputs"])


def test_an_update_changes_tags_before_it_deploys_and_the_owner_after(
    script: Callable[..., Script], proton: Proton
) -> None:
    calls = script(
        ("GetEnvironment", SUCCEEDED),
        ("ListTagsForResource", {"tags": [{"key": "gone", "value": "x"}]}),
        ("TagResource", {}),
        ("UntagResource", {}),
        ("UpdateEnvironment", IN_PROGRESS),
        ("GetEnvironment", SUCCEEDED),
        ("TagResource", {}),
    )
    wanted = INPUTS | {"spec": {"a": "b"}, "tagsAll": {"team": "net", "pulumi:owner": "program"}}

    Environment.update("dev", STATE, wanted, Operation(proton, "update"))

    assert calls.made == calls.expected


@pytest.fixture
def known(script: Callable[..., Script], proton: Proton) -> dict[str, Any]:
    """The state of the environment after an import."""
    script(
        ("GetEnvironment", SUCCEEDED), ("ListEnvironmentOutputs", OUTPUTS), ("ListTagsForResource", NO_TAGS)
    )
    state = Environment.read("dev", {}, Operation(proton, "read"))
    assert state
    return state


def without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {wire: value for wire, value in record.items() if value is not None}


def listed(**different: Any) -> dict[str, Any]:
    """ListEnvironments' answer; a member that is None is left out."""
    return {"environments": [without_none({**LIVE, **different})]}


def test_a_refresh_of_what_has_not_changed_costs_a_listing_and_nothing_else(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    calls = script(("ListEnvironments", listed()))

    state = Environment.read("dev", known, Operation(proton, "read"))

    assert calls.made == calls.expected
    assert state == known


def test_a_refresh_reads_tags_where_the_stack_says_so(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    tags = {"tags": [{"key": "foreign", "value": "x"}]}
    calls = script(("ListEnvironments", listed()), ("ListTagsForResource", tags))

    state = Environment.read("dev", known, Operation(proton, "read", refresh_tags=True))

    assert calls.made == calls.expected
    assert state is not None
    assert state["tagsAll"] == {"foreign": "x"}


def test_a_refresh_of_many_costs_one_listing(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    names = [f"dev-{number}" for number in range(100)]
    calls = script(("ListEnvironments", {"environments": [LIVE | {"name": name} for name in names]}))
    answers = Answers()

    def refresh(name: str) -> dict[str, Any] | None:
        return Environment.read(name, known | {"name": name}, Operation(proton, "read", answers=answers))

    with ThreadPoolExecutor(20) as threads:
        states = list(threads.map(refresh, names))

    assert calls.made == calls.expected
    assert states == [known | {"name": name} for name in names]


def test_a_second_refresh_lists_again(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    changed = {"description": "foreign"}
    calls = script(
        ("ListEnvironments", listed()),
        ("ListEnvironments", listed(**changed)),
        ("GetEnvironment", {"environment": LIVE | changed}),
        ("ListTagsForResource", NO_TAGS),
    )
    operation = Operation(proton, "read")

    assert Environment.read("dev", known, operation) == known
    assert Environment.read("dev", known, operation) == known | changed
    assert calls.made == calls.expected


OTHER_ROLE = "arn:aws:iam::111111111111:role/other"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("arn", "arn:aws:proton:us-east-1:222222222222:environment/dev"),
        ("createdAt", 2),
        ("deploymentStatusMessage", "words"),
        ("description", "foreign"),
        ("componentRoleArn", OTHER_ROLE),
        ("environmentAccountId", "222222222222"),
        ("protonServiceRoleArn", OTHER_ROLE),
        ("protonServiceRoleArn", None),
        ("lastDeploymentAttemptedAt", 2),
        ("lastDeploymentSucceededAt", 2),
        ("lastSucceededDeploymentId", "second"),
        ("provisioning", "CUSTOMER_MANAGED"),
        ("templateMajorVersion", "2"),
        ("templateMinorVersion", "1"),
        ("templateName", "other"),
    ],
)
def test_a_refresh_reads_an_environment_whose_summary_has_changed(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any], member: str, value: Any
) -> None:
    live = without_none(LIVE | {member: value})
    kept = [] if live.keys() & {"protonServiceRoleArn"} else [("ListEnvironmentOutputs", OUTPUTS)]
    calls = script(
        ("ListEnvironments", listed(**{member: value})),
        ("GetEnvironment", {"environment": live}),
        *kept,
        ("ListTagsForResource", NO_TAGS),
    )

    state = Environment.read("dev", known, Operation(proton, "read"))

    assert calls.made == calls.expected
    assert state is not None
    assert state.get(member) != known.get(member)


def test_every_member_of_a_summary_has_a_row_above() -> None:
    (rows,) = (
        mark.args[1]
        for mark in test_a_refresh_reads_an_environment_whose_summary_has_changed.pytestmark  # type: ignore[attr-defined]
    )
    elsewhere = {"name", "deploymentStatus", "lastAttemptedDeploymentId", "environmentAccountConnectionId"}

    assert {member for member, _ in rows} | elsewhere == set(MODEL.shape_for("EnvironmentSummary").members)


def test_a_description_that_nobody_gave_is_as_good_as_an_empty_one(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    calls = script(("ListEnvironments", listed(description="")))

    Environment.read("dev", known, Operation(proton, "read"))

    assert calls.made == calls.expected


@pytest.mark.parametrize(
    ("live", "state"),
    [
        ({"lastAttemptedDeploymentId": "second"}, {}),
        ({"deploymentStatus": "FAILED"}, {}),
        ({"deploymentStatus": "FAILED"}, {"deploymentStatus": "FAILED"}),
        ({}, {"deploymentStatus": "IN_PROGRESS"}),
        ({"lastAttemptedDeploymentId": None}, {"lastAttemptedDeploymentId": None}),
    ],
    ids=["deployed since", "failed since", "failed", "known before its end", "unknown"],
)
def test_a_refresh_reads_an_environment_and_its_outputs_after_another_deployment_or_a_failed_one(
    script: Callable[..., Script],
    proton: Proton,
    known: dict[str, Any],
    live: dict[str, Any],
    state: dict[str, Any],
) -> None:
    spec = {"spec": "proton: EnvironmentSpec\nspec: {days: 2}\n"}
    calls = script(
        ("ListEnvironments", listed(**live)),
        ("GetEnvironment", {"environment": without_none(LIVE | live | spec)}),
        ("ListEnvironmentOutputs", OTHER_OUTPUTS),
        ("ListTagsForResource", {"tags": [{"key": "a", "value": "b"}]}),
    )

    found = Environment.read("dev", without_none(known | state), Operation(proton, "read"))

    assert calls.made == calls.expected
    assert found is not None
    assert (found["outputs"], found["spec"]) == ({"Url": "https://other"}, {"days": 2})
    assert found["tagsAll"] == {"a": "b"}


def _provisioned_by(**members: Any) -> dict[str, Any]:
    return {"protonServiceRoleArn": None, **members}


CONNECTION = "0fb4ee0b-1f5c-4f0c-a1bc-111111111111"
CONNECTIONS = {
    "environmentAccountConnections": [
        {
            "id": CONNECTION,
            "arn": f"arn:aws:proton:us-east-1:222222222222:environment-account-connection/{CONNECTION}",
            "environmentAccountId": "222222222222",
            "managementAccountId": "111111111111",
            "environmentName": "dev",
            "requestedAt": 1,
            "lastModifiedAt": 1,
            "roleArn": OTHER_ROLE,
            "status": "CONNECTED",
        }
    ]
}
REPOSITORY = {"arn": "arn:repository", "branch": "main", "name": "a/b", "provider": "GITHUB"}


@pytest.mark.parametrize(
    ("live", "more"),
    [
        ({"codebuildRoleArn": OTHER_ROLE}, []),
        (_provisioned_by(provisioning="CUSTOMER_MANAGED"), []),
        (_provisioned_by(provisioningRepository=REPOSITORY), []),
        (
            _provisioned_by(environmentAccountConnectionId=CONNECTION),
            [("ListEnvironmentAccountConnections", CONNECTIONS)],
        ),
    ],
    ids=["builds", "its owner", "pull requests", "another account"],
)
def test_a_refresh_asks_only_for_outputs_where_whoever_provisions_may_report_them_at_any_time(
    script: Callable[..., Script], proton: Proton, live: dict[str, Any], more: list[tuple[str, Any]]
) -> None:
    record = without_none(LIVE | live)
    calls = script(
        ("GetEnvironment", {"environment": record}),
        ("ListEnvironmentOutputs", OUTPUTS),
        *more,
        ("ListTagsForResource", NO_TAGS),
        ("ListEnvironments", listed(**live)),
        ("ListEnvironmentOutputs", OTHER_OUTPUTS),
        *more,
    )
    answers = Answers()
    known = Environment.read("dev", {}, Operation(proton, "read", answers=answers))
    assert known

    found = Environment.read("dev", known, Operation(proton, "read", answers=answers))

    assert calls.made == calls.expected
    assert found == known | {"outputs": {"Url": "https://other"}}


@pytest.mark.parametrize(
    "answer",
    [{"environments": []}, {"__type": "AccessDeniedException", "message": "no"}],
    ids=["not listed", "denied"],
)
def test_a_refresh_reads_an_environment_that_no_listing_shows(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any], answer: dict[str, Any]
) -> None:
    calls = script(
        ("ListEnvironments", answer), ("GetEnvironment", SUCCEEDED), ("ListTagsForResource", NO_TAGS)
    )

    assert Environment.read("dev", known, Operation(proton, "read")) == known
    assert calls.made == calls.expected


def test_what_an_operation_has_changed_itself_is_not_read_from_a_listing(
    script: Callable[..., Script], proton: Proton, known: dict[str, Any]
) -> None:
    calls = script(("GetEnvironment", SUCCEEDED), ("ListTagsForResource", NO_TAGS))

    assert Environment.read("dev", known, Operation(proton, "update")) == known
    assert calls.made == calls.expected
