"""AWS credentials for the server's own: by a real `serve`, whose STS verifies signatures."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pytest

from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, unique
from tests.refusals import refused
from tests.server.exchanges import ALICE, DEPLOY, Answered, Exchange, client, sent
from tests.servers import LocalServer, ServedBesideAws, free_port
from tests.signing import Keys, document, identity_headers
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
        lines = re.findall(r"exchange (.*) request_id=[0-9a-f-]{36}$", log, re.MULTILINE)
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


class TestAddresses:
    """How often an address may ask, and which address a request is from."""

    @pytest.fixture
    def limited(
        self, sts: VerifyingSts, local_server: LocalServer, tmp_path: Path
    ) -> Iterator[Callable[..., ServedBesideAws]]:
        """A server where an address may ask twice in a minute: `limited("--option", …)`."""
        servers = []

        def start(*options: str) -> ServedBesideAws:
            port = free_port()
            address = ("--public-url", f"http://127.0.0.1:{port}", "--sts-endpoint", sts.url)
            many = ("--exchanges-per-minute", "2")
            servers.append(ServedBesideAws(tmp_path, (*address, *many, *options), port, aws=local_server))
            servers[-1].start()
            return servers[-1]

        yield start
        for server in servers:
            server.kill()

    def answers(
        self, server: ServedBesideAws, sts: VerifyingSts, *addresses: str, **changes: str
    ) -> list[Answered]:
        """What is answered to requests that say to be from these addresses."""
        headers = identity_headers(sts.user, **{"audience": server.url, "host": sts.host, **changes})
        return [sent(server.url, document(headers), more={"X-Forwarded-For": one}) for one in addresses]

    def test_an_address_learns_when_to_ask_again(
        self, limited: Callable[..., ServedBesideAws], sts: VerifyingSts
    ) -> None:
        server = limited()
        # What is refused at a glance does not count.
        assert {
            answer.refusal for answer in self.answers(server, sts, *"abcd", audience="https://evil.example")
        } == {(403, "InvalidAudience")}

        # Without a proxy that is trusted, nobody says where a request is from.
        answers = self.answers(server, sts, "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")

        assert [answer.refusal for answer in answers] == [
            (403, "AccessDenied"),
            (403, "AccessDenied"),
            (429, "TooManyRequests"),
            (429, "TooManyRequests"),
        ]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 30

    def test_behind_a_trusted_proxy_each_client_counts_for_itself(
        self, limited: Callable[..., ServedBesideAws], sts: VerifyingSts
    ) -> None:
        server = limited("--trusted-proxy", "127.0.0.1")

        answers = self.answers(server, sts, "10.0.0.1", "10.0.0.2", "10.0.0.1", "evil, 10.0.0.1", "10.0.0.2")

        assert [answer.status for answer in answers] == [403, 403, 403, 429, 403]
        assert "from 10.0.0.2 AccessDenied" in server.log.read_text()
