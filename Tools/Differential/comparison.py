"""Answers of servers to one request, and in what they differ."""

import base64
import collections
import decimal
import http.client
import json
import urllib.parse

# moto finds the service by the signature's scope; no server here checks it.
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request, "
                     "SignedHeaders=host, Signature=" + "0" * 64}

# Aspects of differences.
ANSWER, TYPE, TEXT, STATE = "answer", "type", "text", "state"
OK = "ok"

# The type of an error or OK, the message, (code, message, item) of each reason of a cancellation, the item that a
# condition found, and the answer of a success.
Outcome = collections.namedtuple("Outcome", "code message reasons item answer")

# A request with the outcomes of codexflow and of one peer, and the aspect in which they differ. `items` has (key,
# codexflow's item, the peer's item) of what differs after a write; `stored` has ((table's name, key), codexflow's
# item) of all that it names. `is_broken` tells that the request was made wrong on purpose, `is_alone` that the peers
# agree, and `is_shared` that another peer answers as codexflow does.
Case = collections.namedtuple(
    "Case", "operation parameters peer aspect ours theirs items stored is_broken is_alone is_shared")


def encoded(value):
    """What JSON does not have: bytes as base64."""
    return base64.b64encode(value).decode()


def plain(value):
    """A value as JSON."""
    return json.dumps(value, default=encoded)


def action(operation):
    """`put_item` as the API names it."""
    return "".join(word.capitalize() for word in operation.split("_"))


class Client:
    """Sends requests as they are, over a connection that is kept."""

    def __init__(self, url):
        self.host = urllib.parse.urlsplit(url).netloc
        self.connection = None

    def outcome(self, operation, parameters):
        body = plain(parameters)
        status, text = self.send(body, {**HEADERS, "X-Amz-Target": "DynamoDB_20120810." + action(operation)})
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {}
        return parsed(status, answer)

    def send(self, body, headers):
        """The status and text of an answer. The server may have closed a kept connection."""
        for _ in range(2):
            is_new = self.connection is None
            if is_new:
                self.connection = http.client.HTTPConnection(self.host, timeout=60)
            try:
                self.connection.request("POST", "/", body, headers)
                response = self.connection.getresponse()
                return response.status, response.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if is_new:
                    raise
        raise ConnectionError(self.host)


def parsed(status, answer):
    """The outcome of an answer; an error without a type has its status instead."""
    if status == 200:
        return Outcome(OK, "", (), None, answer)
    code = str(answer.get("__type") or f"HTTP {status}").rpartition("#")[2]
    reasons = tuple(
        (reason.get("Code"), reason.get("Message"), reason.get("Item"))
        for reason in answer.get("CancellationReasons") or [])
    message = answer.get("message") or answer.get("Message") or ""
    return Outcome(code, message, reasons, answer.get("Item"), None)


# Equal answers


def canonical(text):
    """A number's spelling, the same for equal numbers."""
    try:
        number = decimal.Decimal(text)
    except (decimal.InvalidOperation, TypeError):
        return text
    return str(number.normalize()) if number else "0"


def normal(value):
    """The same for equal values: sets have no order, numbers no zeros at the end."""
    if isinstance(value, dict):
        if len(value) == 1:
            (kind, inner), = value.items()
            if kind in ("SS", "NS", "BS") and isinstance(inner, list):
                members = [normal({kind[0]: member}) for member in inner]
                return (kind, tuple(sorted(map(repr, members))))
            if kind == "N":
                return ("N", canonical(inner))
        return tuple(sorted((name, normal(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return tuple(normal(inner) for inner in value)
    return encoded(value) if isinstance(value, bytes) else value


def compared(operation, answer):
    """What of an answer must be equal. Scans and batches have no order."""
    answer = dict(answer)
    if operation == "scan" and "Items" in answer:
        answer["Items"] = unordered(answer["Items"])
    if operation == "batch_get_item":
        answer["Responses"] = {
            table: unordered(items) for table, items in answer.get("Responses", {}).items()}
    for name in ("ItemCollectionMetrics", "ConsumedCapacity"):
        answer.pop(name, None)
    return normal(answer)


def unordered(items):
    return sorted(repr(normal(item)) for item in items)


def aspect(operation, ours, theirs):
    """In what two outcomes differ; `None` if they do not."""
    if ours.code != theirs.code:
        return TYPE
    if ours.code == OK:
        return None if compared(operation, ours.answer) == compared(operation, theirs.answer) else ANSWER
    if [reason[0] for reason in ours.reasons] != [reason[0] for reason in theirs.reasons]:
        return TYPE
    if found(ours) != found(theirs):
        return ANSWER
    return None if texts(ours) == texts(theirs) else TEXT


def found(outcome):
    """The items that an error has."""
    return normal(outcome.item), tuple(normal(reason[2]) for reason in outcome.reasons)


def texts(outcome):
    """All texts of an error."""
    return (outcome.message, *(reason[1] or "" for reason in outcome.reasons))


def is_alone(operation, ours, others):
    """Whether the peers agree, in what they differ from codexflow."""
    if len(others) < 2:
        return False
    first = aspect(operation, ours, others[0])
    same = (None,) if first == TEXT else (None, TEXT)
    return first is not None and all(aspect(operation, others[0], other) in same for other in others[1:])
