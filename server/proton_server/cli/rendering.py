"""What a deployment would make of a bundle and a spec: the files that are rendered, by path. Pure."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

from proton_server.provisioning.buildspec import (
    DEPROVISION_FILE,
    INPUTS_FILE,
    PROVISION_FILE,
    read_recipe,
    source_zip,
)
from proton_server.provisioning.terraform_files import Subject, files_to_deploy, folder_of
from proton_templates.documents import DocumentError, is_mapping
from proton_templates.rendering import RenderError, render_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proton_templates.bundle import Bundle


class Place(NamedTuple):
    """Stands in for the environment that there is not yet."""

    name: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Of the environment."""
        return f"arn:aws:proton:{self.region}:{self.account}:environment/{self.name}"


def rendered_files(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    """The files that provisioning is given; none for a customer-managed template.

    Args:
        bundle: as `read_bundle` returns it.
        inputs: complete, as `examine_text` returns them.
        place: the environment.

    Raises RenderError.

    """
    return _RENDERERS[bundle.engine](bundle, inputs, place)


def _cloudformation(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    file = str(bundle.template_file)
    text = render_template(bundle.files[file].decode("utf-8-sig"), place.name, inputs, file=file)
    try:
        if not is_mapping(text):
            raise RenderError(f"{file}: the rendered template must be a YAML mapping with Resources.")
    except DocumentError as fault:
        raise RenderError(f"{file}: the rendered template: {fault}.") from None
    return {file: text.encode()}


def _codebuild(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    recipe = read_recipe(bundle.codebuild or {}, place.name, inputs)
    with zipfile.ZipFile(io.BytesIO(source_zip({}, recipe, place.name, inputs))) as source:
        return {name: source.read(name) for name in (PROVISION_FILE, DEPROVISION_FILE, INPUTS_FILE)}


def _terraform(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    template = f"arn:aws:proton:{place.region}:{place.account}:environment-template/template"
    subject = Subject(place.name, place.arn, template, ("1", "0"), "00000000-0000-0000-0000-000000000000")
    files = files_to_deploy(subject, bundle, inputs, {})
    return {f"{folder_of(place.name, [])}/{path}": content for path, content in files.items()}


def _customer_managed(_bundle: Bundle, _inputs: Mapping[str, Any], _place: Place) -> dict[str, bytes]:
    return {}


_RENDERERS: Mapping[str, Callable[[Bundle, Mapping[str, Any], Place], dict[str, bytes]]] = {
    "cloudformation": _cloudformation,
    "codebuild": _codebuild,
    "customer-managed": _customer_managed,
    "terraform": _terraform,
}
