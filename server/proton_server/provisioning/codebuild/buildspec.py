"""A CodeBuild manifest, rendered for an environment: the buildspecs, and the source of a build.

Pure. Forbidden here: AWS, and values of inputs in a message. Sources: User Guide, "CodeBuild provisioning
template bundle" and "CodeBuild provisioning parameter details and examples"; CodeBuild's "Build specification
reference".
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from proton_server.provisioning.errors import ProvisioningError
from proton_templates.rendering import render_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proton_server.provisioning import Place
    from proton_templates.bundle import Bundle

INPUTS_FILE = "proton-inputs.json"
OUTPUTS_FILE = "proton-outputs.json"
PROVISION_FILE = "proton-provision-buildspec.yaml"
DEPROVISION_FILE = "proton-deprovision-buildspec.yaml"

_DEFAULT_IMAGE = "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
_KEEP_OUTPUTS = (
    f'[ -e "$CODEBUILD_SRC_DIR/{OUTPUTS_FILE}" ] || echo "[]" > "$CODEBUILD_SRC_DIR/{OUTPUTS_FILE}"'
)
"""CodeBuild fails a build that lacks a file that its artifacts name."""

_MAX_OUTPUTS = 50
_KEY_LENGTH = _VALUE_LENGTH = range(1, 1025)
"""Of `Output` in the API model."""


class OutputsError(ProvisioningError):
    """A build wrote outputs that cannot be read; the message is a sentence without values."""


@dataclass(frozen=True)
class Recipe:
    """A manifest's settings, rendered."""

    image: str
    provision: str
    """The buildspec of a creation or update, as YAML."""
    deprovision: str
    """The buildspec of a deletion, as YAML."""
    project_properties: dict[str, Any]
    """As AWS::CodeBuild::Project names them; a rendered value is still text."""


def read_recipe(settings: Mapping[str, Any], environment_name: str, inputs: Mapping[str, Any]) -> Recipe:
    """The manifest's settings for an environment, all rendered now, so that a deletion cannot fail at them.

    Raises RenderError with one sentence that names the setting, e.g. for an undefined name.
    """
    rendered = _render(dict(settings), "manifest.yaml, settings", environment_name, inputs)
    env = {key.replace("_", "-"): value for key, value in rendered.get("env", {}).items() if value}
    return Recipe(
        image=rendered.get("image", _DEFAULT_IMAGE),
        provision=_buildspec(
            rendered, env, [*rendered["provision"], _KEEP_OUTPUTS], artifacts={"files": [OUTPUTS_FILE]}
        ),
        # A buildspec needs a command, and a template may have none for the deletion.
        deprovision=_buildspec(rendered, env, rendered["deprovision"] or ["true"]),
        project_properties=rendered.get("project_properties", {}),
    )


def source_zip(
    files: Mapping[str, bytes], recipe: Recipe, environment_name: str, inputs: Mapping[str, Any]
) -> bytes:
    """The build's source as a zip: the files beside the manifest, the inputs, and both buildspecs.

    The deprovision commands are in the source, so a later deletion does not need the template.
    """
    values = {"environment": {"name": environment_name, "inputs": dict(inputs)}}
    contents = {
        **files,
        INPUTS_FILE: json.dumps(values, indent=2).encode(),
        PROVISION_FILE: recipe.provision.encode(),
        DEPROVISION_FILE: recipe.deprovision.encode(),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100755 << 16  # a bundle has no file modes, and may contain scripts
            writer.writestr(entry, content)
    return archive.getvalue()


def rendered_buildspecs(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    """The buildspecs and inputs that a build gets beside the bundle's files. Raises RenderError."""
    recipe = read_recipe(bundle.settings or {}, place.name, inputs)
    with zipfile.ZipFile(io.BytesIO(source_zip({}, recipe, place.name, inputs))) as source:
        return {name: source.read(name) for name in (PROVISION_FILE, DEPROVISION_FILE, INPUTS_FILE)}


def read_outputs(content: bytes) -> list[dict[str, str]]:
    """The `Output` records in a build's outputs file.

    Accepts the API's own form, [{"key", "valueString"}], and that of `cdk deploy --outputs-file`, which the
    User Guide uses to write the file: {"Stack": {"Key": "value"}}. Raises OutputsError.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested too deeply
        raise OutputsError(f"{OUTPUTS_FILE} is not valid JSON.") from None
    if isinstance(document, dict) and all(isinstance(stack, dict) for stack in document.values()):
        pairs = [pair for stack in document.values() for pair in stack.items()]
    elif isinstance(document, list) and all(
        isinstance(item, dict) and item.keys() == {"key", "valueString"} for item in document
    ):
        pairs = [(item["key"], item["valueString"]) for item in document]
    else:
        raise OutputsError(
            f'{OUTPUTS_FILE} must be a list of {{"key": …, "valueString": …}}, or what the CDK writes.'
        )
    return _checked(pairs)


def _checked(pairs: list[tuple[Any, Any]]) -> list[dict[str, str]]:
    if len(pairs) > _MAX_OUTPUTS:
        raise OutputsError(f"{OUTPUTS_FILE} has more than {_MAX_OUTPUTS} outputs.")
    for number, (key, value) in enumerate(pairs, start=1):
        if not isinstance(key, str) or len(key) not in _KEY_LENGTH:
            raise OutputsError(f"{OUTPUTS_FILE}: the key of output {number} must be 1 to 1,024 characters.")
        if not isinstance(value, str) or len(value) not in _VALUE_LENGTH:
            raise OutputsError(
                f"{OUTPUTS_FILE}: the value of output {number} must be a string of 1 to 1,024 characters."
            )
    if len(dict(pairs)) < len(pairs):
        raise OutputsError(f"{OUTPUTS_FILE} has two outputs with the same key.")
    return [{"key": key, "valueString": value} for key, value in pairs]


def _render(value: Any, path: str, environment_name: str, inputs: Mapping[str, Any]) -> Any:
    """Every string of a setting, rendered by itself, so that an input cannot add a line of YAML."""
    if isinstance(value, dict):
        return {key: _render(each, f"{path}.{key}", environment_name, inputs) for key, each in value.items()}
    if isinstance(value, list):
        return [
            _render(each, f"{path}[{index}]", environment_name, inputs) for index, each in enumerate(value)
        ]
    return render_template(value, environment_name, inputs, file=path) if isinstance(value, str) else value


def _buildspec(
    settings: Mapping[str, Any],
    env: Mapping[str, Any],
    commands: list[str],
    artifacts: Mapping[str, Any] | None = None,
) -> str:
    phases: dict[str, Any] = {"build": {"commands": commands}}
    if settings.get("runtimes"):
        phases = {"install": {"runtime-versions": settings["runtimes"]}, **phases}
    document = {"version": 0.2, "env": env, "phases": phases, "artifacts": artifacts}
    return yaml.safe_dump({key: value for key, value in document.items() if value}, sort_keys=False)
