"""What self-managed provisioning proposes to a repository: an environment's files, by path.

Pure: a bundle, the inputs and what the repository holds already become files; nothing is pushed here. HCL is
not rendered: Terraform reads the inputs from `proton.auto.tfvars.json`. The words of the headers, the names
of the files and the members of the metadata are AWS's own, as pull requests of AWS Proton in public
repositories have them, since the automation of a customer may look for any of them.
https://docs.aws.amazon.com/proton/latest/userguide/ag-infrastructure-tmp-files-terraform.html
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from proton_templates.bundle import Bundle

METADATA = ".proton/deployment-metadata.json"
"""Says which deployment, of which resource and template version, the files beside it are for."""

_VALUES = "proton.auto.tfvars.json"
_VARIABLES = "proton.environment.variables.tf"
_SHARED_FOLDER = "environments"

_DELETED_ID = "<proton-resource-deleted>"
"""The deploymentId in the metadata of a deleted resource."""

_MANAGED = """\
/*
This file is managed by AWS Proton. Any changes made directly to this file will be overwritten the next \
time AWS Proton performs an update.

To manage this resource, see AWS Proton Resource: {arn}

If the resource is no longer accessible within AWS Proton, it may have been deleted and may require manual \
cleanup.
*/

"""
_UNMANAGED = """\
/*
This file is no longer managed by AWS Proton. The associated resource has been deleted in Proton.
*/

"""

_DECLARATIONS = b"""\
variable "environment" {
  type = object({
    inputs = any
    name   = string
  })
  default = null
}

variable "proton_tags" {
  type    = map(string)
  default = null
}
"""


@dataclass(frozen=True)
class Subject:
    """The environment that files are for, and where it is going."""

    name: str
    arn: str
    template_arn: str
    template_version: tuple[str, str]
    """Major and minor."""
    deployment_id: str


def places(environment: str) -> tuple[str, str]:
    """The folders at the top of a repository below which the environment's files can be."""
    return environment, _SHARED_FOLDER


def folder_of(environment: str, paths: Collection[str]) -> str:
    """The environment's folder, without a slash at the end.

    `paths` are those of all files below `places(environment)`. Files that are there already stay where they
    are, even if the repository gets or loses its folder `environments`: the place of Terraform's state may
    follow from theirs.
    """
    plain, shared = environment, f"{_SHARED_FOLDER}/{environment}"
    for folder in (plain, shared):
        if f"{folder}/{METADATA}" in paths:
            return folder
    return shared if any(path.startswith(f"{_SHARED_FOLDER}/") for path in paths) else plain


def files_to_deploy(
    subject: Subject, bundle: Bundle, inputs: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, bytes]:
    """The files of a deployment, by their path in the environment's folder."""
    named = [bundle.template_file] if bundle.template_file else bundle.files
    terraform = {path: bundle.files[path] for path in named if path.endswith(".tf")}
    values = {
        "environment": {"name": subject.name, "inputs": inputs},
        "proton_tags": tags,
        "//": subject.arn,  # a comment, by Terraform's convention for JSON
    }
    return {
        **{
            path: _managed(subject) + content.removeprefix(codecs.BOM_UTF8)
            for path, content in (terraform | {_VARIABLES: _DECLARATIONS}).items()
        },
        _VALUES: _document(values),
        METADATA: _metadata(subject, subject.deployment_id, deleted=False),
    }


def files_to_delete(subject: Subject, existing: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that say that the environment was deleted, by their path in its folder.

    No file is removed, for Terraform needs them all to destroy what they describe: the automation reads
    `isResourceDeleted`. `existing` is what the folder holds now.
    """
    header = _managed(subject)
    return {
        **{
            path: _UNMANAGED.encode() + content.removeprefix(header)
            for path, content in existing.items()
            if content.startswith(header)
        },
        METADATA: _metadata(subject, _DELETED_ID, deleted=True),
    }


def left_behind(subject: Subject, existing: Mapping[str, bytes]) -> set[str]:
    """Which of `existing` were put there for an environment, and go when its template has them no more.

    Files of the repository's owner, such as one that names a backend, have no header of ours and stay.
    """
    headers = (_managed(subject), _UNMANAGED.encode())
    return {path for path, content in existing.items() if content.startswith(headers)}


def _managed(subject: Subject) -> bytes:
    return _MANAGED.format(arn=subject.arn).encode()


def _metadata(subject: Subject, deployment_id: str, *, deleted: bool) -> bytes:
    major, minor = subject.template_version
    return _document(
        {
            "deploymentId": deployment_id,
            "isResourceDeleted": deleted,
            "resourceMetadata": {
                "arn": subject.arn,
                "templateArn": subject.template_arn,
                "templateMajorVersion": major,
                "templateMinorVersion": minor,
            },
        }
    )


def _document(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
