"""The log: one line for each record whatever clients send, with the IDs of what is being worked on."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proton_server.engine.reconciler import Reconciler
from proton_server.observability.logs import FIELDS, JsonFormatter, TextFormatter, _add_fields, log_fields
from proton_server.persistence.store import Store
from tests.bundles import bundle, spec
from tests.names import ACCOUNT, REGION
from tests.refusals import refused
from tests.server.counting_handler import CountingHandler, add, counts
from tests.server.environments import create
from tests.servers import LocalServer, ServedBesideAws
from tests.waiting import ended, eventually

Written = Callable[[], list[str]]

HOSTILE = 'a\r\n2026-01-01 00:00:00 ERROR root: forged\x1b[2J\x00\x85\u2028"}'


@pytest.fixture(params=[TextFormatter, JsonFormatter])
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    """Lets the logger `proton_server.test` write as the server's do; returns the lines so far."""
    yield from _writing(request.param())


@pytest.fixture
def written_as_json() -> Iterator[Written]:
    yield from _writing(JsonFormatter())


@pytest.fixture
def written_as_text() -> Iterator[Written]:
    yield from _writing(TextFormatter())


def _writing(formatter: logging.Formatter) -> Iterator[Written]:
    stream, logger = io.StringIO(), logging.getLogger("proton_server.test")
    handler = logging.StreamHandler(stream)
    handler.addFilter(_add_fields)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: stream.getvalue().split("\n")[:-1]
    logger.removeHandler(handler)


log = logging.getLogger("proton_server.test")


def test_what_a_client_sent_does_not_break_a_line(written: Written) -> None:
    with log_fields(request_id=HOSTILE, operation=HOSTILE):
        log.warning("refused %s", HOSTILE)

    (line,) = written()
    assert re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+", line)
    assert "\\r\\n" in line


def test_no_line_of_a_traceback_passes_for_a_record(written_as_text: Written) -> None:
    try:
        int(HOSTILE)
    except ValueError:
        log.exception("failed")

    first, *others = written_as_text()
    assert first.endswith("ERROR proton_server.test: failed")
    assert "ValueError: invalid literal" in "".join(others)
    assert all(line.startswith("  ") for line in others)


def test_a_line_of_json_has_the_time_in_utc_and_the_exception_as_a_member(written_as_json: Written) -> None:
    try:
        int(HOSTILE)
    except ValueError:
        with log_fields(request_id="r-1", account=ACCOUNT, region=REGION):
            log.exception("failed %s", "here", extra={"code": "OK", "duration_ms": 1.5})

    (line,) = map(json.loads, written_as_json())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("exception").endswith(f"{HOSTILE!r}")
    assert line == {
        "level": "ERROR",
        "logger": "proton_server.test",
        "message": "failed here",
        "request_id": "r-1",
        "account": ACCOUNT,
        "region": REGION,
        "code": "OK",
        "duration_ms": 1.5,
    }


def test_a_field_ends_with_what_it_is_about(written_as_json: Written) -> None:
    with log_fields(request_id="outer"):
        with log_fields(request_id="inner"):
            log.info("1")
        log.info("2")
    log.info("3")

    lines = map(json.loads, written_as_json())
    assert [line.get("request_id") for line in lines] == ["inner", "outer", None]


def test_a_line_of_text_has_an_id_once(written_as_text: Written) -> None:
    with log_fields(deployment_id="d-1", account=ACCOUNT):
        log.info("waiting")
        log.info("deployment d-1: waiting")

    first, second = written_as_text()
    assert first.endswith(": waiting deployment_id=d-1")
    assert second.endswith(": deployment d-1: waiting")


def test_the_lines_of_a_step_have_the_id_of_their_deployment(
    store: Store, start: Callable[..., Reconciler[Any]], written_as_json: Written
) -> None:
    start(CountingHandler(lambda _row: log.info("a deeper module")))
    ids = {add(store) for _ in range(8)}
    eventually(lambda: set(counts(store).values()) == {3})

    lines = [json.loads(line) for line in written_as_json()]
    assert {line["deployment_id"] for line in lines} == ids
    assert {(line["account"], line["region"]) for line in lines} == {("1", "r")}


@pytest.fixture(scope="module")
def logging_json(
    local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    server = ServedBesideAws(tmp_path_factory.mktemp("json"), ("--log-format", "json"), aws=local_server)
    server.start()
    yield server
    server.stop()


def _lines(server: LocalServer) -> list[dict[str, Any]]:
    """The lines of the log; the first is the ready line, which is printed."""
    return [json.loads(line) for line in server.log.read_text().splitlines()[1:]]


def test_a_server_that_logs_json_logs_nothing_else(
    logging_json: ServedBesideAws, published_template: Callable[..., str], tmp_path: Path
) -> None:
    proton = logging_json.client("proton")
    template = published_template(bundle(tmp_path / "bundle"), server=logging_json)
    record = create(
        proton, template, spec=spec(title="hush"), description=f"secret\r\n{HOSTILE}".replace("\0", "")
    )
    ended(proton, record["name"])
    with refused("ValidationException", "name"):
        create(proton, template, spec=spec(title="HUSHHUSH"), name="line\nbreak")
    logging_json.client("sts").get_caller_identity()

    lines = _lines(logging_json)
    assert all(line.keys() <= {"time", "level", "logger", "message", "exception", *FIELDS} for line in lines)
    made = [line for line in lines if line.get("operation") == "CreateEnvironment"]
    assert [line["code"] for line in made] == ["OK", "ValidationException"]
    for line in made:
        assert line["account"] == ACCOUNT
        assert line["region"] == REGION
        assert line["request_id"] in line["message"]
        assert line["duration_ms"] > 0
    of_deployment = [line for line in lines if "deployment_id" in line]
    assert {line["deployment_id"] for line in of_deployment} == {record["lastAttemptedDeploymentId"]}
    secret = logging_json.door("proton", ACCOUNT).secret
    for hidden in ("hush", "HUSHHUSH", "secret\\r", secret, "Signature="):
        assert hidden not in logging_json.log.read_text()
