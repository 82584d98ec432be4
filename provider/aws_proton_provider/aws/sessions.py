"""As whom calls are made: sessions of botocore, with a profile, a role or what else has AWS credentials."""

from __future__ import annotations

import functools
import os
from typing import Any

import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

from aws_proton_provider.aws import transport
from aws_proton_provider.aws.configuration import Target
from aws_proton_provider.core.errors import NoCredentials, ProtonError, Unreachable
from aws_proton_provider.core.types import AssumeRole

_SERVICES = ("proton", "signin", "sso", "sso-oidc", "sts")
"""Those that are called: Proton, and where credentials may come from."""


class Session(botocore.session.Session):
    """A session of botocore whose clients' answers end, also those that botocore makes for a profile's sake.

    With `proton_is_elsewhere` all clients but Proton's ignore AWS_ENDPOINT_URL and what the profile has in
    its place, which name the Proton server then; only AWS_ENDPOINT_URL_STS and the like lead them from AWS.
    """

    proton_is_elsewhere = False

    def __init__(self, profile: str | None) -> None:
        super().__init__(profile=profile)
        loader: Any = self.get_component("data_loader")
        # To see whether it knows a service, botocore looks into the folders of all 400, which takes as long
        # as reading the model of one.
        loader.list_available_services = lambda _type: _SERVICES

    def create_client(self, service_name: str, *positional: Any, **options: Any) -> Any:
        """As botocore's."""
        if self.proton_is_elsewhere and service_name != "proton":
            variable = f"AWS_ENDPOINT_URL_{service_name.upper().replace('-', '_')}"
            own = botocore.config.Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]
            given = options.get("config")
            options["config"] = given.merge(own) if given else own
            options["endpoint_url"] = options.get("endpoint_url") or os.environ.get(variable)
        client: Any = super().create_client(service_name, *positional, **options)
        endpoint = client._endpoint  # noqa: SLF001 - botocore has no public way to its HTTP session
        endpoint.http_session = transport.BoundedSession(endpoint.http_session)
        return client


def session_of(target: Target) -> Session:
    """The session of a target, with the role's credentials where it names one.

    Raises:
        Unreachable: there is no such profile, or it is not valid.
        NoCredentials: there are none to assume the role with.

    """
    try:
        session = Session(target.profile)
        # AWS_REGION is the name that all other SDKs read; botocore knows only AWS_DEFAULT_REGION.
        region = target.region or os.environ.get("AWS_REGION")
        if region:
            session.set_config_variable("region", region)
        if target.assume_role:
            _assume(session, target.assume_role)
    except botocore.exceptions.BotoCoreError as error:
        raise Unreachable(f"no AWS session: {error}") from None
    return session


def _assume(session: Session, role: AssumeRole) -> None:
    """Gives a session the credentials of `role`, renewed by botocore before they end."""
    extra = {
        "RoleSessionName": role.session_name or "pulumi-aws-proton",
        "ExternalId": role.external_id,
        "DurationSeconds": role.duration_seconds,
    }
    source = session.get_credentials()
    if source is None:
        raise botocore.exceptions.NoCredentialsError
    fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
        client_creator=session.create_client,
        source_credentials=source,
        role_arn=role.role_arn,
        extra_args={key: value for key, value in extra.items() if value is not None},
    )
    session._credentials = botocore.credentials.DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001 - no setter takes renewable ones
        refresh_using=functools.partial(_credentials, fetcher, role.role_arn), method="assume-role"
    )


def _credentials(fetcher: botocore.credentials.AssumeRoleCredentialFetcher, role_arn: str) -> Any:
    """The credentials of a role, asked for when a request is signed, wherever that request goes."""
    try:
        return fetcher.fetch_credentials()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ProtonError) as error:
        raise NoCredentials(
            f"role {role_arn} cannot be assumed: {error}; check assumeRole, the caller's permissions and the "
            "role's trust policy"
        ) from None
