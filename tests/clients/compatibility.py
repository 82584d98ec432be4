"""The tables of `docs/reference/compatibility.md`: what is served, tested with whom, and what is not.

`python -m tests.clients.compatibility` writes them.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import NamedTuple

from botocore import xform_name
from botocore.loaders import Loader

from proton_server.operations import OPERATIONS
from tests.clients.installed import CLIENTS, PROGRAMS
from tests.clients.steps import Step
from tests.clients.walks import WALKS
from tests.names import REPOSITORY

PAGE = REPOSITORY / "docs" / "reference" / "compatibility.md"
MODEL = Loader().load_service_model("proton", "service-2")["operations"]
SERVED = sorted(name for name in MODEL if xform_name(name) in OPERATIONS)
TABLED = tuple(client.name for client in CLIENTS if client.name != "AWS CLI v2")
"""The clients that every machine of ours has."""
_EVERYONE = " | ".join("✓" for _ in TABLED)
CORRECT_THEIR_CLOCK = ("JavaScript v3", "Go v2")


class Left(NamedTuple):
    """Operations that are not served, and why."""

    what: str
    reason: str
    operations: tuple[str, ...]


NOT_SERVED = (
    Left(
        "Services, their instances and pipelines",
        "What developers deploy into environments. This server is for environments.",
        (
            "CancelServiceInstanceDeployment",
            "CancelServicePipelineDeployment",
            "CreateService",
            "CreateServiceInstance",
            "DeleteService",
            "GetService",
            "GetServiceInstance",
            "ListServiceInstanceOutputs",
            "ListServiceInstanceProvisionedResources",
            "ListServiceInstances",
            "ListServicePipelineOutputs",
            "ListServicePipelineProvisionedResources",
            "ListServices",
            "UpdateService",
            "UpdateServiceInstance",
            "UpdateServicePipeline",
        ),
    ),
    Left(
        "Service templates",
        "Without services they would have no use.",
        (
            "CreateServiceTemplate",
            "CreateServiceTemplateVersion",
            "DeleteServiceTemplate",
            "DeleteServiceTemplateVersion",
            "GetServiceTemplate",
            "GetServiceTemplateVersion",
            "ListServiceTemplateVersions",
            "ListServiceTemplates",
            "UpdateServiceTemplate",
            "UpdateServiceTemplateVersion",
        ),
    ),
    Left(
        "Service sync",
        "Without services it would have no use.",
        (
            "CreateServiceSyncConfig",
            "DeleteServiceSyncConfig",
            "GetServiceInstanceSyncStatus",
            "GetServiceSyncBlockerSummary",
            "GetServiceSyncConfig",
            "UpdateServiceSyncBlocker",
            "UpdateServiceSyncConfig",
        ),
    ),
    Left(
        "Components",
        "What developers add to an instance of a service, which there is none of.",
        (
            "CancelComponentDeployment",
            "CreateComponent",
            "DeleteComponent",
            "GetComponent",
            "ListComponentOutputs",
            "ListComponentProvisionedResources",
            "ListComponents",
            "UpdateComponent",
        ),
    ),
    Left(
        "Template sync",
        "Versions are registered from S3: `proton-server templates publish`, for example in a build.",
        (
            "CreateTemplateSyncConfig",
            "DeleteTemplateSyncConfig",
            "GetRepositorySyncStatus",
            "GetTemplateSyncConfig",
            "GetTemplateSyncStatus",
            "ListRepositorySyncDefinitions",
            "UpdateTemplateSyncConfig",
        ),
    ),
    Left(
        "Summary",
        "The counts on the front page of AWS's console; the lists say the same.",
        ("GetResourcesSummary",),
    ),
)


def filled(text: str) -> str:
    """The page with its tables as they should be; each is after a comment with its name."""
    for name, rows in _tables().items():
        head = re.sub(r"[^|]+", "---", rows[0])
        table = "\n".join([rows[0], head, *rows[1:]])
        text = re.sub(rf"(<!-- {name} -->\n)(\|.*\n)*", lambda found: f"{found[1]}{table}\n", text)  # noqa: B023
    return text


def _tables() -> dict[str, list[str]]:
    """The rows of each table, the head first."""
    clients = " | ".join(TABLED)
    steps = [step for walk in WALKS.values() for step in walk]
    waiters = sorted({step.calls for step in steps} - MODEL.keys())
    return {
        "clients": ["| Client | Version |", *(f"| {name} | {of} |" for name, of in _versions().items())],
        "operations": [
            f"| Operation | {clients} | Errors |",
            *(_row(name, [step for step in steps if step.calls == name]) for name in SERVED),
        ],
        "waiters": [f"| Waiter | {clients} |", *(f"| `{name}` | {_EVERYONE} |" for name in waiters)],
        "abilities": [f"| | {clients} |", *_abilities()],
        "left": ["| What | Why | Operations |", *(_left_row(left) for left in NOT_SERVED)],
    }


def _versions() -> dict[str, str]:
    """The version of each client, as it is pinned."""

    def pinned(file: str, package: str) -> str:
        found = re.search(rf"{package}[= v]+(\S+)", (PROGRAMS / file).read_text())
        assert found is not None, file
        return f"`{package}` {found[1]}"

    javascript = json.loads((PROGRAMS / "javascript" / "package.json").read_text())["dependencies"]
    versions = (
        pinned("awscli.txt", "awscli"),
        f"`boto3` {metadata.version('boto3')}",
        pinned("boto3-oldest.txt", "boto3"),
        *(f"`{name}` {version}" for name, version in javascript.items()),
        pinned("go/go.mod", "github.com/aws/aws-sdk-go-v2/service/proton"),
    )
    return dict(zip(TABLED, versions, strict=True))


def _row(operation: str, steps: list[Step]) -> str:
    errors = sorted({f"`{step.outcome}`" for step in steps if step.outcome != "OK"})
    return f"| `{operation}` | {_EVERYONE} | {', '.join(errors)} |"


def _abilities() -> list[str]:
    clocks = " | ".join("✓" if name in CORRECT_THEIR_CLOCK else "no" for name in TABLED)
    return [
        f"| Try again after `ThrottlingException` and `InternalServerException` | {_EVERYONE} |",
        f"| Try again when the connection ends without an answer | {_EVERYONE} |",
        f"| Correct a clock that is wrong | {clocks} |",
    ]


def _left_row(left: Left) -> str:
    return f"| {left.what} | {left.reason} | {', '.join(f'`{name}`' for name in left.operations)} |"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
