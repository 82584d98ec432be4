"""`proton-server templates recover`: the spec that a stack was deployed with, without a server or AWS.

It is evaluated as `serve` evaluates it: in a worker process, within its limits of time and memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from proton_server.cli.check import ACCOUNT, Findings, place_of, read_folder, reported, workers
from proton_server.engine.evaluation import EvaluationError
from proton_templates.recovery import Agreement, Recovery, recover
from proton_templates.spec import SpecError, parse_spec

_RECOVERY = "Reading the spec back"
_UNDECIDED = 3
"""Exit code: a spec is printed, but the text does not say that it was this one."""


@click.command("recover")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--template", required=True, type=click.Path(path_type=Path), help="A file with the stack's template."
)
@click.option("--name", required=True, help="The environment's name.")
@click.option("--known", type=click.Path(path_type=Path), help="A spec with the inputs that are known.")
def recover_spec(folder: Path, *, template: Path, name: str, known: Path | None) -> None:
    """Print the spec with which the bundle in FOLDER renders a deployed template.

    The template is what `aws cloudformation get-template --template-stage Original` returns for the stack.
    """
    name = place_of(name).name
    with workers() as evaluate, reported():
        bundle = read_folder(folder, evaluate, customer_managed=False)
        given = _known(known)
        deployed = _text(template)
        schema = bundle.input_schema
        try:
            found = evaluate(ACCOUNT, _RECOVERY, recover, bundle, schema, name, deployed, known=given)
        except EvaluationError as error:
            raise Findings(f"{template}: {error}") from None
        if found.inputs is None:
            raise Findings(f"{template}: {found.difference}.")
    click.echo(found.spec, nl=False)
    for sentence in _remarks(found):
        click.echo(f"{template}: {sentence}", err=True)
    if found.alternatives or found.missing:
        raise SystemExit(_UNDECIDED)


def _known(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return parse_spec(_text(file))
    except SpecError as error:
        raise Findings(f"{file}: {error}") from None


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Findings(f"{file}: is not text in UTF-8.") from None


def _remarks(found: Recovery) -> Iterator[str]:
    """What has to be known about a spec that was read back."""
    if found.agreement is Agreement.DOCUMENT:
        yield "the spec renders the same document, written otherwise."
    if defaults := [path for path in found.without_trace if path not in found.missing]:
        yield f"has no trace of {', '.join(defaults)}: the default is taken, or nothing."
    if found.missing:
        yield f"has no trace of {', '.join(found.missing)}: the value is an example; give yours with --known."
    if undecided := [name for name in found.undecided if name not in found.missing]:
        yield f"other values of {', '.join(undecided)} render the same text; give yours with --known."
    if not found.complete:
        yield "the search ended at its limit; other values may render the same text."
