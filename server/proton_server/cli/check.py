"""`proton-server templates check` and `render`: what a bundle and a spec come to, without a server or AWS.

Both are evaluated as `serve` evaluates them: in worker processes, within its limits of time and memory.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proton_server.cli import options
from proton_server.engine.evaluation import BUNDLE_CHECK, SPEC_CHECK, EvaluationError, Evaluator
from proton_server.provisioning import Place
from proton_server.provisioning.cloudformation.template_buckets import MAX_IN_CALL, OPTION
from proton_server.provisioning.errors import ProvisioningError
from proton_server.provisioning.methods import METHODS
from proton_templates.bundle import Bundle, BundleError, pack, read_bundle
from proton_templates.manifest import CLOUDFORMATION
from proton_templates.rendering import RenderError
from proton_templates.spec import SpecError, examine_text, parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RENDERING = "Rendering the template"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
ACCOUNT = "0"
"""Evaluators share their workers among accounts; here there is one."""

_name = click.option("--name", default="example", show_default=True, help="The environment's name.")


class Findings(Exception):
    """What is wrong with a bundle or a spec. Each argument is a sentence that names the file."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--spec", type=click.Path(path_type=Path), help="A spec to check, and render the template with."
)
@click.option(
    "--customer-managed", is_flag=True, help="The bundle is a schema only; Proton provisions nothing."
)
@_name
def check(folder: Path, *, spec: Path | None, customer_managed: bool, name: str) -> None:
    """Check the bundle in FOLDER, and a spec for it; every fault is a line.

    Needs no server. With a spec the template is rendered, too.
    """
    place = place_of(name)
    with workers() as evaluate, reported():
        bundle, findings = _attempt(lambda: read_folder(folder, evaluate, customer_managed=customer_managed))
        if spec is not None:
            rendered, more = _attempt(lambda: _render(bundle, spec, place, evaluate))
            findings += more
        if findings:
            raise Findings(*findings)
    if spec is not None and bundle.engine == CLOUDFORMATION.name:
        _note_size(rendered)
    click.echo(f"{folder}{f' and {spec}' if spec else ''}: no faults found")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--spec", required=True, type=click.Path(path_type=Path), help="The spec to render with.")
@click.option(
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write files there, instead of printing.",
)
@_name
@click.option("--account", default="123456789012", show_default=True, help="The environment's account.")
@click.option("--region", default="us-east-1", show_default=True, help="The environment's Region.")
def render(  # noqa: PLR0913  # one for each option
    folder: Path, *, spec: Path, output_dir: Path | None, name: str, account: str, region: str
) -> None:
    """Render the bundle in FOLDER with a spec, as a deployment would.

    That is the CloudFormation template; for CodeBuild the buildspecs and inputs; for Terraform the files of
    the pull request. Needs no server.
    """
    options.check_account("--account", account)
    place = place_of(name, account, region)
    with workers() as evaluate, reported():
        files = _render(read_folder(folder, evaluate, customer_managed=False), spec, place, evaluate)
        if output_dir is None:
            _print(files)
        else:
            _write(files, output_dir)


def place_of(name: str, account: str = "123456789012", region: str = "us-east-1") -> Place:
    """The place of an environment. Raises ClickException for a name that no environment can have."""
    if not _NAME.fullmatch(name):
        raise click.ClickException(
            f"--name must be 1 to 100 letters, digits, hyphens and underscores, not {name!r}."
        )
    return Place(name, account, region)


@contextmanager
def workers() -> Iterator[Evaluator]:
    """The processes that evaluate a bundle, for one command."""
    evaluator = Evaluator()
    try:
        yield evaluator
    finally:
        evaluator.close()


@contextmanager
def reported() -> Iterator[None]:
    """Prints what is wrong, a line for each, and ends the command with exit code 1."""
    try:
        yield
    except Findings as findings:
        for sentence in findings.args:
            click.echo(sentence, err=True)
        raise SystemExit(1) from None
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}.", err=True)
        raise SystemExit(1) from None


def _note_size(files: dict[str, bytes]) -> None:
    """Says of a template which servers can deploy it, if not all can."""
    (size,) = map(len, files.values())
    if size > MAX_IN_CALL:
        click.echo(
            f"infrastructure: the rendered template has {size:,} bytes: above {MAX_IN_CALL:,} a server needs "
            f"{OPTION} to deploy it.",
            err=True,
        )


def _attempt(read: Callable[[], Any]) -> tuple[Any, list[str]]:
    try:
        return read(), []
    except Findings as found:
        return None, [*found.args]


def read_folder(folder: Path, evaluate: Evaluator, *, customer_managed: bool) -> Bundle:
    """The bundle in a folder. Raises Findings."""
    try:
        return evaluate(ACCOUNT, BUNDLE_CHECK, read_bundle, pack(folder), customer_managed=customer_managed)
    except BundleError as error:
        raise Findings(*error.args) from None
    except EvaluationError as error:
        raise Findings(f"{folder}: {error}") from None


def _render(bundle: Bundle | None, spec: Path, place: Place, evaluate: Evaluator) -> dict[str, bytes]:
    """The files that a spec makes of a bundle; of one that is faulty, none, and the spec is read only.

    Raises Findings.
    """
    try:
        text = spec.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Findings(f"{spec}: is not text in UTF-8.") from None
    try:
        if bundle is None:
            evaluate(ACCOUNT, SPEC_CHECK, parse_spec, text)
            return {}
        inputs, clauses = evaluate(ACCOUNT, SPEC_CHECK, examine_text, text, bundle.input_schema)
        if clauses:
            raise Findings(*(f"{spec}: {clause}." for clause in clauses))
        rendered_files = METHODS[bundle.engine].rendered_files
        return evaluate(ACCOUNT, _RENDERING, rendered_files, bundle, inputs, place) if rendered_files else {}
    except (SpecError, EvaluationError) as error:
        raise Findings(f"{spec}: {error}") from None
    except RenderError as error:
        raise Findings(f"infrastructure/{error}") from None
    except ProvisioningError as error:
        raise Findings(f"infrastructure: {error}") from None


def _print(files: dict[str, bytes]) -> None:
    """One file as it is, so that it can be piped; of several each with its name above it."""
    for path, content in files.items():
        if len(files) > 1:
            click.echo(f"==> {path} <==")
        click.echo(content.decode("utf-8", "replace"), nl=not content.endswith(b"\n"))


def _write(files: dict[str, bytes], folder: Path) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        click.echo(target)
