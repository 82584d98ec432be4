"""Of generated templates and specs: what is read back renders the same, and is the spec if it is unique."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proton_templates.bundle import Bundle
from proton_templates.recovery import Agreement, recover
from proton_templates.rendering import RenderError, render_template
from proton_templates.spec import check_spec, parse_spec, read_inputs

INPUTS: dict[str, Any] = {
    "text": {"type": "string"},
    "other": {"type": "string", "default": "d-1"},
    "optional": {"type": "string"},
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,8}$"},
    "kind": {"type": "string", "enum": ["private", "public", "both"], "default": "public"},
    "count": {"type": "integer", "minimum": 0, "maximum": 9},
    "size": {"type": "number"},
    "flag": {"type": "boolean"},
    "second": {"type": "boolean", "default": True},
    "names": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
    "ports": {"type": "array", "items": {"type": "integer"}, "maxItems": 4},
    "rules": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"type": "integer"},
                "cidr": {"type": "string", "default": "0.0.0.0/0"},
                "open": {"type": "boolean"},
            },
        },
    },
    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    "network": {"type": "object", "properties": {"cidr": {"type": "string"}, "zones": {"type": "integer"}}},
}
SCHEMA = {"type": "object", "properties": INPUTS, "required": ["text", "count", "flag"]}

texts = st.text(st.sampled_from("abcXYZ09-_./: '\"{}[],#"), max_size=10)
words = st.from_regex("[a-z]{1,5}", fullmatch=True)
specs = st.fixed_dictionaries(
    {
        "text": texts,
        "name": st.from_regex("[a-z][a-z0-9-]{0,5}", fullmatch=True),
        "count": st.integers(0, 9),
        "size": st.integers(-99, 99) | st.floats(-99, 99).map(lambda number: round(number, 2)),
        "flag": st.booleans(),
        "names": st.lists(words, max_size=3),
        "ports": st.lists(st.integers(0, 65_535), max_size=3),
        "rules": st.lists(
            st.fixed_dictionaries(
                {"port": st.integers(0, 99), "open": st.booleans()}, optional={"cidr": words}
            ),
            max_size=3,
        ),
        "tags": st.dictionaries(words, texts, max_size=3),
        "network": st.fixed_dictionaries({"cidr": words, "zones": st.integers(1, 3)}),
    },
    optional={
        "other": texts,
        "optional": words,
        "kind": st.sampled_from(["private", "public", "both"]),
        "second": st.booleans(),
    },
)

fixed = st.sampled_from(
    ["Resources:\n", "  Vpc: ", "    Type: AWS::EC2::VPC\n", "\n", "- ", "'", "x", ", ", "# b\n", "Name: "]
)
scalars = st.sampled_from(["text", "other", "name", "kind", "count", "size", "flag"]).map(
    lambda name: f"environment.inputs.{name}"
) | st.sampled_from(
    ["environment.name", "environment.inputs.network.cidr", "environment.inputs.network.zones"]
)
applied = st.sampled_from(
    [
        "{}",
        "{} | string",
        "{} | lower",
        "{} | upper",
        "{} | trim",
        "'a-' ~ {}",
        "{} ~ '-' ~ environment.name",
        "({} | string) + '.x'",
        "{} | tojson",
        "{} | default('none')",
        "{} | replace('-', '_')",
        "({} | string).replace('a', 'b')",
        "{} | string | length",
        "{} if environment.inputs.flag else 'no'",
    ]
)
whole = st.sampled_from(
    [
        "environment.inputs.names | join(',')",
        "environment.inputs.ports | join(', ')",
        "environment.inputs.names | length",
        "environment.inputs.count + 1",
        "environment.inputs.count * 60",
        "environment.inputs.rules | tojson",
        "environment.inputs.names",
        "environment.inputs.tags",
        "environment.inputs.optional | default('none')",
        "environment.inputs.names[0] | default('none')",
    ]
)
outputs = st.one_of(st.builds(str.format, applied, scalars), whole).map(lambda each: "{{ " + each + " }}")
conditions = st.sampled_from(
    [
        "environment.inputs.flag",
        "not environment.inputs.flag",
        "environment.inputs.second and environment.inputs.flag",
        "environment.inputs.second or environment.inputs.flag",
        "environment.inputs.kind == 'private'",
        "environment.inputs.kind != 'private'",
        "environment.inputs.kind in ['private', 'both']",
        "environment.inputs.count > 3",
        "environment.inputs.count == 0",
        "environment.inputs.optional is defined",
        "environment.inputs.names | length > 1",
        "environment.inputs.names",
        "environment.name == 'dev'",
    ]
)


def branches(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        "{{% if {} %}}{}{{% elif {} %}}{}{{% else %}}{}{{% endif %}}".format,
        conditions,
        inner,
        conditions,
        inner,
        inner,
    )


LOOPS = [
    "{% for n in environment.inputs.names %}- {{ n }}\n@{% endfor %}",
    "{% for n in environment.inputs.names %}{{ n }}{% if not loop.last %}, {% endif %}{% endfor %}@",
    "{% for p in environment.inputs.ports -%}\n- {{ p }}{% else %}none{% endfor %}@",
    "{% for r in environment.inputs.rules %}{{ r.port }} {{ r.open|d(1) }} {{ r.cidr }}\n@{% endfor %}",
    "{% for k, v in environment.inputs.tags.items() %}- Key: {{ k }}\n  Value: {{ v }}\n{% endfor %}@",
    "{% for k in environment.inputs.tags %}- {{ k }}={{ environment.inputs.tags[k] }}\n{% endfor %}@",
    "{% for i in range(environment.inputs.count) %}- {{ i }}\n{% endfor %}@",
    "{% set v = environment.inputs.text ~ '!' %}{{ v }}\n@",
    "{% macro m(a, b='z') %}<{{ a }}{{ b }}>{% endmacro %}{{ m(environment.inputs.name) }}@",
]


def loops(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda loop, body: loop.replace("@", body), st.sampled_from(LOOPS), inner)


pieces = st.recursive(
    fixed | outputs,
    lambda inner: branches(inner) | loops(inner) | st.lists(inner, min_size=1, max_size=4).map("".join),
    max_leaves=5,
)
templates = st.lists(pieces, min_size=1, max_size=4).map("\n".join)


def without(inputs: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """The inputs without those at the paths, of which only the first name is looked at."""
    names = {path.partition(".")[0].partition("[")[0] for path in paths}
    return {name: value for name, value in inputs.items() if name not in names}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(template=templates, spec=specs)
def test_what_is_read_back_renders_the_same_text(template: str, spec: dict[str, Any]) -> None:
    complete = check_spec(spec, SCHEMA)
    try:
        deployed = render_template(template, "dev", complete)
    except RenderError:
        return
    bundle = Bundle(
        "", SCHEMA, "cloudformation", {"cloudformation.yaml": template.encode()}, "cloudformation.yaml"
    )
    found = recover(bundle, SCHEMA, "dev", deployed)
    if found.inputs is None:
        assert not found.complete, found.difference
        return
    assert found.agreement is Agreement.TEXT
    for inputs in [found.inputs, *found.alternatives]:
        assert render_template(template, "dev", check_spec(inputs, SCHEMA)) == deployed
    assert read_inputs(found.spec, SCHEMA) == parse_spec(found.spec) == found.inputs
    if found.complete and not found.alternatives:
        assert without(found.inputs, found.without_trace) == without(complete, found.without_trace)
