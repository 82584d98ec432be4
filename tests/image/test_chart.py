"""The Helm chart: rendered by Helm, and judged by Kubernetes' own schemas."""

from __future__ import annotations

import kubernetes_validate
import pytest

from tests.image.chart import CHART, KUBERNETES, VALUES, helm, pods, rendered, template
from tests.image.images import Images

_NOT_KUBERNETES = {"ServiceMonitor"}
_BOTH = pytest.mark.parametrize("values", ["smallest", "everything"])


@_BOTH
def test_helm_finds_no_fault_in_it(values: str) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(VALUES / f"{values}.yaml"))

    assert done.returncode == 0, done.stdout


@_BOTH
def test_all_that_it_makes_is_valid_to_kubernetes(values: str) -> None:
    for found in rendered(values).values():
        if found["kind"] not in _NOT_KUBERNETES:
            kubernetes_validate.validate(found, KUBERNETES.rpartition(".")[0], strict=True)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("image.repository", "image.repository is required"),
        ("database.url", "database.url is required"),
        ("masterKeysSecret.name", "masterKeysSecret.name is required"),
    ],
)
def test_what_is_missing_is_named(missing: str, sentence: str) -> None:
    done = template("smallest", "--set", f"{missing}=")

    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_password_in_a_value_is_refused() -> None:
    done = template("smallest", "--set", "database.url=postgresql://proton:secret@database/proton")

    assert done.returncode != 0
    assert "url" in done.stderr


@_BOTH
def test_no_pod_has_rights(values: str) -> None:
    found = pods(rendered(values))

    assert len(found) == 2
    for pod in found:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@_BOTH
def test_no_secret_is_in_what_it_makes(values: str) -> None:
    objects = rendered(values)

    assert not [name for name in objects if name.startswith("Secret/")]
    for pod in pods(objects):
        names = {variable["name"] for variable in pod["containers"][0]["env"]}
        assert {"PROTON_MASTER_KEYS", "PGPASSWORD"}.isdisjoint(names)


def test_the_migration_runs_before_a_release_and_the_servers_have_the_same_database() -> None:
    objects = rendered("smallest")
    job = objects["Job/proton-proton-server-migration"]
    migration, server = (
        found["spec"]["template"]["spec"]["containers"][0]
        for found in (job, objects["Deployment/proton-proton-server"])
    )

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert migration["args"] == ["database", "upgrade"]
    assert migration["env"] == server["env"]
    assert migration["image"] == server["image"]


def test_the_budget_the_services_and_the_monitor_find_what_they_are_for() -> None:
    objects = rendered("everything")
    labels = objects["Deployment/proton-proton-server"]["spec"]["template"]["metadata"]["labels"]
    job = objects["Job/proton-proton-server-migration"]["spec"]["template"]["metadata"]["labels"]
    services = [found for name, found in objects.items() if name.startswith("Service/")]
    selectors = [found["spec"]["selector"] for found in services]
    selectors += [objects["PodDisruptionBudget/proton-proton-server"]["spec"]["selector"]["matchLabels"]]
    monitor = objects["ServiceMonitor/proton-proton-server"]["spec"]["selector"]["matchLabels"]

    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= job.items()
    watched = [found for found in services if monitor.items() <= found["metadata"]["labels"].items()]
    assert [port["name"] for found in watched for port in found["spec"]["ports"]] == ["metrics"]


def test_servers_are_probed_by_tls_where_they_speak_it() -> None:
    for values, scheme in (("smallest", "HTTP"), ("everything", "HTTPS")):
        (pod,) = pods({"": rendered(values)["Deployment/proton-proton-server"]})
        server = pod["containers"][0]
        assert server["startupProbe"]["httpGet"]["scheme"] == scheme
        assert server["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": "api", "scheme": scheme}
        assert server["readinessProbe"]["httpGet"] == {
            "path": "/health/ready",
            "port": "api",
            "scheme": scheme,
        }


@_BOTH
def test_the_options_that_the_pods_are_given_are_those_of_the_program_in_the_image(
    values: str, images: Images, serve_image: str
) -> None:
    for pod in pods(rendered(values)):
        arguments = pod["containers"][0]["args"]
        words = [word for word in arguments if not word.startswith("-")]
        known = images.run(serve_image, "proton-server", *words, "--help").split()
        options = {word.partition("=")[0] for word in arguments if word.startswith("-")}
        assert options <= set(known)
