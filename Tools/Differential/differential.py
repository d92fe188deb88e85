"""Sends the same random operations to `codexflow serve` and to ministack, a DynamoDB in Python, and compares answers.

Successful answers must be equal (but for times, identifiers and the order of a scan), errors must have the same type.
Differences that are explained below are counted, with the rule of AWS's documentation that explains them; any other
ends the run with 1.
"""

import argparse
import collections
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import generator
import explained


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{url}: the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url}: nobody answers")


class Servers:
    """Both servers, on free ports of this machine, ended at the end."""

    def __init__(self, codexflow):
        self.directory = tempfile.TemporaryDirectory()
        ports = [free_port(), free_port()]
        environment = dict(os.environ, SERVICES="dynamodb", LOG_LEVEL="ERROR")
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes = [
            subprocess.Popen(
                [codexflow, "serve", self.directory.name + "/store", "--port", str(ports[0])], **quiet),
            subprocess.Popen(
                [sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind",
                 f"127.0.0.1:{ports[1]}"], env=environment, cwd=self.directory.name, **quiet),
        ]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        for url, process in zip(self.urls, self.processes):
            wait_for(url, process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)
        self.directory.cleanup()


def client(url):
    return boto3.client(
        "dynamodb", endpoint_url=url, region_name="us-east-1", aws_access_key_id="any",
        aws_secret_access_key="any",
        # What clients check themselves is for the servers to refuse.
        config=Config(parameter_validation=False, retries={"max_attempts": 0}))


def outcome(client, operation, parameters):
    try:
        answer = getattr(client, operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return "ok", answer
    except ClientError as error:
        answer = error.response
        reasons = answer.get("CancellationReasons", [])
        messages = [answer["Error"].get("Message", "")] + [reason.get("Message") or "" for reason in reasons]
        return answer["Error"]["Code"], {
            "Message": " ".join(messages).strip(), "Reasons": [reason.get("Code") for reason in reasons],
            "Item": answer.get("Item")}
    except Exception as error:  # Whatever botocore does not send, it sends to neither.
        return "client", {"Message": type(error).__name__}


def normal(value, key=None):
    """The same for equal values: sets have no order, numbers no zeros at the end."""
    if isinstance(value, dict):
        if len(value) == 1:
            (kind, inner), = value.items()
            if kind in ("SS", "NS", "BS"):
                members = [normal({kind[0]: member}) for member in inner]
                return (kind, tuple(sorted(map(repr, members))))
            if kind == "N":
                return ("N", generator.canonical(inner))
        return tuple(sorted((name, normal(inner, name)) for name, inner in value.items()))
    if isinstance(value, list):
        return tuple(normal(inner) for inner in value)
    return value


def compared(operation, answer):
    """What of an answer must be equal."""
    answer = dict(answer)
    if operation == "scan" and "Items" in answer:
        answer["Items"] = sorted(map(repr, map(normal, answer["Items"])))
    if operation == "batch_get_item":
        answer["Responses"] = {
            table: sorted(map(repr, map(normal, items)))
            for table, items in answer.get("Responses", {}).items()}
    for name in ("ItemCollectionMetrics", "ConsumedCapacity"):
        answer.pop(name, None)
    return normal(answer)


def refusal(answer):
    """What of an error must be equal: not its text."""
    return normal({key: value for key, value in answer.items() if key != "Message"})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--show", type=int, default=20, help="how many differences are shown")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    source = generator.Generator(arguments.seed)
    counts, good, known, unknown = collections.Counter(), 0, collections.Counter(), 0
    with Servers(arguments.codexflow) as servers:
        ours, theirs = map(client, servers.urls)
        for table in source.tables:
            for side in (ours, theirs):
                side.create_table(**table.definition())
                side.get_waiter("table_exists").wait(TableName=table.name)
        for number in range(arguments.operations):
            operation, parameters = source.next()
            counts[operation] += 1
            left, right = (outcome(side, operation, parameters) for side in (ours, theirs))
            if left[0] == "ok":
                good += 1
                source.learn(operation, parameters, left[1])
            same = left[0] == right[0]
            if same and left[0] == "ok":
                same = compared(operation, left[1]) == compared(operation, right[1])
            elif same:
                same = refusal(left[1]) == refusal(right[1])
            if same:
                # The other side may have stored an item, which neither answer shows.
                if explained.only_removes(operation, parameters):
                    source.repair(operation, parameters, ours, theirs)
                continue
            reason = explained.reason(operation, parameters, left, right, source, normal)
            if reason:
                known[reason] += 1
                source.repair(operation, parameters, ours, theirs)
                continue
            unknown += 1
            if unknown <= arguments.show:
                print(f"#{number} {operation} {json.dumps(parameters, default=repr)}")
                print(f"   codexflow: {left}\n   ministack: {right}", flush=True)
            source.repair(operation, parameters, ours, theirs)
    print("operations:", dict(counts))
    for reason, count in known.most_common():
        print(f"explained {count}: {reason}")
    print(
        f"{arguments.operations} operations, {good} successful "
        f"({100 * good // arguments.operations} %), {sum(known.values())} explained differences, "
        f"{unknown} unexplained")
    sys.exit(1 if unknown or good * 10 < arguments.operations * 6 else 0)


if __name__ == "__main__":
    main()
