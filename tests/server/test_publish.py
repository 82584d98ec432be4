"""Publishing a folder, through the real command and against a real server."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from proton_server.cli.publish import PublishError, publish_folder
from proton_server.cli.templates import templates
from proton_templates.bundle import BundleError
from tests.refusals import refused

EXAMPLES = Path(__file__).parents[2] / "examples"
FIRST, SECOND, NEXT_MAJOR = (EXAMPLES / f"02-change-and-preview/template-v{v}" for v in ("1.0", "1.1", "2.0"))


@pytest.fixture
def proton_server(local_server):
    """The command knows one endpoint for all services."""
    return local_server


@pytest.fixture
def name() -> str:
    return f"queue-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def publish(proton_server, name):
    def published(folder: Path, **options) -> str:
        return publish_folder(
            folder, name, session=proton_server.session(), endpoint_url=proton_server.url, **options
        )

    return published


@pytest.fixture
def version_of(proton_server, name):
    def version(number: str) -> dict:
        major, minor = number.split(".")
        return proton_server.client("proton").get_environment_template_version(
            templateName=name, majorVersion=major, minorVersion=minor
        )["environmentTemplateVersion"]

    return version


def environment(server) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "eu-west-1"}
    return {"AWS_ENDPOINT_URL": server.url, **keys}


def test_a_folder_becomes_a_published_version(publish, version_of, proton_server, name):
    assert publish(FIRST, description="the first", display_name="Queues") == "1.0"
    version = version_of("1.0")
    assert version["status"] == "PUBLISHED"
    assert version["description"] == "the first"
    assert version["schema"] == (FIRST / "schema/schema.yaml").read_text()
    template = proton_server.client("proton").get_environment_template(name=name)["environmentTemplate"]
    assert template["recommendedVersion"] == "1.0"
    assert template["displayName"] == "Queues"


def test_versions_follow_each_other_as_the_caller_says(publish):
    assert publish(FIRST) == "1.0"
    assert publish(SECOND, major_version="1") == "1.1"
    assert publish(NEXT_MAJOR) == "2.0"


def test_the_first_version_of_a_new_template_may_be_asked_for_by_its_number(publish):
    assert publish(FIRST, major_version="1") == "1.0"


def test_publishing_what_the_newest_version_holds_makes_no_new_version(
    publish, version_of, proton_server, name
):
    assert [publish(FIRST), publish(FIRST), publish(FIRST, major_version="1")] == ["1.0"] * 3
    assert publish(SECOND, major_version="1", publish=False) == "1.1"
    assert version_of("1.1")["status"] == "DRAFT"
    assert publish(SECOND, major_version="1") == "1.1"
    assert version_of("1.1")["status"] == "PUBLISHED"
    proton = proton_server.client("proton")
    assert len(proton.list_environment_template_versions(templateName=name)["templateVersions"]) == 1


def test_going_back_to_earlier_content_is_a_new_version(publish):
    assert [publish(FIRST), publish(SECOND, major_version="1")] == ["1.0", "1.1"]
    assert publish(FIRST) == "2.0"


def test_a_version_that_failed_is_tried_again(publish, name):
    publish(SECOND)
    said = "delay_seconds' disappears"
    for minor in ("1.1", "1.2"):
        with pytest.raises(PublishError, match=rf"^{name} {minor} was not registered: .*{said}"):
            publish(FIRST, major_version="1")
    assert publish(FIRST) == "2.0"


def test_a_version_that_was_deleted_is_published_again(publish, proton_server, name):
    publish(FIRST)
    key = {"templateName": name, "majorVersion": "1", "minorVersion": "0"}
    proton_server.client("proton").delete_environment_template_version(**key)
    assert publish(FIRST) == "1.0"


def test_bundles_go_to_a_bucket_of_the_account_and_region_or_to_the_one_named(publish, proton_server, name):
    publish(FIRST)
    publish(SECOND, bucket=name)
    s3 = proton_server.client("s3")
    (key,) = (
        entry["Key"]
        for entry in s3.list_objects_v2(Bucket="proton-templates-123456789012-us-east-1", Prefix=name)[
            "Contents"
        ]
    )
    body = s3.get_object(Bucket="proton-templates-123456789012-us-east-1", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert "schema/schema.yaml" in tar.getnames()
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 1


def test_a_folder_that_is_no_bundle_is_refused_before_anything_is_made(
    publish, proton_server, name, tmp_path
):
    with pytest.raises(BundleError, match=r"^schema/schema.yaml: is missing"):
        publish(tmp_path)
    with refused("ResourceNotFoundException", f"Environment template not found: {name}"):
        proton_server.client("proton").get_environment_template(name=name)


def test_a_template_keeps_its_kind_of_provisioning(publish, tmp_path):
    publish(FIRST)
    (tmp_path / "schema").mkdir()
    shutil.copy(NEXT_MAJOR / "schema/schema.yaml", tmp_path / "schema/schema.yaml")
    text = (tmp_path / "schema/schema.yaml").read_text().replace("integer", "string")
    lines = [
        line for line in text.splitlines() if not line.strip().startswith(("default", "minimum", "maximum"))
    ]
    (tmp_path / "schema/schema.yaml").write_text("\n".join(lines))
    with pytest.raises(PublishError, match="is not customer-managed, which cannot be changed"):
        publish(tmp_path, customer_managed=True)


def test_a_customer_managed_template_is_a_schema(publish, tmp_path, proton_server, name):
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema/schema.yaml").write_text(
        "schema: {format: {openapi: 3.0.0}, environment_input_type: I,"
        " types: {I: {type: object, properties: {VpcId: {type: string}}}}}"
    )
    assert publish(tmp_path, customer_managed=True) == "1.0"
    template = proton_server.client("proton").get_environment_template(name=name)["environmentTemplate"]
    assert template["provisioning"] == "CUSTOMER_MANAGED"


def test_the_command_prints_one_line_with_the_version(proton_server, name):
    program = [sys.executable, "-m", "proton_server.cli", "templates", "publish"]
    done = subprocess.run(
        [*program, FIRST, "--name", name, "--description", "by hand"],
        env={**os.environ, **environment(proton_server)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name} 1.0 published\n", "")


def test_the_command_registers_a_draft_in_the_region_it_is_told(proton_server, name):
    arguments = ["publish", str(FIRST), "--name", name, "--no-publish"]
    done = CliRunner().invoke(templates, arguments, env=environment(proton_server))
    assert (done.exit_code, done.stdout) == (0, f"{name} 1.0 registered\n")
    done = CliRunner().invoke(
        templates, [*arguments, "--region", "us-west-2"], env=environment(proton_server)
    )
    assert (done.exit_code, done.stdout) == (0, f"{name} 1.0 registered\n")
    for region in ("eu-west-1", "us-west-2"):
        bucket = f"proton-templates-123456789012-{region}"
        s3 = proton_server.client("s3", region=region)
        assert s3.list_objects_v2(Bucket=bucket, Prefix=name)["KeyCount"] == 1


NOBODY = "http://127.0.0.1:9"
FAILURES = {
    "no bundle": (["publish", str(EXAMPLES), "--name", "x"], {}, "is a second schema"),
    "no folder": (["publish", "nope", "--name", "x"], {}, "nope: is not a folder."),
    "a bad name": (["publish", str(FIRST), "--name", "two words"], {}, "ValidationException"),
    "a profile of nobody": (["publish", str(FIRST), "--name", "x", "--profile", "nobody"], {}, "(nobody)"),
    "no credentials": (
        ["publish", str(FIRST), "--name", "x"],
        {"AWS_ACCESS_KEY_ID": None, "AWS_EC2_METADATA_DISABLED": "true"},
        "Unable to locate credentials",
    ),
    "no server": (
        ["publish", str(FIRST), "--name", "x", "--endpoint-url", NOBODY],
        {"AWS_MAX_ATTEMPTS": "1"},
        f'Could not connect to the endpoint URL: "{NOBODY}/',
    ),
    "no such major version": (
        ["publish", str(FIRST), "--name", "of-failures", "--major-version", "7"],
        {},
        "no major version 7",
    ),
    "no region": (["publish", str(FIRST), "--name", "x"], {"AWS_REGION": None}, "You must specify a region."),
    "an endpoint without scheme": (
        ["publish", str(FIRST), "--name", "x", "--endpoint-url", "garbage"],
        {},
        "The endpoint of proton is no URL such as http://127.0.0.1:4030: Invalid endpoint: garbage",
    ),
    "an endpoint without end": (
        ["publish", str(FIRST), "--name", "x", "--endpoint-url", "http://[::1"],
        {},
        "The endpoint of proton is no URL",
    ),
    "a port beyond all": (
        ["publish", str(FIRST), "--name", "x", "--endpoint-url", "http://localhost:99999"],
        {},
        "Port out of range",
    ),
    "a bucket that is a URL": (
        ["publish", str(FIRST), "--name", "x", "--bucket", "s3://bundles/mine"],
        {},
        "--bucket must be the name of an S3 bucket and nothing else, not 's3://bundles/mine'.",
    ),
    "a bucket profile of nobody": (
        ["publish", str(FIRST), "--name", "x", "--bucket-profile", "nobody"],
        {},
        "(nobody)",
    ),
}


@pytest.mark.parametrize(("arguments", "changed", "cause"), FAILURES.values(), ids=FAILURES)
def test_the_command_fails_with_one_line_and_exit_code_1(proton_server, arguments, changed, cause):
    done = CliRunner().invoke(templates, arguments, env={**environment(proton_server), **changed})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert cause in done.stderr
    assert done.stderr.count("\n") == 1


class _WebPage(BaseHTTPRequestHandler):
    """A server of something else."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"<!doctype html><p>hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 302, 404])
def test_a_server_of_something_else_is_named(name, status):
    page = type("_Page", (_WebPage,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        settings = {"AWS_ACCESS_KEY_ID": "1", "AWS_SECRET_ACCESS_KEY": "2", "AWS_REGION": "eu-west-1"}
        arguments = ["publish", str(FIRST), "--name", name, "--endpoint-url", url]
        done = CliRunner().invoke(templates, arguments, env={**settings, "AWS_MAX_ATTEMPTS": "1"})
        server.shutdown()
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {url} does not answer as proton does: ")
    assert done.stderr.count("\n") == 1


def _too_many(folder: Path) -> None:
    for number in range(501):
        (folder / f"{number}.txt").touch()


def _too_large(folder: Path) -> None:
    with (folder / "disk.img").open("wb") as file:
        file.truncate(10 * 1024**3)


def _a_name_without_text(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.txt")).touch()


@pytest.mark.parametrize(
    ("fill", "sentence"),
    [
        (_too_many, "The bundle holds more than 500 files."),
        (_too_large, "disk.img: is larger than 2 MB."),
        (_a_name_without_text, "is no file name a bundle may hold"),
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe: is not a regular file"),
        (lambda folder: (folder / "root").symlink_to("/"), "root: is not a regular file"),
    ],
)
def test_a_folder_is_read_no_further_than_a_bundle_may_go(publish, tmp_path, fill, sentence):
    shutil.copytree(FIRST, tmp_path, dirs_exist_ok=True)
    fill(tmp_path)
    with pytest.raises(BundleError, match=sentence):
        publish(tmp_path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error_and_not_left_out(publish, tmp_path):
    shutil.copytree(FIRST, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secret").mkdir(mode=0)
    with pytest.raises(PermissionError, match="secret"):
        publish(tmp_path)
