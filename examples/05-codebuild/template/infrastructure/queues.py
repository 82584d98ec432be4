"""One SQS queue per team: `provision` brings them to what the inputs say, `deprovision` removes them.

Proton puts `proton-inputs.json` beside this file and takes the outputs from `proton-outputs.json`.
"""

import json
import os
import sys
from pathlib import Path

import boto3

SECONDS_PER_DAY = 24 * 60 * 60

inputs = json.loads(Path("proton-inputs.json").read_text())["environment"]["inputs"]
prefix = os.environ["QUEUE_PREFIX"]
sqs = boto3.client("sqs")


def existing() -> dict[str, str]:
    """The URLs of this environment's queues, by team."""
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=f"{prefix}-")
    urls = [url for page in pages for url in page.get("QueueUrls", [])]
    return {url.rpartition(f"/{prefix}-")[2]: url for url in urls}


def provision() -> None:
    retention = {"MessageRetentionPeriod": str(inputs["retention_days"] * SECONDS_PER_DAY)}
    found = existing()
    for team in inputs["teams"]:
        url = found.pop(team, None) or sqs.create_queue(QueueName=f"{prefix}-{team}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=retention)
        print(f"{team}: {url}")
    for team, url in found.items():
        sqs.delete_queue(QueueUrl=url)
        print(f"{team}: deleted, for it is no longer in the inputs")
    outputs = [{"key": team, "valueString": url} for team, url in sorted(existing().items())]
    Path("proton-outputs.json").write_text(json.dumps(outputs))


def deprovision() -> None:
    for team, url in existing().items():
        sqs.delete_queue(QueueUrl=url)
        print(f"{team}: deleted")


{"provision": provision, "deprovision": deprovision}[sys.argv[1]]()
