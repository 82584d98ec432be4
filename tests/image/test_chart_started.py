"""What the chart's pods run, started in containers of the image with their options and secrets."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from tests.image.chart import rendered
from tests.image.containers import Container
from tests.image.databases import PASSWORD
from tests.image.images import Images
from tests.master_keys import MASTER_KEYS_ENVIRONMENT
from tests.servers import free_port

_SECRETS = {
    "proton-database": PASSWORD,
    "proton-master-keys": MASTER_KEYS_ENVIRONMENT["PROTON_MASTER_KEYS"],
}


def test_the_migration_ends_and_a_server_starts_and_passes_its_probes(
    images: Images, serve_image: str, database_port: int, folder_of_user: Path
) -> None:
    objects = rendered("smallest")
    migration = objects["Job/proton-proton-server-migration"]["spec"]["template"]["spec"]
    server = objects["Deployment/proton-proton-server"]["spec"]["template"]["spec"]

    def container(pod: dict[str, Any]) -> Container:
        variables = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
        return Container.of(
            images,
            serve_image,
            names="database.example.com",
            environment=variables | {"PGPORT": str(database_port), "AWS_EC2_METADATA_DISABLED": "true"},
            mounts=_secrets(pod, folder_of_user),
        )

    first = container(migration)
    migrated = first.run(*first.command(migration["containers"][0]["args"]))
    second = container(server)
    port, metrics_port = free_port(), free_port()
    command = second.command(server["containers"][0]["args"])
    with second.running(*command, "--port", str(port), "--metrics-port", str(metrics_port)) as running:
        probes = [server["containers"][0][name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]
        statuses = [_status(port, probe["path"]) for probe in probes]
        metrics = _status(metrics_port, "/metrics")
        code = running.ended_by_sigterm()

    assert "was empty" in migrated.stdout
    assert statuses == [200, 200]
    assert metrics == 200
    assert code == 0


def _secrets(pod: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The pod's Secrets as Kubernetes mounts them, by where."""
    places = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    mounts = {}
    for volume in pod["volumes"]:
        if "secret" in volume:
            source = folder / volume["name"]
            source.mkdir(exist_ok=True)
            for item in volume["secret"]["items"]:
                (source / item["path"]).write_text(_SECRETS[volume["secret"]["secretName"]])
            mounts[places[volume["name"]]] = source
    return mounts


def _status(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        status: int = response.status
        return status
