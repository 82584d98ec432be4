"""Walks through Proton with boto3: `boto3_walk.py WALK` prints a line of JSON for each step of a walk."""

import json
import os
import sys
import time

import boto3
from botocore.exceptions import ClientError, WaiterError

ACCOUNT, OTHER_ACCOUNT = os.environ["WALK_ACCOUNT"], os.environ["WALK_OTHER_ACCOUNT"]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/proton"
OTHER_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/proton"
EVERY_SECOND = {"Delay": 1, "MaxAttempts": 120}


def spec(title):
    return f"proton: EnvironmentSpec\nspec: {{title: {title}}}\n"


def bundle(name):
    return {"s3": {"bucket": os.environ["WALK_BUCKET"], "key": f"{name}.tar.gz"}}


def show(step, /, **line):
    sys.stdout.write(json.dumps({"step": step, **line}, default=lambda value: value.isoformat()) + "\n")
    sys.stdout.flush()


def attempt(title, method, call):
    """Shows what a call answers, and returns it."""
    answer, outcome = {}, {"outcome": "OK"}
    try:
        answer = call()
        answer.pop("ResponseMetadata", None)
    except ClientError as error:
        outcome = {"outcome": type(error).__name__, "message": error.response["Error"]["Message"]}
    operation = method.__self__.meta.method_to_api_mapping[method.__name__]
    show(title, operation=operation, answer=answer, **outcome)
    return answer


def step(title, method, /, **members):
    return attempt(title, method, lambda: method(**members))


def pages(title, method, /, size=1, **members):
    paginator = method.__self__.get_paginator(method.__name__)
    pages = paginator.paginate(**members, PaginationConfig={"PageSize": size})
    return attempt(title, method, pages.build_full_result)


def wait(title, proton, waiter, /, **members):
    outcome = "OK"
    try:
        proton.get_waiter(waiter).wait(**members, WaiterConfig=EVERY_SECOND)
    except WaiterError as error:
        outcome = "Failure" if "terminal failure" in str(error) else str(error)
    show(title, waiter="".join(word.title() for word in waiter.split("_")), outcome=outcome)


def look_until_it_is_not(title, proton, environment, status):
    """Proton has no waiter for these."""
    try:
        while proton.get_environment(name=environment)["environment"]["deploymentStatus"] == status:
            time.sleep(0.5)
    except proton.exceptions.ResourceNotFoundException:
        pass
    step(title, proton.get_environment, name=environment)


def register(proton, version, name, **major):
    step(
        f"register {version}",
        proton.create_environment_template_version,
        templateName="network",
        source=bundle(name),
        description=name,
        **major,
    )
    key = dict(zip(("majorVersion", "minorVersion"), version.split("."), strict=True))
    waiter = "environment_template_version_registered"
    wait(f"wait for {version}", proton, waiter, templateName="network", **key)
    return {"templateName": "network", **key}


def publish(proton, version, name, **major):
    key = register(proton, version, name, **major)
    step(f"publish {version}", proton.update_environment_template_version, **key, status="PUBLISHED")
    return key


def templates(proton):
    tags = [{"key": "team", "value": "platform"}]
    step(
        "create a template",
        proton.create_environment_template,
        name="network",
        displayName="Network",
        description="Ours",
        tags=tags,
    )
    step("create it again, with another description", proton.create_environment_template, name="network")
    step("create one with an invalid name", proton.create_environment_template, name="no name")
    step("get the template", proton.get_environment_template, name="network")
    step("get a template that does not exist", proton.get_environment_template, name="missing")
    step("update the template", proton.update_environment_template, name="network", displayName="Networks")
    first = publish(proton, "1.0", "first")
    step("get the version", proton.get_environment_template_version, **first)
    publish(proton, "1.1", "second", majorVersion="1")
    publish(proton, "2.0", "third")
    broken = register(proton, "3.0", "broken")
    step("delete the version that is broken", proton.delete_environment_template_version, **broken)
    network = {"templateName": "network"}
    pages("list the major versions", proton.list_environment_template_versions, **network)
    minor = {**network, "majorVersion": "1"}
    pages("list the minor versions", proton.list_environment_template_versions, **minor)
    pages("list the templates", proton.list_environment_templates)
    step("delete a template that has versions", proton.delete_environment_template, name="network")
    step("create a template without versions", proton.create_environment_template, name="empty")
    step("delete it", proton.delete_environment_template, name="empty")


def environments(proton):
    version = {"templateName": "network", "templateMajorVersion": "1", "templateMinorVersion": "0"}
    own = {"name": "production", "protonServiceRoleArn": ROLE, **version}
    made = step("create an environment", proton.create_environment, **own, spec=spec("one"))
    arn = made["environment"]["arn"]
    step("create it again, with another spec", proton.create_environment, **own, spec=spec("two"))
    wait("wait for its creation", proton, "environment_deployed", name="production")
    step("get the environment", proton.get_environment, name="production")
    step("get an environment that does not exist", proton.get_environment, name="missing")

    def update(title, kind, **members):
        step(title, proton.update_environment, name="production", deploymentType=kind, **members)

    def deploy(kind, **members):
        update(f"update with {kind}", kind, **members)
        wait(f"wait for {kind}", proton, "environment_deployed", name="production")

    update("update with NONE", "NONE", description="Ours")
    deploy("CURRENT_VERSION", spec=spec("two"))
    deploy("MINOR_VERSION")
    deploy("MAJOR_VERSION", templateMajorVersion="2", templateMinorVersion="0")
    update("update with a spec that the schema refuses", "CURRENT_VERSION", spec=spec("[]"))
    own = {"environmentName": "production", "size": None}
    pages("list the outputs", proton.list_environment_outputs, **own)
    pages("list the resources", proton.list_environment_provisioned_resources, **own)

    update("begin another update", "CURRENT_VERSION", spec=spec("three"))
    step("cancel it", proton.cancel_environment_deployment, environmentName="production")
    look_until_it_is_not("get the environment after the cancellation", proton, "production", "CANCELLING")
    step("cancel what is not in progress", proton.cancel_environment_deployment, environmentName="production")

    pages("list the deployments", proton.list_deployments, environmentName="production")
    last = proton.get_environment(name="production")["environment"]["lastAttemptedDeploymentId"]
    step("get a deployment", proton.get_deployment, id=last)
    step("delete a deployment", proton.delete_deployment, id=last)

    tags = [{"key": key, "value": "yes"} for key in ("a", "b", "c")]
    step("tag the environment", proton.tag_resource, resourceArn=arn, tags=tags)
    step("untag it", proton.untag_resource, resourceArn=arn, tagKeys=["b"])
    pages("list the tags", proton.list_tags_for_resource, resourceArn=arn)


def builds(proton):
    step(
        "create an environment with CodeBuild",
        proton.create_environment,
        name="builds",
        templateName="builds",
        templateMajorVersion="1",
        spec=spec("one"),
        codebuildRoleArn=ROLE,
    )
    wait("wait for its build", proton, "environment_deployed", name="builds")
    outputs = [{"key": "Address", "valueString": "10.0.0.1"}]
    arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/builds"
    step(
        "notify of outputs", proton.notify_resource_deployment_status_change, resourceArn=arn, outputs=outputs
    )
    pages("list what was notified", proton.list_environment_outputs, environmentName="builds", size=None)
    pages("list the environments", proton.list_environments)
    of = [{"templateName": "network", "majorVersion": "2"}]
    pages("list those of a template", proton.list_environments, environmentTemplates=of)
    for name in ("production", "builds"):
        step(f"delete {name}", proton.delete_environment, name=name)
        look_until_it_is_not(f"get {name} when it is deleted", proton, name, "DELETE_IN_PROGRESS")


def account(proton):
    step("get the settings of an account that has none", proton.get_account_settings)
    step("set a role", proton.update_account_settings, pipelineCodebuildRoleArn=ROLE)
    step("get the settings", proton.get_account_settings)
    link = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1"
    for name in ("acme/one", "acme/two"):
        step(f"link {name}", proton.create_repository, provider="GITHUB", name=name, connectionArn=link)
    step("get a repository", proton.get_repository, provider="GITHUB", name="acme/one")
    pages("list the repositories", proton.list_repositories)
    step("delete a repository", proton.delete_repository, provider="GITHUB", name="acme/two")


def handshake():
    management, environment = (
        boto3.Session(profile_name=name).client("proton") for name in ("management", "environment")
    )
    ask = {"managementAccountId": ACCOUNT, "environmentName": "far", "roleArn": OTHER_ROLE}
    asked = step("ask for a connection", environment.create_environment_account_connection, **ask)
    connection = asked["environmentAccountConnection"]["id"]
    mine = {"requestedBy": "ENVIRONMENT_ACCOUNT", "environmentName": "far"}
    pages("list what was asked for", environment.list_environment_account_connections, **mine)
    theirs = {"requestedBy": "MANAGEMENT_ACCOUNT", "statuses": ["PENDING"]}
    pages("list what is to be accepted", management.list_environment_account_connections, **theirs)
    step("accept it where it was asked for", environment.accept_environment_account_connection, id=connection)
    step("accept it", management.accept_environment_account_connection, id=connection)
    step("get the connection", environment.get_environment_account_connection, id=connection)
    changed = {"id": connection, "roleArn": f"{OTHER_ROLE}-2"}
    step("change its role", environment.update_environment_account_connection, **changed)
    step(
        "create an environment through it",
        management.create_environment,
        name="far",
        templateName="shared",
        templateMajorVersion="1",
        spec=spec("far"),
        environmentAccountConnectionId=connection,
    )
    wait("wait for it", management, "environment_deployed", name="far")
    step("reject what is in use", management.reject_environment_account_connection, id=connection)
    step("delete far", management.delete_environment, name="far")
    look_until_it_is_not("get far when it is deleted", management, "far", "DELETE_IN_PROGRESS")
    step("delete the connection", environment.delete_environment_account_connection, id=connection)
    asked = step("ask for another", environment.create_environment_account_connection, **ask)
    other = asked["environmentAccountConnection"]["id"]
    step("reject it", management.reject_environment_account_connection, id=other)
    step("get what another account has", environment.get_environment, name="far")


def twice():
    proton = boto3.client("proton")
    step("list the environments", proton.list_environments)
    step("list them again", proton.list_environments)


def walk():
    proton = boto3.client("proton")
    templates(proton)
    environments(proton)
    builds(proton)
    account(proton)


{"walk": walk, "handshake": handshake, "twice": twice}[sys.argv[1]]()
