"""The audit: a line for each write, in the transaction of a success, with bounds for what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import pytest
import sqlalchemy as sa

from proton_server.identity.audit import Audit, Write, read_lines, record, resource_of
from proton_server.persistence.store import Store
from proton_server.persistence.tables import audit_lines
from tests.commands import run_command
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REGION, SERVICE_ROLE, THIRD, unique
from tests.refusals import refused
from tests.server.exchanges import READER, Exchange, client
from tests.servers import ServedBesideAws
from tests.verifying_sts import VerifyingSts

WRITE = Write(
    ACCOUNT, "arn:aws:iam::123456789012:user/u", "CreateEnvironment", "dev", "us-east-1", "10.0.0.1", "r-1"
)
HIDDEN = "hush-hush"


def lines_about(server: ServedBesideAws, resource: str) -> list[dict[str, Any]]:
    """What `proton-server audit --json` shows of a resource."""
    done = run_command("audit", "--json", "--database", server.database)
    assert done.exit_code == 0, done.stderr
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["resource"] == resource]


def shown(server: ServedBesideAws) -> str:
    """All that `proton-server audit` shows, as a table and as JSON."""
    return "".join(
        run_command("audit", *more, "--database", server.database).stdout for more in ((), ("--json",))
    )


def test_a_write_leaves_a_line_that_says_who_from_where_what_and_how_it_ended(
    proton_server: ServedBesideAws, proton: Any
) -> None:
    name = unique("audited")

    answer = proton.create_environment_template(name=name, description=HIDDEN)

    (line,) = lines_about(proton_server, name)
    key_id = proton_server.keys[ACCOUNT][0]
    assert line == {
        "id": line["id"],
        "at": line["at"],
        "request_id": answer["ResponseMetadata"]["RequestId"],
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "principal": f"arn:aws:iam::{ACCOUNT}:user/proton-server/{key_id}",
        "address": "127.0.0.1",
        "operation": "CreateEnvironmentTemplate",
        "resource": name,
        "outcome": "OK",
    }


def test_what_is_refused_leaves_a_line_with_its_code_and_what_is_read_leaves_none(
    proton_server: ServedBesideAws, proton: Any, template: str
) -> None:
    name = unique("audited")
    with refused("ValidationException", "title"):
        proton.create_environment(
            name=name,
            templateName=template,
            templateMajorVersion="1",
            protonServiceRoleArn=SERVICE_ROLE,
            spec=f"proton: EnvironmentSpec\nspec: {{title: {HIDDEN}}}\n",
        )
    with refused("ResourceNotFoundException", name):
        proton.update_environment(name=name, deploymentType="NONE")
    with refused("ResourceNotFoundException", name):
        proton.get_environment(name=name)

    outcomes = [(line["operation"], line["outcome"]) for line in lines_about(proton_server, name)]
    assert outcomes == [
        ("CreateEnvironment", "ValidationException"),
        ("UpdateEnvironment", "ResourceNotFoundException"),
    ]


def test_no_line_quotes_a_parameter_but_the_name_and_the_model_is_asked_first(
    proton_server: ServedBesideAws, proton: Any
) -> None:
    with refused("ValidationException", "name"):
        proton.create_environment_template(name=f"not a name: {HIDDEN}", description=HIDDEN)

    assert HIDDEN not in shown(proton_server)
    assert lines_about(proton_server, "-")[-1]["outcome"] == "ValidationException"


def test_a_request_whose_sender_is_not_known_leaves_no_line(proton_server: ServedBesideAws) -> None:
    before = shown(proton_server)
    key_id = proton_server.door("proton", ACCOUNT).key_id
    forged = boto3.client(
        "proton",
        region_name=REGION,
        endpoint_url=proton_server.url,
        aws_access_key_id=key_id,
        aws_secret_access_key="wrong",
    )

    with refused("InvalidSignatureException", "does not match"):
        forged.create_environment_template(name=unique("forged"))

    assert shown(proton_server) == before


def test_a_write_that_its_sender_may_not_make_names_the_role_that_tried_it(
    exchanging: ServedBesideAws, exchanged: Exchange, sts: VerifyingSts
) -> None:
    name = unique("denied")
    with refused("AccessDeniedException", READER):
        client(exchanging, exchanged(sts.reader).document).delete_environment_template(name=name)

    (line,) = lines_about(exchanging, name)
    assert (line["principal"], line["operation"]) == (READER, "DeleteEnvironmentTemplate")
    assert line["outcome"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("parameters", "resource"),
    [
        ({"name": "dev", "spec": HIDDEN, "templateName": "topic"}, "dev"),
        ({"resourceArn": "arn:aws:proton:…", "tags": [{"key": "name", "value": HIDDEN}]}, "arn:aws:proton:…"),
        (
            {"templateName": "topic", "majorVersion": "1", "minorVersion": "0", "status": "PUBLISHED"},
            "topic:1.0",
        ),
        ({"templateName": "topic", "source": {"s3": {}}}, "topic"),
        ({"environmentName": "dev", "managementAccountId": ACCOUNT}, "dev"),
        ({"id": "7a7a", "roleArn": HIDDEN}, "7a7a"),
        ({"pipelineServiceRoleArn": HIDDEN}, "-"),
    ],
)
def test_the_resource_of_a_request_is_its_name_or_arn(parameters: dict[str, Any], resource: str) -> None:
    assert resource_of(parameters) == resource


def lines(store: Store) -> list[tuple[str, str]]:
    return [(line["resource"], line["outcome"]) for line in read_lines(store)]


def test_the_line_of_a_success_is_there_with_it_or_not_at_all(store: Store) -> None:
    with suppress(RuntimeError), store.write() as connection:
        record(connection, WRITE)
        raise RuntimeError

    assert lines(store) == []


def test_refused_requests_fill_no_disk_and_what_is_left_out_is_counted(store: Store) -> None:
    now = [0.0]
    audit = Audit(store, refusals=3, clock=lambda: now[0])

    def refuse(write: Write = WRITE) -> None:
        with pytest.raises(ValueError, match="no"), audit.refusals_of(write):
            raise ValueError("no")

    for _ in range(50):
        refuse()
    refuse(Write(THIRD, "p", "DeleteEnvironment", "theirs"))
    assert lines(store) == [*[("dev", "InternalServerException")] * 3, ("theirs", "InternalServerException")]

    now[0] = 3601.0
    refuse()
    assert lines(store)[-2:] == [
        ("-", "47 refused requests before this line were not recorded"),
        ("dev", "InternalServerException"),
    ]


def test_threads_that_are_refused_together_keep_the_bound(store: Store) -> None:
    audit = Audit(store, refusals=5)

    def refuse() -> None:
        for _ in range(10):
            with suppress(ValueError), audit.refusals_of(WRITE):
                raise ValueError

    threads = [threading.Thread(target=refuse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(lines(store)) == 5


@pytest.fixture
def filled(store: Store, database_url: str) -> Callable[..., str]:
    """A database with lines of two accounts, the first of them old: `filled(option, …)` is what is shown."""
    with store.write() as connection:
        record(connection, WRITE)
        record(connection, Write(ENVIRONMENT_ACCOUNT, "arn:p", "TagResource", "\x1b[2Jarn"))
        old = sa.update(audit_lines).where(audit_lines.c.account_id == ACCOUNT)
        connection.execute(old.values(at=audit_lines.c.at - 10 * 86400))

    def show(*options: str) -> str:
        done = run_command("audit", *options, "--database", database_url)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return show


def test_the_command_shows_a_table_in_order_that_a_terminal_does_not_obey(filled: Callable[..., str]) -> None:
    head, first, second = filled().splitlines()

    assert " ".join(head.split()) == "AT ACCOUNT ID REGION PRINCIPAL ADDRESS OPERATION RESOURCE OUTCOME"
    assert first.split()[1:] == [
        ACCOUNT,
        "us-east-1",
        WRITE.principal,
        "10.0.0.1",
        "CreateEnvironment",
        "dev",
        "OK",
    ]
    assert second.split()[1:] == [ENVIRONMENT_ACCOUNT, "-", "arn:p", "-", "TagResource", "?[2Jarn", "OK"]


def test_the_command_shows_one_account_or_the_last_days(filled: Callable[..., str]) -> None:
    assert "TagResource" not in filled("--account", ACCOUNT)
    assert "CreateEnvironment" not in filled("--since", "2d")


def test_old_lines_are_deleted_on_demand_only(filled: Callable[..., str]) -> None:
    assert filled("--delete-before", "5d") == "Lines deleted: 1\n"
    assert len(filled().splitlines()) == 2


def test_what_is_done_with_keys_is_recorded_too(store: Store, database_url: str) -> None:
    made = run_command("keys", "create", "--account", ACCOUNT, "--database", database_url)
    key_id = made.stdout.partition("=")[2].partition("\n")[0]
    for command in ("rotate", "revoke"):
        run_command("keys", command, key_id, "--database", database_url)

    assert [(line["principal"], line["operation"], line["resource"]) for line in read_lines(store)] == [
        ("operator", "CreateAccessKey", key_id),
        ("operator", "RotateAccessKey", key_id),
        ("operator", "RevokeAccessKey", key_id),
    ]
