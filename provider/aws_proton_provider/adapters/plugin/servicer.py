"""Pulumi's provider protocol: messages in, the resource's method, messages out.

Nothing of a resource is known here. The methods' documentation is Pulumi's (proto/pulumi/provider.proto).
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Iterator
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

from aws_proton_provider.adapters.messages import connect
from aws_proton_provider.adapters.plugin import package, settings
from aws_proton_provider.adapters.plugin.failures import Kept, answering
from aws_proton_provider.adapters.plugin.paths import property_diff, property_path
from aws_proton_provider.adapters.plugin.wire import SecretPath, decode, encode
from aws_proton_provider.aws.configuration import Configuration, InvalidConfiguration
from aws_proton_provider.aws.operation import Operation, Verb
from aws_proton_provider.core.declaration import Kind
from aws_proton_provider.core.errors import InvalidInput
from aws_proton_provider.core.facts import HIDDEN, IMPORTED, NAME, program_facts, secret_paths
from aws_proton_provider.core.values import State, has_unknown
from aws_proton_provider.resources.lifecycle import CustomResource, repeating_a_secret
from aws_proton_provider.resources.provider import RESOURCE_OF, Provider

_Mode = messages.CheckRequest.AutonamingOptions.Mode


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The resources behind Pulumi's provider protocol, for one provider resource of a program.

    Methods are called in as many threads as the engine has operations; an operation that waits sleeps.
    """

    def __init__(self, engine_address: str) -> None:
        self._engine = connect(engine_address)
        self._provider = Provider(Configuration(), complete=False)
        self._secret_settings: list[SecretPath] = []
        self._interrupted = threading.Event()

    def Handshake(self, request: Any, _: Any) -> Any:
        """What both sides understand."""
        self._engine = connect(request.engine_address)
        return messages.ProviderHandshakeResponse(
            accept_secrets=True, accept_outputs=False, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, _: Any) -> Any:
        """The engine that uses a plugin which was started by hand (PULUMI_DEBUG_PROVIDERS)."""
        self._engine = connect(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, _: Any, __: Any) -> Any:
        """The plugin's version."""
        return plugin_pb2.PluginInfo(version=package.version())

    def GetSchema(self, _: Any, __: Any) -> Any:
        """The package's schema."""
        return messages.GetSchemaResponse(schema=json.dumps(package.schema()))

    def GetMapping(self, _: Any, __: Any) -> Any:
        """There is no provider of another tool (Terraform) to convert programs from."""
        return messages.GetMappingResponse()

    def GetMappings(self, _: Any, __: Any) -> Any:
        """As GetMapping."""
        return messages.GetMappingsResponse()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Whether the inputs of the provider resource are valid."""
        with answering(context, self._engine, request.urn):
            news, secrets = decode(request.news)
            failures = []
            try:
                settings.configuration_of(news)
            except InvalidConfiguration as fault:
                reason = fault.in_stack() if settings.is_default(request.urn) else str(fault)
                failures = [messages.CheckFailure(property="", reason=reason)]
            return messages.CheckResponse(inputs=encode(news, secrets), failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Whether another provider resource means other objects, so that each has to be made anew."""
        with answering(context, self._engine, request.urn):
            old, new = (decode(each)[0] for each in (request.old_inputs, request.news))
            replaces = settings.replacing(old, new)
            changed = replaces or settings.settings_in(old) != settings.settings_in(new)
            changes = messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE
            return messages.DiffResponse(changes=changes, replaces=replaces, diffs=replaces)

    def Configure(self, request: Any, context: Any) -> Any:
        """Takes the settings of the provider resource. A command has its own; nothing is left of the last."""
        with answering(context, self._engine, request.urn):
            args, self._secret_settings = decode(request.args)
            complete = not has_unknown(args)
            self._interrupted = threading.Event()
            self._provider = Provider(settings.configuration_of(args), complete=complete)
            return messages.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

    def Check(self, request: Any, context: Any) -> Any:
        """The inputs in normal form, and what is wrong with them."""
        with answering(context, self._engine, request.urn):
            resource = _resource(request.urn)
            (olds, _), (news, secrets) = decode(request.olds), decode(request.news)
            if ["defaultTags"] in [path[:1] for path in self._secret_settings]:
                secrets.append(["tags"])
            facts = program_facts(request.urn, secrets) | _proposed_name(request)
            checked = self._provider.check(resource, olds, _given(news) | facts)
            for warning in checked.warnings:
                self._engine.warn(request.urn, warning)
            # A failure that names its property makes Pulumi print the property's whole value.
            failures = [messages.CheckFailure(property="", reason=item.sentence) for item in checked.failures]
            return messages.CheckResponse(inputs=_sent(resource, checked.inputs), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        """The difference between the state and the inputs, place by place."""
        with answering(context, self._engine, request.urn):
            resource, (news, _) = _resource(request.urn), decode(request.news)
            state = _state(resource, request)
            found = self._provider.diff(resource, state, news)
            paths = self._provider.paths(resource, state, news, found)
            outputs = () if found.replaces else resource.of_kind(Kind.OUTPUT)
            return messages.DiffResponse(
                changes=messages.DiffResponse.DIFF_SOME if found.changed else messages.DiffResponse.DIFF_NONE,
                replaces=found.replaces,
                stables=(item.wire for item in outputs if item.stable),
                deleteBeforeReplace=found.delete_before_replace,
                diffs=dict.fromkeys(str(change.path[0]) for change in paths),
                detailedDiff={property_path(change.path): property_diff(change) for change in paths},
                hasDetailedDiff=bool(paths),
            )

    def Create(self, request: Any, context: Any) -> Any:
        """Makes the object; in a preview, what is known of it."""
        if request.preview:
            with answering(context, self._engine, request.urn):
                inputs, _ = decode(request.properties)
                return messages.CreateResponse(properties=_sent(_resource(request.urn), inputs))
        with self._operation(request, context, "create", request.properties) as (resource, inputs, operation):
            made = self._provider.create(resource, inputs, operation)
            for warning in made.warnings:
                self._engine.warn(request.urn, warning)
            return messages.CreateResponse(id=made.identifier, properties=_sent(resource, made.state))

    def Read(self, request: Any, context: Any) -> Any:
        """The object as AWS has it; without an id where it does not exist any more."""
        with self._operation(request, context, "read", request.properties) as (resource, state, operation):
            found = self._provider.read(resource, request.id, state, operation)
            if found is None:
                return messages.ReadResponse()
            properties, inputs = (_sent(resource, each) for each in found)
            return messages.ReadResponse(id=request.id, properties=properties, inputs=inputs)

    def Update(self, request: Any, context: Any) -> Any:
        """Makes the object as the inputs want it; in a preview, what is known of it."""
        if request.preview:
            with answering(context, self._engine, request.urn):
                resource, (inputs, _) = _resource(request.urn), decode(request.news)
                known = resource.preview_update(_state(resource, request), inputs)
                return messages.UpdateResponse(properties=_sent(resource, known))
        with self._operation(request, context, "update", request.news) as (resource, inputs, operation):
            state = _state(resource, request)
            made = self._provider.update(resource, request.id, state, inputs, operation)
            return messages.UpdateResponse(properties=_sent(resource, made))

    def Delete(self, request: Any, context: Any) -> Any:
        """Removes the object."""
        with self._operation(request, context, "delete", request.properties) as (resource, state, operation):
            for warning in self._provider.delete(resource, request.id, state, operation):
                self._engine.warn(request.urn, warning)
            return empty_pb2.Empty()

    def List(self, request: Any, context: Any) -> Iterator[Any]:
        """The ids and names of a resource's objects that exist, for `pulumi do … list`."""
        with answering(context, self._engine, ""):
            resource, (query, _) = _resource_of_type(request.token), decode(request.query)
            operation = self._provider.operation("read", query)
            for count, (identifier, name) in enumerate(resource.existing(query, operation.proton), start=1):
                yield messages.ListResponse(result=messages.ListResponse.Result(id=identifier, name=name))
                if count == request.limit:
                    return

    def Invoke(self, request: Any, context: Any) -> Any:
        """What a function answers."""
        with answering(context, self._engine, ""):
            found = self._provider.invoke(_name_in(request.tok), decode(request.args)[0])
            response = messages.InvokeResponse()
            getattr(response, "return").CopyFrom(encode(found))
            return response

    def Cancel(self, _: Any, __: Any) -> Any:
        """Ends all waits: the user has interrupted Pulumi, or Pulumi ends."""
        self._interrupted.set()
        return empty_pb2.Empty()

    @contextlib.contextmanager
    def _operation(
        self, request: Any, context: Any, verb: Verb, properties: struct_pb2.Struct
    ) -> Iterator[tuple[type[CustomResource], State, Operation]]:
        """The resource, its properties, and an operation on it whose errors are answered."""
        urn, log = request.urn, self._engine
        with answering(context, log, urn) as answer:
            resource, (known, _) = _resource(urn), decode(properties)
            operation = self._provider.operation(
                verb,
                known,
                limit=getattr(request, "timeout", 0) or None,
                keeps_failed=True,
                status=functools.partial(log.status, urn),
                interrupted=self._interrupted,
            )

            def kept(error: Exception) -> Kept | None:
                left = self._provider.kept(resource, error, operation)
                return left and (left[0], _sent(resource, left[1]))

            answer.kept = kept
            yield resource, known, operation


def _resource(urn: str) -> type[CustomResource]:
    """The resource of a URN, by the type that it ends with."""
    return _resource_of_type(urn.split("::", 3)[2].rpartition("$")[2])


def _resource_of_type(token: str) -> type[CustomResource]:
    name = _name_in(token)
    if name not in RESOURCE_OF:
        raise InvalidInput(f"the package aws-proton has no resource {token}: it has {', '.join(RESOURCE_OF)}")
    return RESOURCE_OF[name]


def _name_in(token: str) -> str:
    """The last part of a token: `Environment` of `aws-proton:index:Environment`."""
    return token.rpartition(":")[2]


def _given(news: State) -> State:
    """The properties that a program gives: what is hidden, the adapter itself says anew (`facts.py`)."""
    return {wire: value for wire, value in news.items() if not wire.startswith(HIDDEN)}


def _proposed_name(request: Any) -> State:
    """The name for a resource without one, as the stack's `pulumi:autonaming` says to make it."""
    if not request.HasField("autonaming"):
        return {}
    none = request.autonaming.mode == _Mode.DISABLE
    return {NAME: None if none else request.autonaming.proposed_name}


def _state(resource: type[CustomResource], request: Any) -> State:
    """The state as the core has it: Pulumi's outputs, and of an imported object the settings it was given."""
    state, _ = decode(request.olds)
    if IMPORTED not in state:
        return state
    inputs, _ = decode(request.old_inputs)
    settings_ = [item.wire for item in resource.of_kind(Kind.SETTING)]
    return {wire: inputs[wire] for wire in settings_ if wire in inputs} | state


def _sent(resource: type[CustomResource], state: State) -> struct_pb2.Struct:
    """A state or inputs, with secrets marked, and what may repeat one."""
    repeating = ([wire] for wire in repeating_a_secret(resource, state))
    return encode(state, [*secret_paths(state), *repeating])
