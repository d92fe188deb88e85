"""Random requests for every operation, which are valid or have a fault in the JSON, in its text, or in the head.

`Requests` gives the same requests for the same seed, if the server's answers are the same: some have tokens, iterators
or ARNs of earlier answers.
"""

import base64
import json
import random

import generator

TARGET = "DynamoDB_20120810."
STREAMS_TARGET = "DynamoDBStreams_20120810."
STREAMS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}
READS = STREAMS | {
    "GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable", "ListTables",
    "DescribeTimeToLive", "ListTagsOfResource", "DescribeLimits", "DescribeEndpoints", "DescribeContinuousBackups"}
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"

WRONG = [
    None, True, False, 0, -1, 1, 1.5, 2 ** 31, 2 ** 63, 2 ** 64, -2 ** 63 - 1, 1e300, 1e-300, "", " ", "x", "true", "1",
    [], {}, [None], [[]], [{}], [""], {"": ""}, {"S": None}, {"S": "x", "N": "1"}, {"X": "x"}, {"NULL": False},
    {"M": []}, {"L": {}}, {"SS": []}, {"NS": ["1", "1.0"]}, {"BS": ["a"]}, {"BOOL": "true"}, {"S": 5}, {"N": 5},
    {"B": 5}]
NUMBERS = [
    "1e126", "1e-131", "-1e126", "9" * 38, "9" * 39, "0." + "0" * 200 + "1", "1e99999999999999999999", "NaN",
    "Infinity", "-Infinity", "", " 1", "1 ", "--1", "+1", "0x1", "1e", "e1", ".", "1_000", "1,5", "٣", "-0", "00",
    "1" * 5000]
BINARIES = ["a", "ab", "abc", "====", "a===", "YQ", "YQ=", "Y Q==", "YQ==\n", "é", "YQ-_", "=YQ=", "YR=="]
ARNS = [
    "arn", "arn:", "arn:aws:dynamodb", ":::::", ARN, ARN + "x", ARN + "nothing", ARN + "a/b", ARN + "nothing/index/x",
    ARN + "nothing/stream/2020-01-01T00:00:00.000", ARN + "nothing/stream/", "arn:aws:s3:::x",
    "arn:aws:dynamodb:eu-west-9:1:table/nothing", "arn:aws:dynamodb:us-east-1:000000000000:nothing",
    ARN + "x" * 300, ARN + "é" * 4]
LONG = [255, 256, 1024, 1025, 2048, 2049, 5000, 65535, 65536, 400 * 1024]
SCRAPS = [
    "(", ")", "((", "[", "]", "[99999999999999999999]", "[-1]", ".", "..", ",", "#", "#n", ":", ":v", "::", "=", "<>",
    " AND ", " OR ", " NOT ", " IN ", " BETWEEN ", "SET ", "REMOVE ", "ADD ", "DELETE ", "size(", "list_append(",
    "if_not_exists(", "contains(", "'", '"', "''", "?", "*", "SELECT ", "FROM ", "WHERE ", "VALUE ", "{", "}", "<<",
    ">>", "--", ";", "\0", "\n", "\u2028", "é", "😀", "\ufeff", "%s", "${x}", "1e999"]
BODIES = [
    b"", b" ", b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{", b"}", b"{}", b"{}{}", b'{"":""}', b"{'a':1}",
    b'{"TableName":NaN}', b'{"TableName":01}', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"[" * 5000, b'{"a":' * 5000,
    b'{"TableName":"\\ud800"}', b'{"TableName":"\\x"}', b'{"TableName":"a\nb"}', b'/**/{}', b'{"a":1e99999}']


class Request:
    """A request as it is sent, and the operation that it came from."""

    def __init__(self, operation, body, target=None, method="POST", path="/", headers=()):
        self.operation, self.body, self.method, self.path = operation, body, method, path
        if target is None:
            target = (STREAMS_TARGET if operation in STREAMS else TARGET) + operation
        self.target = target
        self.headers = headers

    def data(self):
        lines = [f"{self.method} {self.path} HTTP/1.1".encode("latin-1")]
        fields = {"Host": "localhost", "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": self.target,
                  "Content-Length": str(len(self.body))}
        fields.update(self.headers)
        for name, value in fields.items():
            if value is not None:
                lines.append(f"{name}: {value}".encode("utf-8", "surrogateescape"))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    def record(self):
        """The request as JSON, which `--replay` reads."""
        return {
            "operation": self.operation, "target": self.target, "method": self.method, "path": self.path,
            "headers": dict(self.headers), "body": self.body.decode("utf-8", "backslashreplace")[:4000],
            "body64": base64.b64encode(self.body).decode()}

    @staticmethod
    def of(record):
        return Request(
            record["operation"], base64.b64decode(record["body64"]), record["target"], record["method"],
            record["path"], record["headers"])


def plain(value):
    """A value as JSON has it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def places(value):
    """The containers of a tree with their keys: every node but the root. The tree may be deep."""
    found, waiting = [], [value]
    while waiting:
        container = waiting.pop()
        entries = container.items() if isinstance(container, dict) else enumerate(container)
        for key, inner in entries:
            found.append((container, key))
            if isinstance(inner, (dict, list)):
                waiting.append(inner)
    return found


def nested(kind, depth):
    value = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]} if kind == "L" else {"M": {"m": value}} if kind == "M" else [value]
    return value


class Requests:
    """The requests of one connection, on tables whose names have its prefix."""

    def __init__(self, seed, prefix):
        self.random = random.Random(f"{seed}/{prefix}")
        self.prefix = prefix
        self.source = generator.Generator(self.random.random())
        self.source.tables = [
            generator.Table(f"{prefix}-{table.name}", table.partition, table.sort, table.indexes)
            for table in generator.TABLES]
        self.source.known = {table.name: [] for table in self.source.tables}
        self.scratch = [f"{prefix}-scratch-{number}" for number in range(3)]
        self.count = 0
        # Of answers: by the member that has them.
        self.tokens = {}

    def base(self):
        """The definitions of the tables that are always there."""
        definitions = [table.definition() for table in self.source.tables]
        definitions[0]["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        return definitions

    def learn(self, answer):
        """Keeps what other requests can name."""
        for container, key in places(answer):
            if key in ("LastEvaluatedKey", "NextToken", "ShardIterator", "NextShardIterator", "StreamArn", "ShardId",
                       "LatestStreamArn", "TableArn", "LastEvaluatedTableName", "LastEvaluatedStreamArn"):
                kept = self.tokens.setdefault(key, [])
                kept.append(container[key])
                del kept[:-4]

    def token(self, *names, default="x"):
        kept = [token for name in names for token in self.tokens.get(name, [])]
        return self.random.choice(kept) if kept else default

    def next(self):
        self.count += 1
        operation, parameters = self.valid()
        chance = self.random.random()
        if chance < 0.08:
            return Request(operation, json.dumps(parameters).encode())
        if chance < 0.84:
            for _ in range(self.random.choice([1, 1, 1, 2, 3])):
                parameters = self.mutated(parameters)
            return Request(operation, self.serialized(parameters))
        if chance < 0.94:
            return Request(operation, self.text(json.dumps(parameters, ensure_ascii=False).encode()))
        return self.head(operation, json.dumps(parameters).encode())

    def serialized(self, parameters):
        """JSON, escaped or not; lone surrogates only escaped."""
        try:
            return json.dumps(parameters, ensure_ascii=self.random.random() < 0.5).encode()
        except UnicodeEncodeError:
            return json.dumps(parameters).encode()

    # Valid requests

    def valid(self):
        if self.random.random() < 0.6:
            operation, parameters = self.source.next()
            parameters = plain(parameters)
            if operation == "transact_write_items" and self.random.random() < 0.3:
                parameters["ClientRequestToken"] = self.client_token()
            return "".join(word.title() for word in operation.split("_")), parameters
        return self.random.choice([
            self.execute_statement, self.batch_execute_statement, self.execute_transaction, self.create_table,
            self.create_table, self.named_table, self.update_table, self.update_table, self.time_to_live, self.tags,
            self.backups, self.streams, self.streams, self.page])()

    def table(self):
        return self.random.choice(self.source.tables)

    def table_name(self):
        name = self.random.choice([table.name for table in self.source.tables] + self.scratch)
        return self.token("TableArn", default=name) if self.random.random() < 0.1 else name

    def statement(self):
        """A statement of PartiQL with its parameters."""
        table = self.table()
        key = plain(self.source.key(table))
        where = " AND ".join(f"{name} = ?" for name in key) or "p = ?"
        values = list(key.values())
        value = plain(self.source.value())
        kind = self.random.randrange(6)
        if kind == 0:
            item = ", ".join(f"'{name}': ?" for name in key)
            return f'INSERT INTO "{table.name}" VALUE {{{item}, \'a\': ?}}', values + [value]
        if kind == 1:
            return f'UPDATE "{table.name}" SET a = ? SET b = list_append(b, [1, {{\'x\': \'y\'}}]) WHERE {where}', [
                value] + values
        if kind == 2:
            return f'UPDATE "{table.name}" REMOVE a.b[1] WHERE {where} RETURNING ALL OLD *', values
        if kind == 3:
            return f'DELETE FROM "{table.name}" WHERE {where}', values
        if kind == 4:
            index = self.random.choice(['"', '"."by-g"', '"."by-n"'])
            return (f'SELECT a, m.x, "l"[0] FROM "{table.name}{index} WHERE (g = ? OR begins_with(a, \'x\')) AND '
                    f"size(b) > 1 AND c IN [1, 'x'] AND NOT t IS MISSING ORDER BY s DESC"), [value]
        return f'SELECT * FROM "{table.name}" WHERE {where}', values

    def execute_statement(self):
        statement, values = self.statement()
        parameters = {"Statement": statement, "Parameters": values}
        if self.random.random() < 0.3:
            parameters["Limit"] = self.random.randrange(1, 5)
        if self.random.random() < 0.2:
            parameters["NextToken"] = self.token("NextToken")
        return "ExecuteStatement", parameters

    def statements(self):
        return [dict(zip(("Statement", "Parameters"), self.statement())) for _ in range(self.random.randrange(1, 4))]

    def client_token(self):
        """A token of few requests that follow each other: after ten minutes, it would be a new one."""
        return f"{self.prefix}-{self.count // 200}-{self.random.randrange(3)}"

    def batch_execute_statement(self):
        return "BatchExecuteStatement", {"Statements": self.statements(), "ReturnConsumedCapacity": "INDEXES"}

    def execute_transaction(self):
        return "ExecuteTransaction", {
            "TransactStatements": self.statements(), "ClientRequestToken": self.client_token()}

    def create_table(self):
        definition = generator.Table(
            self.random.choice(self.scratch), ("p", "S"), ("s", "N"),
            [("by-g", "global", [("g", "S"), ("s", "N")], generator.SOME)]).definition()
        if self.random.random() < 0.3:
            throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
            definition["BillingMode"] = "PROVISIONED"
            definition["ProvisionedThroughput"] = throughput
            definition["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] = dict(throughput)
        definition["Tags"] = [{"Key": "k", "Value": "v"}]
        definition["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        definition["OnDemandThroughput"] = {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 6}
        if definition["BillingMode"] == "PROVISIONED":
            del definition["OnDemandThroughput"]
        return "CreateTable", definition

    def named_table(self):
        if self.random.random() < 0.3:
            return "DeleteTable", {"TableName": self.random.choice(self.scratch)}
        return "DescribeTable", {"TableName": self.table_name()}

    def update_table(self):
        parameters = {"TableName": self.random.choice(self.scratch)}
        parameters.update(self.random.choice([
            {"BillingMode": "PAY_PER_REQUEST"},
            {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}},
            {"StreamSpecification": {"StreamEnabled": False}},
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
            {"DeletionProtectionEnabled": self.random.random() < 0.5},
            {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
            {"OnDemandThroughput": {"MaxReadRequestUnits": 7, "MaxWriteRequestUnits": 7}},
            {"SSESpecification": {"Enabled": True}},
            {"WarmThroughput": {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000}},
            {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-g"}}]},
            {"AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}],
             "GlobalSecondaryIndexUpdates": [{"Create": {
                 "IndexName": "by-n", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
                 "Projection": {"ProjectionType": "KEYS_ONLY"}}}]}]))
        return "UpdateTable", parameters

    def time_to_live(self):
        name = self.random.choice(self.scratch)
        if self.random.random() < 0.3:
            return "DescribeTimeToLive", {"TableName": name}
        return "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": {
            "Enabled": self.random.random() < 0.5, "AttributeName": "ends"}}

    def tags(self):
        arn = ARN + self.random.choice(self.scratch)
        return self.random.choice([
            ("TagResource", {"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]}),
            ("UntagResource", {"ResourceArn": arn, "TagKeys": ["a", "z"]}),
            ("ListTagsOfResource", {"ResourceArn": arn, "NextToken": self.token("NextToken")}),
            ("ListTagsOfResource", {"ResourceArn": arn})])

    def backups(self):
        name = self.random.choice(self.scratch)
        return self.random.choice([
            ("DescribeContinuousBackups", {"TableName": name}),
            ("UpdateContinuousBackups", {"TableName": name, "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": self.random.random() < 0.5, "RecoveryPeriodInDays": 7}}),
            ("DescribeLimits", {}), ("DescribeEndpoints", {}),
            ("ListTables", {"ExclusiveStartTableName": self.table_name(), "Limit": 3})])

    def streams(self):
        arn = self.token("StreamArn", "LatestStreamArn", default=ARN + "nothing/stream/2020-01-01T00:00:00.000")
        shard = self.token("ShardId", default="shardId-00000000000000000000-00000000")
        kind = self.random.choice(["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
        wanted = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind}
        if "SEQUENCE" in kind:
            wanted["SequenceNumber"] = self.random.choice(["1", "000000000000000000001", "9" * 30, "x"])
        return self.random.choice([
            ("ListStreams", {"Limit": 2}), ("ListStreams", {"TableName": self.source.tables[0].name}),
            ("ListStreams", {"ExclusiveStartStreamArn": arn}),
            ("DescribeStream", {"StreamArn": arn, "Limit": 1, "ExclusiveStartShardId": shard}),
            ("DescribeStream", {"StreamArn": arn}),
            ("GetShardIterator", wanted), ("GetShardIterator", wanted),
            ("GetRecords", {"ShardIterator": self.token("ShardIterator", "NextShardIterator"), "Limit": 3})])

    def page(self):
        table = self.table()
        parameters = {"TableName": table.name, "Limit": 2, "ReturnConsumedCapacity": "TOTAL"}
        start = self.token("LastEvaluatedKey", default=None)
        if start is not None:
            parameters["ExclusiveStartKey"] = start
        if self.random.random() < 0.3:
            parameters.update(Segment=self.random.randrange(3), TotalSegments=3)
        return "Scan", parameters

    # Mutations of the tree

    def mutated(self, parameters):
        parameters = json.loads(json.dumps(parameters))
        nodes = places(parameters)
        if not nodes:
            return {"TableName": self.wrong()}
        container, key = self.random.choice(nodes)
        value = container[key]
        if isinstance(value, str) and self.random.random() < 0.6:
            container[key] = self.string(key, value)
            return parameters
        kind = self.random.randrange(8)
        if kind < 3:
            container[key] = self.similar(value) if self.random.random() < 0.7 else self.wrong()
        elif kind == 3:
            del container[key]
        elif kind == 4:
            container[key] = self.random.choice([[value], {"x": value}, [value] * 2, [value] * 101, {"S": value}])
        elif kind == 5 and isinstance(container, dict):
            container[self.other_name(key)] = container.pop(key)
        elif kind == 6 and isinstance(container, dict):
            name = self.random.choice(
                ["Extra", "Limit", "Key", "TableName", "IndexName", "Select", "Expected", "", "S"])
            container[name] = self.wrong()
        elif kind == 7 and self.random.random() < 0.3:
            container[key] = nested(
                self.random.choice(["L", "M", "list"]), self.random.choice([31, 32, 33, 100, 300]))
        else:
            other, place = self.random.choice(nodes)
            if not isinstance(other, list) or place < len(other):
                container[key] = json.loads(json.dumps(other.get(place) if isinstance(other, dict) else other[place]))
        return parameters

    def wrong(self):
        if self.tokens and self.random.random() < 0.1:
            return self.token(self.random.choice(list(self.tokens)))
        return json.loads(json.dumps(self.random.choice(WRONG)))

    def similar(self, value):
        """Something of the same type."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return self.random.choice(
                [0, -1, 1, 2, 100, 101, 1000, 1001, 10 ** 6 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 63 - 1])
        if isinstance(value, list):
            return self.random.choice([[], value * 2, value[:1], value[::-1], value * 30, value + [self.wrong()]])
        if isinstance(value, dict):
            names = list(value)
            self.random.shuffle(names)
            kept = names[:self.random.randrange(len(names) + 1)]
            return {name: value[name] for name in kept}
        return self.string("", value) if isinstance(value, str) else self.wrong()

    def other_name(self, key):
        return self.random.choice([key.lower(), key.upper(), key[:-1], key + "s", " " + key, "x" * 70000, "#" + key])

    def string(self, key, value):
        if key == "N" and self.random.random() < 0.7:
            return self.random.choice(NUMBERS)
        if key == "B" and self.random.random() < 0.7:
            return self.random.choice(BINARIES)
        if str(key).endswith("Arn") and self.random.random() < 0.5:
            return self.random.choice(ARNS)
        place = self.random.randrange(len(value) + 1)
        kind = self.random.randrange(9)
        if kind < 2:
            return value[:place]
        if kind == 2:
            return value[place:]
        if kind < 5:
            return value[:place] + self.random.choice(SCRAPS) + value[place + self.random.randrange(2):]
        if kind == 5:
            return "x" * self.random.choice(LONG)
        if kind == 6:
            return self.deep(value)
        if kind == 7:
            end = self.random.randrange(place, len(value) + 1)
            return value[:end] + value[place:]
        return str(self.token(*self.tokens))

    def deep(self, value):
        count = self.random.choice([1, 10, 300, 2000])
        return self.random.choice([
            "(" * count + value + ")" * count, "NOT " * count + value, (value + " AND ") * count + value,
            value + ".a" * count, value + "[0]" * count, "[" * count, "{'a':" * count])[:70000]

    # Mutations of the text

    def text(self, body):
        place = self.random.randrange(len(body) + 1)
        kind = self.random.randrange(9)
        if kind < 3:
            return body[:place]
        if kind == 3:
            return body[:place] + bytes([self.random.randrange(256)]) + body[place + 1:]
        if kind == 4:
            return body[:place] + self.random.choice(
                [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00", b"\\u0000", b"\\ud800", b"\\",
                 b'"', b",", b"{", b"]", b":"]) + body[place:]
        if kind == 5:
            return body[:place] + body[place + self.random.randrange(1, 20):]
        if kind == 6 and len(body) > 2:
            # A member twice.
            members = json.loads(body)
            name = self.random.choice(list(members))
            twice = json.dumps({name: self.random.choice([members[name], self.wrong()])})[1:-1]
            return body[:-1] + b", " + twice.encode() + b"}"
        if kind == 7:
            return body + self.random.choice([b"x", b"{}", b"\x00", b" " * 5000, b"\n\n", b","])
        return self.random.choice(BODIES)

    # Mutations of the head

    def head(self, operation, body):
        kind = self.random.randrange(7)
        if kind < 3:
            return Request(operation, body, target=self.target(operation))
        if kind == 3:
            return Request(operation, body, headers={"Content-Type": self.random.choice(
                [None, "", "text/plain", "application/json", "application/x-amz-json-1.1", "x" * 3000, "é"])})
        if kind == 4:
            return Request(operation, body, headers={"Content-Encoding": self.random.choice(
                ["gzip", "br", "identity", "deflate", "gzip, gzip", ""])})
        if kind == 5:
            return Request(operation, body, method=self.random.choice(["GET", "PUT", "DELETE", "HEAD", "POST"]),
                           path=self.random.choice(["/", "/x", "//", "/?a=b", "/%00", "*", "/" + "x" * 3000]))
        return Request(operation, body, headers=self.random.choice([
            {"Authorization": "AWS4-HMAC-SHA256 x"}, {"Authorization": "x" * 3000}, {"Host": "example.com"},
            {"Host": None}, {"Origin": "https://example.com"}, {"X-Amz-Date": "yesterday"}, {"X-" + "a" * 20000: "b"},
            {"X-A": "b" * 20000}, {"Expect": "200-ok"}, {"Connection": "close"}, {"X-A": "é\x01"},
            {"Content-Length": "-1", "Connection": "close"}, {"Content-Length": "1x", "Connection": "close"},
            {"Transfer-Encoding": "chunked", "Connection": "close"}]))

    def target(self, operation):
        return self.random.choice([
            "", operation, TARGET, TARGET + operation.lower(), TARGET + operation + " ",
            "DynamoDB_20111205." + operation, STREAMS_TARGET + operation, TARGET + "CreateBackup", TARGET + "Nothing",
            TARGET + operation + ".x", "." + operation, "x" * 9000, "é." + operation, TARGET + "GetItem",
            TARGET + "CreateTable", TARGET + "GetRecords"])
