"""A spec: the inputs of an environment, as a mapping; as text only on the wire. Pure.

What a spec and a schema are is decided by `proton_templates`, as on the server.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from aws_proton_provider.core.values import UNKNOWN, Value, normalised
from proton_templates.documents import DocumentError, is_mapping, load_mapping
from proton_templates.schema import read_schema
from proton_templates.spec import SpecError, document_inputs, examine, parse_spec

_MAPPING = 'must be a mapping of the template\'s inputs, such as {"vpc_cidr": "10.0.0.0/16"}'


def inputs_of(spec: Value) -> Value:
    """The input values of a spec: a mapping of them, a whole spec document, or YAML text of either.

    Raises:
        ValueError: it is none of these.

    """
    if spec is UNKNOWN:
        return UNKNOWN
    if isinstance(spec, str):
        try:
            spec = load_mapping(spec) if is_mapping(spec) else None
        except DocumentError as fault:
            raise ValueError(f"cannot be read: {fault}") from None
    if not isinstance(spec, dict):
        # ValueError is what pydantic takes for a finding.
        raise ValueError(_MAPPING)  # noqa: TRY004
    if spec.get("proton") == "EnvironmentSpec" and spec.keys() <= {"proton", "spec"}:
        try:
            spec = document_inputs(spec)
        except SpecError as error:
            raise ValueError(_reason(error)) from None
    return normalised(spec)


def document(inputs: dict[str, Value]) -> str:
    """The YAML text that the API takes (User Guide, ag-create-env)."""
    return yaml.safe_dump({"proton": "EnvironmentSpec", "spec": inputs}, sort_keys=False, allow_unicode=True)


def input_schema(template_schema: str) -> dict[str, Any]:
    """The OpenAPI 3.0 schema of an environment's inputs, from a template version's `schema` (schema.yaml).

    Raises:
        ValueError: it is not a schema that a spec can be checked against; says why.

    """
    return read_schema(template_schema)


def violations(inputs: dict[str, Value], schema: dict[str, Any]) -> list[str]:
    """A clause for each violation, with its path and never the value, which may be a secret.

    What the server would refuse is a violation, whatever the values that are not known yet turn out to be.
    """
    clauses = examine(inputs, schema, unknown=UNKNOWN)[1] or _unreadable(inputs)
    return [clause.removeprefix("spec: ") for clause in clauses]


def _unreadable(inputs: dict[str, Value]) -> list[str]:
    """Why the server cannot read these values: too many, too deep, a number that JSON cannot carry."""
    document = {"proton": "EnvironmentSpec", "spec": _with_nulls(inputs)}
    try:
        parse_spec(yaml.dump(document, Dumper=_Dumper, allow_unicode=True))
    except SpecError as error:
        # The line is one of a text that nobody wrote.
        return [re.sub(r"line \d+, column \d+: ", "", _reason(error))]
    return []


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Several times as fast as the other. The wire keeps the other, whose text may differ in line breaks."""


def _with_nulls(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _with_nulls(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    return None if value is UNKNOWN else value


def _reason(error: SpecError) -> str:
    return str(error).removeprefix("The spec ").rstrip(".")
