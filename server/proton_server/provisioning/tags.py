"""The tags of what is provisioned: an environment's own, and those by which Proton marks what is its.

Pure. The environment's own are those that it had when its deployment was begun: they are recorded with it,
so that a step that is made again sends the same.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from proton_server.provisioning.errors import ProvisioningError
from proton_server.provisioning.proton_tags import PROTON_TAGS, TAG_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from proton_server.provisioning import Work

_MAX_TAGS = 50
"""Of a stack, and of a CodeBuild project."""
_LEFT_OUT = ("aws:", "pulumi:", TAG_PREFIX)
"""How the keys begin that stay on the environment: AWS's own, which only AWS may set, the record of whose the
environment is that a client keeps in its tags, and what only Proton says of it."""


def propagated(of_environment: Mapping[str, str]) -> dict[str, str]:
    """Those of an environment's tags that go on what is provisioned for it.

    One without a value stays, too: CloudFormation takes no tag with an empty one.
    """
    return {
        key: value for key, value in of_environment.items() if value and not key.lower().startswith(_LEFT_OUT)
    }


def too_many(tags: Mapping[str, str]) -> str | None:
    """Why these tags of an environment cannot go on what is provisioned for it, as a sentence, if so."""
    return _too_many(len(tags) + len(PROTON_TAGS))


def project_tags(work: Work) -> dict[str, str]:
    """The tags of the CodeBuild project. Raises ProvisioningError."""
    return _within_limit({**work.environment_tags, **work.tags})


def stack_tags(work: Work, stack: Mapping[str, Any] | None, template: str) -> dict[str, str]:
    """The tags to send with a template. A changed set of tags is an update, of the stack and what is in it.

    So an adopted stack keeps the tags that it was found with, as long as its template stays the same and the
    environment has no other; then it gets ours, and keeps those that people added. Raises ProvisioningError.
    """
    ours = {**work.environment_tags, **work.tags}
    if stack is None or stack["StackId"] != work.adopted.get("id"):
        return _within_limit(ours)
    found: Mapping[str, str] = work.adopted["tags"]
    same_template = hashlib.sha256(template.encode()).hexdigest() == work.adopted["template_sha256"]
    if same_template and work.environment_tags.items() <= found.items():
        return dict(found)
    return _within_limit({**found, **ours})


def _within_limit(tags: dict[str, str]) -> dict[str, str]:
    if problem := _too_many(len(tags)):
        raise ProvisioningError(problem)
    return tags


def _too_many(number: int) -> str | None:
    if number <= _MAX_TAGS:
        return None
    return (
        f"What is provisioned would have {number} tags, those of the environment and Proton's own, and AWS "
        f"allows {_MAX_TAGS}: remove {number - _MAX_TAGS} of the environment's tags."
    )
