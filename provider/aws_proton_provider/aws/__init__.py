"""The calls to AWS Proton: the only importer of boto3."""
