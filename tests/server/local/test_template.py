"""What is refused of a template before anything is created, and the order of what is created."""

from __future__ import annotations

import json

import pytest

from proton_server.local.cloudformation.errors import TemplateError
from proton_server.local.cloudformation.template import read_template

TOPIC = "{Type: AWS::SNS::Topic}"


def test_short_tags_are_functions_and_dates_stay_text() -> None:
    template = read_template(
        """
        Resources:
          A:
            Type: AWS::SNS::Topic
            Properties:
              Att: !GetAtt [B, Arn]
              Dotted: !GetAtt B.Outputs.Url
              Sub: !Sub ['${x}', {x: !Ref B}]
              Version: 2012-10-17
              Flag: Yes
              If: !If [C, 1, !Ref AWS::NoValue]
          B: {Type: AWS::SNS::Topic}
        Conditions:
          C: !Not [!Condition D]
          D: !Equals [1, 1]
        """
    )
    assert template.resources["A"]["Properties"] == {
        "Att": {"Fn::GetAtt": ["B", "Arn"]},
        "Dotted": {"Fn::GetAtt": "B.Outputs.Url"},
        "Sub": {"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]},
        "Version": "2012-10-17",
        "Flag": True,
        "If": {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
    }
    assert template.conditions["C"] == {"Fn::Not": [{"Condition": "D"}]}
    assert sorted(template.attributes()) == [("B", "Arn"), ("B", "Outputs.Url")]


def test_json_may_be_indented_with_tabs() -> None:
    document = {"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}
    assert read_template(json.dumps(document, indent="\t")).types() == {"AWS::SNS::Topic"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Resources: [\n", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ('{"Resources": ', "Template format error: JSON not well-formed. (line 1"),
        ("just text", "Template format error: unsupported structure."),
        ("Resources: {}", "At least one Resources member must be defined."),
        ("Description: none", "At least one Resources member must be defined."),
        (f"Resources: {{A: {TOPIC}}}\nOutputs:", "[/Outputs] 'null' values are not allowed in templates"),
        (f"Resources: {{A: {TOPIC}}}\nResorces: {{}}", "Invalid template property or properties [Resorces]"),
        (
            "Resources: {A: {Properties: {}}}",
            "[/Resources/A] Every Resources object must contain a Type member.",
        ),
        ("Resources: {A: {Type: T, Propertis: {}}}", "Invalid template resource property 'Propertis'"),
        (f"Resources: {{A-1: {TOPIC}}}", "Resource name A-1 is non alphanumeric."),
        (
            f"Resources: {{A: {TOPIC}}}\nOutputs: {{O: {{}}}}",
            "Every Outputs member must contain a Value object",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Nobody}}}",
            "Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: Nobody}}",
            "Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            f"Resources: {{A: {TOPIC}}}\nOutputs: {{O: {{Value: !Sub '${{Nobody}}'}}}}",
            "Unresolved resource dependencies [Nobody] in the Outputs block of the template",
        ),
        (
            f"Resources: {{A: {TOPIC}}}\nOutputs: {{O: {{Value: !GetAtt Nobody.Arn}}}}",
            "instance of Fn::GetAtt references undefined resource Nobody",
        ),
        (
            f"Resources: {{A: {TOPIC}}}\nConditions: {{C: !Equals [!Ref A, 1]}}",
            "Unresolved resource dependencies [A] in the Conditions block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Condition: Never}}",
            "Unresolved condition dependency Never in the Resources block",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Nonsense x}}}",
            "Encountered unsupported function: Fn::Nonsense",
        ),
    ],
)
def test_an_unsound_template_is_refused_with_a_sentence(body: str, sentence: str) -> None:
    with pytest.raises(TemplateError) as fault:
        read_template(body)
    assert sentence in str(fault.value)


def test_resources_come_after_what_they_depend_on() -> None:
    template = read_template(
        """
        Resources:
          Last: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub '${Middle.TopicName}'}}
          Middle: {Type: AWS::SNS::Topic, DependsOn: [First]}
          First: {Type: AWS::SNS::Topic}
        """
    )
    assert template.order({}) == ["First", "Middle", "Last"]


def test_a_circle_is_refused() -> None:
    template = read_template(
        "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: A}, C: {Type: T}}"
    )
    with pytest.raises(TemplateError, match=r"Circular dependency between resources: \[A, B\]"):
        template.order({})


CONDITIONAL = """
Conditions: {Wanted: !Equals [1, 2]}
Resources:
  Maybe: {Type: AWS::SNS::Topic, Condition: Wanted}
  Always: {Type: AWS::SNS::Topic, Properties: {TopicName: !If [Wanted, !Ref Maybe, fixed]}, DependsOn: Maybe}
"""


def test_a_resource_whose_condition_is_false_is_left_out_with_what_mentions_it() -> None:
    template = read_template(CONDITIONAL)
    assert template.order({"Wanted": True}) == ["Maybe", "Always"]
    assert template.order({"Wanted": False}) == ["Always"]


def test_using_a_resource_that_is_left_out_is_refused() -> None:
    template = read_template(CONDITIONAL + "Outputs: {Id: {Value: !Ref Maybe}}")
    with pytest.raises(TemplateError, match=r"\[Maybe\] in the Outputs block"):
        template.order({"Wanted": False})
