"""What strangers write is evaluated within limits of time and memory that nothing escapes."""

from __future__ import annotations

import io
import os
import re
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from proton_server.engine import evaluation
from proton_server.engine.evaluation import EvaluationError, Evaluator, EvaluatorBusy
from proton_server.provisioning.codebuild.buildspec import read_recipe
from proton_templates.bundle import BundleError, read_bundle
from proton_templates.rendering import RenderError, check_template, render_template
from proton_templates.spec import SpecError, read_inputs

A, B = "111111111111", "222222222222"
LONGEST = 40.0
"""Seconds, on a busy machine: the limit is a tenth of it, in processor time."""

DOUBLING = (
    "{% set n = namespace(a='x') %}{% for i in range(60) %}{% set n.a = n.a ~ n.a %}{% endfor %}{{ n.a }}"
)


def schema_of_defaults(count: int = 30) -> str:
    """A schema file of types whose defaults have two members with defaults each."""
    two = "properties: {{a: {{$ref: '#/schema/types/T{0}'}}, b: {{$ref: '#/schema/types/T{0}'}}}}"
    listed = [f"    T{i}: {{type: object, default: {{}}, {two.format(i + 1)}}}" for i in range(count)]
    inputs = "    Inputs: {type: object, properties: {a: {$ref: '#/schema/types/T0'}}}"
    head = 'schema:\n  format: {openapi: "3.0.0"}\n  environment_input_type: Inputs\n  types:'
    return "\n".join([head, inputs, *listed, f"    T{count}: {{type: string, default: x}}"])


def doubled(count: int = 30) -> dict[str, Any]:
    """An input schema whose `allOf` refers twice to the next, thirty times."""
    listed = {f"T{i}": {"allOf": [{"$ref": f"#/schema/types/T{i + 1}"}] * 2} for i in range(count)}
    listed[f"T{count}"] = {"type": "string"}
    member = {"a": {"$ref": "#/schema/types/T0"}}
    return {"type": "object", "properties": member, "schema": {"types": listed}}


def defaults(count: int = 30) -> dict[str, Any]:
    """An input schema whose defaults have two members with defaults each, thirty levels deep."""
    listed: dict[str, Any] = {}
    for i in range(count):
        two = {name: {"$ref": f"#/schema/types/T{i + 1}"} for name in "ab"}
        listed[f"T{i}"] = {"type": "object", "default": {}, "properties": two}
    listed[f"T{count}"] = {"type": "string", "default": "x"}
    return {"type": "object", "properties": {"a": {"$ref": "#/schema/types/T0"}}, "schema": {"types": listed}}


def spec(value: str) -> str:
    return f"proton: EnvironmentSpec\nspec: {{a: {value}}}\n"


def bundle(schema: str = "", template: str = "", header: bytes = b"") -> bytes:
    archive = io.BytesIO()
    engine = "rendering_engine: jinja, template_language: cloudformation"
    manifest = f"infrastructure: {{templates: [{{file: t.yaml, {engine}}}]}}"
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        if header:
            entry = tarfile.TarInfo("x")
            entry.type, entry.size = tarfile.XHDTYPE, len(header)
            tar.addfile(entry, io.BytesIO(header))
        files = {
            "schema/schema.yaml": schema,
            "infrastructure/manifest.yaml": manifest,
            "infrastructure/t.yaml": template,
        }
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            tar.addfile(entry, io.BytesIO(content.encode()))
    return archive.getvalue()


PATTERN = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=a)(a|aa)+$"}}}
UNIQUE = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
ITEMS = "[" + ",".join(f"{{n: {i}}}" for i in range(4_800)) + "]"

BOMBS: dict[str, tuple[Any, ...]] = {
    "a pattern": (read_inputs, spec("a" * 50_000 + "!"), PATTERN),
    "references that double": (read_inputs, spec("x"), doubled()),
    "defaults that double": (read_inputs, "proton: EnvironmentSpec\nspec:\n", defaults()),
    "items that are compared": (read_inputs, spec(ITEMS), UNIQUE),
    "a spec of aliases": (
        read_inputs,
        "proton: EnvironmentSpec\nspec:\n  a0: &a0 [x]\n"
        + "".join(f"  a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)),
        {"type": "object"},
    ),
    "a number of 10,000 digits": (read_inputs, spec("9" * 10_000), {"type": "object"}),
    "a multiple of a huge number": (
        read_inputs,
        spec("0.5"),
        {"type": "object", "properties": {"a": {"multipleOf": 10**400}}},
    ),
    "doubling in a template": (render_template, DOUBLING, "n", {}),
    "a filter that repeats": (
        render_template,
        "{{ ['a']|map('center', 999999999)|list|length * 'a' }}",
        "n",
        {},
    ),
    "a format": (render_template, "{{ '%900000000d' | format(1) }}", "n", {}),
    "nested ranges": (
        render_template,
        "{{ range(99999)|map('string')|map('center', 99999)|list|length }}",
        "n",
        {},
    ),
    "a block in itself": (
        render_template,
        "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
        "n",
        {},
    ),
    "what is computed at registration": (check_template, "{{ 'a'|center(9999999999) }}"),
    "blocks in each other": (render_template, "{% if 1 %}" * 200 + "{% endif %}" * 200, "n", {}),
    "a chain of names": (render_template, "{{ environment" + ".a" * 20_000 + " }}", "n", {}),
    "half a character": (render_template, r"{{ '\ud800' }}", "n", {}),
    "a setting that doubles": (read_recipe, {"provision": [DOUBLING], "deprovision": []}, "n", {}),
    "a schema of defaults": (read_bundle, bundle(schema_of_defaults())),
    "a pax header of digits": (read_bundle, bundle(header=b"9" * 200_000)),
}
FAULTS = (BundleError, EvaluationError, RenderError, SpecError)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_in_a_sentence_and_in_time(evaluate: Evaluator, bomb: tuple[Any, ...]) -> None:
    function, *arguments = bomb
    options = {"customer_managed": False} if function is read_bundle else {}
    options |= {"file": "t.yaml"} if function is check_template else {}
    began, told = time.monotonic(), "Some are cheap by now, and no fault."
    try:
        evaluate(A, "Reading it", function, *arguments, **options)
    except FAULTS as fault:
        told = str(fault)
    assert told.endswith(".")
    assert len(told) < 2_000
    assert time.monotonic() - began < LONGEST
    assert evaluate(A, "Reading it", render_template, "ok", "n", {}) == "ok"


def spin() -> None:
    while True:
        pass


def swallow() -> int:
    return len(bytearray(3 * 1024**3))


def die() -> None:
    os.abort()


def deep() -> None:
    deep()


def blunder() -> None:
    raise KeyError("secret")


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (spin, "Reading it takes more than 4 s of processor time."),
        (swallow, "Reading it needs more than 1024 MB of memory."),
        (die, "Reading it needs more memory or deeper nesting than a process allows."),
        (deep, "Reading it is nested too deeply."),
        (blunder, "Reading it fails with KeyError."),
    ],
)
def test_what_a_function_may_not_do_is_a_fault_of_its_input(
    evaluate: Evaluator, function: Callable[[], Any], sentence: str
) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(A, "Reading it", function)

    assert str(caught.value) == sentence


def test_what_is_logged_of_a_fault_is_its_place_and_not_its_text(
    evaluate: Evaluator, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EvaluationError):
        evaluate(A, "Reading it", blunder)

    assert re.fullmatch(r"blunder failed with KeyError at .*test_evaluation\.py:\d+", caplog.messages[-1])
    assert "secret" not in caplog.text


def test_a_fault_of_ours_arrives_as_itself(evaluate: Evaluator) -> None:
    with pytest.raises(SpecError, match=r"spec\.a: must be at least 5"):
        evaluate(A, "Reading it", read_inputs, spec("1"), {"properties": {"a": {"minimum": 5}}})


def test_an_account_whose_calls_take_long_does_not_hold_up_another() -> None:
    evaluate = Evaluator(workers=2, seconds=1)
    try:
        evaluate.start()
        with ThreadPoolExecutor(4) as threads:
            spinning = [threads.submit(evaluate, A, "Reading it", spin) for _ in range(2)]
            assert evaluate(B, "Reading it", render_template, "ok", "n", {}) == "ok"
            assert not any(future.done() for future in spinning)
            assert all(isinstance(future.exception(), EvaluationError) for future in spinning)
    finally:
        evaluate.close()


def test_an_account_with_too_many_calls_at_once_is_told_to_slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_WAITING", 1)
    evaluate = Evaluator(workers=2, seconds=1)
    try:
        with ThreadPoolExecutor(1) as threads:
            spinning = threads.submit(evaluate, A, "Reading it", spin)
            while not evaluate._waiting[A]:
                time.sleep(0.01)
            with pytest.raises(EvaluatorBusy, match="too many"):
                evaluate(A, "Reading it", render_template, "ok", "n", {})
            assert isinstance(spinning.exception(), EvaluationError)
        assert evaluate(A, "Reading it", render_template, "ok", "n", {}) == "ok"
    finally:
        evaluate.close()
