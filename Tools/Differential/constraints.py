"""Compares the table of requests with botocore's model of DynamoDB.

The table is Sources/CodexDynamoDB/Validation/RequestTable.swift, whose comment has its form. Members, requirements,
lengths, ranges, patterns and words must be those of the model, or have a reason in `EXPLAINED`. A reason that explains
nothing is an error too, so that the reasons stay true. The order of the members must be that of AWS's messages.
"""

import dataclasses
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "Sources/CodexDynamoDB/Validation/RequestTable.swift"

STREAMS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}

NAMES = "The model has the constraints of an ARN; AWS reports those of a name: architect/dynalite, test/getItem.js"
PRESENT = "AWS reports a missing name alone: architect/dynalite, test/createTable.js and test/describeTable.js"
REQUIRED = (
    "The model has it optional for copies of global tables, which the service has not; AWS requires it of other "
    "tables: architect/dynalite, test/createTable.js")
VECTORS = "The service has no vector indexes, and ignores the member as it ignores unknown ones"
TAGS = "The operation refuses it in AWS's words: architect/dynalite, test/tagResource.js and test/untagResource.js"
REFUSED = "The service has no global tables, and the operation refuses the member as a whole"
LATER = "AWS checks it after all others, and reports it alone: nubo-db/dynamodb-conformance, tests of Query and batches"
REFERENCE = "Amazon DynamoDB API Reference, Amazon DynamoDB Streams: the largest value of Limit"
FILLED = "AWS refuses an empty map in a sentence: architect/dynalite, test/batchGetItem.js and test/batchWriteItem.js"
TABLES = "The operation counts the keys or writes of all tables, so a request cannot have more tables"

EXPLAINED = {
    "TableClass: enum None instead of ['STANDARD', 'STANDARD_INFREQUENT_ACCESS']":
        "AWS has a text of its own: scylladb/scylladb, test/alternator/test_tableclass.py",
    "TableArn: also takes names": NAMES,
    "TableReference: also takes names": NAMES,
    "TableReference: min None instead of 1":
        "AWS reports an empty name by the constraints of names: architect/dynalite, test/describeTable.js",
    "CreateTable.TableName: present instead of required": PRESENT,
    "DescribeTable.TableName: present instead of required": PRESENT,
    "UpdateTable.TableName: present instead of required": PRESENT,
    "DeleteTable.TableName: present instead of required": PRESENT,
    "UpdateTimeToLive.TableName: present instead of required": PRESENT,
    "DescribeTimeToLive.TableName: present instead of required": PRESENT,
    "CreateTable.KeySchema: required instead of optional": REQUIRED,
    "CreateTable.AttributeDefinitions: required instead of optional": REQUIRED,
    "CreateTable.VectorIndexes: not in the table": VECTORS,
    "UpdateTable.VectorIndexUpdates: not in the table": VECTORS,
    "AttributeName: max None instead of 65535": "The readers of items and names refuse it",
    "KeySchema: max 2 instead of None":
        "AWS refuses more elements of a table's keys: architect/dynalite, test/createTable.js; an index may have more",
    "NonKeyAttributeNameList: max None instead of 20": "The operation counts the names of all indexes, see Quotas",
    "KMSMasterKeyId: min 1 instead of None": "AWS's response: aws-controllers-k8s/dynamodb-controller, docs/api-quirks",
    "QueryLimit: plain": LATER,
    "KeyList: plain": LATER,
    "BatchGetRequestMap: min None instead of 1": FILLED,
    "BatchGetRequestMap: filled": FILLED,
    "BatchGetRequestMap: max None instead of 100": TABLES,
    "BatchGetRequestMap: json": "AWS shows the value as JSON: nubo-db/dynamodb-conformance, tests of BatchGetItem",
    "BatchWriteItemRequestMap: min None instead of 1": FILLED,
    "BatchWriteItemRequestMap: filled": FILLED,
    "BatchWriteItemRequestMap: max None instead of 25": TABLES,
    "Tag.Key: optional instead of required": TAGS,
    "Tag.Value: optional instead of required": TAGS,
    "TagKeyString: min None instead of 1": TAGS,
    "TagKeyString: max None instead of 128": TAGS,
    "TagValueString: max None instead of 256": TAGS,
    "TagResource.ResourceArn: optional instead of required": TAGS,
    "UntagResource.ResourceArn: optional instead of required": TAGS,
    "ListTagsOfResource.ResourceArn: optional instead of required": TAGS,
    "ResourceArnString: min None instead of 1": TAGS,
    "ResourceArnString: max None instead of 1283": TAGS,
    "ReplicationGroupUpdateList: not checked": REFUSED,
    "GlobalTableWitnessGroupUpdateList: not checked": REFUSED,
    "StreamsLimit: max 100 instead of None": REFERENCE,
    "RecordsLimit: max 1000 instead of None": REFERENCE,
}


@dataclasses.dataclass
class Shape:
    kind: str
    name: str
    arguments: list
    constraints: dict
    flags: set
    members: dict = dataclasses.field(default_factory=dict)


# The table


def table_text(source):
    """The table in the source of the enumeration."""
    lines = source.split('"""\n', 1)[1].rsplit('"""', 1)[0].split("\n")
    indentation = len(lines[-1])
    return "\n".join(line[indentation:] for line in lines).replace("\\\n", "")


def read_table(text):
    """The shapes of operations' inputs, and all others, by their names."""
    inputs, shapes, shape = {}, {}, None
    for line in text.split("\n"):
        words = line.split()
        if line.startswith(" "):
            name, member, *requirement = words
            shape.members[name] = (member, *requirement) if requirement else (member, "")
        elif words:
            shape = read_shape(words)
            found = inputs if shape.kind == "operation" else shapes
            if shape.name in found:
                raise ValueError(f"{shape.name} stands there twice")
            found[shape.name] = shape
    return inputs, shapes


def read_shape(words):
    kind, name, *rest = words
    count = {"list": 1, "name": 1, "map": 2}.get(kind, 0)
    constraints, flags = {}, set()
    for word in rest[count:]:
        key, sign, value = word.partition("=")
        if not sign:
            flags.add(key)
        elif key in ("min", "max"):
            constraints[key] = int(value)
        else:
            constraints[key] = value.split(",") if key == "enum" else value
    return Shape(kind, name, rest[:count], constraints, flags)


# The comparison


KINDS = {
    "operation": "structure", "structure": "structure", "list": "list", "map": "map", "string": "string",
    "integer": "integer", "long": "long", "boolean": "boolean", "name": "string", "value": "structure"}


class Comparison:
    """The differences between the table and models of services."""

    def __init__(self, table, models):
        self.inputs, self.shapes = read_table(table)
        self.models = models
        self.differences = []
        self.done = set()

    def run(self):
        for name, shape in self.inputs.items():
            model = self.models["streams" if name in STREAMS else "dynamodb"]
            self.compare(shape, model["operations"][name]["input"]["shape"], model)
        return self.differences

    def add(self, difference):
        if difference not in self.differences:
            self.differences.append(difference)

    def compare(self, shape, model_name, model):
        if shape.kind == "unchecked":
            return self.add(f"{shape.name}: not checked")
        if (shape.name, model_name) in self.done:
            return None
        self.done.add((shape.name, model_name))
        other = model["shapes"][model_name]
        if other["type"] != KINDS[shape.kind]:
            return self.add(f"{shape.name}: {shape.kind} instead of {other['type']}")
        if shape.kind == "value":
            return None
        self.constraints(shape, other)
        if KINDS[shape.kind] == "structure":
            self.members(shape, other, model)
        elif shape.kind == "list":
            self.compare(self.shapes[shape.arguments[0]], other["member"]["shape"], model)
        elif shape.kind == "map":
            self.compare(self.shapes[shape.arguments[0]], other["key"]["shape"], model)
            self.compare(self.shapes[shape.arguments[1]], other["value"]["shape"], model)
        elif shape.kind == "name":
            self.add(f"{shape.name}: also takes names")
            self.compare(self.shapes[shape.arguments[0]], "TableName", model)
        return None

    def constraints(self, shape, other):
        for key in ("min", "max", "pattern", "enum"):
            ours, theirs = shape.constraints.get(key), other.get(key)
            if key == "enum" and ours and theirs:
                ours, theirs = sorted(ours), sorted(theirs)
            # A length of 0 requires nothing of a text.
            if ours != theirs and not (key == "min" and ours is None and theirs == 0):
                self.add(f"{shape.name}: {key} {ours} instead of {theirs}")
        for flag in sorted(shape.flags):
            self.add(f"{shape.name}: {flag}")

    def members(self, shape, other, model):
        for name, (member, requirement) in shape.members.items():
            if name not in other["members"]:
                self.add(f"{shape.name}.{name}: not in the model")
                continue
            theirs = "required" if name in other.get("required", []) else "optional"
            if (requirement or "optional") != theirs:
                self.add(f"{shape.name}.{name}: {requirement or 'optional'} instead of {theirs}")
            self.compare(self.shapes[member], other["members"][name]["shape"], model)
        for name in other["members"]:
            if name not in shape.members:
                self.add(f"{shape.name}.{name}: not in the table")
        self.order(shape, other)

    def order(self, shape, other):
        expected = [name for name in message_order(list(other["members"])) if name in shape.members]
        found = [name for name in shape.members if name in other["members"]]
        if found != expected:
            self.add(f"{shape.name}: the order is {found} instead of {expected}")


def message_order(names):
    """The order of a structure's members in AWS's messages: that of a Java HashMap of their names.

    Names in one bucket are in the reverse order of the model.
    """
    size = 16
    while len(names) > size * 3 // 4:
        size *= 2
    buckets = [[] for _ in range(size)]
    for name in names:
        code = 0
        for letter in name[:1].lower() + name[1:]:
            code = (31 * code + ord(letter)) & 0xFFFFFFFF
        buckets[(code ^ code >> 16) % size].insert(0, name)
    return [name for bucket in buckets for name in bucket]


def problems(differences, explained):
    """The differences without a reason, and the reasons without a difference."""
    return [f"{difference}: no reason is given" for difference in differences if difference not in explained] + [
        f"{difference}: the reason explains nothing" for difference in explained if difference not in differences]


def models():
    """The models of botocore, by the service."""
    import botocore.loaders
    loader = botocore.loaders.Loader()
    return {
        "dynamodb": loader.load_service_model("dynamodb", "service-2"),
        "streams": loader.load_service_model("dynamodbstreams", "service-2")}


def main():
    found = problems(Comparison(table_text(TABLE.read_text()), models()).run(), EXPLAINED)
    for problem in found:
        print(problem)
    if not found:
        print(f"The table of requests is that of AWS's model, with {len(EXPLAINED)} explained differences.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
