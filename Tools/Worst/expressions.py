"""Expressions of DynamoDB's language that cost much, and the values that they name."""

import values
from values import members, text

BYTES_MAX = 4096
# The parts around the terms of a condition.
BYTES_LEFT = BYTES_MAX - 64

# MARK: Values that are compared with and searched for

NEEDLES = {
    # A text of the letter a holds all of it but the end, at each of its places.
    "tail": lambda n: text(b"a" * (n - 1) + b"b"),
    "head": lambda n: text(b"b" + b"a" * (n - 1)),
    "middle": lambda n: text(b"a" * (n // 2) + b"b" + b"a" * (n - n // 2 - 1)),
    "same": lambda n: text(b"a" * n),
    "period": lambda n: text(b"ab" * (n // 2) + b"c"),
}
NEEDLE_KINDS = [
    "numbers", "nulls", "emptyMaps", "map", "numberSet", "stringSet", "binary", "escapes", "lists"]


def needle(size, parameters):
    """A value of about `needleLength` bytes, and of the size at most."""
    size = max(32, min(size, parameters["needleLength"]))
    kind = parameters["needle"]
    if kind == "number":
        return b'{"N":"7"}'
    if kind in NEEDLES:
        return b'{"S":' + NEEDLES[kind](size - 10) + b"}"
    return values.value(size, dict(values.START, kind=kind, digits=7, depth=8, fits=False))


# MARK: Conditions

TERMS = {
    "contains": b"contains(d,:v)",
    "equal": b"d=:v",
    "unequal": b"d<>:v",
    "less": b"d<:v",
    "between": b"d BETWEEN :v AND :v",
    "in": b"d IN (:v)",
    "inMany": b"d IN (" + b",".join([b":v"] * 100) + b")",
    "beginsWith": b"begins_with(d,:v)",
    "size": b"size(d)=:v",
    "exists": b"attribute_exists(d[99])",
    "type": b"attribute_type(d,:v)",
    "containsOther": b"contains(d,e)",
    "equalOther": b"d=e",
    "lessOther": b"d<e",
    "containsElement": b"contains(d[0],:v)",
}

CONDITION_PARAMETERS = {
    "term": list(TERMS),
    "terms": [1, 2, 5, 20, 34, 75, 149, 210, 300],
    "joiner": ["AND", "OR"],
    "negated": [True, False],
    "isNested": [False, True],
    "needle": [*NEEDLES, "number", *NEEDLE_KINDS],
    "needleLength": [32, 64, 256, 1024, 8192, 60_000, 400_000, 2_000_000],
}
CONDITION_START = {
    "term": "contains", "terms": 149, "joiner": "AND", "negated": True, "isNested": False,
    "needle": "tail", "needleLength": 64}


def condition(parameters):
    """Terms joined by AND or OR, as many as an expression has room for."""
    term = TERMS[parameters["term"]]
    if parameters["negated"]:
        term = b"NOT " + term
    joiner = b" %s " % parameters["joiner"].encode()
    around = 2 if parameters["isNested"] else 0
    count = min(parameters["terms"], BYTES_LEFT // (len(term) + len(joiner) + around))
    count = max(1, count)
    if not parameters["isNested"]:
        return joiner.join([term] * count)
    # Each level has an operator, so parentheses may be as deep as the text has room for.
    return (term + joiner + b"(") * (count - 1) + term + b")" * (count - 1)


def condition_values(size, parameters):
    """The members of ExpressionAttributeValues that the condition names."""
    if b":v" not in TERMS[parameters["term"]]:
        return []
    return [b'":v":' + needle(size - 5, parameters)]


def never(expression):
    """The condition, which is looked at and then fails in any case."""
    return b"(" + expression + b") AND attribute_exists(zz)"


def map_of(parts):
    """An object of members; None without any."""
    return b"{" + b",".join(parts) + b"}" if parts else None


# MARK: Projections

PATHS = {
    "attributes": lambda place: b"a%d" % place,
    "elements": lambda place: b"d[%d]" % place,
    "names": lambda place: b"d.nnnn%07d" % place,
    "deep": lambda place: b"d[%d]" % place + b"[0]" * 30,
    "whole": lambda place: b"d" if place == 0 else b"z%d" % place,
}
PROJECTION_PARAMETERS = {"paths": ["none", *PATHS], "pathCount": [1, 10, 100, 300, 800]}
PROJECTION_START = {"paths": "none", "pathCount": 300}


def joined_paths(parameters):
    make, count = PATHS[parameters["paths"]], parameters["pathCount"]
    paths, left = [], BYTES_MAX
    for path in map(make, range(count)):
        left -= len(path) + 1
        if left < 0:
            break
        paths.append(path)
    return b",".join(paths)


def projection(parameters):
    """The text of a ProjectionExpression; None for none."""
    if parameters["paths"] == "none":
        return None
    return text(joined_paths(parameters))


# MARK: Updates

def many(unit, count, before=b"SET "):
    """As many clauses as an expression has room for."""
    parts, left = [], BYTES_MAX - len(before)
    for part in map(unit, range(count)):
        left -= len(part) + 1
        if left < 0:
            break
        parts.append(part)
    return before + b",".join(parts)


def nest(before, middle, after, count):
    count = max(1, min(count, (BYTES_LEFT - len(middle)) // (len(before) + len(after))))
    return b"SET e=" + before * count + middle + after * count


UPDATES = {
    # DynamoDB refuses the first three: a list_append is no operand of another one.
    "append": lambda n: nest(b"list_append(d,", b"d", b")", n),
    "appendLeft": lambda n: nest(b"list_append(", b"d", b",d)", n),
    "appendValue": lambda n: nest(b"list_append(d,", b":v", b")", n),
    "appends": lambda n: many(lambda place: b"a%d=list_append(d,d)" % place, n),
    "copies": lambda n: many(lambda place: b"a%d=d" % place, n),
    "moves": lambda n: many(lambda place: b"d[%d]=d[%d]" % (place, place + 1), n),
    "fallbacks": lambda n: nest(b"if_not_exists(z,", b"d", b")", n),
    "elements": lambda n: many(lambda place: b"d[%d]=:v" % place, n),
    "pastEnd": lambda n: many(lambda place: b"d[%d]=:v" % (999_999 - place), n),
    "names": lambda n: many(lambda place: b"d.nnnn%07d=:v" % place, n),
    "removes": lambda n: many(lambda place: b"d[%d]" % place, n, b"REMOVE "),
    "removesNames": lambda n: many(lambda place: b"d.nnnn%07d" % place, n, b"REMOVE "),
    "adds": lambda n: b"ADD d :v",
    "addsMany": lambda n: many(lambda place: b"a%d :v" % place, n, b"ADD "),
    "deletes": lambda n: b"DELETE d :v",
    "sums": lambda n: many(lambda place: b"a%d=:v+:v" % place, n),
    "sets": lambda n: many(lambda place: b"a%d=:v" % place, n),
}
UPDATE_PARAMETERS = {
    "update": list(UPDATES),
    "clauses": [1, 2, 4, 12, 40, 100, 300],
    "needle": ["tail", "number", *NEEDLE_KINDS],
    "needleLength": [32, 256, 4096, 60_000, 400_000, 2_000_000],
    "storedKind": ["nulls", "numbers", "emptyMaps", "lists", "map", "numberSet", "stringSet",
                   "text", "sets", *values.SWELLING],
    # Bytes of JSON.
    "storedLength": [100, 3_000, 50_000, 400_000, 4_000_000],
}
UPDATE_START = {
    "update": "appends", "clauses": 100, "needle": "nulls", "needleLength": 256,
    "storedKind": "nulls", "storedLength": 50_000}


def update(parameters):
    return UPDATES[parameters["update"]](parameters["clauses"])


def update_values(size, parameters):
    """The members of ExpressionAttributeValues that the update names."""
    if b":v" not in update(parameters):
        return []
    return [b'":v":' + needle(size - 5, parameters)]


# MARK: Texts that are no expressions, or only just

TEXTS = {
    "parentheses": lambda n: b"(" * n,
    "closed": lambda n: b"(" * (n // 2 - 2) + b"a=a" + b")" * (n // 2 - 2),
    "spaces": lambda n: b" " * n,
    "name": lambda n: b"a" * n,
    "steps": lambda n: b"a" + b".a" * ((n - 1) // 2),
    "indexes": lambda n: b"a" + b"[0]" * ((n - 1) // 3),
    "digits": lambda n: b"a[" + b"9" * (n - 3) + b"]",
    "nots": lambda n: b"NOT " * (n // 4 - 1) + b"a=a",
    "commas": lambda n: b"," * n,
    "commaNames": lambda n: b"a," * (n // 2 - 1) + b"a",
    "placeholders": lambda n: b"#a," * (n // 3 - 1) + b"#a",
    "colons": lambda n: b":" * n,
    "comparisons": lambda n: b"a=:v AND " * (n // 9 - 1) + b"a=:v",
    "operators": lambda n: b"<>" * (n // 2),
}
TEXT_PARAMETERS = {"text": list(TEXTS), "textLength": [4096, 4097, 60_000, 131_000]}
TEXT_START = {"text": "closed", "textLength": 4096}


def expression_text(size, parameters):
    return text(TEXTS[parameters["text"]](max(16, min(size - 2, parameters["textLength"]))))


# MARK: What there was before expressions

OLD_OPERATORS = [
    "EQ", "NE", "LT", "BETWEEN", "IN", "NULL", "NOT_NULL", "CONTAINS", "NOT_CONTAINS",
    "BEGINS_WITH"]
OLD_PARAMETERS = {
    "operator": OLD_OPERATORS,
    "attributes": [1, 20, 300, 301, 9_000],
    "operands": [0, 1, 2, 100, 9_000],
    "needle": ["tail", "number", "nulls", "numberSet"],
    "needleLength": [32, 256, 8192, 60_000, 2_000_000],
}
OLD_START = {
    "operator": "CONTAINS", "attributes": 300, "operands": 1, "needle": "tail",
    "needleLength": 60_000}


def old_condition(size, parameters):
    """Conditions on attributes, the first of them on `d`."""
    operands, operator = parameters["operands"], parameters["operator"]
    least = 80 + 40 * operands
    count = max(1, min(parameters["attributes"], size // least))
    room = size // count - 80
    value = needle(room // max(1, operands), parameters)
    operands = min(operands, max(1, room // (len(value) + 1)))
    condition = members(
        ComparisonOperator=text(operator),
        AttributeValueList=b"[" + b",".join([value] * operands) + b"]")
    names = [b"d"] + [b"a%d" % place for place in range(1, count)]
    return b"{" + b",".join(b'"%s":%s' % (name, condition) for name in names) + b"}"


def old_update(size, parameters):
    """AttributeUpdates of many attributes."""
    count = max(1, min(parameters["attributes"], size // 100))
    value = needle(size // count - 60, parameters)
    action = b"ADD" if parameters["operator"] in ("LT", "IN") else b"PUT"
    change = members(Action=text(action), Value=value)
    names = [b"d"] + [b"a%d" % place for place in range(1, count)]
    return b"{" + b",".join(b'"%s":%s' % (name, change) for name in names) + b"}"


# MARK: Placeholders

PLACEHOLDER_PARAMETERS = {
    "placeholders": ["names", "values"],
    "length": [1, 30, 240, 300],
    "count": [100, 300, 9_000, 100_000],
    "order": values.ORDERS,
}
PLACEHOLDER_START = {
    "placeholders": "names", "length": 240, "count": 9_000, "order": "descending"}


def placeholders(size, parameters):
    """An object of placeholders with a long common beginning, none of which is named."""
    is_names = parameters["placeholders"] == "names"
    prefix = (b"#" if is_names else b":") + b"x" * parameters["length"]
    value = b'"a"' if is_names else b'{"NULL":true}'
    return values.numbered(
        size, b"{", lambda place: b'"%s%07d":%s' % (prefix, place, value), b"}",
        parameters["order"], parameters["count"])


def placeholder_name(parameters):
    is_names = parameters["placeholders"] == "names"
    return "ExpressionAttributeNames" if is_names else "ExpressionAttributeValues"
