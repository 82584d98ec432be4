"""A restored database is older than AWS: what its backup has in progress is compared, and nothing is undone.

One story: environments in different situations, a backup, what happens since, and the restore.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle, spec
from tests.campaigns.conftest import beginnings
from tests.commands import run_command
from tests.fault_proxy import Answer, FaultProxy, refusal
from tests.names import SERVICE_ROLE
from tests.refusals import refused
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.waiting import ended, eventually, gone

MESSAGE = "deploymentStatusMessage"
WRITES = {"CreateStack", "UpdateStack", "DeleteStack"}


class Story:
    """A server, its AWS behind a proxy, and the steps of the story."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        for name in ("aws", "serve"):
            (folder / name).mkdir()
        self.aws = LocalServer(folder / "aws", ("--deploy-seconds", "3"))
        self.aws.start()
        self.proxy = FaultProxy(self.aws.url)
        self.server = ServedBesideAws(
            folder / "serve", aws=self.aws, aws_url=self.proxy.url, database_url=database_url
        )
        self.server.start()
        self.backup = folder / "backup"
        self.proton = self.server.client("proton")
        self.template = publisher(self.server)(bundle(folder / "bundle"))

    def command(self, *typed: str) -> Any:
        """A command on the server's database, which succeeds."""
        done = run_command(*typed, "--database", self.server.database)
        assert done.exit_code == 0, done.output
        return done

    def create(self, *names: str) -> None:
        for name in names:
            create(self.proton, self.template, name=name)

    def update(self, title: str, *names: str) -> None:
        for name in names:
            self.proton.update_environment(
                name=name, deploymentType="CURRENT_VERSION", spec=spec(title=title)
            )

    def delete(self, *names: str) -> None:
        for name in names:
            self.proton.delete_environment(name=name)

    def end(self, *names: str, status: str = "SUCCEEDED") -> None:
        for name in names:
            record = ended(self.proton, name)
            assert record["deploymentStatus"] == status, record

    def record(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.proton.get_environment(name=name)["environment"]
        return found

    def stack(self, name: str) -> dict[str, Any] | None:
        """The environment's stack."""
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return next((one for one in stacks if one["StackName"].startswith(f"AWSProton-{name}-")), None)

    def status(self, name: str) -> str:
        """The status of the environment's stack; empty if there is none."""
        return (self.stack(name) or {"StackStatus": ""})["StackStatus"]

    def title(self, name: str) -> str:
        """The output of what is deployed."""
        (title,) = (
            output["OutputValue"]
            for output in (self.stack(name) or {"Outputs": []})["Outputs"]
            if output["OutputKey"] == "Title"
        )
        return title

    def close(self) -> None:
        self.server.kill()
        self.proxy.close()
        self.aws.kill()


def out_of_reach(_action: str) -> Answer:
    return refusal(503, "ServiceUnavailable")


def no_deletion(action: str) -> Answer | None:
    return refusal(400, "ValidationError", "Not now.") if action == "DeleteStack" else None


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    story = Story(tmp_path_factory.mktemp("restored"))
    try:
        happen(story)
        yield story
    finally:
        story.close()


def happen(story: Story) -> None:
    """What is in the backup, what happens since, and the restore."""
    at_rest = ("update-begun", "update-new", "delete-begun", "delete-new", "removed")
    story.create(*at_rest)
    story.end(*at_rest)
    # In the backup these have called AWS, and the server has not seen how they ended …
    story.create("create-begun")
    story.update("mine", "update-begun")
    story.delete("delete-begun")
    for name, status in (("create", "CREATE"), ("update", "UPDATE"), ("delete", "DELETE")):
        eventually(lambda name=name, status=status: status in story.status(f"{name}-begun"))
    story.proxy.before = out_of_reach
    # … and these have not.
    story.create("create-new", "create-removed")
    story.update("mine", "update-new")
    story.delete("delete-new")
    for name in ("create-new", "create-removed", "update-new", "delete-new"):
        eventually(lambda name=name: "Waiting for AWS" in story.record(name).get(MESSAGE, ""))
    story.command("database", "backup", str(story.backup))
    story.proxy.before = no_deletion
    story.end("create-begun", "create-new", "create-removed", "update-begun", "update-new")
    story.end("delete-new", status="DELETE_FAILED")
    gone(story.proton, "delete-begun")
    story.proxy.heal()
    story.update("theirs", "update-begun", "update-new", "delete-new")
    story.end("update-begun", "update-new", "delete-new")
    story.delete("create-removed", "removed")
    story.create("created-since")
    story.end("created-since")
    gone(story.proton, "create-removed")
    gone(story.proton, "removed")
    story.server.stop()
    story.command("database", "restore", str(story.backup), "--replace")
    story.proxy.heal()
    story.server.start()


def test_what_ended_since_the_backup_ends_without_a_second_call(story: Story) -> None:
    for name in ("create-begun", "create-new"):
        assert ended(story.proton, name)["deploymentStatus"] == "SUCCEEDED"
        assert max(beginnings(story.aws, story.proton, name).values()) == 1
        outputs = story.proton.list_environment_outputs(environmentName=name)["outputs"]
        assert {"key": "Title", "valueString": "news"} in outputs
    gone(story.proton, "delete-begun")


@pytest.mark.parametrize("name", ["update-begun", "update-new"])
def test_an_update_after_which_another_one_followed_fails_and_undoes_nothing(story: Story, name: str) -> None:
    record = ended(story.proton, name)

    assert record["deploymentStatus"] == "FAILED"
    assert "was restored from a backup, which had this deployment in progress." in record[MESSAGE]
    assert "Another change began later, at 20" in record[MESSAGE]
    assert "Nothing was done for this deployment." in record[MESSAGE]
    assert story.title(name) == "theirs"
    assert WRITES.isdisjoint(story.proxy.calls)


def test_a_deletion_that_failed_before_an_update_followed_deletes_nothing(story: Story) -> None:
    record = ended(story.proton, "delete-new")

    assert record["deploymentStatus"] == "DELETE_FAILED"
    assert "Another change began later" in record[MESSAGE]
    assert story.title("delete-new") == "theirs"
    assert WRITES.isdisjoint(story.proxy.calls)


def test_what_was_created_and_deleted_since_is_not_created_again(story: Story) -> None:
    record = ended(story.proton, "create-removed")

    assert record["deploymentStatus"] == "FAILED"
    assert "What it created in AWS was deleted since." in record[MESSAGE]
    assert story.status("create-removed") == ""
    assert WRITES.isdisjoint(story.proxy.calls)


def test_the_log_says_that_the_database_was_restored(story: Story) -> None:
    assert "The database was restored: compared with AWS before they go on: 7 deployments" in (
        story.server.log.read_text()
    )


def test_an_environment_that_was_created_since_is_found_by_its_stack_and_taken_over(story: Story) -> None:
    with refused("ResourceNotFoundException", "Environment not found: created-since"):
        story.record("created-since")
    adoption = {"environmentName": "created-since", "stackId": story.stack("created-since")["StackId"]}  # type: ignore[index]

    adopted = story.server.client("proton-server").adopt_environment(
        **adoption, protonServiceRoleArn=SERVICE_ROLE
    )["adoption"]

    assert (adopted["outcome"], adopted["templateName"]) == ("adopted", story.template)
    assert adopted["spec"].startswith("proton: EnvironmentSpec")
    story.update("mine", "created-since")
    story.end("created-since")
    assert story.title("created-since") == "mine"


def test_what_failed_with_the_restore_can_be_updated_and_deleted_again(story: Story) -> None:
    story.end("update-begun", "create-removed", status="FAILED")
    story.end("delete-new", status="DELETE_FAILED")

    story.update("again", "update-begun", "create-removed")
    story.delete("delete-new", "removed")

    story.end("update-begun", "create-removed")
    assert (story.title("update-begun"), story.title("create-removed")) == ("again", "again")
    gone(story.proton, "delete-new")
    gone(story.proton, "removed")
    assert story.status("delete-new") == ""
