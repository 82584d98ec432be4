"""The examples' projects, each in a copy that is where it is in the repository."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from tests.engine.project import DYNAMIC, PLUGIN, Project
from tests.names import ACCOUNT, REPOSITORY
from tests.servers import LocalServer

_IMPORT = "import pulumi_aws_proton as proton"


def copy_of(
    root: Path,
    server: LocalServer,
    home: Path,
    folder: str,
    account: str = ACCOUNT,
    form: str = DYNAMIC,
    where: str | None = None,
) -> Project:
    """An example's project below `root`, with a stack, for an account's AWS client at a server.

    `form=PLUGIN` gives it the two lines of its README; `where` is its Pulumi.yaml's folder.
    """
    source = Path("examples") / folder
    manifest = Path(where or source) / "Pulumi.yaml"
    name = yaml.safe_load((REPOSITORY / manifest).read_text())["name"]
    project = Project((root / manifest).parent, server.url, name=name, home=home)
    shutil.copytree(
        REPOSITORY / source, root / source, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    shutil.copy(REPOSITORY / manifest, root / manifest)
    if form == PLUGIN:
        _give_plugin(root / source, root / manifest)
    project.environment.update(server.client_environment(account))
    return project


def _give_plugin(source: Path, manifest: Path) -> None:
    """Makes the two changes of the section "With the plugin" of an example's README."""
    section = (source / "README.md").read_text().partition("\n## With the plugin\n")[2]
    imported, plugins = (
        re.findall(line, section, re.MULTILINE) for line in ("`(import .*?)`", "^plugins: .*$")
    )
    program = source / "__main__.py"
    assert _IMPORT in program.read_text()
    program.write_text(program.read_text().replace(_IMPORT, *imported))
    manifest.write_text("\n".join([manifest.read_text(), *plugins, ""]))


def made_by(project: Project) -> str:
    """The form of the program that a stack's resources are of."""
    made = {found["type"].rpartition("aws-proton:")[0] for found in project.resources().values()}
    (prefix,) = made - {"pulumi:providers:"}
    return {"": PLUGIN, "pulumi-python:dynamic/": DYNAMIC}[prefix]


def destroy(project: Project) -> None:
    """`pulumi destroy`, which leaves nothing in the stack."""
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.resources() == {}
