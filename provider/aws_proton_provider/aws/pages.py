"""Reading a listing page by page, to an end even where the server gives it none. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_proton_provider.core.errors import Unreachable

LARGEST_PAGE = 100
"""Items: what `maxResults` may be at most."""

MOST_PAGES, MOST_ITEMS = 10_000, 1_000_000
"""Of one listing."""


def items(ask: Callable[..., dict[str, Any]], member: str, title: str) -> list[dict[str, Any]]:
    """The items below `member` of all pages that `ask` gives; `title` names the listing.

    Raises:
        Unreachable: the listing does not end.

    """
    page = ask()
    found: list[dict[str, Any]] = page[member]
    seen: set[str] = set()
    while token := page.get("nextToken"):
        if token in seen or len(seen) >= MOST_PAGES or len(found) > MOST_ITEMS:
            reason = "it leads back to an earlier page" if token in seen else f"{len(found):,} items so far"
            raise Unreachable(f"{title} does not end ({reason}): check the endpoint")
        seen.add(token)
        page = ask(nextToken=token)
        found += page[member]
    return found
