"""The local AWS as an ASGI application: there at once, and loading moto, which takes seconds, behind it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


# Loading takes all of the processor: it leaves the server that mounts this time to get ready, unless asked.
_HEAD_START_SECONDS = 2.0


def aws_app(deploy_seconds: float = 0.0, builds_endpoint: str | None = None) -> ASGIApp:
    """All of AWS but Proton, as one ASGI application. Requests wait until moto is loaded.

    Args:
        deploy_seconds: how long each stack's creation, update and deletion shows as in progress.
        builds_endpoint: where the commands of CodeBuild's builds reach this AWS. None: builds are refused.

    """
    loading: Future[ASGIApp] = Future()
    wanted = threading.Event()
    arguments = (wanted, loading, deploy_seconds, builds_endpoint)
    threading.Thread(target=_load, args=arguments, name="load-moto", daemon=True).start()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        wanted.set()
        moto = await asyncio.wrap_future(loading)
        await moto(scope, receive, send)

    return app


def _load(
    wanted: threading.Event, loading: Future[ASGIApp], deploy_seconds: float, builds_endpoint: str | None
) -> None:
    wanted.wait(_HEAD_START_SECONDS)
    try:
        from proton_server.local.wsgi import moto_app  # noqa: PLC0415 - the import is the slow part

        loading.set_result(moto_app(deploy_seconds, builds_endpoint))
    except BaseException as error:
        loading.set_exception(error)
        raise
