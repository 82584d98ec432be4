"""Whether a version of a template, with a spec, renders as the text that is deployed.

It is proven the way that the next deployment goes: from the text of the spec, by the checks of `read_inputs`
and the renderer. It runs in a worker process, for all three texts are a stranger's.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_templates.recovery import Agreement, recover
from proton_templates.rendering import render_template
from proton_templates.spec import read_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proton_templates.bundle import Bundle


class Comparison(NamedTuple):
    """What came of it."""

    agreement: Agreement
    difference: str = ""
    """Where the texts differ, if they do."""
    spec: str = ""
    """The spec that was given or recovered."""
    without_trace: Sequence[str] = ()
    """Recovered inputs that change nothing in the text."""
    alternatives: Sequence[str] = ()
    """Other specs that render as the same text."""
    undecided: Sequence[str] = ()
    """The inputs in which they differ."""
    missing: Sequence[str] = ()
    """Inputs that are required, change nothing in the text, and have no default: their values are made up."""
    complete: bool = True
    """False if the search ended at its limit, so that there may be other specs."""
    template_sha256: str = ""
    """Of the rendered text."""


def compare(bundle: Bundle, schema: dict[str, Any], name: str, deployed: str, spec: str | None) -> Comparison:
    """Compares the deployed text with what the version's bundle renders for the environment `name`.

    With the spec that is given, or else with the one that is recovered from the text. Raises SpecError if it
    does not fit the version's schema, and RenderError.
    """
    known = None if spec is None else read_inputs(spec, schema)
    found = recover(bundle, schema, name, deployed, known=known)
    if found.inputs is None or found.agreement is Agreement.NONE:
        return Comparison(Agreement.NONE, found.difference)
    proven = found.spec if spec is None else spec
    rendered = _rendered(bundle, schema, name, proven)
    if found.agreement is Agreement.TEXT and rendered != deployed:
        return Comparison(Agreement.NONE, "The recovered spec renders as another text.")
    return Comparison(
        found.agreement,
        spec=proven,
        without_trace=found.without_trace,
        alternatives=[replace(found, inputs=inputs).spec for inputs in found.alternatives],
        undecided=found.undecided,
        missing=found.missing if spec is None else (),
        complete=found.complete or spec is not None,
        template_sha256=hashlib.sha256(rendered.encode()).hexdigest(),
    )


def _rendered(bundle: Bundle, schema: dict[str, Any], name: str, spec: str) -> str:
    file = str(bundle.template_file)
    text = bundle.files[file].decode("utf-8-sig")
    return render_template(text, name, read_inputs(spec, schema), file=file)
