"""Bundles and texts that are made to take long: the search ends, and says that it did not try everything."""

from __future__ import annotations

from typing import Any

import pytest

from proton_templates.bundle import Bundle
from proton_templates.recovery import Recovery, recover
from proton_templates.recovery.limits import MAX_STEPS, OutOfSteps, Steps

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
NAMES = [f"x{number}" for number in range(20)]


def shown(name: str) -> str:
    return f"{{{{ environment.inputs.{name} }}}}"


def recovered(template: str, deployed: str, properties: dict[str, Any]) -> Recovery:
    schema = {"type": "object", "properties": properties}
    bundle = Bundle("", schema, "cloudformation", {"t.yaml": template.encode()}, "t.yaml")
    return recover(bundle, schema, "dev", deployed)


THREE_LOOPS = (
    "{% set l = environment.inputs.l %}{% for a in l %}{% for b in l %}{% for c in l %}"
    "{{ a }}{{ b }}{{ c }}{% endfor %}{% endfor %}{% endfor %}X"
)
ENDLESS_MACRO = "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(environment.inputs.x0) }}"
SUMS = " and ".join(f"(environment.inputs.x{n} or environment.inputs.x{n + 1})" for n in range(0, 18, 2))
OVERLOADS = {
    "texts beside each other": ("".join(map(shown, NAMES)) + "X", "a" * 300 + "Y", TEXT),
    "texts with a separator that they may hold": ("-".join(map(shown, NAMES)) + "X", "-a" * 300 + "Y", TEXT),
    "the same texts again and again": ((shown("x0") + shown("x1")) * 10 + "X", "ab" * 300 + "Y", TEXT),
    "loops in each other over one list": (THREE_LOOPS, "a" * 400 + "Y", TEXT),
    "a macro that calls itself": (ENDLESS_MACRO, "a", TEXT),
}


@pytest.mark.parametrize("case", OVERLOADS)
def test_a_search_without_end_ends_and_says_so(case: str) -> None:
    template, deployed, kind = OVERLOADS[case]
    found = recovered(template, deployed, {**dict.fromkeys(NAMES, kind), "l": TEXTS})
    assert (found.inputs, found.complete) == (None, False)
    assert found.difference.startswith("the search ended at its limit; its best attempt: line 1: ")


def test_many_conditions_cost_no_time_that_doubles_with_each() -> None:
    template = "".join(f"{{% if environment.inputs.x{n} %}}a{{% endif %}}" for n in range(20)) + "X"
    properties = dict.fromkeys(NAMES, FLAG)
    refused = recovered(template, "a" * 10 + "Y", properties)
    assert (refused.inputs, refused.complete) == (None, True)
    found = recovered(template, "a" * 20 + "X", properties)
    assert (found.inputs, found.alternatives) == (dict.fromkeys(NAMES, True), [])


def test_a_condition_with_many_ways_to_be_true_is_bounded() -> None:
    found = recovered(f"{{% if {SUMS} %}}a{{% endif %}}X", "aX", dict.fromkeys(NAMES, FLAG))
    assert found.inputs is not None
    assert found.alternatives


def test_a_loop_that_puts_out_nothing_is_not_repeated_without_end() -> None:
    template = "{% for each in environment.inputs.l %}{% endfor %}X"
    assert recovered(template, "X", {"l": TEXTS}).inputs is not None
    assert recovered(template, "Y", {"l": TEXTS}).complete


def test_brackets_without_end_are_no_list() -> None:
    found = recovered("A: " + shown("l"), "A: " + "[" * 100_000, {"l": TEXTS})
    assert (found.inputs, found.complete) == (None, True)


def test_a_text_that_is_too_long_for_cloudformation_is_not_searched() -> None:
    found = recovered("A: " + shown("x0"), "a" * 1_048_577, {"x0": TEXT})
    assert found.difference == "the deployed text is longer than 1,048,576 characters"


def test_inputs_of_which_only_a_product_is_seen_are_not_said_to_be_impossible() -> None:
    number = {"type": "integer"}
    template = "{{ environment.inputs.n * environment.inputs.m }}\n"
    found = recovered(template, "391\n", {"n": number, "m": number})
    assert (found.inputs, found.complete) == (None, False)
    assert "no values that were tried for 'n', 'm', of which" in found.difference


def test_steps_and_searched_characters_are_counted() -> None:
    steps = Steps()
    steps.take(MAX_STEPS - 10)
    steps.take(0, characters=20_000)
    with pytest.raises(OutOfSteps):
        steps.take()
