"""AWS's own sample bundles, unchanged, from publishing to the end of an environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from proton_server.provisioning import Place
from proton_server.provisioning.cloudformation.templates import rendered_template
from proton_templates.bundle import pack, read_bundle
from proton_templates.spec import read_inputs
from tests.names import ACCOUNT, REGION, SERVICE_ROLE, unique
from tests.server.environments import create
from tests.servers import ServedBesideAws
from tests.stacks_left_behind import leave_behind, tags_of
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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda folder: folder.name)
def test_a_stack_of_a_sample_is_adopted_with_its_spec_and_changes_with_an_input_only(
    proton_server: ServedBesideAws, proton: Any, published_template: Callable[..., str], sample: Path
) -> None:
    published, name = published_template(sample / "v1"), unique("sample")
    cloudformation = proton_server.client("cloudformation")
    bundle = read_bundle(pack(sample / "v1"), customer_managed=False)
    spec = (sample / "spec" / "spec.yaml").read_text()
    inputs = read_inputs(spec, bundle.input_schema)
    (content,) = rendered_template(bundle, inputs, Place(name, ACCOUNT, REGION)).values()
    stack = leave_behind(cloudformation, name, content.decode(), tags_of(name, published))
    before = cloudformation.describe_stacks(StackName=stack)["Stacks"]

    adoption = proton_server.client("proton-server").adopt_environment(
        environmentName=name, stackId=stack, protonServiceRoleArn=SERVICE_ROLE
    )["adoption"]
    proton.update_environment(name=name, deploymentType="CURRENT_VERSION")

    recovered = read_inputs(adoption["spec"], bundle.input_schema)
    unseen = set(adoption["inputsWithoutTrace"])
    assert {key: value for key, value in recovered.items() if key not in unseen} == {
        key: value for key, value in inputs.items() if key not in unseen
    }
    assert ended(proton, name)["deploymentStatus"] == "SUCCEEDED"
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"] == before
    proton.delete_environment(name=name)
    gone(proton, name)
