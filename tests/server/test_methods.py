"""A provisioning method is one row of one table: a row that a test adds works through the API."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config

import proton_server
import proton_templates
from proton_server.api.app import Proton
from proton_server.api.asgi import Operators, asgi_app
from proton_server.api.authentication import AnyCredentials
from proton_server.api.exchange import Exchange
from proton_server.api.health import Health
from proton_server.engine import reconciler
from proton_server.engine.deployments import DeploymentHandler
from proton_server.engine.evaluation import Evaluator
from proton_server.engine.reconciler import Reconciler
from proton_server.engine.registrations import RegistrationHandler
from proton_server.operations.call import Capabilities
from proton_server.persistence.store import Store
from proton_server.provisioning import Progress, State, Work
from proton_server.provisioning.aws import Aws
from proton_server.provisioning.cloudformation.stacks import Stacks
from proton_server.provisioning.git_hosting.configuration import hostings
from proton_server.provisioning.methods import (
    METHODS,
    REPOSITORY,
    Method,
    Outside,
    by_engine,
    manifest_engines,
)
from proton_templates.bundle import pack
from proton_templates.manifest import CLOUDFORMATION, CODEBUILD, CUSTOMER_MANAGED, TERRAFORM, Engine
from tests.bundles import bundle
from tests.names import ACCOUNT, REGION, role
from tests.refusals import refused
from tests.server.environments import create
from tests.waiting import ended, gone, registered

ROLE = role(ACCOUNT, "component")
MANIFEST = """
infrastructure:
  templates:
    - {file: cloudformation.yaml, rendering_engine: paper, template_language: prose}
"""


class Postcard:
    """Writes down what it was asked for, and is done when it is notified."""

    def start(self, work: Work) -> Progress:
        return Progress(State.WAITING, f"Waiting for a reply to {work.role}.")

    def observe(self, work: Work) -> Progress:
        if "status" not in work.notified:
            return self.start(work)
        outputs = [{"key": "Text", "valueString": work.read_bundle().files["cloudformation.yaml"].decode()}]
        return Progress(State.SUCCEEDED, outputs=outputs)

    cancel = observe

    def remove(self, work: Work) -> Progress:
        return Progress(State.SUCCEEDED)

    observe_removal = remove


POSTCARD = Method(
    Engine("postcard", "paper", "prose", CLOUDFORMATION.read_entry),
    "provisioning by post",
    lambda _outside: Postcard(),
    needs="componentRoleArn",
    refuses=(REPOSITORY,),
    notifies=True,
)
"""The row."""


@pytest.fixture
def proton(evaluate: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a server with one more method, whose bundles are read from a folder.

    For an hour its reconcilers look for nothing by themselves: each request has to wake them.
    """
    monkeypatch.setattr(reconciler, "_IDLE_SECONDS", 3600)
    methods = METHODS | by_engine(POSTCARD)
    store, hosting = Store(str(tmp_path / "state.sqlite3")), hostings({})
    tarball = pack(bundle(tmp_path / "bundle", template="Dear AWS", manifest=MANIFEST))
    reconcilers: list[Reconciler[Any]] = [
        Reconciler(store, handler, lease=3 * 3600)
        for handler in (
            DeploymentHandler(store, methods, Outside(Aws(), hosting), evaluate),
            RegistrationHandler(store, lambda *_: tarball, evaluate, manifest_engines(methods)),
        )
    ]

    def wake(_operation: str) -> None:
        for each in reconcilers:
            each.wake()

    application = Proton(
        store, AnyCredentials(lambda key: key), Capabilities(methods, hosting, Stacks(Aws())), evaluate, wake
    )
    listener = create_server(("127.0.0.1", 0))
    app = asgi_app(application, Operators(Health(lambda: False)), lifespan=None, exchange=Exchange())  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],))
    for part in (*reconcilers, thread):
        part.start()
    yield boto3.client(
        "proton",
        endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )
    server.should_exit = True
    thread.join()
    for each in reconcilers:
        each.stop()
    store.close()


def test_a_method_that_is_one_more_row_registers_deploys_is_notified_and_deletes(proton: Any) -> None:
    proton.create_environment_template(name="post")
    source = {"s3": {"bucket": "any", "key": "any"}}
    version = proton.create_environment_template_version(templateName="post", source=source)
    record = registered(proton, version["environmentTemplateVersion"])
    assert record["status"] == "DRAFT", record
    proton.update_environment_template_version(
        templateName="post", majorVersion="1", minorVersion="0", status="PUBLISHED"
    )
    with refused(
        "ValidationException",
        "Environment template post 1.0 uses provisioning by post, which needs componentRoleArn or "
        "environmentAccountConnectionId.",
    ):
        create(proton, "post", protonServiceRoleArn=None)

    environment = create(proton, "post", protonServiceRoleArn=None, componentRoleArn=ROLE)
    proton.notify_resource_deployment_status_change(resourceArn=environment["arn"], status="SUCCEEDED")

    name = environment["name"]
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    outputs = proton.list_environment_outputs(environmentName=name)["outputs"]
    assert outputs == [{"key": "Text", "valueString": "Dear AWS"}]
    proton.delete_environment(name=name)
    gone(proton, name)


@pytest.mark.parametrize("engine", [CLOUDFORMATION, TERRAFORM, CODEBUILD, CUSTOMER_MANAGED])
def test_the_name_of_an_engine_stands_on_one_line(engine: Engine) -> None:
    found = {
        (path.name, node.lineno)
        for package in (proton_server, proton_templates)
        for path in Path(str(package.__file__)).parent.rglob("*.py")
        if "local" not in path.parts
        for node in _strings(ast.parse(path.read_text()))
        if node.value == engine.name
    }

    assert [name for name, _ in found] == ["manifest.py"]


def _strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """The strings in a module, but for the names of AWS's services, which may be the same."""
    services = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in services:
            yield node
