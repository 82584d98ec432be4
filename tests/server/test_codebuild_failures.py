"""CodeBuild provisioning when something fails, is cancelled, deleted, repeated or killed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proton_server.engine.evaluation import Evaluator
from proton_server.provisioning import State, Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.codebuild.provisioner import CodeBuild
from proton_templates.bundle import Bundle
from tests.bundles import spec
from tests.names import ACCOUNT, unique
from tests.server.builds import (
    BUILD_ROLE,
    Publish,
    appears,
    begun,
    built,
    ends,
    log_of,
    project_of,
    projects,
    runs,
)
from tests.servers import LocalServer
from tests.waiting import ended, eventually, gone


class TestFailure:
    def test_the_message_has_phase_command_last_lines_and_log(self, proton: Any, published: Publish) -> None:
        template = published(["echo one", "echo two; echo three >&2; false", "echo never"])
        record = built(proton, template)

        message = record["deploymentStatusMessage"]
        assert record["deploymentStatus"] == "FAILED"
        assert "in phase BUILD: COMMAND_EXECUTION_ERROR: Error while executing command 2" in message
        assert "Reason: exit status 1" in message
        assert "one | two | three" in message
        assert log_of(message).read_text().splitlines()[-2:] == ["two", "three"]

    def test_a_secret_without_the_key_that_the_manifest_names_is_told(
        self, proton_server: LocalServer, proton: Any, published: Publish
    ) -> None:
        name = unique("secret")
        proton_server.client("secretsmanager").create_secret(Name=name, SecretString='{"api": "s3cret"}')
        record = built(proton, published(["true"], env={"secrets_manager": {"KEY": f"{name}:other"}}))

        assert record["deploymentStatus"] == "FAILED"
        assert record["deploymentStatusMessage"].endswith(
            f"in phase DOWNLOAD_SOURCE: CLIENT_ERROR: The secret {name} is no JSON object with the key other."
        )

    def test_a_secret_input_in_a_command_is_not_told(self, proton: Any, published: Publish) -> None:
        template = published(["false '{{ environment.inputs.title }}'"])
        record = built(proton, template, spec=spec(title="verysecret"))

        assert record["deploymentStatus"] == "FAILED"
        assert "verysecret" not in record["deploymentStatusMessage"]
        assert "verysecret" not in log_of(record["deploymentStatusMessage"]).read_text()

    def test_an_undefined_name_fails_before_anything_is_made(
        self, proton_server: LocalServer, proton: Any, published: Publish
    ) -> None:
        template = published(["true"], ["echo {{ environment.inputs.nothing }}"])
        before = projects(proton_server)
        record = built(proton, template)

        assert record["deploymentStatus"] == "FAILED"
        assert "manifest.yaml, settings.deprovision[0]" in record["deploymentStatusMessage"]
        assert "environment.inputs has no 'nothing'" in record["deploymentStatusMessage"]
        assert projects(proton_server) == before

    def test_a_property_that_codebuild_does_not_have_is_named(self, proton: Any, published: Publish) -> None:
        record = built(proton, published(["true"], project_properties={"Visibility": "PRIVATE"}))

        assert record["deploymentStatus"] == "FAILED"
        assert record["deploymentStatusMessage"] == (
            "manifest.yaml: project_properties.Visibility is not a property of CodeBuild's API."
        )

    def test_outputs_that_cannot_be_read_fail_the_deployment(self, proton: Any, published: Publish) -> None:
        record = built(proton, published(["echo nonsense > proton-outputs.json"]))

        assert record["deploymentStatus"] == "FAILED"
        assert record["deploymentStatusMessage"] == "proton-outputs.json is not valid JSON."

    def test_a_failed_environment_can_be_repaired(self, proton: Any, published: Publish) -> None:
        template = published(["test {{ environment.inputs.title }} = good"])
        name = built(proton, template)["name"]

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="good"))
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"


def test_a_log_is_for_the_eyes_of_its_owner(proton: Any, published: Publish) -> None:
    log = log_of(built(proton, published(["false"]))["deploymentStatusMessage"])
    assert log.stat().st_mode & 0o077 == 0


def test_a_cancelled_update_ends_its_processes_and_keeps_the_previous_spec(
    proton: Any, published: Publish, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    template = published(
        [f"test {{{{ environment.inputs.title }}}} = news || {{ echo $$ > {pid}; sleep 60; }}"]
    )
    name = built(proton, template)["name"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="slow"))
    running = int(appears(pid))

    proton.cancel_environment_deployment(environmentName=name)

    record = ended(proton, name)
    assert record["deploymentStatus"] == "CANCELLED"
    assert record["deploymentStatusMessage"] == "User initiated cancellation."
    assert "news" in record["spec"]
    ends(running)


class TestByHand:
    """What people do to a build and to a project beside the server."""

    def test_a_build_that_is_stopped_fails_its_deployment_and_the_next_one_starts_another(
        self, proton_server: LocalServer, proton: Any, published: Publish, tmp_path: Path
    ) -> None:
        template = published(
            [f"test {{{{ environment.inputs.title }}}} = news || {{ echo $$ > {tmp_path}/pid; sleep 60; }}"]
        )
        name = built(proton, template)["name"]
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="slow"))
        appears(tmp_path / "pid")
        codebuild = proton_server.client("codebuild")
        build = codebuild.list_builds_for_project(
            projectName=project_of(proton_server, name), sortOrder="DESCENDING"
        )["ids"][0]
        eventually(lambda: message_of(proton, name) == f"The build {build} is in phase BUILD.")
        codebuild.stop_build(id=build)

        record = ended(proton, name)
        assert record["deploymentStatus"] == "FAILED"
        assert record["deploymentStatusMessage"].startswith(f"The build {build} is STOPPED")
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="news"))
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert message_of(proton, name) == ""

    def test_a_project_that_is_deleted_is_created_anew_by_the_next_update(
        self, proton_server: LocalServer, proton: Any, published: Publish
    ) -> None:
        name = built(proton, published(["true"]))["name"]
        project = project_of(proton_server, name)
        proton_server.client("codebuild").delete_project(name=project)

        proton.update_environment(name=name, deploymentType="CURRENT_VERSION")
        assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert project_of(proton_server, name) == project


def message_of(proton: Any, name: str) -> str:
    found: str = proton.get_environment(name=name)["environment"].get("deploymentStatusMessage", "")
    return found


class TestDeletion:
    def test_the_deprovision_commands_get_the_inputs_of_the_last_build(
        self, proton: Any, published: Publish, tmp_path: Path
    ) -> None:
        seen = tmp_path / "inputs.json"
        name = built(proton, published(["true"], [f"cp proton-inputs.json {seen}"]))["name"]
        proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="sport"))
        ended(proton, name)

        proton.delete_environment(name=name)
        gone(proton, name)
        values = {"name": name, "inputs": {"title": "sport", "fifo": False}}
        assert json.loads(seen.read_text()) == {"environment": values}

    def test_an_environment_whose_only_build_failed_is_deprovisioned_too(
        self, proton: Any, published: Publish, tmp_path: Path
    ) -> None:
        name = built(proton, published(["false"], [f"touch {tmp_path}/deprovisioned"]))["name"]

        proton.delete_environment(name=name)
        gone(proton, name)
        assert (tmp_path / "deprovisioned").exists()

    def test_an_update_that_cannot_be_rendered_does_not_spoil_the_deletion(
        self, proton: Any, published: Publish, tmp_path: Path
    ) -> None:
        template = published(["false"], [f"touch {tmp_path}/deprovisioned"])
        name = built(proton, template)["name"]
        published(["true"], ["{{ nothing }}"], name=template, major_version="1")
        proton.update_environment(name=name, deploymentType="MINOR_VERSION")
        assert "'nothing' is undefined" in ended(proton, name)["deploymentStatusMessage"]

        proton.delete_environment(name=name)
        gone(proton, name)
        assert (tmp_path / "deprovisioned").exists()

    def test_commands_that_fail_keep_the_environment_until_they_succeed_or_its_project_is_gone(
        self, proton_server: LocalServer, proton: Any, published: Publish, tmp_path: Path
    ) -> None:
        template = published(["true"], [f"test -e {tmp_path}/open"])
        codebuild = proton_server.client("codebuild")
        one, other = (built(proton, template)["name"] for _ in range(2))
        for name in (one, other):
            proton.delete_environment(name=name)
            record = ended(proton, name)
            assert record["deploymentStatus"] == "DELETE_FAILED"
            project = project_of(proton_server, name)
            assert f"first delete the CodeBuild project {project}." in record["deploymentStatusMessage"]

        codebuild.delete_project(name=project_of(proton_server, one))
        proton.delete_environment(name=one)
        gone(proton, one)

        (tmp_path / "open").touch()
        proton.delete_environment(name=other)
        gone(proton, other)
        bucket = f"proton-codebuild-{ACCOUNT}-us-east-1"
        listed = proton_server.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"AWSProton-{other}-")
        assert listed["KeyCount"] == 0


class TestRepetition:
    """A server that died between a call and its note of it makes the call again."""

    @pytest.fixture
    def work(self, evaluate: Evaluator, tmp_path: Path) -> Work:
        arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/{unique('env')}"
        record = {
            "arn": arn,
            "name": arn.rpartition("/")[2],
            "createdAt": 1.0,
        }
        commands = [f"echo $$ > {tmp_path}/pid; until test -e {tmp_path}/go; do sleep 0.02; done"]
        settings = {"provision": commands, "deprovision": []}
        return Work(
            deployment_id=str(uuid.uuid4()),
            account_id=ACCOUNT,
            region="us-east-1",
            role=BUILD_ROLE,
            environment=record,
            read_inputs=dict,
            render=lambda _what, function, *arguments: function(*arguments, {}),
            tags={},
            template_version=("1", "0"),
            notified={},
            read_bundle=lambda: Bundle("", {}, "codebuild", {}, settings=settings),
            evaluate=partial(evaluate, ACCOUNT),
            will_provision=lambda: None,
        )

    def test_a_deployment_has_one_build_however_often_it_is_started(
        self, local_server: LocalServer, work: Work, tmp_path: Path
    ) -> None:
        method = CodeBuild(Aws(local_server.url))
        assert [method.start(work).state for _ in range(3)] == [State.RUNNING] * 3
        (tmp_path / "go").touch()
        eventually(lambda: method.observe(work).state is State.SUCCEEDED)
        assert method.start(work).state is State.RUNNING

        project = project_of(local_server, work.environment["name"])
        assert len(local_server.client("codebuild").list_builds_for_project(projectName=project)["ids"]) == 1

    def test_the_next_deployment_and_the_deletion_wait_for_a_build_that_was_given_up(
        self, local_server: LocalServer, work: Work, tmp_path: Path
    ) -> None:
        method = CodeBuild(Aws(local_server.url))
        method.start(work)
        appears(tmp_path / "pid")
        following = replace(work, deployment_id=str(uuid.uuid4()))

        codebuild = local_server.client("codebuild")
        project = project_of(local_server, work.environment["name"])
        (build,) = codebuild.list_builds_for_project(projectName=project)["ids"]
        for verb in (method.start, method.remove):
            progress = verb(following)
            assert progress.state is State.PREPARING
            assert progress.message.startswith(f"Waiting for the build {build}, which another deployment or")
        (tmp_path / "go").touch()
        eventually(lambda: method.start(following).state is State.RUNNING)


def test_a_killed_server_takes_its_builds_along_and_says_so_afterwards(
    restartable_server: Callable[..., LocalServer], published: Publish, tmp_path: Path
) -> None:
    server, pids = restartable_server(), tmp_path / "pids"
    proton = server.client("proton")
    template = published([f"sleep 60 & echo $$ $! > {pids}; wait"], server=server)
    name = begun(proton, template)["name"]
    processes = [int(pid) for pid in appears(pids).split()]
    assert all(runs(pid) for pid in processes)

    server.kill()
    for pid in processes:
        ends(pid)
    server.start()

    record = ended(proton, name)
    assert record["deploymentStatus"] == "FAILED"
    assert "a restart of `proton-server local` ends its builds" in record["deploymentStatusMessage"]
    proton.delete_environment(name=name)
    gone(proton, name)


def test_without_local_builds_the_deployment_fails_and_leaves_nothing(
    restartable_server: Callable[..., LocalServer], published: Publish, tmp_path: Path
) -> None:
    server = restartable_server("--no-local-builds")
    proton = server.client("proton")
    record = built(proton, published([f"touch {tmp_path}/ran"], server=server))

    assert record["deploymentStatus"] == "FAILED"
    assert "started with --no-local-builds" in record["deploymentStatusMessage"]
    assert not (tmp_path / "ran").exists()
    assert projects(server) == []
    proton.delete_environment(name=record["name"])
    gone(proton, record["name"])
