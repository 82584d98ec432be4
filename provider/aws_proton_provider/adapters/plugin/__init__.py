"""The native plugin, `pulumi-resource-aws-proton`: the resources over Pulumi's provider protocol."""
