"""The CloudFormation template of an environment, rendered and checked before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proton_server.provisioning.cloudformation.template_buckets import check_size
from proton_server.provisioning.errors import ProvisioningError
from proton_templates.documents import DocumentError, is_template
from proton_templates.rendering import RenderError, render_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from proton_server.provisioning import Place, Work
    from proton_templates.bundle import Bundle


def rendered_template(bundle: Bundle, inputs: Mapping[str, Any], place: Place) -> dict[str, bytes]:
    """The file of the template, rendered with complete inputs.

    Raises RenderError, also where YAML does not come out, and ProvisioningError.
    """
    file = str(bundle.template_file)
    text = render_template(bundle.files[file].decode("utf-8-sig"), place.name, inputs, file=file)
    _check_text(text)
    try:
        if not is_template(text):
            raise RenderError(
                f"{file}: the rendered template must be a mapping with Resources, in YAML or JSON."
            )
    except DocumentError as fault:
        raise RenderError(f"{file}: the rendered template: {fault}.") from None
    return {file: text.encode()}


def template_of_work(work: Work) -> str:
    """The rendered template. Raises RenderError and ProvisioningError."""
    bundle = work.read_bundle()
    text = bundle.files[str(bundle.template_file)].decode("utf-8-sig")
    rendered: str = work.render("Rendering the template", render_template, text, work.environment["name"])
    _check_text(rendered)
    return rendered


def _check_text(rendered: str) -> None:
    if not rendered.strip():
        raise ProvisioningError("The rendered template is empty.")
    check_size(len(rendered.encode()))
