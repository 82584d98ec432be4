"""The manifest of an environment template bundle: which engine provisions it, from which file or commands.

Pure. Forbidden here: archives and paths above ``infrastructure/``; the caller names the file. Source: User
Guide, "Wrap up template files for AWS Proton".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proton_templates.documents import DocumentError, load_mapping

Engine = Literal["cloudformation", "terraform", "codebuild"]

_ENGINES: Mapping[tuple[Any, Any], Engine] = {
    ("jinja", "cloudformation"): "cloudformation",
    ("hcl", "terraform"): "terraform",
    ("codebuild", None): "codebuild",
}
# The settings of CodeBuild that must have this kind where they are given; others are kept as they are.
_SETTINGS: Mapping[str, type] = {
    "image": str,
    "runtimes": dict,
    "env": dict,
    "provision": list,
    "deprovision": list,
    "project_properties": dict,
}


@dataclass(frozen=True)
class Manifest:
    """``template_file`` is the file named, not "*"; ``codebuild`` the settings as written, for CodeBuild."""

    engine: Engine
    template_file: str | None = None
    codebuild: dict[str, Any] | None = None


def read_manifest(text: str, files: Collection[str]) -> Manifest:
    """The manifest in ``text``, checked against the ``files`` beside it (relative paths).

    Raises DocumentError with a clause that says what is wrong with the file.
    """
    infrastructure = load_mapping(text).get("infrastructure")
    templates = infrastructure.get("templates") if isinstance(infrastructure, dict) else None
    if not isinstance(templates, list) or not templates:
        raise DocumentError("infrastructure.templates must be a list with one template")
    if len(templates) > 1:
        raise DocumentError(f"lists {len(templates)} templates; an environment has exactly one")
    template = templates[0]
    if not isinstance(template, dict):
        raise DocumentError("infrastructure.templates[0] must be a mapping")
    engine = _engine(template)
    if engine == "codebuild":
        return Manifest(engine, codebuild=_settings(template))
    file = template.get("file")
    if not isinstance(file, str):
        raise DocumentError("infrastructure.templates[0].file must name the template file")
    if engine == "terraform":
        _check_terraform(file, files)
        return Manifest(engine, template_file=None if file == "*" else file)
    if file not in files:
        raise DocumentError(f"names the file '{file}', which is not beside the manifest")
    return Manifest(engine, template_file=file)


def _engine(template: Mapping[str, Any]) -> Engine:
    if "engine" in template:
        raise DocumentError("uses the key 'engine' of Proton's preview; write 'rendering_engine'")
    rendering, language = template.get("rendering_engine"), template.get("template_language")
    for (known_rendering, known_language), engine in _ENGINES.items():
        if rendering == known_rendering and language == known_language:
            return engine
    given = f"rendering_engine is {_shown(rendering)}, template_language {_shown(language)}"
    raise DocumentError(f"{given}; known are jinja with cloudformation, hcl with terraform, codebuild alone")


def _settings(template: Mapping[str, Any]) -> dict[str, Any]:
    settings = template.get("settings")
    if not isinstance(settings, dict):
        raise DocumentError("infrastructure.templates[0].settings must be a mapping, with 'provision' in it")
    if "file" in template:
        raise DocumentError("infrastructure.templates[0].file has no meaning with CodeBuild; leave it out")
    for key in ("provision", "deprovision"):
        if key not in settings:
            raise DocumentError(f"settings.{key} is missing; it is the list of commands to run")
    for key, kind in _SETTINGS.items():
        if key in settings and not isinstance(settings[key], kind):
            raise DocumentError(f"settings.{key} must be a {_KINDS[kind]}")
    for key in ("provision", "deprovision"):
        if not all(isinstance(command, str) for command in settings[key]):
            raise DocumentError(f"settings.{key} must hold commands only; put each in quotes")
    if not settings["provision"]:
        raise DocumentError("settings.provision must have at least one command")
    return settings


def _check_terraform(file: str, files: Collection[str]) -> None:
    if file == "*":
        if not any(name.endswith(".tf") for name in files):
            raise DocumentError("names '*', but there is no file that ends with '.tf' beside the manifest")
    elif file not in files or not file.endswith(".tf"):
        raise DocumentError(f"names the file '{file}', which is no '.tf' file beside the manifest")


_KINDS: Mapping[type, str] = {str: "string", list: "list", dict: "mapping"}


def _shown(value: Any) -> str:
    return "not given" if value is None else f"'{str(value)[:50]}'"
