"""Behaviours of tables, streams, time to live, tags and PartiQL."""

from botocore.exceptions import ClientError

from behaviours import (
    GUIDE, ISSUES, NOT_FOUND, REFERENCE, VALIDATION, attributes, behaviour, index, key_schema, number, refusal, text)

CREATE = REFERENCE + "API_CreateTable.html"
DESCRIPTION = REFERENCE + "API_TableDescription.html"
STREAMS = GUIDE + "Streams.html"
RECORD = REFERENCE + "API_streams_StreamRecord.html"
TTL = REFERENCE + "API_UpdateTimeToLive.html"
TAGS = REFERENCE + "API_TagResource.html"
PARTIQL = GUIDE + "ql-reference.html"
STATEMENT = REFERENCE + "API_ExecuteStatement.html"
BATCH_STATEMENT = REFERENCE + "API_BatchExecuteStatement.html"


# Tables


@behaviour("a table that is there is not made again", CREATE, "error ResourceInUseException")
def table_twice(world):
    world.client.create_table(
        TableName=world.pair, KeySchema=key_schema("p"), AttributeDefinitions=attributes(p="S"),
        BillingMode="PAY_PER_REQUEST")


@behaviour("a table's name has three characters at least", CREATE, VALIDATION)
def short_name(world):
    world.client.create_table(
        TableName="ab", KeySchema=key_schema("p"), AttributeDefinitions=attributes(p="S"),
        BillingMode="PAY_PER_REQUEST")


@behaviour("attributes that no key has are refused", ISSUES + "getmoto/moto/issues/7345", VALIDATION)
def unused_definition(world):
    world.client.create_table(
        TableName=world.unique("table"), KeySchema=key_schema("p"),
        AttributeDefinitions=attributes(p="S", x="S"), BillingMode="PAY_PER_REQUEST")


@behaviour("a key attribute without a definition is refused", ISSUES + "getmoto/moto/issues/7345", VALIDATION)
def undefined_key(world):
    world.client.create_table(
        TableName=world.unique("table"), KeySchema=key_schema("p", "s"),
        AttributeDefinitions=attributes(p="S"), BillingMode="PAY_PER_REQUEST")


@behaviour("a local index needs a table with a sort key", GUIDE + "LSI.html", VALIDATION)
def local_index(world):
    world.client.create_table(
        TableName=world.unique("table"), KeySchema=key_schema("p"),
        AttributeDefinitions=attributes(p="S", l="S"), BillingMode="PAY_PER_REQUEST",
        LocalSecondaryIndexes=[index("local", "ALL", "p", "l")])


@behaviour("provisioned billing needs a throughput", CREATE, VALIDATION)
def no_throughput(world):
    world.client.create_table(
        TableName=world.unique("table"), KeySchema=key_schema("p"),
        AttributeDefinitions=attributes(p="S"), BillingMode="PROVISIONED")


@behaviour("a missing table is not found", REFERENCE + "API_DescribeTable.html", NOT_FOUND)
def no_table(world):
    world.client.describe_table(TableName="no-such-table")


@behaviour("a protected table is not deleted",
           GUIDE + "WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection", VALIDATION)
def protected(world):
    table = world.scratch(DeletionProtectionEnabled=True)
    try:
        world.client.delete_table(TableName=table)
    finally:
        world.client.update_table(TableName=table, DeletionProtectionEnabled=False)


@behaviour("a description has the table's warm throughput", DESCRIPTION, True)
def warm_throughput(world):
    table = world.client.describe_table(TableName=world.flow)["Table"]
    return "ReadUnitsPerSecond" in table.get("WarmThroughput", {})


@behaviour("a table may be named by its ARN", CREATE.replace("CreateTable", "GetItem"), number(1))
def by_arn(world):
    key = world.put({"a": number(1)})
    arn = world.client.describe_table(TableName=world.pair)["Table"]["TableArn"]
    return world.client.get_item(TableName=arn, Key=key).get("Item", {}).get("a")


@behaviour("the ARN of a table in another region is refused",
           ISSUES + "hashicorp/terraform-provider-aws/issues/42792", VALIDATION)
def other_region(world):
    account = arn(world, world.pair).split(":")[4]
    world.client.describe_continuous_backups(
        TableName=f"arn:aws:dynamodb:eu-west-1:{account}:table/{world.pair}")


@behaviour("throughput is decreased four times, and then once an hour",
           GUIDE + "ServiceQuotas.html", ["2", "error LimitExceededException"])
def decreases(world):
    def throughput(units):
        return {"ReadCapacityUnits": units, "WriteCapacityUnits": 1}

    def is_active():
        return world.client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"

    table = world.scratch(BillingMode="PROVISIONED", ProvisionedThroughput=throughput(6))
    for units in (5, 4, 3, 2):
        world.client.update_table(TableName=table, ProvisionedThroughput=throughput(units))
        world.until(is_active)
    found = world.client.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    try:
        world.client.update_table(TableName=table, ProvisionedThroughput=throughput(1))
    except ClientError as error:
        return [str(found["ReadCapacityUnits"]), refusal(error)]
    return [str(found["ReadCapacityUnits"]), None]


@behaviour("ListTables goes on after the last name of a page", REFERENCE + "API_ListTables.html", True)
def table_pages(world):
    names, start = [], {}
    while len(names) < 100:
        page = world.client.list_tables(Limit=1, **start)
        names += page["TableNames"]
        if "LastEvaluatedTableName" not in page:
            break
        start = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}
    return len(names) == len(set(names)) and {world.pair, world.text, world.flow} <= set(names)


@behaviour("a global index that is added finds what was there before", GUIDE + "GSI.OnlineOps.html", 1)
def added_index(world):
    table = world.scratch()
    world.client.put_item(TableName=table, Item={"p": text("a"), "x": text("b")})
    world.client.update_table(
        TableName=table, AttributeDefinitions=attributes(p="S", x="S"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-x", "ALL", "x")}])

    def is_active():
        indexes = world.client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
        return any(entry["IndexStatus"] == "ACTIVE" for entry in indexes)

    world.until(is_active)
    return world.query("b", "x = :p", table=table, IndexName="by-x")["Count"]


@behaviour("an item collection's metrics come with a write to a local index",
           REFERENCE + "API_ItemCollectionMetrics.html", True)
def metrics(world):
    key = world.key()
    answer = world.client.put_item(
        TableName=world.pair, Item=key, ReturnItemCollectionMetrics="SIZE")
    return answer.get("ItemCollectionMetrics", {}).get("ItemCollectionKey") == {"p": key["p"]}


@behaviour("point-in-time recovery is enabled when it is asked for",
           REFERENCE + "API_UpdateContinuousBackups.html", "ENABLED")
def recovery(world):
    table = world.scratch()
    answer = world.client.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    backups = answer["ContinuousBackupsDescription"]
    return backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]


# Time to live and tags


@behaviour("time to live is disabled at first", REFERENCE + "API_DescribeTimeToLive.html", "DISABLED")
def no_ttl(world):
    answer = world.client.describe_time_to_live(TableName=world.text)
    return answer["TimeToLiveDescription"]["TimeToLiveStatus"]


@behaviour("time to live is enabled for an attribute", TTL, ("expires", True))
def enabled_ttl(world):
    table = world.scratch()
    world.client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    found = world.client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return found.get("AttributeName"), found["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


@behaviour("time to live that is disabled is not disabled again",
           ISSUES + "cloudposse/terraform-aws-dynamodb/issues/94", VALIDATION)
def disabled_twice(world):
    world.client.update_time_to_live(
        TableName=world.scratch(), TimeToLiveSpecification={"Enabled": False, "AttributeName": "x"})


def arn(world, table):
    return world.client.describe_table(TableName=table)["Table"]["TableArn"]


@behaviour("a tag's value is replaced by its key", TAGS, [{"Key": "a", "Value": "2"}])
def tags(world):
    resource = arn(world, world.scratch())
    for value in ("1", "2"):
        world.client.tag_resource(ResourceArn=resource, Tags=[{"Key": "a", "Value": value}])
    return world.client.list_tags_of_resource(ResourceArn=resource)["Tags"]


@behaviour("a table has 50 tags at most", TAGS, VALIDATION)
def many_tags(world):
    pairs = [{"Key": f"k{place}", "Value": "v"} for place in range(51)]
    world.client.tag_resource(ResourceArn=arn(world, world.scratch()), Tags=pairs)


# Streams


def shard_iterator(world, kind):
    stream = world.client.describe_table(TableName=world.flow)["Table"]["LatestStreamArn"]
    shards = world.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    return world.streams.get_shard_iterator(
        StreamArn=stream, ShardId=shards[-1]["ShardId"], ShardIteratorType=kind)["ShardIterator"]


def records(world, change):
    """The records of what `change` does to an item of its own."""
    key = {"p": text(world.unique())}
    iterator = shard_iterator(world, "LATEST")
    change(key)
    found = []

    def is_done():
        nonlocal iterator
        page = world.streams.get_records(ShardIterator=iterator)
        found.extend(page["Records"])
        iterator = page.get("NextShardIterator")
        return not page["Records"]

    world.until(is_done)
    return [record for record in found if record["dynamodb"]["Keys"] == key]


@behaviour("a stream has INSERT, MODIFY and REMOVE", STREAMS, ["INSERT", "MODIFY", "REMOVE"])
def kinds(world):
    def change(key):
        world.client.put_item(TableName=world.flow, Item={**key, "a": number(1)})
        world.client.put_item(TableName=world.flow, Item={**key, "a": number(2)})
        world.client.delete_item(TableName=world.flow, Key=key)
    return [record["eventName"] for record in records(world, change)]


@behaviour("a write that changes nothing has no record", STREAMS, ["INSERT"])
def unchanged(world):
    def change(key):
        for _ in range(2):
            world.client.put_item(TableName=world.flow, Item={**key, "a": number(1)})
    return [record["eventName"] for record in records(world, change)]


@behaviour("a record has the images before and after", STREAMS, (number(1), number(2)))
def images(world):
    def change(key):
        for value in (1, 2):
            world.client.put_item(TableName=world.flow, Item={**key, "a": number(value)})
    last = records(world, change)[-1]["dynamodb"]
    return last["OldImage"]["a"], last["NewImage"]["a"]


@behaviour("a sequence number has 21 to 40 digits", RECORD, True)
def sequence(world):
    found = records(world, lambda key: world.client.put_item(TableName=world.flow, Item=key))
    digits = found[0]["dynamodb"]["SequenceNumber"]
    return digits.isdigit() and 21 <= len(digits) <= 40


@behaviour("an update of a missing item with nothing but REMOVE has no record",
           ISSUES + "scylladb/scylladb/issues/5862", [])
def removal(world):
    def change(key):
        world.client.update_item(TableName=world.flow, Key=key, UpdateExpression="REMOVE a")
    return records(world, change)


# PartiQL


def run(world, statement, *parameters):
    return world.client.execute_statement(Statement=statement, Parameters=list(parameters))["Items"]


@behaviour("SELECT by the key finds the item", PARTIQL.replace("ql-reference", "ql-reference.select"),
           [{"a": number(1)}])
def select(world):
    key = world.put({"a": number(1)})
    return run(world, f'SELECT a FROM "{world.pair}" WHERE p = ? AND s = 1', key["p"])


@behaviour("INSERT of an item that is there is refused", PARTIQL.replace("ql-reference", "ql-reference.insert"),
           "error DuplicateItemException")
def insert(world):
    key = world.put()
    run(world, f"INSERT INTO \"{world.pair}\" VALUE {{'p': ?, 's': 1}}", key["p"])


@behaviour("UPDATE sets an attribute", PARTIQL.replace("ql-reference", "ql-reference.update"), number(2))
def update(world):
    key = world.put({"a": number(1)})
    run(world, f'UPDATE "{world.pair}" SET a = 2 WHERE p = ? AND s = 1', key["p"])
    return world.get(key)["a"]


@behaviour("UPDATE of a missing item is refused", STATEMENT, "error ConditionalCheckFailedException")
def update_missing(world):
    run(world, f'UPDATE "{world.pair}" SET a = 2 WHERE p = ? AND s = 1', world.key()["p"])


@behaviour("DELETE removes the item", PARTIQL.replace("ql-reference", "ql-reference.delete"), None)
def delete(world):
    key = world.put()
    run(world, f'DELETE FROM "{world.pair}" WHERE p = ? AND s = 1', key["p"])
    return world.get(key)


@behaviour("UPDATE without the whole key is refused", PARTIQL.replace("ql-reference", "ql-reference.update"),
           VALIDATION)
def update_partition(world):
    run(world, f'UPDATE "{world.pair}" SET a = 2 WHERE p = ?', world.put()["p"])


@behaviour("a batch of statements has an error for each that fails", BATCH_STATEMENT,
           [None, "DuplicateItem"])
def batch(world):
    there = world.put()
    answer = world.client.batch_execute_statement(Statements=[
        {"Statement": f"INSERT INTO \"{world.pair}\" VALUE {{'p': ?, 's': 1}}", "Parameters": [key["p"]]}
        for key in (world.key(), there)])
    return [response.get("Error", {}).get("Code") for response in answer["Responses"]]


@behaviour("a transaction of statements writes all or nothing",
           REFERENCE + "API_ExecuteTransaction.html", ("error TransactionCanceledException", None))
def transaction(world):
    there, new = world.put(), world.key()
    try:
        world.client.execute_transaction(TransactStatements=[
            {"Statement": f"INSERT INTO \"{world.pair}\" VALUE {{'p': ?, 's': 1}}", "Parameters": [key["p"]]}
            for key in (new, there)])
    except ClientError as error:
        return refusal(error), world.get(new)
