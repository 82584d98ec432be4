"""A program with a mistake in each line marked: type checkers reject those lines and no others."""

from __future__ import annotations

import pulumi_aws_proton as proton
import pulumi_aws_proton.plugin as native
from pulumi_aws_proton import AccountSettings, Environment, EnvironmentAccountConnectionAccepter

Environment("a", template_name="t", template_major_version="1")  # wrong
Environment("b", template_name="t", template_major_version=1, spec={})  # wrong
Environment("c", template_name="t", template_major_version="1", spec=3)  # wrong
Environment("d", template_name="t", template_major_version="1", spec={}, descripton="")  # wrong
Environment("e", template_name="t", template_major_version="1", spec={}, timeouts={"up": "1h"})  # wrong
Environment("f", template_name="t", template_major_version="1", spec={}, max_deployment_type="")  # wrong
proton.EnvironmentAccountConnection("g", environment_name="dev")  # wrong
EnvironmentAccountConnectionAccepter("h", connection_id="x", decision="MAYBE")  # wrong
AccountSettings("i", pipeline_provisioning_repository={"provider": "GITHUB", "name": "a/b"})  # wrong
proton.AccountArgs(profle="dev")  # wrong
len(AccountSettings("j").urn)  # wrong
len(AccountSettings("k").pipeline_role_arn)  # wrong

native.Environment("l", template_name="t", template_major_version="1")  # wrong
native.Provider("m", regoin="us-east-1")  # wrong
native.Provider("n", max_deployment_type="SOME")  # wrong
native.get_environment()  # wrong
native.get_environments(environment_templates=["vpc"])  # wrong
native.get_environment_account_connections(requested_by="ME")  # wrong
len(native.get_environment(name="dev").deployment_type)  # wrong
