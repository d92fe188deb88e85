"""Sends malformed requests to `codexflow serve`, and ends with 1 if it crashes, answers wrongly or changes something.

Each request is a valid one, for any operation, of which the JSON, its text or the head was changed. Each answer must
be a success or one of AWS's error types for the operation (botocore's model). An error must have its status and form,
and no name of the program's source. A second server, the twin, performs only the requests that succeeded, in their
order. After each batch, both servers must have the same tables and items. Otherwise, a refused request changed
something: the batch is repeated on new servers, in smaller and smaller parts, until the request is found.

  python malformed.py --codexflow PATH --requests 100000 --seed 1
  python malformed.py --codexflow PATH --replay FAILURE.json
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import constraints
from malformed_requests import READS, Request, Requests, places

# "Common Error Types" of DynamoDB's API reference, and those of "Error handling with DynamoDB" in its developer guide.
COMMON = {
    "AccessDeniedException", "IncompleteSignatureException", "InternalServerError", "InvalidSignatureException",
    "MissingAuthenticationTokenException", "SerializationException", "ThrottlingException",
    "UnknownOperationException", "UnrecognizedClientException", "ValidationException", "RequestEntityTooLarge"}
# "TransactionCanceledException" in the API reference, and the code of an INSERT of an item that exists, which is
# documented for a batch of statements ("BatchStatementError"). A missing table is an error of the request.
CANCELLATION_CODES = {
    "None", "ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "TransactionConflict",
    "ProvisionedThroughputExceeded", "ThrottlingError", "ValidationError", "DuplicateItem"}
# The server's limit of a body, after which it answers 413.
BODY_BYTE_COUNT_MAX = 16 << 20
# Statuses that only requests with a changed head may have: path, method, content type, host.
HEAD_STATUSES = {403, 404, 405, 413, 415}
WIRE_WORDS = re.compile(
    # AWS's texts of constraints have values as Java prints them; the server leaves out what is in them.
    r"Codex|Swift|Optional\(|AttributeValue\((?!…)|\bfatal\b|\bnil\b|\bUnsafe|DecodingError|CodingKey")
# Names of types in the source that stand in AWS's own messages.
AWS_WORDS = {"IndexKey"}
# What differs between servers without a reason, or is not of the store.
UNSTABLE = {
    "CreationDateTime", "TableId", "ItemCount", "TableSizeBytes", "IndexSizeBytes", "LatestStreamArn",
    "LatestStreamLabel", "LastIncreaseDateTime", "LastDecreaseDateTime", "LastUpdateToPayPerRequestDateTime",
    "EarliestRestorableDateTime", "LatestRestorableDateTime", "LastUpdateDateTime", "NumberOfDecreasesToday"}


class Failure(Exception):
    """A fault of the server, with the request that shows it."""

    def __init__(self, problem, request=None, answer=None):
        super().__init__(problem)
        self.problem, self.request, self.answer = problem, request, answer


class Connection:
    """A connection that is kept, and opened again when the server closed it."""

    def __init__(self, port):
        self.port, self.socket, self.rest = port, None, b""

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.rest = None, b""

    def send(self, request):
        """The status and body of the answer; `None` if the connection ends without one."""
        data = request.data()
        # The server may have closed a kept connection; it then reads nothing of the request.
        for _ in range(2):
            is_new = self.socket is None
            try:
                if is_new:
                    self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.socket.sendall(data)
                answer = self.receive(request.method == "HEAD")
            except TimeoutError as error:
                raise Failure("no answer within 60 seconds", request) from error
            except OSError:
                answer = self.received_before_the_end()
            if answer:
                return answer
            self.close()
            if is_new:
                return None
        return None

    def received_before_the_end(self):
        try:
            return self.receive(False)
        except OSError:
            return None

    def receive(self, is_head):
        while b"\r\n\r\n" not in self.rest:
            part = self.socket.recv(65536)
            if not part:
                return None
            self.rest += part
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status, count = int(lines[0].split(" ")[1]), 0 if is_head else int(fields.get("content-length", 0))
        while len(self.rest) < count:
            part = self.socket.recv(1 << 20)
            if not part:
                return None
            self.rest += part
        body, self.rest = self.rest[:count], self.rest[count:]
        if fields.get("connection", "").lower() == "close":
            self.close()
        return status, body

    def call(self, operation, parameters):
        """The answer of a request that must have one."""
        answer = self.send(Request(operation, json.dumps(parameters).encode()))
        if answer is None:
            raise Failure(f"{operation}: no answer")
        return answer[0], json.loads(answer[1])


class Server:
    """A server with a new store."""

    def __init__(self, program):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "serve", "--ephemeral", "--port", "0"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^:]+:(\d+)", line)
        if not found:
            raise SystemExit(f"the server does not start: {line}")
        self.port = int(found.group(1))
        self.connection = Connection(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.log.close()

    def require_life(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            last = self.log.read()[-2000:].decode(errors="replace")
            raise Failure(f"the server ended with {self.process.returncode}: {last}")

    def tables(self):
        names, start = [], {}
        while True:
            _, answer = self.connection.call("ListTables", start)
            names += answer["TableNames"]
            if "LastEvaluatedTableName" not in answer:
                return names
            start = {"ExclusiveStartTableName": answer["LastEvaluatedTableName"]}

    def description(self, name):
        """A table's description when nothing of it is being made; `None` without the table."""
        end = time.monotonic() + 60
        while True:
            status, answer = self.connection.call("DescribeTable", {"TableName": name})
            if status != 200:
                return None
            table = answer["Table"]
            states = [table["TableStatus"]] + [
                index["IndexStatus"] for index in table.get("GlobalSecondaryIndexes", [])]
            if set(states) == {"ACTIVE"}:
                return table
            if time.monotonic() > end:
                raise Failure(f"the table {name} does not become active: {states}")

    def settle(self):
        for name in self.tables():
            self.description(name)

    def state(self):
        """All that clients can see of the tables, by their names."""
        state = {}
        for name in self.tables():
            table = self.description(name)
            if table is None:
                continue
            described = [table] + [
                self.connection.call(operation, {"TableName": name})[1]
                for operation in ("DescribeTimeToLive", "DescribeContinuousBackups")]
            described.append(self.connection.call("ListTagsOfResource", {"ResourceArn": table["TableArn"]})[1])
            state[name] = [json.dumps(stable(part), sort_keys=True) for part in described] + self.items(name)
        return state

    def items(self, name):
        items, start = [], {}
        while True:
            _, answer = self.connection.call("Scan", {"TableName": name, **start})
            items += [json.dumps(item, sort_keys=True) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return sorted(items)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def stable(value):
    if isinstance(value, dict):
        return {name: stable(inner) for name, inner in value.items() if name not in UNSTABLE}
    return [stable(inner) for inner in value] if isinstance(value, list) else value


def digest(state):
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


class Judge:
    """What answers may be."""

    def __init__(self):
        self.types, self.words, self.statement_codes = {}, set(), set()
        for model in constraints.models().values():
            for name, operation in model["operations"].items():
                self.types[name] = {error["shape"] for error in operation.get("errors", [])} | COMMON
            self.words |= set(model["shapes"])
            for shape in model["shapes"].values():
                self.words |= set(shape.get("members", {}))
            if "BatchStatementErrorCodeEnum" in model["shapes"]:
                self.statement_codes = set(model["shapes"]["BatchStatementErrorCodeEnum"]["enum"])
        self.source_names = re.compile(r"\b(" + "|".join(sorted(self.names_of_source())) + r")\b")

    def names_of_source(self):
        """The types of the program's source whose names are no words of AWS's."""
        root = pathlib.Path(__file__).parents[2]
        declaration = re.compile(r"\b(?:struct|class|enum|actor|protocol)\s+([A-Z]\w*)")
        names = set()
        for folder in ("Sources", "Tools/Sources"):
            for path in (root / folder).rglob("*.swift"):
                names |= set(declaration.findall(path.read_text(encoding="utf-8")))
        return {name for name in names if re.fullmatch(r"(?:[A-Z]+[a-z]+){2,}", name)
                } - self.words - AWS_WORDS

    def verdict(self, request, answer):
        """The type of the answer: `success`, `closed`, or an error's."""
        has_head = bool(request.headers) or (request.method, request.path) != ("POST", "/")
        if answer is None:
            if has_head:
                return "closed"
            raise Failure("the connection ended without an answer", request)
        status, body = answer
        if request.method == "HEAD":
            return f"status {status}"
        if has_head and status == 200 and request.method != "POST":
            return "success"
        try:
            found = json.loads(body)
        except ValueError as error:
            raise Failure("the answer is not JSON", request, answer) from error
        if not isinstance(found, dict):
            raise Failure("the answer is not an object", request, answer)
        if status == 200:
            if "__type" in found:
                raise Failure("an error with status 200", request, answer)
            for response in found.get("Responses", []):
                code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
                if code is not None and code not in self.statement_codes:
                    raise Failure(f"{code} is no code of a statement's error", request, answer)
            self.check_texts(request, answer, found)
            return "success"
        return self.error(request, answer, status, found, has_head)

    def error(self, request, answer, status, found, has_head):
        space, _, kind = str(found.get("__type", "")).rpartition("#")
        message = found.get("message", found.get("Message"))
        if not space.startswith("com.amazon") or not isinstance(message, str) or (
                not message and kind not in ("SerializationException", "UnknownOperationException")):
            raise Failure("the error has no type or message", request, answer)
        # The error of an unknown content encoding is AWS's own, with its status.
        is_encoding = status == 500 and kind == "InternalServerError" and "Content-Encoding" in dict(request.headers)
        is_large = status == 413 and len(request.body) > BODY_BYTE_COUNT_MAX
        if status != 400 and not is_encoding and not is_large and not (has_head and status in HEAD_STATUSES):
            raise Failure(f"status {status}", request, answer)
        if kind == "InternalServerError" and not is_encoding:
            raise Failure("an internal error", request, answer)
        # A changed target may name another operation.
        operation = str(request.target).rpartition(".")[2]
        if kind not in self.types.get(operation, COMMON):
            raise Failure(f"{kind} is no error of {operation or 'any operation'}", request, answer)
        for reason in found.get("CancellationReasons", []):
            if reason.get("Code") not in CANCELLATION_CODES:
                raise Failure(f"{reason.get('Code')} is no code of a cancellation", request, answer)
        self.check_texts(request, answer, found)
        return kind

    def check_texts(self, request, answer, found):
        """Requires that no message has a name of the source, unless the request has it."""
        for container, key in places(found):
            text = container[key]
            if key not in ("message", "Message") or not isinstance(text, str):
                continue
            leak = WIRE_WORDS.search(text) or self.source_names.search(text)
            if leak and leak.group() not in request.data().decode("utf-8", "replace"):
                raise Failure(f"the message has the name {leak.group()}", request, answer)


class Run:
    """Requests from several connections to a server, and what succeeded to its twin."""

    def __init__(self, program, seed, connections):
        self.program, self.judge = program, Judge()
        self.sources = [Requests(seed, f"w{number}") for number in range(connections)]
        self.counts, self.history, self.failures = collections.Counter(), [], {}
        self.slowest = (0.0, "")

    def perform(self, server, request, connection=None):
        """The answer's type and body; the type of a request that a server has no answer for is `closed`."""
        begin = time.monotonic()
        answer = (connection or server.connection).send(request)
        self.slowest = max(self.slowest, (time.monotonic() - begin, request.operation))
        if answer is None:
            server.require_life()
        try:
            return self.judge.verdict(request, answer), answer
        except Failure as failure:
            # The run goes on: an answer of a wrong form may show the same fault many times.
            self.failures.setdefault(failure.problem, []).append(failure)
            return "wrong", answer

    def repair(self, servers, log):
        """Makes the tables of `Requests.base` again, and deletes what other requests made."""
        ours = servers[0]
        there = ours.tables()
        base = {definition["TableName"]: definition for source in self.sources for definition in source.base()}
        scratch = {name for source in self.sources for name in source.scratch}
        for name in there:
            if name not in base and name not in scratch:
                log.append(Request("UpdateTable", json.dumps(
                    {"TableName": name, "DeletionProtectionEnabled": False}).encode()))
                log.append(Request("DeleteTable", json.dumps({"TableName": name}).encode()))
        for name, definition in base.items():
            if name not in there:
                log.append(Request("CreateTable", json.dumps(definition).encode()))
        for request in log:
            for server in servers:
                self.apply(server, request)

    def apply(self, server, request):
        """Performs a request, and waits until its table is made."""
        server.connection.send(request)
        if request.operation.endswith("Table"):
            server.settle()

    def batch(self, server, count):
        """Sends requests from all connections; the requests with their types, in the order of the answers."""
        sent, lock, failures = [], threading.Lock(), []

        def work(source):
            connection = Connection(server.port)
            request = None
            try:
                for _ in range(count // len(self.sources)):
                    if failures:
                        break
                    request = source.next()
                    kind, answer = self.perform(server, request, connection)
                    with lock:
                        sent.append((request, kind))
                    if kind == "success" and request.method == "POST" and answer[1]:
                        source.learn(json.loads(answer[1]))
            except Failure as failure:
                failures.append(failure)
            except Exception as error:  # A fault of this program must not look like the end of a batch.
                failures.append(Failure(f"{type(error).__name__}: {error}", request))
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(source,)) for source in self.sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.require_life()
        if failures:
            raise failures[0]
        return sent

    def run(self, total, batch_count):
        with Server(self.program) as ours, Server(self.program) as twin:
            done = 0
            while done < total:
                log = []
                self.repair([ours, twin], log)
                self.history += log
                sent = self.batch(ours, min(batch_count, max(len(self.sources), total - done)))
                changed = [request for request, kind in sent if kind == "success" and request.operation not in READS]
                for request in changed:
                    self.apply(twin, request)
                if digest(ours.state()) != digest(twin.state()):
                    raise self.found(self.history, sent, 64, difference(ours.state(), twin.state()))
                self.history += changed
                for request, kind in sent:
                    self.counts[request.operation, kind] += 1
                done += len(sent)

    def found(self, history, sent, size, seen):
        """Repeats a batch in parts on new servers; in the part after which they differ, in smaller parts."""
        with Server(self.program) as ours, Server(self.program) as twin:
            for request in history:
                for server in (ours, twin):
                    self.apply(server, request)
            changed = []
            for start in range(0, len(sent), size):
                part = sent[start:start + size]
                for request, _ in part:
                    kind, _ = self.perform(ours, request)
                    if request.operation.endswith("Table"):
                        ours.settle()
                    if kind == "success" and request.operation not in READS:
                        changed.append(request)
                        self.apply(twin, request)
                if digest(ours.state()) != digest(twin.state()):
                    seen = difference(ours.state(), twin.state())
                    if size == 1:
                        return Failure(f"{part[0][1]}, but it changed the store: {seen}", part[0][0])
                    before = [request for request in changed if all(request is not other for other, _ in part)]
                    return self.found(history + before, part, max(1, size // 8), seen)
        return Failure(f"refused requests changed the store, but not one after the other: {seen}")


def difference(ours, twin):
    for name in sorted(set(ours) | set(twin)):
        left, right = ours.get(name), twin.get(name)
        if left is None or right is None:
            return f"the table {name} is only {'there' if right is None else 'at the twin'}"
        if left != right:
            only = [part for part in left if part not in right], [part for part in right if part not in left]
            return f"table {name}: {str(only[0])[:600]} instead of {str(only[1])[:600]}"
    return "no difference"


def report(failure, name, count=1):
    print(f"FAILED ({count}): {failure.problem}")
    if failure.request:
        record = failure.request.record()
        path = pathlib.Path(tempfile.gettempdir()) / f"malformed-{name}.json"
        path.write_text(json.dumps(record))
        print(f"  request: {json.dumps({**record, 'body64': '...'}, ensure_ascii=True)[:3000]}")
        print(f"  again: --replay {path}")
    if failure.answer:
        print(f"  answer: {failure.answer[0]} {failure.answer[1][:1000].decode(errors='replace')}")


def replay(program, path):
    """Sends a request to a server that has the tables of a run."""
    with Server(program) as server:
        run = Run(program, 0, 1)
        run.repair([server], [])
        answer = server.connection.send(Request.of(json.loads(pathlib.Path(path).read_text())))
        server.require_life()
        print(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codexflow", required=True, help="the program")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--batch", type=int, default=1000, help="requests between two looks at the tables")
    parser.add_argument("--replay", metavar="FILE", help="send the request of a failure again")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.codexflow)
    if arguments.replay:
        return replay(program, arguments.replay)
    print(f"seed {arguments.seed}", flush=True)
    # Some requests are nested deeply.
    sys.setrecursionlimit(20_000)
    run, begin = Run(program, arguments.seed, arguments.connections), time.monotonic()
    try:
        run.run(arguments.requests, arguments.batch)
    except Failure as failure:
        run.failures.setdefault(failure.problem, []).append(failure)
    finally:
        kinds = collections.Counter()
        for (_, kind), count in run.counts.items():
            kinds[kind] += count
        print("answers:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    for place, found in enumerate(run.failures.values()):
        report(found[0], f"{arguments.seed}-{place}", len(found))
    if run.failures:
        return 1
    print(f"{sum(kinds.values())} requests of {len({name for name, _ in run.counts})} operations in "
          f"{time.monotonic() - begin:.0f} seconds: none crashed the server, or changed anything when it was refused. "
          f"The slowest took {run.slowest[0] * 1000:.0f} ms ({run.slowest[1]}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
