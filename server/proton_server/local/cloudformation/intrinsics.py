"""CloudFormation's functions, evaluated over a `Scope`.

Pure: what a function needs from outside (a resource's id, another stack's export) is a callable of the scope.
    No knowledge of moto, of resource types or of stacks belongs here.

Source: AWS CloudFormation Template Reference, "Intrinsic function reference" and "Condition functions".
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.scope import Scope


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = _NoValue()
"""What ``{Ref: AWS::NoValue}`` yields: the property, or the list's item, is as if it were not written."""


_MAX_BLOCKS = 256


def evaluate(value: Any, scope: Scope) -> Any:
    """`value` with every function replaced by what it yields; NO_VALUE members are dropped.

    Raises:
        TemplateError: a function is unknown, malformed, or names something that does not exist.

    """
    if isinstance(value, list):
        return [item for item in (evaluate(item, scope) for item in value) if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    name, argument = function_of(value)
    if name is None:
        members = ((key, evaluate(item, scope)) for key, item in value.items())
        return {key: item for key, item in members if item is not NO_VALUE}
    try:
        made = FUNCTIONS[name](argument, scope)
    except TemplateError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise TemplateError(f"Template error: every {name} object must be well-formed ({error})") from None
    if isinstance(made, str | list):
        scope.meter.add(len(as_text(made)))
    return made


def conditions(expressions: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """The value of each condition.

    Raises:
        TemplateError: conditions depend on each other in a circle, or one is malformed.

    """
    found: dict[str, bool] = {}
    open_: set[str] = set()

    def value_of(name: str) -> bool:
        if name not in found:
            if name not in expressions:
                raise TemplateError(f"Template error: unresolved condition dependency {name}")
            if name in open_:
                raise TemplateError(f"Template error: Circular dependency between conditions: [{name}]")
            open_.add(name)
            found[name] = _truth(expressions[name], within)
        return found[name]

    within = replace(scope, condition=value_of)
    try:
        return {name: value_of(name) for name in expressions}
    except RecursionError:
        raise TemplateError("Template error: too many conditions depend on each other in one chain") from None


def function_of(value: Mapping[Any, Any]) -> tuple[str | None, Any]:
    """The function that a one-member mapping is, or (None, None) for plain data."""
    if len(value) != 1:
        return None, None
    ((name, argument),) = value.items()
    if name in FUNCTIONS:
        return name, argument
    if isinstance(name, str) and name.startswith("Fn::"):
        raise TemplateError(
            f"Template error: Encountered unsupported function: {name} "
            f"Supported functions are: [{', '.join(sorted(FUNCTIONS))}]"
        )
    return None, None


def _ref(argument: Any, scope: Scope) -> Any:
    if argument == "AWS::NoValue":
        return NO_VALUE
    return scope.values[argument] if argument in scope.values else scope.reference(argument)


def get_att_parts(argument: Any) -> tuple[str, Any]:
    """The resource and the attribute of Fn::GetAtt, written ``A.B``, ``[A, B]`` or ``[A, B, C]``.

    Raises:
        TemplateError: there are no two parts.

    """
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) < 2 or not isinstance(parts[0], str):
        raise TemplateError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, "
            "the resource name and the resource attribute"
        )
    # [Nested, Outputs, Name] is the same as [Nested, Outputs.Name].
    return parts[0], parts[1] if len(parts) == 2 else ".".join(map(str, parts[1:]))


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, attribute = get_att_parts(argument)
    return scope.attribute(resource, str(evaluate(attribute, scope)))


# A variable of Fn::Sub, with the blanks around its name; ${!Literal} is none. It never looks at a character
# twice, however long the blanks are.
VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]*)\}")


def _sub(argument: Any, scope: Scope) -> str:
    text, variables = argument if isinstance(argument, list) else (argument, {})
    local = evaluate(variables, scope)

    def value_of(match: re.Match[str]) -> str:
        name = match[1].strip()
        resource, dot, attribute = name.partition(".")
        if name in local:
            value = local[name]
        else:
            value = scope.attribute(resource, attribute) if dot else _ref(name, scope)
        text = as_text(value)
        scope.meter.add(len(text))
        return text

    return _LITERAL.sub(r"${\1}", VARIABLE.sub(value_of, text))


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = argument
    texts = [as_text(item) for item in evaluate(items, scope)]
    scope.meter.add(len(str(delimiter)) * len(texts))
    return str(delimiter).join(texts)


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = argument
    return as_text(evaluate(text, scope)).split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = evaluate(argument[0], scope), evaluate(argument[1], scope)
    if not isinstance(items, list) or not 0 <= int(index) < len(items):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second = (as_text(evaluate(part, scope)) for part in argument[:3])
    if name not in scope.mappings:
        raise TemplateError(
            f"Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
        )
    found = scope.mappings[name].get(first, {}).get(second)
    if found is not None:
        return found
    if len(argument) > 3:
        return evaluate(argument[3]["DefaultValue"], scope)
    raise TemplateError(f"Template error: Unable to get mapping for {name}::{first}::{second}")


def _get_azs(argument: Any, scope: Scope) -> list[str]:
    return scope.zones(evaluate(argument, scope) or scope.values["AWS::Region"])


def _import_value(argument: Any, scope: Scope) -> Any:
    return scope.import_value(as_text(evaluate(argument, scope)))


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(as_text(evaluate(argument, scope)).encode()).decode()


def _cidr(argument: Any, scope: Scope) -> list[str]:
    """[block, how many, bits left to each]; the bits default to 8. A subnet keeps `width - bits` bits."""
    block, count, bits = ([*evaluate(argument, scope), 8])[:3]
    if not 1 <= int(count) <= _MAX_BLOCKS:
        raise TemplateError(f"Template error: Fn::Cidr count must be from 1 to {_MAX_BLOCKS}")
    network = ipaddress.ip_network(block)
    subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
    found = [str(subnet) for subnet in itertools.islice(subnets, int(count))]
    if len(found) < int(count):
        raise TemplateError(f"Template error: Fn::Cidr cannot make {count} blocks of {bits} bits in {block}")
    return found


def _length(argument: Any, scope: Scope) -> int:
    return len(evaluate(argument, scope))


def _to_json_string(argument: Any, scope: Scope) -> str:
    return json.dumps(evaluate(argument, scope), separators=(",", ":"))


def _if(argument: Any, scope: Scope) -> Any:
    name, then, otherwise = argument
    return evaluate(then if scope.condition(name) else otherwise, scope)


def _truth(expression: Any, scope: Scope) -> bool:
    """The value of an expression where ``{Condition: name}`` is allowed."""
    if isinstance(expression, dict) and set(expression) == {"Condition"}:
        return scope.condition(as_text(expression["Condition"]))
    return as_text(evaluate(expression, scope)) == "true"


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = (evaluate(side, scope) for side in argument)
    return as_text(left) == as_text(right)


def _not(argument: Any, scope: Scope) -> bool:
    (operand,) = argument
    return not _truth(operand, scope)


def _and(argument: Any, scope: Scope) -> bool:
    return all(_truth(operand, scope) for operand in argument)


def _or(argument: Any, scope: Scope) -> bool:
    return any(_truth(operand, scope) for operand in argument)


def as_text(value: Any) -> str:
    """A scalar as CloudFormation writes it; a list, as Fn::Sub and outputs show it, comma-separated."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Fn::And": _and,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
    "Ref": _ref,
}
"""Every function known here. Fn::Transform and Fn::ForEach need AWS's macros and are refused."""
