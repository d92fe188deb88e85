"""Differences between `codexflow serve` and ministack in which the former follows AWS.

Guide is the Amazon DynamoDB Developer Guide, Reference the Amazon DynamoDB API Reference. Where they do not decide,
tests or issues that were recorded with the service do, and are named.
"""

import re

VALIDATION = "ValidationException"
CONDITION = "ConditionalCheckFailedException"
CANCELLED = "TransactionCanceledException"


def texts(parameters):
    """All expressions of a request, those of its actions too."""
    found = []
    for name, value in parameters.items():
        if name.endswith("Expression"):
            found.append(value)
        elif name == "RequestItems":
            for request in value.values():
                if isinstance(request, dict):
                    found += texts(request)
        elif name == "TransactItems":
            for action in value:
                for body in action.values():
                    found += texts(body)
    return found


def without_empty(answer):
    """An answer without what is empty."""
    if isinstance(answer, dict):
        cleaned = {key: without_empty(value) for key, value in answer.items()}
        return {key: value for key, value in cleaned.items() if value not in ({}, None)}
    if isinstance(answer, list):
        return [without_empty(value) for value in answer]
    return answer


def partial(parameters, tables):
    """Whether a query or scan is of an index that has not all attributes."""
    return any(
        index[0] == parameters.get("IndexName") and index[3]["ProjectionType"] != "ALL"
        for table in tables if table.name == parameters.get("TableName") for index in table.indexes)


def only_removes(operation, parameters):
    """Whether a request has an update that only removes attributes."""
    if operation == "transact_write_items":
        return any(
            only_removes("update_item", action["Update"])
            for action in parameters["TransactItems"] if "Update" in action)
    if operation != "update_item":
        return False
    text = parameters.get("UpdateExpression")
    if text is not None:
        return re.search(r"\b(SET|ADD)\b", text) is None
    updates = parameters.get("AttributeUpdates", {})
    return bool(updates) and all(update.get("Action") == "DELETE" for update in updates.values())


def reason(operation, parameters, ours, theirs, source, normal):
    """Why two outcomes differ; `None` if that is not known."""
    text = " ".join(texts(parameters))
    message = ours[1].get("Message", "") if ours[0] != "ok" else ""
    if ours[0] == "ok" and theirs[0] == "ok":
        same = normal(without_empty(ours[1])) == normal(without_empty(theirs[1]))
        if operation == "update_item" and same:
            return "Reference, UpdateItem, Attributes: only updated attributes are returned; here there are none"
        if operation == "transact_get_items" and same:
            return ("Reference, ItemResponse: Item has what the ProjectionExpression asks for; "
                    "an item without any of it is there, as in GetItem")
    if ours[0] == theirs[0] == "ok" and operation == "update_item" and only_removes(operation, parameters):
        if "Attributes" not in ours[1]:
            return ("Reference, UpdateItem, AttributeUpdates, and scylladb/scylladb#5862: without an item, an update "
                    "that only removes does nothing; ministack stores an item")
    if ours[0] == theirs[0] == CANCELLED:
        return ("Reference, TransactWriteItems, TransactionCanceledException, and paritysuite/dynamodb-conformance#46: "
                "a reason for each condition that fails, and for the first action that is invalid; ministack ends at "
                "the first action that fails")
    if ours[0] in (VALIDATION, CANCELLED) and "Key attributes must be scalars" in message:
        return ("Guide, Core components, primary key and secondary indexes: key attributes are scalars; architect/dynalite, "
                "test/updateItem.js: an expression with a path into one is refused")
    if ours[0] in (VALIDATION, CANCELLED) and theirs[0] in ("ok", CONDITION) and "for Index Key" in message:
        return ("architect/dynalite, test/updateItem.js: an index key of another type is refused if the update alone "
                "shows the type, before the condition is checked")
    if source.is_broken and VALIDATION in (ours[0], theirs[0]):
        return ("Guide, Using expressions: grammar and placeholders are checked before an item is looked at; "
                "ministack looks at the item first, takes some of what is malformed, and wants a space after SET")
    if theirs[0] == VALIDATION and "begins_with" in text:
        return ("Guide, Condition expressions, begins_with: of strings and (Reference, Condition) binaries; "
                "attributes of other types do not begin with anything")
    expected = parameters.get("Expected", {})
    if theirs[0] == VALIDATION and any(
            c.get("ComparisonOperator") in ("NULL", "NOT_NULL") for c in expected.values()):
        return "Reference, ExpectedAttributeValue: NULL and NOT_NULL are without an AttributeValueList"
    if ours[0] == VALIDATION and "non-primary key attributes" in message:
        return ("Guide, Query, filter expressions: a filter expression cannot contain partition key or sort key "
                "attributes; ministack allows those of indexes")
    if ours[0] in (VALIDATION, CANCELLED) and theirs[0] in ("ok", CONDITION):
        if "list_append" in text:
            return "Guide, Update expressions, list_append: both operands are lists"
        if re.search(r"if_not_exists\([^)]*\)\s+[+-]", text):
            return "Guide, Update expressions, incrementing and decrementing: the operands are numbers"
    if ours[0] == VALIDATION and theirs[0] == CANCELLED and "multiple operations on one item" in message:
        return ("Reference, TransactGetItems and TransactWriteItems: no two actions of a list name one item, which is "
                "checked for the list as a whole; ministack ends at the first action that is invalid")
    if ours[0] == CANCELLED and operation == "transact_get_items":
        return "Reference, Get, Key: the attributes of the primary key, of their types; ministack finds nothing"
    if ours[0] == CANCELLED and theirs[0] == VALIDATION and "ValidationError" in ours[1]["Reasons"]:
        return ("Reference, TransactWriteItems, TransactionCanceledException: what is invalid for an item or a secondary "
                "index is a reason of its action, ValidationError; an empty value of a key is not")
    if ours[0] in (VALIDATION, CANCELLED) and theirs[0] == "ok" and "38 significant digits" in message:
        return "Guide, Data types, numbers: up to 38 digits of precision; exceeding this results in an exception"
    if ours[0] in ("ok", VALIDATION) and theirs[0] in ("ok", CONDITION) and "contains(" in text and {"B": b""} in list(
            parameters.get("ExpressionAttributeValues", {}).values()):
        return "Reference, Condition, CONTAINS: of a binary, a subsequence; the empty one is in the empty one"
    if ours[0] == VALIDATION and re.search(r"cannot contain an empty (string|binary) value", message):
        return ("Guide, Working with items, key attributes: of string and binary type, a key value is not empty; "
                "paritysuite/dynamodb-conformance#60: in a transaction, it is an error of the request")
    if ours[0] == theirs[0] == "ok" and operation in ("scan", "query") and re.search(r"size\(", text):
        return ("Guide, Condition expressions, size: of strings, binaries, sets, lists and maps; the size of "
                "a number compares with nothing, and ministack takes it for 0")
    if ours[0] == VALIDATION and "requires same data type for lower and upper bounds" in message:
        return "Guide, Key condition expressions, BETWEEN: both bounds are of the key's type"
    if ours[0] == theirs[0] == "ok" and partial(parameters, source.tables) and "FilterExpression" in parameters:
        return ("Guide, Global secondary indexes, attribute projections: what is not projected into the index is not "
                "there; ministack filters by the table's item")
    return None
