"""A program that runs Pulumi: it previews, deploys, reads, changes and destroys an environment.

    python __main__.py

The project's settings are in Pulumi.yaml beside it, which says where the plugin is.
"""

from pathlib import Path

import pulumi
from pulumi import automation

import pulumi_aws_proton.plugin as proton


def program() -> None:
    """The stack: Pulumi calls this in a preview and an update."""
    environment = proton.Environment(
        "automated",
        template_name="quickstart",
        template_major_version="1",
        spec={"team": "platform", "message_retention_days": pulumi.Config().require_int("days")},
        proton_service_role_arn="arn:aws:iam::123456789012:role/proton-service",
    )
    pulumi.export("deploymentType", environment.deployment_type)
    pulumi.export("outputs", environment.outputs)


def main() -> None:
    """Goes once through the life of an environment."""
    stack = automation.create_or_select_stack(
        "dev",
        project_name="automation-api",
        program=program,
        opts=automation.LocalWorkspaceOptions(work_dir=str(Path(__file__).parent)),
    )

    stack.set_config("days", automation.ConfigValue("4"))
    print("Preview:", stack.preview().change_summary)
    made = stack.up()
    print("Deployed:", ", ".join(made.outputs["outputs"].value))

    stack.set_config("days", automation.ConfigValue("7"))
    print("Preview:", stack.preview().change_summary)
    changed = stack.up()
    print("Changed by a deployment of type", changed.outputs["deploymentType"].value)

    stack.destroy()
    stack.workspace.remove_stack("dev")
    print("Destroyed")


if __name__ == "__main__":
    main()
