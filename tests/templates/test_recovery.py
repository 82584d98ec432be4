"""Reading specs back: which inputs a deployed text was rendered with, and what it does not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from proton_templates.bundle import Bundle, pack, read_bundle
from proton_templates.recovery import Agreement, Recovery, recover
from proton_templates.rendering import render_template
from proton_templates.spec import check_spec, parse_spec, read_inputs

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer"}
NUMBER = {"type": "number"}
COUNTS = {"type": "array", "items": COUNT}
TEXTS = {"type": "array", "items": TEXT}
TAGS = {"type": "object", "additionalProperties": TEXT}
SUBNETS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": TEXT, "cidr": {"type": "string", "default": "10.0.0.0/24"}, "public": FLAG},
    },
}
KIND = {"type": "string", "enum": ["private", "public", "isolated"]}


def schema_of(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


def bundle_of(template: str, schema: dict[str, Any]) -> Bundle:
    files = {"cloudformation.yaml": template.encode()}
    return Bundle("", schema, "cloudformation", files, "cloudformation.yaml")


def rendered(template: str, spec: dict[str, Any], schema: dict[str, Any]) -> str:
    return render_template(template, "dev", check_spec(spec, schema))


def recovered(template: str, deployed: str, schema: dict[str, Any], **known: Any) -> Recovery:
    return recover(bundle_of(template, schema), schema, "dev", deployed, known=known)


EXACT = {
    "a text": ("A: '{{ environment.inputs.x }}'\n", {"x": TEXT}, {"x": "it is"}),
    "a text beside the environment's name": (
        "A: {{ environment.name }}-{{ environment.inputs.x }}.local\n",
        {"x": TEXT},
        {"x": "dev-a"},
    ),
    "a text that looks like a number": ("A: {{ environment.inputs.x }}\n", {"x": TEXT}, {"x": "0012"}),
    "numbers": (
        "A: {{ environment.inputs.i }} {{ environment.inputs.n }}\n",
        {"i": COUNT, "n": NUMBER},
        {"i": -3, "n": 2.5},
    ),
    "a number with an integer's value": ("A: {{ environment.inputs.n }}\n", {"n": NUMBER}, {"n": 2.0}),
    "arithmetic": (
        "A: {{ environment.inputs.n * 24 * 60 }} {{ 9 - environment.inputs.k }}\n",
        {"n": COUNT, "k": COUNT},
        {"n": 7, "k": 12},
    ),
    "a truth": ("A: {{ environment.inputs.b }}\n", {"b": FLAG}, {"b": True}),
    "a truth that only steers": (
        "{% if environment.inputs.b %}A: 1\n{% else %}B: 2\n{% endif %}",
        {"b": FLAG},
        {"b": False},
    ),
    "truths that steer together": (
        "{% if environment.inputs.a and not environment.inputs.b %}A{% else %}B{% endif %}\n",
        {"a": FLAG, "b": FLAG},
        {"a": True, "b": False},
    ),
    "a choice that only steers": (
        "{% set k = environment.inputs.k %}{% if k == 'private' %}A{% elif 'public' == k %}B{% endif %}",
        {"k": KIND},
        {"k": "isolated"},
    ),
    "a text that is shown in lower case here and as it is there": (
        "A: {{ environment.inputs.x | lower }}\nB: {{ environment.inputs.x }}\n",
        {"x": TEXT},
        {"x": "MyApp"},
    ),
    "a method": (
        "{% set x = environment.inputs.x %}A: {{ x.upper() }} {{ x.replace('-', '_') }}\nB: {{ x }}\n",
        {"x": TEXT},
        {"x": "a-B"},
    ),
    "an absent input": (
        "{% if environment.inputs.x is defined %}A: {{ environment.inputs.x }}\n{% endif %}B: 1\n",
        {"x": TEXT},
        {},
    ),
    "a given input that may be absent": (
        "{% if environment.inputs.x is defined %}A: {{ environment.inputs.x }}\n{% endif %}B: 1\n",
        {"x": TEXT},
        {"x": "y"},
    ),
    "a template's default": ("A: {{ environment.inputs.x | default('d') }}\n", {"x": TEXT}, {"x": "y"}),
    "a conditional expression": (
        "A: {{ 'on' if environment.inputs.b else 'off' }}\n",
        {"b": FLAG},
        {"b": True},
    ),
    "texts put together": (
        "A: {{ 'x-' ~ environment.inputs.x ~ '-' + environment.name }}\n",
        {"x": TEXT},
        {"x": "a"},
    ),
    "a variable": (
        "{% set n = environment.name ~ '-' ~ environment.inputs.x %}A: {{ n }}\nB: {{ n | upper }}\n",
        {"x": TEXT},
        {"x": "ab"},
    ),
    "a macro": (
        "{% macro tag(k, v='d') %}[{{ k }}={{ v }}]{% endmacro %}{{ tag('a', environment.inputs.x) }}\n",
        {"x": TEXT},
        {"x": "1"},
    ),
    "a list that is looped over": (
        "A:{% for each in environment.inputs.l %}\n- {{ each }}{% endfor %}\nEnd: 1\n",
        {"l": TEXTS},
        {"l": ["a", "b", "a"]},
    ),
    "an empty list": (
        "A:{% for each in environment.inputs.l %}\n- {{ each }}{% else %} none{% endfor %}\n",
        {"l": TEXTS},
        {"l": []},
    ),
    "a list of objects": (
        "{% for s in environment.inputs.s -%}\n{{ loop.index }}: {{ s.name }}\n  {{ s.cidr }}\n"  # noqa: ISC004 - one template
        "{%- if s.public %}\n  public{% endif %}\n{% endfor %}",
        {"s": SUBNETS},
        {"s": [{"name": "a", "public": True}, {"name": "b", "cidr": "10.1.0.0/24", "public": False}]},
    ),
    "a list in a list": (
        "{% for g in environment.inputs.g %}-{{ g.n }}{% for p in g.p %}\n{{ p }}{% endfor %}\n{% endfor %}",
        {
            "g": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"n": TEXT, "p": {"type": "array", "items": COUNT}},
                },
            }
        },
        {"g": [{"n": "a", "p": [1, 2]}, {"n": "b", "p": []}, {"n": "c", "p": [3]}]},
    ),
    "an object's members": (
        "{% for k, v in environment.inputs.t.items() %}- Key: {{ k }}\n  Value: {{ v }}\n{% endfor %}End\n",
        {"t": TAGS},
        {"t": {"b": "1", "a": "x y"}},
    ),
    "a list with separators": (
        "[{% for n in environment.inputs.l %}{{ n }}{% if not loop.last %}, {% endif %}{% endfor %}]\n",
        {"l": COUNTS},
        {"l": [1, 22, 3]},
    ),
    "a joined list": (
        "A: {{ environment.inputs.l | join(',') }}\n",
        {"l": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9-]+$"}}},
        {"l": ["subnet-1", "subnet-2"]},
    ),
    "lists and objects as Python and JSON write them": (
        "A: {{ environment.inputs.l }}\n{{ environment.inputs.s | tojson }}\nC: {{ environment.inputs.t }}\n",
        {"l": TEXTS, "s": SUBNETS, "t": TAGS},
        {"l": ["a", "it's"], "s": [{"name": "<&>", "public": True}], "t": {"k": "v"}},
    ),
    "a part of a list": (
        "A: {{ environment.inputs.l[1] }} {{ environment.inputs.l[0] }}\n",
        {"l": TEXTS},
        {"l": ["a", "b"]},
    ),
    "an object": (
        "A: {{ environment.inputs.o.p }}\nB: {{ environment.inputs['o']['q'] }}\n",
        {"o": {"type": "object", "properties": {"p": TEXT, "q": COUNT}}},
        {"o": {"p": "x", "q": 3}},
    ),
    "variables of a function": (
        "E:\n  Var:\n    {{ environment.inputs.t | proton_cfn_lambda_function_formatted_env_vars }}\nEnd\n",
        {"t": TAGS},
        {"t": {"A": "1", "B": "x: y", "C": "two\nlines"}},
    ),
    "variables of a container": (
        "  E:\n    {{ environment.inputs.t | proton_cfn_ecs_task_definition_formatted_env_vars }}\nEnd: 1\n",
        {"t": TAGS},
        {"t": {"A": "1", "B": "true"}},
    ),
    "a sanitized text": (
        "A: {{ environment.inputs.x | proton_cfn_sanitize }}\n",
        {"x": TEXT},
        {"x": "a-b_1"},
    ),
    "counted turns": (
        "{% for i in range(environment.inputs.n) %}- {{ i }}\n{% endfor %}",
        {"n": COUNT},
        {"n": 3},
    ),
    "a flag of the template": (
        "{% set seen = namespace(n=0) %}{% for s in environment.inputs.s %}- {{ s.name }}\n  {{ s.cidr }}\n"  # noqa: ISC004 - one template
        "{% if s.public %}{% set seen.n = seen.n + 1 %}  open\n{% endif %}{% endfor %}{{ seen.n }}\n",
        {"s": SUBNETS},
        {"s": [{"name": "a", "public": True}, {"name": "b", "public": False}]},
    ),
    "a text of several lines": (
        "A: |\n  {{ environment.inputs.x | indent(2) }}\nB: 1\n",
        {"x": TEXT},
        {"x": "one\ntwo\nthree"},
    ),
    "nested references": (
        "A: {{ environment.inputs.o.p }}\n",
        {"o": {"$ref": "#/schema/types/Other"}},
        {"o": {"p": "x"}},
    ),
}


@pytest.mark.parametrize("case", EXACT)
def test_the_inputs_are_those_that_were_rendered(case: str) -> None:
    template, properties, spec = EXACT[case]
    schema = schema_of(properties)
    if case == "nested references":
        schema["schema"] = {"types": {"Other": schema_of({"p": TEXT})}}
    deployed = rendered(template, spec, schema)
    found = recovered(template, deployed, schema)
    assert (found.inputs, found.difference) == (check_spec(spec, schema), "")
    assert (found.agreement, found.alternatives, found.missing) == (Agreement.TEXT, [], [])
    assert found.complete
    assert read_inputs(found.spec, schema) == parse_spec(found.spec) == found.inputs


AMBIGUOUS = {
    "two texts beside each other": (
        "A: {{ environment.inputs.x }}{{ environment.inputs.y }}\n",
        {"x": TEXT, "y": TEXT},
        {"x": "a", "y": "b"},
        ["x", "y"],
    ),
    "a lost case": ("A: {{ environment.inputs.x | lower }}\n", {"x": TEXT}, {"x": "A"}, ["x"]),
    "a comparison of numbers": (
        "{% if environment.inputs.n > 5 %}big{% else %}small{% endif %}\n",
        {"n": COUNT},
        {"n": 9},
        ["n"],
    ),
    "a choice of which one value steers": (
        "{% if environment.inputs.k == 'private' %}A{% else %}B{% endif %}\n",
        {"k": KIND},
        {"k": "isolated"},
        ["k"],
    ),
    "the value that the template has for what is absent": (
        "A: {{ environment.inputs.x | default('d') }}\n",
        {"x": TEXT},
        {},
        ["x"],
    ),
    "a length": ("A: {{ environment.inputs.l | length }}\n", {"l": TEXTS}, {"l": ["x", "y"]}, ["l"]),
    "a separator in an item": (
        "A: {{ environment.inputs.l | join(',') }}\n",
        {"l": TEXTS},
        {"l": ["a", "b"]},
        ["l"],
    ),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_the_text_leaves_open_is_told_with_other_inputs_that_render_it(case: str) -> None:
    template, properties, spec, undecided = AMBIGUOUS[case]
    schema = schema_of(properties)
    deployed = rendered(template, spec, schema)
    found = recovered(template, deployed, schema)
    assert found.agreement is Agreement.TEXT
    assert found.undecided == undecided
    assert 1 <= len(found.alternatives) <= 4
    for inputs in [found.inputs, *found.alternatives]:
        assert inputs is not None
        assert rendered(template, inputs, schema) == deployed


def test_values_that_are_given_decide() -> None:
    template = "A: {{ environment.inputs.x }}{{ environment.inputs.y }}\n"
    schema = schema_of({"x": TEXT, "y": TEXT})
    found = recovered(template, "A: abc\n", schema, x="ab")
    assert (found.inputs, found.alternatives) == ({"x": "ab", "y": "c"}, [])


@pytest.mark.parametrize("known", [{"x": 5}, {"unheard": "of"}])
def test_a_given_value_that_does_not_fit_is_named(known: dict[str, Any]) -> None:
    found = recovered("A: {{ environment.inputs.x }}\n", "A: a\n", schema_of({"x": TEXT}), **known)
    (name,) = known
    assert found.inputs is None
    assert found.difference == f"the value given for the input '{name}' does not fit the schema"


def test_inputs_without_trace_have_their_default_or_are_left_out() -> None:
    schema = schema_of(
        {
            "x": TEXT,
            "unused": {"type": "string", "default": "d"},
            "optional": COUNT,
            "o": {"type": "object", "properties": {"p": TEXT, "q": {"type": "integer", "default": 3}}},
        }
    )
    template = "A: {{ environment.inputs.x }}{{ environment.inputs.o.p }}\n"
    found = recovered(template, rendered(template, {"x": "a", "o": {"p": ""}}, schema), schema, x="a")
    assert found.inputs == {"x": "a", "o": {"p": "", "q": 3}, "unused": "d"}
    assert found.without_trace == ["unused", "optional", "o.q"]
    assert found.alternatives == []


def test_a_branch_that_was_not_taken_shows_nothing() -> None:
    template = "{% if environment.inputs.b %}A: {{ environment.inputs.x }}\n{% endif %}B: 1\n"
    schema = schema_of({"b": FLAG, "x": {"type": "string", "default": "d"}})
    found = recovered(template, "B: 1\n", schema)
    assert (found.inputs, found.without_trace) == ({"b": False, "x": "d"}, ["x"])


def test_a_required_input_without_trace_is_asked_for() -> None:
    template = "A: {{ environment.inputs.x }}\n"
    schema = schema_of({"x": TEXT, "owner": {**TEXT, "minLength": 3}}, required=["owner"])
    found = recovered(template, "A: a\n", schema)
    assert found.missing == found.without_trace == found.undecided == ["owner"]
    given = recovered(template, "A: a\n", schema, owner="team")
    assert given.inputs == {"x": "a", "owner": "team"}
    assert (given.missing, given.without_trace, given.alternatives) == ([], [], [])


def test_a_required_input_of_which_no_value_is_known_that_fits_is_asked_for() -> None:
    schema = schema_of({"x": TEXT, "owner": {**TEXT, "pattern": "^team-[0-9]{7}$"}}, required=["owner"])
    found = recovered("A: {{ environment.inputs.x }}\n", "A: a\n", schema)
    assert found.inputs is None
    assert found.difference == (
        "the text matches the template, but the input 'owner' is required and leaves no trace; give its value"
    )


def test_an_input_that_makes_no_difference_has_its_default() -> None:
    template = "{% if environment.inputs.b %}A{% else %}A{% endif %}\n"
    found = recovered(template, "A\n", schema_of({"b": {"type": "boolean", "default": False}}))
    assert found.inputs == {"b": False}
    assert found.undecided == ["b"]


TEMPLATE = """\
# The network
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: '{{ environment.inputs.cidr }}'
      Tags:
{% for key, value in environment.inputs.tags.items() %}
        - Key: {{ key }}
          Value: !Sub '{{ value }}'
{% endfor %}
"""
NETWORK = schema_of({"cidr": TEXT, "tags": TAGS})
SPEC = {"cidr": "10.0.0.0/16", "tags": {"team": "a b", "stage": "${AWS::Region}"}}
DEPLOYED = rendered(TEMPLATE, SPEC, NETWORK)

REWRITTEN = {
    "without the last line break": DEPLOYED.rstrip("\n"),
    "with another one": DEPLOYED + "\n",
    "with a Windows machine's line ends": DEPLOYED.replace("\n", "\r\n"),
    "with a byte order mark": "\ufeff" + DEPLOYED,
    "without empty lines": "\n".join(line for line in DEPLOYED.split("\n") if line.strip()),
    "with spaces at the ends of lines": DEPLOYED.replace("\n", "  \n"),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_the_same_document_written_otherwise_is_told_apart_from_the_same_text(case: str) -> None:
    found = recovered(TEMPLATE, REWRITTEN[case], NETWORK)
    assert (found.inputs, found.agreement) == (SPEC, Agreement.DOCUMENT)


@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"indent": 1}, {"separators": (",", ":")}])
def test_a_template_in_json_may_have_been_written_anew(options: dict[str, Any]) -> None:
    template = json.dumps(
        {
            "Resources": {
                "Q": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {
                        "QueueName": "{{ environment.inputs.name }}",
                        "Tags": [{"Key": "a", "Value": "b"}],
                    },
                }
            }
        },
        indent=4,
    )
    schema = schema_of({"name": TEXT})
    deployed = json.dumps(json.loads(rendered(template, {"name": "my queue"}, schema)), **options)
    found = recovered(template, deployed, schema)
    assert (found.inputs, found.agreement) == ({"name": "my queue"}, Agreement.DOCUMENT)


def test_another_value_in_the_document_is_no_agreement() -> None:
    found = recovered(TEMPLATE, DEPLOYED.replace("AWS::EC2::VPC", "AWS::EC2::Subnet"), NETWORK)
    assert (found.inputs, found.agreement, found.spec) == (None, Agreement.NONE, "")
    assert found.difference == ("line 4: the deployed text has 'Subnet' where the template has 'VPC'")


DIFFERENCES = [
    ("A: {{ environment.inputs.x }}\nB: 1\n", "A: a\n", "ends where the template has 'B: 1'"),
    ("A: {{ environment.inputs.x }}\n", "A: a\nB: 1\n", "has 'B: 1' where the template has nothing more"),
    ("A: {{ environment.inputs.x }}\nB: 1\n", "A: a\nB: 2\n", "has '2' where the template has '1'"),
    ("\nA: {{ environment.inputs.x }}Z\n", "\nA: aY\n", "has 'aY' where the template has 'Z'"),
]


@pytest.mark.parametrize(("template", "deployed", "difference"), DIFFERENCES)
def test_the_difference_is_where_the_best_attempt_ended(
    template: str, deployed: str, difference: str
) -> None:
    found = recovered(template, deployed, schema_of({"x": {**TEXT, "pattern": "^[a-z]$"}}))
    assert found.inputs is None
    assert found.difference == f"line 2: the deployed text {difference}"


def test_values_that_the_schema_refuses_are_not_recovered() -> None:
    schema = schema_of({"n": {"type": "integer", "minimum": 3}})
    found = recovered("A: {{ environment.inputs.n }}\n", "A: 2\n", schema)
    assert (found.inputs, found.agreement) == (None, Agreement.NONE)


def test_a_template_that_cannot_be_rendered_is_told_with_the_renderer_s_sentence() -> None:
    found = recovered("A: {{ environment.inputs.x\n", "A: a\n", schema_of({"x": TEXT}))
    assert found.inputs is None
    assert found.difference.startswith("cloudformation.yaml, line ")


def test_a_bundle_of_another_engine_has_nothing_to_read_back() -> None:
    schema = schema_of({"x": TEXT})
    found = recover(Bundle("", schema, "terraform", {"main.tf": b""}), schema, "dev", "A: a\n")
    assert found.difference == "the bundle has no template for CloudFormation"


def test_what_cannot_be_read_backwards_is_tried_with_the_defaults() -> None:
    template = "{% call m() %}{% endcall %}{% macro m() %}{{ caller() }}{% endmacro %}"
    template = template[27:] + template[:27] + "A: {{ environment.inputs.k }}\n"
    schema = schema_of({"k": {**KIND, "default": "private"}})
    found = recovered(template, "A: public\n", schema)
    assert (found.inputs, found.agreement, found.complete) == ({"k": "public"}, Agreement.TEXT, False)
    nothing = recovered(template, "B: public\n", schema)
    assert nothing.difference == "the template cannot be read backwards: line 1 uses the statement CallBlock"


def test_a_spec_quotes_what_yaml_would_read_as_something_else() -> None:
    values = [
        "0012",
        "yes",
        "null",
        "1e3",
        "2026-01-01",
        "",
        " a ",
        "x: y",
        "#",
        "ä",
        "a'b\"c",
        "{{",
        "1_000",
        "0o7",
    ]
    schema = schema_of({"l": TEXTS})
    template = "A: {{ environment.inputs.l }}\n"
    found = recovered(template, rendered(template, {"l": values}, schema), schema)
    assert found.inputs == {"l": values} == read_inputs(found.spec, schema)
    assert yaml.safe_load(found.spec)["proton"] == "EnvironmentSpec"


def test_the_spec_writes_out_what_equals_a_default_today() -> None:
    schema = schema_of({"x": {**TEXT, "default": "d"}})
    found = recovered("A: {{ environment.inputs.x }}\n", "A: d\n", schema)
    assert found.spec == "proton: EnvironmentSpec\nspec:\n  x: d\n"


SAMPLES = sorted(Path(__file__).parents[2].glob("examples/**/schema/schema.yaml"))


@pytest.mark.parametrize("schema_file", SAMPLES, ids=lambda file: "-".join(file.parts[-5:-2]))
def test_the_examples_of_the_repository_are_read_back(schema_file: Path) -> None:
    bundle = read_bundle(pack(schema_file.parent.parent), customer_managed=False)
    if bundle.engine != "cloudformation" or bundle.template_file is None:
        pytest.skip("not for CloudFormation")
    required = bundle.input_schema.get("required", [])
    properties = bundle.input_schema["properties"]
    needed = [name for name in required if "default" not in properties[name]]
    spec = {name: properties[name].get("enum", ["example"])[0] for name in needed}
    complete = check_spec(spec, bundle.input_schema)
    text = bundle.files[bundle.template_file].decode()
    deployed = render_template(text, "dev", complete)
    found = recover(bundle, bundle.input_schema, "dev", deployed)
    assert found.agreement is Agreement.TEXT, found.difference
    assert render_template(text, "dev", found.inputs or {}) == deployed
