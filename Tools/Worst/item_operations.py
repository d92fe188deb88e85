"""GetItem, PutItem, UpdateItem, DeleteItem."""

import expressions
import stored
import values
from shapes import (
    PLACES, RETURNS, STORED_ITEM, Operation, conditional, filling, junk, key_values,
    old_conditions, optional, placeholders, texts, value_choices)
from values import text


def get_items():
    def make(room, parameters, facts):
        return {
            "Key": stored.key(parameters["item"]),
            "ProjectionExpression": expressions.projection(parameters),
            "ReturnConsumedCapacity": text("TOTAL")}
    large = dict(TableName=text("large"))
    x = dict(large, Key=stored.key("x"))
    return Operation(
        "GetItem",
        filling("item", {**expressions.PROJECTION_START, "item": "escapes"},
                {**expressions.PROJECTION_PARAMETERS, **STORED_ITEM}, make, **large),
        key_values(**large), placeholders("ProjectionExpression", **x),
        texts("ProjectionExpression", **x), junk(*PLACES, "ProjectionExpression", **x))


def puts():
    def put(room, parameters, facts):
        size = room - 512
        item = values.item(size, parameters)
        if parameters["table"] == "wide":
            item = item[:-1] + b"," + stored.index_keys() + b"}"
        return {
            "TableName": text(parameters["table"]), "Item": item,
            "ReturnValues": optional(parameters["returns"]),
            "ReturnConsumedCapacity": optional(parameters["capacity"])}
    x = dict(TableName=text("scratch"), Item=stored.key("x"))
    return Operation(
        "PutItem",
        filling("item", {"table": "scratch", **values.START, "returns": None, "capacity": None},
                {"table": ["scratch", "wide"], **values.PARAMETERS, **RETURNS}, put),
        conditional("PutItem"), old_conditions("Expected", **x),
        placeholders("ConditionExpression", **x), texts("ConditionExpression", **x),
        junk(*PLACES, "ConditionExpression", "Expected", **x))


def scratch_item(parameters):
    """What an update finds."""
    item = values.item(
        parameters["storedLength"],
        dict(values.START, digits=7, kind=parameters["storedKind"]), "x", 0)
    return [("PutItem", stored.put("scratch", item))]


def updates():
    def make(room, parameters, facts):
        update = expressions.update(parameters)
        parts = expressions.update_values(room - len(update) - 128, parameters)
        return {
            "UpdateExpression": text(update),
            "ExpressionAttributeValues": expressions.map_of(parts),
            "ReturnValues": optional(parameters["returns"])}

    def sets(room, parameters, facts):
        value = values.value(room - 128, parameters)
        return {
            "UpdateExpression": text("SET d=:v"),
            "ExpressionAttributeValues": b'{":v":%s}' % value}

    def old(room, parameters, facts):
        return {"AttributeUpdates": expressions.old_update(room - 64, parameters)}

    x = dict(TableName=text("scratch"), Key=stored.key("x"))
    return Operation(
        "UpdateItem",
        filling("update", {**expressions.UPDATE_START, "returns": None},
                {**expressions.UPDATE_PARAMETERS,
                 "returns": [None, "ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"]},
                make, before=scratch_item, **x),
        filling("value", values.START, value_choices(), sets, **x),
        conditional("UpdateItem", UpdateExpression=text("REMOVE zy")),
        filling("oldUpdates", expressions.OLD_START, expressions.OLD_PARAMETERS, old, **x),
        key_values(TableName=text("scratch")), old_conditions("Expected", **x),
        placeholders("UpdateExpression", **x),
        texts("UpdateExpression", "ConditionExpression", **x),
        junk(*PLACES, "UpdateExpression", "AttributeUpdates", **x))


def deletes():
    x = dict(TableName=text("scratch"), Key=stored.key("x"))

    def make(room, parameters, facts):
        return {"ReturnValues": optional(parameters["returns"]),
                "ReturnConsumedCapacity": optional(parameters["capacity"])}

    def fail(room, parameters, facts):
        return {"ConditionExpression": text("attribute_not_exists(p)"),
                "ReturnValuesOnConditionCheckFailure": optional(parameters["returns"])}

    stored_items = {
        name: expressions.UPDATE_PARAMETERS[name] for name in ("storedKind", "storedLength")}
    start = {"storedKind": "nulls", "storedLength": 4_000_000, "returns": "ALL_OLD"}
    return Operation(
        "DeleteItem",
        filling("item", {**start, "capacity": "INDEXES"}, {**stored_items, **RETURNS}, make,
                before=scratch_item, **x),
        filling("failing", start, {**stored_items, "returns": RETURNS["returns"]}, fail,
                before=scratch_item, **x),
        conditional("DeleteItem"), key_values(TableName=text("scratch")),
        old_conditions("Expected", **x), placeholders("ConditionExpression", **x),
        texts("ConditionExpression", **x), junk(*PLACES, "ConditionExpression", "Expected", **x))
