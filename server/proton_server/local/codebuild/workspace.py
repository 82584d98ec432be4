"""What keeps a build apart: a folder, a home, a Python and an environment of its own, and its service role.

Nothing of the environment of whoever started the server is handed on but PATH.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

from __future__ import annotations

import json
import os
import shlex
import site
import sysconfig
import threading
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from proton_server.local.codebuild.source import Buildspec

# One for all, because it keeps the services' models, which are slow to read. Clients are made one at a time.
_boto = boto3.Session()
_making = threading.Lock()


class VariableError(Exception):
    """A variable has no value; the text is a sentence without values."""


@dataclass(frozen=True)
class Session:
    """The local AWS as an account, or as a role in it."""

    endpoint: str
    account_id: str
    region: str
    credentials: Mapping[str, str]
    """As environment variables."""

    def client(self, service: str) -> Any:
        """A boto3 client of a service."""
        config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        with _making:
            client: Any = _boto.client(  # type: ignore[call-overload]  # the stubs know services by name only
                service,
                region_name=self.region,
                endpoint_url=self.endpoint,
                config=config,
                aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=self.credentials.get("AWS_SESSION_TOKEN"),
            )
        return client

    def assumed(self, role: str) -> Session:
        """As a role."""
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName="AWSCodeBuild")["Credentials"]
        credentials = {
            "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
            "AWS_SESSION_TOKEN": answer["SessionToken"],
        }
        return Session(self.endpoint, self.account_id, self.region, credentials)


def account_session(endpoint: str, account_id: str, region: str) -> Session:
    """The local AWS as an account."""
    keys = {"AWS_ACCESS_KEY_ID": account_id, "AWS_SECRET_ACCESS_KEY": "local"}
    return Session(endpoint, account_id, region, keys)


@dataclass(frozen=True)
class Workspace:
    """The folders of a build, all below one that goes when the build ends."""

    source: Path
    home: Path
    programs: Path
    """First in PATH: a `python3` that has boto3. All other programs are the machine's own."""


def make_workspace(root: Path) -> Workspace:
    """Makes the folders, for this user's eyes only: the inputs in them may be secret."""
    root.mkdir(mode=0o700)
    python = root / "python"
    venv.EnvBuilder(symlinks=True).create(python)
    workspace = Workspace(root / "src", root / "home", python / "bin")
    workspace.source.mkdir()
    workspace.home.mkdir()
    # The server's packages can be imported, while what a build installs stays in its own environment.
    folder = Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(python)}))
    ours = "".join(f"site.addsitedir({path!r});" for path in site.getsitepackages())
    (folder / "proton.pth").write_text(f"import site;{ours}\n")
    if find_spec("pip"):
        pip = workspace.programs / "pip"
        pip.write_text(f'#!/bin/sh\nexec {shlex.quote(str(workspace.programs / "python3"))} -m pip "$@"\n')
        pip.chmod(0o700)
    return workspace


def variables(
    build: Mapping[str, Any], buildspec: Buildspec, session: Session, workspace: Workspace
) -> dict[str, str]:
    """The environment of a build's commands: the buildspec's, the project's, and CodeBuild's own variables.

    Raises ClientError for a secret or parameter that cannot be had, VariableError for one that does not fit.
    """
    given = {
        name: _VALUE[kind](str(value), session)
        for kind, members in buildspec.env.items()
        if kind in _VALUE
        for name, value in members.items()
    }
    of_project = {
        each["name"]: _VALUE[each.get("type", "PLAINTEXT")](each["value"], session)
        for each in build["environment"]["environmentVariables"]
    }
    for name, value in [*given.items(), *of_project.items()]:
        if "\0" in name or "=" in name or "\0" in value:
            raise VariableError(f"The variable {name!r} has a character that no environment can hold.")
    path = os.pathsep.join([str(workspace.programs), os.environ.get("PATH", os.defpath)])
    return {
        "PATH": path,
        "HOME": str(workspace.home),
        "LANG": "C.UTF-8",
        **given,
        **of_project,
        **session.credentials,
        "AWS_ENDPOINT_URL": session.endpoint,
        "AWS_REGION": session.region,
        "AWS_DEFAULT_REGION": session.region,
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_SRC_DIR": str(workspace.source),
    }


def _secret(reference: str, session: Session) -> str:
    """Of the form secret-id:json-key:version-stage:version-id; all but the first may be missing."""
    is_arn = reference.startswith("arn:")
    parts = reference.split(":")
    secret_id, rest = (":".join(parts[:7]), parts[7:]) if is_arn else (parts[0], parts[1:])
    key, stage, version = (*rest, "", "", "")[:3]
    chosen = {"VersionStage": stage, "VersionId": version}
    text: str = session.client("secretsmanager").get_secret_value(
        SecretId=secret_id, **{name: value for name, value in chosen.items() if value}
    )["SecretString"]
    try:
        return str(json.loads(text)[key]) if key else text
    except (KeyError, TypeError, ValueError):
        raise VariableError(f"The secret {secret_id} is no JSON object with the key {key}.") from None


def _parameter(name: str, session: Session) -> str:
    value: str = session.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return value


_VALUE: Mapping[str, Callable[[str, Session], str]] = {
    "variables": lambda value, _: value,
    "PLAINTEXT": lambda value, _: value,
    "parameter-store": _parameter,
    "PARAMETER_STORE": _parameter,
    "secrets-manager": _secret,
    "SECRETS_MANAGER": _secret,
}
"""How the value of a variable is found: by kind, as buildspecs and projects name them."""
KINDS = frozenset(_VALUE)
