"""The Helm chart, rendered by Helm."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tools import uv

CHART = uv.ROOT / "deploy/helm/proton-server"
VALUES = Path(__file__).parent / "values"
KUBERNETES = "1.31.0"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Helm."""
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def template(values: str, *more: str) -> subprocess.CompletedProcess[str]:
    """`helm template` with the values of a file."""
    file = str(VALUES / f"{values}.yaml")
    return helm("template", "proton", str(CHART), "--values", file, "--kube-version", KUBERNETES, *more)


def rendered(values: str) -> dict[str, dict[str, Any]]:
    """The objects of a release, by kind and name."""
    done = template(values)
    assert done.returncode == 0, done.stderr
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    return {f"{found['kind']}/{found['metadata']['name']}": found for found in objects}


def pods(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the pods of the objects are made from."""
    templates = [
        found["spec"]["template"] for found in objects.values() if "template" in found.get("spec", {})
    ]
    return [template["spec"] for template in templates]
