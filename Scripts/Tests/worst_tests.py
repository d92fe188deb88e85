"""Tools/Worst: the requests that it makes, its search, what it measures, its tables."""

import gzip
import json
import pathlib
import random
import subprocess
import sys
import unittest

from support import ROOT, FolderTest

WORST = ROOT / "Tools" / "Worst"
sys.path.insert(0, str(WORST))

import expressions
import fairness
import report
import search
import served
import shapes
import stored
import values
import wire
from operations import everything

IS_LINUX = sys.platform.startswith("linux")


def made_up_facts():
    return stored.Facts(stored.FULL, {
        name: ("arn:" + name, "shard", "iterator") for name in ("quiet", "changes")})


def item_size(value):
    """The bytes of an attribute value as DynamoDB counts them."""
    (kind, content), = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return number_size(content)
    if kind == "B":
        return binary_size(content)
    if kind == "L":
        return 3 + sum(1 + item_size(element) for element in content)
    if kind == "M":
        return 3 + sum(1 + len(name) + item_size(element) for name, element in content.items())
    if kind == "NS":
        return sum(map(number_size, content))
    if kind in ("SS", "BS"):
        return sum(len(one) if kind == "SS" else binary_size(one) for one in content)
    return 1


def binary_size(text):
    return len(text) // 4 * 3 - text.count("=")


def number_size(text):
    digits = text.split("E")[0].strip("0")
    return (len(digits) + 1) // 2 + 1


class ValueTests(unittest.TestCase):
    kinds = [kind for kind in values.KINDS if kind not in ("nullTypes", "unknownType", "spaces")]

    def test_each_kind_is_JSON_of_the_asked_size(self):
        for kind in values.KINDS:
            for size in (1000, 65_536):
                made = values.value(size, dict(values.START, kind=kind, fits=False))
                with self.subTest(kind=kind, size=size):
                    json.loads(made)
                    self.assertLessEqual(len(made), size)
                    self.assertGreater(len(made), size * 0.6)

    def test_what_fits_is_an_item_that_is_nearly_as_large_as_it_may_be(self):
        for kind in self.kinds:
            value = json.loads(values.value(1 << 25, dict(values.START, kind=kind, length=4)))
            with self.subTest(kind=kind):
                self.assertLessEqual(item_size(value), 409_600 - 100)
                self.assertGreater(item_size(value), 200_000)

    def test_large_items_that_are_stored_may_be_stored(self):
        for kind in stored.KINDS:
            item = json.loads(stored.large_item(kind, 0))
            size = sum(len(name) + item_size(value) for name, value in item.items())
            with self.subTest(kind=kind):
                self.assertLessEqual(size, 409_600)
                self.assertGreater(size, 200_000)

    def test_orders_reach_each_place_once(self):
        for order in values.ORDERS:
            for count in (1, 2, 7919, 10_000):
                self.assertEqual(sorted(values.places(count, order)), list(range(count)))
        self.assertEqual(list(values.places(3, "descending")), [2, 1, 0])

    def test_junk_is_JSON_of_the_asked_size(self):
        for junk in values.JUNK:
            made = values.junk(60_000, dict(values.JUNK_START, junk=junk, depth=60))
            with self.subTest(junk=junk):
                self.assertLessEqual(len(made), 60_000)
                if junk in values.NO_JSON:
                    self.assertRaises(ValueError, json.loads, made)
                elif junk not in ("tooDeep", "longNumber", "fraction"):
                    json.loads(made)


class ExpressionTests(unittest.TestCase):
    def test_expressions_are_no_longer_than_they_may_be(self):
        for term in expressions.TERMS:
            for nested in (True, False):
                parameters = dict(
                    expressions.CONDITION_START, term=term, terms=300, isNested=nested)
                made = expressions.never(expressions.condition(parameters))
                self.assertLessEqual(len(made), expressions.BYTES_MAX)
                self.assertEqual(made.count(b"("), made.count(b")"))
        for update in expressions.UPDATES:
            made = expressions.update({"update": update, "clauses": 300})
            self.assertLessEqual(len(made), expressions.BYTES_MAX)
        for paths in expressions.PATHS:
            made = expressions.joined_paths({"paths": paths, "pathCount": 800})
            self.assertLessEqual(len(made), expressions.BYTES_MAX)

    def test_only_values_that_are_named_are_sent(self):
        for term, text in expressions.TERMS.items():
            parts = expressions.condition_values(
                1000, dict(expressions.CONDITION_START, term=term))
            self.assertEqual(bool(parts), b":v" in text)

    def test_needles_are_JSON_of_the_asked_length(self):
        for kind in expressions.CONDITION_PARAMETERS["needle"]:
            made = expressions.needle(5000, {"needle": kind, "needleLength": 1000})
            json.loads(made)
            self.assertLessEqual(len(made), 1000)


class RequestTests(unittest.TestCase):
    """What each shape of each operation makes."""

    def shapes(self):
        for operation in everything():
            for shape in operation.shapes:
                yield operation, shape

    def body(self, request):
        """The document that the server is to read."""
        body = request.sent_body
        return gzip.decompress(body) if request.gzip_body is not None else body

    def test_each_begins_with_a_request_of_both_sizes(self):
        for operation, shape in self.shapes():
            for size in report.SIZES:
                request = shapes.request(operation, shape, shape.start, size, made_up_facts())
                with self.subTest(operation=operation.name, shape=shape.name, size=size):
                    self.assertIsNotNone(request)
                    self.assertLessEqual(request.byte_count, size)

    def test_what_it_begins_with_is_JSON(self):
        for operation, shape in self.shapes():
            request = shapes.request(
                operation, shape, shape.start, report.SMALL, made_up_facts())
            if request.head is None:
                with self.subTest(operation=operation.name, shape=shape.name):
                    self.assertIsInstance(json.loads(self.body(request)), dict)

    def test_any_parameters_make_a_request_or_none(self):
        generator = random.Random(1)
        for operation, shape in self.shapes():
            for _ in range(12):
                parameters = {
                    name: generator.choice(choices) for name, choices in shape.choices.items()}
                with self.subTest(operation=operation.name, shape=shape.name, by=parameters):
                    request = shapes.request(
                        operation, shape, parameters, report.SMALL, made_up_facts())
                    if request is not None:
                        self.assertLessEqual(request.byte_count, report.SMALL)

    def test_what_goes_before_is_JSON(self):
        for operation, shape in self.shapes():
            for name, body in shape.before(shape.start):
                self.assertIsInstance(json.loads(body), dict)

    def test_names_are_those_of_the_choices(self):
        for operation, shape in self.shapes():
            with self.subTest(operation=operation.name, shape=shape.name):
                self.assertEqual(set(shape.start), set(shape.choices))


class WireTests(unittest.TestCase):
    def test_chunks_are_the_body(self):
        body = bytes(range(256)) * 3
        for size in (1, 100, 256, 4096):
            rest, found = wire.chunked(body, size), b""
            while rest:
                length, _, rest = rest.partition(b"\r\n")
                found += rest[:int(length, 16)]
                rest = rest[int(length, 16) + 2:]
            self.assertEqual(found, body)

    def test_chunks_take_the_room_that_they_were_promised(self):
        for size in (1, 64, 1024):
            made = wire.chunked(b"a" * wire.chunked_room(60_000, size), size)
            self.assertLessEqual(len(made), 60_000)
            self.assertGreater(len(made), 58_000)

    def test_gzip_unpacks_to_the_body_and_has_the_length(self):
        body = b'{"":0},' * 10_000
        for level, length in ((9, 0), (9, 24_000), (0, 0)):
            made = wire.packed(body, level, length)
            self.assertEqual(gzip.decompress(made), body)
            if length:
                self.assertEqual(len(made), length)

    def test_packed_bodies_unpack_to_what_they_may(self):
        operation = everything()[0]
        shape = operation.shape("junk")
        request = shapes.request(
            operation, shape, {**shape.start, "packing": "gzip"}, report.SMALL, made_up_facts())
        unpacked = len(gzip.decompress(request.gzip_body))
        most = wire.unpacked_max(len(request.gzip_body))
        self.assertLessEqual(unpacked, most)
        self.assertGreater(unpacked, most * 0.99)

    def test_a_signature_signs_what_it_names(self):
        sign = wire.signature_headers(["x-more"])
        request = wire.Request("ListTables", b"{}", [("x-more", "1")], signature=sign)
        head = request.parts()[0].decode()
        self.assertIn("SignedHeaders=host;x-amz-date;x-amz-target;x-more, Signature=", head)
        self.assertRegex(head, r"Signature=[0-9a-f]{64}\r\n")

    def test_a_key_is_derived_as_in_the_reference(self):
        # "Deriving the signing key" in AWS's general reference has this key's digits.
        key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        self.assertEqual(
            wire.signing_key(key, "20150830/us-east-1/iam/aws4_request").hex(),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")


class SearchTests(unittest.TestCase):
    """Over a made-up operation: the costs are known."""

    def operation(self):
        def shape(name):
            choices = {"length": list(range(20)), "order": ["up", "down"]}
            return shapes.Shape(name, None, choices, {"length": 0, "order": "up"})
        return shapes.Operation("made up", shape("cheap"), shape("dear"))

    def usage(self, parameters):
        if parameters["length"] == 13:
            return None
        amount = parameters["length"] * (3 if parameters[search.SHAPE] == "dear" else 1)
        return served.Usage(amount, 100 - amount, 10, "200")

    def run_search(self, count, **more):
        left = iter(range(count))
        return search.Search(self.operation(), self.usage, random.Random(7), **more).run(
            lambda: next(left, None) is None)

    def test_each_shape_is_tried_without_any_time(self):
        run = self.run_search(0)
        self.assertEqual(run.count, 2)
        self.assertEqual(
            {found.parameters[search.SHAPE] for found in run.worst["memory"]}, {"cheap", "dear"})

    def test_it_finds_the_worst_for_each_goal(self):
        run = self.run_search(300)
        self.assertEqual(run.worst["processor"][0].usage.milliseconds, 19 * 3)
        self.assertEqual(run.worst["memory"][0].usage.memory, 100)

    def test_nothing_is_measured_twice_and_it_ends_when_all_was(self):
        run = search.Search(self.operation(), self.usage, random.Random(7)).run(lambda: False)
        self.assertLessEqual(run.count, 2 * 19 * 2)

    def test_seeds_are_tried_first(self):
        seed = {search.SHAPE: "dear", "length": 19, "order": "down"}
        self.assertEqual(self.run_search(0, seeds=[seed]).worst["processor"][0].parameters, seed)


class ReportTests(unittest.TestCase):
    def found(self, milliseconds, memory):
        return search.Found(
            {"shape": "item", "kind": "map", "packing": "plain", "chunk": 64},
            served.Usage(milliseconds, memory, 1000, "200"))

    def row(self, size, milliseconds, memory):
        found = self.found(milliseconds, memory)
        return report.Row("GetItem", size, found, found, 5)

    def test_the_bounds(self):
        for size, (milliseconds, memory) in report.BOUNDS.items():
            self.assertTrue(self.row(size, milliseconds, memory).is_within)
            self.assertFalse(self.row(size, milliseconds + 0.01, memory).is_within)
            self.assertFalse(self.row(size, milliseconds, memory + 1).is_within)

    def test_a_row_says_what_takes_it(self):
        cells = self.row(report.SMALL, 12.34, 5_600_000).cells
        self.assertEqual(cells[:4], ["GetItem", "64 KB", "12.3 ms", "12340 ns"])
        self.assertEqual(cells[4], "`item kind=map chunk=64`: 1,000 bytes, 200")
        self.assertEqual(cells[5:7], ["5.6 MB", "5600 B"])

    def test_a_server_that_died_is_past_all_bounds(self):
        self.assertFalse(self.row(report.LARGE, float("inf"), float("inf")).is_within)

    def test_ratios_of_latencies(self):
        def row(p99):
            return report.FairnessRow("scans", 64, (0.1, 1.0), (0.2, p99), "5 x 200")
        self.assertTrue(row(10.0).is_within)
        self.assertFalse(row(10.1).is_within)

    def test_percentiles(self):
        values = list(range(1, 101))
        self.assertEqual(fairness.percentiles(values), (50, 99))
        self.assertEqual(fairness.percentiles([3]), (3, 3))

    def test_errors_are_told_by_their_types(self):
        body = b'{"__type":"com.amazon.coral.service#SerializationException","message":""}'
        self.assertEqual(served.describe(400, body), "400 SerializationException")
        self.assertEqual(served.describe(200, b"{}"), "200")


@unittest.skipUnless(IS_LINUX, "Linux says what a process used")
class ProcessTests(unittest.TestCase):
    """A process that uses some time and memory, and says when it is done."""

    script = """
import sys, time
input()
while time.process_time() < 0.2: pass
bytearray(96 << 20)
print(time.process_time(), flush=True)
sys.stdin.read()
"""

    def test_time_and_peak(self):
        with subprocess.Popen(
                [sys.executable, "-c", self.script], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True) as child:
            process = served.Process(child.pid)
            process.forget_peak()
            child.stdin.write("\n")
            child.stdin.flush()
            used = float(child.stdout.readline()) * 1000
            self.assertGreaterEqual(process.milliseconds(), used)
            # It was given back: only the peak has it.
            self.assertGreater(process.memory()["VmHWM"], 96 << 20)
            self.assertLess(process.memory()["RssAnon"], 96 << 20)
            process.forget_peak()
            self.assertLess(process.memory()["VmHWM"], 96 << 20)
            child.stdin.close()


# Answers as a server does, to what the preparation asks; DescribeEndpoints takes long.
FAKE = '''#!/usr/bin/env python3
import http.server, json, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        operation = self.headers["x-amz-target"].split(".")[1]
        if operation == "DescribeEndpoints":
            end = time.process_time() + 0.08
            while time.process_time() < end: pass
        answer = json.dumps({
            "ListStreams": {"Streams": [{"StreamArn": "a", "TableName": "quiet"}]},
            "DescribeStream": {"StreamDescription": {"Shards": [{"ShardId": "s"}]}},
            "GetShardIterator": {"ShardIterator": "i"}}.get(operation, {})).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *arguments): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"serving DynamoDB on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
'''


@unittest.skipUnless(IS_LINUX, "Linux says what a process used")
class ProgramTests(FolderTest):
    def run_worst(self, *arguments):
        program = self.folder / "codexflow"
        program.write_text(FAKE)
        program.chmod(0o755)
        return subprocess.run(
            [sys.executable, str(WORST / "worst.py"), "--codexflow", str(program), *arguments],
            capture_output=True, text=True)

    def test_it_prints_a_table_and_ends_with_1_past_a_bound(self):
        output = self.folder / "table.md"
        run = self.run_worst(
            "--quick", "--seed", "5", "--only", "DescribeLimits", "--only", "DescribeEndpoints",
            "--output", str(output), "--keep", str(self.folder / "kept"))
        self.assertEqual((run.returncode, run.stderr), (1, ""))
        self.assertIn("Worst requests, seed 5", run.stdout)
        self.assertIn("| DescribeLimits | 16 MiB |", run.stdout)
        self.assertIn("DescribeEndpoints (64 KB)", run.stdout)
        self.assertNotIn("DescribeLimits (64 KB)", run.stdout)
        self.assertIn("| DescribeEndpoints | 64 KB |", output.read_text())
        kept = pathlib.Path(self.folder / "kept").glob("DescribeEndpoints-65536-processor.http")
        self.assertTrue(next(kept).read_bytes().startswith(b"POST / HTTP/1.1\r\n"))

    def test_names_that_are_none_are_refused(self):
        run = self.run_worst("--only", "Nothing")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("--only Nothing", run.stderr)


if __name__ == "__main__":
    unittest.main()
