"""Two accounts on the live server, a stack for one resource, and a published template."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_proton_provider.adapters.dynamic import _DynamicProvider
from aws_proton_provider.core import ownership
from proton_server.cli.publish import publish_folder
from tests.bundles import bundle, schema_of
from tests.contract.fake_engine import Stack
from tests.names import ENVIRONMENT_ACCOUNT, MANAGEMENT, REGION, THIRD, unique
from tests.servers import LocalServer

PROFILES = {"management": MANAGEMENT, "environment": ENVIRONMENT_ACCOUNT, "third": THIRD}


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


@pytest.fixture
def stack() -> Callable[..., Stack]:
    """Makes a stack of one resource: `stack(EnvironmentProvider, profile="management")`."""

    def make(kind: type[_DynamicProvider], *, profile: str = "management", **config: str) -> Stack:
        owner = ownership.owner("project", "test", [], uuid.uuid4().hex[:8])
        return Stack(kind, {"region": REGION, "profile": profile, **config}, owner)

    return make


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
