"""Behaviours of queries, scans, batches and transactions."""

from botocore.exceptions import ClientError

from behaviours import (
    CANCELLED, GUIDE, ISSUES, NOT_FOUND, REFERENCE, VALIDATION, behaviour, number, refusal, sorts, text, without)

QUERY = REFERENCE + "API_Query.html"
SCAN = REFERENCE + "API_Scan.html"
CAPACITY = GUIDE + "read-write-operations.html"
BATCH_WRITE = REFERENCE + "API_BatchWriteItem.html"
BATCH_GET = REFERENCE + "API_BatchGetItem.html"
TRANSACTION = REFERENCE + "API_TransactWriteItems.html"
REASONS = REFERENCE + "API_TransactionCanceledException.html"


# Queries and scans


@behaviour("Limit counts items before the filter", QUERY, (0, 2, True))
def limit(world):
    p = world.numbered(3)
    page = world.query(p, Limit=2, FilterExpression="s2 = :v", values={":v": number(1)})
    return page["Count"], page["ScannedCount"], "LastEvaluatedKey" in page


@behaviour("Limit of 0 is refused", QUERY, VALIDATION)
def no_limit(world):
    return world.query("x", Limit=0)


@behaviour("a Limit that ends at the last item gives a key to go on from",
           ISSUES + "floci-io/floci/pull/2389", True)
def exact_limit(world):
    return "LastEvaluatedKey" in world.query(world.numbered(2), Limit=2)


@behaviour("a page has 1 MB at most", GUIDE + "Query.Pagination.html", (["1", "2"], True))
def large_page(world):
    p = world.numbered(3, {"t": text("x" * 390_000)})
    page = world.query(p)
    return sorts(page["Items"]), "LastEvaluatedKey" in page


@behaviour("numbers are ordered by value", QUERY, ["-2", "1", "9", "10"])
def number_order(world):
    p = world.unique()
    for value in ("10", "9", "-2", "1"):
        world.put(key=world.key(p, value))
    return sorts(world.query(p)["Items"])


@behaviour("text is ordered by its bytes in UTF-8", QUERY, ["Z", "a", "é"])
def text_order(world):
    p = world.unique()
    for value in ("é", "a", "Z"):
        world.client.put_item(TableName=world.text, Item={"p": text(p), "s": text(value)})
    return sorts(world.query(p, table=world.text)["Items"])


@behaviour("ScanIndexForward of false turns the order", QUERY, ["3", "2", "1"])
def backward(world):
    return sorts(world.query(world.numbered(3), ScanIndexForward=False)["Items"])


@behaviour("a filter of the queried key is refused", GUIDE + "Query.FilterExpression.html", VALIDATION)
def key_filter(world):
    return world.query("x", FilterExpression="s = :v", values={":v": number(1)})


@behaviour("a query without the partition key is refused", GUIDE + "Query.KeyConditionExpressions.html",
           VALIDATION)
def no_partition(world):
    return world.query("x", "s = :p")


@behaviour("begins_with of a sort key that is a number is refused",
           GUIDE + "Query.KeyConditionExpressions.html", VALIDATION)
def number_prefix(world):
    return world.query("x", "p = :p AND begins_with(s, :v)", {":v": text("1")})


@behaviour("a key condition with <> is refused", GUIDE + "Query.KeyConditionExpressions.html", VALIDATION)
def not_equal(world):
    return world.query("x", "p = :p AND s <> :v", {":v": number(1)})


@behaviour("KeyConditions beside KeyConditionExpression is refused", QUERY, VALIDATION)
def two_conditions(world):
    return world.query("x", KeyConditions={
        "p": {"ComparisonOperator": "EQ", "AttributeValueList": [text("x")]}})


@behaviour("AttributesToGet beside ProjectionExpression is refused", QUERY, VALIDATION)
def two_projections(world):
    return world.query("x", AttributesToGet=["p"], ProjectionExpression="p")


@behaviour("an index that is not there is refused", QUERY, VALIDATION)
def no_index(world):
    return world.query("x", IndexName="none")


@behaviour("a consistent read of a global index is refused", QUERY, VALIDATION)
def consistent_index(world):
    return world.query("x", "g = :p", IndexName="all", ConsistentRead=True)


def indexed(world, more=None, **parameters):
    g = world.unique()
    key = world.put({"g": text(g), "x": number(1), **(more or {})})
    page = world.query(g, "g = :p", **parameters)
    return [without(item, *key) for item in page.get("Items", [])], g


@behaviour("an index of keys has keys alone", GUIDE + "GSI.html", [["g"]])
def keys_only(world):
    items, _ = indexed(world, IndexName="keys")
    return [sorted(item) for item in items]


@behaviour("ALL_ATTRIBUTES of a global index of keys is refused", QUERY, VALIDATION)
def all_attributes(world):
    return indexed(world, IndexName="keys", Select="ALL_ATTRIBUTES")


@behaviour("a global index of keys has no other attribute to project", GUIDE + "GSI.html", VALIDATION)
def not_projected(world):
    return indexed(world, IndexName="keys", ProjectionExpression="x")


@behaviour("a local index fetches what it lacks from the table", GUIDE + "LSI.html", [{"x": number(1)}])
def fetched(world):
    key = world.put({"l": text("a"), "x": number(1)})
    page = world.query(key["p"]["S"], IndexName="local", ProjectionExpression="x")
    return page["Items"]


@behaviour("an item without the index's key is not in the index", GUIDE + "GSI.html", 0)
def sparse(world):
    key = world.put({"x": number(1)})
    return world.query(key["p"]["S"], "g = :p", IndexName="all")["Count"]


@behaviour("Select of COUNT has no items", QUERY, (3, False))
def count(world):
    page = world.query(world.numbered(3), Select="COUNT")
    return page["Count"], "Items" in page


@behaviour("SPECIFIC_ATTRIBUTES without a projection is refused", QUERY, VALIDATION)
def no_projection(world):
    return world.query("x", Select="SPECIFIC_ATTRIBUTES")


@behaviour("a projection keeps the places of nested values", GUIDE + "Expressions.ProjectionExpressions.html",
           {"m": {"M": {"l": {"L": [number(2)]}}}})
def nested_projection(world):
    key = world.put({"m": {"M": {"l": {"L": [number(1), number(2)]}, "x": number(3)}}})
    return world.get(key, ProjectionExpression="m.l[1]")


@behaviour("TotalSegments without Segment is refused", SCAN, VALIDATION)
def no_segment(world):
    world.client.scan(TableName=world.text, TotalSegments=2)


@behaviour("Segment is below TotalSegments", SCAN, VALIDATION)
def high_segment(world):
    world.client.scan(TableName=world.text, TotalSegments=2, Segment=2)


@behaviour("segments have each item once", SCAN, True)
def segments(world):
    table = world.scratch()
    for place in range(20):
        world.client.put_item(TableName=table, Item={"p": text(str(place))})
    found = []
    for segment in range(4):
        page = world.client.scan(TableName=table, TotalSegments=4, Segment=segment)
        found += [item["p"]["S"] for item in page["Items"]]
    return sorted(found) == sorted(map(str, range(20)))


@behaviour("a start key without all its attributes is refused", SCAN, VALIDATION)
def short_start(world):
    world.client.scan(TableName=world.pair, ExclusiveStartKey={"p": text("x")})


# Capacity


@behaviour("an eventually consistent read of 4 KB takes half a unit", CAPACITY, 0.5)
def read_units(world):
    answer = world.client.get_item(
        TableName=world.pair, Key=world.put(), ReturnConsumedCapacity="TOTAL")
    return answer["ConsumedCapacity"]["CapacityUnits"]


@behaviour("a write of 1.5 KB takes two units", CAPACITY, 2.0)
def write_units(world):
    answer = world.client.put_item(
        TableName=world.flow, Item={"p": text(world.unique()), "t": text("x" * 1500)},
        ReturnConsumedCapacity="TOTAL")
    return answer["ConsumedCapacity"]["CapacityUnits"]


@behaviour("a transaction takes twice the units", CAPACITY, 4.0)
def transaction_units(world):
    answer = world.client.transact_write_items(
        TransactItems=[put(world, world.flow, {"p": text(world.unique())}) for _ in range(2)],
        ReturnConsumedCapacity="TOTAL")
    return sum(table["CapacityUnits"] for table in answer["ConsumedCapacity"])


# Batches


def writes(table, items):
    return {table: [{"PutRequest": {"Item": item}} for item in items]}


@behaviour("a BatchWriteItem with one key twice is refused", BATCH_WRITE, VALIDATION)
def batch_duplicates(world):
    world.client.batch_write_item(RequestItems=writes(world.pair, [world.key("same")] * 2))


@behaviour("a BatchWriteItem has 25 elements at most", BATCH_WRITE, VALIDATION)
def batch_size(world):
    items = [world.key() for _ in range(26)]
    world.client.batch_write_item(RequestItems=writes(world.pair, items))


@behaviour("a BatchWriteItem with a missing table writes nothing", BATCH_WRITE, (NOT_FOUND, None))
def batch_table(world):
    key = world.key()
    try:
        world.client.batch_write_item(
            RequestItems={**writes(world.pair, [key]), **writes("no-such-table", [world.key()])})
    except ClientError as error:
        return refusal(error), world.get(key)


@behaviour("a BatchGetItem with one key twice is refused", BATCH_GET, VALIDATION)
def get_duplicates(world):
    world.client.batch_get_item(RequestItems={world.pair: {"Keys": [world.key("same")] * 2}})


@behaviour("a BatchGetItem has 100 keys at most", BATCH_GET, VALIDATION)
def get_size(world):
    keys = [world.key() for _ in range(101)]
    world.client.batch_get_item(RequestItems={world.pair: {"Keys": keys}})


@behaviour("a BatchGetItem leaves out missing items", BATCH_GET, (1, {}))
def get_missing(world):
    answer = world.client.batch_get_item(
        RequestItems={world.pair: {"Keys": [world.put(), world.key()]}})
    return len(answer["Responses"][world.pair]), answer.get("UnprocessedKeys")


# Transactions


def put(world, table, item, **more):
    return {"Put": {"TableName": table, "Item": item, **more}}


def cancelled(world, actions):
    """The error's code, and the codes of its reasons."""
    try:
        world.client.transact_write_items(TransactItems=actions)
        return "done"
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        return refusal(error), [reason.get("Code") for reason in reasons]


@behaviour("a cancelled transaction has a reason for each action", REASONS,
           (CANCELLED, ["None", "ConditionalCheckFailed", "None"]))
def reasons(world):
    there = world.put()
    condition = {"ConditionExpression": "attribute_not_exists(p)"}
    return cancelled(world, [
        put(world, world.pair, world.key()), put(world, world.pair, there, **condition),
        put(world, world.pair, world.key())])


@behaviour("a cancelled transaction writes nothing", TRANSACTION, None)
def atomic(world):
    there, new = world.put(), world.key()
    cancelled(world, [
        put(world, world.pair, new),
        {"ConditionCheck": {"TableName": world.pair, "Key": there,
                            "ConditionExpression": "attribute_not_exists(p)"}}])
    return world.get(new)


@behaviour("a failed condition of a transaction returns its item", TRANSACTION, number(1))
def reason_item(world):
    there = world.put({"a": number(1)})
    try:
        world.client.transact_write_items(TransactItems=[
            put(world, world.pair, there, ConditionExpression="attribute_not_exists(p)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD")])
    except ClientError as error:
        if refusal(error) != CANCELLED:
            raise
        return error.response["CancellationReasons"][0].get("Item", {}).get("a")


@behaviour("two actions for one item are refused", TRANSACTION, VALIDATION)
def same_item(world):
    key = world.key()
    world.client.transact_write_items(TransactItems=[
        put(world, world.pair, key), {"Delete": {"TableName": world.pair, "Key": key}}])


@behaviour("a transaction has 100 actions at most", TRANSACTION, VALIDATION)
def transaction_size(world):
    world.client.transact_write_items(
        TransactItems=[put(world, world.pair, world.key()) for _ in range(101)])


@behaviour("a token makes a transaction happen once", TRANSACTION, number(1))
def token(world):
    key = world.key()
    update = {"Update": {
        "TableName": world.pair, "Key": key, "UpdateExpression": "ADD n :v",
        "ExpressionAttributeValues": {":v": number(1)}}}
    for _ in range(2):
        world.client.transact_write_items(TransactItems=[update], ClientRequestToken=world.suffix)
    return world.get(key)["n"]


@behaviour("a token with another request is refused", TRANSACTION, "error IdempotentParameterMismatchException")
def other_token(world):
    for _ in range(2):
        world.client.transact_write_items(
            TransactItems=[put(world, world.pair, world.key())], ClientRequestToken=world.suffix + "-2")


@behaviour("a transaction has 4 MB at most", GUIDE + "Constraints.html", VALIDATION)
def transaction_bytes(world):
    items = [{**world.key(), "t": text("x" * 390_000)} for _ in range(11)]
    world.client.transact_write_items(TransactItems=[put(world, world.pair, item) for item in items])


@behaviour("TransactGetItems gives missing items their places", REFERENCE + "API_TransactGetItems.html",
           [False, True])
def get_places(world):
    keys = [world.key(), world.put()]
    answer = world.client.transact_get_items(
        TransactItems=[{"Get": {"TableName": world.pair, "Key": key}} for key in keys])
    return ["Item" in response for response in answer["Responses"]]


@behaviour("an action that is invalid for its item is a reason of the transaction", REASONS,
           (CANCELLED, ["None", "ValidationError"]))
def invalid_action(world):
    there = world.put({"a": text("x")})
    return cancelled(world, [put(world, world.pair, world.key()), {"Update": {
        "TableName": world.pair, "Key": there, "UpdateExpression": "ADD a :v",
        "ExpressionAttributeValues": {":v": number(1)}}}])


@behaviour("an update of a transaction without its item makes one", TRANSACTION, number(1))
def made_item(world):
    key = world.key()
    world.client.transact_write_items(TransactItems=[{"Update": {
        "TableName": world.pair, "Key": key, "UpdateExpression": "SET a = :v",
        "ExpressionAttributeValues": {":v": number(1)}}}])
    return world.get(key)["a"]


@behaviour("an empty list of actions is refused", TRANSACTION, VALIDATION)
def no_actions(world):
    world.client.transact_write_items(TransactItems=[])
