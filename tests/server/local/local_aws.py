"""The local AWS, really served: uvicorn on a free port, spoken to with boto3."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import uvicorn
from botocore.config import Config

from tests.servers import botocore_session
from tests.waiting import eventually


@dataclass(frozen=True)
class LocalAws:
    """Where the local AWS answers."""

    url: str

    def client(
        self, service: str, account: str = "123456789012", region: str = "us-east-1", **keys: str
    ) -> Any:
        """A boto3 client whose access key names the account, unless `keys` are given."""
        keys = keys or {"aws_access_key_id": account, "aws_secret_access_key": "none"}
        config = Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=64
        )
        session = boto3.Session(botocore_session=botocore_session())
        return session.client(service, endpoint_url=self.url, region_name=region, config=config, **keys)


def serve(app: Any) -> Iterator[LocalAws]:
    """Serve an ASGI application on a free port until the generator is closed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    yield LocalAws(f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(10)


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    """A stack's outputs as a mapping."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
