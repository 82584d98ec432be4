"""The example 05-codebuild under the real engine: its commands run, and what they made is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY, LocalServer

EXAMPLE = REPOSITORY / "examples" / "05-codebuild"


def test_the_example_makes_changes_and_removes_its_queues(
    project: Any, proton_server: LocalServer, published_template: Any
) -> None:
    published_template(EXAMPLE / "template", name="team-queues")
    declared = (EXAMPLE / "Pulumi.yaml").read_text()
    (project.folder / "Pulumi.yaml").write_text(declared.replace("name: codebuild", f"name: {project.name}"))
    project.program((EXAMPLE / "__main__.py").read_text())
    sqs = proton_server.client("sqs")

    def queues() -> set[str]:
        urls = sqs.list_queues(QueueNamePrefix="team-queues-").get("QueueUrls", [])
        return {url.rpartition("/")[2] for url in urls}

    project.up()
    assert project.outputs()["status"] == "SUCCEEDED"
    assert project.outputs()["queues"].keys() == {"orders", "billing"}
    assert queues() == {"team-queues-orders", "team-queues-billing"}

    project.pulumi("config", "set", "--path", "teams[0]", "carts")
    assert project.preview().deployment_type("team-queues") == "CURRENT_VERSION"
    project.up()
    assert queues() == {"team-queues-carts"}

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert queues() == set()


def test_a_failing_build_ends_the_update_with_its_last_lines_and_its_log(
    project: Any, published_template: Any, tmp_path: Path
) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "infrastructure").mkdir()
    (tmp_path / "schema/schema.yaml").write_text((EXAMPLE / "template/schema/schema.yaml").read_text())
    (tmp_path / "infrastructure/manifest.yaml").write_text(
        "infrastructure:\n  templates:\n    - rendering_engine: codebuild\n"
        "      settings: {provision: ['echo no quota left; exit 7'], deprovision: []}\n"
    )
    template = published_template(tmp_path)
    project.declare(
        failing={
            "template_name": template,
            "template_major_version": "1",
            "spec": {"teams": ["orders"]},
            "codebuild_role_arn": "arn:aws:iam::123456789012:role/builds",
        }
    )

    said = project.up(fails=True)
    assert "command 1. Reason: exit status 7. The log ends with: no quota left" in said.text
    assert "Log: file:///" in said.text
    project.pulumi("destroy", "--yes", "--skip-preview")
