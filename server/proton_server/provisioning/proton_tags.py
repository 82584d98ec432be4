"""The tags that AWS Proton puts on what it provisions: of which account, template and environment it is.

https://docs.aws.amazon.com/proton/latest/userguide/resources.html
"""

from __future__ import annotations

ACCOUNT_TAG = "proton:account"
TEMPLATE_TAG = "proton:template"
ENVIRONMENT_TAG = "proton:environment"
