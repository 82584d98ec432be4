"""Every operation of the environment half of Proton's model is served, or listed here with a reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader

from proton_server.operations import OPERATIONS
from tests.refusals import refused

MODEL = Loader().load_service_model("proton", "service-2")
OTHER_HALF = re.compile(r"Service|Component")
"""Services with their pipelines, and components: what developers deploy into environments."""

_GIT_SYNC = "template sync: versions are registered from S3 (`proton-server templates publish`)"
NOT_SERVED = {
    "CreateTemplateSyncConfig": _GIT_SYNC,
    "DeleteTemplateSyncConfig": _GIT_SYNC,
    "GetTemplateSyncConfig": _GIT_SYNC,
    "GetTemplateSyncStatus": _GIT_SYNC,
    "UpdateTemplateSyncConfig": _GIT_SYNC,
    "GetRepositorySyncStatus": _GIT_SYNC,
    "ListRepositorySyncDefinitions": _GIT_SYNC,
    "GetResourcesSummary": "the counts on the front page of AWS's console; the lists say the same",
}

ENVIRONMENT_HALF = sorted(name for name in MODEL["operations"] if not OTHER_HALF.search(name))


@pytest.mark.parametrize("name", ENVIRONMENT_HALF)
def test_it_is_served_or_listed_with_a_reason(name: str) -> None:
    assert (xform_name(name) in OPERATIONS) != (name in NOT_SERVED)


def test_nothing_is_served_or_listed_that_the_model_does_not_have() -> None:
    known = {xform_name(name) for name in ENVIRONMENT_HALF}

    assert set(OPERATIONS) <= known
    assert set(NOT_SERVED) <= set(ENVIRONMENT_HALF)


def test_what_is_not_served_says_so(proton: Any) -> None:
    with refused("UnknownOperationException", "GetResourcesSummary", "is not implemented"):
        proton.get_resources_summary()
