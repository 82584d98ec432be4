"""The program of `test_resource_options.py`: resources with each of Pulumi's options, in four stages."""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Alias, CustomTimeouts, ResourceHook, ResourceOptions

import pulumi_aws_proton as proton

# The stage, a prefix for names, the accounts, and templates: what the test wants.
story: dict[str, Any] = json.loads(os.environ["STORY"])
later = story["stage"] > 1


def role(name: str, account: str = story["account"]) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def environment(resource: str, name: str, opts: ResourceOptions | None = None, **more: Any) -> Any:
    given = {
        "template_name": story["workshop"],
        "template_major_version": "1",
        "spec": {},
        "proton_service_role_arn": role("proton"),
    }
    return proton.Environment(resource, opts, name=f"{story['prefix']}-{name}", **given | more)


def note(args: pulumi.ResourceHookArgs) -> None:
    with Path("hooks").open("a") as file:
        file.write(f"{args.name}\n")


def describe(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
    return pulumi.ResourceTransformResult(args.props | {"description": "transformed"}, args.opts)


after_create = ResourceHook("note", note)


def many(name: str, secret: str, ignored: str, **more: Any) -> dict[str, Any]:
    """The options that each kind of resource has here, and its name, which changes."""
    return {
        "resource_name": f"{name}-renamed" if later else name,
        "opts": ResourceOptions(
            protect=True,
            aliases=[Alias(name=name)],
            additional_secret_outputs=[secret],
            hooks=pulumi.ResourceHookBinding(after_create=[after_create]),
            ignore_changes=[ignored],
            **more,
        ),
    }


kept = many("kept", "arn", "spec.label")
environment(
    kept["resource_name"],
    "kept",
    kept["opts"],
    spec={"label": "new" if later else "old"},
    tags={"change": "targeted"} if story["stage"] > 2 else {},
)
there = proton.AccountArgs(
    assume_role=proton.AssumeRoleArgs(role_arn=role("proton-admin", story["environment_account"]))
)
request = proton.EnvironmentAccountConnection(
    **many("request", "arn", "roleArn"),
    environment_name=f"{story['prefix']}-far",
    management_account_id=story["account"],
    role_arn=role("later" if later else "proton", story["environment_account"]),
    account=there,
)
proton.EnvironmentAccountConnectionAccepter(
    **many("accepter", "arn", "decision"),
    connection_id=request.id,
    decision="REJECT" if later else "ACCEPT",
)
proton.AccountSettings(
    **many("settings", "pipelineServiceRoleArn", "pipelineCodebuildRoleArn"),
    pipeline_service_role_arn=role("pipelines"),
    pipeline_codebuild_role_arn=role("later" if later else "builds"),
)

if not later:
    environment("retained", "retained", ResourceOptions(retain_on_delete=True))
    base = environment("base", "base", ResourceOptions(transforms=[describe]))
    environment("with-base", "with-base", ResourceOptions(deleted_with=base, depends_on=[base]))
environment(
    "replaced",
    "replaced",
    ResourceOptions(replace_on_changes=["description"]),
    description="later" if later else "first",
)
environment("first-deleted", "deleted-2" if later else "deleted-1")
environment(
    "first-created", "created-2" if later else "created-1", ResourceOptions(delete_before_replace=False)
)
environment(
    "moved-again" if story["stage"] > 3 else "moved",
    "moved",
    description="untargeted" if story["stage"] > 2 else None,
)
if hasattr(proton, "Provider"):
    provider = proton.Provider("provider", default_tags={"tags": {"by": "provider"}})
    environment("provided", "provided", ResourceOptions(provider=provider))
pulumi.export("got", proton.Environment.get("got", f"{story['prefix']}-got").description)

if story["stage"] > 3:
    proton.Environment(
        "hurried",
        ResourceOptions(custom_timeouts=CustomTimeouts(create="1s")),
        name=f"{story['prefix']}-hurried",
        template_name=story["slow"],
        template_major_version="1",
        spec={},
        codebuild_role_arn=role("builds"),
    )
