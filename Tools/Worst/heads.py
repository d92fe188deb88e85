"""Requests that are wrong before their bodies are read."""

import values
import wire
from shapes import Operation, Shape, shape
from values import members


def heads():
    """Heads of requests that are long, or wrong."""
    first = "POST / HTTP/1.1\r\n"
    known = ("host: 127.0.0.1\r\ncontent-type: application/x-amz-json-1.0\r\n"
             "x-amz-target: DynamoDB_20120810.ListTables\r\n")

    def raw(head, body=b"{}"):
        return wire.Request("ListTables", body, head=head.encode("latin-1"))

    def with_length(lines):
        return raw(f"{first}{known}content-length: 2\r\n{lines}\r\n")

    def many(size, parameters, facts):
        count = min(parameters["headers"], max(1, (size - 256) // 16))
        length = max(1, min((size - 256) // count - 16, parameters["length"]))
        name = parameters["name"]
        return with_length("".join(
            f"{name or 'x%d' % place}: {'v' * length}\r\n" for place in range(count)))

    def line(size, parameters, facts):
        length = min(size - 64, parameters["length"])
        parts = {
            "path": f"POST /{'a' * length} HTTP/1.1\r\n{known}\r\n",
            "method": f"{'A' * length} / HTTP/1.1\r\n{known}\r\n",
            "version": f"POST / HTTP/1.{'1' * length}\r\n{known}\r\n",
            "noise": "\x01" * length + "\r\n\r\n",
            "breaks": "\r\n" * (length // 2) + first + known + "content-length: 2\r\n\r\n",
            "spaces": f"{first}{known}x: {' ' * (length - 256)}\r\ncontent-length: 2\r\n\r\n",
            "length": f"{first}{known}content-length: {'0' * (length - 256)}2\r\n\r\n"}
        return raw(parts[parameters["part"]])

    def chunks(size, parameters, facts):
        head = f"{first}{known}transfer-encoding: chunked\r\n\r\n"
        room = size - len(head) - 64
        body = {
            "extension": b"2;" + b"a" * room + b"\r\n{}\r\n0\r\n\r\n",
            "zeros": b"0" * room + b"2\r\n{}\r\n0\r\n\r\n",
            "trailers": b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * (room // 6) + b"\r\n",
            "trailer": b"2\r\n{}\r\n0\r\na: " + b"b" * room + b"\r\n\r\n",
        }[parameters["part"]]
        return raw(head, body)

    lengths = {"length": [16, 300, 4096, 16_000, 17_000, 65_000, 1 << 24]}
    return Operation(
        "heads of requests",
        Shape("headers", many,
              {**lengths, "headers": [1, 10, 90, 101, 1000, 100_000],
               "name": [None, "cookie", "host", "x-amz-target", "content-length", "connection"]},
              {"length": 300, "headers": 90, "name": None}),
        Shape("line", line,
              {**lengths, "part": ["path", "method", "version", "noise", "breaks", "spaces",
                                   "length"]},
              {"length": 16_000, "part": "path"}),
        Shape("chunks", chunks, {"part": ["extension", "zeros", "trailers", "trailer"]},
              {"part": "extension"}), weight=0.5)


def signatures():
    """Signatures that are wrong, or sign much; to a server with credentials."""
    def signed(size, parameters, facts):
        count = parameters["names"]
        names = [f"x-{place:05}" for place in range(count)]
        if not parameters["isSorted"]:
            names = ["x-00000"] * count
        # What is signed is there, as long as all of it fits into a head.
        each = max(1, min(parameters["length"], 24_000 // max(1, count)))
        headers = [(name, parameters["letter"] * each) for name in dict.fromkeys(names)][:80]
        body = values.junk(size - 26_000 - 8 * count, parameters)
        return wire.Request(
            "ListTables", members(Unknown=body), headers,
            signature=wire.signature_headers(
                names, parameters["isValid"], parameters["isSorted"]))

    def text_only(size, parameters, facts):
        value = {
            "names": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders="
                     + ";".join(["host"] * (parameters["length"] // 5)) + ", Signature=0",
            "commas": "AWS4-HMAC-SHA256 " + "," * parameters["length"],
            "slashes": "AWS4-HMAC-SHA256 Credential=" + "/" * parameters["length"]
                       + ", SignedHeaders=host, Signature=0",
            "signature": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature="
                         + "a" * parameters["length"],
        }[parameters["part"]]
        return wire.Request("ListTables", b"{}", [("authorization", value)])

    return Operation(
        "signatures",
        shape("signed",
              signed,
              {**values.JUNK_START, "names": 61, "length": 240, "letter": "v", "isSorted": True,
               "isValid": True},
              {**values.JUNK_PARAMETERS, "names": [0, 10, 61, 62, 500], "letter": ["v", " v"],
               "isSorted": [True, False], "isValid": [True, False]}),
        Shape("text", text_only,
              {"part": ["names", "commas", "slashes", "signature"],
               "length": [64, 4000, 15_000, 60_000]},
              {"part": "names", "length": 4000}), is_signed=True)
