"""An empty Starlette route, behind the server's own authentication and served as the server is.

    python -m bench.empty_route PORT [DATABASE]

Accepts any credentials, as `proton-server local` does. With a database it verifies signatures,
as `serve` does.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proton_server.api.app import _signed_request
from proton_server.api.authentication import AnyCredentials, VerifiedCredentials
from proton_server.api.http_server import run
from proton_server.api.wire import CONTENT_TYPE
from proton_server.cli.server import listen
from proton_server.local import account_of
from proton_server.persistence.store import Store
from tests.master_keys import MASTER_KEYS


def main() -> None:
    """Serves until it is stopped."""
    port, *database = sys.argv[1:]
    read = Store(database[0]).read_without_blocking if database else nullcontext
    authenticate = VerifiedCredentials(MASTER_KEYS) if database else AnyCredentials(account_of)

    async def empty(request: Request) -> Response:
        authenticate(_signed_request(request, await request.body()), read)
        return Response(b"{}", 200, media_type=CONTENT_TYPE)

    run(Starlette(routes=[Route("/", empty, methods=["POST"])]), listen("127.0.0.1", int(port)))


if __name__ == "__main__":
    main()
