"""The client's half of the exchange: a server's temporary credentials for the AWS credentials of a session.

For the commands that call another server; docs/decisions/0015. Nothing that a server answers decides where
else a request goes, and no redirect is followed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import queue
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.regions import EndpointResolver
from botocore.session import Session
from botocore.utils import get_environ_proxies

from proton_server.identity.origins import written

_DISCOVERY, _EXCHANGE = "/.well-known/proton-server", "/credentials"
_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_LARGEST = 64 * 1024
_TIMEOUT_SECONDS = (10, 60)
"""Until a connection, and for each piece of an answer."""
_TOTAL_SECONDS = 60
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_BUSY, _PAUSE_SECONDS = (429, 502, 503, 504), 1.0
"""The statuses after which it is asked again, and after how long."""
_GRANT = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")


class ExchangeError(Exception):
    """The AWS credentials cannot be exchanged; the text is one sentence, of printable characters."""

    def __init__(self, message: str) -> None:
        # It may quote a server, and a terminal does what control characters say.
        super().__init__("".join(letter for letter in " ".join(message.split()) if letter.isprintable()))


class OwnCredentialsError(ExchangeError):
    """They are credentials of the Proton server already."""


class AwsSession(Session):
    """A session for AWS itself, where AWS_ENDPOINT_URL and the profile's name the Proton server.

    With `proton_is_elsewhere` its clients, also those that botocore makes for a profile's sake, are led from
    AWS by variables of their own service only (AWS_ENDPOINT_URL_STS), never by what leads to Proton.
    """

    proton_is_elsewhere = False

    def create_client(self, service_name: str, *positional: Any, **options: Any) -> Any:
        """As botocore's."""
        if self.proton_is_elsewhere:
            variable = f"AWS_ENDPOINT_URL_{service_name.upper().replace('-', '_')}"
            own = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]
            given = options.get("config")
            options["config"] = given.merge(own) if given else own
            options["endpoint_url"] = options.get("endpoint_url") or os.environ.get(variable)
        return super().create_client(service_name, *positional, **options)


def takes_aws_credentials(session: AwsSession, url: str) -> bool:
    """Whether the server at `url` offers the exchange. Raises ExchangeError where it does not say so."""
    response, document = _answer(session, AWSRequest("GET", f"{origin(url)}{_DISCOVERY}"))
    status = response.status_code
    if status == 200 and isinstance(document, dict) and document.get("exchange", "") in (None, _EXCHANGE):
        return document["exchange"] is not None
    # What has no such page, and a server from before the exchange, which wants a signature.
    before = status == 400 and isinstance(document, dict) and "__type" in document
    if status in (404, 405, 501) or before:
        return False
    raise ExchangeError(f"{origin(url)} answered GET {_DISCOVERY} with {_kind(response)}: check the URL.")


def exchange(session: AwsSession, url: str) -> dict[str, str]:
    """The server's credentials for those of the session, by the names that a `credential_process` prints.

    Raises ExchangeError; OwnCredentialsError where they are the server's own.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ExchangeError(f"{origin(url)} takes AWS credentials over TLS only: use its https URL.")
    session.proton_is_elsewhere = True
    for left in (2, 1, 0):
        # Signed anew each time, since a server takes each signature once.
        request = AWSRequest("POST", f"{origin(url)}{_EXCHANGE}", data=_identity(session, origin(url)))
        request.headers["Content-Type"] = "application/json"
        response, document = _answer(session, request)
        if response.status_code not in _BUSY or not left:
            break
        time.sleep(_PAUSE_SECONDS)
    if isinstance(document, dict):
        if response.status_code == 200 and all(isinstance(document.get(name), str) for name in _GRANT):
            return {name: document[name] for name in _GRANT}
        code, message = document.get("code"), document.get("message")
        if response.status_code != 200 and isinstance(code, str) and isinstance(message, str):
            kind = OwnCredentialsError if code in ("OwnCredentials", "OwnSession") else ExchangeError
            raise kind(f"{origin(url)} does not take the AWS credentials: {message[:2000]} ({code[:100]})")
    raise ExchangeError(f"{origin(url)} answered POST {_EXCHANGE} with {_kind(response)}: check the URL.")


def keys_for(session: AwsSession, url: str) -> dict[str, str] | None:
    """The server's credentials as a client's arguments; None where it takes the session's own.

    Raises ExchangeError.
    """
    if (urlsplit(url).hostname or "").endswith(_AWS) or not takes_aws_credentials(session, url):
        return None
    try:
        keys = exchange(session, url)
    except OwnCredentialsError:
        session.proton_is_elsewhere = False
        return None
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return dict(zip(names, keys.values(), strict=False))


def origin(url: str) -> str:
    """Scheme, host and port of a URL, as the audience names a server. Raises ExchangeError."""
    try:
        return written(urlsplit(url))
    except ValueError:
        raise ExchangeError(f"{url!r} is no URL such as https://proton.example.com.") from None


def _identity(session: AwsSession, audience: str) -> bytes:
    """A signed GetCallerIdentity request for AWS's STS, for one server only, as the exchange takes it."""
    url, region = _sts(session)
    headers = {
        "Host": urlsplit(url).netloc,
        "Content-Type": _FORM,
        # The nonce tells two requests of one second from each other.
        "X-Proton-Audience": f"{audience}#{secrets.token_urlsafe(16)}",
    }
    request = AWSRequest("POST", url, headers, _BODY)
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise ExchangeError("There are no AWS credentials: name a profile with --profile.")
        SigV4Auth(credentials.get_frozen_credentials(), "sts", region).add_auth(request)
    except (BotoCoreError, ClientError) as error:
        raise ExchangeError(f"There are no valid AWS credentials: {error}") from None
    signed = [[name, value] for name, value in request.headers.items()]
    return json.dumps({"headers": signed, "body": _BODY.decode()}).encode()


def _sts(session: AwsSession) -> tuple[str, str]:
    """The URL of the STS of the session's Region, and the Region."""
    region = session.get_config_variable("region")
    if not region:
        raise ExchangeError("There is no AWS Region to call STS in: name one with --region.")
    given = os.environ.get("AWS_ENDPOINT_URL_STS")
    if given:
        return f"{origin(given)}/", region
    data: Any = session.get_component("data_loader").load_data("endpoints")
    try:
        found: Any = EndpointResolver(data).construct_endpoint(
            "sts",
            region,
            use_dualstack_endpoint=bool(session.get_config_variable("use_dualstack_endpoint")),
            use_fips_endpoint=bool(session.get_config_variable("use_fips_endpoint")),
        )
    except BotoCoreError as error:
        raise ExchangeError(f"There is no AWS STS in Region {region}: {error}") from None
    return f"https://{found['hostname']}/", region


def _answer(session: AwsSession, request: AWSRequest) -> tuple[Any, Any]:
    """The answer to a request, and the JSON document in it; None where it is none."""
    url = str(request.url)
    http = URLLib3Session(
        verify=session.get_config_variable("ca_bundle") or True,
        proxies=get_environ_proxies(url),
        timeout=_TIMEOUT_SECONDS,  # type: ignore[arg-type]
    )
    request.headers["User-Agent"] = "proton-server"
    request.stream_output = True
    # The timeouts of a connection are for each piece of an answer.
    answers: queue.SimpleQueue[tuple[Any, bytes] | Exception] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(http, request.prepare(), answers), daemon=True).start()
    try:
        answer = answers.get(timeout=_TOTAL_SECONDS)
    except queue.Empty:
        raise ExchangeError(f"{origin(url)} did not answer in {_TOTAL_SECONDS} s: try again.") from None
    if isinstance(answer, BotoCoreError):
        raise ExchangeError(f"No answer from {origin(url)}: {answer}")
    if isinstance(answer, Exception):
        raise ExchangeError(f"The answer of {origin(url)} is not whole: try again.")
    response, content = answer
    if "json" not in response.headers.get("Content-Type", "") or len(content) > _LARGEST:
        return response, None
    try:
        return response, json.loads(content)
    except (ValueError, RecursionError):
        return response, None


def _read(http: URLLib3Session, request: Any, answers: queue.SimpleQueue[Any]) -> None:
    try:
        response = http.send(request)
        answers.put((response, response.raw.read(_LARGEST + 1)))
    except Exception as error:  # noqa: BLE001 - of botocore, or of a socket whose answer was cut off
        answers.put(error)


def _kind(response: Any) -> str:
    kind = response.headers.get("Content-Type", "").partition(";")[0][:80] or "something untyped"
    return f"{'a redirect' if 300 <= response.status_code < 400 else kind} (status {response.status_code})"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
