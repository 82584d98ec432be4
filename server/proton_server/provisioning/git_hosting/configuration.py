"""Which hosting service stands behind each `RepositoryProvider` of the API, and with which token.

Tokens come from the environment of the server, never from a command line, where every user of the machine
sees them. The Proton API names a CodeStar connection instead, which is AWS's own way into the hosting
service: no program but AWS's can use it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proton_server.provisioning.git_hosting import Hosting, HostingFault, Repository
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
"""The variable that holds the token for a provider."""
_ENTERPRISE_URL = "PROTON_GITHUB_ENTERPRISE_URL"


class ConfigurationFault(Exception):
    """A variable of the environment is wrong; the text says which."""


def local_hostings(root: Path) -> dict[str, Hosting]:
    """A folder of bare repositories for every provider."""
    return dict.fromkeys(_TOKENS, LocalGit(root))


def hostings(environment: Mapping[str, str]) -> dict[str, Hosting]:
    """The services themselves, each as far as the environment has its token.

    Raises ConfigurationFault for a URL that would take a token over an open line.
    """
    enterprise = environment.get(_ENTERPRISE_URL, "https://")
    if not enterprise.startswith("https://"):
        raise ConfigurationFault(f"{_ENTERPRISE_URL} must start with https://, since a token is sent there.")
    services: dict[str, Callable[[str, str], Hosting]] = {
        "GITHUB": GitHub,
        "GITHUB_ENTERPRISE": partial(GitHub, api_url=f"{enterprise.rstrip('/')}/api/v3"),
        "BITBUCKET": Bitbucket,
    }
    found: dict[str, Hosting] = {}
    for provider, variable in _TOKENS.items():
        hint = f"Set {variable} in the server's environment to a token that may write to the repository."
        if provider == "GITHUB_ENTERPRISE" and _ENTERPRISE_URL not in environment:
            hint = f"Set {_ENTERPRISE_URL} and {variable} in the server's environment."
            found[provider] = partial(_not_configured, hint)
        elif token := environment.get(variable):
            found[provider] = services[provider](token, hint)
        else:
            found[provider] = partial(_not_configured, hint)
    return found


def _not_configured(hint: str, full_name: str) -> Repository:
    raise HostingFault(f"This server has no access to repository {full_name}. {hint}")
