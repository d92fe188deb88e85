"""Shapes of requests: what an operation has, and what any operation may be sent."""

import expressions
import stored
import values
import wire
from values import members, text

# How a request is sent, whatever is in it. `share` is how much of the size it takes.
WRAPPING = {
    "packing": ["plain", "gzip", "stored"],
    "chunk": [0, 1, 64, 1024, 65_536],
    "accepts": [False, True],
    "share": [1.0, 0.5, 0.25, 0.1, 0.03, 0.01],
}
WRAPPING_START = {"packing": "plain", "chunk": 0, "accepts": False, "share": 1.0}

# Room for the head of a request.
HEAD_BYTES = 512


class Shape:
    """A family of requests.

    `build(size, parameters, facts)` makes a body of the size at most, or a whole Request. `before`
    and `after` make the requests, as pairs of operation and body, that are sent around it.
    """

    def __init__(self, name, build, choices, start, before=None, after=None):
        self.name, self.build = name, build
        self.choices, self.start = choices, start
        self.before, self.after = before or (lambda parameters: []), after or []


class Operation:
    """An operation with its shapes; `weight` is its part of the time of a search."""

    def __init__(self, name, *shapes, weight=1.0, is_signed=False):
        self.name, self.shapes, self.weight = name, list(shapes), weight
        self.is_signed = is_signed

    def shape(self, name):
        return next(shape for shape in self.shapes if shape.name == name)


def request(operation, shape, parameters, size, facts):
    """The request of a shape that has `size` bytes at most, with its head; None if it has more."""
    room = int((size - HEAD_BYTES) * parameters.get("share", 1.0))
    packing, chunk = parameters.get("packing", "plain"), parameters.get("chunk", 0)
    body_room = wire.chunked_room(room, chunk) if chunk else room
    level = {"plain": None, "gzip": 9, "stored": 0}[packing]
    # Of the whole stream's size; so much of its header is a name.
    unpacked = wire.unpacked_max(body_room) if level == 9 else body_room - 64
    made = shape.build(unpacked, parameters, facts)
    if not isinstance(made, wire.Request):
        made = wire.Request(operation.name, made)
    made.chunk, made.accepts_gzip = chunk, parameters.get("accepts", False)
    if level is not None:
        made.gzip_body = wire.packed(made.body, level, body_room if level == 9 else 0)
    return made if made.byte_count <= size else None


def shape(name, build, start, choices=None, before=None, after=None):
    """A shape whose body may be sent in any way."""
    return Shape(
        name, build, {**(choices or {}), **WRAPPING}, {**start, **WRAPPING_START}, before, after)


# MARK: What any operation is sent

PLACES = [
    "Unknown", "TableName", "Key", "Item", "ExpressionAttributeNames",
    "ExpressionAttributeValues", "ReturnConsumedCapacity"]


def junk(*places, **known):
    """JSON that means nothing, in the place of a parameter or of one that nobody knows."""
    def build(size, parameters, facts):
        place = parameters["place"]
        others = {name: part for name, part in known.items() if name != place}
        room = size - len(members(**others)) - len(place) - 4
        return members(**others, **{place: values.junk(room, parameters)})
    return shape(
        "junk", build, {"place": "Unknown", **values.JUNK_START},
        {"place": ["Unknown", *places], **values.JUNK_PARAMETERS})


def filling(name, start, choices, make, before=None, after=None, **known):
    """A shape with one parameter that takes the room that the others leave.

    `make(room, parameters, facts)` gives the members that it adds.
    """
    def build(size, parameters, facts):
        room = size - len(members(**known)) - 32
        return members(**known, **make(room, parameters, facts))
    return shape(name, build, start, choices, before, after)


def placeholders(*expression, **known):
    def make(room, parameters, facts):
        return {expressions.placeholder_name(parameters):
                expressions.placeholders(room - 64, parameters)}
    return filling(
        "placeholders", expressions.PLACEHOLDER_START, expressions.PLACEHOLDER_PARAMETERS, make,
        **known, **{name: text("a") for name in expression})


def texts(*names, **known):
    """Expressions that are hard to read."""
    def make(room, parameters, facts):
        return {parameters["expression"]: expressions.expression_text(room - 64, parameters)}
    return filling(
        "text", {"expression": names[0], **expressions.TEXT_START},
        {"expression": list(names), **expressions.TEXT_PARAMETERS}, make, **known)


def key_values(**known):
    """A key whose parts are large, or of types that keys have not."""
    def make(room, parameters, facts):
        part = parameters["part"]
        value = values.value(room - 40, parameters)
        other = b'"s":{"N":"1"}' if part == "p" else b'"p":{"S":"x"}'
        return {"Key": b'{"%s":%s,%s}' % (part.encode(), value, other)}
    return filling(
        "keys", {"part": "p", **values.START, "kind": "text"},
        {"part": ["p", "s"], **value_choices()}, make, **known)


def value_choices():
    """Kinds of one value, without those that are a whole item."""
    return {**values.PARAMETERS, "kind": list(values.KINDS)}


STORED_ITEM = {"item": stored.KINDS}
RETURNS = {"returns": [None, "ALL_OLD"], "capacity": [None, "INDEXES"]}


def optional(value):
    return None if value is None else text(value)


def conditional(operation, **known):
    """A write to a large item whose condition looks at much of it, and fails."""
    def make(room, parameters, facts):
        condition = expressions.never(expressions.condition(parameters))
        parts = expressions.condition_values(room - len(condition) - 256, parameters)
        key = stored.key(parameters["item"])
        return {
            "Item" if operation == "PutItem" else "Key": key,
            "ConditionExpression": text(condition),
            "ExpressionAttributeValues": expressions.map_of(parts),
            "ReturnValuesOnConditionCheckFailure": optional(parameters["returns"])}
    return filling(
        "condition", {**expressions.CONDITION_START, "item": "text", "returns": None},
        {**expressions.CONDITION_PARAMETERS, **STORED_ITEM, "returns": [None, "ALL_OLD"]}, make,
        TableName=text("large"), **known)


def old_conditions(parameter, **known):
    def make(room, parameters, facts):
        return {parameter: expressions.old_condition(room - 64, parameters)}
    return filling(
        "old" + parameter, expressions.OLD_START, expressions.OLD_PARAMETERS, make, **known)
