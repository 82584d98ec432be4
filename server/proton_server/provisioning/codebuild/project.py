"""An environment's CodeBuild project: its name, its builds, and its objects in the account's bucket.

The only file that calls CodeBuild. `provisioner.py` decides what the status of a build means.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from proton_server.provisioning.codebuild.buildspec import OUTPUTS_FILE, PROVISION_FILE, Recipe, read_outputs
from proton_server.provisioning.codebuild.project_properties import as_update, with_properties
from proton_server.provisioning.resumption import Change
from proton_server.provisioning.tags import project_tags

if TYPE_CHECKING:
    from proton_server.provisioning import Work
    from proton_server.provisioning.aws import Aws

_PROVISIONING_ROLE = "ProtonServerCodeBuildProvisioning"
_DEPLOYMENT = "PROTON_DEPLOYMENT_ID"
_MAX_OUTPUTS_BYTES = 10 * 1024 * 1024
"""More than the allowed outputs can have. A longer file is cut off, and then is not valid JSON."""
_NEWEST = 20
"""How many builds are searched for a deployment's. It is the newest, unless a user starts builds."""


def provisioning_role(work: Work) -> str:
    """The role that the server assumes. The account's owner creates it, and lets the server assume it."""
    partition = work.environment["arn"].split(":")[1]
    return f"arn:{partition}:iam::{work.account_id}:role/{_PROVISIONING_ROLE}"


class Project:
    """A project, and what its builds read and write in the account's bucket."""

    def __init__(self, aws: Aws, work: Work) -> None:
        self._work = work
        role = provisioning_role(work)
        self._codebuild = aws.client("codebuild", work.account_id, work.region, role)
        self._s3 = aws.client("s3", work.account_id, work.region, role)
        self.name = _name(work)
        # Bucket names are global: the owner tells this bucket from another account's of the same name.
        self._bucket = {
            "Bucket": f"proton-codebuild-{work.account_id}-{work.region}",
            "ExpectedBucketOwner": work.account_id,
        }
        self._source = f"{self.name}/source.zip"
        self._outputs = f"{self.name}/outputs/{OUTPUTS_FILE}"

    def builds(self) -> list[dict[str, Any]] | None:
        """The newest builds, the newest first; None if there is no project."""
        try:
            listed = self._codebuild.list_builds_for_project(projectName=self.name, sortOrder="DESCENDING")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        ids = listed["ids"][:_NEWEST]
        found = self._codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
        return sorted(found, key=lambda build: ids.index(build["id"]))

    def own(self, builds: list[dict[str, Any]] | None) -> dict[str, Any] | None:
        """The deployment's build."""
        mark = (_DEPLOYMENT, self._work.deployment_id)
        for build in builds or []:
            if mark in {
                (each["name"], each["value"]) for each in build["environment"]["environmentVariables"]
            }:
                return build
        return None

    def changes(self, builds: list[dict[str, Any]]) -> list[Change]:
        """The changes that the builds make: which is the deployment's own, if one is."""
        own = self.own(builds)
        return [
            Change(self._work.deployment_id if build is own else None, build["startTime"].timestamp())
            for build in builds
        ]

    def put_source(self, source: bytes) -> None:
        """Uploads the source of the next build, and creates the account's bucket if there is none."""
        try:
            self._s3.head_bucket(**self._bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            # S3 refuses its default Region as a constraint.
            where = {"LocationConstraint": self._work.region}
            options = {} if self._work.region == "us-east-1" else {"CreateBucketConfiguration": where}
            try:
                self._s3.create_bucket(Bucket=self._bucket["Bucket"], **options)
            except ClientError as error:
                if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":  # by another deployment
                    raise
        self._s3.put_object(**self._bucket, Key=self._source, Body=source)

    def description(self, recipe: Recipe) -> dict[str, Any]:
        """The members of CreateProject. Raises PropertiesError, and ProvisioningError for too many tags."""
        work = self._work
        bucket = self._bucket["Bucket"]
        base = {
            "name": self.name,
            "description": f"Provisions the AWS Proton environment {work.environment['name']}.",
            "serviceRole": work.role,
            "timeoutInMinutes": 60,
            "source": {"type": "S3", "location": f"{bucket}/{self._source}", "buildspec": PROVISION_FILE},
            "artifacts": {
                "type": "S3",
                "location": bucket,
                "path": self.name,
                "name": "outputs",
                "namespaceType": "NONE",
                "packaging": "NONE",
                # With CodeBuild's key: the bucket encrypts anyway, and the role needs no key.
                "encryptionDisabled": True,
            },
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": recipe.image,
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": "RESOURCE_ARN", "value": work.environment["arn"]}],
            },
            "tags": [{"key": key, "value": value} for key, value in project_tags(work).items()],
        }
        model = self._codebuild.meta.service_model.operation_model("CreateProject")
        return with_properties(base, recipe.project_properties, model.input_shape)

    def put(self, description: dict[str, Any], *, exists: bool) -> None:
        """Creates or updates the project."""
        if not exists:
            try:
                self._codebuild.create_project(**description)
            except ClientError as error:
                # Only this environment has its name: the call was accepted before, and its response lost.
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
            else:
                return
        self._codebuild.update_project(**as_update(description))

    def stop_build(self, build: dict[str, Any]) -> None:
        """Ends a build."""
        self._codebuild.stop_build(id=build["id"])

    def start_build(self, **overrides: Any) -> None:
        """Starts the deployment's build, with overrides of StartBuild."""
        self._codebuild.start_build(
            projectName=self.name,
            # It is valid for five minutes: a later repetition finds the build by its variable.
            idempotencyToken=self._work.deployment_id,
            environmentVariablesOverride=[{"name": _DEPLOYMENT, "value": self._work.deployment_id}],
            **overrides,
        )

    def read_outputs(self) -> list[dict[str, str]]:
        """The outputs of the last build that succeeded. Raises OutputsError."""
        response = self._s3.get_object(**self._bucket, Key=self._outputs)
        return read_outputs(response["Body"].read(_MAX_OUTPUTS_BYTES))

    def clear(self) -> None:
        """Deletes everything, the project last: while it exists, a repetition deletes the rest."""
        self.delete_objects()
        self._codebuild.delete_project(name=self.name)

    def delete_objects(self) -> None:
        """Deletes what the builds read and wrote, if it is there."""
        keys = [{"Key": self._source}, {"Key": self._outputs}]
        try:
            self._s3.delete_objects(**self._bucket, Delete={"Objects": keys, "Quiet": True})
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise


def _name(work: Work) -> str:
    """The project's name: the same at every call, and another one if the environment is created again."""
    name, arn, created_at = (work.environment[member] for member in ("name", "arn", "createdAt"))
    seed = hashlib.sha256(f"{arn} {created_at}".encode()).hexdigest()
    return f"AWSProton-{name[:100]}-{seed[:12]}"
