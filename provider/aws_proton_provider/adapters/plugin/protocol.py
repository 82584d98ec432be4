"""Pulumi's messages without the SDK around them: importing that takes longer than all else at the start.

`pulumi.runtime.proto` needs nothing of the packages that it lies in, but Python runs their `__init__` first.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def skip_sdk() -> None:
    """Makes `pulumi.runtime.proto` importable alone, in a process that uses nothing else of the SDK."""
    for name in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(name)
        if name in sys.modules or spec is None or spec.submodule_search_locations is None:
            return
        package = types.ModuleType(name)
        package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations)
        sys.modules[name] = package
