"""The HTTP face: protocol errors, authentication, the strictness of every answer, and what is logged."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape

from proton_server.api import wire
from proton_server.api.app import Proton
from proton_server.api.authentication import SignedRequest, VerifiedCredentials
from proton_server.engine.evaluation import Evaluator
from proton_server.operations.call import Capabilities
from proton_server.persistence.store import Store
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.git_hosting.configuration import hostings
from tests.bundles import spec
from tests.master_keys import MASTER_KEYS
from tests.refusals import refused
from tests.server.environments import create
from tests.servers import LocalServer
from tests.waiting import ended

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/proton/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)

NOT_SIGNED = "Authorization must be an AWS4-HMAC-SHA256 header for the service proton and an AWS Region."

CAN_NOTHING = Capabilities({}, hostings({}), Stacks(Aws()))


def post(
    server: LocalServer, target: str, body: bytes = b"{}", authorization: str | None = SIGNED
) -> tuple[int, Any]:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    if authorization is not None:
        headers["Authorization"] = authorization
    request = urllib.request.Request(server.url, body, headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-amzn-RequestId"])
        assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"
        return answer.code, json.load(answer)


@pytest.mark.parametrize(
    ("target", "body", "authorization", "status", "code", "message"),
    [
        (
            "ListEnvironments",
            b"{}",
            None,
            403,
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
        ("ListEnvironments", b"{}", "Basic eDp5", 400, "IncompleteSignatureException", NOT_SIGNED),
        (
            "ListEnvironments",
            b"{}",
            SIGNED.replace("/proton/", "/s3/"),
            400,
            "IncompleteSignatureException",
            NOT_SIGNED,
        ),
        ("ListEnvironments", b"{", SIGNED, 400, "SerializationException", "is not a JSON document in UTF-8."),
        (
            "ListEnvironments",
            b'{"maxResults": 0}',
            SIGNED,
            400,
            "ValidationException",
            "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint",
        ),
        (
            "ListEnvironments",
            b" " * 1_100_000,
            SIGNED,
            413,
            "RequestEntityTooLargeException",
            "The request body is larger than 1048576 bytes.",
        ),
        ("", b"{}", SIGNED, 400, "UnknownOperationException", "AWS Proton has no operation"),
        (
            "CreateCar",
            b"{}",
            SIGNED,
            400,
            "UnknownOperationException",
            "AWS Proton has no operation 'CreateCar'.",
        ),
        (
            "CreateService",
            b"{}",
            SIGNED,
            400,
            "UnknownOperationException",
            "CreateService is an operation of AWS Proton that is not implemented.",
        ),
    ],
)
def test_a_request_that_reaches_no_operation_is_answered_by_the_protocol(
    local_server: LocalServer,
    target: str,
    body: bytes,
    authorization: str | None,
    status: int,
    code: str,
    message: str,
) -> None:
    found, error = post(local_server, f"AwsProton20200720{target and '.'}{target}", body, authorization)

    assert (found, error["__type"]) == (status, code)
    assert message in error["message"]


def test_an_operation_of_proton_that_is_not_built_says_so(proton: Any) -> None:
    with refused(
        "UnknownOperationException",
        "ListServices is an operation of AWS Proton that is not implemented.",
    ):
        proton.list_services()


def test_health_is_answered_to_anybody_and_a_bucket_of_that_name_is_still_s3s(
    local_server: LocalServer,
) -> None:
    with urllib.request.urlopen(f"{local_server.url}/health") as answer:
        assert (answer.status, answer.read()) == (200, b"ok\n")
    s3 = local_server.client("s3")
    s3.create_bucket(Bucket="health")
    assert s3.list_objects_v2(Bucket="health")["KeyCount"] == 0


def test_every_answer_has_all_members_that_the_model_requires(proton: Any, template: str) -> None:
    name = create(proton, template)["name"]
    calls = {
        "GetEnvironment": {"name": name},
        "ListEnvironments": {},
        "ListDeployments": {"environmentName": name},
        "ListEnvironmentOutputs": {"environmentName": name},
        "ListEnvironmentProvisionedResources": {"environmentName": name},
        "GetEnvironmentTemplate": {"name": template},
        "ListEnvironmentTemplates": {},
        "GetEnvironmentTemplateVersion": {"templateName": template, "majorVersion": "1", "minorVersion": "0"},
        "ListEnvironmentTemplateVersions": {"templateName": template},
    }
    deployment = proton.list_deployments(environmentName=name)["deployments"][0]
    calls["GetDeployment"] = {"id": deployment["id"]}
    for while_ in ("in progress", "ended"):
        for operation, request in calls.items():
            method = getattr(proton, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
            model = wire.operation_of(wire.TARGET_PREFIX + operation)
            assert list(_missing(model.output_shape, method(**request), operation)) == [], while_
        ended(proton, name)


def _missing(shape: Shape | None, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        yield from (f"{path}.{name}" for name in shape.required_members if name not in value)
        for name, member in shape.members.items():
            if name in value:
                yield from _missing(member, value[name], f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            yield from _missing(shape.member, item, f"{path}[]")


def test_the_log_names_operation_account_and_code_but_no_spec_tag_or_credential(
    proton: Any, template: str, proton_server: LocalServer
) -> None:
    record = create(
        proton,
        template,
        spec=spec(title="hush"),
        tags=[{"key": "k", "value": "tagsecret"}],
        description="descsecret",
    )
    ended(proton, record["name"])
    with refused("ValidationException", "spec.title"):
        create(proton, template, spec=spec(title="HUSHHUSH"))

    log = proton_server.log.read_text()
    assert re.search(r"CreateEnvironment 123456789012 us-east-1 OK \d+ms [0-9a-f-]{36}", log)
    assert re.search(r"CreateEnvironment 123456789012 us-east-1 ValidationException", log)
    assert record["lastAttemptedDeploymentId"] in log
    for secret in ("hush", "HUSHHUSH", "tagsecret", "descsecret", "Signature="):
        assert secret not in log


def test_a_flood_of_refused_signatures_is_ten_warnings_a_minute_and_the_rest_is_for_who_asks_for_it(
    caplog: pytest.LogCaptureFixture, evaluate: Evaluator, tmp_path: Path
) -> None:
    store = Store(str(tmp_path / "db"))
    proton = Proton(store, VerifiedCredentials(MASTER_KEYS), CAN_NOTHING, evaluate, lambda _operation: None)
    headers = {
        "host": "localhost",
        "x-amz-target": "AwsProton20200720.ListEnvironments",
        "content-type": "application/x-amz-json-1.0",
        "authorization": SIGNED,
    }
    with caplog.at_level("INFO", "proton_server"):
        for _ in range(12):
            proton.answer(SignedRequest("POST", "/", "", headers, b"{}", client="10.1.2.3"))
    store.close()

    assert [record.levelname for record in caplog.records] == ["WARNING"] * 10 + ["INFO"] * 2
    assert all(
        "key 123456789012 from 10.1.2.3 UnrecognizedClientException" in line for line in caplog.messages
    )
