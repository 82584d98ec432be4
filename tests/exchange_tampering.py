"""Exchanges that nobody may be given credentials for, and what a session signs with one thing changed."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

from proton_server.identity.exchange import BODY
from tests.names import REGION
from tests.servers import ServedBesideAws
from tests.signing import Keys, authorization, document, identity_headers, timestamp
from tests.tampering import HttpRequest, changed, meaning, sent, tampered
from tests.verifying_sts import VerifyingSts

_MORE = ("x-amz-target", "x-amz-content-sha256", "content-length", "host", "x-proton-audience", "expect", "")


def accepted_exchanges(
    server: ServedBesideAws, sts: VerifyingSts, chance: random.Random, cases: int
) -> tuple[list[bytes], list[int]]:
    """Of so many exchanges that were changed in some way, those that were accepted; and the faults (5xx)."""
    accepted, faults = [], []
    for _ in range(cases):
        # A fresh one each time: of one that was used before, nothing could be seen.
        good = _good(server, sts, chance)
        content = chance.choice([_changed_document, _signed_wrongly])(good, server, sts, chance)
        status = _status(server, content)
        if status == 200 and _meaning(content) != _meaning(json.dumps(document(good)).encode()):
            accepted.append(content)
        if status >= 500:
            faults.append(status)
    assert _status(server, json.dumps(document(_good(server, sts, chance))).encode()) == 200
    return accepted, faults


def believed_requests(
    server: ServedBesideAws, session: Keys, chance: random.Random, cases: int
) -> tuple[list[HttpRequest], list[int]]:
    """Of so many requests of a session that were changed, those that were believed; and the faults (5xx)."""
    good = _proton_request(server, session)
    assert sent(server.url, good) == 200
    answers = [(sent(server.url, one), one) for one in (tampered(good, chance) for _ in range(cases))]
    believed = [one for status, one in answers if status == 200 and meaning(one) != meaning(good)]
    return believed, [status for status, _ in answers if status >= 500]


def _good(server: ServedBesideAws, sts: VerifyingSts, chance: random.Random) -> dict[str, str]:
    audience = f"{server.url}#{uuid.uuid4().hex}"
    return identity_headers(chance.choice([sts.user, sts.role]), audience=audience, host=sts.host)


def _changed_document(
    good: dict[str, str], server: ServedBesideAws, sts: VerifyingSts, chance: random.Random
) -> bytes:
    """A good document with one thing changed after it was signed."""
    other = _good(server, sts, chance)
    name, second = chance.sample(sorted(good), 2)
    pairs = list(good.items())
    ways: list[Callable[[], Any]] = [
        lambda: document(good | {name: changed(good[name], chance)}),
        lambda: document({key: good[key] for key in good if key != name}),
        lambda: document([*pairs, (name, good[name])]),
        lambda: document([*pairs, (name.upper(), changed(good[name], chance))]),
        lambda: document([*pairs, (chance.choice(_MORE), changed("value", chance))]),
        lambda: document([(changed(key, chance) if key == name else key, good[key]) for key in good]),
        lambda: document(good | {name: good[second], second: good[name]}),
        lambda: document(good | {name: other.get(name, "none")}),
        lambda: document(good | {"x-amz-security-token": sts.other_session.token or ""}),
        lambda: document(good, changed(BODY, chance)),
        lambda: document(good) | {chance.choice(["url", "method", "path"]): "https://evil.example/"},
    ]
    if chance.random() < 0.3:
        return changed(json.dumps(document(good)), chance).encode("utf-8", "surrogatepass")
    return json.dumps(chance.choice(ways)()).encode()


def _signed_wrongly(
    good: dict[str, str], server: ServedBesideAws, sts: VerifyingSts, chance: random.Random
) -> bytes:
    """A document that is signed for another server, host, time, service, Region or body, or with more."""
    keys = chance.choice([sts.user, sts.role])
    own: dict[str, Any] = {"audience": good["x-proton-audience"], "host": sts.host}
    wrong: dict[str, Any] = chance.choice(
        [
            {"audience": _other(server.url, chance)},
            {"audience": "https://evil.example"},
            {"host": _other(sts.host, chance)},
            {"host": "sts.amazonaws.com"},
            {"at": time.time() + chance.choice([-1, 1]) * chance.randrange(310, 10_000)},
            {"service": chance.choice(["proton", "iam", "s3", ""])},
            {"body": _other(BODY, chance)},
            {"body": "Action=GetSessionToken&Version=2011-06-15"},
            {chance.choice(["x_amz_target", "x_amz_content_sha256", "accept"]): "value"},
            {"content_type": "application/json"},
            {"x_amz_date": _other(timestamp(), chance)},
        ]
    )
    if chance.random() < 0.2:
        keys = keys._replace(secret=_other(keys.secret, chance))
        wrong = {}
    headers = identity_headers(keys, **own | wrong)
    return json.dumps(document(headers, wrong.get("body", BODY))).encode()


def _other(text: str, chance: random.Random) -> str:
    """The text changed, and not by chance as it was."""
    return next(other for other in iter(lambda: changed(text, chance), None) if other != text)


def _meaning(content: bytes) -> object:
    """What may be written in several ways: the order of members and headers, and the case of their names."""
    try:
        found = json.loads(content)
        return {name.lower(): value for name, value in found["headers"]}, found["body"], len(found)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _status(server: ServedBesideAws, content: bytes) -> int:
    headers = {"Host": server.url.removeprefix("http://"), "Content-Type": "application/json"}
    return sent(server.url, ("POST", "/credentials", headers, content))


def _proton_request(server: ServedBesideAws, session: Keys) -> HttpRequest:
    body = b'{"maxResults": 5}'
    headers = {
        "host": server.url.removeprefix("http://"),
        "x-amz-date": timestamp(),
        "x-amz-target": "AwsProton20200720.ListEnvironments",
        "x-amz-security-token": session.token or "",
        "content-type": "application/x-amz-json-1.0",
    }
    signature = authorization(session, headers, body, service="proton", region=REGION)
    return "POST", "/", {**headers, "authorization": signature}, body
