"""What becomes of deployments when AWS or the way to it fails, and when the server dies at a call.

AWS is the one of the session, with a proxy before it; the server is one of this module's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle, spec
from tests.fault_proxy import Answer, CutOff, FaultProxy, refusal
from tests.names import unique
from tests.server.environments import create, stack_status
from tests.servers import ServedBesideAws, publisher
from tests.waiting import ended, eventually, gone


@pytest.fixture(scope="module")
def server(
    slow: ServedBesideAws, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    """A server without credentials at first, on whose AWS stack operations take two seconds."""
    folder = tmp_path_factory.mktemp("troubled")
    server = ServedBesideAws(folder, aws=slow.aws, aws_url=proxy.url, credentials_file=folder / "credentials")
    server.start()
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def _healed(proxy: FaultProxy) -> Iterator[None]:
    yield
    proxy.heal()


@pytest.fixture(scope="module")
def proton(server: ServedBesideAws) -> Any:
    return server.client("proton")


@pytest.fixture(scope="module")
def template(server: ServedBesideAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template, registered while the server has its credentials."""
    write_credentials(server)
    return publisher(server)(bundle(tmp_path_factory.mktemp("b") / "b"))


def write_credentials(server: ServedBesideAws) -> None:
    assert server.credentials_file is not None
    text = "[default]\naws_access_key_id = 123456789012\naws_secret_access_key = local\n"
    server.credentials_file.write_text(text)


def message(proton: Any, name: str) -> str:
    told: str = proton.get_environment(name=name)["environment"].get("deploymentStatusMessage", "")
    return told


def killing(server: ServedBesideAws, wanted: str) -> Callable[[str], Answer | None]:
    """A hook that kills the server at an action, and lets AWS know nothing of it."""

    def hook(action: str) -> Answer | None:
        if action == wanted and server.process is not None:
            server.kill()
            raise CutOff
        return None

    return hook


def killed_and_started(server: ServedBesideAws, proxy: FaultProxy) -> None:
    eventually(lambda: server.process is None)
    proxy.before = proxy.after = lambda _: None
    server.start()


# First of all: the server has no credentials yet.
def test_a_server_without_credentials_says_so_and_goes_on_when_there_are_some(
    server: ServedBesideAws, proton: Any, tmp_path: Path
) -> None:
    eventually(lambda: "No AWS credentials were found: set AWS_ACCESS_KEY_ID" in server.log.read_text())
    name = unique("template")
    proton.create_environment_template(name=name)
    source = {"bucket": unique("bucket"), "key": "b.tar.gz"}
    version = proton.create_environment_template_version(templateName=name, source={"s3": source})
    key = {"templateName": name, "majorVersion": "1", "minorVersion": "0"}

    def record() -> dict[str, Any]:
        found: dict[str, Any] = proton.get_environment_template_version(**key)["environmentTemplateVersion"]
        return found

    waiting = "Waiting for AWS: the server has no AWS credentials."
    eventually(lambda: record().get("statusMessage") == waiting)
    assert record()["status"] == version["environmentTemplateVersion"]["status"] == "REGISTRATION_IN_PROGRESS"
    write_credentials(server)
    eventually(lambda: record()["status"] == "REGISTRATION_FAILED")
    assert "cannot be read" in record()["statusMessage"]


@pytest.mark.parametrize(
    ("action", "code", "status"),
    [("AssumeRole", "ExpiredToken", 403), ("CreateStack", "Throttling", 400), ("CreateStack", "Down", 503)],
)
def test_a_deployment_waits_for_what_passes_and_says_for_what(
    action: str, code: str, status: int, proxy: FaultProxy, proton: Any, template: str
) -> None:
    proxy.before = lambda met: refusal(status, code) if met == action else None
    # A role of its own, for the session of one that was assumed before is still good.
    name = create(proton, template, protonServiceRoleArn=f"arn:aws:iam::123456789012:role/{unique('r')}")[
        "name"
    ]

    eventually(lambda: code in message(proton, name))
    assert proton.get_environment(name=name)["environment"]["deploymentStatus"] == "IN_PROGRESS"
    proxy.heal()

    record = ended(proton, name)
    assert record["deploymentStatus"] == "SUCCEEDED"
    assert "deploymentStatusMessage" not in record


def test_a_stack_that_was_begun_when_the_server_died_is_removed_whatever_failed_since(
    server: ServedBesideAws, proxy: FaultProxy, template: str
) -> None:
    proxy.after = killing(server, "CreateStack")
    name = create(server.client("proton"), template)["name"]
    eventually(lambda: server.process is None)
    proxy.after = lambda _: None
    proxy.before = lambda action: refusal(403, "AccessDenied", "denied") if action == "AssumeRole" else None
    server.start()
    proton = server.client("proton")
    assert "could not be assumed" in ended(proton, name)["deploymentStatusMessage"]

    proxy.heal()
    eventually(lambda: stack_status(server, name) == "CREATE_COMPLETE")
    proton.delete_environment(name=name)
    gone(proton, name)
    assert stack_status(server, name) is None


def test_an_environment_whose_role_was_denied_from_the_first_is_deleted_at_once(
    proxy: FaultProxy, proton: Any, template: str
) -> None:
    proxy.before = lambda action: refusal(403, "AccessDenied", "denied") if action == "AssumeRole" else None
    role = f"arn:aws:iam::123456789012:role/{unique('denied')}"
    name = create(proton, template, protonServiceRoleArn=role)["name"]
    assert ended(proton, name)["deploymentStatus"] == "FAILED"

    proton.delete_environment(name=name)
    gone(proton, name)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_server_that_dies_at_a_cancellation_finishes_it(
    moment: str, server: ServedBesideAws, proxy: FaultProxy, proton: Any, template: str
) -> None:
    name = ended(proton, create(proton, template)["name"])["name"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION", spec=spec(title="never"))
    eventually(lambda: stack_status(server, name) == "UPDATE_IN_PROGRESS")
    setattr(proxy, moment, killing(server, "CancelUpdateStack"))
    proton.cancel_environment_deployment(environmentName=name)
    killed_and_started(server, proxy)

    record = ended(server.client("proton"), name)

    # Before: the update may have ended by itself while the server was away.
    stack = stack_status(server, name)
    expected = {"UPDATE_ROLLBACK_COMPLETE": "CANCELLED", "UPDATE_COMPLETE": "SUCCEEDED"}
    assert record["deploymentStatus"] == expected[str(stack)]
    assert moment == "before" or stack == "UPDATE_ROLLBACK_COMPLETE"
