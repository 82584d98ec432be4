"""Stacks as AWS Proton left them behind: with its names and tags, and the rendered text as their template."""

from __future__ import annotations

import random
import string
from typing import Any

from proton_templates.rendering import render_template
from tests.bundles import TEMPLATE
from tests.names import ACCOUNT, REGION


def rendered(name: str, template: str = TEMPLATE, **inputs: Any) -> str:
    """The text of an environment's template as AWS Proton rendered it, with complete inputs."""
    return render_template(template, name, {"title": "news", "fifo": False, **inputs})


def tags_of(
    name: str, template: str | None, *, account: str = ACCOUNT, region: str = REGION
) -> dict[str, str]:
    """The tags that AWS Proton put on the stack of an environment."""
    here = f"arn:aws:proton:{region}:{account}"
    tags = {"proton:account": account, "proton:environment": f"{here}:environment/{name}"}
    if template is not None:
        tags["proton:template"] = f"{here}:environment-template/{template}"
    return tags


def leave_behind(
    cloudformation: Any,
    name: str,
    text: str,
    tags: dict[str, str],
    *,
    stack_name: str | None = None,
    by_url: bool = False,
) -> str:
    """Creates the stack that AWS Proton would have left of the environment; its ARN.

    `by_url`: the text is the URL of the template.
    """
    letters = "".join(random.choices(string.ascii_uppercase, k=15))
    stack_name = stack_name or f"AWSProton-{name[:15].replace('_', '-')}-cloudformation--{letters}"
    answer = cloudformation.create_stack(
        StackName=stack_name,
        **{"TemplateURL" if by_url else "TemplateBody": text},
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stack_id: str = answer["StackId"]
    return stack_id
