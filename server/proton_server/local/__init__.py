"""The local AWS: moto on our port, with a CloudFormation that deploys any template.

For `proton-server local` only: it takes any credentials. Nothing else in the server may import this package,
and only this package may import moto.
"""

from __future__ import annotations

from proton_server.local.accounts import DEFAULT_ACCOUNT, account_of
from proton_server.local.aws import aws_app

__all__ = ["DEFAULT_ACCOUNT", "account_of", "aws_app"]
