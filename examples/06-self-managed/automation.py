"""The customer's side of self-managed provisioning: merges what Proton proposes, provisions, tells Proton.

    python automation.py --git-root DIR

On GitHub this is a reviewer and a workflow; here it is a loop over the folder that
`proton-server local --git-root DIR` uses in GitHub's place, until Ctrl-C. The server, the account and the
Region come from the environment, as for any AWS client (see README.md).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

REPOSITORY = "acme/infrastructure"
# To AWS Proton this was its way into GitHub. Ours has a token for that, and keeps the ARN for what reads it.
CONNECTION = (
    "arn:aws:codestar-connections:us-east-1:123456789012:connection/6b2e7c7e-0f4c-4d0f-8a4e-111111111111"
)

GIT = (
    "git",
    "-c",
    "user.name=Automation",
    "-c",
    "user.email=automation@localhost",
    "-c",
    "init.defaultBranch=main",
)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--git-root", type=Path, default=Path("proton-git"))
    root = options.parse_args().git_root
    proton = boto3.client("proton")
    repository, requests = root / f"{REPOSITORY}.git", root / f"{REPOSITORY}.requests"
    make(repository)
    proton.create_repository(provider="GITHUB", name=REPOSITORY, connectionArn=CONNECTION)
    print(f"{REPOSITORY} is linked. Waiting for pull requests; Ctrl-C ends this.", flush=True)
    while True:
        for file in sorted(requests.glob("*.json")):
            handle(repository, json.loads(file.read_text()), proton)
        time.sleep(1)


def make(repository: Path) -> None:
    """A repository needs a first commit before anyone can propose a second."""
    if repository.exists():
        return
    subprocess.run([*GIT, "init", "--quiet", "--bare", repository], check=True)
    with tempfile.TemporaryDirectory() as clone:
        git("clone", "--quiet", repository.absolute(), ".", folder=clone)
        git("commit", "--quiet", "--allow-empty", "--message", "The beginning", folder=clone)
        git("push", "--quiet", "origin", "HEAD:main", folder=clone)


def handle(repository: Path, request: dict[str, str], proton: Any) -> None:
    """Merges a request that is open, and provisions what it changed."""
    if request["state"] != "open":
        return
    with tempfile.TemporaryDirectory() as folder:
        git("clone", "--quiet", "--branch", request["base"], repository.absolute(), ".", folder=folder)
        if not git("rev-list", f"HEAD..{request['commit']}", folder=folder):
            return  # merged before
        print(f"Merging “{request['title']}”", flush=True)
        changed = git("diff", "--name-only", f"HEAD...{request['commit']}", folder=folder).splitlines()
        git("merge", "--quiet", "--no-ff", "--message", request["title"], request["commit"], folder=folder)
        git("push", "--quiet", "origin", f"HEAD:{request['base']}", folder=folder)
        for path in changed:
            if path.endswith(".proton/deployment-metadata.json"):
                provision(Path(folder, path).parents[1], json.loads(Path(folder, path).read_text()), proton)


def provision(folder: Path, metadata: dict[str, Any], proton: Any) -> None:
    """Applies or destroys the Terraform configuration in a folder."""
    arn = metadata["resourceMetadata"]["arn"]
    if metadata["isResourceDeleted"]:
        # Proton took the merge for the end of the environment, so nobody is waiting to be told.
        print(f"  terraform destroy for {arn}", flush=True)
        return
    print(f"  terraform apply for {arn}", flush=True)
    outputs = [{"key": key, "valueString": str(value)} for key, value in apply(folder).items()]
    proton.notify_resource_deployment_status_change(
        resourceArn=arn, deploymentId=metadata["deploymentId"], status="SUCCEEDED", outputs=outputs
    )


def apply(folder: Path) -> dict[str, Any]:
    """Stands in for `terraform apply && terraform output -json`: this template's outputs are its inputs."""
    inputs: dict[str, Any] = json.loads((folder / "proton.auto.tfvars.json").read_text())["environment"][
        "inputs"
    ]
    return inputs


def git(*arguments: str | Path, folder: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print()
