"""Hostile input: whatever is sent is answered in time, in bounded memory, and as a fault of the input."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from proton_templates.bundle import pack
from tests.bundles import SCHEMA, TEMPLATE, bundle
from tests.names import unique
from tests.server.environments import create
from tests.servers import LocalServer, publisher
from tests.waiting import ended, registered

CASES = 80
LONGEST = 90.0
"""Seconds for one case, beside three others and on a busy machine: some ten times the limit of one call."""
LARGEST = 4 * 1024**3
"""Bytes, for the server and its workers together: two workers of one each, and what is being read."""

BITS = [
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "\n  ",
        "&a ",
        "*a",
        "<<: ",
        "!!python/object:os.system ",
        "|",
        "#",
        '"',
    ),
    *(
        "\0",
        "\ufeff",
        "9" * 400,
        "1e999",
        ".nan",
        "~",
        "---\n",
        "? ",
        "(a+)+$",
        "$ref: '#/schema/types/Inputs'",
    ),
    *("[" * 200, "{a: " * 200, "&a [*a]", "{% for i in range(9) %}" * 30, "{{ ", "{%", "{#"),
]
EXPRESSIONS = [
    "{% set n = namespace(a='x') %}{% for i in range(60) %}{% set n.a = n.a ~ n.a %}{% endfor %}{{ n.a }}",
    "{{ range(99999)|map('string')|map('center', 99999)|list|length }}",
    "{{ '%900000000d' | format(1) }}",
    "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "{{ 9 ** 9 ** 9 }}",
    r"{{ '\ud800' }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "{{ ''.__class__.__mro__ }}",
    "{{ environment" + ".a" * 5_000 + " }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
]
OUR_FAULTS = ("could not be reached", "Traceback", "no usable answer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    server = LocalServer(tmp_path_factory.mktemp("hostile"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def usable(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return publisher(server)(bundle(tmp_path_factory.mktemp("usable") / "b"))


def spoiled(text: str, chance: random.Random) -> str:
    """The text with parts cut, doubled, and replaced by what parsers dislike."""
    for _ in range(chance.randint(1, 5)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 0, 1, 5, 40]))
        text = text[:start] + chance.choice(BITS) * chance.choice([1, 1, 2, 50]) + text[end:]
    return text[:50_000]


def refused_or_done(call: Callable[[], Any]) -> Any:
    """What the call answers, or None if it is refused as wrong; a fault of ours fails the test."""
    try:
        return call()
    except ClientError as error:
        refusal = error
    assert refusal.response["ResponseMetadata"]["HTTPStatusCode"] < 500, refusal
    assert len(str(refusal)) < 10_000
    return None


def publish(server: LocalServer, schema: str, template: str, folder: Path) -> str | None:
    """Registers the bundle, whatever is in it; the template's name if that worked."""
    proton, s3, name = server.client("proton"), server.client("s3"), unique("hostile")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="b", Body=pack(bundle(folder, schema=schema, template=template)))
    proton.create_environment_template(name=name)
    source = {"s3": {"bucket": name, "key": "b"}}
    made = proton.create_environment_template_version(templateName=name, source=source)
    version = registered(proton, made["environmentTemplateVersion"], LONGEST)
    if version["status"] == "REGISTRATION_FAILED":
        assert 0 < len(version["statusMessage"]) < 10_000
        assert not any(fault in version["statusMessage"] for fault in OUR_FAULTS), version["statusMessage"]
        return None
    return name


def deploy(server: LocalServer, template: str, text: str) -> None:
    """Creates an environment with the spec, whatever it is, and waits for the end if it begins."""
    proton = server.client("proton")
    version = {"templateMinorVersion": "0"}
    made = refused_or_done(lambda: create(proton, template, spec=text, **version))
    if made:
        message = ended(proton, made["name"], LONGEST).get("deploymentStatusMessage", "")
        assert not any(fault in message for fault in OUR_FAULTS), message


def test_no_spec_schema_or_template_stops_the_server(
    server: LocalServer, usable: str, chance: random.Random, tmp_path: Path
) -> None:
    good = "proton: EnvironmentSpec\nspec:\n  title: news\n"

    def case(number: int) -> None:
        template = TEMPLATE + f'  X: {{Value: "{chance.choice(EXPRESSIONS)}"}}\n'
        kinds: list[Callable[[], Any]] = [
            lambda: deploy(server, usable, spoiled(good, chance)),
            lambda: publish(server, spoiled(SCHEMA, chance), TEMPLATE, tmp_path / str(number)),
            lambda: publish(server, SCHEMA, spoiled(template, chance), tmp_path / str(number)),
            lambda: publish(server, SCHEMA, template, tmp_path / str(number)),
        ]
        name = kinds[number % len(kinds)]()
        if name:
            deploy(server, name, good)

    largest = 0
    with ThreadPoolExecutor(4) as threads:
        cases = [threads.submit(case, number) for number in range(CASES)]
        while not all(future.done() for future in cases):
            largest = max(largest, _memory(server))
            time.sleep(0.2)
    for future in cases:
        future.result()

    assert largest < LARGEST
    proton = server.client("proton")
    assert ended(proton, create(proton, usable, spec=good)["name"])["deploymentStatus"] == "SUCCEEDED"
    assert "Traceback" not in server.log.read_text()


def _memory(server: LocalServer) -> int:
    assert server.process is not None
    total = 0
    process = psutil.Process(server.process.pid)
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
