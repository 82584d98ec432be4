"""The handshake: an environment account asks for a connection, and a management account uses it."""

from __future__ import annotations

from tests.clients.steps import CONFLICT, DEPLOYED, NOT_FOUND, Step, deletion

_CONNECTION = "environmentAccountConnection.[status, managementAccountId]"
HANDSHAKE = (
    Step(
        "ask for a connection",
        "CreateEnvironmentAccountConnection",
        {_CONNECTION: ["PENDING", "{account}"]},
    ),
    Step(
        "list what was asked for",
        "ListEnvironmentAccountConnections",
        {"environmentAccountConnections[].status": ["PENDING"]},
    ),
    Step(
        "list what is to be accepted",
        "ListEnvironmentAccountConnections",
        {"environmentAccountConnections[].environmentName": ["far"]},
    ),
    Step(
        "accept it where it was asked for",
        "AcceptEnvironmentAccountConnection",
        outcome="AccessDeniedException",
        message="management account",
    ),
    Step(
        "accept it",
        "AcceptEnvironmentAccountConnection",
        {_CONNECTION: ["CONNECTED", "{account}"]},
    ),
    Step("get the connection", "GetEnvironmentAccountConnection", {_CONNECTION: ["CONNECTED", "{account}"]}),
    Step(
        "change its role",
        "UpdateEnvironmentAccountConnection",
        {"environmentAccountConnection.roleArn": "arn:aws:iam::{other_account}:role/proton-2"},
    ),
    Step(
        "create an environment through it",
        "CreateEnvironment",
        {
            "environment.environmentAccountId": "{other_account}",
            "environment.arn": "arn:aws:proton:eu-west-1:{account}:environment/far",
        },
    ),
    Step("wait for it", DEPLOYED),
    Step("reject what is in use", "RejectEnvironmentAccountConnection", outcome=CONFLICT, message="far"),
    *deletion("far"),
    Step(
        "delete the connection",
        "DeleteEnvironmentAccountConnection",
        {"environmentAccountConnection.environmentName": "far"},
    ),
    Step("ask for another", "CreateEnvironmentAccountConnection", {_CONNECTION: ["PENDING", "{account}"]}),
    Step("reject it", "RejectEnvironmentAccountConnection", {_CONNECTION: ["REJECTED", "{account}"]}),
    Step(
        "get what another account has",
        "GetEnvironment",
        outcome=NOT_FOUND,
        message="Environment not found: far",
    ),
)
