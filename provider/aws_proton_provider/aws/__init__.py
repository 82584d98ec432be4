"""The calls to AWS Proton: the only importer of botocore."""
