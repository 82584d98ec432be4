"""The Pulumi resources for AWS Proton: `adapters` over `resources` over `aws` over `core`."""
