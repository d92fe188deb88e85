"""The tables and items that requests are about, made once for each store."""

import values
from values import members, text

# 16 MiB: BatchGetItem answers with no more. So many copies of an item are enough of each kind.
ANSWER_BYTES = 16 << 20
COPIES_MAX = 42
# A transaction takes ten of the largest items.
COPIES_MIN = 10

# The kinds of large items: partition keys of the table `large`.
KINDS = [
    "text", "random", "escapes", "numbers", "nulls", *values.SWELLING, "emptyMaps", "lists", "map",
    "attributes", "numberSet", "stringSet", "sets", "binary", "twins"]


class Sizes:
    """How much is stored."""

    def __init__(self, small, copies, extras):
        self.small, self.copies, self.extras = small, copies, extras


FULL = Sizes(small=30_000, copies=COPIES_MAX, extras=100)
QUICK = Sizes(small=2_000, copies=4, extras=10)


def attribute_names(number):
    return f"i{number:02}"


# MARK: Definitions of tables

def schema(*names):
    return b"[" + b",".join(
        members(AttributeName=text(name), KeyType=text(kind))
        for name, kind in zip(names, ("HASH", "RANGE"))) + b"]"


def definitions(*attributes):
    return b"[" + b",".join(
        members(AttributeName=text(name), AttributeType=text(kind))
        for name, kind in attributes) + b"]"


def index(name, *keys, projection="ALL"):
    return members(
        IndexName=text(name), KeySchema=schema(*keys),
        Projection=members(ProjectionType=text(projection)))


def table(name, attributes=(), local=(), world=(), stream=None):
    """CreateTable of a table with the keys `p` and `s`."""
    return members(
        TableName=text(name), BillingMode=text("PAY_PER_REQUEST"), KeySchema=schema("p", "s"),
        AttributeDefinitions=definitions(("p", "S"), ("s", "N"), *attributes),
        LocalSecondaryIndexes=b"[" + b",".join(local) + b"]" if local else None,
        GlobalSecondaryIndexes=b"[" + b",".join(world) + b"]" if world else None,
        StreamSpecification=stream and members(StreamEnabled=b"true", StreamViewType=text(stream)))


def wide(name, projection="ALL"):
    """A table with as many indexes as there may be."""
    names = [attribute_names(number) for number in range(25)]
    return table(
        name, [(name, "S") for name in names],
        [index("local-" + name, "p", name, projection=projection) for name in names[:5]],
        [index("world-" + name, name, projection=projection) for name in names[5:]])


def index_keys():
    """The attributes that bring an item into all indexes of a wide table."""
    return b",".join(
        b'"%s":{"S":"k"}' % attribute_names(number).encode() for number in range(25))


# MARK: Items

def key(partition, sort=0):
    return b'{"p":{"S":"%s"},"s":{"N":"%d"}}' % (partition.encode(), sort)


def large_item(kind, place):
    """An item of nearly 400 KiB."""
    parameters = dict(values.START, digits=7, depth=30, kind=kind)
    if kind == "random":
        return members(p=b'{"S":"random"}', s=b'{"N":"%d"}' % place,
                       d=b'{"S":"%s"}' % noise(values.ITEM_BYTES, place))
    if kind == "twins":
        # Two equal texts.
        twin = b'{"S":"%s"}' % (b"a" * (values.ITEM_BYTES // 2))
        return members(p=b'{"S":"twins"}', s=b'{"N":"%d"}' % place, d=twin, e=twin)
    return values.item(1 << 30, parameters, kind, place)


def noise(count, seed):
    """Letters that do not pack well, the same for a seed."""
    state, parts = seed * 2 + 1, []
    for _ in range(count // 12 + 1):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        parts.append(b"%012x" % (state >> 16))
    return b"".join(parts)[:count]


def small_item(place):
    return (
        b'{"p":{"S":"k%06d"},"s":{"N":"0"},"g":{"S":"all"},"n":{"N":"%d"},'
        b'"d":{"S":"some words of a small item, number %d"}}' % (place, place % 97, place))


def copies(kind, sizes):
    length = len(large_item(kind, 0))
    return min(sizes.copies, COPIES_MAX, max(COPIES_MIN, ANSWER_BYTES // length + 2))


def put(name, item):
    return members(TableName=text(name), Item=item)


def put_many(name, items):
    requests = b",".join(b'{"PutRequest":{"Item":%s}}' % item for item in items)
    return members(RequestItems=b'{"%s":[%s]}' % (name.encode(), requests))


# MARK: Making it

def prepare(ask, sizes):
    """Makes tables and items; `ask(operation, body)` must succeed."""
    images = "NEW_AND_OLD_IMAGES"
    for body in [
        # Its changes are the oldest of the log, before those of the others.
        table("quiet", stream=images), table("changes", stream=images), table("large"),
        table("scratch"), wide("wide"),
        table("small", [("g", "S"), ("n", "N")], [index("by-n", "p", "n", projection="KEYS_ONLY")],
              [index("by-g", "g", "n")]),
    ]:
        ask("CreateTable", body)
    ask("PutItem", put("quiet", key("x")))
    for number in range(sizes.extras):
        ask("CreateTable", table(
            f"extra-{number:03}", [("g", "S")], world=[index("by-g", "g", projection="KEYS_ONLY")]))
    for start in range(0, sizes.small, 25):
        items = map(small_item, range(start, min(start + 25, sizes.small)))
        ask("BatchWriteItem", put_many("small", items))
    for kind in KINDS:
        for place in range(copies(kind, sizes)):
            ask("PutItem", put("large", large_item(kind, place)))
    for kind in ("nulls", "escapes", "text", "nulls"):
        item = values.item(1 << 30, dict(values.START, kind=kind), "x", 0)
        ask("PutItem", put("changes", item))


class Facts:
    """What requests need to know of a store that is served."""

    def __init__(self, sizes, streams):
        self.sizes = sizes
        # The streams' ARN, shard and iterator, by their tables.
        self.streams = streams

    def copies(self, kind):
        return copies(kind, self.sizes)


def facts(ask, sizes):
    """Looks at a store; `ask(operation, body)` gives the decoded answer."""
    streams = {}
    for stream in ask("ListStreams", b"{}")["Streams"]:
        arn = text(stream["StreamArn"])
        shard = ask("DescribeStream", members(StreamArn=arn))["StreamDescription"]["Shards"][0]
        iterator = ask("GetShardIterator", members(
            StreamArn=arn, ShardId=text(shard["ShardId"]),
            ShardIteratorType=text("TRIM_HORIZON")))
        streams[stream["TableName"]] = (
            stream["StreamArn"], shard["ShardId"], iterator["ShardIterator"])
    return Facts(sizes, streams)
