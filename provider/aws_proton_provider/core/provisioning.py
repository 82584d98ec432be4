"""Who provisions an environment: declarations name it, `resources/environment/deployment_type.py` decides."""

from __future__ import annotations

import enum


class Provisioner(enum.IntEnum):
    """Who provisions an environment; of several that are given, the first one decides.

    An environment never changes from one to another (conditions of UpdateEnvironment).
    """

    ENVIRONMENT_ACCOUNT = 1
    """Proton, in another account, through an environment account connection."""
    REPOSITORY = 2
    """The owner of a repository, which gets pull requests (self-managed provisioning)."""
    THIS_ACCOUNT = 3
    """Proton, with a role of this account (AWS-managed or CodeBuild provisioning)."""
