"""The environment variables of a build: the buildspec's, the project's, and CodeBuild's own.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from proton_server.local.codebuild.session import Session
from proton_server.local.codebuild.source import Buildspec
from proton_server.local.codebuild.workspace import Workspace


class VariableError(Exception):
    """A variable has no usable value; the message names it and never shows a value."""


def variables(
    build: Mapping[str, Any], buildspec: Buildspec, session: Session, workspace: Workspace
) -> dict[str, str]:
    """The environment of a build's commands: the buildspec's, the project's, and CodeBuild's own variables.

    Raises ClientError for a secret or parameter that cannot be had, VariableError for one that does not fit.
    """
    given = {
        name: _VALUE[kind](str(value), session)
        for kind, members in buildspec.env.items()
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
