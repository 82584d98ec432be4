"""Values that moto does not have and AWS would: plausible, and no reason to refuse what uses them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.local.local_aws import outputs_of

TEMPLATES = {
    "an item of a list that nothing stands behind": """
Resources:
  Directory:
    Type: AWS::DirectoryService::SimpleAD
    Properties:
      Name: a.example.com
      Size: Small
      Password: Correct-horse1
      VpcSettings: {VpcId: vpc-12345678, SubnetIds: [subnet-12345678, subnet-87654321]}
Outputs: {O: {Value: !Select [1, !GetAtt Directory.DnsIpAddresses]}}
""",
    "a subnet of a network's IPv6 range": """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Range: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
Outputs: {O: {Value: !Select [3, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]}}
""",
    "a security group that is known by an attribute alone": """
Resources:
  Balancer:
    Type: AWS::ElasticLoadBalancing::LoadBalancer
    Properties:
      AvailabilityZones: [us-east-1a]
      Listeners: [{LoadBalancerPort: '80', InstancePort: '80', Protocol: HTTP}]
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: from the balancer alone
      SecurityGroupIngress:
        - IpProtocol: tcp
          FromPort: 80
          ToPort: 80
          SourceSecurityGroupName: !GetAtt Balancer.SourceSecurityGroup.GroupName
Outputs: {O: {Value: !GetAtt Group.GroupId}}
""",
    "a public parameter": """
Parameters:
  Image:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
    Default: /aws/service/debian/release/12/latest/amd64
Resources: {Topic: {Type: AWS::SNS::Topic}}
Outputs: {O: {Value: !Ref Image}}
""",
    "a document whose format and type are the defaults": """
Resources:
  Document:
    Type: AWS::SSM::Document
    Properties: {Content: {schemaVersion: '2.2', description: d, mainSteps: []}}
Outputs: {O: {Value: !Ref Document}}
""",
    "a group of machines whose volumes have the size of their image": """
Parameters: {Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /aws/service/a/image}}
Resources:
  Launch:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref Image
        InstanceType: t3.micro
        BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {VolumeType: gp3, Encrypted: true}}]
  Machines:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: '1'
      MaxSize: '1'
      AvailabilityZones: [us-east-1a]
      LaunchTemplate: {LaunchTemplateId: !Ref Launch, Version: !GetAtt Launch.LatestVersionNumber}
Outputs: {O: {Value: !Ref Machines}}
""",
}


@pytest.mark.parametrize("what", TEMPLATES)
def test_a_template_that_aws_would_deploy_is_deployed(cloudformation: Any, what: str) -> None:
    cloudformation.create_stack(StackName="made-up", TemplateBody=TEMPLATES[what])
    (stack,) = cloudformation.describe_stacks(StackName="made-up")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    assert outputs_of(stack)["O"]


def test_a_parameter_that_aws_does_not_publish_is_refused(cloudformation: Any) -> None:
    template = TEMPLATES["a public parameter"].replace("/aws/service/", "/mine/")
    with pytest.raises(cloudformation.exceptions.ClientError) as refused:
        cloudformation.create_stack(StackName="made-up", TemplateBody=template)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "Unable to fetch parameters [/mine/debian/" in refused.value.response["Error"]["Message"]
