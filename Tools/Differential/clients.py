"""AWS's own clients against `codexflow serve`: boto3 (client, resource, paginators, waiters, batch writer, streams),
signatures, and the AWS CLI. Ends with 1 if anything is not as with DynamoDB."""

import argparse
import decimal
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

PROGRAM = None


class Server:
    """A server on a free port, which ends with its test."""

    def __init__(self, store, credentials=None):
        environment = dict(os.environ)
        if credentials:
            environment["CODEXFLOW_ACCESS_KEY_ID"], environment["CODEXFLOW_SECRET_ACCESS_KEY"] = credentials
        self.process = subprocess.Popen(
            [PROGRAM, "serve", store, "--port", "0"], stdout=subprocess.PIPE, env=environment, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line).group()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def connection(self, key="any", secret="any"):
        return dict(
            endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=key,
            aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}))


def table(**more):
    return dict(
        TableName="music", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "artist", "AttributeType": "S"}, {"AttributeName": "song", "AttributeType": "S"},
            {"AttributeName": "year", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-year", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "year", "KeyType": "HASH"}]}], **more)


class Clients(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.store = self.directory + "/store"
        self.start()

    def start(self, credentials=None):
        self.server = Server(self.store, credentials)
        self.addCleanup(self.server.stop)

    def client(self, service="dynamodb", **more):
        return boto3.client(service, **self.server.connection(**more))

    def resource(self):
        return boto3.resource("dynamodb", **self.server.connection())

    def make(self, **more):
        client = self.client()
        client.create_table(**table(**more))
        client.get_waiter("table_exists").wait(TableName="music")
        return self.resource().Table("music")

    def fill(self, music, count=60):
        with music.batch_writer() as batch:
            for number in range(count):
                batch.put_item(Item={
                    "artist": f"a{number % 3}", "song": f"s{number:03}", "year": 1990 + number % 5,
                    "plays": number})

    def test_resource(self):
        music = self.make()
        self.fill(music)
        self.assertEqual((music.table_status, music.item_count), ("ACTIVE", 60))
        found = music.query(KeyConditionExpression=Key("artist").eq("a1") & Key("song").begins_with("s01"))
        self.assertEqual([item["song"] for item in found["Items"]], ["s010", "s013", "s016", "s019"])
        found = music.query(
            IndexName="by-year", KeyConditionExpression=Key("year").eq(1991), FilterExpression=Attr("plays").gt(30))
        self.assertEqual({int(item["plays"]) for item in found["Items"]}, {31, 36, 41, 46, 51, 56})
        updated = music.update_item(
            Key={"artist": "a1", "song": "s001"}, ReturnValues="ALL_NEW",
            UpdateExpression="SET plays = plays + :n, #t = list_append(if_not_exists(#t, :none), :new)",
            ExpressionAttributeNames={"#t": "tags"},
            ExpressionAttributeValues={":n": decimal.Decimal("0.5"), ":none": [], ":new": ["new"]})
        self.assertEqual(updated["Attributes"]["plays"], decimal.Decimal("1.5"))
        self.assertEqual(updated["Attributes"]["tags"], ["new"])
        with self.assertRaises(music.meta.client.exceptions.ConditionalCheckFailedException):
            music.put_item(
                Item={"artist": "a1", "song": "s001"}, ConditionExpression=Attr("artist").not_exists())
        music.delete()
        music.wait_until_not_exists()
        self.assertEqual(list(self.resource().tables.all()), [])

    def test_paginators(self):
        self.fill(self.make())
        client = self.client()
        pages = list(client.get_paginator("scan").paginate(TableName="music", PaginationConfig={"PageSize": 25}))
        self.assertEqual([page["Count"] for page in pages], [25, 25, 10])
        pages = client.get_paginator("query").paginate(
            TableName="music", KeyConditionExpression="artist = :a",
            ExpressionAttributeValues={":a": {"S": "a2"}}, PaginationConfig={"PageSize": 7})
        self.assertEqual(sum(page["Count"] for page in pages), 20)
        for number in range(7):
            definition = table()
            definition["TableName"] = f"other-{number}"
            client.create_table(**definition)
        pages = client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3})
        self.assertEqual(len([name for page in pages for name in page["TableNames"]]), 8)

    def test_batches_and_transactions(self):
        self.fill(self.make(), 10)
        client = self.client()
        keys = [{"artist": {"S": f"a{n % 3}"}, "song": {"S": f"s{n:03}"}} for n in range(12)]
        found = client.batch_get_item(RequestItems={"music": {"Keys": keys}})
        self.assertEqual((len(found["Responses"]["music"]), found["UnprocessedKeys"]), (10, {}))
        check = {"ConditionCheck": {
            "TableName": "music", "Key": keys[11], "ConditionExpression": "attribute_exists(artist)"}}
        put = {"Put": {"TableName": "music", "Item": {"artist": {"S": "x"}, "song": {"S": "y"}}}}
        with self.assertRaises(client.exceptions.TransactionCanceledException) as raised:
            client.transact_write_items(TransactItems=[put, check])
        codes = [reason["Code"] for reason in raised.exception.response["CancellationReasons"]]
        self.assertEqual(codes, ["None", "ConditionalCheckFailed"])
        for _ in range(2):
            client.transact_write_items(TransactItems=[put], ClientRequestToken="once")
        got = client.transact_get_items(TransactItems=[
            {"Get": {"TableName": "music", "Key": {"artist": {"S": "x"}, "song": {"S": "y"}}}},
            {"Get": {"TableName": "music", "Key": keys[11]}}])
        self.assertEqual([("Item" in entry) for entry in got["Responses"]], [True, False])

    def test_streams(self):
        music = self.make(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        self.fill(music, 5)
        music.update_item(
            Key={"artist": "a0", "song": "s000"}, UpdateExpression="SET plays = :n",
            ExpressionAttributeValues={":n": 99})
        music.delete_item(Key={"artist": "a1", "song": "s001"})
        streams = self.client("dynamodbstreams")
        arn = streams.list_streams(TableName="music")["Streams"][0]["StreamArn"]
        self.assertEqual(arn, music.latest_stream_arn)
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        records = []
        while True:
            page = streams.get_records(ShardIterator=iterator, Limit=3)
            if not page["Records"]:
                break
            records += page["Records"]
            iterator = page["NextShardIterator"]
        self.assertEqual([record["eventName"] for record in records], ["INSERT"] * 5 + ["MODIFY", "REMOVE"])
        self.assertEqual(records[5]["dynamodb"]["OldImage"]["plays"], {"N": "0"})
        self.assertEqual(records[5]["dynamodb"]["NewImage"]["plays"], {"N": "99"})

    def test_time_to_live(self):
        music = self.make()
        client = self.client()
        client.update_time_to_live(
            TableName="music", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
        self.assertEqual(
            client.describe_time_to_live(TableName="music")["TimeToLiveDescription"],
            {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"})
        music.put_item(Item={"artist": "old", "song": "s", "ends": 1_700_000_000})
        self.assertNotIn("Item", music.get_item(Key={"artist": "old", "song": "s"}))

    def test_signatures(self):
        self.make()
        self.server.stop()
        self.start(credentials=("AKID", "secret"))
        self.assertEqual(self.client(key="AKID", secret="secret").list_tables()["TableNames"], ["music"])
        for key, secret, code in [
                ("AKID", "wrong", "InvalidSignatureException"), ("other", "secret", "UnrecognizedClientException")]:
            with self.assertRaises(ClientError) as raised:
                self.client(key=key, secret=secret).list_tables()
            self.assertEqual(raised.exception.response["Error"]["Code"], code)

    def test_embedded_reader(self):
        self.fill(self.make(), 5)
        # Another process has the same directory open.
        scanned = subprocess.run(
            [PROGRAM, "scan", self.store, "--table", "music", "--json"], capture_output=True, text=True, check=True)
        self.assertEqual(scanned.stdout.count('"artist"'), 5)
        item = json.dumps({"artist": {"S": "new"}, "song": {"S": "s"}})
        subprocess.run([PROGRAM, "put", self.store, item, "--table", "music"], check=True, capture_output=True)
        found = self.client().get_item(TableName="music", Key=json.loads(item))
        self.assertEqual(found["Item"], json.loads(item))

    def aws(self, *arguments):
        environment = dict(
            os.environ, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any", AWS_DEFAULT_REGION="us-east-1",
            AWS_PAGER="")
        program = shutil.which("aws", path=os.path.dirname(sys.executable) + ":" + os.environ["PATH"])
        run = subprocess.run(
            [program, "dynamodb", *arguments, "--endpoint-url", self.server.url, "--output", "json"],
            capture_output=True, text=True, env=environment)
        return run.returncode, run.stdout, run.stderr

    def test_command_line(self):
        code, _, errors = self.aws(
            "create-table", "--table-name", "tasks", "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
            "AttributeName=p,KeyType=HASH", "--attribute-definitions", "AttributeName=p,AttributeType=S")
        self.assertEqual(code, 0, errors)
        self.assertEqual(self.aws("wait", "table-exists", "--table-name", "tasks")[0], 0)
        self.assertEqual(self.aws("put-item", "--table-name", "tasks", "--item", '{"p":{"S":"é"},"n":{"N":"1"}}')[0], 0)
        code, output, _ = self.aws("scan", "--table-name", "tasks", "--filter-expression", "n = :n",
                                   "--expression-attribute-values", '{":n":{"N":"1"}}')
        self.assertEqual((code, json.loads(output)["Items"]), (0, [{"p": {"S": "é"}, "n": {"N": "1"}}]))
        code, _, errors = self.aws("get-item", "--table-name", "nothing", "--key", '{"p":{"S":"x"}}')
        self.assertNotEqual(code, 0)
        self.assertIn("ResourceNotFoundException", errors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    arguments, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(arguments.codexflow)
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
