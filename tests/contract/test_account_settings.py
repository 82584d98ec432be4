"""AccountSettings against a live server. There is one set in each Region, so each test leaves it empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.adapters import OperationFailed
from tests.contract.fake_engine import Stack
from tests.names import MANAGEMENT, role
from tests.servers import LocalServer

Stacks = Callable[..., Stack]
ROLE, OTHER_ROLE = role(MANAGEMENT), role(MANAGEMENT, "other")
REPOSITORY = {"provider": "GITHUB", "name": "team/infra", "branch": "main"}


class Region:
    """A Region that no other tests use, and what its settings are."""

    name = "us-west-2"

    def __init__(self, server: LocalServer) -> None:
        self.proton = server.client("proton", MANAGEMENT, self.name)
        self._linked = False

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.proton.get_account_settings()["accountSettings"]
        return found

    def link(self) -> None:
        connection = f"arn:aws:codestar-connections:{self.name}:{MANAGEMENT}:connection/x"
        self.proton.create_repository(provider="GITHUB", name=REPOSITORY["name"], connectionArn=connection)
        self._linked = True

    def reset(self) -> None:
        self.proton.update_account_settings(
            pipelineServiceRoleArn="",
            pipelineCodebuildRoleArn="",
            deletePipelineProvisioningRepository=True,
        )
        if self._linked:
            self.proton.delete_repository(provider="GITHUB", name=REPOSITORY["name"])


@pytest.fixture
def region(proton_server: LocalServer) -> Iterator[Region]:
    region = Region(proton_server)
    yield region
    region.reset()


@pytest.fixture
def mine(stack: Stacks, region: Region) -> Stack:
    return stack("AccountSettings", region=region.name)


def test_settings_are_set_read_and_reset(region: Region, mine: Stack) -> None:
    program = {"pipelineServiceRoleArn": ROLE, "pipelineCodebuildRoleArn": ROLE}

    mine.up(**program)

    assert mine.identifier == f"{MANAGEMENT}/{region.name}"
    assert region.settings() == program
    assert not mine.preview(**program)[1].changes
    assert mine.refresh()
    assert not mine.preview(**program)[1].changes
    mine.destroy()
    assert region.settings() == {}


@pytest.mark.parametrize("wire", ["pipelineServiceRoleArn", "pipelineCodebuildRoleArn"])
def test_a_role_is_set_changed_and_cleared(region: Region, mine: Stack, wire: str) -> None:
    for value in (ROLE, OTHER_ROLE, None):
        mine.up(**{wire: value})

        assert region.settings().get(wire) == value


def test_a_repository_is_set_changed_and_removed(region: Region, mine: Stack) -> None:
    region.link()

    for value in (REPOSITORY, REPOSITORY | {"branch": "next"}, None):
        mine.up(pipelineProvisioningRepository=value, pipelineServiceRoleArn=ROLE)
        live = region.settings().get("pipelineProvisioningRepository")

        assert (live and {key: live[key] for key in value or {}}) == value
        assert mine.refresh()
        assert not mine.preview(pipelineProvisioningRepository=value, pipelineServiceRoleArn=ROLE)[1].changes


def test_what_the_program_does_not_name_stays_as_it_is(region: Region, mine: Stack) -> None:
    region.proton.update_account_settings(pipelineCodebuildRoleArn=OTHER_ROLE)

    mine.up(pipelineServiceRoleArn=ROLE)
    mine.refresh()
    assert "pipelineCodebuildRoleArn" not in mine.state
    mine.destroy()

    assert region.settings() == {"pipelineCodebuildRoleArn": OTHER_ROLE}


def test_two_stacks_with_different_settings_do_not_disturb_each_other(
    stack: Stacks, region: Region, mine: Stack
) -> None:
    other = stack("AccountSettings", region=region.name)
    mine.up(pipelineServiceRoleArn=ROLE)
    other.up(pipelineCodebuildRoleArn=ROLE)

    for one, program in (
        (mine, {"pipelineServiceRoleArn": ROLE}),
        (other, {"pipelineCodebuildRoleArn": ROLE}),
    ):
        one.refresh()
        assert not one.preview(**program)[1].changes
    mine.destroy()
    assert region.settings() == {"pipelineCodebuildRoleArn": ROLE}


def test_two_stacks_with_the_same_setting_see_each_other_as_drift(
    stack: Stacks, region: Region, mine: Stack
) -> None:
    mine.up(pipelineServiceRoleArn=ROLE)
    stack("AccountSettings", region=region.name).up(pipelineServiceRoleArn=OTHER_ROLE)

    mine.refresh()

    assert mine.state["pipelineServiceRoleArn"] == OTHER_ROLE
    assert mine.preview(pipelineServiceRoleArn=ROLE)[1].changes


def test_a_setting_cleared_behind_our_back_is_set_again(region: Region, mine: Stack) -> None:
    mine.up(pipelineServiceRoleArn=ROLE)
    region.proton.update_account_settings(pipelineServiceRoleArn="")

    mine.refresh()
    assert "pipelineServiceRoleArn" not in mine.state
    mine.up(pipelineServiceRoleArn=ROLE)

    assert region.settings() == {"pipelineServiceRoleArn": ROLE}


@pytest.mark.parametrize("account", [{"profile": "third"}, {"region": "sa-east-1"}])
def test_another_account_or_region_is_refused(mine: Stack, account: dict[str, str]) -> None:
    mine.up(pipelineServiceRoleArn=ROLE)

    with pytest.raises(
        OperationFailed, match=f"the object in the state is {mine.identifier}, but the current credentials"
    ):
        mine.up(pipelineServiceRoleArn=OTHER_ROLE, account=account)
