"""The management account's side, run with its credentials: it waits for the request, accepts, and deploys."""

import pulumi

import pulumi_aws_proton as proton

accepted = proton.EnvironmentAccountConnectionAccepter(
    "shared",
    # The other team's stack is not known here: a request is found by what it is for and who makes it.
    environment_name="shared",
    environment_account_id=pulumi.Config().require("environmentAccount"),
    wait_for_request=True,
    timeouts={"create": "8h"},
)

environment = proton.Environment(
    "shared",
    template_name="quickstart",
    template_major_version="1",
    spec={"team": "research"},
    environment_account_connection_id=accepted.connection_id,
)

pulumi.export("connection", accepted.connection_id)
pulumi.export("outputs", environment.outputs)
