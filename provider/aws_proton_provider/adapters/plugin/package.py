"""The Pulumi package that the plugin serves: its version and its schema."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import pathlib
from typing import Any

_DISTRIBUTION = "pulumi-aws-proton"


@functools.cache
def version() -> str:
    """The version of the package and its SDKs, without a leading v."""
    return importlib.metadata.version(_DISTRIBUTION)


def schema() -> dict[str, Any]:
    """The schema (`make gen` writes it, without a version), with the version."""
    text = pathlib.Path(__file__).with_name("schema.json").read_text(encoding="utf-8")
    return {**json.loads(text), "version": version()}
