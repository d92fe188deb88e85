"""Behaviours of items: their values, updates and conditions."""

from botocore.exceptions import ClientError

from behaviours import (
    CONDITION, GUIDE, ISSUES, REFERENCE, VALIDATION, behaviour, map_of, number, refusal, text)

TYPES = GUIDE + "HowItWorks.NamingRulesDataTypes.html"
QUOTAS = GUIDE + "Constraints.html"
UPDATES = GUIDE + "Expressions.UpdateExpressions.html"
CONDITIONS = GUIDE + "Expressions.OperatorsAndFunctions.html"
PLACEHOLDERS = GUIDE + "Expressions.ExpressionAttributeNames.html"
UPDATE_ITEM = REFERENCE + "API_UpdateItem.html"
PUT_ITEM = REFERENCE + "API_PutItem.html"
LEGACY = REFERENCE + "API_AttributeValueUpdate.html"


# Values


@behaviour("an empty set is refused", TYPES, VALIDATION)
def empty_set(world):
    return world.put({"a": {"SS": []}})


@behaviour("a set with the same value twice is refused", TYPES, VALIDATION)
def duplicates(world):
    return world.put({"a": {"SS": ["x", "x"]}})


@behaviour("a set of numbers with equal numbers is refused", TYPES, VALIDATION)
def equal_numbers(world):
    return world.put({"a": {"NS": ["1", "1.0"]}})


@behaviour("an empty text is stored in an attribute that is no key", TYPES, {"a": text("")})
def empty_text(world):
    return world.rest(world.put({"a": text("")}))


@behaviour("an empty text as a key is refused", TYPES, VALIDATION)
def empty_key(world):
    world.client.put_item(TableName=world.pair, Item={"p": text(""), "s": number(1)})


@behaviour("an empty text as the key of an index is refused", TYPES, VALIDATION)
def empty_index_key(world):
    return world.put({"g": text("")})


@behaviour("the key of an index has its declared type", GUIDE + "GSI.html", VALIDATION)
def index_key_type(world):
    return world.put({"g": number(1)})


@behaviour("zeros before and after a number are trimmed", TYPES, {"a": number("1.5")})
def zeros(world):
    return world.rest(world.put({"a": number("0001.500")}))


@behaviour("a number keeps 38 digits", TYPES, {"a": number("1" * 38)})
def digits(world):
    return world.rest(world.put({"a": number("1" * 38)}))


@behaviour("a number of 39 digits is refused", TYPES, VALIDATION)
def more_digits(world):
    return world.put({"a": number("1" * 39)})


@behaviour("a number from 1E+126 on is refused", TYPES, VALIDATION)
def large_number(world):
    return world.put({"a": number("1E+126")})


@behaviour("a number below 1E-130 is refused", TYPES, VALIDATION)
def small_number(world):
    return world.put({"a": number("1E-131")})


@behaviour("text in place of a number is refused", TYPES, VALIDATION)
def no_number(world):
    return world.put({"a": number("NaN")})


def sized(world, difference):
    key = world.key()
    # Names and values count: 1 + the key's text, 1 + 2 bytes of the number, 1 + the text.
    used = 1 + len(key["p"]["S"]) + 1 + 2 + 1
    world.put({"t": text("x" * (400 * 1024 - used + difference))}, key)
    return "stored"


@behaviour("an item of 400 KB with its names is stored", QUOTAS, "stored")
def whole_item(world):
    return sized(world, 0)


@behaviour("an item of 400 KB and a byte is refused", QUOTAS, VALIDATION)
def larger_item(world):
    return sized(world, 1)


@behaviour("an update that makes an item larger than 400 KB is refused", QUOTAS, VALIDATION)
def grown_item(world):
    key = world.put({"t": text("x" * 300_000)})
    world.update(key, "SET u = :u", {":u": text("x" * 120_000)})


@behaviour("values are nested 32 levels deep", QUOTAS, "stored")
def nested(world):
    world.put({"a": map_of(31)})
    return "stored"


@behaviour("values nested 34 levels deep are refused", QUOTAS, VALIDATION)
def nested_deeper(world):
    world.put({"a": map_of(33)})


@behaviour("a partition key has 2,048 bytes at most", QUOTAS, VALIDATION)
def long_partition(world):
    world.put(key=world.key("k" * 2049))


@behaviour("a sort key has 1,024 bytes at most", QUOTAS, VALIDATION)
def long_sort(world):
    world.client.put_item(TableName=world.text, Item={"p": text("a"), "s": text("k" * 1025)})


@behaviour("a key with more attributes than the schema's is refused", REFERENCE + "API_GetItem.html", VALIDATION)
def extra_key(world):
    world.client.get_item(TableName=world.pair, Key={**world.key(), "a": text("x")})


@behaviour("GetItem of a missing item has no Item", REFERENCE + "API_GetItem.html", None)
def missing(world):
    return world.get(world.key())


# Updates


@behaviour("a legacy DELETE of a missing item makes none", LEGACY, None)
def legacy_delete(world):
    key = world.key()
    world.client.update_item(
        TableName=world.pair, Key=key, AttributeUpdates={"a": {"Action": "DELETE"}})
    return world.get(key)


@behaviour("REMOVE alone of a missing item makes none", ISSUES + "scylladb/scylladb/issues/5862", None)
def remove_alone(world):
    key = world.key()
    world.update(key, "REMOVE a")
    return world.get(key)


@behaviour("an update without an expression makes an item of its key",
           ISSUES + "ExtendDB/extenddb/issues/118", {})
def key_only(world):
    key = world.key()
    world.client.update_item(TableName=world.pair, Key=key)
    return world.rest(key)


@behaviour("ADD to a missing attribute starts with 0", UPDATES, {"a": number(5)})
def add(world):
    return world.updated({}, "ADD a :v", {":v": number(5)})


@behaviour("ADD to text is refused", UPDATES, VALIDATION)
def add_text(world):
    return world.updated({"a": text("x")}, "ADD a :v", {":v": number(5)})


@behaviour("DELETE of all members removes the set", TYPES, {})
def delete_all(world):
    return world.updated({"a": {"SS": ["x"]}}, "DELETE a :v", {":v": {"SS": ["x"]}})


@behaviour("SET beyond the end of a list appends", UPDATES, {"xs": {"L": [number(0), number(9)]}})
def beyond(world):
    return world.updated({"xs": {"L": [number(0)]}}, "SET xs[7] = :v", {":v": number(9)})


@behaviour("REMOVE of several elements counts by their places before", UPDATES,
           {"xs": {"L": [number(0), number(3)]}})
def remove_elements(world):
    numbers = {"L": [number(value) for value in range(4)]}
    return world.updated({"xs": numbers}, "REMOVE xs[1], xs[2]")


@behaviour("if_not_exists keeps what is there", UPDATES, {"a": number(1)})
def if_not_exists(world):
    return world.updated({"a": number(1)}, "SET a = if_not_exists(a, :v)", {":v": number(2)})


@behaviour("list_append puts the second list behind the first", UPDATES,
           {"xs": {"L": [number(0), number(1)]}})
def list_append(world):
    return world.updated(
        {"xs": {"L": [number(1)]}}, "SET xs = list_append(:v, xs)", {":v": {"L": [number(0)]}})


@behaviour("all values of SET are read before it writes", UPDATES, {"a": number(2), "b": number(1)})
def swap(world):
    return world.updated({"a": number(1), "b": number(2)}, "SET a = b, b = a")


@behaviour("SET of a path whose parent is missing is refused", ISSUES + "ExtendDB/extenddb/issues/78", VALIDATION)
def no_parent(world):
    return world.updated({}, "SET m.a = :v", {":v": number(1)})


@behaviour("SET of a key attribute is refused", UPDATE_ITEM, VALIDATION)
def set_key(world):
    return world.updated({}, "SET s = :v", {":v": number(2)})


@behaviour("two SET in one expression are refused", UPDATES, VALIDATION)
def two_sets(world):
    return world.updated({}, "SET a = :v SET b = :v", {":v": number(1)})


@behaviour("paths that overlap are refused", ISSUES + "getmoto/moto/issues/8582", VALIDATION)
def overlap(world):
    return world.updated({"m": {"M": {}}}, "SET m = :v REMOVE m.a", {":v": {"M": {}}})


@behaviour("SET by a missing attribute is refused", ISSUES + "ferrumio/pydynox/pull/438", VALIDATION)
def missing_operand(world):
    return world.updated({}, "SET a = b + :v", {":v": number(1)})


def returned(world, more, expression, values, kind):
    key = world.put(more)
    return world.update(key, expression, values, ReturnValues=kind).get("Attributes")


@behaviour("UPDATED_NEW of a nested path has that path alone", ISSUES + "nubo-db/dynoxide/issues/36",
           {"m": {"M": {"a": number(2)}}})
def nested_new(world):
    more = {"m": {"M": {"a": number(1), "b": number(1)}}}
    return returned(world, more, "SET m.a = :v", {":v": number(2)}, "UPDATED_NEW")


@behaviour("UPDATED_NEW of a value that stays the same has it",
           ISSUES + "ministackorg/ministack/issues/1040", {"a": number(1)})
def same_new(world):
    return returned(world, {"a": number(1)}, "SET a = :v", {":v": number(1)}, "UPDATED_NEW")


@behaviour("UPDATED_NEW of an item that the update makes has its attributes", UPDATE_ITEM, {"a": number(1)})
def made_new(world):
    answer = world.update(world.key(), "SET a = :v", {":v": number(1)}, ReturnValues="UPDATED_NEW")
    return answer.get("Attributes")


@behaviour("UPDATED_OLD has the former values of what was updated", UPDATE_ITEM, {"a": number(1)})
def updated_old(world):
    return returned(
        world, {"a": number(1), "b": number(1)}, "SET a = :v", {":v": number(2)}, "UPDATED_OLD")


@behaviour("PutItem returns nothing but NONE or ALL_OLD", PUT_ITEM, VALIDATION)
def put_new(world):
    return world.put(ReturnValues="ALL_NEW")


@behaviour("PutItem with ALL_OLD returns what it replaced", PUT_ITEM, number(1))
def put_old(world):
    key = world.put({"a": number(1)})
    answer = world.client.put_item(TableName=world.pair, Item=key, ReturnValues="ALL_OLD")
    return answer.get("Attributes", {}).get("a")


# Conditions and placeholders


@behaviour("a reserved word needs a placeholder", GUIDE + "ReservedWords.html", VALIDATION)
def reserved(world):
    return world.updated({}, "SET status = :v", {":v": number(1)})


@behaviour("a placeholder of a name that no expression uses is refused",
           ISSUES + "floci-io/floci/issues/2893", VALIDATION)
def unused_name(world):
    world.client.scan(TableName=world.text, ExpressionAttributeNames={"#a": "a"})


@behaviour("a placeholder of a value that no expression uses is refused",
           ISSUES + "floci-io/floci/issues/2893", VALIDATION)
def unused_value(world):
    return world.query("x", values={":unused": number(1)})


@behaviour("PutItem with a placeholder that no expression uses is refused",
           ISSUES + "floci-io/floci/issues/2893", VALIDATION)
def unused_in_put(world):
    return world.put(ConditionExpression="attribute_not_exists(p)",
                     ExpressionAttributeNames={"#a": "a"})


@behaviour("a value that is not defined is refused", GUIDE + "Expressions.ExpressionAttributeValues.html",
           VALIDATION)
def undefined(world):
    return world.holds({}, "a = :v")


@behaviour("redundant parentheses are refused", ISSUES + "architect/dynalite/issues/99", VALIDATION)
def parentheses(world):
    return world.holds({"a": number(1)}, "((a = :v))", {":v": number(1)})


@behaviour("values of different types are not equal, and no error", CONDITIONS, False)
def other_type(world):
    return world.holds({"a": number(1)}, "a = :v", {":v": text("1")})


@behaviour("a missing attribute differs from each value", ISSUES + "ExtendDB/extenddb/pull/5", True)
def missing_differs(world):
    return world.holds({}, "a <> :v", {":v": number(1)})


@behaviour("equal numbers are equal in every form", TYPES, True)
def equal_forms(world):
    return world.holds({"a": number("1.0")}, "a = :v", {":v": number("1e0")})


@behaviour("sets are equal in any order", TYPES, True)
def set_order(world):
    return world.holds({"a": {"SS": ["x", "y"]}}, "a = :v", {":v": {"SS": ["y", "x"]}})


@behaviour("begins_with takes no number", ISSUES + "floci-io/floci/pull/1442", VALIDATION)
def begins_with(world):
    return world.holds({"a": text("1")}, "begins_with(a, :v)", {":v": number(1)})


@behaviour("size of a map is the number of its members", CONDITIONS, True)
def size(world):
    return world.holds({"m": {"M": {"a": text("x"), "b": text("y")}}}, "size(m) = :v", {":v": number(2)})


@behaviour("contains finds an element of a list", CONDITIONS, True)
def contains(world):
    return world.holds({"xs": {"L": [number(1), text("x")]}}, "contains(xs, :v)", {":v": text("x")})


@behaviour("attribute_exists follows a path into lists and maps", CONDITIONS, True)
def nested_exists(world):
    more = {"m": {"M": {"l": {"L": [{"M": {"a": text("x")}}]}}}}
    return world.holds(more, "attribute_exists(m.l[0].a)")


@behaviour("IN takes 100 values at most", CONDITIONS, VALIDATION)
def many_values(world):
    values = {f":v{place}": number(place) for place in range(101)}
    return world.holds({"a": number(1)}, f"a IN ({', '.join(values)})", values)


@behaviour("NOT binds stronger than AND, and AND stronger than OR", CONDITIONS, True)
def precedence(world):
    return world.holds(
        {"a": number(1)}, "a = :one OR a = :two AND NOT a = :one", {":one": number(1), ":two": number(2)})


@behaviour("a failed condition returns the item that it is asked for", PUT_ITEM, number(1))
def failed_item(world):
    key = world.put({"a": number(1)})
    try:
        world.client.put_item(
            TableName=world.pair, Item=key, ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except ClientError as error:
        if refusal(error) != CONDITION:
            raise
        return error.response.get("Item", {}).get("a")


@behaviour("ConditionExpression beside Expected is refused", GUIDE + "LegacyConditionalParameters.html",
           VALIDATION)
def mixed(world):
    return world.put(ConditionExpression="attribute_not_exists(p)",
                     Expected={"p": {"Exists": False}})


@behaviour("DeleteItem of a missing item succeeds", REFERENCE + "API_DeleteItem.html", "done")
def delete_missing(world):
    world.client.delete_item(TableName=world.pair, Key=world.key())
    return "done"
