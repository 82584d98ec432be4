"""Publishing where Proton is `serve`, with a key of its own, and S3 is AWS's."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from proton_server.cli.templates import templates
from tests.refusals import refused

FOLDER = Path(__file__).parents[2] / "examples/02-change-and-preview/template-v1.0"


@pytest.fixture
def arguments():
    return ["publish", str(FOLDER), "--name", f"queue-{uuid.uuid4().hex[:8]}"]


@pytest.fixture
def settings(proton_server, tmp_path):
    """A key that only the server knows, and a profile with one that only AWS knows."""
    profiles = tmp_path / "credentials"
    profiles.write_text("[bundles]\naws_access_key_id = 123456789012\naws_secret_access_key = local\n")
    url, key_id, secret = proton_server.door("proton", "123456789012")
    return {
        "AWS_ENDPOINT_URL_PROTON": url,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "eu-west-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
        # Stands for AWS, which is where they lead by themselves.
        "AWS_ENDPOINT_URL_S3": proton_server.aws.url,
        "AWS_ENDPOINT_URL_STS": proton_server.aws.url,
    }


@pytest.mark.parametrize("by_option", [False, True], ids=["a variable", "an option"])
def test_the_server_gets_the_template_and_the_profiles_account_the_bundle(
    proton_server, arguments, settings, by_option
):
    name = arguments[-1]
    arguments += ["--bucket-profile", "bundles"]
    if by_option:
        arguments += ["--endpoint-url", settings.pop("AWS_ENDPOINT_URL_PROTON")]
    done = CliRunner().invoke(templates, arguments, env=settings)
    assert (done.exit_code, done.output) == (0, f"{name} 1.0 published\n")
    bucket = "proton-templates-123456789012-eu-west-1"
    s3 = proton_server.client("s3", region="eu-west-1")
    assert s3.list_objects_v2(Bucket=bucket, Prefix=name)["KeyCount"] == 1


@pytest.mark.parametrize("more", [[], ["--bucket", "some-bucket"]])
def test_a_bundle_that_cannot_be_uploaded_leaves_no_template(proton_server, arguments, settings, more):
    name, url = arguments[-1], settings["AWS_ENDPOINT_URL_PROTON"]
    own = {"AWS_ENDPOINT_URL_S3": None, "AWS_ENDPOINT_URL_STS": None}
    done = CliRunner().invoke(templates, [*arguments, *more, "--endpoint-url", url], env={**settings, **own})
    assert done.exit_code == 1
    assert f"Error: {url} does not answer as s3 does: " in done.stderr
    assert "--bucket-profile" in done.stderr
    assert done.stderr.count("\n") == 1
    with refused("ResourceNotFoundException", f"Environment template not found: {name}"):
        proton_server.client("proton", region="eu-west-1").get_environment_template(name=name)
