"""The manifest of an environment template bundle: which engine provisions it, from which file or commands.

What the format knows of a template engine is one row, at the end: nothing else here or in ``bundle.py`` names
an engine.

Pure. Archives and paths above ``infrastructure/`` are not known here; the caller names the file. Source: User
Guide, "Wrap up template files for AWS Proton".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from proton_templates.documents import DocumentError, is_template, load_mapping
from proton_templates.rendering import check_template

# The settings of CodeBuild that must have this kind where they are given; others are kept as they are.
_SETTINGS: Mapping[str, type] = {
    "image": str,
    "runtimes": dict,
    "env": dict,
    "provision": list,
    "deprovision": list,
    "project_properties": dict,
}


def _nothing(_template: Mapping[str, Any], _files: Collection[str]) -> tuple[None, None]:
    return None, None


@dataclass(frozen=True)
class Engine:
    """A template engine: its name, and how a manifest asks for it.

    ``rendering_engine`` is None if there is no manifest, but a schema only. ``read_entry`` gets the entry of
    the manifest and the names of the files beside it, and returns the file that the entry names (None: all)
    and its settings. ``check_file`` gets the text and the path of that file. Both raise DocumentError. An
    engine is sent to the process that reads the bundle, so both are functions at the top of a module.
    """

    name: str
    rendering_engine: str | None = None
    template_language: str | None = None
    read_entry: Callable[[Mapping[str, Any], Collection[str]], tuple[str | None, dict[str, Any] | None]] = (
        _nothing
    )
    check_file: Callable[[str, str], None] | None = None


@dataclass(frozen=True)
class Manifest:
    """``template_file`` is the file named, not "*"; ``settings`` are as written."""

    engine: Engine
    template_file: str | None = None
    settings: dict[str, Any] | None = None


def read_manifest(text: str, files: Collection[str], engines: Collection[Engine]) -> Manifest:
    """The manifest in ``text``, checked against the ``files`` beside it (relative paths).

    Raises DocumentError with every fault of the file.
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
    engine = _engine(template, engines)
    return Manifest(engine, *engine.read_entry(template, files))


def _engine(template: Mapping[str, Any], engines: Collection[Engine]) -> Engine:
    if "engine" in template:
        raise DocumentError("uses the key 'engine' of Proton's preview; write 'rendering_engine'")
    rendering, language = template.get("rendering_engine"), template.get("template_language")
    for engine in engines:
        if rendering == engine.rendering_engine and language == engine.template_language:
            return engine
    given = f"rendering_engine is {_shown(rendering)}, template_language {_shown(language)}"
    known = (
        f"{engine.rendering_engine} with {engine.template_language}"
        if engine.template_language
        else f"{engine.rendering_engine} alone"
        for engine in engines
    )
    raise DocumentError(f"{given}; known are {', '.join(known)}")


def _named_file(template: Mapping[str, Any], files: Collection[str]) -> tuple[str, None]:
    file = _file(template)
    if file not in files:
        raise DocumentError(f"names the file '{file}', which is not beside the manifest")
    return file, None


def _terraform_files(template: Mapping[str, Any], files: Collection[str]) -> tuple[str | None, None]:
    file = _file(template)
    if file == "*":
        if not any(name.endswith(".tf") for name in files):
            raise DocumentError("names '*', but there is no file that ends with '.tf' beside the manifest")
        return None, None
    if file not in files or not file.endswith(".tf"):
        raise DocumentError(f"names the file '{file}', which is not a '.tf' file beside the manifest")
    return file, None


def _file(template: Mapping[str, Any]) -> str:
    file = template.get("file")
    if not isinstance(file, str):
        raise DocumentError("infrastructure.templates[0].file must name the template file")
    return file


def _build_settings(template: Mapping[str, Any], _files: Collection[str]) -> tuple[None, dict[str, Any]]:
    settings = template.get("settings")
    if not isinstance(settings, dict):
        raise DocumentError("infrastructure.templates[0].settings must be a mapping, with 'provision' in it")
    faults = [
        f"settings.{key} must be a {_KINDS[kind]}"
        for key, kind in _SETTINGS.items()
        if key in settings and not isinstance(settings[key], kind)
    ]
    if "file" in template:
        faults.append("infrastructure.templates[0].file has no meaning with CodeBuild; leave it out")
    for key in ("provision", "deprovision"):
        commands = settings.get(key)
        if key not in settings:
            faults.append(f"settings.{key} is missing; it is the list of commands to run")
        elif isinstance(commands, list) and not all(isinstance(command, str) for command in commands):
            faults.append(f"settings.{key} must hold commands only; put each in quotes")
    if settings.get("provision") == []:
        faults.append("settings.provision must have at least one command")
    if faults:
        raise DocumentError(*faults)
    return None, settings


def _check_cloudformation(text: str, path: str) -> None:
    """Only the format, as AWS. A Jinja template need not be YAML before it is rendered."""
    if any(opening in text for opening in ("{{", "{%", "{#")):
        check_template(text, file=path)
    elif not is_template(text):
        raise DocumentError("must be a YAML mapping with Resources")


_KINDS: Mapping[type, str] = {str: "string", list: "list", dict: "mapping"}


def _shown(value: Any) -> str:
    return "not given" if value is None else f"'{str(value)[:50]}'"


CLOUDFORMATION = Engine("cloudformation", "jinja", "cloudformation", _named_file, _check_cloudformation)
TERRAFORM = Engine("terraform", "hcl", "terraform", _terraform_files)
CODEBUILD = Engine("codebuild", "codebuild", None, _build_settings)
CUSTOMER_MANAGED = Engine("customer-managed")

ENGINES = (CLOUDFORMATION, TERRAFORM, CODEBUILD)
"""What a manifest may ask for."""
