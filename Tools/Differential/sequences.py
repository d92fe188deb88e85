"""Sequences of calls of programs around DynamoDB against `codexflow serve`: Terraform's provider, NoSQL Workbench, the
AWS CLI, boto3's resources, and PynamoDB. Each step asserts what the program reads of the answer.

Terraform's and Workbench's calls are sent as plain requests, without any SDK; the others are made by the programs
themselves. The docstring of each class has its source.
"""

import argparse
import decimal
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

import malformed
from behaviours import attributes, key_schema

try:
    import pynamodb.connection
    import pynamodb.exceptions
    import pynamodb.indexes
    import pynamodb.models
    import pynamodb.transactions
    from pynamodb.attributes import ListAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute, VersionAttribute
except ImportError:
    pynamodb = None

PROGRAM = None


class Sequence(unittest.TestCase):
    """A server for each test, and plain requests to it."""

    def setUp(self):
        self.server = malformed.Server(PROGRAM)
        self.addCleanup(self.server.__exit__)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def connection(self):
        return dict(
            endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any",
            config=Config(retries={"max_attempts": 0}))

    def call(self, operation, **parameters):
        status, answer = self.server.connection.call(operation, parameters)
        self.assertEqual(status, 200, f"{operation} {parameters}: {answer}")
        return answer

    def refuse(self, kind, operation, **parameters):
        """Asserts that a request is refused; the message."""
        status, answer = self.server.connection.call(operation, parameters)
        self.assertEqual((status, answer.get("__type", "").rpartition("#")[2]), (400, kind), answer)
        return answer["message"]

    def until(self, found, is_done):
        """What `found` gives once it is done; programs wait in the same way."""
        for _ in range(20_000):
            value = found()
            if is_done(value):
                return value
        self.fail(f"not done: {value}")


class Terraform(Sequence):
    """The calls for a resource aws_dynamodb_table and its items.

    hashicorp/terraform-provider-aws, internal/service/dynamodb: table.go (resourceTableCreate, resourceTableRead,
    resourceTableUpdate with its phases, cycleStreamEnabled, updatePITR, updateTimeToLive, updateWarmThroughput,
    resourceTableDelete), wait.go, status.go, find.go, tags_gen.go.
    The calls of aws_dynamodb_table_item are not verified.
    """

    NAME = "GameScores"
    ARN = f"arn:aws:dynamodb:us-east-1:000000000000:table/{NAME}"
    ATTRIBUTES = attributes(UserId="S", GameTitle="S", TopScore="N")

    def index(self, name="GameTitleIndex", **more):
        return {"IndexName": name, "KeySchema": key_schema("GameTitle", "TopScore"), "Projection": {
            "ProjectionType": "INCLUDE", "NonKeyAttributes": ["UserId"]}, **more}

    def table(self):
        return self.call("DescribeTable", TableName=self.NAME)["Table"]

    def wait_active(self):
        table = self.until(self.table, lambda table: table["TableStatus"] not in ("CREATING", "UPDATING"))
        self.assertEqual(table["TableStatus"], "ACTIVE")
        return self.wait_warm(lambda: self.table())

    def wait_warm(self, found):
        """waitTableWarmThroughputActive and waitGSIWarmThroughputActive."""
        value = self.until(found, lambda value: value["WarmThroughput"]["Status"] not in ("CREATING", "UPDATING"))
        self.assertEqual(value["WarmThroughput"]["Status"], "ACTIVE")
        self.assertGreater(value["WarmThroughput"]["ReadUnitsPerSecond"], 0)
        self.assertGreater(value["WarmThroughput"]["WriteUnitsPerSecond"], 0)
        return value

    def global_index(self, name):
        indexes = self.table().get("GlobalSecondaryIndexes", [])
        return next((index for index in indexes if index["IndexName"] == name), None)

    def wait_index(self, name="GameTitleIndex"):
        self.until(lambda: self.global_index(name), lambda index: index and index["IndexStatus"] == "ACTIVE")
        return self.wait_warm(lambda: self.global_index(name))

    def update(self, **parameters):
        table = self.call("UpdateTable", TableName=self.NAME, **parameters)["TableDescription"]
        self.assertIn(table["TableStatus"], ("UPDATING", "ACTIVE"))
        return self.wait_active()

    def read(self, tags, recovery="DISABLED", ttl="DISABLED"):
        """resourceTableRead, and the provider's reading of tags."""
        table = self.table()
        self.assertEqual((table["TableArn"], table["TableName"]), (self.ARN, self.NAME))
        backups = self.call("DescribeContinuousBackups", TableName=self.NAME)["ContinuousBackupsDescription"]
        point = backups["PointInTimeRecoveryDescription"]
        self.assertEqual(point["PointInTimeRecoveryStatus"], recovery)
        found = self.call("DescribeTimeToLive", TableName=self.NAME)["TimeToLiveDescription"]
        self.assertEqual(found["TimeToLiveStatus"], ttl)
        listed = self.call("ListTagsOfResource", ResourceArn=self.ARN)
        self.assertEqual({tag["Key"]: tag["Value"] for tag in listed["Tags"]}, tags)
        self.assertNotIn("NextToken", listed)
        return table

    def create(self, **parameters):
        table = self.call(
            "CreateTable", TableName=self.NAME, KeySchema=key_schema("UserId", "GameTitle"),
            AttributeDefinitions=self.ATTRIBUTES, Tags=[{"Key": "Name", "Value": "scores"}], **parameters)
        self.assertIn(table["TableDescription"]["TableStatus"], ("CREATING", "ACTIVE"))
        self.wait_active()
        return self.wait_index()

    def delete(self):
        table = self.call("DeleteTable", TableName=self.NAME)["TableDescription"]
        self.assertEqual(table["TableStatus"], "DELETING")
        status, answer = self.until(
            lambda: self.server.connection.call("DescribeTable", {"TableName": self.NAME}),
            lambda found: found[0] != 200 or found[1]["Table"]["TableStatus"] not in ("ACTIVE", "DELETING"))
        self.assertEqual((status, answer["__type"].rpartition("#")[2]), (400, "ResourceNotFoundException"))
        message = self.refuse("ResourceNotFoundException", "DeleteTable", TableName=self.NAME)
        # The provider takes a missing table for deleted by this text.
        self.assertIn("Requested resource not found: Table: ", message)

    def test_provisioned(self):
        units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
        self.create(
            BillingMode="PROVISIONED", ProvisionedThroughput=units, TableClass="STANDARD",
            GlobalSecondaryIndexes=[self.index(ProvisionedThroughput=units)],
            LocalSecondaryIndexes=[{
                "IndexName": "ByScore", "KeySchema": key_schema("UserId", "TopScore"),
                "Projection": {"ProjectionType": "ALL"}}])
        table = self.read({"Name": "scores"})
        self.assertEqual(table["ProvisionedThroughput"]["ReadCapacityUnits"], 5)
        self.assertEqual(table["LocalSecondaryIndexes"][0]["KeySchema"], key_schema("UserId", "TopScore"))
        self.assertEqual(table["GlobalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"], ["UserId"])
        self.assertNotIn("StreamSpecification", table)
        # Phase 2: the throughput of the table and of its index in one request.
        more = {"ReadCapacityUnits": 10, "WriteCapacityUnits": 6}
        self.update(
            BillingMode="PROVISIONED", ProvisionedThroughput=more,
            GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "GameTitleIndex", "ProvisionedThroughput": more}}])
        self.assertEqual(self.wait_index()["ProvisionedThroughput"]["ReadCapacityUnits"], 10)
        self.assertEqual(self.table()["ProvisionedThroughput"]["WriteCapacityUnits"], 6)
        self.update(BillingMode="PAY_PER_REQUEST")
        table = self.read({"Name": "scores"})
        self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(table["ProvisionedThroughput"]["ReadCapacityUnits"], 0)
        self.update(BillingMode="PROVISIONED", ProvisionedThroughput=units, GlobalSecondaryIndexUpdates=[
            {"Update": {"IndexName": "GameTitleIndex", "ProvisionedThroughput": units}}])
        self.assertEqual(self.wait_index()["ProvisionedThroughput"]["ReadCapacityUnits"], 5)
        self.update(TableClass="STANDARD_INFREQUENT_ACCESS")
        self.assertEqual(self.table()["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS")
        self.delete()

    def test_on_demand(self):
        self.create(
            BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, GlobalSecondaryIndexes=[self.index()],
            OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 10},
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        table = self.read({"Name": "scores"})
        self.assertEqual(table["OnDemandThroughput"], {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 10})
        self.assertIs(table["DeletionProtectionEnabled"], True)
        self.assertEqual(table["StreamSpecification"], {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        self.assertIn(table["LatestStreamLabel"], table["LatestStreamArn"])
        self.update(OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 20})
        # Phase 1 deletes an index, phase 3 creates one with the table's attributes.
        self.update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "GameTitleIndex"}}])
        self.until(lambda: self.global_index("GameTitleIndex"), lambda index: index is None)
        self.call("UpdateTable", TableName=self.NAME, AttributeDefinitions=self.ATTRIBUTES,
                  GlobalSecondaryIndexUpdates=[{"Create": self.index("Second")}])
        self.assertEqual(self.wait_index("Second")["KeySchema"], key_schema("GameTitle", "TopScore"))
        self.cycle_stream(table["LatestStreamArn"])
        self.settings()
        self.refuse("ValidationException", "DeleteTable", TableName=self.NAME)
        self.update(DeletionProtectionEnabled=False)
        self.delete()

    def cycle_stream(self, former):
        self.update(StreamSpecification={"StreamEnabled": False})
        self.assertFalse(self.table().get("StreamSpecification", {}).get("StreamEnabled", False))
        table = self.update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        self.assertEqual(table["StreamSpecification"]["StreamViewType"], "NEW_IMAGE")
        self.assertNotEqual(table["LatestStreamArn"], former)

    def settings(self):
        for status in ("ENABLED", "DISABLED"):
            is_enabled = status == "ENABLED"
            wanted = {"AttributeName": "TimeToExist", "Enabled": is_enabled}
            answer = self.call("UpdateTimeToLive", TableName=self.NAME, TimeToLiveSpecification=wanted)
            self.assertEqual(answer["TimeToLiveSpecification"], wanted)
            self.until(lambda: self.call("DescribeTimeToLive", TableName=self.NAME)["TimeToLiveDescription"],
                       lambda found: found["TimeToLiveStatus"] == status)
            recovery = {"PointInTimeRecoveryEnabled": is_enabled}
            if is_enabled:
                recovery["RecoveryPeriodInDays"] = 7
            self.call("UpdateContinuousBackups", TableName=self.NAME, PointInTimeRecoverySpecification=recovery)
            self.read({"Name": "scores"}, recovery=status, ttl=status)
        # tags_gen.go removes first, then adds.
        self.call("UntagResource", ResourceArn=self.ARN, TagKeys=["Name"])
        self.call("TagResource", ResourceArn=self.ARN, Tags=[{"Key": "Stage", "Value": "test"}])
        self.read({"Stage": "test"})
        self.update(SSESpecification={"Enabled": True})
        self.assertEqual(self.table()["SSEDescription"]["Status"], "ENABLED")
        # statusTableSES: a table without a description is not encrypted by a key of its own.
        self.update(SSESpecification={"Enabled": False})
        self.assertEqual(self.table().get("SSEDescription", {}).get("Status", "DISABLED"), "DISABLED")
        warm = self.update(WarmThroughput={"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000})
        self.assertEqual(warm["WarmThroughput"]["ReadUnitsPerSecond"], 13000)

    def test_item(self):
        self.create(BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=[self.index()])
        key = {"UserId": {"S": "u"}, "GameTitle": {"S": "g"}}
        put = dict(TableName=self.NAME, Item={**key, "TopScore": {"N": "1"}})
        guarded = dict(put, ConditionExpression="attribute_not_exists(#hk)", ExpressionAttributeNames={"#hk": "UserId"})
        self.call("PutItem", **guarded)
        self.refuse("ConditionalCheckFailedException", "PutItem", **guarded)
        item = self.call(
            "GetItem", TableName=self.NAME, Key=key, ConsistentRead=True, ProjectionExpression="#a_0, #a_1, #a_2",
            ExpressionAttributeNames={"#a_0": "UserId", "#a_1": "GameTitle", "#a_2": "TopScore"})["Item"]
        self.assertEqual(item, put["Item"])
        self.call("DeleteItem", TableName=self.NAME, Key=key)
        self.assertEqual(self.call("GetItem", TableName=self.NAME, Key=key), {})


class Workbench(Sequence):
    """The calls of NoSQL Workbench, when a model is committed and explored.

    "Working with NoSQL Workbench", developer guide: workbench.Visualizer.Commit (a model's tables and sample data to
    DynamoDB local), workbench.querybuilder.operationbuilder.api (tables, indexes, items, Query and Scan, transactions)
    and workbench.querybuilder.partiql (statements, batches and transactions of statements).
    """

    def commit(self):
        for name in ("Employee", "Orders"):
            self.call(
                "CreateTable", TableName=name, KeySchema=key_schema("id", "sort"), BillingMode="PROVISIONED",
                AttributeDefinitions=attributes(id="S", sort="S", city="S"),
                ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
                GlobalSecondaryIndexes=[{
                    "IndexName": "by-city", "KeySchema": key_schema("city", "sort"),
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}])
            self.server.description(name)
        items = [{"id": {"S": f"e{n % 4}"}, "sort": {"S": f"s{n:02}"}, "city": {"S": f"c{n % 3}"}, "n": {"N": str(n)}}
                 for n in range(25)]
        left = self.call("BatchWriteItem", RequestItems={"Employee": [{"PutRequest": {"Item": i}} for i in items]})
        self.assertEqual(left["UnprocessedItems"], {})

    def test_explore(self):
        self.commit()
        self.assertEqual(self.call("ListTables", Limit=100), {"TableNames": ["Employee", "Orders"]})
        table = self.call("DescribeTable", TableName="Employee")["Table"]
        self.assertEqual((table["ItemCount"], table["KeySchema"]), (25, key_schema("id", "sort")))
        count, start, pages = 0, {}, 0
        while start is not None:
            page = self.call("Scan", TableName="Employee", Limit=10, ReturnConsumedCapacity="TOTAL", **start)
            self.assertEqual(page["Count"], len(page["Items"]))
            self.assertEqual(page["ConsumedCapacity"]["TableName"], "Employee")
            count, pages = count + page["Count"], pages + 1
            last = page.get("LastEvaluatedKey")
            start = {"ExclusiveStartKey": last} if last else None
        self.assertEqual((count, pages), (25, 3))
        found = self.call(
            "Query", TableName="Employee", IndexName="by-city", KeyConditionExpression="#pk = :pk And #sk > :sk",
            FilterExpression="#f < :f", ExpressionAttributeNames={"#pk": "city", "#sk": "sort", "#f": "n"},
            ExpressionAttributeValues={":pk": {"S": "c1"}, ":sk": {"S": "s04"}, ":f": {"N": "15"}})
        self.assertEqual([item["n"]["N"] for item in found["Items"]], ["7", "10", "13"])
        self.assertEqual(found["ScannedCount"], 6)

    def test_statements(self):
        self.commit()
        key = {"id": {"S": "p"}, "sort": {"S": "q"}}
        self.assertEqual(self.call(
            "ExecuteStatement", Statement="""INSERT INTO "Employee" value {'id':'p','sort':'q','n':1}""")["Items"], [])
        self.refuse("DuplicateItemException", "ExecuteStatement",
                    Statement="""INSERT INTO "Employee" value {'id':'p','sort':'q'}""")
        changed = self.call(
            "ExecuteStatement", Statement='UPDATE "Employee" SET n = n + 1 WHERE id = ? AND sort = ? '
            "RETURNING ALL NEW *", Parameters=[{"S": "p"}, {"S": "q"}])
        self.assertEqual(changed["Items"], [{**key, "n": {"N": "2"}}])
        items, token = [], {}
        while token is not None:
            page = self.call("ExecuteStatement", Statement='SELECT * FROM "Employee"', Limit=10, **token)
            items += page["Items"]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        self.assertEqual(len(items), 26)
        select = 'SELECT n FROM "Employee" WHERE id = ? AND sort = ?'
        answers = self.call("BatchExecuteStatement", Statements=[
            {"Statement": select, "Parameters": list(key.values())},
            {"Statement": 'SELECT n FROM "Employee" WHERE n = 1'}])["Responses"]
        self.assertEqual(answers[0], {"TableName": "Employee", "Item": {"n": {"N": "2"}}})
        self.assertEqual(answers[1]["Error"]["Code"], "ValidationError")
        self.call("ExecuteTransaction", ClientRequestToken=str(uuid.uuid4()), TransactStatements=[
            {"Statement": 'DELETE FROM "Employee" WHERE id = ? AND sort = ?', "Parameters": list(key.values())},
            {"Statement": """INSERT INTO "Orders" VALUE {'id': ?, 'sort': ?}""", "Parameters": list(key.values())}])
        self.assertEqual(self.call("GetItem", TableName="Employee", Key=key), {})
        self.assertEqual(self.call("GetItem", TableName="Orders", Key=key)["Item"], key)

    def test_transactions(self):
        self.commit()
        key = {"id": {"S": "p"}, "sort": {"S": "q"}}
        old = {"id": {"S": "e1"}, "sort": {"S": "s01"}}
        check = {"ConditionCheck": {
            "TableName": "Employee", "Key": old, "ConditionExpression": "attribute_exists(#i)",
            "ExpressionAttributeNames": {"#i": "id"}}}
        token = str(uuid.uuid4())
        actions = [check, {"Put": {"TableName": "Orders", "Item": key}}, {"Update": {
            "TableName": "Employee", "Key": {"id": {"S": "e2"}, "sort": {"S": "s02"}},
            "UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":n": {"N": "200"}}}}]
        for _ in range(2):
            self.call("TransactWriteItems", TransactItems=actions, ClientRequestToken=token)
        read = self.call("TransactGetItems", TransactItems=[
            {"Get": {"TableName": "Orders", "Key": key}},
            {"Get": {"TableName": "Employee", "Key": actions[2]["Update"]["Key"], "ProjectionExpression": "n"}}])
        self.assertEqual(read["Responses"], [{"Item": key}, {"Item": {"n": {"N": "200"}}}])
        check["ConditionCheck"]["ConditionExpression"] = "attribute_not_exists(#i)"
        status, answer = self.server.connection.call("TransactWriteItems", {"TransactItems": actions})
        self.assertEqual((status, answer["CancellationReasons"][0]["Code"]), (400, "ConditionalCheckFailed"))
        self.assertIn("[ConditionalCheckFailed, None, None]", answer["message"])
        self.call("UpdateTable", TableName="Orders", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-city"}}])
        self.until(lambda: self.server.description("Orders"), lambda table: "GlobalSecondaryIndexes" not in table)
        self.call("DeleteTable", TableName="Orders")
        self.until(lambda: self.call("ListTables"), lambda found: found == {"TableNames": ["Employee"]})


class CommandLine(Sequence):
    """The AWS CLI, which sends the requests itself.

    "Using the AWS CLI" in DynamoDB's developer guide (Tools.CLI: create-table, put-item, query), and "Getting started"
    there (GettingStartedDynamoDB: the table Music).
    """

    def aws(self, *words, code=0, service="dynamodb"):
        environment = dict(
            os.environ, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any", AWS_DEFAULT_REGION="us-east-1",
            AWS_PAGER="", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_MAX_ATTEMPTS="1")
        program = shutil.which("aws", path=os.path.dirname(sys.executable) + ":" + os.environ["PATH"])
        run = subprocess.run(
            [program, service, *words, "--endpoint-url", self.url, "--output", "json"], capture_output=True, text=True,
            env=environment)
        self.assertEqual(run.returncode != 0, code != 0, f"{words}: {run.stdout} {run.stderr}")
        return run.stderr if code else json.loads(run.stdout or "null")

    def test_music(self):
        created = self.aws(
            "create-table", "--table-name", "Music", "--attribute-definitions", "AttributeName=Artist,AttributeType=S",
            "AttributeName=SongTitle,AttributeType=S", "--key-schema", "AttributeName=Artist,KeyType=HASH",
            "AttributeName=SongTitle,KeyType=RANGE", "--provisioned-throughput",
            "ReadCapacityUnits=5,WriteCapacityUnits=5", "--table-class", "STANDARD")
        self.assertEqual(created["TableDescription"]["TableName"], "Music")
        self.aws("wait", "table-exists", "--table-name", "Music")
        key = {"Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Happy Day"}}
        self.aws("put-item", "--table-name", "Music", "--item", json.dumps({**key, "Awards": {"N": "10"}}))
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "items.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"Music": [{"PutRequest": {"Item": {**key, "SongTitle": {"S": f"Song {n}"}}}}
                                     for n in range(12)]}, file)
            written = self.aws("batch-write-item", "--request-items", f"file://{path}",
                               "--return-consumed-capacity", "TOTAL")
        self.assertEqual(written["ConsumedCapacity"][0]["CapacityUnits"], 12.0)
        self.read(key)
        updated = self.aws(
            "update-item", "--table-name", "Music", "--key", json.dumps(key), "--update-expression",
            "SET Awards = Awards + :n, Cover = :b", "--expression-attribute-values",
            '{":n":{"N":"1"},":b":{"B":"AQID"}}', "--return-values", "UPDATED_NEW")
        # Version 1 of the CLI takes the text for bytes, version 2 for base64.
        self.assertIn(updated["Attributes"].pop("Cover"), [{"B": "QVFJRA=="}, {"B": "AQID"}])
        self.assertEqual(updated["Attributes"], {"Awards": {"N": "11"}})
        errors = self.aws(
            "delete-item", "--table-name", "Music", "--key", json.dumps(key), "--condition-expression", "Awards = :n",
            "--expression-attribute-values", '{":n":{"N":"1"}}', code=1)
        self.assertIn("(ConditionalCheckFailedException) when calling the DeleteItem operation: "
                      "The conditional request failed", errors)
        self.tables()

    def read(self, key):
        found = self.aws("get-item", "--consistent-read", "--table-name", "Music", "--key", json.dumps(key))
        self.assertEqual(found["Item"]["Awards"], {"N": "10"})
        found = self.aws(
            "query", "--table-name", "Music", "--key-condition-expression",
            "Artist = :a and begins_with(SongTitle, :s)", "--expression-attribute-values",
            '{":a":{"S":"Acme Band"},":s":{"S":"Song"}}', "--page-size", "5", "--max-items", "7")
        self.assertEqual(len(found["Items"]), 7)
        self.assertIn("NextToken", found)
        found = self.aws("scan", "--table-name", "Music", "--select", "COUNT")
        self.assertEqual((found["Count"], found["ScannedCount"]), (13, 13))
        found = self.aws(
            "execute-statement", "--statement",
            "SELECT * FROM Music WHERE Artist='Acme Band' AND SongTitle='Happy Day'")
        self.assertEqual(len(found["Items"]), 1)

    def tables(self):
        arn = self.aws("describe-table", "--table-name", "Music")["Table"]["TableArn"]
        self.aws("tag-resource", "--resource-arn", arn, "--tags", "Key=Owner,Value=blue")
        self.assertEqual(self.aws("list-tags-of-resource", "--resource-arn", arn)["Tags"],
                         [{"Key": "Owner", "Value": "blue"}])
        self.aws("update-table", "--table-name", "Music", "--stream-specification",
                 "StreamEnabled=true,StreamViewType=NEW_IMAGE")
        streams = self.aws("list-streams", service="dynamodbstreams")["Streams"]
        self.assertEqual([stream["TableName"] for stream in streams], ["Music"])
        self.aws("update-continuous-backups", "--table-name", "Music", "--point-in-time-recovery-specification",
                 "PointInTimeRecoveryEnabled=true")
        self.aws("update-time-to-live", "--table-name", "Music", "--time-to-live-specification",
                 "Enabled=true,AttributeName=ends")
        self.assertEqual(self.aws("list-tables")["TableNames"], ["Music"])
        self.aws("delete-table", "--table-name", "Music")
        self.aws("wait", "table-not-exists", "--table-name", "Music")
        self.assertIn("ResourceNotFoundException", self.aws("describe-table", "--table-name", "Music", code=1))


class Resources(Sequence):
    """boto3's resources.

    boto3's guide to DynamoDB (boto3.amazonaws.com, guide/dynamodb), and awsdocs/aws-doc-sdk-examples,
    python/example_code/dynamodb/GettingStarted/scenario_getting_started_movies.py (class Movies).
    """

    def test_movies(self):
        resource = boto3.resource("dynamodb", **self.connection())
        with self.assertRaises(ClientError) as raised:
            resource.Table("movies").load()
        self.assertEqual(raised.exception.response["Error"]["Code"], "ResourceNotFoundException")
        movies = resource.create_table(
            TableName="movies", KeySchema=key_schema("year", "title"),
            AttributeDefinitions=attributes(year="N", title="S"),
            ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10})
        movies.wait_until_exists()
        with movies.batch_writer(overwrite_by_pkeys=["year", "title"]) as batch:
            for number in range(250):
                batch.put_item(Item={
                    "year": 1990 + number % 10, "title": f"t{number:03}",
                    "info": {"rating": decimal.Decimal(number) / 10, "genres": {"a", "b"}, "data": b"\x00\xff"}})
        item = movies.get_item(Key={"year": 1993, "title": "t003"})["Item"]
        self.assertEqual((item["info"]["rating"], item["info"]["genres"]), (decimal.Decimal("0.3"), {"a", "b"}))
        self.assertEqual(bytes(item["info"]["data"].value), b"\x00\xff")
        answer = movies.update_item(
            Key={"year": 1993, "title": "t003"}, UpdateExpression="set info.rating=:r, info.plot=:p",
            ExpressionAttributeValues={":r": decimal.Decimal("5.5"), ":p": "plot"}, ReturnValues="UPDATED_NEW")
        self.assertEqual(answer["Attributes"], {"info": {"rating": decimal.Decimal("5.5"), "plot": "plot"}})
        self.assertEqual(movies.query(KeyConditionExpression=Key("year").eq(1994))["Count"], 25)
        count, start = 0, {}
        while start is not None:
            page = movies.scan(
                FilterExpression=Key("year").between(1991, 1992) | Attr("info.rating").size().eq(99), Limit=100,
                ProjectionExpression="#yr, title, info.rating", ExpressionAttributeNames={"#yr": "year"}, **start)
            count += page["Count"]
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else None
        self.assertEqual(count, 50)
        movies.delete_item(Key={"year": 1993, "title": "t003"})
        found = resource.batch_get_item(RequestItems={"movies": {
            "Keys": [{"year": 1993, "title": "t003"}, {"year": 1994, "title": "t004"}]}})
        self.assertEqual([item["title"] for item in found["Responses"]["movies"]], ["t004"])
        movies.delete()
        movies.wait_until_not_exists()
        self.assertEqual(list(resource.tables.all()), [])


class Pynamo(Sequence):
    """PynamoDB, which reads tables, conditions and errors in its own way.

    Its documentation (pynamodb.readthedocs.io): quickstart, indexes, batch, conditional, transaction,
    optimistic_locking and attributes.
    """

    def setUp(self):
        if pynamodb is None:
            self.skipTest("pynamodb is not installed")
        super().setUp()

        class ViewIndex(pynamodb.indexes.GlobalSecondaryIndex):
            class Meta:
                index_name = "view-index"
                projection = pynamodb.indexes.AllProjection()

            views = NumberAttribute(hash_key=True)

        class Thread(pynamodb.models.Model):
            class Meta:
                table_name = "Thread"
                host = self.url
                region = "us-east-1"
                aws_access_key_id = "any"
                aws_secret_access_key = "any"
                billing_mode = "PAY_PER_REQUEST"
                max_retry_attempts = 0

            forum = UnicodeAttribute(hash_key=True)
            subject = UnicodeAttribute(range_key=True)
            views = NumberAttribute(default=0)
            tags = ListAttribute(default=list)
            ends = TTLAttribute(null=True)
            version = VersionAttribute()
            view_index = ViewIndex()

        self.Thread = Thread
        self.assertFalse(Thread.exists())
        Thread.create_table(wait=True)
        self.assertTrue(Thread.exists())

    def test_models(self):
        Thread = self.Thread
        with Thread.batch_write() as batch:
            for number in range(60):
                batch.save(Thread("f", f"s{number:02}", views=number % 3))
        self.assertEqual(Thread.count("f", Thread.subject.startswith("s1")), 10)
        self.assertEqual([t.subject for t in Thread.query("f", Thread.subject < "s03", scan_index_forward=False)],
                         ["s02", "s01", "s00"])
        self.assertEqual(Thread.view_index.count(1), 20)
        self.assertEqual(len(list(Thread.scan(Thread.views > 0, page_size=7))), 40)
        found = list(Thread.batch_get([("f", "s00"), ("f", "s59"), ("f", "none")]))
        self.assertEqual(sorted(t.subject for t in found), ["s00", "s59"])
        with self.assertRaises(Thread.DoesNotExist):
            Thread.get("f", "none")

    def test_conditions(self):
        Thread = self.Thread
        Thread("f", "s", views=1).save()
        first, second = Thread.get("f", "s"), Thread.get("f", "s", consistent_read=True)
        first.update(actions=[Thread.views.add(1), Thread.tags.set(Thread.tags.append(["x"]))])
        self.assertEqual((first.views, first.version, first.tags), (2, 2, ["x"]))
        with self.assertRaises(pynamodb.exceptions.UpdateError) as raised:
            second.update(actions=[Thread.views.set(9)])
        self.assertEqual(raised.exception.cause_response_code, "ConditionalCheckFailedException")
        with self.assertRaises(pynamodb.exceptions.PutError):
            Thread("f", "s").save(Thread.forum.does_not_exist())
        connection = pynamodb.connection.Connection(host=self.url, region="us-east-1")
        connection.session.set_credentials("any", "any")
        with pynamodb.transactions.TransactWrite(connection=connection, client_request_token="once") as transaction:
            transaction.save(Thread("f", "new"))
            transaction.update(first, actions=[Thread.views.set(5)], condition=Thread.views == 2)
        with self.assertRaises(pynamodb.exceptions.TransactWriteError) as raised:
            with pynamodb.transactions.TransactWrite(connection=connection) as transaction:
                transaction.condition_check(Thread, "f", "new", condition=Thread.forum.does_not_exist())
                transaction.delete(Thread.get("f", "s"))
        self.assertEqual([reason and reason.code for reason in raised.exception.cancellation_reasons],
                         ["ConditionalCheckFailed", None])
        with pynamodb.transactions.TransactGet(connection=connection) as transaction:
            futures = [transaction.get(Thread, "f", "s"), transaction.get(Thread, "f", "new")]
        self.assertEqual([future.get().views for future in futures], [5, 0])
        # Thread.create_table has enabled it.
        with self.assertRaisesRegex(pynamodb.exceptions.TableError, "TimeToLive is already enabled"):
            Thread.update_ttl(ignore_update_ttl_errors=False)
        Thread.delete_table()
        self.until(Thread.exists, lambda is_there: not is_there)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    arguments, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(arguments.codexflow)
    if pynamodb is None:
        print("PynamoDB is not installed: its sequences are skipped.")
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
