"""What is believed of an answer of STS: only one that is whole, and exactly as documented."""

from __future__ import annotations

import pytest

from proton_server.identity.caller_identity import Answer, principal_in
from proton_server.identity.refusals import ExchangeRefused

ARN = "arn:aws:sts::111122223333:assumed-role/deploy/session"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
RESULT = f"<Arn>{ARN}</Arn><UserId>AROA:session</UserId><Account>111122223333</Account>"
NOT_UNDERSTOOD = "AWS's STS gave an answer that is not a whole GetCallerIdentity response."


def response(
    result: str = RESULT, namespace: str = NAMESPACE, root: str = "GetCallerIdentityResponse"
) -> str:
    return (
        f'<{root} xmlns="{namespace}">\n  <GetCallerIdentityResult>{result}</GetCallerIdentityResult>\n'
        f"  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n</{root}>"
    )


def answer(text: str | bytes, status: int = 200, media_type: str = "text/xml") -> Answer:
    return Answer(status, media_type, text if isinstance(text, bytes) else text.encode())


def refusal_of(given: Answer) -> tuple[str, int, str]:
    with pytest.raises(ExchangeRefused) as caught:
        principal_in(given)
    return caught.value.code, caught.value.status, str(caught.value)


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_the_principal_is_that_of_the_answer(declaration: str) -> None:
    principal = principal_in(answer(declaration + response()))

    assert principal.arn == "arn:aws:iam::111122223333:role/deploy"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        '{"GetCallerIdentityResponse": {}}',
        response()[:-1],
        response()[: len(response()) // 2],
        response() + response(),
        response() + "trailing",
        response(namespace="https://sts.amazonaws.com/doc/2011-06-15"),
        response(namespace="https://sts.evil.example/doc/2011-06-15/"),
        response(namespace=""),
        response(root="GetSessionTokenResponse"),
        f"<x>{response()}</x>",
        response(RESULT + RESULT),
        response(f"<Account>444455556666</Account>{RESULT}"),
        response(f"{RESULT}<Account>111122223333</Account>"),
        response(RESULT.replace("<Account>111122223333</Account>", "")),
        response(RESULT.replace("<Account>111122223333</Account>", "<Account/>")),
        response(RESULT.replace("<Account>111122223333", "<Account>444455556666")),
        response(RESULT.replace("<Account>111122223333", "<Account> 111122223333")),
        response(RESULT.replace("<Account>", '<Account xmlns="urn:other">')),
        response(f'{RESULT}<Account xmlns="urn:other">111122223333</Account>'),
        response(RESULT.replace("<Account>", "<Account><b/>")),
        response(f"{RESULT}<Arn>{ARN}</Arn>"),
        response(RESULT.replace(ARN, "")),
        response(RESULT.replace(ARN, "arn:aws:iam::111122223333:policy/x")),
        response(RESULT.replace(ARN, f"{ARN}\n")),
        response("") + f"<GetCallerIdentityResult>{RESULT}</GetCallerIdentityResult>",
        response().replace("</GetCallerIdentityResponse>", f"{RESULT}</GetCallerIdentityResponse>"),
        response(RESULT.replace("<Account>111122223333", "<Account>1111<!-- -->22223333")),
        response(RESULT.replace("111122223333</Account>", "<![CDATA[111122223333]]></Account>")),
        f'<!DOCTYPE x [<!ENTITY a "111122223333">]>{response(RESULT.replace(">111122223333<", ">&a;<"))}',
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>{response(RESULT.replace("n<", "&a;<"))}',
        f"<!DOCTYPE x>{response()}",
        response(RESULT.replace("session<", "&undefined;<")),
        f'<!DOCTYPE x [<!ENTITY a "b">]>{response()}'.encode("utf-16"),
        '<?xml version="1.0" encoding="utf-7"?>' + response().replace("<Arn>", "+ADwAIQ-"),
        response().encode("utf-16"),
        response().encode("latin-1") + b"\xff",
        response() + " " * 65_536,
    ],
)
def test_no_other_document_is_believed(text: str | bytes) -> None:
    assert refusal_of(answer(text)) == ("StsUnavailable", 503, NOT_UNDERSTOOD)


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/plain", ""])
def test_an_answer_is_xml(media_type: str) -> None:
    assert refusal_of(answer(response(), media_type=media_type)) == ("StsUnavailable", 503, NOT_UNDERSTOOD)


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 307, 308, 500, 502, 503])
def test_an_identity_with_another_status_is_not_believed(status: int) -> None:
    message = f"AWS's STS answered with HTTP status {status}. Try again."

    assert refusal_of(answer(response(), status)) == ("StsUnavailable", 503, message)


def error(code: str) -> str:
    return f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Code>{code}</Code></Error></ErrorResponse>'


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"])
def test_a_refusal_is_shown_with_the_code_of_sts(code: str) -> None:
    message = f"AWS's STS does not accept the signature: {code}. Check the AWS credentials."

    assert refusal_of(answer(error(code), 403)) == ("InvalidSignature", 403, message)


@pytest.mark.parametrize(
    ("status", "text", "shown"),
    [
        (400, error("Throttling"), "HTTP status 400, Throttling. Try again."),
        (429, "", "HTTP status 429. Try again."),
        (503, error("ServiceUnavailable"), "HTTP status 503, ServiceUnavailable. Try again."),
    ],
)
def test_a_busy_sts_may_be_asked_again(status: int, text: str, shown: str) -> None:
    assert refusal_of(answer(text, status)) == ("StsUnavailable", 503, f"AWS's STS answered with {shown}")


@pytest.mark.parametrize(
    "text", ["<html>secret</html>", error("<b>secret</b>"), error("secret " * 9), "secret"]
)
def test_nothing_else_of_a_refusal_is_shown(text: str) -> None:
    message = "AWS's STS does not accept the signature (HTTP status 403). Check the AWS credentials."

    assert refusal_of(answer(text, 403)) == ("InvalidSignature", 403, message)
