"""What passes between a client and moto unharmed, and whose account it lands in."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from proton_server.local import account_of
from tests.server.local.local_aws import LocalAws


def whoami(aws: LocalAws, **keys: str) -> str:
    return str(aws.client("sts", **keys).get_caller_identity()["Account"])


def assumed(aws: LocalAws, account: str, by: str) -> dict[str, str]:
    role = f"arn:aws:iam::{account}:role/Proton"
    found = aws.client("sts", by).assume_role(RoleArn=role, RoleSessionName="proton")["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


def test_twelve_digits_name_the_account(aws: LocalAws) -> None:
    assert whoami(aws, account="333333333333") == "333333333333"
    assert account_of("333333333333") == "333333333333"


@pytest.mark.parametrize("key", ["test", "AKIAIOSFODNN7EXAMPLE", "1234567890123", "12345678901", ""])
def test_any_other_key_is_the_default_account(aws: LocalAws, key: str) -> None:
    assert account_of(key) == "123456789012"
    if key:
        assert whoami(aws, aws_access_key_id=key, aws_secret_access_key="x") == "123456789012"


def test_an_assumed_role_lands_in_the_roles_account(aws: LocalAws) -> None:
    keys = assumed(aws, "555555555555", by="444444444444")
    assert account_of(keys["aws_access_key_id"]) == "555555555555"
    assert whoami(aws, **keys) == "555555555555"
    aws.client("cloudformation", **keys).create_stack(
        StackName="theirs", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    )
    assert [
        s["StackName"] for s in aws.client("cloudformation", "555555555555").describe_stacks()["Stacks"]
    ] == ["theirs"]
    assert aws.client("cloudformation", "444444444444").describe_stacks()["Stacks"] == []
    (topic,) = aws.client("sns", "555555555555").list_topics()["Topics"]
    assert ":555555555555:" in topic["TopicArn"]


def test_a_users_key_lands_in_the_users_account(aws: LocalAws) -> None:
    iam = aws.client("iam", "666666666666")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert account_of(key["AccessKeyId"]) == "666666666666"


@pytest.mark.parametrize("service", ["s3", "dynamodb", "iam", "codebuild", "ssm"])
def test_accounts_are_apart_in_every_service_we_use(aws: LocalAws, service: str) -> None:
    def names(account: str) -> list[str]:
        client = aws.client(service, account)
        listed = {
            "s3": lambda: [b["Name"] for b in client.list_buckets()["Buckets"]],
            "dynamodb": lambda: client.list_tables()["TableNames"],
            "iam": lambda: [u["UserName"] for u in client.list_users()["Users"]],
            "codebuild": lambda: client.list_projects()["projects"],
            "ssm": lambda: [p["Name"] for p in client.describe_parameters()["Parameters"]],
        }
        return list(listed[service]())

    client = aws.client(service, "777777777777")
    make = {
        "s3": lambda: client.create_bucket(Bucket="apart"),
        "dynamodb": lambda: client.create_table(
            TableName="apart",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        ),
        "iam": lambda: client.create_user(UserName="apart"),
        "codebuild": lambda: client.create_project(
            name="apart",
            source={"type": "S3", "location": "b/k"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::777777777777:role/service-role/r",
        ),
        "ssm": lambda: client.put_parameter(Name="apart", Value="v", Type="String"),
    }
    make[service]()
    assert "apart" in names("777777777777")
    assert "apart" not in names("888888888888")


@pytest.fixture(scope="module")
def bucket(aws: LocalAws) -> str:
    aws.client("s3").create_bucket(Bucket="bytes")
    return "bytes"


class Unseekable(io.RawIOBase):
    """A stream of unknown length: botocore sends it in chunks."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        return self._content.readinto(buffer)


CONTENT = bytes(range(256)) * 4096


def test_an_object_keeps_its_bytes_and_its_metadata(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="a b/ü%2F", Body=CONTENT, Metadata={"some_key": "1", "other-key": "2"})
    found = s3.get_object(Bucket=bucket, Key="a b/ü%2F")
    assert found["Body"].read() == CONTENT
    assert found["Metadata"] == {"some_key": "1", "other-key": "2"}


def test_a_chunked_upload_keeps_its_bytes(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    s3.upload_fileobj(io.BufferedReader(Unseekable(CONTENT)), bucket, "stream")
    assert s3.get_object(Bucket=bucket, Key="stream")["Body"].read() == CONTENT

    def chunks() -> Iterator[bytes]:
        yield CONTENT[:1000]
        yield CONTENT[1000:]

    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "chunks"})
    # Without a length, urllib sends Transfer-Encoding: chunked.
    request = urllib.request.Request(url, chunks(), {"Content-Type": "application/gzip"}, method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert s3.get_object(Bucket=bucket, Key="chunks")["Body"].read() == CONTENT


def test_a_presigned_url_belongs_to_the_account_that_signed_it(aws: LocalAws) -> None:
    s3 = aws.client("s3", "999999999999")
    s3.create_bucket(Bucket="signed")
    s3.put_object(Bucket="signed", Key="k", Body=b"mine")
    with urllib.request.urlopen(
        s3.generate_presigned_url("get_object", {"Bucket": "signed", "Key": "k"})
    ) as answer:
        assert answer.read() == b"mine"


def test_a_bucket_is_closed_to_whoever_expects_another_owner(aws: LocalAws) -> None:
    s3 = aws.client("s3", "777777777777")
    s3.create_bucket(Bucket="of-seven")
    s3.put_object(Bucket="of-seven", Key="k", Body=b"x", ExpectedBucketOwner="777777777777")

    assert (
        s3.get_object(Bucket="of-seven", Key="k", ExpectedBucketOwner="777777777777")["Body"].read() == b"x"
    )
    for call in (
        lambda **owner: s3.get_object(Bucket="of-seven", Key="k", **owner),
        lambda **owner: s3.put_object(Bucket="of-seven", Key="k", **owner),
        lambda **owner: s3.head_bucket(Bucket="of-seven", **owner),
        lambda **owner: s3.list_objects_v2(Bucket="of-seven", **owner),
    ):
        with pytest.raises(ClientError) as caught:
            call(ExpectedBucketOwner="888888888888")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.get_object(Bucket="of-nobody", Key="k", ExpectedBucketOwner="888888888888")


def raw(aws: LocalAws, **parameters: str) -> tuple[int, str]:
    """A call of CloudFormation as a client of its own makes it: no SDK completes or checks it."""
    key = "Credential=123456789012/20260101/us-east-1/cloudformation/aws4_request"
    request = urllib.request.Request(
        aws.url,
        data=urllib.parse.urlencode({"Version": "2010-05-15", **parameters}).encode(),
        headers={"Authorization": f"AWS4-HMAC-SHA256 {key}, SignedHeaders=host, Signature=0"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("members", "null"),
    [
        ({"Parameters.member.1.ParameterValue": "x"}, "parameters.1.member.parameterKey"),
        ({"Tags.member.1.Key": "x"}, "tags.1.member.value"),
        ({"Tags.member.1.Value": "x"}, "tags.1.member.key"),
    ],
)
@pytest.mark.parametrize("action", ["CreateStack", "UpdateStack", "CreateChangeSet"])
def test_a_member_that_a_client_leaves_out_is_a_validation_error(
    aws: LocalAws, action: str, members: dict[str, str], null: str
) -> None:
    body = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    status, answer = raw(aws, Action=action, StackName="raw", ChangeSetName="c", TemplateBody=body, **members)
    assert status == 400
    assert "<Code>ValidationError</Code>" in answer
    assert f"Value null at &apos;{null}&apos; failed" in answer or f"Value null at '{null}' failed" in answer


@pytest.mark.parametrize(
    ("operation", "request_", "error"),
    [
        ("StopBuild", {"id": "absent:1"}, "ResourceNotFoundException"),
        ("StopBuild", {"id": "absent"}, "InvalidInputException"),
        ("StopBuild", {}, "InvalidInputException"),
        ("BatchGetBuilds", {}, "InvalidInputException"),
        ("StartBuild", {}, "InvalidInputException"),
        ("StartBuild", {"projectName": "absent"}, "ResourceNotFoundException"),
    ],
)
def test_codebuild_refuses_what_is_not_there(
    aws: LocalAws, operation: str, request_: dict[str, str], error: str
) -> None:
    key = "Credential=123456789012/20260101/us-east-1/codebuild/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {key}, SignedHeaders=host, Signature=0",
        "X-Amz-Target": f"CodeBuild_20161006.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    request = urllib.request.Request(aws.url, data=json.dumps(request_).encode(), headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    assert error in refused.value.read().decode()
