"""https://docs.aws.amazon.com/proton/latest/APIReference/API_GetAccountSettings.html."""

from __future__ import annotations

from aws_proton_provider.aws.client import Proton
from aws_proton_provider.core import types
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.values import State
from aws_proton_provider.resources.account_settings import AccountSettings, live_settings
from aws_proton_provider.resources.functions.function import READ_FROM, Function, as_outputs


class GetAccountSettings(Function):
    """The settings of service pipelines in an account and Region. What is not set is left out."""

    properties = as_outputs(AccountSettings.of_kind(Kind.INPUT))
    account: types.Account | None = READ_FROM

    @classmethod
    def answer(cls, inputs: State, proton: Proton) -> State:  # noqa: ARG003 - the account is the client's
        """The settings."""
        return live_settings(proton)
