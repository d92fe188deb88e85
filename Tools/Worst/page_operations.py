"""Query and Scan."""

import expressions
import stored
import values
from shapes import (
    PLACES, STORED_ITEM, Operation, filling, junk, old_conditions, optional, placeholders, texts,
    value_choices)
from values import text

PAGE_START = {
    **expressions.CONDITION_START, **expressions.PROJECTION_START, "filtered": True,
    "item": "text", "select": None, "limit": None}
PAGE_PARAMETERS = {
    **expressions.CONDITION_PARAMETERS, **expressions.PROJECTION_PARAMETERS,
    "filtered": [True, False], **STORED_ITEM, "select": [None, "COUNT", "ALL_ATTRIBUTES"],
    "limit": [None, 1, 2]}


def page(room, parameters, parts):
    """The members of a page that is filtered and projected.

    `parts` are the members of ExpressionAttributeValues so far.
    """
    found = {"ProjectionExpression": expressions.projection(parameters),
             "Select": optional(parameters["select"]), "ReturnConsumedCapacity": text("INDEXES")}
    if found["ProjectionExpression"]:
        found["Select"] = None
    if parameters["limit"]:
        found["Limit"] = b"%d" % parameters["limit"]
    if parameters["filtered"]:
        condition = expressions.condition(parameters)
        found["FilterExpression"] = text(condition)
        parts = parts + expressions.condition_values(
            room - len(condition) - len(found["ProjectionExpression"] or b"") - 512, parameters)
    found["ExpressionAttributeValues"] = expressions.map_of(parts)
    return found


def queries():
    def large(room, parameters, facts):
        found = page(room, parameters, [b'":p":{"S":"%s"}' % parameters["item"].encode()])
        return {**found, "ScanIndexForward": b"false" if parameters["isBackward"] else None}

    def small(room, parameters, facts):
        return page(room, parameters, [b'":p":{"S":"all"}'])

    def key_condition(room, parameters, facts):
        value = values.value(room - 256, parameters)
        return {"KeyConditionExpression": text(parameters["condition"]),
                "ExpressionAttributeValues": b'{":p":%s,":s":{"N":"1"}}' % value}

    def start(room, parameters, facts):
        return {"KeyConditionExpression": text("p=:p"),
                "ExpressionAttributeValues": b'{":p":{"S":"text"}}',
                "ExclusiveStartKey": values.item(room - 128, parameters, "text", 0)}

    name = dict(TableName=text("large"))
    x = dict(name, ExpressionAttributeValues=b'{":p":{"S":"x"}}',
             KeyConditionExpression=text("p=:p"))
    expression_names = ["KeyConditionExpression", "FilterExpression", "ProjectionExpression"]
    return Operation(
        "Query",
        filling("large", {**PAGE_START, "isBackward": False},
                {**PAGE_PARAMETERS, "isBackward": [False, True]}, large,
                KeyConditionExpression=text("p=:p"), **name),
        filling("small", dict(PAGE_START, terms=20), PAGE_PARAMETERS, small,
                TableName=text("small"), IndexName=text("by-g"),
                KeyConditionExpression=text("g=:p")),
        filling("keyCondition", {**values.START, "kind": "text", "condition": "p=:p AND s=:s"},
                {**value_choices(), "condition": ["p=:p AND s=:s", "s=:p AND p=:s"]},
                key_condition, **name),
        filling("start", values.START, values.PARAMETERS, start, **name),
        old_conditions("QueryFilter", **name,
                       KeyConditions=b'{"p":{"ComparisonOperator":"EQ",'
                                     b'"AttributeValueList":[{"S":"text"}]}}'),
        old_conditions("KeyConditions", **name),
        placeholders("KeyConditionExpression", "FilterExpression", **name),
        texts(*expression_names, **name), junk(*PLACES, *expression_names, "QueryFilter", **x))


def scans():
    def large(room, parameters, facts):
        # The scan begins at the first item of the kind.
        return {**page(room, parameters, []),
                "ExclusiveStartKey": stored.key(parameters["item"], -1)}

    def small(room, parameters, facts):
        found = page(room, parameters, [])
        if parameters["segments"] > 1:
            last = parameters["segments"] - 1 if parameters["isLast"] else 0
            found.update(Segment=b"%d" % last, TotalSegments=b"%d" % parameters["segments"])
        return found

    def start(room, parameters, facts):
        return {"ExclusiveStartKey": values.item(room - 128, parameters, "text", 0)}

    name = dict(TableName=text("large"))
    expression_names = ["FilterExpression", "ProjectionExpression"]
    return Operation(
        "Scan",
        filling("large", PAGE_START, PAGE_PARAMETERS, large, **name),
        filling("small", {**PAGE_START, "segments": 1_000_000, "isLast": True, "terms": 20},
                {**PAGE_PARAMETERS, "segments": [1, 2, 100, 10_000, 1_000_000],
                 "isLast": [True, False]}, small, TableName=text("small")),
        filling("start", values.START, values.PARAMETERS, start, **name),
        old_conditions("ScanFilter", **name), placeholders("FilterExpression", **name),
        texts(*expression_names, **name), junk(*PLACES, *expression_names, "ScanFilter", **name))
