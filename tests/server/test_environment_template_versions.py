"""Template versions over HTTP: registration, numbers, recommendation, deletion, and each refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from proton_server.operations.call import Answers, Call, Capabilities
from proton_server.operations.environment_template_versions import list_environment_template_versions
from proton_server.persistence.rows import Rows
from proton_server.persistence.store import Store
from proton_server.persistence.tables import environment_template_versions, environment_templates
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.git_hosting.configuration import hostings
from proton_templates.bundle import pack
from tests.bundles import SCHEMA, TEMPLATE, bundle
from tests.names import ACCOUNT, unique
from tests.refusals import refused
from tests.server.environments import create
from tests.servers import LocalServer
from tests.waiting import ended, gone, registered

BUCKET = "bundles-of-tests"
CAN = Capabilities({}, hostings({}), Stacks(Aws()))
OTHER_SCHEMA = SCHEMA.replace(
    "properties:", "required: [owner]\n      properties:\n        owner: {type: string}"
)


@pytest.fixture(scope="module")
def source(proton_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Where bundles lie in S3, by what they are: `good`, `required` (one more required input) and `text`."""
    s3 = proton_server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    folder = tmp_path_factory.mktemp("bundles")
    s3.put_object(Bucket=BUCKET, Key="good", Body=pack(bundle(folder / "good")))
    s3.put_object(Bucket=BUCKET, Key="required", Body=pack(bundle(folder / "required", schema=OTHER_SCHEMA)))
    s3.put_object(Bucket=BUCKET, Key="text", Body=b"no tarball")
    return {key: {"bucket": BUCKET, "key": key} for key in ("good", "required", "text", "missing")}


@pytest.fixture
def own(proton: Any) -> str:
    """A template without versions, for one test."""
    name = unique("template")
    proton.create_environment_template(name=name)
    return name


@pytest.fixture
def register(proton: Any, own: str, source: dict[str, dict[str, str]]) -> Any:
    """Registers a version of the own template and waits: `register("good", majorVersion="1")`."""

    def do(key: str = "good", **more: str) -> dict[str, Any]:
        version = proton.create_environment_template_version(
            templateName=own, source={"s3": source[key]}, **more
        )
        return registered(proton, version["environmentTemplateVersion"])

    return do


def publish(proton: Any, version: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = proton.update_environment_template_version(
        **number(version), status="PUBLISHED"
    )["environmentTemplateVersion"]
    return record


def number(version: dict[str, Any]) -> dict[str, str]:
    return {member: version[member] for member in ("templateName", "majorVersion", "minorVersion")}


def test_a_version_is_registered_in_the_background_and_then_a_draft(
    proton: Any, own: str, source: dict[str, dict[str, str]]
) -> None:
    reply = proton.create_environment_template_version(
        templateName=own, source={"s3": source["good"]}, description="d"
    )
    version = reply["environmentTemplateVersion"]
    after = registered(proton, version)

    assert version["status"] == "REGISTRATION_IN_PROGRESS"
    assert version["arn"] == f"arn:aws:proton:us-east-1:{ACCOUNT}:environment-template/{own}:1.0"
    assert (after["status"], after["description"], after["schema"]) == ("DRAFT", "d", SCHEMA)
    assert "statusMessage" not in after


def test_without_a_major_version_a_new_major_begins_and_with_it_the_next_minor(register: Any) -> None:
    numbers = [
        f"{version['majorVersion']}.{version['minorVersion']}"
        for version in (register(), register(majorVersion="1"), register(), register(majorVersion="1"))
    ]

    assert numbers == ["1.0", "1.1", "2.0", "1.2"]


def test_the_first_version_may_be_asked_for_as_major_1(register: Any) -> None:
    assert register(majorVersion="1")["arn"].endswith(":1.0")


def test_a_major_version_that_does_not_exist_is_not_found(
    proton: Any, own: str, source: dict[str, dict[str, str]]
) -> None:
    with refused("ResourceNotFoundException", "has no major version 3: leave majorVersion out for a new one"):
        proton.create_environment_template_version(
            templateName=own, source={"s3": source["good"]}, majorVersion="3"
        )


@pytest.mark.parametrize(
    ("key", "message"), [("text", "tar"), ("missing", "s3://bundles-of-tests/missing cannot be read")]
)
def test_a_bundle_that_cannot_be_used_fails_the_registration_with_the_reason(
    register: Any, key: str, message: str
) -> None:
    version = register(key)

    assert version["status"] == "REGISTRATION_FAILED"
    assert message in version["statusMessage"]


def test_the_bucket_of_another_account_fails_the_registration_and_nothing_is_shown_of_it(
    proton_server: LocalServer, source: dict[str, dict[str, str]]
) -> None:
    stranger = proton_server.client("proton", account="222222222222")
    name = unique("template")
    stranger.create_environment_template(name=name)

    reply = stranger.create_environment_template_version(templateName=name, source={"s3": source["good"]})
    version = registered(stranger, reply["environmentTemplateVersion"])

    assert version["status"] == "REGISTRATION_FAILED"
    assert "schema" not in version
    for part in ("s3://bundles-of-tests/good", "Access Denied", "222222222222", "--template-bucket-account"):
        assert part in version["statusMessage"]


def test_a_minor_version_with_an_incompatible_schema_fails_the_registration(register: Any) -> None:
    register()

    version = register("required", majorVersion="1")

    assert version["status"] == "REGISTRATION_FAILED"
    assert "owner" in version["statusMessage"]
    assert register("required")["status"] == "DRAFT"


def test_the_bundle_is_kept_when_the_object_in_s3_goes(
    proton: Any, proton_server: LocalServer, own: str, tmp_path: Path
) -> None:
    s3 = proton_server.client("s3")
    s3.put_object(Bucket=BUCKET, Key=own, Body=pack(bundle(tmp_path / "own")))
    reply = proton.create_environment_template_version(
        templateName=own, source={"s3": {"bucket": BUCKET, "key": own}}
    )
    publish(proton, registered(proton, reply["environmentTemplateVersion"]))
    s3.delete_object(Bucket=BUCKET, Key=own)

    assert ended(proton, create(proton, own)["name"])["deploymentStatus"] == "SUCCEEDED"


class TestClientToken:
    @pytest.fixture
    def token(self) -> str:
        return unique("token")

    def test_the_same_token_and_request_answers_with_the_same_version(
        self, register: Any, token: str
    ) -> None:
        assert register(clientToken=token)["arn"] == register(clientToken=token)["arn"]

    def test_the_same_token_with_another_request_is_refused(self, register: Any, token: str) -> None:
        register(clientToken=token)

        with refused("ValidationException", "Idempotent parameter mismatch"):
            register(clientToken=token, description="other")

    def test_the_token_of_a_deleted_version_makes_a_new_one(
        self, proton: Any, register: Any, token: str
    ) -> None:
        first = register(clientToken=token)
        proton.delete_environment_template_version(**number(first))

        assert register(clientToken=token)["createdAt"] > first["createdAt"]


class TestPublication:
    def test_the_highest_published_version_is_recommended(self, proton: Any, own: str, register: Any) -> None:
        one_zero, one_one, two_zero = register(), register(majorVersion="1"), register()

        def recommended() -> str | None:
            template = proton.get_environment_template(name=own)["environmentTemplate"]
            version: str | None = template.get("recommendedVersion")
            return version

        assert recommended() is None
        assert publish(proton, one_one)["recommendedMinorVersion"] == "1"
        assert recommended() == "1.1"
        publish(proton, one_zero)
        assert recommended() == "1.1"
        publish(proton, two_zero)
        assert recommended() == "2.0"

    def test_publishing_again_changes_nothing_and_the_description_can_change_alone(
        self, proton: Any, register: Any
    ) -> None:
        version = publish(proton, register())

        again = proton.update_environment_template_version(**number(version), description="new")

        assert again["environmentTemplateVersion"]["status"] == "PUBLISHED"
        assert again["environmentTemplateVersion"]["description"] == "new"
        assert publish(proton, version)["status"] == "PUBLISHED"

    @pytest.mark.parametrize("status", ["DRAFT", "REGISTRATION_FAILED"])
    def test_there_is_no_way_to_another_status(self, proton: Any, register: Any, status: str) -> None:
        version = register()

        with refused("ValidationException", "can be changed to PUBLISHED only"):
            proton.update_environment_template_version(**number(version), status=status)

    def test_a_failed_registration_cannot_be_published_or_deployed(
        self, proton: Any, own: str, register: Any
    ) -> None:
        version = register("text")

        with refused(
            "ConflictException", "is REGISTRATION_FAILED, and only a DRAFT version can be published"
        ):
            publish(proton, version)
        with refused("ValidationException", "is REGISTRATION_FAILED and cannot be deployed"):
            create(proton, own, templateMinorVersion="0")


class TestDeletion:
    def test_a_version_in_use_cannot_be_deleted_until_the_environment_is(
        self, proton: Any, own: str, register: Any
    ) -> None:
        version = publish(proton, register())
        environment = ended(proton, create(proton, own)["name"])["name"]

        with refused("ConflictException", f"is used by environment {environment}"):
            proton.delete_environment_template_version(**number(version))
        proton.delete_environment(name=environment)
        gone(proton, environment)
        proton.delete_environment_template_version(**number(version))
        assert "recommendedVersion" not in proton.get_environment_template(name=own)["environmentTemplate"]

    def test_a_recommended_version_can_be_deleted_only_as_the_last(self, proton: Any, register: Any) -> None:
        one_zero, one_one, two_zero = (
            publish(proton, register(**more)) for more in ({}, {"majorVersion": "1"}, {})
        )

        with refused("ConflictException", ":2.0 is the recommended version"):
            proton.delete_environment_template_version(**number(two_zero))
        with refused("ConflictException", ":1.1 is the recommended minor version"):
            proton.delete_environment_template_version(**number(one_one))
        for version in (one_zero, one_one, two_zero):
            deleted = proton.delete_environment_template_version(**number(version))
            assert deleted["environmentTemplateVersion"]["arn"] == version["arn"]

    def test_deleting_a_missing_version_succeeds_with_nothing_to_show(self, proton: Any, own: str) -> None:
        key = {"templateName": own, "majorVersion": "1", "minorVersion": "0"}

        assert "environmentTemplateVersion" not in proton.delete_environment_template_version(**key)


class TestGetAndList:
    def test_a_missing_version_or_template_is_not_found(self, proton: Any, own: str) -> None:
        key = {"templateName": own, "majorVersion": "1", "minorVersion": "0"}

        for operation in (
            proton.get_environment_template_version,
            proton.update_environment_template_version,
        ):
            with refused("ResourceNotFoundException", f"Environment template version not found: {own}:1.0"):
                operation(**key)
        with refused("ResourceNotFoundException", "Environment template not found: missing"):
            proton.list_environment_template_versions(templateName="missing")

    def test_majors_are_listed_by_their_recommended_or_newest_minor_and_minors_on_request(
        self, proton: Any, own: str, register: Any
    ) -> None:
        publish(proton, register())
        register(majorVersion="1")
        register()
        register(majorVersion="2")

        def listed(**more: str) -> list[list[str]]:
            pages = proton.get_paginator("list_environment_template_versions").paginate(
                templateName=own, PaginationConfig={"PageSize": 1}, **more
            )
            return [[v["arn"].rpartition(":")[2] for v in page["templateVersions"]] for page in pages]

        assert listed() == [["1.0"], ["2.1"]]
        assert listed(majorVersion="2") == [["2.0"], ["2.1"]]

    def test_a_page_takes_as_many_queries_however_long_it_is(self, database_url: str) -> None:
        store, queries = Store(database_url), []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *call: queries.append(call[2]))

        def listed(versions: int, **more: str) -> int:
            with store.write("1", "r") as connection:
                rows = Rows(connection, "1", "r")
                name = unique("template")
                rows.insert(environment_templates, name=name, record={})
                for minor in range(versions):
                    rows.insert(
                        environment_template_versions,
                        template_name=name,
                        major=1,
                        minor=minor,
                        id=unique("version"),
                        record={"minorVersion": str(minor), "status": "PUBLISHED" if minor < 2 else "DRAFT"},
                        source={},
                    )
                queries.clear()
                call = Call("ListEnvironmentTemplateVersions", "1", "r", 0.0, rows, CAN, Answers())
                answer = list_environment_template_versions(call, {"templateName": name, **more})
            shown = [(v["minorVersion"], v["recommendedMinorVersion"]) for v in answer["templateVersions"]]
            every = [(str(minor), "1") for minor in range(versions)][:100]
            assert shown == (every if more else [("1", "1")][:versions])
            assert (answer["nextToken"] is not None) == (bool(more) and versions > 100)
            return len(queries)

        assert listed(0) == listed(3) == listed(0, majorVersion="1") == listed(150, majorVersion="1") == 3
        store.close()


def test_the_template_is_rendered_at_the_deployment_and_a_fault_fails_it(
    proton: Any, published_template: Any, tmp_path: Path
) -> None:
    broken = TEMPLATE.replace("environment.inputs.title }} of", "environment.inputs.titel }} of")
    name = published_template(bundle(tmp_path / "b", template=broken))

    record = ended(proton, create(proton, name)["name"])

    assert record["deploymentStatus"] == "FAILED"
    assert "titel" in record["deploymentStatusMessage"]
