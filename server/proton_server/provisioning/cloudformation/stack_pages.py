"""The stacks of an account and Region, many in a call: nothing is decided here.

`go_on` is called before each page but the first: it may wait, and ends the reading by returning False.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proton_server.provisioning.cloudformation.status import IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def statuses_in_progress(client: Any, wanted: set[str], go_on: Callable[[], bool]) -> dict[str, str]:
    """The statuses of stacks in progress by their IDs, until those that are wanted are found."""
    found: dict[str, str] = {}
    filtered = client.get_paginator("list_stacks").paginate(StackStatusFilter=sorted(IN_PROGRESS))
    for page in _paced(filtered, go_on):
        found |= {stack["StackId"]: stack["StackStatus"] for stack in page["StackSummaries"]}
        if wanted <= found.keys():
            break
    return found


def descriptions(
    client: Any, wanted: set[str], at_most: int, go_on: Callable[[], bool]
) -> tuple[dict[str, dict[str, Any]], bool]:
    """The wanted stacks by their IDs, and whether the others were not found because they do not exist.

    Args:
        client: of CloudFormation.
        wanted: the IDs of the stacks.
        at_most: how many pages are read; others are left unread.
        go_on: see above.

    """
    found: dict[str, dict[str, Any]] = {}
    for number, page in enumerate(_paced(client.get_paginator("describe_stacks").paginate(), go_on), 1):
        found |= {stack["StackId"]: stack for stack in page["Stacks"] if stack["StackId"] in wanted}
        is_last = "NextToken" not in page
        if is_last or wanted <= found.keys() or number == at_most:
            return found, is_last
    return found, False


def _paced(pages: Iterator[Mapping[str, Any]], go_on: Callable[[], bool]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield page
        if "NextToken" in page and not go_on():
            return
