"""What a build works on: its source, fetched from S3, and its buildspec.

Of buildspecs the local CodeBuild knows commands, variables and the files to upload. The commands of all
phases run one after another in one shell, as they do at AWS, and end at the first failure.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from proton_server.local.codebuild.session import Session
from proton_templates.documents import DocumentError, load_mapping

ENVIRONMENT_KINDS = ("variables", "parameter-store", "secrets-manager")
"""The members of a buildspec's `env` that give variables, each by name."""
_PHASES = ("install", "pre_build", "build", "post_build")


class BuildSourceError(Exception):
    """There is no source or no buildspec to work with; the text is a sentence."""


@dataclass(frozen=True)
class Buildspec:
    """What is to be run, in which environment, and what is to be uploaded."""

    commands: list[str]
    env: Mapping[str, Mapping[str, Any]]
    """By kind: `variables`, `parameter-store`, `secrets-manager`."""
    artifacts: list[str]


def fetch_source(source: Mapping[str, Any], session: Session, folder: Path) -> None:
    """Unzip a project's source into a folder. Raises BuildSourceError, or ClientError if S3 refuses it."""
    if source["type"] == "NO_SOURCE":
        return
    if source["type"] != "S3":
        raise BuildSourceError(f"Local builds take their source from S3, not from {source['type']}.")
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    content = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, folder))
                if mode := entry.external_attr >> 16 & 0o777:
                    path.chmod(mode | 0o600)
    except zipfile.BadZipFile:
        raise BuildSourceError(f"The source s3://{bucket}/{key} is not a zip file.") from None


def read_buildspec(text_or_path: str, folder: Path) -> Buildspec:
    """The buildspec given as text, or as the path of a file in the source. Raises BuildSourceError."""
    inline = "\n" in text_or_path
    text = text_or_path if inline else _text(folder, text_or_path)
    where = "The buildspec" if inline else f"The buildspec {text_or_path}"
    try:
        document = load_mapping(text)
    except DocumentError as error:
        raise BuildSourceError(f"{where}: {error}.") from None
    shape = partial(_member, where)
    phases = shape(document, "phases", dict)
    of_phases = [shape(phases, name, dict) for name in _PHASES if name in phases]
    env = shape(document, "env", dict, {})
    return Buildspec(
        [str(command) for phase in of_phases for command in shape(phase, "commands", list, [])],
        {kind: shape(env, kind, dict, {}) for kind in ENVIRONMENT_KINDS},
        [str(file) for file in shape(shape(document, "artifacts", dict, {}), "files", list, [])],
    )


def _member(where: str, mapping: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """A member that is a mapping or a list. Without a default it is required. Raises BuildSourceError."""
    value = mapping.get(name, default)
    if not isinstance(value, kind):
        what = "mapping" if kind is dict else "list"
        raise BuildSourceError(f"{where}: `{name}` must be a {what}, and is not.")
    return value


def _text(folder: Path, path: str) -> str:
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise BuildSourceError(f"There is no buildspec {path} in the source.")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise BuildSourceError(f"The buildspec {path} is not text in UTF-8.") from None
