"""Behaviours of DynamoDB that emulators are known to differ in, each with its source, and the tables for them.

A behaviour is a probe: it sends requests to an endpoint, and returns what it saw. A refusal is seen as `error CODE`.
Each module of behaviours adds its own with the decorator `behaviour`.
"""

import collections
import itertools
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
REFERENCE = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
# Answers of AWS that are quoted in a public issue, where AWS's documents are silent.
ISSUES = "https://github.com/"

VALIDATION = "error ValidationException"
CONDITION = "error ConditionalCheckFailedException"
CANCELLED = "error TransactionCanceledException"
NOT_FOUND = "error ResourceNotFoundException"

Behaviour = collections.namedtuple("Behaviour", "name source expected probe")
BEHAVIOURS = []

# Codes and words of endpoints for what they do not have.
UNSUPPORTED_CODES = {
    "UnknownOperationException", "UnknownOperation", "NotImplemented", "NotImplementedException",
    "UnsupportedOperation", "InvalidAction", "501"}
UNSUPPORTED_WORDS = ("not implemented", "not been implemented", "not yet implemented", "unknown operation")


class Unsupported(Exception):
    """An endpoint does not have what a probe needs."""


def behaviour(name, source, expected):
    """Adds a probe to the list."""
    def add(probe):
        BEHAVIOURS.append(Behaviour(name, source, expected, probe))
        return probe
    return add


def refusal(error):
    """What a refusal is seen as."""
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "") or ""
    if code in UNSUPPORTED_CODES or any(word in message.lower() for word in UNSUPPORTED_WORDS):
        raise Unsupported
    return f"error {code}"


def key_schema(*names):
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"))]


def attributes(**types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(name, projection, *keys):
    return {"IndexName": name, "KeySchema": key_schema(*keys), "Projection": {"ProjectionType": projection}}


class World:
    """An endpoint with tables for all behaviours.

    `pair` has the keys p and s (a number), the global indexes `all` and `keys` by g, and the local index `local` by l.
    `text` has the keys p and s (both text). `flow` has the key p, and a stream with both images.
    """

    def __init__(self, url):
        parameters = {
            "endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
            # What clients check themselves is for the servers to refuse.
            "config": Config(parameter_validation=False, retries={"max_attempts": 0}, read_timeout=60)}
        self.client = boto3.client("dynamodb", **parameters)
        self.streams = boto3.client("dynamodbstreams", **parameters)
        self.suffix = uuid.uuid4().hex[:8]
        self.numbers = itertools.count()
        self.made = []

    def setup(self):
        self.pair = self.create(
            "pair", key_schema("p", "s"), attributes(p="S", s="N", g="S", l="S"),
            GlobalSecondaryIndexes=[index("all", "ALL", "g", "s"), index("keys", "KEYS_ONLY", "g", "s")],
            LocalSecondaryIndexes=[index("local", "KEYS_ONLY", "p", "l")])
        self.text = self.create("text", key_schema("p", "s"), attributes(p="S", s="S"))
        self.flow = self.create(
            "flow", key_schema("p"), attributes(p="S"),
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})

    def close(self):
        for name in self.made:
            try:
                self.client.delete_table(TableName=name)
            except ClientError:
                pass

    # Tables

    def create(self, name, schema, definitions, **more):
        name = f"{name}-{self.suffix}"
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        self.client.create_table(
            TableName=name, KeySchema=schema, AttributeDefinitions=definitions, **more)
        self.made.append(name)
        self.until(lambda: self.client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
        return name

    def scratch(self, **more):
        """A table of its own for one probe."""
        return self.create(self.unique("scratch"), key_schema("p"), attributes(p="S"), **more)

    def until(self, is_done):
        for _ in range(400):
            if is_done():
                return
            time.sleep(0.05)
        raise TimeoutError

    # Items

    def unique(self, prefix="k"):
        """A key that no other probe has."""
        return f"{prefix}{next(self.numbers)}"

    def key(self, p=None, s="1"):
        return {"p": {"S": p or self.unique()}, "s": {"N": s}}

    def put(self, more=None, key=None, **parameters):
        """Puts an item into `pair`; gives its key."""
        key = key or self.key()
        self.client.put_item(TableName=self.pair, Item={**key, **(more or {})}, **parameters)
        return key

    def get(self, key, **parameters):
        return self.client.get_item(
            TableName=self.pair, Key=key, ConsistentRead=True, **parameters).get("Item")

    def rest(self, key):
        """The item without its key; `None` if there is none."""
        item = self.get(key)
        return item and without(item, *key)

    def update(self, key, expression, values=None, names=None, **parameters):
        if values is not None:
            parameters["ExpressionAttributeValues"] = values
        if names is not None:
            parameters["ExpressionAttributeNames"] = names
        return self.client.update_item(
            TableName=self.pair, Key=key, UpdateExpression=expression, **parameters)

    def updated(self, more, expression, values=None, names=None):
        """What an update makes of a new item, without its key."""
        key = self.put(more)
        self.update(key, expression, values, names)
        return self.rest(key)

    def holds(self, more, condition, values=None, names=None):
        """Whether a condition holds for a new item."""
        key = self.put(more)
        parameters = {}
        if values is not None:
            parameters["ExpressionAttributeValues"] = values
        if names is not None:
            parameters["ExpressionAttributeNames"] = names
        try:
            self.client.delete_item(
                TableName=self.pair, Key=key, ConditionExpression=condition, **parameters)
            return True
        except ClientError as error:
            if refusal(error) == CONDITION:
                return False
            raise

    def query(self, p, condition="p = :p", values=None, table=None, **parameters):
        return self.client.query(
            TableName=table or self.pair, KeyConditionExpression=condition,
            ExpressionAttributeValues={":p": {"S": p}, **(values or {})}, **parameters)

    def numbered(self, count, more=None):
        """Items of one partition with the sort keys 1, 2, …; gives the partition."""
        p = self.unique()
        for number in range(1, count + 1):
            self.put(more, self.key(p, str(number)))
        return p


def without(item, *names):
    return {name: value for name, value in item.items() if name not in names}


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def sorts(items):
    """The sort keys of items."""
    return [next(iter(item["s"].values())) for item in items]


def map_of(depth):
    """A value of nested maps."""
    value = {"S": "x"}
    for _ in range(depth):
        value = {"M": {"a": value}}
    return value
