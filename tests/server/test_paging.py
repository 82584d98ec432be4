"""Pages of lists, on both databases: a token leads on, and one that the list did not give out is refused."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from proton_server.operations import OPERATIONS
from proton_server.operations.call import Answers, Call, Capabilities
from proton_server.operations.errors import ResourceNotFoundException, ValidationException
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.git_hosting.configuration import hostings

ACCOUNT, REGION = "111111111111", "us-east-1"
TOO_LARGE = "99999999999999999999"


CAN = Capabilities({}, hostings({}), Stacks(Aws()))


def run(store: Store, operation: str, **request: Any) -> dict[str, Any]:
    with store.write(ACCOUNT, REGION) as connection:
        rows = Rows(connection, ACCOUNT, REGION)
        call = Call(operation, ACCOUNT, REGION, round(time.time(), 3), rows, CAN, Answers())
        return OPERATIONS[operation](call, request)


def forged(token: str, *after: Any) -> str:
    """A token that is bound to its list as this one is, and goes on somewhere else."""
    bound = json.loads(base64.b64decode(token))[0]
    return base64.b64encode(json.dumps([bound, *after]).encode()).decode()


def templates(store: Store) -> str:
    """Makes three templates. Returns the first page's token."""
    for name in ("a", "b", "c"):
        run(store, "create_environment_template", name=name)
    token: str = run(store, "list_environment_templates", maxResults=1)["nextToken"]
    return token


def test_a_list_is_read_page_by_page(store: Store) -> None:
    token, seen = templates(store), ["a"]
    while token:
        page = run(store, "list_environment_templates", maxResults=1, nextToken=token)
        seen += [template["name"] for template in page["templates"]]
        token = page["nextToken"]

    assert seen == ["a", "b", "c"]


def test_a_token_is_good_when_what_it_was_given_out_for_is_gone(store: Store) -> None:
    token = templates(store)
    for name in ("a", "b", "c"):
        run(store, "delete_environment_template", name=name)

    assert run(store, "list_environment_templates", nextToken=token) == {"templates": [], "nextToken": None}


def test_a_token_that_the_list_did_not_give_out_is_refused(store: Store) -> None:
    """What is in a token goes to the database, where PostgreSQL does not compare text with a number."""
    token = templates(store)
    keys: list[list[Any]] = [
        [],
        [1],
        [10**31],
        ["a", "b"],
        [None],
        [["a"]],
        [{}],
        ["\ud800"],
        ["a\0"],
        [True],
    ]
    wrong = [forged(token, *key) for key in keys]
    wrong += [base64.b64encode(text).decode() for text in (b"[]", b"{}", b"1" * 31, b"[" * 9_000, b"\xff")]

    for forgery in [*wrong, "x", "", "é"]:
        with pytest.raises(ValidationException, match="nextToken is not valid for this list"):
            run(store, "list_environment_templates", nextToken=forgery)


def test_a_version_number_beyond_all_numbers_is_one_that_is_not_there(store: Store) -> None:
    templates(store)
    version = {"majorVersion": TOO_LARGE, "minorVersion": TOO_LARGE}
    source = {"s3": {"bucket": "bundles", "key": "k"}}
    spec = {"name": "e", "templateName": "a", "spec": "proton: EnvironmentSpec\nspec: {}\n"}

    with pytest.raises(ResourceNotFoundException):
        run(store, "get_environment_template_version", templateName="a", **version)
    with pytest.raises(ResourceNotFoundException):
        run(
            store,
            "create_environment_template_version",
            templateName="a",
            majorVersion=TOO_LARGE,
            source=source,
        )
    with pytest.raises(ValidationException, match="no published version under major version 9999"):
        run(
            store,
            "create_environment",
            **spec,
            templateMajorVersion=TOO_LARGE,
            protonServiceRoleArn="arn:aws:iam::111111111111:role/r",
        )
    listed = run(store, "list_environment_template_versions", templateName="a", majorVersion=TOO_LARGE)
    assert listed["templateVersions"] == []
