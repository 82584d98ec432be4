"""Which files self-managed provisioning proposes. Pure: bundles and folders are mappings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proton_server.provisioning.self_managed.terraform_files import (
    Subject,
    files_to_delete,
    files_to_deploy,
    folder_of,
    obsolete_files,
)
from proton_templates.bundle import Bundle

ARN = "arn:aws:proton:us-east-1:123456789012:environment/dev"
TEMPLATE_ARN = "arn:aws:proton:us-east-1:123456789012:environment-template/network"
SUBJECT = Subject("dev", ARN, TEMPLATE_ARN, ("2", "1"), "0b9f5c9c-32a5-4f0e-a0a6-1f0c6a5f3c11")
TAGS = {"proton:account": "123456789012", "proton:template": TEMPLATE_ARN, "proton:environment": ARN}

MANAGED = f"""\
/*
This file is managed by AWS Proton. Any changes made directly to this file will be overwritten the next \
time AWS Proton performs an update.

To manage this resource, see AWS Proton Resource: {ARN}

If the resource is no longer accessible within AWS Proton, it may have been deleted and may require manual \
cleanup.
*/

"""
UNMANAGED = """\
/*
This file is no longer managed by AWS Proton. The associated resource has been deleted in Proton.
*/

"""
VARIABLES = """\
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
VALUES = """\
{
  "environment": {
    "name": "dev",
    "inputs": {
      "cidr": "10.0.0.0/16",
      "zones": 2,
      "ratio": 0.5,
      "public": false,
      "names": [
        "a",
        "ü"
      ]
    }
  },
  "proton_tags": {
    "proton:account": "123456789012",
    "proton:template": "arn:aws:proton:us-east-1:123456789012:environment-template/network",
    "proton:environment": "arn:aws:proton:us-east-1:123456789012:environment/dev"
  },
  "//": "arn:aws:proton:us-east-1:123456789012:environment/dev"
}
"""
METADATA = """\
{
  "deploymentId": "0b9f5c9c-32a5-4f0e-a0a6-1f0c6a5f3c11",
  "isResourceDeleted": false,
  "resourceMetadata": {
    "arn": "arn:aws:proton:us-east-1:123456789012:environment/dev",
    "templateArn": "arn:aws:proton:us-east-1:123456789012:environment-template/network",
    "templateMajorVersion": "2",
    "templateMinorVersion": "1"
  }
}
"""
MAIN = 'resource "terraform_data" "it" {\n  input = "${var.environment.inputs.cidr}"\n}\n'


def bundle_of(*, template_file: str | None = None, **files: bytes) -> Bundle:
    names = {name.replace("__", "/").replace("_tf", ".tf"): content for name, content in files.items()}
    return Bundle("", {}, "terraform", names, template_file)


def test_a_deployment_proposes_exactly_these_files() -> None:
    inputs = {"cidr": "10.0.0.0/16", "zones": 2, "ratio": 0.5, "public": False, "names": ["a", "ü"]}
    bundle = Bundle("", {}, "terraform", {"main.tf": MAIN.encode(), "manifest.yaml": b"infrastructure: {}"})

    files = files_to_deploy(SUBJECT, bundle, inputs, TAGS)

    assert {path: content.decode() for path, content in files.items()} == {
        "main.tf": MANAGED + MAIN,
        "proton.environment.variables.tf": MANAGED + VARIABLES,
        "proton.auto.tfvars.json": VALUES,
        ".proton/deployment-metadata.json": METADATA,
    }


def test_every_terraform_file_is_proposed_at_its_own_path_and_nothing_else() -> None:
    bundle = bundle_of(main_tf=b"1", modules__vpc__main_tf=b"2", README=b"3")

    terraform = {path for path in files_to_deploy(SUBJECT, bundle, {}, {}) if path.endswith(".tf")}

    assert terraform == {"main.tf", "modules/vpc/main.tf", "proton.environment.variables.tf"}


def test_a_manifest_that_names_one_file_has_that_one_proposed() -> None:
    bundle = bundle_of(main_tf=b"1", other_tf=b"2", template_file="main.tf")

    assert "other.tf" not in files_to_deploy(SUBJECT, bundle, {}, {})


def test_a_byte_order_mark_does_not_end_up_in_the_middle_of_a_file() -> None:
    files = files_to_deploy(SUBJECT, bundle_of(main_tf="\ufeffoutput {}".encode()), {}, {})

    assert files["main.tf"].decode() == f"{MANAGED}output {{}}"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_inputs_keep_value_and_type(inputs: dict[str, Any]) -> None:
    document = files_to_deploy(SUBJECT, bundle_of(), inputs, {})["proton.auto.tfvars.json"]
    found = json.loads(document)["environment"]["inputs"]

    assert repr(found) == repr(inputs)  # 1, 1.0 and True are equal, and different types to Terraform


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        ([], "dev"),
        (["README.md"], "dev"),
        (["environments/other/main.tf"], "environments/dev"),
        # What is there already stays where it is, whatever the repository gets or loses.
        (["environments/other/main.tf", "dev/.proton/deployment-metadata.json"], "dev"),
        (["environments/dev/.proton/deployment-metadata.json"], "environments/dev"),
        (["dev/notes.txt", "environments/x"], "environments/dev"),
        (["environments.txt"], "dev"),
    ],
)
def test_the_folder_follows_from_what_the_repository_holds(paths: list[str], folder: str) -> None:
    assert folder_of("dev", paths) == folder


def test_a_deletion_changes_headers_and_metadata_and_removes_nothing() -> None:
    existing = {
        "main.tf": (MANAGED + MAIN).encode(),
        "backend.tf": b"terraform {}\n",  # of the repository's owner
    }

    files = {path: content.decode() for path, content in files_to_delete(SUBJECT, existing).items()}

    metadata = json.loads(files.pop(".proton/deployment-metadata.json"))
    assert files == {"main.tf": UNMANAGED + MAIN}
    assert metadata == {
        **json.loads(METADATA),
        "deploymentId": "<proton-resource-deleted>",
        "isResourceDeleted": True,
    }


def test_only_files_that_were_put_there_for_the_environment_are_obsolete_files() -> None:
    other = files_to_deploy(replace(SUBJECT, arn=f"{ARN}-2"), bundle_of(main_tf=b"x"), {}, {})["main.tf"]
    existing = {
        "old.tf": (MANAGED + MAIN).encode(),
        "deleted-before.tf": (UNMANAGED + MAIN).encode(),
        "backend.tf": b"terraform {}\n",
        "of-another.tf": other,
    }

    assert obsolete_files(SUBJECT, existing) == {"old.tf", "deleted-before.tf"}


def test_inputs_that_are_given_later_change_the_values_alone() -> None:
    before = files_to_deploy(SUBJECT, bundle_of(main_tf=b"x"), {"zones": 2}, TAGS)
    after = files_to_deploy(SUBJECT, bundle_of(main_tf=b"x"), {"zones": 3}, TAGS)

    assert {path for path in after if after[path] != before[path]} == {"proton.auto.tfvars.json"}
