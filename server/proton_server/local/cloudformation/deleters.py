"""How to delete what moto's models leave behind: 43 of moto's 98 resource types have no effective delete.

One table: type -> (service, action on the service's backend). Types that are not here are deleted by their
own model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.backends import get_backend
from moto.s3.exceptions import BucketNotEmpty
from moto.utilities.utils import get_partition

_Properties = Mapping[str, Any]
_Deleter = tuple[str, Callable[[Any, Any, _Properties], object]]

# Services that exist once per partition, not once per region.
_GLOBAL = {"iam", "route53", "s3"}


def backend_of(service: str, account: str, region: str) -> Any:
    """Moto's backend of a service in an account and region."""
    return get_backend(service)[account][get_partition(region) if service in _GLOBAL else region]  # type: ignore[call-overload]


def _disassociate_route_table(ec2: Any, _association: Any, properties: _Properties) -> None:
    table = ec2.route_tables.get(properties["RouteTableId"])
    for association, subnet in list(table._associations.items()) if table else ():  # noqa: SLF001
        if subnet == properties["SubnetId"]:
            ec2.disassociate_route_table(association)


def _delete_nat_gateway(ec2: Any, gateway: Any, properties: _Properties) -> None:
    """Moto marks the gateway deleted, but keeps its address associated and its interface alive."""
    ec2.delete_nat_gateway(gateway.id)
    for address in ec2.addresses:
        if address.allocation_id == properties.get("AllocationId") and address.association_id:
            ec2.disassociate_address(association_id=address.association_id)
    ec2.enis.pop(gateway._eni.id, None)  # noqa: SLF001


def _delete_endpoint(ec2: Any, endpoint: Any, _properties: _Properties) -> None:
    """Moto marks the endpoint deleted and goes on listing it."""
    ec2.delete_vpc_endpoints([endpoint.id])
    ec2.vpc_end_points.pop(endpoint.id, None)


def _delete_route(ec2: Any, _route: Any, properties: _Properties) -> None:
    if properties["RouteTableId"] in ec2.route_tables:
        ec2.delete_route(
            properties["RouteTableId"],
            properties.get("DestinationCidrBlock"),
            properties.get("DestinationIpv6CidrBlock"),
            properties.get("DestinationPrefixListId"),
        )


def _detach_gateway(ec2: Any, _attachment: Any, properties: _Properties) -> None:
    if internet := properties.get("InternetGatewayId"):
        ec2.detach_internet_gateway(internet, properties["VpcId"])
    if vpn := properties.get("VpnGatewayId"):
        ec2.detach_vpn_gateway(vpn, properties["VpcId"])


def _revoke_ingress(ec2: Any, rule: Any, properties: _Properties) -> None:
    cidr, group, name = (
        properties.get(key) for key in ("CidrIp", "SourceSecurityGroupId", "SourceSecurityGroupName")
    )
    source = {key: value for key, value in (("GroupId", group), ("GroupName", name)) if value}
    ec2.revoke_security_group_ingress(
        group_name_or_id=rule.security_group.id,
        ip_protocol=properties["IpProtocol"],
        from_port=properties.get("FromPort"),
        to_port=properties.get("ToPort"),
        ip_ranges=[{"CidrIp": cidr, "Description": properties.get("Description")}] if cidr else [],
        source_groups=[source] if source else [],
    )


def _delete_service(ecs: Any, service: Any, properties: _Properties) -> None:
    ecs.delete_service(properties.get("Cluster") or "default", service.name, force=True)


def _delete_managed_policy(iam: Any, policy: Any, properties: _Properties) -> None:
    """CloudFormation detaches the policy first; whoever it is attached to could not be deleted otherwise."""
    for member, detach in (
        ("Roles", iam.detach_role_policy),
        ("Users", iam.detach_user_policy),
        ("Groups", iam.detach_group_policy),
    ):
        for name in properties.get(member, ()):
            detach(policy.arn, name)
    iam.delete_policy(policy.arn)


def _delete_bucket(s3: Any, bucket: Any, _properties: _Properties) -> None:
    """Moto keeps a bucket with objects, and says nothing."""
    if s3.delete_bucket(bucket.name) is None:
        raise BucketNotEmpty(bucket_name=bucket.name)


def _remove_permission(awslambda: Any, _permission: Any, properties: _Properties) -> None:
    """Moto gives the statement an id that the model does not keep: it is known by what it allows."""
    try:
        function = awslambda.get_function(properties["FunctionName"])
    except Exception:  # noqa: BLE001 - the function is gone, and its policy with it
        return
    statements = function.policy.statements
    for statement in list(statements):
        principal = statement.get("Principal")
        named = principal.values() if isinstance(principal, dict) else [principal]
        if statement.get("Action") == properties["Action"] and properties["Principal"] in named:
            statements.remove(statement)
            return


def _delete_listener_rule(elbv2: Any, rule: Any, _properties: _Properties) -> None:
    for balancer in elbv2.load_balancers.values():
        for listener in balancer.listeners.values():
            if rule.arn in listener.rules:
                listener.remove_rule(rule.arn)


def _delete_scheduled_action(autoscaling: Any, action: Any, properties: _Properties) -> None:
    autoscaling.delete_scheduled_action(properties["AutoScalingGroupName"], action.scheduled_action_name)


DELETERS: Mapping[str, _Deleter] = {
    "AWS::ApiGateway::Deployment": ("apigateway", lambda b, m, p: b.delete_deployment(p["RestApiId"], m.id)),
    "AWS::ApiGateway::Method": (
        "apigateway",
        lambda b, m, p: b.delete_method(p["RestApiId"], p["ResourceId"], p["HttpMethod"]),
    ),
    "AWS::ApiGateway::Resource": ("apigateway", lambda b, m, p: b.delete_resource(p["RestApiId"], m.id)),
    "AWS::ApiGateway::RestApi": ("apigateway", lambda b, m, p: b.delete_rest_api(m.id)),
    "AWS::AutoScaling::ScheduledAction": ("autoscaling", _delete_scheduled_action),
    "AWS::Batch::JobQueue": ("batch", lambda b, m, p: b.delete_job_queue(m.name)),
    "AWS::Batch::ComputeEnvironment": ("batch", lambda b, m, p: b.delete_compute_environment(m.name)),
    "AWS::DataPipeline::Pipeline": ("datapipeline", lambda b, m, p: b.delete_pipeline(m.pipeline_id)),
    "AWS::EC2::EIP": ("ec2", lambda b, m, p: b.release_address(allocation_id=m.allocation_id)),
    "AWS::EC2::FlowLog": ("ec2", lambda b, m, p: b.delete_flow_logs([m.id])),
    "AWS::EC2::InternetGateway": ("ec2", lambda b, m, p: b.delete_internet_gateway(m.id)),
    "AWS::EC2::NatGateway": ("ec2", _delete_nat_gateway),
    "AWS::EC2::NetworkInterface": ("ec2", lambda b, m, p: b.delete_network_interface(m.id)),
    "AWS::EC2::Route": ("ec2", _delete_route),
    "AWS::EC2::RouteTable": ("ec2", lambda b, m, p: b.delete_route_table(m.id)),
    "AWS::EC2::SecurityGroupIngress": ("ec2", _revoke_ingress),
    "AWS::EC2::SubnetRouteTableAssociation": ("ec2", _disassociate_route_table),
    "AWS::EC2::TransitGateway": ("ec2", lambda b, m, p: b.delete_transit_gateway(m.id)),
    "AWS::EC2::VPCEndpoint": ("ec2", _delete_endpoint),
    "AWS::EC2::VPCGatewayAttachment": ("ec2", _detach_gateway),
    "AWS::EC2::VPCPeeringConnection": ("ec2", lambda b, m, p: b.delete_vpc_peering_connection(m.id)),
    "AWS::EC2::VPNGateway": ("ec2", lambda b, m, p: b.delete_vpn_gateway(m.id)),
    "AWS::EC2::Volume": ("ec2", lambda b, m, p: b.delete_volume(m.id)),
    "AWS::EC2::VolumeAttachment": (
        "ec2",
        lambda b, m, p: b.detach_volume(p["VolumeId"], p["InstanceId"], p.get("Device", "")),
    ),
    "AWS::ECS::Cluster": ("ecs", lambda b, m, p: b.delete_cluster(m.name)),
    "AWS::ECS::Service": ("ecs", _delete_service),
    "AWS::ECS::TaskDefinition": ("ecs", lambda b, m, p: b.deregister_task_definition(m.arn)),
    "AWS::ElasticLoadBalancingV2::Listener": ("elbv2", lambda b, m, p: b.delete_listener(m.arn)),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("elbv2", _delete_listener_rule),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("elbv2", lambda b, m, p: b.delete_load_balancer(m.arn)),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", lambda b, m, p: b.delete_target_group(m.arn)),
    "AWS::IAM::ManagedPolicy": ("iam", _delete_managed_policy),
    "AWS::Lambda::LayerVersion": ("lambda", lambda b, m, p: b.delete_layer_version(m.name, str(m.version))),
    "AWS::Lambda::Permission": ("lambda", _remove_permission),
    "AWS::Lambda::Version": ("lambda", lambda b, m, p: b.delete_function(p["FunctionName"], str(m.version))),
    "AWS::Redshift::Cluster": (
        "redshift",
        lambda b, m, p: b.delete_cluster(cluster_identifier=m.cluster_identifier, skip_final_snapshot=True),
    ),
    "AWS::Redshift::ClusterParameterGroup": (
        "redshift",
        lambda b, m, p: b.delete_cluster_parameter_group(m.cluster_parameter_group_name),
    ),
    "AWS::Redshift::ClusterSubnetGroup": (
        "redshift",
        lambda b, m, p: b.delete_cluster_subnet_group(m.cluster_subnet_group_name),
    ),
    "AWS::S3::Bucket": ("s3", _delete_bucket),
    "AWS::Route53::HealthCheck": ("route53", lambda b, m, p: b.delete_health_check(m.id)),
    "AWS::Route53::HostedZone": ("route53", lambda b, m, p: b.delete_hosted_zone(m.id)),
}
