"""BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems."""

import itertools

import expressions
import stored
import values
from shapes import STORED_ITEM, Operation, filling, junk, optional
from values import members, text

# Each token is a new one, or the actions would not be done.
TOKENS = itertools.count(1)


def items_of(table, texts_of_items):
    return b'{"%s":%s}' % (table.encode(), b"[" + b",".join(texts_of_items) + b"]")


def scratch_items(count):
    """Makes the requests that store the items which are changed: 24 MB of JSON at most."""
    def make(parameters):
        made = parameters.get("count", count)
        item = dict(values.START, digits=7, kind=parameters["storedKind"])
        size = min(parameters["storedLength"], 24_000_000 // made)
        return [
            ("PutItem", stored.put("scratch", values.item(size, item, "x", place)))
            for place in range(made)]
    return make


def batch_gets():
    def large(room, parameters, facts):
        kind = parameters["item"]
        keys = [stored.key(kind, place) for place in range(facts.copies(kind))]
        if parameters["mixed"]:
            keys = [stored.key(kind, place) for place in range(5) for kind in stored.KINDS]
        entry = members(
            Keys=b"[" + b",".join(keys) + b"]",
            ProjectionExpression=expressions.projection(parameters))
        return {"RequestItems": b'{"large":%s}' % entry,
                "ReturnConsumedCapacity": text("INDEXES")}

    def keys(room, parameters, facts):
        count = parameters["keys"]
        each = (room - 64) // count
        made = [values.item(each - 1, parameters, "x", place) for place in range(count)]
        return {"RequestItems": b'{"large":{"Keys":[%s]}}' % b",".join(made)}

    def tables(room, parameters, facts):
        # What is read first fills the answer; what is not read is written again as it came.
        first = [stored.key("escapes", place) for place in range(facts.copies("escapes"))]
        count = min(parameters["tables"], facts.sizes.extras)
        each = (room - 2048) // count - 160
        if parameters["rest"] == "Unknown":
            rest = values.junk(each, parameters)
        else:
            rest = values.repeated(each, b"[", b" ", b'"d"]', separator=b"")
        entries = [
            b'"extra-%03d":{"Keys":[%s],"%s":%s}'
            % (place, stored.key("x"), parameters["rest"].encode(), rest)
            for place in range(count)]
        large = b'"large":{"Keys":[%s]}' % b",".join(first)
        return {"RequestItems": b"{" + b",".join([large, *entries]) + b"}"}

    return Operation(
        "BatchGetItem",
        filling("large", {**expressions.PROJECTION_START, "item": "escapes", "mixed": False},
                {**expressions.PROJECTION_PARAMETERS, **STORED_ITEM, "mixed": [False, True]},
                large),
        filling("keys", {**values.START, "keys": 100},
                {**values.PARAMETERS, "keys": [1, 2, 25, 100, 101]}, keys),
        filling("tables", {**values.JUNK_START, "tables": 10, "rest": "AttributesToGet"},
                {**values.JUNK_PARAMETERS, "tables": [1, 10, 90],
                 "rest": ["AttributesToGet", "Unknown"]}, tables),
        junk("RequestItems", "ReturnConsumedCapacity"))


def batch_writes():
    def make(room, parameters, facts):
        count, table = parameters["count"], parameters["table"]
        each = (room - 256) // count - 40
        keys = stored.index_keys() if table == "wide" else b""
        made = []
        for place in range(count):
            item = values.item(each - len(keys) - 1, parameters, "x", place)
            if keys:
                item = item[:-1] + b"," + keys + b"}"
            made.append(b'{"PutRequest":{"Item":%s}}' % item)
        return {"RequestItems": items_of(table, made),
                "ReturnConsumedCapacity": optional(parameters["capacity"])}

    def delete(room, parameters, facts):
        made = [b'{"DeleteRequest":{"Key":%s}}' % stored.key("x", place)
                for place in range(parameters["count"])]
        return {"RequestItems": items_of("scratch", made),
                "ReturnConsumedCapacity": text("INDEXES")}

    return Operation(
        "BatchWriteItem",
        filling("puts", {**values.START, "count": 25, "table": "scratch", "capacity": None},
                {**values.PARAMETERS, "count": [1, 10, 25, 26, 100],
                 "table": ["scratch", "wide"], "capacity": [None, "INDEXES"]}, make),
        filling("deletes", {"storedKind": "nulls", "storedLength": 400_000, "count": 25},
                {**{name: expressions.UPDATE_PARAMETERS[name]
                    for name in ("storedKind", "storedLength")}, "count": [1, 5, 25]}, delete,
                before=scratch_items(25)),
        junk("RequestItems", "ReturnConsumedCapacity"))


def transact_gets():
    def large(room, parameters, facts):
        kind, projection = parameters["item"], expressions.projection(parameters)
        count = min(parameters["count"], facts.copies(kind))
        count = max(1, min(count, room // (len(projection or b"") + 200)))
        gets = [
            members(Get=members(
                TableName=text("large"), Key=stored.key(kind, place),
                ProjectionExpression=projection))
            for place in range(count)]
        return {"TransactItems": b"[" + b",".join(gets) + b"]",
                "ReturnConsumedCapacity": text("INDEXES")}

    def keys(room, parameters, facts):
        count = parameters["count"]
        each = (room - 64) // count - 64
        gets = [
            members(Get=members(
                TableName=text("large"), Key=values.item(each, parameters, "x", place)))
            for place in range(count)]
        return {"TransactItems": b"[" + b",".join(gets) + b"]"}

    counts = {"count": [1, 6, 10, 11, 100]}
    return Operation(
        "TransactGetItems",
        filling("large", {**expressions.PROJECTION_START, "item": "escapes", "count": 10},
                {**expressions.PROJECTION_PARAMETERS, **STORED_ITEM, **counts}, large),
        filling("keys", {**values.START, "count": 100}, {**values.PARAMETERS, **counts}, keys),
        junk("TransactItems", "ReturnConsumedCapacity"))


def transact_writes():
    def actions(room, make, count, **more):
        each = (room - 256) // count - 1
        return {"TransactItems": b"[" + b",".join(
            make(each, place) for place in range(count)) + b"]", **more}

    def put(room, parameters, facts):
        keys = stored.index_keys() if parameters["table"] == "wide" else b""

        def action(size, place):
            item = values.item(size - len(keys) - 64, parameters, "x", place)
            if keys:
                item = item[:-1] + b"," + keys + b"}"
            return members(Put=members(TableName=text(parameters["table"]), Item=item))
        token = text("token-%d" % next(TOKENS)) if parameters["hasToken"] else None
        return actions(room, action, parameters["count"], ClientRequestToken=token,
                       ReturnConsumedCapacity=text("INDEXES"))

    def change(room, parameters, facts):
        update = expressions.update(parameters)

        def action(size, place):
            parts = expressions.update_values(size - len(update) - 256, parameters)
            return members(Update=members(
                TableName=text("scratch"), Key=stored.key("x", place),
                UpdateExpression=text(update),
                ExpressionAttributeValues=expressions.map_of(parts)))
        return actions(room, action, max(1, min(parameters["count"], room // (len(update) + 400))))

    def check(room, parameters, facts):
        condition = expressions.never(expressions.condition(parameters))
        kind = parameters["item"]

        def action(size, place):
            parts = expressions.condition_values(size - len(condition) - 256, parameters)
            return members(ConditionCheck=members(
                TableName=text("large"), Key=stored.key(kind, place),
                ConditionExpression=text(condition),
                ExpressionAttributeValues=expressions.map_of(parts),
                ReturnValuesOnConditionCheckFailure=optional(parameters["returns"])))
        count = min(parameters["count"], facts.copies(kind), room // (len(condition) + 400))
        return actions(room, action, max(1, count))

    def delete(room, parameters, facts):
        return {"TransactItems": b"[" + b",".join(
            members(Delete=members(TableName=text("scratch"), Key=stored.key("x", place)))
            for place in range(parameters["count"])) + b"]"}

    counts = {"count": [1, 4, 10, 25, 100]}
    return Operation(
        "TransactWriteItems",
        filling("puts", {**values.START, "count": 10, "table": "scratch", "hasToken": False},
                {**values.PARAMETERS, **counts, "table": ["scratch", "wide"],
                 "hasToken": [False, True]}, put),
        filling("updates", {**expressions.UPDATE_START, "count": 100},
                {**expressions.UPDATE_PARAMETERS, **counts}, change, before=scratch_items(1)),
        filling("deletes", {"storedKind": "nulls", "storedLength": 4_000_000, "count": 10},
                {**{name: expressions.UPDATE_PARAMETERS[name]
                    for name in ("storedKind", "storedLength")}, "count": [1, 4, 10]}, delete,
                before=scratch_items(10)),
        filling("checks",
                {**expressions.CONDITION_START, "item": "text", "count": 10, "returns": None},
                {**expressions.CONDITION_PARAMETERS, **STORED_ITEM, **counts,
                 "returns": [None, "ALL_OLD"]}, check),
        junk("TransactItems", "ClientRequestToken"))
