"""A database that 0.1.0 left when it was killed, upgraded and served: what was in flight ends well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from proton_server.provisioning.cloudformation.environment_stacks import stack_name
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG
from proton_templates.bundle import pack
from tests.bundles import SPEC, TEMPLATE, bundle
from tests.commands import run_command
from tests.names import ACCOUNT
from tests.server.released import KEY, ROWS, write_release
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import ended, gone, registered

STACKS = {
    row["name"]: stack_name(SimpleNamespace(environment=row["record"]))  # type: ignore[arg-type]
    for row in ROWS["environments"]
}
STACK = TEMPLATE.replace("{{ environment.inputs.title }}", "sport").replace("{{ environment.name }}", "e")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalServer]:
    """What 0.1.0 had made in AWS: the stacks of its environments, and the bundle that it was reading."""
    (tmp_path / "aws").mkdir()
    server = LocalServer(tmp_path / "aws")
    server.start()
    source = ROWS["environment_template_versions"][-1]["source"]
    s3, cloudformation = (server.client(service) for service in ("s3", "cloudformation"))
    s3.create_bucket(Bucket=source["bucket"])
    s3.put_object(Bucket=source["bucket"], Key=source["key"], Body=pack(bundle(tmp_path / "bundle")))
    for row in ROWS["environments"]:
        tags = [{"Key": ENVIRONMENT_TAG, "Value": row["record"]["arn"]}]
        cloudformation.create_stack(StackName=STACKS[row["name"]], TemplateBody=STACK, Tags=tags)
    yield server
    server.stop()


@pytest.fixture
def upgraded(database_url: str, aws: LocalServer, tmp_path: Path) -> Iterator[ServedBesideAws]:
    """`serve` on the upgraded database, called with the key that 0.1.0 made."""
    write_release(database_url)
    done = run_command("database", "upgrade", "--database", database_url)
    assert done.exit_code == 0, done.stderr
    (tmp_path / "serve").mkdir()
    server = ServedBesideAws(
        tmp_path / "serve", aws=aws, database_url=database_url, keys={ACCOUNT: (KEY["id"], KEY["secret"])}
    )
    server.start()
    yield server
    server.stop()


def test_what_was_in_flight_ends_well_and_what_was_there_can_be_updated(
    upgraded: ServedBesideAws, aws: LocalServer
) -> None:
    proton, cloudformation = upgraded.client("proton"), aws.client("cloudformation")

    for name in ("created", "updated"):
        record = ended(proton, name)
        assert record["deploymentStatus"] == "SUCCEEDED", record["deploymentStatusMessage"]
        outputs = proton.list_environment_outputs(environmentName=name)["outputs"]
        assert {"key": "Title", "valueString": "sport"} in outputs
    gone(proton, "deleted")
    version = {"templateName": "topic", "majorVersion": "2", "minorVersion": "0"}
    assert registered(proton, version)["status"] == "DRAFT"
    quiet = proton.get_environment(name="quiet")["environment"]
    assert (quiet["deploymentStatus"], quiet["spec"]) == ("SUCCEEDED", SPEC)
    assert {"key": "team", "value": "net"} in proton.list_tags_for_resource(resourceArn=quiet["arn"])["tags"]

    changed = SPEC.replace("news", "changed")
    proton.update_environment(name="quiet", deploymentType="CURRENT_VERSION", spec=changed)
    assert ended(proton, "quiet")["deploymentStatus"] == "SUCCEEDED"
    (stack,) = cloudformation.describe_stacks(StackName=STACKS["quiet"])["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
