"""Which Regions a request may be for."""

from __future__ import annotations

import pytest

from proton_server.api.regions import is_region
from tests.refusals import refused
from tests.servers import LocalServer


@pytest.mark.parametrize("name", ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1"])
def test_a_region_of_aws_is_one(name: str) -> None:
    assert is_region(name)


@pytest.mark.parametrize(
    "name", ["us-east-99", "xx-nowhere-1", "aws-global", "us-iso-east-1", "US-EAST-1", ""]
)
def test_what_no_partition_of_proton_has_is_none(name: str) -> None:
    assert not is_region(name)


def test_a_request_for_a_made_up_region_is_refused(proton_server: LocalServer) -> None:
    with refused("InvalidSignatureException", "scoped to a Region of AWS", "us-east-9", "botocore"):
        proton_server.client("proton", region="us-east-9").list_environments()
