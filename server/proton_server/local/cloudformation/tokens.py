"""Client request tokens: how a call that a client repeats is recognised, and not done a second time.

Source: ``ClientRequestToken`` of CreateStack, UpdateStack, DeleteStack, RollbackStack … in the API
Reference.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import CloudFormationError

from proton_server.local.cloudformation.stacks import Stack


class TokenAlreadyExists(CloudFormationError):
    """The token came with another call before."""

    code = "TokenAlreadyExistsException"


class Tokens:
    """The calls of one account and region that were accepted with a token. A refused one leaves it free."""

    def __init__(self) -> None:
        self._accepted: dict[str, tuple[tuple[Any, ...], Stack]] = {}

    def stack_of(self, token: str | None, *call: Any) -> Stack | None:
        """The stack that the same call was accepted for; None for a new call.

        Args:
            token: the client's, if it sent one.
            call: the operation and all that was asked of it.

        Raises:
            TokenAlreadyExists: the token belongs to another call.

        """
        if token is None or token not in self._accepted:
            return None
        accepted, stack = self._accepted[token]
        if accepted == call:
            return stack
        raise TokenAlreadyExists("A client request token already exists.")

    def accept(self, token: str | None, stack: Stack, *call: Any) -> None:
        """Remember a call that was accepted for a stack."""
        stack.client_request_token = token
        if token is not None:
            self._accepted[token] = call, stack
