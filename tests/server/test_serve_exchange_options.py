"""`serve`'s options of the exchange: what is refused at the start, and what is offered without them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.master_keys import MASTER_KEYS_ENVIRONMENT
from tests.servers import LocalServer

ROLE = "arn:aws:iam::111122223333:role/deploy"


def refusal_of(folder: Path, *arguments: str) -> str:
    """The one sentence with which `serve` refuses to start, leaving no database behind."""
    command = [sys.executable, "-m", "proton_server.cli", "serve", "--port", "0", *arguments]
    environment = {"PATH": "", **MASTER_KEYS_ENVIRONMENT}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.stderr
    assert [file.name for file in folder.iterdir() if file.suffix != ".yaml"] == []
    return result.stderr.removeprefix("Error: ").rstrip()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--public-url", "http://proton.example.com"),
            "--public-url must begin with https://, or name this machine: http://localhost:4030.",
        ),
        (
            ("--public-url", "https://proton.example.com/path"),
            "--public-url must be a scheme, a host and a port only, such as https://proton.example.com.",
        ),
        (
            ("--sts-endpoint", "http://sts.example.com"),
            "--sts-endpoint must begin with https://, or name this machine: http://localhost:4030.",
        ),
        (
            ("--sts-proxy", "socks5://user:hush@proxy.example.com:1080"),
            "--sts-proxy must be a URL such as http://proxy.example.com:3128.",
        ),
        (
            ("--trusted-proxy", "proxy"),
            "--trusted-proxy must be an address or a network, such as 10.0.0.0/24, and not 'proxy'.",
        ),
        (
            ("--config", "none.yaml"),
            "The configuration none.yaml cannot be read: No such file or directory.",
        ),
        (
            ("--config", "serve.yaml"),
            "The configuration serve.yaml is invalid: access[0].allow must be read or write.",
        ),
    ],
)
def test_a_mistake_ends_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "serve.yaml").write_text(f"access: [{{principal: '{ROLE}', allow: all}}]")

    assert refusal_of(tmp_path, *arguments) == sentence


def test_a_server_without_a_public_url_offers_no_exchange(proton_server: LocalServer) -> None:
    with urllib.request.urlopen(f"{proton_server.url}/.well-known/proton-server") as answer:
        assert json.load(answer) == {"exchange": None}
        assert answer.headers["Content-Type"] == "application/json"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{proton_server.url}/credentials", b"{}")
    with caught.value as error:
        assert json.load(error)["__type"] == "UnknownOperationException"


def test_the_local_server_offers_none_and_a_signed_request_is_s3s(local_server: LocalServer) -> None:
    url = f"{local_server.url}/.well-known/proton-server"
    with urllib.request.urlopen(url) as answer:
        assert json.load(answer) == {"exchange": None}

    authorization = "AWS4-HMAC-SHA256 Credential=123456789012/20260102/us-east-1/s3/aws4_request"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": authorization}))
    with caught.value as error:
        assert b"NoSuchBucket" in error.read()
