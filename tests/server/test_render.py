"""Rendering: Proton's names and filters, one sentence for each fault, and an end to every template."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proton_templates.rendering import RenderError, check_template, render_template

SECRET = "hunter2"
POLICIES = {
    "Output1": "hello",
    "PolicyArn1": "arn:aws:iam::123456789012:policy/one",
    "PolicyArn2": "arn:aws-cn:iam::123456789012:policy/two",
    "Role": "arn:aws:iam::123456789012:role/one",
}


def render(text: str, **inputs: object) -> str:
    return render_template(text, "dev", inputs)


def refusal(text: str, **inputs: object) -> str:
    with pytest.raises(RenderError) as caught:
        render(text, **inputs)
    sentence = str(caught.value)
    assert sentence.startswith("cloudformation.yaml")
    assert sentence.endswith(".")
    assert SECRET not in sentence
    return sentence


RENDERED = [
    ("Name: {{ environment.name }}-vpc\n", {}, "Name: dev-vpc\n"),
    ("{{environment.inputs.cidr}}", {"cidr": "10.0.0.0/16"}, "10.0.0.0/16"),
    ("{{ environment.inputs['my-key'] }}", {"my-key": 5}, "5"),
    ("{{ environment.inputs.o.l[1].x }}", {"o": {"l": [0, {"x": "y"}]}}, "y"),
    ("{{ environment.inputs.items }} {{ environment.inputs.values }}", {"items": 1, "values": 2}, "1 2"),
    (
        "{% for k, v in environment.inputs.o.items() %}{{ k }}{{ v }}{% endfor %}",
        {"o": {"a": 1, "b": 2}},
        "a1b2",
    ),
    (
        "{{ environment.inputs.l }} {{ environment.inputs.o }}",
        {"l": ["a"], "o": {"b": {"c": 1}}},
        "['a'] {'b': {'c': 1}}",
    ),
    ("{{ environment.inputs.no | default('d') }}", {}, "d"),
    ("{{ environment.inputs.no.deeper.still | default('d') }}", {}, "d"),
    ("{% if environment.inputs.no is defined %}x{% endif %}", {}, ""),
    ("{% if environment.inputs.a == 'b' %}x{% else %}y{% endif %}", {"a": "b"}, "x"),
    ("{% raw %}{{resolve:ssm:name:1}}{% endraw %}", {}, "{{resolve:ssm:name:1}}"),
    ("{{ environment.inputs.days * 24 * 60 * 60 }}", {"days": 14}, "1209600"),
    ("{% macro tag(k) %}{Key: {{ k }}}{% endmacro %}{{ tag('a') }}{{ tag('b') }}", {}, "{Key: a}{Key: b}"),
]


@pytest.mark.parametrize(("text", "inputs", "rendered"), RENDERED)
def test_a_template_is_rendered_with_protons_names(text, inputs, rendered):
    assert render(text, **inputs) == rendered


def test_ecs_environment_variables_look_as_the_user_guide_shows_them():
    text = """\
        - Name: MyServiceName
          Environment:
            {{ environment.inputs.outputs
              | proton_cfn_ecs_task_definition_formatted_env_vars }}
          Image: x
"""
    assert (
        render(text, outputs={"Output1": "hello", "Output2": "world"})
        == """\
        - Name: MyServiceName
          Environment:
            - Name: Output1
              Value: hello
            - Name: Output2
              Value: world
          Image: x
"""
    )


def test_lambda_environment_variables_may_continue_a_mapping():
    text = """\
      Variables:
        FIXED: a
        {{ environment.inputs.outputs | proton_cfn_lambda_function_formatted_env_vars }}
"""
    assert (
        render(text, outputs={"Output1": "hello", "Output2": "world"})
        == """\
      Variables:
        FIXED: a
        Output1: hello
        Output2: world
"""
    )


def test_policy_arns_are_picked_out_and_may_continue_a_list():
    text = "Arns:\n  - !Ref Base\n  {{ environment.inputs.outputs | proton_cfn_iam_policy_arns }}\n"
    one, two = POLICIES["PolicyArn1"], POLICIES["PolicyArn2"]
    assert render(text, outputs=POLICIES) == f"Arns:\n  - !Ref Base\n  - {one}\n  - {two}\n"


def test_a_template_that_was_rendered_before_is_rendered_alike_with_other_inputs():
    text = (
        "a: {{ environment.inputs.v }}\n"
        "  {{ {'One': 1, 'Two': 2} | proton_cfn_lambda_function_formatted_env_vars }}\n"
        "{{ environment.inputs.nothing | default('none') }}"
    )
    for value in ("x", "y", "x"):
        assert render(text, v=value) == f"a: {value}\n  One: 1\n  Two: 2\nnone"
    assert "has no 'v'" in refusal(text)
    assert render(text, v="z").startswith("a: z")


def test_a_filter_of_nothing_writes_nothing():
    for name in (
        "ecs_task_definition_formatted_env_vars",
        "lambda_function_formatted_env_vars",
        "iam_policy_arns",
    ):
        assert render(f"a: {{{{ environment.inputs.none | proton_cfn_{name} }}}}", none={}) == "a: "


@pytest.mark.parametrize("name", ["ecs_task_definition", "lambda_function"])
def test_environment_variables_are_validated_where_raw_is_false(name):
    text = f"{{{{ environment.inputs.v | proton_cfn_{name}_formatted_env_vars(raw=False) }}}}"
    assert "This-is_valid_37" in render(text, v={"A": "This-is_valid_37"})
    illegal = "Illegal character(s) detected in B. Must match regex ^[a-zA-Z0-9_-]*$"
    assert illegal in refusal(text, v={"A": "ok", "B": f"{SECRET}::"})
    assert illegal in refusal(text, v={"B": f"{SECRET}\n"})


def test_a_list_can_be_no_environment_variable():
    text = "{{ environment.inputs.v | proton_cfn_lambda_function_formatted_env_vars }}"
    assert "A is a list or mapping" in refusal(text, v={"A": [SECRET]})
    assert "takes a mapping" in refusal(text, v=SECRET)


def test_sanitize_lets_plain_words_and_arns_through():
    text = "{{ environment.inputs.v | proton_cfn_sanitize }}"
    for value in ("This-is_valid_37", "", "arn:aws:some-service::123456789012:some-resource/resource-name"):
        assert render(text, v=value) == value
    for value in (f"{SECRET}::incorrect", f"arn:aws {SECRET}", f"{SECRET}\n"):
        assert "Must match regex ^[a-zA-Z0-9_-]*$ or be a valid ARN" in refusal(text, v=value)


FAULTS = {
    "an unknown input": ("a: 1\nb: {{ environment.inputs.vpc }}", "line 2: environment.inputs has no 'vpc'"),
    "an unknown input by key": ("{{ environment.inputs['a-b'] }}", "environment.inputs has no 'a-b'"),
    "an unknown member": ("{{ environment.inputs.o.b }}", "environment.inputs.o has no 'b'"),
    "outputs, which services have": ("{{ environment.outputs.x }}", "environment has no 'outputs'"),
    "a name of services": (
        "a\n\n{{ service.name }}",
        "line 3: 'service' is undefined; there are environment.name",
    ),
    "in a condition": ("{% if environment.inputs.no %}x{% endif %}", "environment.inputs has no 'no'"),
    "in a loop": ("{% for x in environment.inputs.no %}x{% endfor %}", "environment.inputs has no 'no'"),
    "in a filter of Proton's": (
        "{{ environment.inputs.no | proton_cfn_iam_policy_arns }}",
        "environment.inputs has no 'no'",
    ),
    "in sanitize": ("{{ environment.inputs.no | proton_cfn_sanitize }}", "environment.inputs has no 'no'"),
    "a member of a word": ("{{ environment.inputs.s.x }}", "a value of type str has no 'x'"),
    "an item found by a value": (
        "{{ {'small': 1}[environment.inputs.s] }}",
        "an item that is looked up does not exist",
    ),
    "an input found by a value": (
        "{{ environment.inputs[environment.inputs.s] }}",
        "an item that is looked up",
    ),
    "an attribute found by a value": (
        "{{ environment.inputs.o | attr(environment.inputs.s) }}",
        "an item that is looked up",
    ),
    "a number that is none": (
        "{{ environment.inputs.s + 1 }}",
        "line 1: the expression fails with TypeError",
    ),
    "a division": ("a\n{{ 1 / 0 }}", "line 2: the expression fails with ZeroDivisionError"),
    "an open block": ("a\n{% if true %}", "line 2: Unexpected end of template"),
    "an open block at the end": ("a\n{% if true %}\n", "Unexpected end of template"),
    "an unknown filter": ("{{ 1 | nope }}", "line 1: No filter named 'nope'"),
    "a dynamic reference": ("a\nb: {{resolve:ssm:x}}", "line 2: expected token"),
    "Python's insides": ("{{ ''.__class__.__mro__ }}", "reaches for Python's internals"),
    "Python's insides by filter": ("{{ '' | attr('__class__') }}", "reaches for Python's internals"),
    "changing an input": ("{{ environment.inputs.o.update({'a': 1}) }}", "reaches for Python's internals"),
    "another file": ("{% include 'other.yaml' %}", "a template is one file"),
    "an import": ("{% import 'other.yaml' as other %}", "a template is one file"),
}


@pytest.mark.parametrize(("text", "cause"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line_and_without_values(text, cause):
    assert cause in refusal(text, s=SECRET, o={"a": SECRET})


RUNAWAYS = {
    "endless output": "{% for a in range(99999) %}{{ 'x' * 100 }}{% endfor %}",
    "loops over one list": (
        "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% for c in r %}"
        "{% endfor %}{% endfor %}{% endfor %}"
    ),
    "a large range": "{{ range(10 ** 9) | list }}",
    "a large word": "{{ 'x' * 10 ** 9 }}",
    "a large list": "{{ 10 ** 9 * ['x'] }}",
    "a large power": "{{ 10 ** (10 ** 10) }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a loop that calls itself": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "brackets": "{{ " + "(" * 5000 + ")" * 5000 + " }}",
}


@pytest.mark.parametrize("text", RUNAWAYS.values(), ids=RUNAWAYS)
def test_a_runaway_template_ends_in_a_fault(text):
    started = time.monotonic()
    refusal(text)
    assert time.monotonic() - started < 10


def test_a_template_is_checked_without_its_inputs():
    check_template("{{ environment.inputs.anything.at_all | proton_cfn_sanitize }}", file="v1/cfn.yaml")
    with pytest.raises(RenderError, match=r"^v1/cfn\.yaml, line 1: No filter named 'nope'\.$"):
        check_template("{{ 1 | nope }}", file="v1/cfn.yaml")


WORDS = st.dictionaries(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), st.text(max_size=20), max_size=4)


@settings(max_examples=30, deadline=None)
@given(WORDS)
def test_whatever_a_filter_writes_is_read_back_as_it_was(variables):
    text = """
A:
  B:
    {{ environment.inputs.v | proton_cfn_lambda_function_formatted_env_vars }}
  C:
      {{ environment.inputs.v | proton_cfn_ecs_task_definition_formatted_env_vars }}
"""
    read = yaml.safe_load(render(text, v=variables))["A"]
    assert (read["B"] or {}) == variables
    assert {pair["Name"]: pair["Value"] for pair in read["C"] or []} == variables
