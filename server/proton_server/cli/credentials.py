"""`proton-server credentials`: a server's temporary credentials, for clients that know nothing of it."""

from __future__ import annotations

import json
import os

import click
from botocore.exceptions import BotoCoreError

from proton_server.cli.exchange_client import (
    AwsSession,
    ExchangeError,
    OwnCredentialsError,
    exchange,
    takes_aws_credentials,
)
from proton_server.cli.lazy_group import LazyGroup

_RUNNING = "PROTON_SERVER_CREDENTIALS"
"""Set for the processes below: a profile may have one that is this command again."""


@click.group(cls=LazyGroup, lazy={"revoke": "proton_server.cli.revoke"}, invoke_without_command=True)
@click.option(
    "--endpoint-url",
    envvar="AWS_ENDPOINT_URL_PROTON",
    help="The server, if not the one of AWS_ENDPOINT_URL_PROTON.",
)
@click.option("--profile", help="The AWS profile that the server is to know you by.")
@click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="The Region of the AWS STS that vouches, if not the one of the environment or profile.",
)
@click.pass_context
def credentials(
    context: click.Context, endpoint_url: str | None, profile: str | None, region: str | None
) -> None:
    """Exchange AWS credentials for the server's, and print them as a `credential_process` does."""
    if context.invoked_subcommand is not None:
        return
    if endpoint_url is None:
        raise click.UsageError("Name the server with --endpoint-url.")
    try:
        printed = _exchanged(endpoint_url, profile, region)
    except ExchangeError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(json.dumps({"Version": 1, **printed}))


def _exchanged(url: str, profile: str | None, region: str | None) -> dict[str, str]:
    if _RUNNING in os.environ:
        raise ExchangeError(
            "This profile has its credentials from `proton-server credentials`, which is what asks for them: "
            "name another with --profile, one of AWS."
        )
    os.environ[_RUNNING] = "1"
    try:
        session = AwsSession(profile=profile)
        if region:
            session.set_config_variable("region", region)
        if not takes_aws_credentials(session, url):
            raise ExchangeError(
                f"{url} does not take AWS credentials: start it with --public-url, or use a key that "
                "`proton-server keys create` made."
            )
        return exchange(session, url)
    except OwnCredentialsError as fault:
        raise ExchangeError(f"{fault} Use them as they are, without a credential_process.") from None
    except BotoCoreError as error:
        raise ExchangeError(f"There is no AWS session: {error}") from None
    finally:
        del os.environ[_RUNNING]
