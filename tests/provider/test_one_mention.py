"""A property is named by hand once, in its declaration; what decides by its name has a reason."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import pytest

import aws_proton_provider
from aws_proton_provider.resources import RESOURCES

_PACKAGE = pathlib.Path(aws_proton_provider.__file__).parent
_MODULES = [path for folder in ("core", "resources") for path in sorted((_PACKAGE / folder).rglob("*.py"))]

REASONS = {
    "account": "the provider makes a client for it",
    "adopt": "core/ownership.py decides by it what a create does with an existing object",
    "arn": "every record has one: tags and the check of the account are by ARN",
    "cancelOnInterrupt": "it controls what an interruption does",
    "connectionId": "the accepter finds the request by it",
    "decision": "the accepter decides by it",
    "deploymentStatus": "waits end by it",
    "deploymentStatusMessage": "a failed deployment is reported with it",
    "deploymentType": "check computes it",
    "environmentAccountConnectionId": "an environment's record has the connection that it uses",
    "environmentAccountId": "check computes it; the accepter finds the request by it",
    "environmentName": "the accepter finds the request by it; messages name it",
    "expectedEnvironmentAccountId": "the accepter verifies the request by it",
    "expectedEnvironmentName": "the accepter verifies the request by it",
    "lastAttemptedDeploymentId": "check records which deployment failed",
    "managementAccountId": "messages name it",
    "maxDeploymentType": "check limits the deploymentType by it",
    "name": "it is the environment's id",
    "outputs": "it is the one property that is read by a listing of its own",
    "provisioning": "a customer-managed template needs nobody to provision it",
    "requestedAt": "the accepter takes the newest request",
    "spec": "check validates it against the template's schema",
    "status": "a connection's status decides what a change does",
    "tags": "the API's member for tags, and a program's own tags",
    "tagsAll": "computed from three sources, compared without the owner's former names",
    "templateMajorVersion": "check asks AWS Proton for the template's versions",
    "templateMinorVersion": "check fills it in",
    "templateName": "check asks AWS Proton for the template",
    "waitForAcceptance": "it controls a wait",
    "waitForDeployment": "it controls a wait",
    "waitForRequest": "it controls a wait",
}
"""Properties that code names besides their declaration, each with its reason. All else is derived."""


def _names(tree: ast.AST) -> Iterator[str]:
    """All texts and names in a module, without the annotated attributes of its classes."""
    declared = {
        id(statement.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name) and id(node) not in declared and "_" in node.id:
            yield node.id


_MENTIONS = [name for path in _MODULES for name in _names(ast.parse(path.read_text()))]
_PROPERTIES = {item.wire: item.name for resource in RESOURCES for item in resource.properties}


@pytest.mark.parametrize("wire", sorted(_PROPERTIES.keys() - REASONS.keys()))
def test_a_property_is_named_in_its_declaration_only(wire: str) -> None:
    name = _PROPERTIES[wire]

    assert [text for text in _MENTIONS if text in (wire, name if "_" in name else wire)] == []


def test_every_reason_is_still_needed() -> None:
    assert [wire for wire in REASONS if wire not in _MENTIONS] == []


@pytest.mark.parametrize("wire", ["codebuildRoleArn", "protonServiceRoleArn", "provisioningRepository"])
def test_what_selects_who_provisions_is_a_trait_of_the_declaration(wire: str) -> None:
    assert wire in _PROPERTIES
    assert wire not in REASONS
