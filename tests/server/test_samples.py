"""AWS's own sample bundles, unchanged, from publishing to the end of an environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.environments import create
from tests.waiting import ended, gone

SAMPLES = sorted((Path(__file__).parents[3] / "shared" / "samples").glob("*-env"))


class _Template(yaml.SafeLoader):
    """Reads a CloudFormation template for its outputs' names; what its short forms mean does not matter."""


_Template.add_multi_constructor("!", lambda *_: None)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda folder: folder.name)
def test_a_sample_deploys_unchanged_with_all_its_outputs_and_goes_again(
    proton: Any, published_template: Callable[..., str], sample: Path
) -> None:
    template = published_template(sample / "v1")
    text = (sample / "v1" / "infrastructure" / "cloudformation.yaml").read_text()

    name = create(proton, template, spec=(sample / "spec" / "spec.yaml").read_text())["name"]

    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    outputs = proton.list_environment_outputs(environmentName=name)["outputs"]
    assert {output["key"] for output in outputs} == yaml.load(text, _Template)["Outputs"].keys()
    proton.delete_environment(name=name)
    gone(proton, name)
