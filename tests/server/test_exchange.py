"""AWS credentials for the server's own: by a real `serve`, whose STS verifies signatures."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import datetime, timezone
from functools import partial

import pytest

from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, unique
from tests.refusals import refused
from tests.server.exchanges import ALICE, DEPLOY, Exchange, client
from tests.servers import ServedBesideAws
from tests.signing import Keys
from tests.verifying_sts import VerifyingSts


def test_the_server_says_where_it_exchanges_credentials(exchanging: ServedBesideAws) -> None:
    with urllib.request.urlopen(f"{exchanging.url}/.well-known/proton-server") as answer:
        assert json.load(answer) == {"exchange": "/credentials"}


class TestExchange:
    @pytest.mark.parametrize(("who", "arn"), [("user", ALICE), ("role", DEPLOY), ("other_session", DEPLOY)])
    def test_whoever_is_allowed_gets_credentials_that_sdks_sign_with(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, exchanged: Exchange, who: str, arn: str
    ) -> None:
        answer = exchanged(getattr(sts, who))

        assert answer.status == 200, answer.document
        assert set(answer.document) == {
            "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Account", "Arn"
        }  # fmt: skip
        assert (answer.document["Account"], answer.document["Arn"]) == (ACCOUNT, arn)
        expires = datetime.strptime(answer.document["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=timezone.utc
        )
        assert 3500 < expires.timestamp() - time.time() <= 3600
        assert answer.headers["Cache-Control"] == "no-store"
        name = unique("template")
        made = client(exchanging, answer.document).create_environment_template(name=name)
        assert made["environmentTemplate"]["arn"].startswith(f"arn:aws:proton:{REGION}:{ACCOUNT}:")

    def test_two_processes_exchange_the_same_credentials_in_one_second(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, exchanged: Exchange
    ) -> None:
        now = time.time()

        answers = [
            exchanged(sts.role, at=now, audience=f"{exchanging.url}#{nonce * 16}") for nonce in ("a", "b")
        ]

        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].document["AccessKeyId"] != answers[1].document["AccessKeyId"]

    def test_each_exchange_is_one_line_in_the_log_without_what_was_sent(
        self, exchanging: ServedBesideAws, sts: VerifyingSts, exchanged: Exchange
    ) -> None:
        start = exchanging.log.stat().st_size

        given = [
            exchanged(sts.role).document,
            exchanged(sts.stranger).document,
            exchanged(sts.user, body="x").document,
        ]

        log = exchanging.log.read_bytes()[start:].decode()
        stranger = f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/deploy"
        lines = [line.partition("exchange ")[2] for line in log.splitlines() if "exchange " in line]
        assert lines == [
            f"{DEPLOY} from 127.0.0.1 OK",
            f"{stranger} from 127.0.0.1 AccessDenied",
            f"key {sts.user.key_id} from 127.0.0.1 InvalidSignature",
        ]
        secrets = [
            sts.role.secret,
            sts.role.token,
            given[0]["SecretAccessKey"],
            given[0]["SessionToken"],
            "Signature=",
        ]
        assert [secret for secret in secrets if str(secret) in log] == []


class TestWhoMay:
    """Line 7: nobody but those of the configuration."""

    def test_another_accounts_role_of_the_same_name_may_not(
        self, exchanged: Exchange, sts: VerifyingSts
    ) -> None:
        answer = exchanged(sts.stranger)

        arn = f"arn:aws:iam::{ENVIRONMENT_ACCOUNT}:role/deploy"
        assert answer.refusal == (403, "AccessDenied")
        assert answer.document["message"] == (
            f"{arn} may not use this server: no entry of its configuration allows it."
        )

    def test_who_may_read_may_not_write(
        self, exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
    ) -> None:
        proton = client(exchanging, exchanged(sts.reader).document)

        proton.list_environments()
        with refused("ResourceNotFoundException", "none"):
            proton.get_environment(name="none")
        arn = f"arn:aws:iam::{ACCOUNT}:role/read-only"
        for write in (
            partial(proton.create_environment_template, name="x"),
            partial(proton.delete_environment, name="x"),
            partial(proton.tag_resource, resourceArn=f"arn:aws:proton:{REGION}:{ACCOUNT}:x", tags=[]),
        ):
            with refused(
                "AccessDeniedException", f"User: {arn} is not authorized to perform: proton:", "to read only"
            ):
                write()

    def test_a_principal_of_another_partition_may_not(self, exchanged: Exchange, sts: VerifyingSts) -> None:
        # For the signature's Region only principals of its partition count; this STS knows none there.
        assert exchanged(sts.role, region="cn-north-1").refusal == (403, "InvalidSignature")


class TestProtonsOwnCredentials:
    """They are used as they are, and never exchanged again."""

    def test_a_key_is_not_exchanged(self, exchanging: ServedBesideAws, exchanged: Exchange) -> None:
        door = exchanging.door("proton", ACCOUNT)

        answer = exchanged(Keys(door.key_id, door.secret))

        assert answer.refusal == (400, "OwnCredentials")

    def test_a_session_is_not_exchanged(
        self, exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
    ) -> None:
        own = exchanged(sts.role).document

        answer = exchanged(Keys(own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"]))

        assert answer.refusal == (400, "OwnSession")
