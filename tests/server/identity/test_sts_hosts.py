"""STS's hosts, as botocore's data has them."""

from __future__ import annotations

import pytest

from proton_server.identity.sts import Sts


@pytest.mark.parametrize(
    ("region", "hosts"),
    [
        (
            "eu-west-1",
            {
                "sts.eu-west-1.amazonaws.com",
                "sts-fips.eu-west-1.amazonaws.com",
                "sts.eu-west-1.api.aws",
                "sts-fips.eu-west-1.api.aws",
            },
        ),
        (
            "us-east-1",
            {
                "sts.amazonaws.com",
                "sts.us-east-1.amazonaws.com",
                "sts-fips.us-east-1.amazonaws.com",
                "sts.us-east-1.api.aws",
                "sts-fips.us-east-1.api.aws",
            },
        ),
        (
            "cn-north-1",
            {
                "sts.cn-north-1.amazonaws.com.cn",
                "sts-fips.cn-north-1.amazonaws.com.cn",
                "sts.cn-north-1.api.amazonwebservices.com.cn",
                "sts-fips.cn-north-1.api.amazonwebservices.com.cn",
            },
        ),
    ],
)
def test_a_region_has_its_hosts(region: str, hosts: set[str]) -> None:
    assert Sts().hosts(region) == hosts


def test_govcloud_has_its_own() -> None:
    assert "sts.us-gov-west-1.amazonaws.com" in Sts().hosts("us-gov-west-1")
    assert "sts.amazonaws.com" not in Sts().hosts("us-gov-west-1")


@pytest.mark.parametrize(
    "region", ["", "us-made-1", "aws-global", "us-east-1-fips", "us-iso-east-1", "evil.example/"]
)
def test_a_region_that_aws_does_not_have_has_none(region: str) -> None:
    assert Sts().hosts(region) == frozenset()
    assert Sts("http://127.0.0.1:5000").hosts(region) == frozenset()


def test_another_sts_has_one_host_for_all_regions() -> None:
    assert Sts("http://127.0.0.1:5000").hosts("eu-west-1") == {"127.0.0.1:5000"}
