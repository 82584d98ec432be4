"""What Pulumi's resource options and its ways to rename do with each resource, by either adapter.

One story for each adapter; what it saw is the table in `docs/guide/resource-options.md`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle, codebuild_manifest
from tests.engine.option_story import Story, run
from tests.engine.project import DYNAMIC, PLUGIN, Project
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, REPOSITORY, SERVICE_ROLE, unique
from tests.servers import LocalServer
from tests.waiting import ended

_PROGRAM = REPOSITORY / "tests/engine/options/__main__.py"
_SAME = "the same"
_ALONE = "the same, since Pulumi does it without the provider"
_REPLACEMENT = "[see there](replacements-and-adoption.md#the-order-of-a-replacement)"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table: what is said where an option works, and where it does not."""

    option: str
    works: str
    otherwise: str = ""
    others: str = _ALONE


ROWS = (
    Row("`protect`", "a delete is refused", others=_SAME),
    Row("`retainOnDelete`", "the environment stays when it leaves the program, with its owner tag"),
    Row(
        "`deletedWith`", "no delete when the other resource is deleted, too: the environment stays in Proton"
    ),
    Row("`ignoreChanges`, also of `spec.label`", "the state's value stays", others=_SAME),
    Row(
        "`replaceOnChanges`",
        "the change replaces",
        "no effect: a dynamic provider does not say which paths change; the change is an update",
        others="as for Environment",
    ),
    Row("`deleteBeforeReplace`", "true unless the program says false", others=_REPLACEMENT),
    Row(
        "`aliases`, of a renamed resource",
        "nothing changes; the next update writes the new owner tag",
        others=_SAME,
    ),
    Row("`additionalSecretOutputs`", "secret in the state", others=_SAME),
    Row(
        "`customTimeouts`",
        "end the wait, and go before `timeouts`",
        "no effect: Pulumi does not hand them to dynamic providers; `timeouts` does the same",
        others="as for Environment",
    ),
    Row("`transforms`", "change the inputs before the check"),
    Row("`hooks`", "run", others=_SAME),
    Row("`dependsOn`", "created after the other's deployment has ended"),
    Row(
        "`provider`, `providers`",
        "the calls go where the provider says",
        "not possible: a dynamic resource carries its provider in itself; `account` does the same",
        others="as for Environment",
    ),
    Row("`Environment.get`", "reads, and never changes or deletes", others="as for Environment"),
    Row("`pulumi up --target`", "changes only what is named"),
    Row("`pulumi state rename`", "nothing changes"),
    Row("`pulumi stack rename`, also to another project", "nothing changes"),
    Row(
        "Automation API, inline program",
        "works; see [example 09](../../examples/09-automation-api/README.md)",
    ),
)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, published_template: Any, region: str) -> str:
    """A template whose deployment takes longer than a second."""
    folder = tmp_path_factory.mktemp("slow") / "bundle"
    manifest = codebuild_manifest(["sleep 4", "echo [] > proton-outputs.json"], ["true"])
    name: str = published_template(bundle(folder, manifest=manifest), region=region)
    return name


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
    proton_server: LocalServer,
    pulumi_home: Path,
    adapter: str,
    region: str,
    workshop: str,
    slow: str,
) -> Story:
    """The stages with one adapter, after the last."""
    folder = tmp_path_factory.mktemp(adapter) / "project"
    project = Project(
        folder, proton_server.url, name="options", home=pulumi_home, adapter=adapter, region=region
    )
    project.program(_PROGRAM.read_text())
    proton = proton_server.client("proton", region=region)
    facts = {
        "prefix": unique("options"),
        "account": ACCOUNT,
        "environment_account": ENVIRONMENT_ACCOUNT,
        "workshop": workshop,
        "slow": slow,
    }
    proton.create_environment(
        name=f"{facts['prefix']}-got",
        templateName=workshop,
        templateMajorVersion="1",
        spec="{proton: EnvironmentSpec, spec: {}}",
        protonServiceRoleArn=SERVICE_ROLE,
        description="somebody's",
    )
    ended(proton, f"{facts['prefix']}-got")
    stages = Story(project, proton, facts)
    run(stages)
    return stages


def _column(table: str, column: int) -> dict[str, str]:
    """A column of the guide's table, by option."""
    rows = [re.split(r" *\| *", line.strip("| ")) for line in table.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[column] for cells in rows[1:]}


def test_every_option_does_what_the_table_in_the_guide_says(story: Story) -> None:
    table = (REPOSITORY / "docs/guide/resource-options.md").read_text()
    seen = {row.option: row.works if story.works[row.option] else row.otherwise for row in ROWS}
    column = 1 + [DYNAMIC, PLUGIN].index(story.project.adapter)

    assert _column(table, column) == seen
    assert _column(table, 3) == {row.option: row.others for row in ROWS}
    assert all(story.others.values()), story.others
    assert story.others.keys() <= {row.option for row in ROWS if row.others == _SAME}
