"""`proton-server adopt`: stacks that AWS Proton left behind become environments of a server.

A plain AWS client: it lists the stacks of an account and Region in CloudFormation, and the server's operation
AdoptEnvironment does everything else. Nothing that is found here is believed there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from proton_server.cli import options
from proton_server.cli.adoption_clients import NOT_OFFERED, clients
from proton_server.cli.exchange_client import ExchangeError
from proton_server.provisioning.cloudformation.stacks import (
    OF_CODEBUILD,
    PREFIX,
    environment_of,
    is_of_codebuild,
)
from proton_server.provisioning.proton_tags import ENVIRONMENT_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Command = TypeVar("Command", bound="Callable[..., Any]")

_FOR_ONE = re.compile(r"([0-9A-Za-z][0-9A-Za-z_-]*)=(.*)", re.DOTALL)
_OF_A_STACK = frozenset({"ConflictException", "ResourceNotFoundException", "ValidationException"})
"""Errors of AdoptEnvironment that are about one stack; the next may be adopted all the same."""
_UNTAGGED = (
    f"It has no tag {ENVIRONMENT_TAG}, and its name holds the first 15 characters of the environment's only. "
    "Name the environment: --environment NAME --stack {stack}."
)
_COLUMNS = ("STACK", "ENVIRONMENT", "VERSION", "RESULT")


def _values(_context: click.Context, option: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """The values of an option by environment; under "" that of all others."""
    values: dict[str, str] = {}
    for text in given:
        match = _FOR_ONE.fullmatch(text)
        name, value = match.groups() if match else ("", text)
        if name in values:
            raise click.BadParameter(f"{option.opts[0]} is given twice for {name or 'all environments'}.")
        values[name] = value
    return values


def _option(name: str, metavar: str, about: str) -> Callable[[Command], Command]:
    """An option with a value for all environments, or one for each: NAME=VALUE."""
    return click.option(name, multiple=True, callback=_values, metavar=metavar, help=about)


@click.command()
@click.option("--environment", help="Adopt this environment only; it names the one of an untagged --stack.")
@click.option("--stack", help="Adopt this stack only: its name or ARN.")
@_option("--role", "[NAME=]ARN", "The Proton service role; of one environment with NAME=.")
@_option("--connection", "[NAME=]ID", "The environment account connection, if it is in another account.")
@_option(
    "--template", "[NAME=]TEMPLATE[:MAJOR[.MINOR]]", "The template, if the stack's tag is not to be used."
)
@_option("--spec", "[NAME=]FILE", "The spec, if it is known; otherwise it is recovered.")
@click.option("--yes", is_flag=True, help="Record the environments whose specs are recovered.")
@click.option("--json", "as_json", is_flag=True, help="Print what the server answered, with the specs.")
@options.endpoint_url
@options.region
@options.profile
@click.option(
    "--stacks-profile",
    help="The AWS profile that lists the stacks, past --endpoint-url.  [default: the same]",
)
def adopt(  # noqa: PLR0913  # one for each option
    *,
    environment: str | None,
    stack: str | None,
    yes: bool,
    as_json: bool,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    stacks_profile: str | None,
    **of_environments: dict[str, str],
) -> None:
    """Find the stacks that AWS Proton left behind, recover their specs, and adopt them with --yes.

    CloudFormation is only read. Exit code 1 says that a stack cannot be adopted.
    """
    try:
        proton, cloudformation = clients(region, profile, endpoint_url, stacks_profile)
        found = [*_stacks(cloudformation, environment, stack)]
        adoptions = [_adopted(proton, each, environment, of_environments, record=yes) for each in found]
    except (ExchangeError, OSError, BotoCoreError, ClientError, ValueError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None
    if as_json:
        click.echo(json.dumps(adoptions, indent=2))
    else:
        click.echo("\n".join(_table(adoptions)))
        click.echo(_summary(adoptions, recorded=yes), err=True)
    wanted = {"adopted"} if yes else {"adopted", "recovered"}
    named = environment or stack
    if (named and not adoptions) or any(adoption["outcome"] not in wanted for adoption in adoptions):
        raise SystemExit(1)


def _stacks(cloudformation: Any, environment: str | None, stack: str | None) -> Iterator[dict[str, Any]]:
    """The stacks that are asked for, as DescribeStacks has them. A nested one goes with its parent."""
    named = {"StackName": stack} if stack else {}
    for page in cloudformation.get_paginator("describe_stacks").paginate(**named):
        for found in page["Stacks"]:
            is_theirs = found["StackName"].startswith(PREFIX) and "ParentId" not in found
            if stack or (is_theirs and environment in (None, environment_of(_tags(found)))):
                yield found


def _tags(stack: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}


def _adopted(
    proton: Any,
    stack: Mapping[str, Any],
    environment: str | None,
    of_environments: Mapping[str, dict[str, str]],
    *,
    record: bool,
) -> dict[str, Any]:
    """What the server says of one stack, after it was recorded if that is asked for and possible."""
    facts = {
        "stackId": stack["StackId"],
        "stackName": stack["StackName"],
        "stackStatus": stack["StackStatus"],
    }
    name = environment or environment_of(_tags(stack))
    if name is None:
        of_codebuild = is_of_codebuild(stack["StackName"])
        reason = OF_CODEBUILD if of_codebuild else _UNTAGGED.format(stack=stack["StackName"])
        return {**facts, "outcome": "impossible", "reason": reason}
    request = _request(name, stack["StackId"], of_environments)
    try:
        adoption: dict[str, Any] = proton.adopt_environment(**request, dryRun=True)["adoption"]
        if record and adoption["outcome"] == "recovered":
            adoption = proton.adopt_environment(**request, dryRun=False)["adoption"]
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "UnknownOperationException":
            raise ValueError(f"{proton.meta.endpoint_url} {NOT_OFFERED}") from None
        if code not in _OF_A_STACK:
            raise
        return {**facts, "environmentName": name, "outcome": "impossible", "reason": message}
    return adoption


def _request(name: str, stack_id: str, of_environments: Mapping[str, dict[str, str]]) -> dict[str, str]:
    """The members of AdoptEnvironment for an environment."""
    role, connection, template, spec = (
        of_environments[option].get(name, of_environments[option].get(""))
        for option in ("role", "connection", "template", "spec")
    )
    template, _, version = (template or "").partition(":")
    major, _, minor = version.partition(".")
    members = {
        "environmentAccountConnectionId": connection,
        "protonServiceRoleArn": None if connection else role,
        "templateName": template,
        "templateMajorVersion": major,
        "templateMinorVersion": minor,
        "spec": Path(spec).read_text(encoding="utf-8") if spec else None,
    }
    given = {member: value for member, value in members.items() if value}
    return {"environmentName": name, "stackId": stack_id, **given}


def _table(adoptions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each stack, and below it what a person should know of it."""
    rows = [_COLUMNS, *(_row(adoption) for adoption in adoptions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number:
            yield from (f"    {note}" for note in _notes(adoptions[number - 1]))


def _row(adoption: Mapping[str, Any]) -> tuple[str, ...]:
    version = "{templateName} {templateMajorVersion}.{templateMinorVersion}"
    return (
        adoption["stackName"],
        adoption.get("environmentName", "-"),
        version.format_map(adoption) if "templateName" in adoption else "-",
        adoption["outcome"],
    )


def _notes(adoption: Mapping[str, Any]) -> Iterator[str]:
    if adoption.get("reason"):
        yield adoption["reason"]
    yield from (f"warning: {warning}" for warning in adoption.get("warnings", []))
    if without := adoption.get("inputsWithoutTrace"):
        yield f"Nothing in the stack shows the value of {', '.join(without)}: the schema's default counts."


def _summary(adoptions: Sequence[Mapping[str, Any]], *, recorded: bool) -> str:
    if not adoptions:
        return "There is no such stack in this account and Region."
    done = sum(adoption["outcome"] == "adopted" for adoption in adoptions)
    ready = sum(adoption["outcome"] == "recovered" for adoption in adoptions)
    counted = f"{done} of {len(adoptions)} adopted"
    return counted if recorded or not ready else f"{counted}; {ready} can be: run this again with --yes"
