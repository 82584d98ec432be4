"""The files of an environment that self-managed provisioning proposes to a repository, by path.

Pure: files are made of a bundle, the inputs and what the repository contains already; nothing is pushed here.
HCL is not rendered: Terraform reads the inputs from `proton.auto.tfvars.json`. The text of the headers, the
names of the files and the members of the metadata are AWS's own, as in pull requests of AWS Proton in public
repositories, since the automation of a customer may depend on any of them.
https://docs.aws.amazon.com/proton/latest/userguide/ag-infrastructure-tmp-files-terraform.html
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from proton_server.provisioning import Place
    from proton_templates.bundle import Bundle

METADATA = ".proton/deployment-metadata.json"
"""Contains the deployment, resource and template version of the files beside it."""

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
    """The environment that files are for, and its deployment."""

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

    `paths` are those of all files below `places(environment)`. Existing files are not moved, even if the
    folder `environments` is added or removed: the location of Terraform's state may follow from theirs.
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


def rendered_terraform(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    """The files of a pull request, by their path in the repository, for a deployment that does not exist."""
    template = f"arn:aws:proton:{place.region}:{place.account}:environment-template/template"
    subject = Subject(place.name, place.arn, template, ("1", "0"), "00000000-0000-0000-0000-000000000000")
    files = files_to_deploy(subject, bundle, inputs, {})
    return {f"{folder_of(place.name, [])}/{path}": content for path, content in files.items()}


def files_to_delete(subject: Subject, existing: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that mark the environment as deleted, by their path in its folder.

    No file is removed, since Terraform needs them all to destroy what they describe: the automation reads
    `isResourceDeleted`. `existing` is the present content of the folder.
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


def obsolete_files(subject: Subject, existing: Mapping[str, bytes]) -> set[str]:
    """Those of `existing` that a deployment wrote, to be removed when the template no longer has them.

    Files of the repository's owner, such as one that names a backend, do not have our header and are kept.
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
