"""One environment that Proton proposes in a pull request, and the customer's own automation provisions."""

import pulumi

import pulumi_aws_proton as proton

environment = proton.Environment(
    "network",
    template_name="network",
    template_major_version="1",
    spec={"cidr_block": "10.0.0.0/16"},
    provisioning_repository={"provider": "GITHUB", "name": "acme/infrastructure", "branch": "main"},
)

pulumi.export("status", environment.deployment_status)
pulumi.export("outputs", environment.outputs)
