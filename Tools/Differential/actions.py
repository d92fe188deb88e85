"""What a request asks for, as far as it shows without an answer: its actions, their expressions, paths and values."""

import collections
import re

# One action of a request: its operation, its parameters, its table (`None` for an unknown one), and the item that
# codexflow has under its key (`None` if that is not known).
Action = collections.namedtuple("Action", "operation body table stored")

KINDS = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item", "ConditionCheck": "condition_check",
         "Get": "get_item", "PutRequest": "put_item", "DeleteRequest": "delete_item"}
EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "FilterExpression", "ProjectionExpression",
               "KeyConditionExpression")
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
KEYWORDS = (*SECTIONS, "AND", "OR", "NOT", "BETWEEN", "IN")
FUNCTIONS = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
             "if_not_exists", "list_append")
TOKEN = re.compile(r"[#:]?[A-Za-z0-9_]+|<>|<=|>=|\S")


def actions(operation, parameters, tables, stored=()):
    """The actions of a request. `stored` has pairs of table's name and key, and the item there."""
    known = {table.name: table for table in tables}

    def made(operation, name, body):
        item = None
        for (place, key), found in stored:
            if place == name and key == keyed(known.get(name), body):
                item = found or {}
        return Action(operation, body, known.get(name), item)

    if operation in ("transact_write_items", "transact_get_items"):
        return [made(KINDS[kind], body["TableName"], body)
                for action in parameters["TransactItems"] for kind, body in action.items()]
    if operation == "batch_write_item":
        return [made(KINDS[kind], name, body) for name, requests in parameters["RequestItems"].items()
                for request in requests for kind, body in request.items()]
    if operation == "batch_get_item":
        return [made(operation, name, body) for name, body in parameters["RequestItems"].items()]
    return [made(operation, parameters.get("TableName"), parameters)]


def keyed(table, body):
    """The part of an item or key that has the names of a table's key."""
    item = body.get("Item") or body.get("Key") or {}
    return {name: item[name] for name, _ in table.keys if name in item} if table else None


def type_of(value):
    """The type of an attribute value."""
    return next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None


def is_empty(value):
    """Whether a text or a binary is empty."""
    return value in ({"S": ""}, {"B": b""}, {"B": ""})


# Expressions


def expressions(body):
    """The expressions of an action by their parameters."""
    return {name: body[name] for name in EXPRESSIONS if name in body}


def tokens(text):
    return TOKEN.findall(text)


def used(body):
    """All tokens of an action's expressions."""
    return [token for text in expressions(body).values() for token in tokens(text)]


def paths(body, names=EXPRESSIONS):
    """The document paths in an action's expressions, as lists of their steps."""
    placeholders = body.get("ExpressionAttributeNames", {})
    found = []
    for text in (body[name] for name in names if name in body):
        rest = tokens(text)
        while rest:
            token = rest.pop(0)
            if not re.fullmatch(r"#?[A-Za-z0-9_]+", token) or token.isdigit():
                continue
            if token.upper() in KEYWORDS or rest[:1] == ["("]:
                continue
            path = [placeholders.get(token, token)]
            while rest[:1] == ["."] and len(rest) > 1 or rest[:1] == ["["] and rest[2:3] == ["]"]:
                path.append(placeholders.get(rest[1], rest[1]) if rest[0] == "." else int(rest[1]))
                del rest[:2 if rest[0] == "." else 3]
            found.append(path)
    return found


def arguments(part):
    """The parts of a list of tokens between its commas outside of parentheses."""
    parts, depth = [[]], 0
    for token in part:
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


Clause = collections.namedtuple("Clause", "section path value")


def clauses(body):
    """The clauses of an update; the value is a list of tokens."""
    placeholders = body.get("ExpressionAttributeNames", {})
    found, section, part = [], None, []

    def end():
        for clause in arguments(part) if section else []:
            if clause:
                names = [token for token in clause[:1]]
                place = 1
                while clause[place:place + 1] in (["."], ["["]):
                    names.append(clause[place + 1] if len(clause) > place + 1 else "")
                    place += 2 if clause[place] == "." else 3
                value = clause[place + 1:] if clause[place:place + 1] == ["="] else clause[place:]
                found.append(Clause(section, [placeholders.get(name, name) for name in names], value))

    for token in tokens(body.get("UpdateExpression", "")):
        if token.upper() in SECTIONS:
            end()
            section, part = token.upper(), []
        else:
            part.append(token)
    end()
    return found


def outcome_type(value, body):
    """The type that an operand has whatever the item has; `None` if that depends on the item."""
    depth = 0
    for token in value:
        depth += (token == "(") - (token == ")")
        if depth == 0 and token in "+-":
            return "N"
    if value[:1] == ["list_append"]:
        return "L"
    if value[:1] == ["if_not_exists"]:
        parts = arguments(value[2:-1])
        return outcome_type(parts[1], body) if len(parts) == 2 else None
    if len(value) == 1 and value[0].startswith(":"):
        return type_of(body.get("ExpressionAttributeValues", {}).get(value[0]))
    return None


def written_types(body):
    """Pairs of an attribute and a type that an update gives it, whatever the item has."""
    found = [(clause.path[0], outcome_type(clause.value, body)) for clause in clauses(body)
             if clause.section in ("SET", "ADD") and len(clause.path) == 1]
    found += [(name, type_of(update.get("Value"))) for name, update in body.get("AttributeUpdates", {}).items()
              if update.get("Action", "PUT") in ("PUT", "ADD")]
    return found


def only_removes(body):
    """Whether an update only removes attributes, or elements of sets."""
    if "UpdateExpression" in body:
        return all(clause.section in ("REMOVE", "DELETE") for clause in clauses(body))
    updates = body.get("AttributeUpdates", {})
    return bool(updates) and all(update.get("Action") == "DELETE" for update in updates.values())


# Tables


def index_keys(table):
    """Triples of a key of an index, its type and the index."""
    return [(name, kind, index[0]) for index in table.indexes for name, kind in index[2]
            if name not in dict(table.keys)]


def read_keys(action):
    """The keys of the table or index that a query or scan reads."""
    for index in action.table.indexes:
        if index[0] == action.body.get("IndexName"):
            return index[2]
    return action.table.keys


def projection(action):
    """The projection of the index that is read; `None` if that has all attributes."""
    for index in action.table.indexes if action.table else []:
        if index[0] == action.body.get("IndexName") and index[3]["ProjectionType"] != "ALL":
            return {*dict(action.table.keys), *dict(index[2]), *index[3].get("NonKeyAttributes", [])}
    return None


def projected(item, paths):
    """The parts of an item, or of a map in it, that paths lead to."""
    found = {}
    for name in dict.fromkeys(path[0] for path in paths):
        rests = [path[1:] for path in paths if path[0] == name]
        part = item.get(name) if isinstance(name, str) else None
        if part is not None and [] not in rests:
            part = inner(part, rests)
        if part is not None:
            found[name] = part
    return found


def inner(value, paths):
    """The parts of a map or a list that paths lead to; `None` without any."""
    kind = type_of(value)
    if kind == "M":
        part = projected(value["M"], [path for path in paths if isinstance(path[0], str)])
        return {"M": part} if part else None
    if kind == "L":
        places = sorted({path[0] for path in paths if isinstance(path[0], int) and path[0] < len(value["L"])})
        rests = {place: [path[1:] for path in paths if path[0] == place] for place in places}
        parts = [value["L"][place] if [] in rests[place] else inner(value["L"][place], rests[place])
                 for place in places]
        parts = [part for part in parts if part is not None]
        return {"L": parts} if parts else None
    return None
