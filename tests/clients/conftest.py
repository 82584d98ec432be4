"""A `serve` beside an AWS whose stacks take two seconds, and the walks of all clients through it, at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proton_server.cli.publish import publish_folder
from proton_templates.bundle import pack
from tests.bundles import TEMPLATE, bundle, codebuild_manifest
from tests.clients.installed import CLIENTS, Missing
from tests.clients.running import Run, Running
from tests.commands import run_command
from tests.names import ACCOUNT, REGION
from tests.servers import LocalServer, ServedBesideAws, free_port

REGIONS = {"walk": REGION, "handshake": "eu-west-1"}
"""Each walk, and the Region of its client."""
BUCKET = "bundles-of-the-walks"
ACCOUNTS = {
    client.name: (f"44444444440{number}", f"55555555550{number}") for number, client in enumerate(CLIENTS)
}
"""The management and the environment account of each client: no client sees what another one made."""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBesideAws]:
    """A `serve` that exchanges AWS credentials."""
    folder, port = tmp_path_factory.mktemp("serve"), free_port()
    aws = LocalServer(tmp_path_factory.mktemp("aws"), ("--deploy-seconds", "2"))
    aws.start()
    rules = [
        {"principal": f"arn:aws:iam::{account}:user/deploy", "allow": "write"}
        for _, account in ACCOUNTS.values()
    ]
    (folder / "serve.yaml").write_text(json.dumps({"access": rules}))
    options = ("--public-url", f"http://127.0.0.1:{port}", "--config", "serve.yaml")
    more = ("--sts-endpoint", aws.url, "--template-bucket-account", ACCOUNT)
    git = {
        "PROTON_GITHUB_TOKEN": "token",
        "PROTON_GIT_ACCOUNTS": ",".join(account for account, _ in ACCOUNTS.values()),
    }
    server = ServedBesideAws(folder, options + more, port, aws=aws, variables=git)
    server.start()
    yield server
    server.stop()
    aws.stop()


@pytest.fixture(scope="session")
def bundles(served: ServedBesideAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundles of the walks, also in S3: three versions, one that is broken, and two more templates."""
    folder = tmp_path_factory.mktemp("bundles")
    names = ("first", "second", "third", "shared")
    made = {name: bundle(folder / name, template=f"# {name}\n{TEMPLATE}") for name in names}
    made["broken"] = bundle(folder / "broken", schema="schema: {}")
    made["builds"] = bundle(folder / "builds", manifest=codebuild_manifest(["true"], ["true"]))
    s3 = served.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name, place in made.items():
        s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=pack(place))
    return made


@pytest.fixture(scope="session")
def runs(
    served: ServedBesideAws, bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Run]:
    """The runs by client and walk. All clients walk at the same time."""
    found: dict[tuple[str, str], Run] = {}
    begun: dict[tuple[str, str], Running] = {}
    with ExitStack() as stack:
        for client in CLIENTS:
            try:
                command = client.install(tmp_path_factory.mktemp("program"))
            except Missing as missing:
                found |= {(client.name, walk): Run(missing=str(missing)) for walk in REGIONS}
                continue
            accounts = ACCOUNTS[client.name]
            _publish(served, bundles, accounts[0])
            key = _key(served, accounts[0])
            for walk, settings in (("walk", _by_variables), ("handshake", _by_profiles)):
                folder = tmp_path_factory.mktemp(walk)
                variables = settings(served, key, accounts, folder) | {
                    "WALK_ACCOUNT": accounts[0],
                    "WALK_OTHER_ACCOUNT": accounts[1],
                    "WALK_BUCKET": BUCKET,
                }
                running = Running([*command, walk], variables, folder)
                stack.callback(running.end)
                begun[client.name, walk] = running
        return found | {which: running.result() for which, running in begun.items()}


def _publish(served: ServedBesideAws, bundles: dict[str, Path], account: str) -> None:
    """Publishes the templates that a walk finds there: as the platform's team, and not as a client."""
    for name, region in (("builds", REGIONS["walk"]), ("shared", REGIONS["handshake"])):
        publish_folder(
            bundles[name],
            name,
            session=served.session(account, region),
            bucket_session=served.session(ACCOUNT, region),
            bucket=BUCKET,
        )


def _key(served: ServedBesideAws, account: str) -> dict[str, str]:
    """A new access key of an account, as variables."""
    done = run_command("keys", "create", "--account", account, "--database", served.database)
    assert done.exit_code == 0, done.output
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def _by_variables(
    served: ServedBesideAws, key: dict[str, str], accounts: tuple[str, str], folder: Path
) -> dict[str, str]:
    """How a client is told everything by variables of its environment."""
    (folder / "config").write_text("[default]\ncli_timestamp_format = iso8601\n")
    return {
        **key,
        "AWS_ENDPOINT_URL_PROTON": served.url,
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_REGION": REGIONS["walk"],
        "AWS_DEFAULT_REGION": REGIONS["walk"],
    }


def _by_profiles(
    served: ServedBesideAws, key: dict[str, str], accounts: tuple[str, str], folder: Path
) -> dict[str, str]:
    """How it is told everything by profiles; the environment account's AWS credentials are exchanged."""
    user = served.client_environment(accounts[1])
    program = f"{sys.executable} -m proton_server.cli credentials"
    ours = {"services": "ours", "region": REGIONS["handshake"], "cli_timestamp_format": "iso8601"}
    sections = {
        # JavaScript's SDK looks here for the endpoint, whatever profile a client has.
        "default": ours,
        "profile management": ours | {name.lower(): value for name, value in key.items()},
        "profile environment": ours
        | {"credential_process": f"{program} --endpoint-url {served.url} --profile aws"},
        "profile aws": {"region": ours["region"]}
        | {name.lower(): user[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
        "services ours": {"proton": f"\n  endpoint_url = {served.url}/"},
    }
    lines = [
        line
        for name, settings in sections.items()
        for line in (f"[{name}]", *(f"{setting} = {value}" for setting, value in settings.items()))
    ]
    (folder / "config").write_text("\n".join(lines) + "\n")
    return {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_ENDPOINT_URL_STS": served.aws.url}
