"""The levels of an update: declarations name them, `resources/environment/deployment_type.py` decides."""

from __future__ import annotations

import enum


class Level(enum.IntEnum):
    """DeploymentUpdateType of the API, ordered by reach."""

    NONE = 0
    CURRENT_VERSION = 1
    MINOR_VERSION = 2
    MAJOR_VERSION = 3
