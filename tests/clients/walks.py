"""What the clients do, and what each of them must see: the walks, as tables of steps."""

from __future__ import annotations

from typing import Any

from tests.clients.handshake import HANDSHAKE
from tests.clients.steps import CONFLICT, DEPLOYED, INVALID, NOT_FOUND, REGISTERED, Step, deletion


def _version(name: str, minor: str, *, status: str) -> dict[str, Any]:
    return {
        "environmentTemplateVersion.[minorVersion, status, description]": [minor, status, name],
    }


def _published(version: str, name: str) -> tuple[Step, ...]:
    minor = version.partition(".")[2]
    created = _version(name, minor, status="REGISTRATION_IN_PROGRESS")
    return (
        Step(f"register {version}", "CreateEnvironmentTemplateVersion", created),
        Step(f"wait for {version}", REGISTERED),
        Step(
            f"publish {version}",
            "UpdateEnvironmentTemplateVersion",
            _version(name, minor, status="PUBLISHED"),
        ),
    )


def _deployment(kind: str) -> tuple[Step, ...]:
    update = Step(f"update with {kind}", "UpdateEnvironment", {"environment.deploymentStatus": "IN_PROGRESS"})
    return update, Step(f"wait for {kind}", DEPLOYED)


_VERSIONS = "sort_by(templateVersions, &arn)[].[majorVersion, minorVersion]"
_TEMPLATE = "environmentTemplate.[name, displayName, description, arn]"
_TEMPLATE_ARN = "arn:aws:proton:us-east-1:{account}:environment-template/network"
TEMPLATES = (
    Step(
        "create a template",
        "CreateEnvironmentTemplate",
        {_TEMPLATE: ["network", "Network", "Ours", _TEMPLATE_ARN]},
    ),
    Step(
        "create it again, with another description",
        "CreateEnvironmentTemplate",
        outcome=INVALID,
        message="Environment template network already exists with other parameters.",
    ),
    Step(
        "create one with an invalid name",
        "CreateEnvironmentTemplate",
        outcome=INVALID,
        message="Value 'no name' at 'name' failed to satisfy constraint: Member must satisfy regular",
    ),
    Step(
        "get the template",
        "GetEnvironmentTemplate",
        {_TEMPLATE: ["network", "Network", "Ours", _TEMPLATE_ARN]},
    ),
    Step(
        "get a template that does not exist",
        "GetEnvironmentTemplate",
        outcome=NOT_FOUND,
        message="Environment template not found: missing",
    ),
    Step("update the template", "UpdateEnvironmentTemplate", {"environmentTemplate.displayName": "Networks"}),
    *_published("1.0", "first"),
    Step(
        "get the version",
        "GetEnvironmentTemplateVersion",
        {"environmentTemplateVersion.contains(schema, 'environment_input_type: Inputs')": True},
    ),
    *_published("1.1", "second"),
    *_published("2.0", "third"),
    Step("register 3.0", "CreateEnvironmentTemplateVersion"),
    Step("wait for 3.0", REGISTERED, outcome="Failure"),
    Step(
        "delete the version that is broken",
        "DeleteEnvironmentTemplateVersion",
        {"environmentTemplateVersion.[majorVersion, status]": ["3", "REGISTRATION_FAILED"]},
    ),
    Step(
        "list the major versions",
        "ListEnvironmentTemplateVersions",
        {_VERSIONS: [["1", "1"], ["2", "0"]]},
    ),
    Step(
        "list the minor versions",
        "ListEnvironmentTemplateVersions",
        {_VERSIONS: [["1", "0"], ["1", "1"]]},
    ),
    Step("list the templates", "ListEnvironmentTemplates", {"templates[].name": ["builds", "network"]}),
    Step(
        "delete a template that has versions",
        "DeleteEnvironmentTemplate",
        outcome=INVALID,
        message="Environment template has major versions that must first be deleted.",
    ),
    Step("create a template without versions", "CreateEnvironmentTemplate"),
    Step("delete it", "DeleteEnvironmentTemplate", {"environmentTemplate.name": "empty"}),
)

_OUTPUT = "outputs[?key=='Title'].valueString"
_STACK = "arn:aws:cloudformation:us-east-1:{account}:stack/AWSProton-production-"
_DEPLOYMENT = "deployment.[deploymentStatus, environmentName, targetResourceType]"
ENVIRONMENTS = (
    Step(
        "create an environment",
        "CreateEnvironment",
        {
            "environment.[deploymentStatus, templateMajorVersion, templateMinorVersion]": [
                "IN_PROGRESS",
                "1",
                "0",
            ],
            "environment.protonServiceRoleArn": "arn:aws:iam::{account}:role/proton",
        },
    ),
    Step(
        "create it again, with another spec",
        "CreateEnvironment",
        outcome=INVALID,
        message="Environment production already exists with other parameters.",
    ),
    Step("wait for its creation", DEPLOYED),
    Step(
        "get the environment",
        "GetEnvironment",
        {
            "environment.[deploymentStatus, spec]": [
                "SUCCEEDED",
                "proton: EnvironmentSpec\nspec: {title: one}\n",
            ]
        },
    ),
    Step(
        "get an environment that does not exist",
        "GetEnvironment",
        outcome=NOT_FOUND,
        message="Environment not found: missing",
    ),
    Step(
        "update with NONE",
        "UpdateEnvironment",
        {"environment.[deploymentStatus, description]": ["SUCCEEDED", "Ours"]},
    ),
    *_deployment("CURRENT_VERSION"),
    *_deployment("MINOR_VERSION"),
    *_deployment("MAJOR_VERSION"),
    Step(
        "update with a spec that the schema refuses",
        "UpdateEnvironment",
        outcome=INVALID,
        message="The spec does not fit the template's schema: spec.title: must be a string.",
    ),
    Step("list the outputs", "ListEnvironmentOutputs", {_OUTPUT: ["two"]}),
    Step(
        "list the resources",
        "ListEnvironmentProvisionedResources",
        {
            "provisionedResources[].provisioningEngine": ["CLOUDFORMATION"],
            f"starts_with(provisionedResources[0].identifier, '{_STACK}')": True,
        },
    ),
    Step("begin another update", "UpdateEnvironment", {"environment.deploymentStatus": "IN_PROGRESS"}),
    Step("cancel it", "CancelEnvironmentDeployment", {"environment.deploymentStatus": "CANCELLING"}),
    Step(
        "get the environment after the cancellation",
        "GetEnvironment",
        {
            "environment.[deploymentStatus, templateMajorVersion, spec]": [
                "CANCELLED",
                "2",
                "proton: EnvironmentSpec\nspec: {title: two}\n",
            ]
        },
    ),
    Step(
        "cancel what is not in progress",
        "CancelEnvironmentDeployment",
        outcome=CONFLICT,
        message="Environment production is CANCELLED and has no update in progress to cancel.",
    ),
    Step(
        "list the deployments",
        "ListDeployments",
        {"deployments[].deploymentStatus": ["CANCELLED", *["SUCCEEDED"] * 4]},
    ),
    Step("get a deployment", "GetDeployment", {_DEPLOYMENT: ["CANCELLED", "production", "ENVIRONMENT"]}),
    Step(
        "delete a deployment", "DeleteDeployment", {_DEPLOYMENT: ["CANCELLED", "production", "ENVIRONMENT"]}
    ),
    Step("tag the environment", "TagResource"),
    Step("untag it", "UntagResource"),
    Step("list the tags", "ListTagsForResource", {"tags[?value=='yes'].key": ["a", "c"]}),
)

BUILDS = (
    Step(
        "create an environment with CodeBuild",
        "CreateEnvironment",
        {"environment.codebuildRoleArn": "arn:aws:iam::{account}:role/proton"},
    ),
    Step("wait for its build", DEPLOYED),
    Step("notify of outputs", "NotifyResourceDeploymentStatusChange"),
    Step(
        "list what was notified",
        "ListEnvironmentOutputs",
        {"outputs": [{"key": "Address", "valueString": "10.0.0.1"}]},
    ),
    Step("list the environments", "ListEnvironments", {"environments[].name": ["builds", "production"]}),
    Step("list those of a template", "ListEnvironments", {"environments[].name": ["production"]}),
    *deletion("production"),
    *deletion("builds"),
)

_ROLE_OF_BUILDS = {"accountSettings.pipelineCodebuildRoleArn": "arn:aws:iam::{account}:role/proton"}
ACCOUNT = (
    Step("get the settings of an account that has none", "GetAccountSettings", {"accountSettings": {}}),
    Step("set a role", "UpdateAccountSettings", _ROLE_OF_BUILDS),
    Step("get the settings", "GetAccountSettings", _ROLE_OF_BUILDS),
    *(
        Step(f"link {name}", "CreateRepository", {"repository.[provider, name]": ["GITHUB", name]})
        for name in ("acme/one", "acme/two")
    ),
    Step("get a repository", "GetRepository", {"repository.name": "acme/one"}),
    Step("list the repositories", "ListRepositories", {"repositories[].name": ["acme/one", "acme/two"]}),
    Step("delete a repository", "DeleteRepository", {"repository.name": "acme/two"}),
)

WALKS = {"walk": TEMPLATES + ENVIRONMENTS + BUILDS + ACCOUNT, "handshake": HANDSHAKE}
