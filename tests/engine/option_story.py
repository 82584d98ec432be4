"""One program with each of Pulumi's resource options, in stages: what each option did, by either adapter.

The program is `options/__main__.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.engine.project import DYNAMIC, PLUGIN, Project
from tests.names import SERVICE_ROLE
from tests.waiting import ended

OTHERS = ("request", "accepter", "settings")
"""The resources that are no environments."""

_INLINE = """
import sys
import pulumi
from pulumi import automation
import {module} as proton

def program():
    proton.Environment(
        "inline", name="{name}", template_name="{template}", template_major_version="1", spec={{}},
        proton_service_role_arn="{role}",
    )

stack = automation.create_or_select_stack(
    "inline", project_name="inline", program=program,
    opts=automation.LocalWorkspaceOptions(env_vars={{"PULUMI_PYTHON_CMD": sys.executable}}),
)
print(stack.up().summary.result)
stack.destroy()
"""


class Story:
    """The stages of one adapter's program, and whether each option did what it is for."""

    def __init__(self, project: Project, proton: Any, facts: dict[str, Any]) -> None:
        self.project, self.proton, self.facts = project, proton, facts
        self.works: dict[str, bool] = {}
        self.others: dict[str, bool] = {}

    def stage(self, number: int) -> None:
        """Which stage of the program the next commands run."""
        self.project.environment["STORY"] = json.dumps(self.facts | {"stage": number})

    def live(self, name: str) -> dict[str, Any] | None:
        """An environment as the server has it."""
        try:
            found = self.proton.get_environment(name=f"{self.facts['prefix']}-{name}")
        except self.proton.exceptions.ResourceNotFoundException:
            return None
        environment: dict[str, Any] = found["environment"]
        return environment

    def owner(self, name: str) -> str:
        """The owner tag of an environment, without the hash behind it."""
        live = self.live(name)
        assert live
        listed = self.proton.list_tags_for_resource(resourceArn=live["arn"])["tags"]
        tags = {tag["key"]: tag["value"] for tag in listed}
        return tags["pulumi:owner"].partition("@")[0].rpartition("/")[2]

    def is_secret(self, name: str, output: str) -> bool:
        """Whether an output is encrypted in the state."""
        return "ciphertext" in self.project.resources()[name]["outputs"][output]


def run(story: Story) -> None:
    """Runs all stages, one after the other."""
    _first_up(story)
    _second_up(story)
    _renames(story)
    _last_up_and_destroy(story)
    story.works["Automation API, inline program"] = _inline(story)


def _first(text: str, name: str) -> str:
    """What a replacement did first with a resource: `+` to create, `-` to delete."""
    return re.findall(rf"^ (\+\+|--) +\S+ {name} ", text, re.MULTILINE)[0][0]


def _first_up(story: Story) -> None:
    project = story.project
    story.stage(1)
    project.up()

    state = project.resources()
    story.works["`additionalSecretOutputs`"] = story.is_secret("kept", "arn")
    story.others["`additionalSecretOutputs`"] = (
        story.is_secret("request", "arn")
        and story.is_secret("accepter", "arn")
        and story.is_secret("settings", "pipelineServiceRoleArn")
    )
    noted = (project.folder / "hooks").read_text().split()
    story.works["`hooks`"] = "kept" in noted
    story.others["`hooks`"] = {*noted} >= {*OTHERS}
    base, second = story.live("base"), story.live("with-base")
    assert base
    assert second
    story.works["`transforms`"] = base["description"] == "transformed"
    story.works["`dependsOn`"] = second["createdAt"] >= base["lastDeploymentSucceededAt"]
    story.works["`provider`, `providers`"] = "provided" in state and (
        state["provided"]["outputs"]["tagsAll"]["by"] == "provider"
    )
    story.works["`Environment.get`"] = project.outputs()["got"] == "somebody's"
    protected = {name for name in ("kept", *OTHERS) if _is_refused(project, state[name]["urn"])}
    story.works["`protect`"] = "kept" in protected
    story.others["`protect`"] = protected >= {*OTHERS}


def _is_refused(project: Project, urn: str) -> bool:
    """Whether Pulumi refuses to delete a resource, with those that depend on it."""
    only = ("--target", urn, "--target-dependents")
    refused = project.pulumi("destroy", "--yes", "--skip-preview", *only, fails=True)
    return "cannot be deleted" in refused.text


def _second_up(story: Story) -> None:
    project, was = story.project, story.live("kept")
    story.stage(2)
    planned = project.preview()
    text = project.up().text

    # A preview has no steps of what is the same.
    operations = {name: step["op"] for name, step in planned.steps.items()}
    label = project.resources()["kept-renamed"]["inputs"]["spec"]["label"]
    story.works["`ignoreChanges`, also of `spec.label`"] = label == "old"
    unchanged = not {f"{name}-renamed" for name in OTHERS} & operations.keys()
    story.others["`ignoreChanges`, also of `spec.label`"] = unchanged
    story.others["`aliases`, of a renamed resource"] = unchanged
    story.works["`aliases`, of a renamed resource"] = (
        "kept-renamed" not in operations and story.live("kept") == was and story.owner("kept") == "kept"
    )
    story.works["`replaceOnChanges`"] = "replace" in operations["replaced"]
    story.works["`deleteBeforeReplace`"] = (
        _first(text, "first-deleted") == "-" and _first(text, "first-created") == "+"
    )
    story.works["`retainOnDelete`"] = bool(story.live("retained")) and story.owner("retained") == "retained"
    story.works["`deletedWith`"] = bool(story.live("with-base")) and not story.live("base")


def _renames(story: Story) -> None:
    project = story.project
    story.stage(3)
    urn = project.resources()["kept-renamed"]["urn"]
    project.pulumi("up", "--yes", "--skip-preview", "--target", urn)
    moved = story.live("moved")
    assert moved
    story.works["`pulumi up --target`"] = story.owner("kept") != "kept" and "description" not in moved
    story.works["`aliases`, of a renamed resource"] &= story.owner("kept") == "kept-renamed"

    urn = project.resources()["moved"]["urn"]
    project.pulumi("state", "rename", urn, "moved-again", "--yes")
    project.pulumi("stack", "rename", "organization/renamed/later")
    manifest = project.folder / "Pulumi.yaml"
    manifest.write_text(manifest.read_text().replace("name: options", "name: renamed"))
    project.pulumi("stack", "select", "organization/renamed/later")
    story.stage(4)
    planned = project.preview()
    operations = {name: step["op"] for name, step in planned.steps.items()}
    # It has the description that the targeted update left out, and is the same environment.
    story.works["`pulumi state rename`"] = operations["moved-again"] == "update" and "moved" not in operations
    made = [name for name, operation in operations.items() if operation not in ("same", "read", "update")]
    story.works["`pulumi stack rename`, also to another project"] = made == ["hurried"]


def _last_up_and_destroy(story: Story) -> None:
    project = story.project
    text = project.up(fails=project.adapter == PLUGIN).text
    story.works["`customTimeouts`"] = "took longer than 1 s" in text
    ended(story.proton, f"{story.facts['prefix']}-hurried")
    project.pulumi("state", "unprotect", "--all", "--yes")
    project.pulumi("destroy", "--yes", "--skip-preview")
    story.works["`Environment.get`"] &= bool(story.live("got"))
    assert project.resources() == {}


def _inline(story: Story) -> bool:
    """Whether an inline program of the Automation API deploys an environment and destroys it."""
    project = story.project
    program = _INLINE.format(
        module={DYNAMIC: "pulumi_aws_proton", PLUGIN: "pulumi_aws_proton.plugin"}[project.adapter],
        name=f"{story.facts['prefix']}-inline",
        template=story.facts["workshop"],
        role=SERVICE_ROLE,
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split() == ["succeeded"] and not story.live("inline")
