"""The order of an exchange's checks, with an STS that says what a test wants, and a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from proton_server.identity.address_limits import AddressLimits
from proton_server.identity.configuration import ConfigurationFile
from proton_server.identity.issuer import Issuer
from proton_server.identity.refusals import ExchangeRefused
from proton_server.identity.session_tokens import SessionTokens, TemporaryCredentials
from proton_server.identity.sts import Sts
from proton_server.persistence.store import Store
from proton_server.persistence.tables import used_signatures
from tests.master_keys import MASTER_KEYS
from tests.server.test_hostile_sts import FakeSts, answering, response
from tests.signing import AUDIENCE, Keys, document, identity_headers

ARN = "arn:aws:iam::111122223333:user/alice"
NOW = 1_790_000_000.0


def identity(arn: str) -> bytes:
    """STS's answer that names a principal of account 111122223333."""
    result = f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    return response(
        f'<GetCallerIdentityResponse xmlns="{namespace}"><GetCallerIdentityResult>{result}'
        "</GetCallerIdentityResult></GetCallerIdentityResponse>".encode()
    )


@pytest.fixture
def exchanged(store: Store, tmp_path: Path) -> Callable[..., TemporaryCredentials]:
    """Exchanges a request that an STS answers: `exchanged(sts, region=…)`."""
    file = tmp_path / "serve.yaml"
    rules = [{"principal": arn, "allow": "write"} for arn in (ARN, ARN.replace("arn:aws:", "arn:aws-cn:"))]
    file.write_text(json.dumps({"access": rules}))

    def exchange(sts: FakeSts, at: float = NOW, **changes: str) -> TemporaryCredentials:
        issuer = Issuer(
            store,
            MASTER_KEYS,
            SessionTokens(MASTER_KEYS, AUDIENCE),
            Sts(f"http://{sts.authority}"),
            ConfigurationFile(file),
            AddressLimits(100),
            lambda: NOW,
        )
        headers = identity_headers(Keys("AKIAEXAMPLE", "secret"), host=sts.authority, at=at, **changes)
        return issuer.credentials(json.dumps(document(headers)).encode(), "10.0.0.1")

    return exchange


def remembered(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(used_signatures)) or 0


def test_a_principal_that_sts_names_and_a_rule_allows_gets_credentials(
    exchanged: Callable[..., TemporaryCredentials], store: Store
) -> None:
    with answering(identity(ARN)) as sts:
        credentials = exchanged(sts)

    assert (credentials.session.principal, credentials.session.partition) == (ARN, "aws")
    assert remembered(store) == 1


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws-cn"), ("cn-north-1", "aws")])
def test_a_principal_of_another_partition_than_the_signatures_gets_none(
    exchanged: Callable[..., TemporaryCredentials], store: Store, region: str, partition: str
) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")
    with answering(identity(arn)) as sts, pytest.raises(ExchangeRefused) as caught:
        exchanged(sts, region=region)

    message = f"The principal {arn} is not of the partition of the Region {region}."
    assert (caught.value.code, str(caught.value)) == ("AccessDenied", message)
    assert remembered(store) == 0


@pytest.mark.parametrize(
    "changes", [{"at": NOW - 301}, {"at": NOW + 301}, {"audience": "https://evil.example"}]
)
def test_sts_is_not_asked_about_what_would_be_refused_anyway(
    exchanged: Callable[..., TemporaryCredentials], store: Store, changes: dict[str, str]
) -> None:
    with answering(identity(ARN)) as sts, pytest.raises(ExchangeRefused):
        exchanged(sts, **changes)

    assert (sts.asked, remembered(store)) == ([], 0)


def test_a_signature_is_remembered_only_for_who_is_allowed(
    exchanged: Callable[..., TemporaryCredentials], store: Store
) -> None:
    for answer in (identity(ARN + "-2"), response(b"", "403 Forbidden"), response(b"", "500 Oops")):
        with answering(answer) as sts, pytest.raises(ExchangeRefused):
            exchanged(sts)

    assert remembered(store) == 0
