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
from pathlib import Path
from typing import Any

import yaml

from proton_server.local.codebuild.workspace import Session

_PHASES = ("install", "pre_build", "build", "post_build")


class SourceFault(Exception):
    """There is no source or no buildspec to work with; the text is a sentence."""


@dataclass(frozen=True)
class Buildspec:
    """What is to be run, in which environment, and what is to be uploaded."""

    commands: list[str]
    env: Mapping[str, Mapping[str, Any]]
    """By kind: `variables`, `parameter-store`, `secrets-manager`."""
    artifacts: list[str]


def fetch_source(source: Mapping[str, Any], session: Session, folder: Path) -> None:
    """Unzip a project's source into a folder. Raises SourceFault, or ClientError if S3 refuses it."""
    if source["type"] == "NO_SOURCE":
        return
    if source["type"] != "S3":
        raise SourceFault(f"Local builds take their source from S3, not from {source['type']}.")
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    content = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, folder))
                if mode := entry.external_attr >> 16 & 0o777:
                    path.chmod(mode | 0o600)
    except zipfile.BadZipFile:
        raise SourceFault(f"The source s3://{bucket}/{key} is not a zip file.") from None


def read_buildspec(text_or_path: str, folder: Path) -> Buildspec:
    """The buildspec given as text, or as the path of a file in the source. Raises SourceFault."""
    inline = "\n" in text_or_path
    text = text_or_path if inline else _text(folder, text_or_path)
    place = "The buildspec" if inline else f"The buildspec {text_or_path}"
    try:
        document = yaml.safe_load(text)
        phases = [document["phases"][name] for name in _PHASES if name in document["phases"]]
        commands = [command for phase in phases for command in phase.get("commands", [])]
        artifacts = (document.get("artifacts") or {}).get("files", [])
        return Buildspec([str(command) for command in commands], document.get("env") or {}, artifacts)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise SourceFault(f"{place} is no YAML mapping with `phases`, each with `commands`.") from None


def _text(folder: Path, path: str) -> str:
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise SourceFault(f"There is no buildspec {path} in the source.")
    return file.read_text()
