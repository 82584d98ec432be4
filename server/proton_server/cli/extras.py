"""What `proton-server` says where an extra of the package is not installed.

The provider's package brings the server along without its dependencies: the extra `server` has those of
everything but `local`, and the extra `local` has all.
"""

from __future__ import annotations


def missing(module: str, extra: str) -> str:
    """One sentence: the module that is not there, and the extra that brings it."""
    return (
        f"proton-server needs {module}, which is not installed: install the {extra} extra with "
        f"`pip install 'pulumi-aws-proton[{extra}]'`, from a clone with `pip install '.[{extra}]'`"
    )
