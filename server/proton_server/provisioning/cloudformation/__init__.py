"""AWS-managed provisioning: an environment is a CloudFormation stack."""
