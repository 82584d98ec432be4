"""A template of many services, modelled by moto or not: every output has a value, and nothing stays."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.server.local.local_aws import LocalAws, outputs_of

TEMPLATE = """
Parameters:
  Password: {Type: String, Default: correct-horse, NoEcho: true}
  Retention: {Type: Number, Default: 7}
Conditions:
  Never: !Equals [a, b]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  SubnetA:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      AvailabilityZone: !Select [0, !GetAZs '']
  SubnetB:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      AvailabilityZone: !Select [1, !GetAZs '']
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: web, VpcId: !Ref Vpc}}
  Ingress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: '443', ToPort: '443', CidrIp: 0.0.0.0/0}
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Subnets: [!Ref SubnetA, !Ref SubnetB], SecurityGroups: [!GetAtt Group.GroupId]}
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: !Ref Vpc, Protocol: HTTP, Port: 80}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]
  DbSubnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupDescription: d, SubnetIds: [!Ref SubnetA, !Ref SubnetB]}
  Db:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBInstanceClass: db.t3.micro
      AllocatedStorage: '20'
      MasterUsername: admin1
      MasterUserPassword: !Ref Password
      DBSubnetGroupName: !Ref DbSubnets
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}]
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: 's3:*', Resource: '*', Condition: {StringEquals: {'aws:a': b}}}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: index.main
      Role: !GetAtt Role.Arn
      Timeout: '30'
      Code: {ZipFile: 'def main(event, context): return 1'}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Function
      Action: lambda:InvokeFunction
      Principal: events.amazonaws.com
      SourceArn: !GetAtt Rule.Arn
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 hour)
      Targets: [{Id: one, Arn: !GetAtt Function.Arn}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      DefinitionString: !Sub '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Function.Arn}",
          "End": true}}}'
  Logs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Retention}}
  Key:
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: {Version: 2012-10-17, Statement: []}}
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/many, TargetKeyId: !Ref Key}}
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {PasswordLength: 20}}}
  Setting: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Vpc}}
  Repository: {Type: AWS::ECR::Repository, Properties: {RepositoryName: many}}
  Cluster: {Type: AWS::ECS::Cluster}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: many
      ContainerDefinitions: [{Name: web, Image: nginx, Memory: 128, PortMappings: [{ContainerPort: 80}]}]
  Service:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: 1}
  Files: {Type: AWS::EFS::FileSystem}
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: many.example.com}}
  Stream: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Search: {Type: AWS::OpenSearchService::Domain, Properties: {EngineVersion: OpenSearch_2.11}}
  Edge:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Origins: [{Id: o, DomainName: !GetAtt Balancer.DNSName, CustomOriginConfig: {OriginProtocolPolicy:
            http-only}}]
        DefaultCacheBehavior: {TargetOriginId: o, ViewerProtocolPolicy: allow-all}
  Runner:
    Type: AWS::AppRunner::Service
    Properties:
      SourceConfiguration:
        ImageRepository: {ImageIdentifier: 'public.ecr.aws/nginx/nginx:1', ImageRepositoryType: ECR_PUBLIC}
  Kube:
    Type: AWS::EKS::Cluster
    Properties:
      Name: many
      RoleArn: !GetAtt Role.Arn
      ResourcesVpcConfig: {SubnetIds: [!Ref SubnetA, !Ref SubnetB]}
  Users: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: many}}
  App: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Users}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: many, ProtocolType: HTTP}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: live, AutoDeploy: true}}
  Build:
    Type: AWS::CodeBuild::Project
    Properties:
      Name: many
      ServiceRole: !GetAtt Role.Arn
      Artifacts: {Type: NO_ARTIFACTS}
      Environment: {Type: LINUX_CONTAINER, ComputeType: BUILD_GENERAL1_SMALL, Image:
          'aws/codebuild/standard:7.0'}
      Source: {Type: NO_SOURCE, BuildSpec: 'version: 0.2'}
  Cache: {Type: AWS::ElastiCache::CacheCluster, Properties: {Engine: redis, CacheNodeType: t, NumCacheNodes:
      1}}
  Aurora: {Type: AWS::RDS::DBCluster, Properties: {Engine: aurora-postgresql}}
  Own: {Type: Custom::Thing, Properties: {ServiceToken: !GetAtt Function.Arn, Value: 1}}
  Foreign: {Type: MongoDB::Atlas::Cluster, Properties: {Name: pets}}
  Wait: {Type: AWS::CloudFormation::WaitConditionHandle}
  Absent: {Type: AWS::SNS::Topic, Condition: Never}
Outputs:
  BalancerDns: {Value: !GetAtt Balancer.DNSName}
  TargetsName: {Value: !GetAtt Targets.TargetGroupName}
  DbHost: {Value: !GetAtt Db.Endpoint.Address}
  DbPort: {Value: !GetAtt Db.Endpoint.Port}
  PolicyArn: {Value: !Ref Policy}
  FunctionArn: {Value: !GetAtt Function.Arn}
  RuleArn: {Value: !GetAtt Rule.Arn}
  MachineArn: {Value: !GetAtt Machine.Arn}
  MachineName: {Value: !GetAtt Machine.Name}
  LogsArn: {Value: !GetAtt Logs.Arn}
  KeyArn: {Value: !GetAtt Key.Arn}
  SecretArn: {Value: !Ref Secret}
  Setting: {Value: !GetAtt Setting.Value}
  RepositoryUri: {Value: !GetAtt Repository.RepositoryUri}
  ServiceName: {Value: !GetAtt Service.Name}
  Task: {Value: !Ref Task}
  FilesArn: {Value: !GetAtt Files.Arn}
  ZoneId: {Value: !GetAtt Zone.Id}
  StreamArn: {Value: !GetAtt Stream.Arn}
  SearchEndpoint: {Value: !GetAtt Search.DomainEndpoint}
  SearchArn: {Value: !GetAtt Search.Arn}
  EdgeDomain: {Value: !GetAtt Edge.DomainName}
  RunnerUrl: {Value: !Sub 'https://${Runner.ServiceUrl}/'}
  RunnerArn: {Value: !GetAtt Runner.ServiceArn}
  KubeEndpoint: {Value: !GetAtt Kube.Endpoint}
  KubeName: {Value: !Ref Kube}
  UsersArn: {Value: !GetAtt Users.Arn}
  UsersProvider: {Value: !GetAtt Users.ProviderURL}
  AppId: {Value: !Ref App}
  ApiEndpoint: {Value: !GetAtt Api.ApiEndpoint}
  StageName: {Value: !Ref Stage}
  BuildName: {Value: !Ref Build}
  CachePort: {Value: !GetAtt Cache.RedisEndpoint.Port}
  AuroraReader: {Value: !GetAtt Aurora.ReadEndpoint.Address}
  OwnAnswer: {Value: !GetAtt Own.Answer}
  OwnId: {Value: !Ref Own}
  ForeignId: {Value: !Ref Foreign}
  WaitUrl: {Value: !Ref Wait}
"""


def leftovers(aws: LocalAws, account: str) -> dict[str, int]:
    def count(service: str, call: str, member: str) -> int:
        return len(getattr(aws.client(service, account), call)().get(member, []))

    return {
        "vpcs": count("ec2", "describe_vpcs", "Vpcs"),
        "security groups": count("ec2", "describe_security_groups", "SecurityGroups"),
        "balancers": count("elbv2", "describe_load_balancers", "LoadBalancers"),
        "target groups": count("elbv2", "describe_target_groups", "TargetGroups"),
        "databases": count("rds", "describe_db_instances", "DBInstances"),
        "database subnets": count("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
        "roles": count("iam", "list_roles", "Roles"),
        "functions": count("lambda", "list_functions", "Functions"),
        "rules": count("events", "list_rules", "Rules"),
        "machines": count("stepfunctions", "list_state_machines", "stateMachines"),
        "log groups": count("logs", "describe_log_groups", "logGroups"),
        "aliases": count("kms", "list_aliases", "Aliases"),
        "parameters": count("ssm", "describe_parameters", "Parameters"),
        "repositories": count("ecr", "describe_repositories", "repositories"),
        "task definitions": count("ecs", "list_task_definitions", "taskDefinitionArns"),
        "file systems": count("efs", "describe_file_systems", "FileSystems"),
        "zones": count("route53", "list_hosted_zones", "HostedZones"),
        "streams": count("kinesis", "list_streams", "StreamNames"),
    }


def test_a_template_of_many_services_has_all_its_outputs_and_leaves_nothing(
    aws: LocalAws, account: str, cloudformation: Any
) -> None:
    before = leftovers(aws, account)
    stack_id = cloudformation.create_stack(StackName="many", TemplateBody=TEMPLATE)["StackId"]
    (stack,) = cloudformation.describe_stacks(StackName="many")["Stacks"]
    events = cloudformation.describe_stack_events(StackName="many")["StackEvents"]
    reasons = [
        event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert (stack["StackStatus"], reasons) == ("CREATE_COMPLETE", [])
    outputs = outputs_of(stack)
    wanted = TEMPLATE.split("Outputs:")[1].count("Value:")
    assert len(outputs) == wanted
    assert {
        key for key, value in outputs.items() if value in ("", "None", "null") or "Placeholder" in value
    } == set()
    assert {
        key for key in outputs if key.endswith("Arn") and not outputs[key].startswith("arn:aws:")
    } == set()
    assert {key for key in outputs if key.endswith("Port") and not outputs[key].isdigit()} == set()
    assert outputs["KubeName"] == outputs["BuildName"] == "many"
    assert outputs["StageName"] == "live"
    assert outputs["DbHost"].endswith("rds.amazonaws.com")
    resources = cloudformation.list_stack_resources(StackName="many")["StackResourceSummaries"]
    assert "Absent" not in {resource["LogicalResourceId"] for resource in resources}
    assert {resource["ResourceStatus"] for resource in resources} == {"CREATE_COMPLETE"}

    longer = TEMPLATE.replace("Default: 7", "Default: 14")
    cloudformation.update_stack(StackName="many", TemplateBody=longer)
    (group,) = aws.client("logs", account).describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 14

    cloudformation.delete_stack(StackName="many")
    (stack,) = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    assert stack["StackStatus"] == "DELETE_COMPLETE", stack.get("StackStatusReason")
    assert leftovers(aws, account) == before


GAPS = """
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: gaps}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: NONE
      Integration: {Type: MOCK}
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: Method, Properties: {RestApiId: !Ref Api}}
Outputs:
  Id: {Value: !Ref Deployment}
"""


def test_what_moto_crashes_on_is_a_placeholder_and_so_is_what_needs_it(
    cloudformation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="proton_server.local"):
        cloudformation.create_stack(StackName="gaps", TemplateBody=GAPS)
    (stack,) = cloudformation.describe_stacks(StackName="gaps")["Stacks"]
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert outputs_of(stack)["Id"]
    assert "Method (AWS::ApiGateway::Method) of stack gaps is a placeholder: moto raised KeyError" in logged
    assert "Deployment (AWS::ApiGateway::Deployment) of stack gaps is a placeholder, as is what" in logged
