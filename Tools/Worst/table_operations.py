"""Tables, their tags, and streams."""

import stored
import values
from shapes import Operation, filling, junk, shape
from values import members, text

MADE = [("DeleteTable", members(TableName=text("made")))]
TABLE_PARAMETERS = {"length": [3, 30, 200, 255], "count": [20, 21, 300, 9_000]}
TABLE_START = {"length": 200, "count": 9_000}


def objects(room, parameters, make):
    """A list of objects with long names, as many as there is room for."""
    prefix = b"n" * max(1, parameters["length"] - 7)
    return values.numbered(
        room, b"[", lambda place: make(b"%s%07d" % (prefix, place)), b"]", "ascending",
        parameters["count"])


def definition(name):
    return members(AttributeName=text(name), AttributeType=text("S"))


def world_index(name):
    return stored.index(name, "p", "s")


def create_tables():
    base = dict(TableName=text("made"), BillingMode=text("PAY_PER_REQUEST"),
                KeySchema=stored.schema("p", "s"))
    attributes = stored.definitions(("p", "S"), ("s", "N"))

    def definitions(room, parameters, facts):
        return {"AttributeDefinitions": objects(room, parameters, definition)}

    def indexes(room, parameters, facts):
        return {"AttributeDefinitions": attributes, "GlobalSecondaryIndexes": objects(
            room - 128, parameters, world_index)}

    def projections(room, parameters, facts):
        names = objects((room - 4096) // 20 - 200, parameters, text)
        projection = members(ProjectionType=text("INCLUDE"), NonKeyAttributes=names)
        made = [
            members(IndexName=text(f"by-{place}"), KeySchema=stored.schema("p", "s"),
                    Projection=projection) for place in range(20)]
        return {"AttributeDefinitions": attributes,
                "GlobalSecondaryIndexes": b"[" + b",".join(made) + b"]"}

    def tags(room, parameters, facts):
        return {"AttributeDefinitions": attributes, "Tags": objects(
            room - 128, parameters, lambda name: members(Key=text(name), Value=text(name)))}

    def key_schema(room, parameters, facts):
        return {"AttributeDefinitions": attributes, "KeySchema": objects(
            room - 128, parameters,
            lambda name: members(AttributeName=text(name), KeyType=text("HASH")))}

    base_without = {name: part for name, part in base.items() if name != "KeySchema"}
    made = [
        filling(name, start, TABLE_PARAMETERS, make, after=MADE, **known)
        for name, make, start, known in [
            ("definitions", definitions, TABLE_START, base),
            ("indexes", indexes, dict(TABLE_START, count=20), base),
            ("projections", projections, dict(TABLE_START, count=20), base),
            ("tags", tags, TABLE_START, base),
            ("keySchema", key_schema, TABLE_START, base_without)]]
    return Operation(
        "CreateTable", *made,
        junk("TableName", "KeySchema", "AttributeDefinitions", "Tags", "LocalSecondaryIndexes",
             "GlobalSecondaryIndexes", "StreamSpecification", **base), weight=0.5)


def making_table(body=None):
    body = body or stored.table("made")
    return lambda parameters: [("CreateTable", body)]


def update_tables():
    def updates(room, parameters, facts):
        return {"GlobalSecondaryIndexUpdates": objects(
            room - 64, parameters, lambda name: members(Create=world_index(name))),
            "AttributeDefinitions": stored.definitions(("p", "S"), ("s", "N"))}

    def definitions(room, parameters, facts):
        return {"GlobalSecondaryIndexUpdates":
                b"[" + members(Create=world_index("by-p")) + b"]",
                "AttributeDefinitions": objects(room - 256, parameters, definition)}

    made = [
        filling(name, start, {**TABLE_PARAMETERS, "count": [1, *TABLE_PARAMETERS["count"]]},
                make, before=making_table(), after=MADE, TableName=text("made"))
        for name, make, start in [
            ("updates", updates, dict(TABLE_START, count=1)),
            ("definitions", definitions, TABLE_START)]]
    return Operation(
        "UpdateTable", *made,
        junk("TableName", "AttributeDefinitions", "GlobalSecondaryIndexUpdates",
             "StreamSpecification", TableName=text("extra-000")), weight=0.5)


def simple(name, *shapes, weight=0.3, **known):
    """An operation with few parameters: sent as it is, and with junk in their place."""
    plain = shape("plain", lambda size, parameters, facts: members(**known), {})
    return Operation(name, *shapes, plain, junk(*known, **known), weight=weight)


def delete_tables():
    body = members(TableName=text("made"))
    wide = stored.wide("made", "KEYS_ONLY")
    return Operation(
        "DeleteTable",
        shape("wide", lambda size, parameters, facts: body, {}, before=making_table(wide)),
        junk("TableName"), weight=0.3)


def time_to_live():
    body = members(
        TableName=text("made"),
        TimeToLiveSpecification=members(Enabled=b"true", AttributeName=text("t")))
    return Operation(
        "UpdateTimeToLive",
        shape("first", lambda size, parameters, facts: body, {}, before=making_table(),
              after=MADE),
        junk("TableName", "TimeToLiveSpecification", TableName=text("extra-000")), weight=0.3)


ARN = text("arn:aws:dynamodb:us-east-1:000000000000:table/extra-000")


def tags():
    def make(room, parameters, facts):
        return {"Tags": objects(
            room - 64, parameters, lambda name: members(Key=text(name), Value=text(name)))}

    def untag(room, parameters, facts):
        return {"TagKeys": objects(room - 64, parameters, text)}

    choices = {"length": [10, 128, 129, 250], "count": [50, 51, 300, 9_000]}
    start = {"length": 128, "count": 50}
    known = dict(ResourceArn=ARN)
    tagged = filling("tags", start, choices, make, **known)
    untagged = filling(
        "keys", dict(start, count=9_000), choices, untag,
        before=lambda parameters: [
            ("TagResource", members(**known, **make(1 << 20, start, None)))], **known)
    return [
        Operation("TagResource", tagged, junk("ResourceArn", "Tags", **known), weight=0.3),
        Operation("UntagResource", untagged, junk("ResourceArn", "TagKeys", **known), weight=0.3),
        simple("ListTagsOfResource", **known)]


# MARK: Streams

def streams():
    names = {"stream": ["changes", "quiet"]}

    def described(size, parameters, facts):
        return members(StreamArn=text(facts.streams[parameters["stream"]][0]))

    def iterator(size, parameters, facts):
        arn, shard, _ = facts.streams[parameters["stream"]]
        return members(
            StreamArn=text(arn), ShardId=text(shard), ShardIteratorType=text(parameters["type"]),
            SequenceNumber=text(parameters["number"]))

    def records(size, parameters, facts):
        limit = b"%d" % parameters["limit"]
        return members(
            ShardIterator=text(facts.streams[parameters["stream"]][2]), Limit=limit)

    types = ["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]
    return [
        simple("ListStreams"),
        Operation("DescribeStream", shape("stream", described, {"stream": "quiet"}, names),
                  junk("StreamArn"), weight=0.3),
        Operation(
            "GetShardIterator",
            shape("iterator", iterator,
                  {"stream": "quiet", "type": "TRIM_HORIZON", "number": "0" * 30},
                  {**names, "type": types, "number": ["0" * 30, "9" * 30, "1" * 30]}),
            junk("StreamArn", "ShardId", "SequenceNumber"), weight=0.3),
        Operation(
            "GetRecords",
            shape("records", records, {"stream": "changes", "limit": 1000},
                  {**names, "limit": [1, 2, 1000]}),
            junk("ShardIterator", "Limit"), weight=0.5)]
