"""Resources behind which stands moto: created, updated and deleted through moto's model of their type.

What moto cannot do is logged as a warning, never silent: a creation it crashes on, a change it cannot make in
place, a deletion it does not implement.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.utils import random_suffix
from moto.core.exceptions import ServiceException
from moto.ec2.models.core import TaggedEC2Resource
from werkzeug.exceptions import HTTPException

from proton_server.local.cloudformation.adjustments import adjusted
from proton_server.local.cloudformation.deleters import DELETERS, backend_of
from proton_server.local.cloudformation.errors import ResourceError
from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.names import generated_name
from proton_server.local.cloudformation.schemas import schema_of
from proton_server.local.cloudformation.setters import SETTERS, UPDATES, Setters

_log = logging.getLogger("proton_server.local")

_Properties = Mapping[str, Any]
# Attributes that are the name of their resource, where moto's models forget to say so.
_NAMES = {"TargetGroupName", "LoadBalancerName", "ServiceName"}
# What AWS would refuse, too. Anything else that moto raises is a failure of moto, and says nothing of the
# template.
_REFUSALS = (ServiceException, HTTPException)


def model_of(type_: str) -> Any:
    """Moto's class for a resource type, or None."""
    return parsing.get_model_map().get(type_)


def log_difference(
    logical_id: str, type_: str, location: Location, what: str, crash: BaseException | None = None
) -> None:
    """Log what the local AWS does otherwise than AWS. moto's traceback is for those who debug it."""
    reason = f": moto raised {type(crash).__name__}" if crash else ""
    _log.warning("%s (%s) of stack %s %s%s", logical_id, type_, location.stack_name, what, reason)
    if crash:
        _log.debug("what moto raised", exc_info=crash)


def physical_id(model: Any) -> str | None:
    """What moto knows a resource by, or None."""
    known = getattr(model, "physical_resource_id", None) or getattr(model, "name", None)
    return str(known) if known else None


def attribute(model: Any, name: str) -> Any:
    """What moto knows of an attribute, or None."""
    try:
        value = model.get_cfn_attribute(name)
    except (UnformattedGetAttTemplateException, NotImplementedError, AttributeError, KeyError):
        value = None
    if value is None and name in _NAMES:
        return getattr(model, "name", None)
    return value


def create(logical_id: str, type_: str, properties: _Properties, location: Location) -> Any:
    """Moto's instance of a new resource, or None if moto crashed on it.

    Raises:
        ResourceError: the service refuses the properties.

    """
    model = model_of(type_)
    name_property = model.cloudformation_name_type()
    name = properties.get(name_property) or generated_name(
        type_, name_property, location.stack_name, logical_id, random_suffix()
    )
    schema = schema_of(type_)
    if schema is not None and schema.attribute(name_property) is not None:
        properties = {name_property: name, **properties}
    try:
        made = model.create_from_cloudformation_json(
            name,
            _moto_json(type_, properties, location),
            location.account,
            location.region,
            LogicalId=logical_id,
            StackId=location.stack_id,
            ResourceType=type_,
        )
    except _REFUSALS as error:
        raise _refusal(error, type_) from error
    except Exception as crash:  # noqa: BLE001 - of moto's, whatever it is
        log_difference(logical_id, type_, location, "is a placeholder", crash)
        return None
    try:
        settle(made, logical_id, type_, properties, location)
    except _REFUSALS as error:
        delete(made, logical_id, type_, properties, location)
        raise _refusal(error, type_) from error
    except Exception as crash:  # noqa: BLE001 - of moto's, whatever it is
        log_difference(logical_id, type_, location, "has not all of its settings", crash)
    return made


def update(  # noqa: PLR0913, PLR0917 - what a resource is, and what it was
    model: Any,
    logical_id: str,
    type_: str,
    former: _Properties,
    properties: _Properties,
    location: Location,
) -> Any:
    """Moto's instance after the change from the `former` properties: mostly the same one.

    Raises:
        ResourceError: the service refuses the properties.

    """
    class_ = model_of(type_)
    cannot = hasattr(class_.update_from_cloudformation_json, "__isabstractmethod__")
    if cannot and type_ not in UPDATES:
        if not (isinstance(model, TaggedEC2Resource) and _without_tags(former) == _without_tags(properties)):
            log_difference(
                logical_id, type_, location, "keeps its former settings: moto has no update for the type"
            )
        settle(model, logical_id, type_, properties, location)
        return model
    try:
        changed = None if type_ in UPDATES else _update(class_, model, type_, properties, location)
        settle(changed or model, logical_id, type_, properties, location, UPDATES)
    except _REFUSALS as error:
        raise _refusal(error, type_) from error
    except Exception as crash:  # noqa: BLE001 - of moto's, whatever it is
        log_difference(logical_id, type_, location, "keeps its former settings", crash)
        return model
    return changed or model


def delete(model: Any, logical_id: str, type_: str, properties: _Properties, location: Location) -> None:
    """Delete what moto has; nothing, if it is gone already.

    Raises:
        ResourceError: the service refuses, for instance because something depends on it.

    """
    try:
        if type_ in DELETERS:
            service, action = DELETERS[type_]
            action(backend_of(service, location.account, location.region), model, properties)
        elif hasattr(model, "delete"):
            model.delete(location.account, location.region)
        elif not hasattr(model.delete_from_cloudformation_json, "__isabstractmethod__"):
            model.delete_from_cloudformation_json(
                physical_id(model), _moto_json(type_, properties, location), location.account, location.region
            )
        else:
            log_difference(logical_id, type_, location, "stays: moto has no deletion for the type")
    except _REFUSALS as error:
        if not any(mark in _code(error) for mark in _GONE):
            raise _refusal(error, type_) from error
    except Exception as crash:  # noqa: BLE001 - of moto's, whatever it is
        log_difference(logical_id, type_, location, "may stay", crash)


def settle(  # noqa: PLR0913, PLR0917 - what a resource is, and what to set
    model: Any,
    logical_id: str,
    type_: str,
    properties: _Properties,
    location: Location,
    setters: Setters = SETTERS,
) -> None:
    """Apply what moto's models leave out: the tags of the stack, and the settings of `setters.py`."""
    if isinstance(model, TaggedEC2Resource):
        own = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", []) if isinstance(tag, dict)}
        tags = {
            **location.tags,
            **own,
            "aws:cloudformation:stack-name": location.stack_name,
            "aws:cloudformation:stack-id": location.stack_id,
            "aws:cloudformation:logical-id": logical_id,
        }
        backend_of("ec2", location.account, location.region).create_tags([physical_id(model)], tags)
    if type_ in setters:
        service, action = setters[type_]
        action(backend_of(service, location.account, location.region), model, properties)


# In the codes of errors that say the thing to delete is not there.
_GONE = ("NotFound", "NoSuch", "NonExistentQueue", "DoesNotExist")


def _update(class_: Any, model: Any, type_: str, properties: _Properties, location: Location) -> Any:
    name = getattr(model, "name", None)
    return class_.update_from_cloudformation_json(
        original_resource=model,
        new_resource_name=properties.get(class_.cloudformation_name_type())
        or (name if isinstance(name, str) else physical_id(model)),
        cloudformation_json=_moto_json(type_, properties, location),
        account_id=location.account,
        region_name=location.region,
    )


def _moto_json(type_: str, properties: _Properties, location: Location) -> dict[str, Any]:
    return {"Type": type_, "Properties": adjusted(type_, properties, location)}


def _without_tags(properties: _Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _code(error: Exception) -> str:
    return str(getattr(error, "error_type", None) or getattr(error, "code", ""))


def _refusal(error: Exception, type_: str) -> ResourceError:
    message = getattr(error, "message", None) or getattr(error, "description", None) or str(error)
    service = type_.split("::")[1]
    return ResourceError(
        f'Resource handler returned message: "{message} (Service: {service}, Error Code: {_code(error)})"'
    )
