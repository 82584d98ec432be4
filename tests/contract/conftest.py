"""Two accounts on the live server, a stack for one resource, and a published template."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.adapters.messages import connect
from proton_server.cli.publish import publish_folder
from tests.bundles import bundle, schema_of
from tests.contract.adapters import Adapter
from tests.contract.dynamic_adapter import DynamicAdapter
from tests.contract.engine_log import EngineLog, listening
from tests.contract.fake_engine import Stack
from tests.contract.plugin_adapter import PluginAdapter
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, MANAGEMENT, REGION, THIRD, unique
from tests.servers import LocalServer

PROFILES = {
    "management": MANAGEMENT,
    "environment": ENVIRONMENT_ACCOUNT,
    "third": THIRD,
    "local": ACCOUNT,
}


@pytest.fixture(scope="package", autouse=True)
def _accounts(proton_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A profile for each account, and the server in the place of all of AWS."""
    credentials: Path = tmp_path_factory.mktemp("aws") / "credentials"
    credentials.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {account}\naws_secret_access_key = local\n"
            for name, account in PROFILES.items()
        )
    )
    ours = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_ENDPOINT_URL": proton_server.url}
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="package")
def _engine() -> Iterator[EngineLog]:
    """Pulumi's engine, for what providers say to it; the dynamic one finds it in its last argument."""
    with listening() as log:
        arguments = sys.argv
        sys.argv = [*arguments, log.address]
        connect.cache_clear()
        yield log
        sys.argv = arguments
        connect.cache_clear()


@pytest.fixture
def engine(_engine: EngineLog) -> EngineLog:
    """What this test's providers have said to the engine."""
    _engine.clear()
    return _engine


@pytest.fixture
def warnings(engine: EngineLog) -> list[str]:
    """The warnings that were shown."""
    return engine.warnings


@pytest.fixture(params=["dynamic", "plugin"])
def adapter(request: pytest.FixtureRequest) -> str:
    """Each test runs over both adapters; where it is about one, it names that by `parametrize`."""
    name: str = request.param
    return name


@pytest.fixture
def stack(adapter: str, engine: EngineLog) -> Iterator[Callable[..., Stack]]:
    """Makes a stack of one resource: `stack("Environment", profile="management")`."""
    made: list[Adapter] = []

    def make(kind: str, *, adapter: str = adapter, profile: str = "management", **config: Any) -> Stack:
        name, settings = uuid.uuid4().hex[:8], {"region": REGION, "profile": profile, **config}

        def process(adapter: str = adapter) -> Adapter:
            made.append(
                PluginAdapter(kind, name, settings, engine.address)
                if adapter == "plugin"
                else DynamicAdapter(kind, name, settings)
            )
            return made[-1]

        return Stack(process)

    yield make
    for process in made:
        process.stop()


SCHEMA = schema_of(
    title={"type": "string", "default": "news", "pattern": "^[a-z]+$"},
    fails={"type": "boolean", "default": False},
)
TEMPLATE = """
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: "{{ environment.inputs.title }}"
{% if environment.inputs.fails %}
  Broken: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Nothing.Arn}}
{% endif %}
Outputs:
  Title: {Value: "{{ environment.inputs.title }}"}
"""


@pytest.fixture(scope="session")
def template(proton_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template of the management account with versions 1.0, 1.1 and 2.0, all published."""
    folder = bundle(tmp_path_factory.mktemp("bundle") / "b", schema=SCHEMA, template=TEMPLATE)
    name = unique("template")
    session = proton_server.session(MANAGEMENT)
    for version, major in enumerate((None, "1", None)):
        (folder / "infrastructure/cloudformation.yaml").write_text(
            f"{TEMPLATE}  Version: {{Value: v{version}}}\n"
        )
        publish_folder(folder, name, session=session, endpoint_url=proton_server.url, major_version=major)
    return name


@pytest.fixture
def proton(proton_server: LocalServer) -> Any:
    """The management account, as any AWS client sees it."""
    return proton_server.client("proton", MANAGEMENT)
