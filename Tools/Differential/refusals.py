"""AWS's texts of refusals: where each is recorded, when it is given, and whether a request deserves it.

A text is checked against the request that it answers, so that an answer with one of AWS's texts is not right for that
alone. The order of stages is AWS's: dynalite's tests of expressions name a table that does not exist, and those of
keys have expressions without faults; floci-io/floci#3674 was checked against the service, and says that keys are
checked before conditions.
"""

import collections
import decimal
import re

from actions import (
    FUNCTIONS, arguments, clauses, expressions, index_keys, is_empty, keyed, outcome_type, paths, projection, read_keys,
    tokens, type_of, used, written_types)

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
REFERENCE = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
# Recorded from the service.
DYNALITE = "https://github.com/architect/dynalite/blob/main/test/"
CONFORMANCE = "https://github.com/paritysuite/dynamodb-conformance/blob/main/"
ALTERNATOR = "https://github.com/scylladb/scylladb/blob/master/test/alternator/"

REQUEST, TABLE, SCHEMA, REPEATED, CONDITION, ITEM = range(6)

Refusal = collections.namedtuple("Refusal", "name pattern stage source check is_of_all")
REFUSALS = []

# Without a source: the type of the error counts, and not its text.
UNVERIFIED = None


def refusal(pattern, stage, source, is_of_all=False):
    """Adds a text; the function is whether an action, or all together, deserves it, by the match of the text."""
    def add(check):
        REFUSALS.append(Refusal(check.__name__, re.compile(pattern, re.DOTALL), stage, source, check, is_of_all))
        return check
    return add


def without_count(text):
    """A text without the count of errors that some regions put before it."""
    return re.sub(r"^\d+ validation errors? detected: ", "", text)


def classified(text, actions):
    """The refusal that a text is, if one of the actions deserves it."""
    for known in REFUSALS:
        match = known.pattern.fullmatch(without_count(text))
        if match and any(known.check(part, match) for part in ([actions] if known.is_of_all else actions)):
            return known
    return None


# The request


@refusal(r"ReturnValues can only be ALL_OLD or NONE", REQUEST, DYNALITE + "putItem.js")
def return_values(action, _):
    return (action.operation in ("put_item", "delete_item")
            and action.body.get("ReturnValues", "NONE") not in ("ALL_OLD", "NONE"))


@refusal(r"ExpressionAttribute(Names|Values) can only be specified when using expressions(: [\w ]+ (is|are) null)?",
         REQUEST, CONFORMANCE + "captures/2026-06-09-validation-rewording.json")
def placeholders_without_expressions(action, match):
    given = "ExpressionAttribute" + match[1] in action.body
    needed = [name for name in expressions(action.body) if match[1] == "Names" or name != "ProjectionExpression"]
    return given and not needed


@refusal(r"Value provided in ExpressionAttribute(Names|Values) unused in expressions: keys: \{(.*)\}", REQUEST,
         CONFORMANCE + "tests/tier3/error-messages/updateItem.test.ts")
def unused_placeholders(action, match):
    given = action.body.get("ExpressionAttribute" + match[1], {})
    return sorted(match[2].split(", ")) == sorted(name for name in given if name not in used(action.body))


@refusal(r"Invalid (\w+): An expression attribute (name|value) used in (the document path|expression) is not defined; "
         r"attribute (name|value): (.*)", REQUEST, DYNALITE + "updateItem.js")
def undefined_placeholder(action, match):
    given = action.body.get("ExpressionAttributeNames" if match[2] == "name" else "ExpressionAttributeValues", {})
    return match[5] in tokens(action.body.get(match[1], "")) and match[5] not in given


@refusal(r"Invalid (\w+): The expression can not be empty;", REQUEST,
         CONFORMANCE + "tests/tier3/error-messages/updateItem.test.ts")
def empty_expression(action, match):
    return action.body.get(match[1]) == ""


@refusal(r"Invalid (\w+): Syntax error; token: \"(.*)\", near: \"(.*)\"", REQUEST,
         CONFORMANCE + "tests/tier3/error-messages/updateItem.test.ts")
def syntax(action, match):
    """The token and those beside it are tokens of the text; whether it fits the grammar, only the servers know."""
    found, near = tokens(action.body.get(match[1], "")), tokens(match[3].replace("<EOF>", ""))
    return (match[2] in near or match[2] == "<EOF>") and any(
        found[place:place + len(near)] == near for place in range(len(found)))


@refusal(r"Invalid (\w+): Invalid function name; function: (\w+)", REQUEST, DYNALITE + "updateItem.js")
def unknown_function(action, match):
    found = tokens(action.body.get(match[1], ""))
    return match[2] not in FUNCTIONS and any(pair == (match[2], "(") for pair in zip(found, found[1:]))


@refusal(r"Invalid (\w+): Attribute name is a reserved keyword; reserved keyword: (\w+)", REQUEST,
         DYNALITE + "updateItem.js")
def reserved_name(action, match):
    return match[2] in tokens(action.body.get(match[1], ""))


@refusal(r"Invalid (\w+): Incorrect operand type for operator or function; operator or function: (\S+), "
         r"operand type: (\w+)", REQUEST, DYNALITE + "updateItem.js")
def operand_type(action, match):
    """Of a literal; the type of an attribute is not a fault of the request."""
    values = action.body.get("ExpressionAttributeValues", {})
    literals = {name for name, value in values.items() if type_of(value) == match[3]}
    found = tokens(action.body.get(match[1], ""))
    if match[2] == "begins_with" and match[3] in "SB" or match[2] not in found:
        return False
    if match[2] in "+-" or match[2] == "list_append":
        good = "L" if match[2] == "list_append" else "N"
        return match[3] != good and any(
            outcome_type(part, action.body) == match[3] for clause in clauses(action.body)
            for part in operands(clause.value, match[2]))
    return bool(literals & set(found))


def operands(value, operator):
    """The operands of an operator or function in the value of an update's clause."""
    if operator == "list_append":
        return arguments(value[2:-1]) if value[:1] == [operator] else []
    depth = 0
    for place, token in enumerate(value):
        depth += (token == "(") - (token == ")")
        if depth == 0 and token == operator:
            return [value[:place], value[place + 1:]]
    return []


@refusal(r"Invalid UpdateExpression: Incorrect operand type for operator or function; operator: (ADD|DELETE), "
         r"operand type: (\w+)", REQUEST, DYNALITE + "updateItem.js")
def clause_type(action, match):
    names = {"STRING": "S", "NUMBER": "N", "BINARY": "B", "BOOLEAN": "BOOL", "NULL": "NULL", "LIST": "L", "MAP": "M"}
    return any(clause.section == match[1] and outcome_type(clause.value, action.body) == names.get(match[2])
               for clause in clauses(action.body))


@refusal(r"Invalid (\w+): The BETWEEN operator requires (same data type for lower and upper bounds|upper bound to be "
         r"greater than or equal to lower bound); .*", REQUEST, DYNALITE + "putItem.js")
def bounds(action, match):
    found, values = tokens(action.body.get(match[1], "")), action.body.get("ExpressionAttributeValues", {})
    for place, token in enumerate(found):
        if token == "BETWEEN" and found[place + 2:place + 3] == ["AND"]:
            low, high = (values.get(found[place + step]) for step in (1, 3))
            if low and high and (type_of(low) != type_of(high)) == match[2].startswith("same"):
                return True
    return False


@refusal(r"Invalid \w+: Incorrect operand type for operator or function; operator or function: "
         r"attribute_type, operand type: \{[\w,]+\}", REQUEST, DYNALITE + "putItem.js")
def type_of_path(action, _):
    """The second operand of attribute_type is a path."""
    return any(
        re.search(r"attribute_type \([^()]*, #?[A-Za-z]", " ".join(tokens(text)))
        for text in expressions(action.body).values())


@refusal(r"Invalid (UpdateExpression|ProjectionExpression): Two document paths (overlap|conflict) with each other; "
         r"must remove or rewrite one of these paths; .*", REQUEST,
         CONFORMANCE + "tests/tier3/error-messages/batchGetItem.test.ts")
def overlap(action, match):
    found = [clause.path for clause in clauses(action.body)] if match[1] == "UpdateExpression" else \
        paths(action.body, [match[1]])
    return any(one[:1] == other[:1] for place, one in enumerate(found) for other in found[:place])


@refusal(r"Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition", REQUEST,
         UNVERIFIED)
def key_compared_with_key(action, _):
    return len(paths(action.body, ["KeyConditionExpression"])) > 1 and "KeyConditionExpression" in action.body


# The table


@refusal(r"Requested resource not found(: Table: (\S+) not found)?", TABLE, DYNALITE + "describeTable.js")
def no_table(action, match):
    return action.table is None and match[2] in (None, action.body.get("TableName"))


@refusal(r"Table already exists: (\S+)", TABLE, DYNALITE + "createTable.js")
def table_exists(action, match):
    return action.operation == "create_table" and match[1] == action.body.get("TableName")


# Keys


def keys_of(action):
    """The keys that a request names: one, or those of a batch."""
    return action.body.get("Keys") or [action.body.get("Key") or keyed(action.table, action.body)]


@refusal(r"The provided key element does not match the schema", SCHEMA, DYNALITE + "getItem.js")
def other_key(action, _):
    return action.table is not None and any(
        {name: type_of(value) for name, value in key.items()} != dict(action.table.keys) for key in keys_of(action))


@refusal(r"One or more parameter values were invalid: Missing the key (\w+) in the item", SCHEMA,
         DYNALITE + "putItem.js")
def missing_key(action, match):
    return action.table is not None and match[1] in dict(action.table.keys) and "Item" in action.body \
        and match[1] not in action.body["Item"]


@refusal(r"One or more parameter values were invalid: Type mismatch for key (\w+) expected: (\w+) actual: (\w+)",
         SCHEMA, DYNALITE + "putItem.js")
def key_type(action, match):
    item = action.body.get("Item", {})
    return action.table is not None and dict(action.table.keys).get(match[1]) == match[2] != match[3] \
        and type_of(item.get(match[1])) == match[3]


@refusal(r"One or more parameter values were invalid: Type mismatch for Index Key (\w+) Expected: (\w+) Actual: (\w+) "
         r"IndexName: (\S+)", SCHEMA, DYNALITE + "updateItem.js")
def index_key_type(action, match):
    """Before the stored item is read: the item put, or what the update alone shows."""
    if action.table is None or (match[1], match[2], match[4]) not in index_keys(action.table) or match[2] == match[3]:
        return False
    if "Item" in action.body:
        return type_of(action.body["Item"].get(match[1])) == match[3]
    return (match[1], match[3]) in written_types(action.body)


@refusal(r"One or more parameter values are not valid\. The AttributeValue for a key attribute cannot contain an empty "
         r"(string|binary) value\. Key: (\w+)", SCHEMA, DYNALITE + "putItem.js")
def empty_key(action, match):
    if action.table is None or match[2] not in dict(action.table.keys):
        return False
    if action.operation == "query":
        return match[2] in dict(read_keys(action)) and any(map(is_empty, key_literals(action)))
    return any(is_empty(key.get(match[2])) for key in keys_of(action))


@refusal(r"One or more parameter values are not valid\. A value specified for a secondary index key is not supported\. "
         r"The AttributeValue for a key attribute cannot contain an empty (string|binary) value\. "
         r"IndexName: (\S+), IndexKey: (\w+)", SCHEMA, "https://github.com/praetorian-inc/chariot-ui/issues/353")
def empty_index_key(action, match):
    if action.operation == "query":
        return action.body.get("IndexName") == match[2] and any(map(is_empty, key_literals(action)))
    return action.table is not None and is_empty(action.body.get("Item", {}).get(match[3]))


@refusal(r"One or more parameter values are not valid\. The update expression attempted to update a secondary index "
         r"key to a value that is not supported\. The AttributeValue for a key attribute cannot contain an empty "
         r"(string|binary) value\.", SCHEMA, CONFORMANCE + "tests/tier3/error-messages/transactWriteItems.test.ts")
def empty_updated_index_key(action, _):
    values = action.body.get("ExpressionAttributeValues", {})
    return action.table is not None and any(
        clause.section == "SET" and clause.path[0] in {name for name, _, _ in index_keys(action.table)}
        and any(is_empty(values.get(token)) for token in clause.value) for clause in clauses(action.body))


def key_literals(action):
    """The values in a key condition."""
    values = action.body.get("ExpressionAttributeValues", {})
    return [values.get(token) for token in tokens(action.body.get("KeyConditionExpression", ""))]


@refusal(r"Key attributes must be scalars; list random access '\[\]' and map lookup '\.' are not allowed: "
         r"(Key|IndexKey): (\w+)", SCHEMA, ALTERNATOR + "test_gsi.py")
def path_into_key(action, match):
    names = {name for name, _, _ in index_keys(action.table)} if match[1] == "IndexKey" else \
        dict(action.table.keys)
    return match[2] in names and any(path[0] == match[2] and len(path) > 1 for path in paths(action.body))


@refusal(r"One or more parameter values were invalid: Cannot update attribute (\w+)\. This attribute is part of the "
         r"key", SCHEMA, CONFORMANCE + "tests/tier3/error-messages/updateItem.test.ts")
def key_update(action, match):
    return action.table is not None and match[1] in dict(action.table.keys) and (
        match[1] in action.body.get("AttributeUpdates", {})
        or any(clause.path[0] == match[1] for clause in clauses(action.body)))


@refusal(r"Filter Expression can only contain non-primary key attributes: Primary key attribute: (\w+)", SCHEMA,
         GUIDE + "Query.FilterExpression.html")
def filter_on_key(action, match):
    return action.operation == "query" and match[1] in dict(read_keys(action)) and any(
        path[0] == match[1] for path in paths(action.body, ["FilterExpression"]))


@refusal(r"One or more parameter values were invalid: Secondary index (\S+) does not project one or more filter "
         r"attributes: \[(.*)\]", SCHEMA, "https://github.com/sensedeep/dynamodb-onetable/issues/377")
def filter_not_projected(action, match):
    return action.operation == "query" and action.body.get("IndexName") == match[1] and match[2].split(", ") == \
        lacking(action, "FilterExpression")


@refusal(r"One or more parameter values were invalid: Global secondary index (\S+) does not project \[(.*)\]", SCHEMA,
         "https://github.com/localstack/localstack/issues/478")
def projection_not_projected(action, match):
    return action.body.get("IndexName") == match[1] and match[2].split(", ") == lacking(action, "ProjectionExpression")


def lacking(action, expression):
    """The names in an expression that the index does not have."""
    names = projection(action)
    return [] if names is None else sorted({path[0] for path in paths(action.body, [expression])} - set(names))


@refusal(r"One or more parameter values were invalid: Condition parameter type does not match schema type", SCHEMA,
         DYNALITE + "query.js")
def key_condition_type(action, _):
    values = action.body.get("ExpressionAttributeValues", {})
    literals = {type_of(values.get(token)) for token in tokens(action.body.get("KeyConditionExpression", ""))}
    literals |= {type_of(value) for condition in action.body.get("KeyConditions", {}).values()
                 for value in condition.get("AttributeValueList", [])}
    return action.operation == "query" and not literals - {None} <= {kind for _, kind in read_keys(action)} \
        or action.operation == "query" and len(read_keys(action)) > 1


@refusal(r"Query condition missed key schema element: (\w+)", SCHEMA,
         CONFORMANCE + "tests/tier3/error-messages/query.test.ts")
def missed_key(action, match):
    return action.operation == "query" and action.table is not None and match[1] in dict(read_keys(action)) \
        and all(path[0] != match[1] for path in paths(action.body, ["KeyConditionExpression"]))


# Several actions


def has_repeated(actions):
    """Whether two of the actions, or of the keys of one, name the same item."""
    found = [(action.table.name, repr(sorted((key or {}).items())))
             for action in actions if action.table for key in action.body.get("Keys") or [
                 keyed(action.table, action.body)]]
    return len(found) > len(set(found))


@refusal(r"Transaction request cannot include multiple operations on one item", REPEATED,
         CONFORMANCE + "tests/tier3/error-messages/transactWriteItems.test.ts", is_of_all=True)
def several_on_one_item(actions, _):
    return has_repeated(actions)


@refusal(r"Provided list of item keys contains duplicates", REPEATED,
         CONFORMANCE + "tests/tier3/error-messages/batchGetItem.test.ts", is_of_all=True)
def repeated_keys(actions, _):
    return has_repeated(actions)


# The stored item


@refusal(r"The conditional request failed", CONDITION, GUIDE + "Programming.Errors.html")
def condition(action, _):
    return "ConditionExpression" in action.body or "Expected" in action.body


# A path into a map or list may have any type.
ANY = "any"


def stored_type(value, action):
    """The type of an operand of an update, with what the item has; `None` if there is nothing."""
    if value[:1] == ["if_not_exists"] and len(arguments(value[2:-1])) == 2 and value[-1] == ")" and not (
            {"+", "-"} & set(value)):
        first, second = arguments(value[2:-1])
        return stored_type(first, action) or stored_type(second, action)
    known = outcome_type(value, action.body)
    if known or not value:
        return known
    if len(value) > 1:
        return ANY
    name = action.body.get("ExpressionAttributeNames", {}).get(value[0], value[0])
    return type_of(action.stored.get(name))


def stored_operands(action):
    """Triples of an operator, the type that it needs, and the types of its operands, in the SET clauses."""
    for clause in clauses(action.body):
        if clause.section == "SET":
            for operator, needed in (("+", "N"), ("-", "N"), ("list_append", "L")):
                found = operands(clause.value, operator)
                if found:
                    yield operator, needed, [stored_type(part, action) for part in found]
                    break
            else:
                yield None, None, [stored_type(clause.value, action)]


@refusal(r"An operand in the update expression has an incorrect data type", ITEM, DYNALITE + "updateItem.js")
def stored_operand(action, _):
    """An operand of the item has another type than its operator or clause needs."""
    if action.stored is None:
        return False
    if any(operator and not set(types) <= {needed, None} for operator, needed, types in stored_operands(action)):
        return True
    return any(len(clause.path) > 1 or stored_type(clause.path, action) not in (
        None, outcome_type(clause.value, action.body))
        for clause in clauses(action.body) if clause.section in ("ADD", "DELETE"))


@refusal(r"The provided expression refers to an attribute that does not exist in the item", ITEM,
         "https://github.com/aws/aws-sdk-net/issues/1292")
def missing_attribute(action, _):
    return action.stored is not None and any(
        {None, ANY} & set(types) for _, _, types in stored_operands(action))


@refusal(r"The document path provided in the update expression is invalid for update", ITEM,
         DYNALITE + "updateItem.js")
def document_path(action, _):
    return any(len(clause.path) > 1 for clause in clauses(action.body))


@refusal(r"The update expression attempted to update the secondary index key to unsupported type", ITEM,
         DYNALITE + "updateItem.js")
def stored_index_key_type(action, _):
    return action.table is not None and any(
        clause.section == "SET" and clause.path[0] in {name for name, _, _ in index_keys(action.table)}
        and outcome_type(clause.value, action.body) is None for clause in clauses(action.body))


@refusal(r"Type mismatch for attribute to update", ITEM, DYNALITE + "updateItem.js")
def legacy_type(action, _):
    return any(type_of((action.stored or {}).get(name)) not in (None, type_of(update.get("Value")))
               for name, update in action.body.get("AttributeUpdates", {}).items())


@refusal(r"Attempting to store more than 38 significant digits in a Number", ITEM,
         CONFORMANCE + "tests/tier3/limits/numberPrecision.test.ts")
def precision(action, _):
    """A sum of numbers far from each other has more digits than a number may."""
    numbers = [decimal.Decimal(value["N"]) for value in action.body.get("ExpressionAttributeValues", {}).values()
               if "N" in value]
    return bool(numbers)


@refusal(r"Number (overflow|underflow)\. Attempting to store a number with magnitude (larger|smaller) than supported "
         r"range", ITEM, CONFORMANCE + "tests/tier3/limits/numberPrecision.test.ts")
def magnitude(action, _):
    return bool(clauses(action.body)) or "AttributeUpdates" in action.body
