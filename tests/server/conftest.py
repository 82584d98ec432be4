"""What the server's tests share: `serve` beside an AWS that survives it, its clients, and templates on it.

What is about `proton-server local` itself asks for `local_server`, which also is that AWS.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proton_server.engine.evaluation import Evaluator
from proton_server.engine.reconciler import Reconciler
from proton_server.persistence.store import Store
from tests.bundles import TEMPLATE, bundle, codebuild_manifest
from tests.clock import Clock
from tests.fault_proxy import FaultProxy
from tests.names import ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD, unique
from tests.server.accounts import Accounts
from tests.server.builds import Publish
from tests.server.counting_handler import LEASE, CountingHandler
from tests.server.environments import create
from tests.server.exchanges import Answered, Exchange, exchanging_server, sent
from tests.servers import LocalServer, ServedBesideAws, publisher
from tests.signing import Keys, document, identity_headers
from tests.verifying_sts import VerifyingSts, verifying_sts
from tests.waiting import ended


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def proton_server(
    local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    """One `proton-server serve` for all tests of a session: names must be their own."""
    server = ServedBesideAws(tmp_path_factory.mktemp("serve"), aws=local_server)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sts() -> Iterator[VerifyingSts]:
    """An STS that verifies signatures."""
    with verifying_sts() as sts:
        yield sts


@pytest.fixture(scope="session")
def exchanging(
    sts: VerifyingSts, local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedBesideAws]:
    """A `serve` that exchanges AWS credentials after asking that STS."""
    with exchanging_server(tmp_path_factory.mktemp("exchanging"), sts, local_server) as server:
        yield server


@pytest.fixture(scope="session")
def exchanged(exchanging: ServedBesideAws, sts: VerifyingSts) -> Exchange:
    """Exchanges credentials there: `exchanged(keys, audience=…)`."""

    def exchange(keys: Keys, **changes: Any) -> Answered:
        # Two of one second have different signatures.
        audience = f"{exchanging.url}#{uuid.uuid4().hex}"
        headers = identity_headers(keys, **{"audience": audience, "host": sts.host, **changes})
        return sent(exchanging.url, document(headers))

    return exchange


@pytest.fixture(scope="session")
def published_template(proton_server: LocalServer) -> Callable[..., str]:
    """Publishes a bundle's folder under a name of its own: `published_template(folder)` returns the name."""
    return publisher(proton_server)


@pytest.fixture(scope="session")
def evaluate() -> Iterator[Evaluator]:
    """The workers in which a server evaluates bundles, specs and templates."""
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


@pytest.fixture(scope="session")
def proton(proton_server: LocalServer) -> Any:
    """A client of the session's server."""
    return proton_server.client("proton")


@pytest.fixture(scope="session")
def template(published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small template, with one published version 1.0. Tests add no versions to it."""
    return published_template(bundle(tmp_path_factory.mktemp("bundle") / "small"))


@pytest.fixture(scope="module")
def environment(proton: Any, template: str) -> dict[str, Any]:
    """An environment that tests may read and fail to change, but not change."""
    return ended(
        proton, create(proton, template, description="shared", tags=[{"key": "a", "value": "b"}])["name"]
    )


@pytest.fixture(scope="module")
def versions(
    published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, proton: Any
) -> str:
    """A template with the published versions 1.0, 1.1, 2.0 and the draft 2.1."""
    folder = tmp_path_factory.mktemp("bundles")

    def of(title: str) -> Path:
        return bundle(folder / title, template=f"# {title}\n{TEMPLATE}")

    name = published_template(of("one-zero"))
    published_template(of("one-one"), name=name, major_version="1")
    published_template(of("two-zero"), name=name)
    published_template(of("two-one"), name=name, major_version="2", publish=False)
    return name


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    """A server on whose AWS stack operations take two seconds."""
    aws = LocalServer(tmp_path_factory.mktemp("slow-aws"), ("--deploy-seconds", "2"))
    server = ServedBesideAws(tmp_path_factory.mktemp("slow"), aws=aws)
    aws.start()
    server.start()
    yield server
    server.stop()
    aws.stop()


@pytest.fixture(scope="module")
def proxy(slow: ServedBesideAws) -> Iterator[FaultProxy]:
    """Before the AWS of `slow`. A module that fails calls of another AWS has a `proxy` of its own."""
    proxy = FaultProxy(slow.aws.url)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def slow_template(
    slow: LocalServer, published_template: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    return published_template(bundle(tmp_path_factory.mktemp("b") / "b"), server=slow)


@pytest.fixture(scope="session")
def accounts(proton_server: LocalServer) -> Accounts:
    """Two accounts and a stranger on the session's server."""
    return Accounts(
        *(proton_server.client("proton", account=a) for a in (ACCOUNT, ENVIRONMENT_ACCOUNT, THIRD))
    )


@pytest.fixture
def far_environment(accounts: Accounts, template: str) -> dict[str, Any]:
    """An environment of the management account that is deployed in the environment account."""
    name = unique("far")
    record = accounts.create(template, accounts.connect(name), name)
    return ended(accounts.management, record["name"])


@pytest.fixture
def published(published_template: Publish, tmp_path: Path) -> Publish:
    """Publishes a template of commands: `published(["make"], ["make clean"])` returns its name."""

    def publish(
        provision: list[str],
        deprovision: list[str] | None = None,
        *,
        server: LocalServer | None = None,
        name: str | None = None,
        major_version: str | None = None,
        **settings: Any,
    ) -> str:
        folder = bundle(
            tmp_path / unique("bundle"), manifest=codebuild_manifest(provision, deprovision, **settings)
        )
        where = {"server": server} if server else {}
        return published_template(folder, name=name, major_version=major_version, **where)

    return publish


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on an empty database of either kind."""
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def start(store: Store) -> Iterator[Callable[..., Reconciler[Any]]]:
    """Starts a reconciler on the store for one test, with a short lease: `start(handler, workers=1)`."""
    running: list[Reconciler[Any]] = []

    def begin(handler: CountingHandler, **options: Any) -> Reconciler[Any]:
        running.append(Reconciler(store, handler, **{"lease": LEASE, **options}))
        running[-1].start()
        return running[-1]

    yield begin
    for reconciler in running:
        reconciler.stop()
