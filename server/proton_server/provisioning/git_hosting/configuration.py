"""The hosting service for each `RepositoryProvider` of the API, and the accounts that may use its tokens.

A token is for named accounts, so that no account can use another's repositories through the server. Tokens
are read from the environment of the server, never from a command line, which every user of the machine can
read. The Proton API names a CodeStar connection instead, which only AWS can use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from proton_server.provisioning.accounts import is_account_id
from proton_server.provisioning.git_hosting import Hosting, HostingError, Hostings
from proton_server.provisioning.git_hosting.bitbucket import Bitbucket
from proton_server.provisioning.git_hosting.github import GitHub
from proton_server.provisioning.git_hosting.local_git import LocalGit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_TOKENS = {
    "GITHUB": "PROTON_GITHUB_TOKEN",
    "GITHUB_ENTERPRISE": "PROTON_GITHUB_ENTERPRISE_TOKEN",
    "BITBUCKET": "PROTON_BITBUCKET_TOKEN",
}
"""Provider → variable of its token; with `_` and an account ID appended, the token of that account."""
_SHARERS = "PROTON_GIT_ACCOUNTS"
_ENTERPRISE_URL = "PROTON_GITHUB_ENTERPRISE_URL"
_SECRET = re.compile(r"[!-~]+")
"""What a header can contain; anything else would raise an error that quotes the token."""


class ConfigurationError(Exception):
    """A variable of the environment is wrong; the message names it."""


@dataclass(frozen=True)
class Token:
    """A token, and the variable it was read from."""

    variable: str
    secret: str = field(repr=False)


def local_hostings(root: Path) -> Hostings:
    """A folder of bare repositories, for every provider and account."""
    return lambda _account_id, _provider: LocalGit(root)


def hostings(environment: Mapping[str, str]) -> Hostings:
    """The hosting services, for the accounts for which the environment has tokens.

    Raises ConfigurationError for a token that is not valid, and for a URL without encryption.
    """
    enterprise = environment.get(_ENTERPRISE_URL, "https://")
    if not enterprise.startswith("https://"):
        raise ConfigurationError(f"{_ENTERPRISE_URL} must start with https://, since a token is sent there.")
    services: dict[str, Callable[[str, str], Hosting]] = {
        "GITHUB": GitHub,
        "GITHUB_ENTERPRISE": partial(GitHub, api_url=f"{enterprise.rstrip('/')}/api/v3"),
        "BITBUCKET": Bitbucket,
    }
    found = tokens(environment)
    for (_, provider), token in found.items():
        if provider == "GITHUB_ENTERPRISE" and _ENTERPRISE_URL not in environment:
            raise ConfigurationError(f"{token.variable} needs {_ENTERPRISE_URL} to be set, too.")

    def hosting(account_id: str, provider: str) -> Hosting:
        token = found.get((account_id, provider))
        if token is None:
            raise HostingError(
                f"This server has no token for {provider} repositories of account {account_id}: set "
                f"{_TOKENS[provider]}_{account_id} in its environment to one that may write to them."
            )
        hint = f"Set {token.variable} in the server's environment to one that may write to the repository."
        return services[provider](token.secret, hint)

    return hosting


def tokens(environment: Mapping[str, str]) -> dict[tuple[str, str], Token]:
    """The token for each account and provider: the account's own, or else the one that it shares.

    Raises ConfigurationError.
    """
    sharers = environment.get(_SHARERS, "").replace(",", " ").split()
    for account in sharers:
        if not is_account_id(account):
            message = f"must be account IDs of 12 digits, separated by commas, not {account!r}."
            raise ConfigurationError(f"{_SHARERS} {message}")
    found: dict[tuple[str, str], Token] = {}
    for provider, shared in _TOKENS.items():
        # In this order an account's own token replaces the shared one.
        for variable in sorted(name for name in environment if name.startswith(shared)):
            secret = environment[variable].strip()
            if secret:
                accounts = sharers if variable == shared else [variable.removeprefix(f"{shared}_")]
                _check(variable, accounts, secret)
                found |= {(account, provider): Token(variable, secret) for account in accounts}
    return found


def _check(variable: str, accounts: list[str], secret: str) -> None:
    if not accounts:
        message = f"{variable} names no account: list in {_SHARERS} the accounts that may use it, or set"
        raise ConfigurationError(f"{message} {variable}_<account> instead.")
    if not all(is_account_id(account) for account in accounts):
        raise ConfigurationError(f"{variable} must end with an account ID of 12 digits.")
    if not _SECRET.fullmatch(secret):
        raise ConfigurationError(f"{variable} contains a character that a token cannot have.")
