"""The environment template operations over HTTP: what they answer, and each refusal with code and message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.servers import LocalServer


def test_a_created_template_has_an_arn_and_no_recommended_version(proton: Any) -> None:
    name = unique("template")

    created = proton.create_environment_template(name=name, displayName="D", description="d")[
        "environmentTemplate"
    ]

    assert created["arn"] == f"arn:aws:proton:us-east-1:{ACCOUNT}:environment-template/{name}"
    assert created["createdAt"] == created["lastModifiedAt"]
    assert "recommendedVersion" not in created
    assert proton.get_environment_template(name=name)["environmentTemplate"] == created


def test_the_same_request_again_answers_with_the_existing_template(proton: Any) -> None:
    name = unique("template")
    first = proton.create_environment_template(name=name)["environmentTemplate"]

    assert proton.create_environment_template(name=name)["environmentTemplate"] == first


def test_another_request_for_a_taken_name_is_a_parameter_mismatch(proton: Any) -> None:
    name = unique("template")
    proton.create_environment_template(name=name)

    with refused("ValidationException", "Idempotent parameter mismatch"):
        proton.create_environment_template(name=name, description="other")


def test_the_same_request_for_a_template_modified_since_is_a_conflict(proton: Any) -> None:
    name = unique("template")
    proton.create_environment_template(name=name)
    proton.update_environment_template(name=name, displayName="new")

    with refused("ConflictException", "already exists and was modified"):
        proton.create_environment_template(name=name)


def test_an_update_changes_what_is_given_only(proton: Any) -> None:
    name = unique("template")
    proton.create_environment_template(name=name, displayName="D", description="d")

    updated = proton.update_environment_template(name=name, description="")["environmentTemplate"]

    assert (updated["displayName"], updated["description"]) == ("D", "")
    assert updated["lastModifiedAt"] > updated["createdAt"]


@pytest.mark.parametrize("operation", ["get_environment_template", "update_environment_template"])
def test_a_missing_template_is_not_found(proton: Any, operation: str) -> None:
    with refused("ResourceNotFoundException", "Environment template not found: missing"):
        getattr(proton, operation)(name="missing")


def test_a_template_of_another_account_is_not_found(proton_server: LocalServer, template: str) -> None:
    with refused("ResourceNotFoundException", f"Environment template not found: {template}"):
        proton_server.client("proton", "222222222222").get_environment_template(name=template)


def test_a_template_with_versions_cannot_be_deleted(proton: Any, template: str) -> None:
    with refused(
        "ValidationException", "Environment template has major versions that must first be deleted."
    ):
        proton.delete_environment_template(name=template)


def test_a_deleted_template_is_gone_and_deleting_it_again_succeeds_with_nothing_to_show(proton: Any) -> None:
    name = unique("template")
    created = proton.create_environment_template(name=name)["environmentTemplate"]

    assert proton.delete_environment_template(name=name)["environmentTemplate"] == created
    assert "environmentTemplate" not in proton.delete_environment_template(name=name)


def test_listing_pages_through_all_in_order(proton_server: LocalServer) -> None:
    proton = proton_server.client("proton", "555555555555")
    for name in ("c", "a", "b"):
        proton.create_environment_template(name=name)

    pages = proton.get_paginator("list_environment_templates").paginate(PaginationConfig={"PageSize": 1})

    assert [[template["name"] for template in page["templates"]] for page in pages] == [["a"], ["b"], ["c"]]
