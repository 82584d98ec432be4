"""Walks through Proton with the AWS CLI: `aws_cli_walk.py [AWS] WALK` prints a line of JSON for each step.

AWS is the program of version 2. Without it this is run by the Python of version 1's environment, and calls
what its program calls, in this process: to import it takes more than a second.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time

*PROGRAM, WALK = sys.argv[1:]
if not PROGRAM:
    from awscli.clidriver import create_clidriver

ACCOUNT, OTHER_ACCOUNT = os.environ["WALK_ACCOUNT"], os.environ["WALK_OTHER_ACCOUNT"]
BUCKET = os.environ["WALK_BUCKET"]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/proton"
OTHER_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/proton"
ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation: (.*)")


def spec(title):
    return f"proton: EnvironmentSpec\nspec: {{title: {title}}}\n"


class Walk:
    """The steps of one profile."""

    def __init__(self, *options):
        self._options = options
        self._driver = None if PROGRAM else create_clidriver()

    def run(self, *arguments):
        """The exit code of a command, and what it prints."""
        command = ["proton", *arguments, "--output", "json", *self._options]
        if PROGRAM:
            done = subprocess.run([*PROGRAM, *command], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        with (
            contextlib.redirect_stdout(io.StringIO()) as output,
            contextlib.redirect_stderr(io.StringIO()) as errors,
        ):
            code = self._driver.main(command)
        return code, output.getvalue(), errors.getvalue()

    def look(self, command, *arguments):
        """What a command answers, and how it ended."""
        code, output, errors = self.run(command, *arguments)
        if code == 0:
            return json.loads(output or "{}"), {"outcome": "OK"}
        error = ERROR.search(errors)
        if error is None:
            raise RuntimeError(errors)
        return {}, {"outcome": error[1], "message": error[3]}

    def step(self, title, command, *arguments):
        answer, outcome = self.look(command, *arguments)
        show(title, operation=camel(command), answer=answer, **outcome)
        return answer

    def wait(self, title, waiter, *arguments):
        code, _, errors = self.run("wait", waiter, *arguments)
        outcome = "OK" if code == 0 else "Failure" if "terminal failure" in errors else errors
        show(title, waiter=camel(waiter), outcome=outcome)

    def look_until_it_is_not(self, title, environment, status):
        """Proton has no waiter for these."""
        get = ("get-environment", "--name", environment)
        while self.look(*get)[0].get("environment", {}).get("deploymentStatus") == status:
            time.sleep(0.5)
        self.step(title, *get)

    def register(self, version, name, *major):
        source = f"s3={{bucket={BUCKET},key={name}.tar.gz}}"
        template = ("--template-name", "network")
        create = ("create-environment-template-version", *template, "--source", source)
        self.step(f"register {version}", *create, "--description", name, *major)
        major_version, minor_version = version.split(".")
        key = (*template, "--major-version", major_version, "--minor-version", minor_version)
        self.wait(f"wait for {version}", "environment-template-version-registered", *key)
        return key

    def publish(self, version, name, *major):
        key = self.register(version, name, *major)
        update = ("update-environment-template-version", *key)
        self.step(f"publish {version}", *update, "--status", "PUBLISHED")
        return key


def camel(command):
    return "".join(word.title() for word in command.split("-"))


def show(step, /, **line):
    sys.stdout.write(json.dumps({"step": step, **line}) + "\n")
    sys.stdout.flush()


def templates(walk):
    step, name, missing = walk.step, ("--name", "network"), ("--name", "missing")
    described = ("--display-name", "Network", "--description", "Ours", "--tags", "key=team,value=platform")
    step("create a template", "create-environment-template", *name, *described)
    step("create it again, with another description", "create-environment-template", *name)
    step("create one with an invalid name", "create-environment-template", "--name", "no name")
    step("get the template", "get-environment-template", *name)
    step("get a template that does not exist", "get-environment-template", *missing)
    step("update the template", "update-environment-template", *name, "--display-name", "Networks")
    first = walk.publish("1.0", "first")
    step("get the version", "get-environment-template-version", *first)
    walk.publish("1.1", "second", "--major-version", "1")
    walk.publish("2.0", "third")
    broken = walk.register("3.0", "broken")
    step("delete the version that is broken", "delete-environment-template-version", *broken)
    pages = ("--page-size", "1")
    of = ("--template-name", "network")
    versions = ("list-environment-template-versions", *of, *pages)
    step("list the major versions", *versions)
    step("list the minor versions", *versions, "--major-version", "1")
    step("list the templates", "list-environment-templates", *pages)
    step("delete a template that has versions", "delete-environment-template", *name)
    step("create a template without versions", "create-environment-template", "--name", "empty")
    step("delete it", "delete-environment-template", "--name", "empty")


def environments(walk):
    step, name, of = walk.step, ("--name", "production"), ("--environment-name", "production")
    version = ("--template-name", "network", "--template-major-version", "1", "--template-minor-version", "0")
    own = (*name, *version, "--proton-service-role-arn", ROLE)
    made = step("create an environment", "create-environment", *own, "--spec", spec("one"))
    step("create it again, with another spec", "create-environment", *own, "--spec", spec("two"))
    walk.wait("wait for its creation", "environment-deployed", *name)
    step("get the environment", "get-environment", *name)
    step("get an environment that does not exist", "get-environment", "--name", "missing")

    def update(title, kind, *arguments):
        step(title, "update-environment", *name, "--deployment-type", kind, *arguments)

    def deploy(kind, *arguments):
        update(f"update with {kind}", kind, *arguments)
        walk.wait(f"wait for {kind}", "environment-deployed", *name)

    update("update with NONE", "NONE", "--description", "Ours")
    deploy("CURRENT_VERSION", "--spec", spec("two"))
    deploy("MINOR_VERSION")
    deploy("MAJOR_VERSION", "--template-major-version", "2", "--template-minor-version", "0")
    update("update with a spec that the schema refuses", "CURRENT_VERSION", "--spec", spec("[]"))
    step("list the outputs", "list-environment-outputs", *of)
    step("list the resources", "list-environment-provisioned-resources", *of)

    update("begin another update", "CURRENT_VERSION", "--spec", spec("three"))
    step("cancel it", "cancel-environment-deployment", *of)
    walk.look_until_it_is_not("get the environment after the cancellation", "production", "CANCELLING")
    step("cancel what is not in progress", "cancel-environment-deployment", *of)

    step("list the deployments", "list-deployments", *of, "--page-size", "1")
    found, _ = walk.look("get-environment", *name)
    last = ("--id", found["environment"]["lastAttemptedDeploymentId"])
    step("get a deployment", "get-deployment", *last)
    step("delete a deployment", "delete-deployment", *last)

    arn = ("--resource-arn", made["environment"]["arn"])
    tags = [f"key={key},value=yes" for key in ("a", "b", "c")]
    step("tag the environment", "tag-resource", *arn, "--tags", *tags)
    step("untag it", "untag-resource", *arn, "--tag-keys", "b")
    step("list the tags", "list-tags-for-resource", *arn, "--page-size", "1")


def builds(walk):
    step, name = walk.step, ("--name", "builds")
    version = ("--template-name", "builds", "--template-major-version", "1", "--spec", spec("one"))
    create = ("create-environment", *name, *version, "--codebuild-role-arn", ROLE)
    step("create an environment with CodeBuild", *create)
    walk.wait("wait for its build", "environment-deployed", *name)
    notify = ("notify-resource-deployment-status-change", "--resource-arn")
    arn = f"arn:aws:proton:us-east-1:{ACCOUNT}:environment/builds"
    step("notify of outputs", *notify, arn, "--outputs", "key=Address,valueString=10.0.0.1")
    step("list what was notified", "list-environment-outputs", "--environment-name", "builds")
    pages = ("--page-size", "1")
    step("list the environments", "list-environments", *pages)
    of = ("--environment-templates", "templateName=network,majorVersion=2")
    step("list those of a template", "list-environments", *of, *pages)
    for environment in ("production", "builds"):
        step(f"delete {environment}", "delete-environment", "--name", environment)
        deleted = f"get {environment} when it is deleted"
        walk.look_until_it_is_not(deleted, environment, "DELETE_IN_PROGRESS")


def account(walk):
    step = walk.step
    step("get the settings of an account that has none", "get-account-settings")
    step("set a role", "update-account-settings", "--pipeline-codebuild-role-arn", ROLE)
    step("get the settings", "get-account-settings")
    link = ("--connection-arn", f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/1")
    one, two = (("--provider", "GITHUB", "--name", name) for name in ("acme/one", "acme/two"))
    step("link acme/one", "create-repository", *one, *link)
    step("link acme/two", "create-repository", *two, *link)
    step("get a repository", "get-repository", *one)
    step("list the repositories", "list-repositories", "--page-size", "1")
    step("delete a repository", "delete-repository", *two)


def handshake():
    management, environment = Walk("--profile", "management"), Walk("--profile", "environment")
    create = "create-environment-account-connection"
    far = ("--environment-name", "far")
    ask = (create, "--management-account-id", ACCOUNT, *far, "--role-arn", OTHER_ROLE)
    asked = environment.step("ask for a connection", *ask)
    connection = asked["environmentAccountConnection"]["id"]
    key = ("--id", connection)
    listed = ("list-environment-account-connections", "--page-size", "1", "--requested-by")
    environment.step("list what was asked for", *listed, "ENVIRONMENT_ACCOUNT", *far)
    pending = ("MANAGEMENT_ACCOUNT", "--statuses", "PENDING")
    management.step("list what is to be accepted", *listed, *pending)
    accept = ("accept-environment-account-connection", *key)
    environment.step("accept it where it was asked for", *accept)
    management.step("accept it", *accept)
    environment.step("get the connection", "get-environment-account-connection", *key)
    changed = (*key, "--role-arn", f"{OTHER_ROLE}-2")
    environment.step("change its role", "update-environment-account-connection", *changed)
    version = ("--template-name", "shared", "--template-major-version", "1", "--spec", spec("far"))
    through = ("--name", "far", *version, "--environment-account-connection-id", connection)
    management.step("create an environment through it", "create-environment", *through)
    management.wait("wait for it", "environment-deployed", "--name", "far")
    management.step("reject what is in use", "reject-environment-account-connection", *key)
    management.step("delete far", "delete-environment", "--name", "far")
    management.look_until_it_is_not("get far when it is deleted", "far", "DELETE_IN_PROGRESS")
    environment.step("delete the connection", "delete-environment-account-connection", *key)
    other = environment.step("ask for another", *ask)["environmentAccountConnection"]["id"]
    management.step("reject it", "reject-environment-account-connection", "--id", other)
    environment.step("get what another account has", "get-environment", "--name", "far")


def twice():
    walk = Walk()
    walk.step("list the environments", "list-environments")
    walk.step("list them again", "list-environments")


def walk():
    walk = Walk()
    for part in (templates, environments, builds, account):
        part(walk)


{"walk": walk, "handshake": handshake, "twice": twice}[WALK]()
