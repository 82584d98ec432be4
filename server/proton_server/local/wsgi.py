"""moto's WSGI application taken from ASGI undamaged: bodies, paths, header names, and the key's account.

Importing this module imports moto. Which requests come here is the server's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.types import ASGIApp

from proton_server.local.accounts import account_of, moto_is_loaded
from proton_server.local.cloudformation.installation import install as install_cloudformation
from proton_server.local.codebuild.installation import install as install_codebuild
from proton_server.local.s3 import install as install_s3

# In the Authorization header (SigV4, SigV2) or in the query of a presigned URL.
_ACCESS_KEY = re.compile(r"(?:Credential=|AWSAccessKeyId=|^AWS )([A-Za-z0-9]+)")
_MOTO_THREADS = 32


def moto_app(deploy_seconds: float, builds_endpoint: str | None) -> ASGIApp:
    """moto, with our CloudFormation, CodeBuild and S3 installed, as an ASGI application."""
    install_cloudformation(deploy_seconds)
    install_codebuild(builds_endpoint)
    install_s3()
    moto_is_loaded.set()
    dispatch = DomainDispatcherApplication(create_backend_app)

    def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        _complete(environ)
        return cast("Iterable[bytes]", dispatch(environ, start_response))

    return cast("ASGIApp", WSGIMiddleware(cast("Any", wsgi), workers=_MOTO_THREADS))


def _complete(environ: dict[str, Any]) -> None:
    """Fill in what moto finds in the environ of its own server, and a2wsgi does not provide."""
    scope, query = environ["asgi.scope"], environ["QUERY_STRING"]
    # Without this a body with chunked transfer coding is stored as 0 bytes, and the response is 200.
    environ["wsgi.input_terminated"] = True
    # S3 keys with escaped slashes differ in the raw path only.
    environ["RAW_URI"] = scope["raw_path"].decode("latin1") + (f"?{query}" if query else "")
    # WSGI does not distinguish `some_key` from `some-key`; S3 metadata can.
    names = [name.decode("latin1") for name, _ in scope["headers"]]
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        environ_key_for_header(name): name for name in names if should_preserve_original_header_name(name)
    }
    # moto's own way to say which account a request belongs to; a client that sends it keeps its word.
    if key := _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", "")) or _ACCESS_KEY.search(query):
        environ.setdefault("HTTP_X_MOTO_ACCOUNT_ID", account_of(key[1]))
