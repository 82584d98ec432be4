"""What AWS's STS answers to GetCallerIdentity: account and principal, or why not. Pure.

Only an answer that is whole and exactly as documented is believed.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from proton_server.identity.principals import Principal, principal_of
from proton_server.identity.refusals import ExchangeRefused

MAX_BYTES = 64 * 1024

_NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
_MEDIA_TYPES = ("text/xml", "application/xml")
_CODE = re.compile(r"[A-Za-z]{1,64}", re.ASCII)
_TRY_AGAIN = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded"})


@dataclass(frozen=True)
class Answer:
    """An HTTP response of STS."""

    status: int
    media_type: str
    content: bytes


def principal_in(answer: Answer) -> Principal:
    """The principal that STS names. Raises ExchangeRefused where it names none, or not as documented."""
    if answer.status != 200:
        raise _refusal(answer)
    root = _parsed(answer)
    if root is None or root.tag != f"{_NAMESPACE}GetCallerIdentityResponse":
        raise _not_understood()
    arn, account = (_only(root, name) for name in ("Arn", "Account"))
    try:
        principal = principal_of(arn)
    except ValueError:
        raise _not_understood() from None
    if principal.account_id != account:
        raise _not_understood()
    return principal


def _only(root: ET.Element, name: str) -> str:
    """The text of the one element of that name, which is in the one result."""
    anywhere = [element for element in root.iter() if element.tag.rpartition("}")[2] == name]
    within = root.findall(f"{_NAMESPACE}GetCallerIdentityResult/{_NAMESPACE}{name}")
    if anywhere != within or len(within) != 1 or len(within[0]) or not within[0].text:
        raise _not_understood()
    return within[0].text


def _parsed(answer: Answer) -> ET.Element | None:
    """The document; None if it is no XML, not whole, or has what no answer of STS has."""
    if answer.media_type not in _MEDIA_TYPES or len(answer.content) > MAX_BYTES:
        return None
    try:
        text = answer.content.decode()
        # Document types, entities, comments, CDATA. The parser takes text as UTF-8, whatever is declared.
        return None if "<!" in text else ET.fromstring(text)  # noqa: S314  # without what is dangerous
    except (ET.ParseError, ValueError):
        return None


def _refusal(answer: Answer) -> ExchangeRefused:
    root = _parsed(answer)
    found = None if root is None else root.findtext(f"{_NAMESPACE}Error/{_NAMESPACE}Code")
    code = found if found is not None and _CODE.fullmatch(found) else None
    if 400 <= answer.status < 500 and answer.status != 429 and code not in _TRY_AGAIN:
        shown = f": {code}" if code else f" (HTTP status {answer.status})"
        message = f"AWS's STS does not accept the signature{shown}."
        return ExchangeRefused("InvalidSignature", f"{message} Check the AWS credentials.")
    message = f"AWS's STS answered with HTTP status {answer.status}{f', {code}' if code else ''}. Try again."
    return ExchangeRefused("StsUnavailable", message)


def _not_understood() -> ExchangeRefused:
    message = "AWS's STS gave an answer that is not a whole GetCallerIdentity response."
    return ExchangeRefused("StsUnavailable", message)
