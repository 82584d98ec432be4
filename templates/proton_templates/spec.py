"""Environment specs: the text is read, checked against a template's input schema, and completed.

Pure. No value of a spec may be in a message, since the API marks SpecContents as sensitive: a sentence names
the path and quotes the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proton_templates.budget import Budget, TooManySteps
from proton_templates.defaults import with_defaults
from proton_templates.documents import DocumentError, load_mapping
from proton_templates.openapi import Schema
from proton_templates.validation import NOTHING, validate
from proton_templates.violations import listed, quoted

_MAX_CHARACTERS = 51_200  # SpecContents in the API model


class SpecError(ValueError):
    """A spec is refused; the text is one sentence that names each faulty path."""


def parse_spec(text: str) -> dict[str, Any]:
    """The input values of an environment spec, as given: what stands below ``spec:``.

    A spec is YAML with two keys, ``proton: EnvironmentSpec`` and ``spec:`` (User Guide, "Create an
    environment").

    Raises SpecError if it is too long, not YAML, or has another shape than that.
    """
    if len(text) > _MAX_CHARACTERS:
        raise SpecError(f"The spec is longer than {_MAX_CHARACTERS:,} characters.")
    try:
        document = load_mapping(text)
    except DocumentError as fault:
        raise SpecError(f"The spec cannot be read: {fault}.") from None
    return document_inputs(document)


def document_inputs(document: Mapping[str, Any]) -> dict[str, Any]:
    """The input values in the mapping that a spec's text holds. Raises SpecError if it has another shape."""
    if document.get("proton") != "EnvironmentSpec":
        raise SpecError("The spec must begin with 'proton: EnvironmentSpec'.")
    if unknown := sorted(document.keys() - {"proton", "spec"}):
        raise SpecError(
            f"The spec has {quoted(unknown)} beside 'proton' and 'spec'; input values belong below 'spec'."
        )
    # An empty "spec:" is YAML's null, and what a user writes whose template has a default for each input.
    inputs = document.get("spec", "missing")
    if inputs is None:
        return {}
    if not isinstance(inputs, dict):
        raise SpecError("The spec must have a mapping of input names to values below 'spec:'.")
    return inputs


def read_inputs(text: str, input_schema: Schema) -> dict[str, Any]:
    """The input values of a spec, checked against a schema and complete. Raises SpecError."""
    return check_spec(parse_spec(text), input_schema)


def examine_text(text: str, input_schema: Schema) -> tuple[dict[str, Any], list[str]]:
    """As `examine`, of a spec's text. Raises SpecError if it is too long, not YAML, or of another shape."""
    return examine(parse_spec(text), input_schema)


def check_spec(inputs: Mapping[str, Any], input_schema: Schema) -> dict[str, Any]:
    """``inputs`` with the schema's defaults filled in, also inside objects that are given; a new mapping.

    Raises SpecError with one sentence of every violation and its path, such as ``spec.vpc_cidr``.
    """
    complete, violations = examine(dict(inputs), input_schema)
    if violations:
        raise SpecError(f"The spec does not fit the template's schema: {'; '.join(violations)}.")
    checked: dict[str, Any] = complete
    return checked


def examine(value: Any, schema: Schema, *, unknown: Any = NOTHING) -> tuple[Any, list[str]]:
    """``value`` with defaults filled in, and a clause for each way in which it does not fit ``schema``.

    Args:
        value: JSON-like data, which messages call ``spec``.
        schema: an object of OpenAPI 3.0 as `read_schema` returns it.
        unknown: the object that stands in the value for what is not known yet, and violates nothing.

    A value that would take too long to complete or to check violates the schema, too.

    """
    budget = Budget()
    try:
        complete = with_defaults(value, schema, budget)
        return complete, listed(validate(complete, schema, ("spec",), unknown=unknown, budget=budget))
    except RecursionError:
        return value, ["spec: cannot be checked: the template's schema refers to itself without end"]
    except TooManySteps as fault:
        return value, [f"spec: cannot be checked: with the template's schema that {fault}"]
