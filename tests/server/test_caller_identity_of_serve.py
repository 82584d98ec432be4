"""STS's GetCallerIdentity at `serve`: for its own keys and sessions, and nothing else of STS."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from proton_server.identity.exchange import BODY
from tests.names import ACCOUNT, REGION
from tests.refusals import refused
from tests.server.exchanges import DEPLOY, Exchange, client
from tests.servers import ServedBesideAws
from tests.signing import FORM, Keys, authorization, timestamp
from tests.verifying_sts import VerifyingSts


@pytest.fixture
def key(exchanging: ServedBesideAws) -> Keys:
    door = exchanging.door("proton", ACCOUNT)
    return Keys(door.key_id, door.secret)


def sts_client(server: ServedBesideAws, keys: Keys) -> Any:
    named = {"AccessKeyId": keys.key_id, "SecretAccessKey": keys.secret}
    return client(server, named, "sts")


def asked(server: ServedBesideAws, headers: dict[str, str], body: str = BODY) -> tuple[int, str]:
    """Status, and the code of the error or the ARN."""
    request = urllib.request.Request(f"{server.url}/", body.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read().decode()
    found = re.search(r"<(?:Code|Arn)>(.*?)</|\"__type\": \"(\w+)\"", text)
    assert found, text
    return status, found[1] or found[2]


def headers_of(server: ServedBesideAws, keys: Keys, service: str = "sts", **more: str) -> dict[str, str]:
    headers = {
        "host": server.url.removeprefix("http://"),
        "x-amz-date": timestamp(),
        "content-type": FORM,
        **({"x-amz-security-token": keys.token} if keys.token else {}),
        **more,
    }
    return {
        **headers,
        "authorization": authorization(keys, headers, BODY.encode(), service=service, region=REGION),
    }


def test_a_key_has_an_identity(exchanging: ServedBesideAws, key: Keys) -> None:
    identity = sts_client(exchanging, key).get_caller_identity()

    arn = f"arn:aws:iam::{ACCOUNT}:user/proton-server/{key.key_id}"
    assert (identity["Account"], identity["Arn"], identity["UserId"]) == (ACCOUNT, arn, key.key_id)


def test_a_session_has_the_identity_that_aws_vouched_for(
    exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
) -> None:
    credentials = exchanged(sts.role).document

    identity = client(exchanging, credentials, "sts").get_caller_identity()

    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, DEPLOY)
    assert identity["UserId"] == credentials["AccessKeyId"]


def test_other_actions_are_refused_with_what_to_do(exchanging: ServedBesideAws, key: Keys) -> None:
    with refused("InvalidAction", "GetCallerIdentity and no other action of STS", "AWS_ENDPOINT_URL_STS"):
        sts_client(exchanging, key).assume_role(RoleArn=DEPLOY, RoleSessionName="session")


def test_a_wrong_secret_and_a_foreign_key_are_refused_as_sts_does(
    exchanging: ServedBesideAws, key: Keys
) -> None:
    with refused("SignatureDoesNotMatch", "does not match the signature you provided"):
        sts_client(exchanging, key._replace(secret="x")).get_caller_identity()
    with refused("InvalidClientTokenId", "is not a key of this server"):
        sts_client(exchanging, Keys("AKIAFOREIGN", "x")).get_caller_identity()


def test_a_signature_for_proton_is_not_good_for_sts_nor_the_reverse(
    exchanging: ServedBesideAws, key: Keys
) -> None:
    assert asked(exchanging, headers_of(exchanging, key))[0] == 200
    target = {
        "x-amz-target": "AwsProton20200720.ListEnvironments",
        "content-type": "application/x-amz-json-1.0",
    }

    for_sts = headers_of(exchanging, key)
    assert asked(exchanging, {**for_sts, **target}) == (400, "IncompleteSignatureException")
    for_proton = headers_of(exchanging, key, "proton")
    assert asked(exchanging, for_proton) == (400, "UnknownOperationException")
    renamed = for_proton["authorization"].replace("/proton/", "/sts/")
    assert asked(exchanging, {**for_proton, "authorization": renamed}) == (403, "SignatureDoesNotMatch")


def test_a_session_token_is_signed(
    exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
) -> None:
    own = exchanged(sts.role).document
    headers = headers_of(exchanging, Keys(own["AccessKeyId"], own["SecretAccessKey"]))

    answer = asked(exchanging, {**headers, "x-amz-security-token": own["SessionToken"]})

    assert answer == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Action=AssumeRole&Version=2011-06-15", "InvalidAction"),
        (f"{BODY}&Action=AssumeRole", "InvalidAction"),
        ("", "InvalidAction"),
        ("Action", "InvalidAction"),
        ("x" * 5000, "RequestEntityTooLarge"),
    ],
)
def test_a_body_is_one_action(exchanging: ServedBesideAws, key: Keys, body: str, code: str) -> None:
    headers = {name: value for name, value in headers_of(exchanging, key).items() if name != "authorization"}
    signature = authorization(key, headers, body.encode(), service="sts")

    assert asked(exchanging, {**headers, "authorization": signature}, body)[1] == code
