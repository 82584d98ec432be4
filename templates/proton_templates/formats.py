"""The `format`s of OpenAPI 3.0 that are checked; any other is an annotation, as the specification allows.

A table of our own, because the formats that jsonschema knows depend on what else is installed: a provider and
a server of different installations would disagree.

Source: OpenAPI 3.0.3, "Data Types", and those of JSON Schema that schemas of Proton use.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date

from proton_templates import patterns

_INT32, _INT64 = 1 << 31, 1 << 63
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII | re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def fits_format(value: object, name: str) -> bool:
    """Whether a value has a format. Those of other types than the value's, and unknown ones, always hold."""
    kind, check = _FORMATS.get(name, (object, lambda _: True))
    if isinstance(value, bool) or not isinstance(value, kind):
        return True
    try:
        return bool(check(value))
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    return bool(_DATE.fullmatch(value) and date.fromisoformat(value))


def _is_date_time(value: str) -> bool:
    found = _DATE_TIME.fullmatch(value)
    return bool(found and date.fromisoformat(found[1]))


def _is_base64(value: str) -> bool:
    base64.b64decode(value.encode("ascii"), validate=True)
    return True


def _is_ipv6(value: str) -> bool:
    return not ipaddress.IPv6Address(value).scope_id


def _is_pattern(value: str) -> bool:
    patterns.check(value)
    return True


_FORMATS: Mapping[str, tuple[type, Callable[..., bool]]] = {
    "byte": (str, _is_base64),
    "date": (str, _is_date),
    "date-time": (str, _is_date_time),
    "email": (str, lambda value: "@" in value),
    "int32": (int, lambda value: -_INT32 <= value < _INT32),
    "int64": (int, lambda value: -_INT64 <= value < _INT64),
    "ipv4": (str, lambda value: bool(ipaddress.IPv4Address(value))),
    "ipv6": (str, _is_ipv6),
    "regex": (str, _is_pattern),
    "uuid": (str, lambda value: bool(_UUID.fullmatch(value))),
}
