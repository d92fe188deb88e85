"""Differences between `codexflow serve` and other DynamoDBs in which the former follows AWS, or that are undecidable.

An entry has a source, which is a page of AWS's documentation or a response of AWS that a test or an issue recorded.
Without one, it says why the difference cannot be decided. Errors of codexflow are explained by their texts: each is
one that AWS gives (`refusals.py`), and the request deserves it.
"""

import collections
import re

import actions
import comparison
from comparison import ANSWER, OK, STATE, TEXT, TYPE
from refusals import (
    ALTERNATOR, CONDITION, CONFORMANCE, DYNALITE, GUIDE, REFERENCE, REQUEST, SCHEMA, classified, lacking,
    without_count)

Entry = collections.namedtuple("Entry", "why source")

VALIDATION = "ValidationException"
CANCELLED = "TransactionCanceledException"
REFUSED_CONDITION = "ConditionalCheckFailedException"
# "CancellationReason" and "TransactWriteItems" in the API reference.
REASONS = {"None", "ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "TransactionConflict",
           "ProvisionedThroughputExceeded", "ThrottlingError", "ValidationError"}

# Functions from a case and its actions to whether the entry explains it, with the entry.
RULES = []


def rule(why, source):
    """Adds an entry, with the function that says what it explains."""
    def add(matches):
        RULES.append((matches, Entry(why, source)))
        return matches
    return add


def entry(case, tables):
    """The entry that explains a difference; `None` without one."""
    if case.operation == "create_table":
        tables = [table for table in tables if table.name != case.parameters["TableName"]]
    found = actions.actions(case.operation, case.parameters, tables, case.stored)
    for matches, known in RULES:
        if matches(case, found):
            return known
    return by_refusal(case, found) if case.aspect in (TYPE, TEXT) and case.ours.code != OK else None


# Errors


def deserved(outcome, found):
    """The refusals of an error, of which each is deserved; `None` if one is unknown or not deserved."""
    if outcome.code == CANCELLED and outcome.reasons:
        refusals = [
            classified(text or "", [action]) for action, (code, text, _) in zip(found, outcome.reasons)
            if code != "None"]
    else:
        refusals = [classified(outcome.message, found)]
    return refusals if refusals and None not in refusals else None


def by_refusal(case, found):
    """The entry for an error that is one of AWS's, and that comes first."""
    if case.ours.code == CANCELLED:
        return by_reasons(case, found)
    ours, theirs = deserved(case.ours, found), deserved(case.theirs, found)
    if ours is None:
        return None
    first = ours[0]
    if theirs:
        other = min(theirs, key=lambda refusal: refusal.stage)
        if first.name == "repeated_keys" and other.stage == SCHEMA:
            # Codexflow checks the elements of a batch one after the other.
            return ordered(first, other)
        if other.stage < first.stage and not (other.stage == CONDITION and case.is_shared):
            return None
        if other.stage == first.stage:
            return ordered(first, other)
    if first.stage == CONDITION and not case.is_shared:
        return None
    if first.source is None:
        return Entry(f"{first.name}: the text is not recorded anywhere", None)
    return Entry(f"{first.name}: AWS's answer to this request", first.source)


def by_reasons(case, found):
    """The entry for a cancelled transaction.

    An action that does not fit its table is found before conditions and repeated items, and only the first one is
    named. Actions that do not fit their items are named beside failed conditions.
    """
    refusals = [classified(text or "", [action]) if code == "ValidationError" else None
                for action, (code, text, _) in zip(found, case.ours.reasons)]
    named = [refusal for refusal in refusals if refusal]
    if len(named) != sum(code == "ValidationError" for code, _, _ in case.ours.reasons) or not named:
        return None
    is_of_table = any(refusal.stage == SCHEMA for refusal in named)
    if is_of_table and sum(code != "None" for code, _, _ in case.ours.reasons) > 1:
        return None
    other = classified(case.theirs.message, found)
    if other and other.stage == REQUEST:
        return None
    differing = [refusal for refusal, mine, theirs in zip(refusals, case.ours.reasons, case.theirs.reasons)
                 if mine[:2] != theirs[:2]]
    if None in differing and not is_of_table:
        # The peer ends at an action that does not fit its item, or codexflow and it see conditions differently.
        if [code for code, _, _ in case.theirs.reasons if code != "None"] != ["ValidationError"]:
            return None
        return Entry("each condition that fails is a reason, beside an action that does not fit its item",
                     "https://github.com/paritysuite/dynamodb-conformance/issues/46")
    if any(refusal.name == "path_into_key" for refusal in named):
        return Entry("path_into_key in a transaction: no recorded answer says of which form the error is", None)
    if is_of_table:
        return Entry("the first action that does not fit its table cancels a transaction, before conditions",
                     "https://github.com/floci-io/floci/pull/3674")
    return Entry("an action that does not fit its item is a reason of the cancellation",
                 "https://github.com/aws/aws-sdk-net/issues/1292")


# Two faults of one request in the same stage: which AWS names, where that is recorded.
ORDERS = {
    ("index_key_type", "path_into_key"): DYNALITE + "updateItem.js",
    # The parser takes any name of a function.
    ("unknown_function", "syntax"): DYNALITE + "updateItem.js",
    # Operations on tables name the table.
    ("no_table", "no_table"): DYNALITE + "deleteTable.js",
}


def ordered(first, other):
    """The entry for two refusals that a request deserves in one stage."""
    source = ORDERS.get((first.name, other.name))
    if first.pattern.pattern.startswith(("Invalid (", "Invalid \\w+:")) and other.name == "unused_placeholders":
        # Several recorded requests have unused placeholders beside an error in an expression.
        source = DYNALITE + "updateItem.js"
    if source:
        return Entry(f"{first.name} and not {other.name}: AWS's answer to this request", source)
    if first.name == other.name:
        return Entry(f"{first.name}: the request has several such faults, and AWS names any one", None)
    return Entry(f"{first.name} and {other.name}: no recorded answer has both faults", None)


# No answer


@rule("an error 500, or a reason that AWS does not have, is no answer to a request", GUIDE + "Programming.Errors.html")
def no_answer(case, _):
    return case.theirs.code.startswith("HTTP 5") or any(code not in REASONS for code, _, _ in case.theirs.reasons)


# Texts


@rule("some regions put the number of errors before the text, and leave out which expression is missing",
      CONFORMANCE + "captures/2026-06-09-validation-rewording.json")
def other_region(case, _):
    if case.aspect != TEXT:
        return False
    mine, other = case.ours.message, without_count(case.theirs.message)
    return mine == other or mine.startswith(other + ": ") and "can only be specified when using" in other


# Items


@rule("an update of a missing item that only removes creates none", "https://github.com/scylladb/scylladb/issues/5862")
def removal_creates(case, found):
    """The difference of its answer, too: attributes of an item that is not there."""
    if case.aspect not in (STATE, ANSWER) or case.ours.code != OK or case.theirs.code != OK:
        return False
    removals = [action for action in found if action.operation == "update_item" and actions.only_removes(action.body)]
    return bool(removals) and bool(case.items) and all(
        not mine and comparison.normal(key) == comparison.normal(theirs) for key, mine, theirs in case.items) and all(
        any(comparison.normal(actions.keyed(action.table, action.body)) == comparison.normal(key)
            for action in removals) for key, _, _ in case.items)


@rule("a refused request changes nothing", GUIDE + "Programming.Errors.html")
def refusal_changes(case, _):
    return case.aspect == STATE and OK not in (case.ours.code, case.theirs.code) and case.is_shared


@rule("the item of a request that is refused has no place; found later than the request",
      GUIDE + "Programming.Errors.html")
def invalid_key_is_stored(case, found):
    """Items with keys of other types, or empty ones, among all of a table."""
    keys = dict(found[0].table.keys) if case.operation == "scan" and found[0].table else {}
    return case.aspect == STATE and bool(keys) and all(mine is None and any(
        actions.type_of(theirs.get(name)) != kind or actions.is_empty(theirs[name]) for name, kind in keys.items())
        for _, mine, theirs in case.items)


@rule("AttributeUpdates may have values of all types", REFERENCE + "API_AttributeValueUpdate.html")
def legacy_value(case, _):
    """moto writes those of some types as texts."""
    updates = case.parameters.get("AttributeUpdates", {})
    return case.peer == "moto" and case.aspect in (ANSWER, STATE) and case.is_shared and any(
        actions.type_of(update.get("Value")) not in ("S", "N", None) for update in updates.values())


@rule("each attribute has a set of its own", REFERENCE + "API_UpdateItem.html")
def shared_sets(case, _):
    """moto gives two attributes one set, when an update sets one to the other; later updates then change both."""
    return case.peer == "moto" and case.aspect == STATE and case.is_shared and case.theirs.code == OK and all(
        mine and theirs and all(
            actions.type_of(mine.get(name)) in ("SS", "NS", "BS")
            for name in {*mine, *theirs} if comparison.normal(mine.get(name)) != comparison.normal(theirs.get(name)))
        for _, mine, theirs in case.items)


# Answers


@rule("the answer has the attributes that were updated, and no others; without any, none",
      "https://github.com/ExtendDB/extenddb/pull/121")
def updated_attributes(case, found):
    if case.operation != "update_item" or case.aspect != ANSWER or found[0].table is None:
        return False
    mine, other = (outcome.answer.get("Attributes", {}) for outcome in (case.ours, case.theirs))
    names = set(dict(found[0].table.keys))
    return case.parameters.get("ReturnValues") in ("UPDATED_NEW", "UPDATED_OLD") and comparison.normal(mine) == \
        comparison.normal({name: value for name, value in other.items() if name not in names})


@rule("an attribute that is set to the value that it has is updated, too", REFERENCE + "API_UpdateItem.html")
def unchanged_attributes(case, found):
    if case.operation != "update_item" or case.aspect != ANSWER or not case.is_shared:
        return False
    mine, other = (outcome.answer.get("Attributes", {}) for outcome in (case.ours, case.theirs))
    assigned = {clause.path[0] for clause in actions.clauses(case.parameters) if clause.section != "REMOVE"}
    return case.parameters.get("ReturnValues") in ("UPDATED_NEW", "UPDATED_OLD") and set(mine) <= assigned and all(
        comparison.normal(mine.get(name)) == comparison.normal(value) for name, value in other.items()
        if name not in dict(found[0].table.keys))


@rule("AttributesToGet names what the answer has", GUIDE + "LegacyConditionalParameters.AttributesToGet.html")
def attributes_to_get(case, _):
    names = case.parameters.get("AttributesToGet", [])
    return case.peer == "moto" and case.aspect == ANSWER and bool(names) and projected(names, case.theirs.answer) \
        == comparison.normal(case.ours.answer)


def projected(names, answer):
    """An answer with the attributes of its item that have these names."""
    if "Item" not in answer:
        return comparison.normal(answer)
    return comparison.normal({**answer, "Item": {
        name: value for name, value in answer["Item"].items() if name in names}})


@rule("a ProjectionExpression names what the answer has", REFERENCE + "API_Get.html")
def transact_get_projection(case, found):
    """moto answers whole items. Without an attribute that is named, the answer has no item."""
    if case.peer != "moto" or case.operation != "transact_get_items" or case.aspect != ANSWER:
        return False
    expected = []
    for action, response in zip(found, case.theirs.answer["Responses"]):
        paths = actions.paths(action.body, ["ProjectionExpression"])
        if paths and "Item" in response:
            item = actions.projected(response["Item"], paths)
            response = {"Item": item} if item else {}
        expected.append(response)
    return comparison.normal(expected) == comparison.normal(case.ours.answer["Responses"])


@rule("the order of items with equal keys of an index, and that of tables, is not stated", None)
def unstated_order(case, found):
    if case.aspect != ANSWER:
        return False
    if case.operation == "list_tables":
        return True
    if case.operation != "query" or found[0].table is None or "IndexName" not in case.parameters:
        return False
    sort = [name for name, _ in actions.read_keys(found[0])]
    mine, other = (outcome.answer for outcome in (case.ours, case.theirs))

    def keys(items):
        return [[comparison.normal(item.get(name)) for name in sort] for item in items]

    items = mine.get("Items", []), other.get("Items", [])
    if "Limit" not in case.parameters:
        return bool(items[0]) and keys(items[0]) == keys(items[1]) and comparison.unordered(
            items[0]) == comparison.unordered(items[1])
    # The page ends among items with equal keys; a filter may keep any of them.
    ends = [keys([answer.get("LastEvaluatedKey", {})]) for answer in (mine, other)]
    is_full = mine["ScannedCount"] == case.parameters["Limit"] and "LastEvaluatedKey" not in other
    return mine["ScannedCount"] == other["ScannedCount"] and (ends[0] == ends[1] or is_full) and (
        "FilterExpression" in case.parameters or keys(items[0]) == keys(items[1]))


@rule("a page that ends at its limit has a LastEvaluatedKey, also if no item follows", REFERENCE + "API_Query.html")
def last_key_at_limit(case, _):
    if case.operation != "query" or case.aspect != ANSWER or "Limit" not in case.parameters:
        return False
    mine, other = dict(case.ours.answer), dict(case.theirs.answer)
    return mine.pop("LastEvaluatedKey", None) is not None and "LastEvaluatedKey" not in other \
        and mine["ScannedCount"] == case.parameters["Limit"] \
        and comparison.compared("query", mine) == comparison.compared("query", other)


@rule("no answer says what a scan of an index does with a filter on what is not projected; a query refuses it", None)
def scan_filter_not_projected(case, found):
    return case.operation == "scan" and case.aspect == ANSWER and bool(lacking(found[0], "FilterExpression"))


# Conditions


@rule("an attribute that is missing equals nothing, and a null neither", ALTERNATOR + "test_condition_expression.py")
def null_is_missing(case, found):
    """moto takes a missing attribute for a null."""
    def has_null(body):
        values = list(body.get("ExpressionAttributeValues", {}).values())
        for expected in body.get("Expected", {}).values():
            values += [expected.get("Value")] + expected.get("AttributeValueList", [])
        return {"NULL": True} in values

    return case.peer == "moto" and not case.is_alone and any(has_null(action.body) for action in found)


@rule("operands of begins_with are texts or binaries, and other attributes do not begin with anything",
      REFERENCE + "API_Condition.html")
def begins_with(case, found):
    text = " ".join([case.theirs.message, *(reason[1] or "" for reason in case.theirs.reasons)])
    return case.peer == "ministack" and case.ours.code in (OK, REFUSED_CONDITION, CANCELLED) and bool(re.search(
        r"operator or function: begins_with, operand type: [SB]\b", text)) and any(
            "begins_with" in actions.used(action.body) for action in found)


@rule("NULL and NOT_NULL are without an AttributeValueList", REFERENCE + "API_ExpectedAttributeValue.html")
def expected_null(case, _):
    return case.peer == "ministack" and case.ours.code in (OK, REFUSED_CONDITION) and "must be used with " \
        "ComparisonOperator" in case.theirs.message and any(
            expected.get("ComparisonOperator") in ("NULL", "NOT_NULL")
            for expected in case.parameters.get("Expected", {}).values())


@rule("a member that the request does not have is ignored", REFERENCE + "API_GetItem.html")
def values_of_get(case, found):
    """GetItem has no ExpressionAttributeValues."""
    return case.operation == "get_item" and "ExpressionAttributeValues" in case.parameters \
        and "ExpressionAttributeValues" in case.theirs.message and (
            case.ours.code == OK or deserved(case.ours, found) is not None)


@rule("a condition may have any attribute, and any operand that its function takes",
      GUIDE + "Expressions.OperatorsAndFunctions.html")
def other_parser(case, _):
    """moto refuses what the grammar allows, and attributes that an item lacks."""
    return case.peer == "moto" and not case.is_broken and bool(re.match(
        r"Bad (Filter|Condition) Expression|Invalid attribute name", case.theirs.message)) and (
            case.is_shared or "Invalid attribute name" in case.theirs.message)


@rule("AWS's own grammar, DynamoDbGrammar of its client of DAX, needs no space before # and :",
      "https://pypi.org/project/amazon-dax-client/")
def no_space(case, found):
    return case.is_broken and "Syntax error" in case.theirs.message and any(
        re.search(r"(?i)(\b(SET|ADD|REMOVE|DELETE|AND|OR|NOT|BETWEEN|IN)[#:]|\w:\w)", expression)
        for action in found for expression in actions.expressions(action.body).values()) and (
            case.ours.code in (OK, REFUSED_CONDITION) or deserved(case.ours, found) is not None)


@rule("a condition holds as the guide says of its operators and functions",
      GUIDE + "Expressions.OperatorsAndFunctions.html")
def other_condition(case, found):
    """moto finds something else than codexflow and another peer: for values of other types, and numbers as texts."""
    if case.peer != "moto" or not case.is_shared or not {case.ours.code, case.theirs.code} <= {
            OK, REFUSED_CONDITION, CANCELLED}:
        return False
    names = ("ConditionExpression", "FilterExpression")
    if case.aspect == TYPE:
        return {code for code, _, _ in case.ours.reasons} <= {"None", "ConditionalCheckFailed"} and any(
            name in action.body for action in found for name in names)
    return case.aspect == ANSWER and "FilterExpression" in case.parameters and (
        case.ours.answer["ScannedCount"] == case.theirs.answer["ScannedCount"])


@rule("a name is used wherever it stands in a path", GUIDE + "Expressions.ExpressionAttributeNames.html")
def name_within_path(case, found):
    """moto looks at the beginnings of the paths of a projection only."""
    match = re.fullmatch(r"Value provided in ExpressionAttributeNames unused in expressions: keys: \{(.*)\}",
                         without_count(case.theirs.message))
    return case.peer == "moto" and bool(match) and case.ours.code == OK and any(
        set(match[1].split(", ")) & set(actions.used(action.body)) for action in found)


@rule("whether the empty binary is a subsequence of each binary, the reference (CONTAINS) does not say", None)
def contains_empty(case, found):
    if case.aspect not in (TYPE, ANSWER):
        return False
    for action in found:
        values, text = action.body.get("ExpressionAttributeValues", {}), " ".join(actions.used(action.body))
        for name in re.findall(r"contains \([^()]*, (:\w+) \)", text):
            if actions.is_empty(values.get(name)) and "B" in values[name]:
                return True
    return False
