"""A stand-in for a resource that moto does not model: it has an id and attributes, and nothing behind them.

Pure. Ids are derived from the stack's *name*, so a stack that is deployed again gets the same ids; a
replacement takes the next generation, so that what refers to it is updated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from proton_server.local.cloudformation.location import Location
from proton_server.local.cloudformation.schemas import ResourceSchema


class Placeholder:
    """A resource by name only.

    Args:
        generation: 0 for the first physical resource of a logical id, one more for each replacement.

    """

    def __init__(
        self,
        type_: str,
        logical_id: str,
        location: Location,
        schema: ResourceSchema | None,
        generation: int = 0,
    ) -> None:
        self.type = type_
        self.generation = generation
        self._logical_id = logical_id
        self._place = location
        self._schema = schema
        seed = (
            location.stack_name,
            location.account,
            location.region,
            logical_id,
            *([str(generation)] if generation else []),
        )
        self._digest = hashlib.sha256("|".join(seed).encode()).hexdigest()

    def physical_id(self, properties: Mapping[str, Any]) -> str:
        """What Ref yields: the type's primary identifier, as far as the schema says."""
        identifier = self._schema.identifier if self._schema else ()
        names = _REF.get(self.type) or _last_only(self.type, identifier) or identifier
        return "|".join(str(self.attribute(name, properties)) for name in names) or self._name(properties)

    def attribute(self, name: str, properties: Mapping[str, Any]) -> Any:
        """What Fn::GetAtt yields: the property of that name, or a value of the right shape."""
        if name in properties:
            return properties[name]
        schema = (self._schema.attribute(name) if self._schema else None) or {}
        kind = schema.get("type", "string")
        if kind == "array":
            # Templates select by index: a directory's second DNS address, a network's third subnet.
            text = self._text(name, properties)
            return [text, *(f"{text}-{number}" if _OPAQUE.search(text) else text for number in (2, 3))]
        if kind == "object":
            return {
                part: self.attribute(f"{name}.{part}", properties) for part in schema.get("properties", ())
            }
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return 443 if name.endswith("Port") else 1
        return self._text(name, properties)

    def _text(self, name: str, properties: Mapping[str, Any]) -> str:
        last = name.rsplit(".", 1)[-1]
        exact = _EXACT.get((self.type, name))
        shape = exact or next(template for pattern, template in _SHAPES if re.search(pattern, last))
        return shape.format(
            account=self._place.account,
            arn=self._arn(properties),
            digest=self._digest[:17],
            host=f"{self._digest[:12]}.{self._service}.{self._place.region}.amazonaws.com",
            name=self._name(properties),
            prefix=re.sub("[^a-z]", "", self._kind.lower())[:3],
            region=self._place.region,
            last=last,
        )

    def _arn(self, properties: Mapping[str, Any]) -> str:
        location = self._place
        name = f"{self._kind.lower()}/{self._name(properties)}"
        return f"arn:{location.partition}:{self._service}:{location.region}:{location.account}:{name}"

    def _name(self, properties: Mapping[str, Any]) -> str:
        given = properties.get("Name") or properties.get(f"{self._kind}Name")
        generated = f"{self._place.stack_name}-{self._logical_id}-{self._digest[:12].upper()}"
        return given if isinstance(given, str) else generated

    @property
    def _service(self) -> str:
        return self._schema.service if self._schema else self.type.split("::")[1].lower()

    @property
    def _kind(self) -> str:
        return self.type.rsplit("::", 1)[-1]


# What can be distinguished by a suffix; an address or a range cannot.
_OPAQUE = re.compile(r"[A-Za-z]{3}|-")

# Last part of an attribute's name -> a value of its shape; the first that matches.
_SHAPES = (
    (r"A(rn|RN)s?$", "{arn}"),
    (r"Account(Id)?$", "{account}"),
    (r"Region$", "{region}"),
    (r"(HostedZone|Zone)Id$", "Z{digest}"),
    (r"I(d|D)s?$", "{prefix}-{digest}"),
    (r"(Domain|DNS|Dns|Host)Name$", "{host}"),
    (r"Name$", "{name}"),
    (r"(Url|URL|Uri|URI)$", "https://{host}"),
    (r"Issuer$", "https://{host}"),
    (r"(Endpoint|Address|Host|Domain)$", "{host}"),
    (r"Port$", "443"),
    (r"(Status|State)$", "ACTIVE"),
    (r"(Time|Date|At|Timestamp)$", "2026-01-01T00:00:00Z"),
    (r"Version(Number)?$", "1"),
    (r"Ip(v4)?$|Ip(Address|Addresses|Addrs)$", "192.0.2.1"),
    (r"(Ipv6|IPv6)CidrBlocks?$", "2001:db8:1234:1a00::/56"),
    (r"CidrBlocks?$", "192.0.2.0/24"),
    (r"", "{name}-{last}"),
)

# Attributes that do not look like their name ("Return values" on each type's page).
_EXACT: Mapping[tuple[str, str], str] = {
    ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): "https://{host}",
    ("AWS::AppRunner::Service", "ServiceUrl"): "{host}",
    ("AWS::CloudFormation::WaitConditionHandle", "Id"): "https://{host}/{digest}",
    ("AWS::Cognito::UserPool", "UserPoolId"): "{region}_{digest}",
    ("AWS::EKS::Cluster", "Endpoint"): "https://{host}",
    ("AWS::SecretsManager::Secret", "Id"): "{arn}",
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", "Id"): "ns-{digest}",
}
# Types whose Ref is not their primary identifier ("Return values" on each type's page).
_REF: Mapping[str, tuple[str, ...]] = {
    "AWS::CodeBuild::Project": ("Name",),
    "AWS::EC2::TransitGatewayRoute": ("TransitGatewayRouteTableId",),
    "AWS::Serverless::Api": ("RestApiId",),
    "AWS::Serverless::Function": ("FunctionName",),
}
# Services whose Ref is the last part of a compound identifier: a route's id, not "api|route".
_REF_IS_LAST = ("AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Cognito::", "AWS::AppConfig::")


def _last_only(type_: str, identifier: tuple[str, ...]) -> tuple[str, ...]:
    return identifier[-1:] if type_.startswith(_REF_IS_LAST) else ()
