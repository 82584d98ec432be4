"""The tags that AWS Proton puts on what it provisions: of which account, template and environment it is.

https://docs.aws.amazon.com/proton/latest/userguide/resources.html
"""

from __future__ import annotations

ACCOUNT_TAG = "proton:account"
TEMPLATE_TAG = "proton:template"
ENVIRONMENT_TAG = "proton:environment"
PROTON_TAGS = frozenset({ACCOUNT_TAG, TEMPLATE_TAG, ENVIRONMENT_TAG})
"""Those on what is provisioned for an environment. Services, their instances and components have more."""
TAG_PREFIX = "proton:"
"""How the keys of all of them begin."""
