"""GetItem's latency without a load and beside each of some hostile ones.

Each load is made by one process, which has its connections ask again and again. Rounds with and
without loads alternate; the medians of the rounds are compared.
"""

import multiprocessing
import os
import selectors
import socket
import statistics
import sys
import time

import report
import stored
import values
import wire
from values import members, text

ROUNDS = 5
# Requests a second of the client that is measured.
RATE = 200
# How long a load runs before something is measured.
LEAD_SECONDS = 0.5


class Load:
    """Clients that ask for one thing again and again."""

    def __init__(self, name, clients, request):
        self.name, self.clients, self.request = name, clients, request


# MARK: Loads

def filtered_scans():
    return wire.Request("Scan", members(
        TableName=text("small"), FilterExpression=text("contains(d,:v) OR n<:n"),
        ExpressionAttributeValues=b'{":v":{"S":"nowhere"},":n":{"N":"-1"}}'))


def last_segment():
    return wire.Request("Scan", members(
        TableName=text("small"), Segment=b"999999", TotalSegments=b"1000000"))


def large_batch():
    """A hundred items of 400 KB, as far as there are so many."""
    kinds = [kind for kind in stored.KINDS if kind not in ("nulls", "escapes")]
    keys = [stored.key(kind, place) for place in range(42) for kind in kinds][:100]
    return wire.Request("BatchGetItem", members(
        RequestItems=b'{"large":{"Keys":[%s]}}' % b",".join(keys)))


def swollen_item():
    """An item whose 400 KB take 9.8 MB in memory, and 3.7 MB in an answer."""
    return wire.Request("GetItem", members(
        TableName=text("large"), Key=stored.key("emptyTexts")))


def gzip_body(unpacked, padded_to):
    body = members(Unknown=values.JUNK["emptyNames"](unpacked - 16, None))
    return wire.Request("ListTables", body, gzip_body=wire.packed(body, 9, padded_to))


LOADS = [
    Load("scans with a filter", 64, filtered_scans),
    Load("segment 999,999 of 1,000,000", 16, last_segment),
    Load("BatchGetItem of 100 x 400 KB", 8, large_batch),
    Load("GetItem of 400 KB of empty texts", 64, swollen_item),
    Load('24 KB of gzip with 16 MiB of {"":0}', 16, lambda: gzip_body(16 << 20, 24_000)),
    # What a body of that size may unpack to.
    Load('24 KB of gzip with 0.45 MB of {"":0}', 16,
         lambda: gzip_body(wire.unpacked_max(24_000), 24_000)),
]


def content_length(head):
    """What a head says of the body's length."""
    for header in head.split(b"\r\n"):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Client:
    """A connection that is told apart by what it has still to send and to receive."""

    def __init__(self, port, data):
        self.port, self.data = port, data
        self.socket = None

    def open(self, selector):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.socket.setblocking(False)
        selector.register(self.socket, selectors.EVENT_WRITE, self)
        self.begin()

    def begin(self):
        self.left, self.head, self.expected = memoryview(self.data), b"", None

    def reopen(self, selector):
        selector.unregister(self.socket)
        self.socket.close()
        self.open(selector)

    def write(self, selector):
        self.left = self.left[self.socket.send(self.left):]
        if not self.left:
            selector.modify(self.socket, selectors.EVENT_READ, self)

    def read(self, selector, buffer):
        """Reads on; gives the status once an answer is complete."""
        count = self.socket.recv_into(buffer)
        if count == 0:
            raise ConnectionResetError
        if self.expected is None:
            count = self.read_head(bytes(buffer[:count]))
        if self.expected is None:
            return None
        self.expected -= count
        if self.expected > 0:
            return None
        status = self.head[9:12].decode()
        self.begin()
        selector.modify(self.socket, selectors.EVENT_WRITE, self)
        return status

    def read_head(self, part):
        """Takes the head; gives how much of the body came with it."""
        self.head += part
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return 0
        self.expected = content_length(self.head[:end])
        return len(self.head) - end - 4


def run_load(port, data, clients, results):
    """Asks until the process is ended; counts the answers by their status."""
    # The client that is measured goes first where both wait for a processor.
    os.nice(10)
    selector, buffer = selectors.DefaultSelector(), memoryview(bytearray(1 << 20))
    for _ in range(clients):
        Client(port, data).open(selector)
    while True:
        for key, _ in selector.select(1.0):
            client = key.data
            try:
                if key.events & selectors.EVENT_WRITE:
                    client.write(selector)
                    continue
                status = client.read(selector, buffer)
            except BlockingIOError:
                continue
            except OSError:
                status = None
                count(results, "closed")
                client.reopen(selector)
            if status:
                count(results, status)


STATUSES = ["200", "400", "413", "closed"]


def count(results, status):
    results[STATUSES.index(status if status in STATUSES else "closed")] += 1


class RunningLoad:
    """A load's process, which ends with the block."""

    def __init__(self, port, load):
        context = multiprocessing.get_context("fork")
        self.results = context.Array("q", len(STATUSES), lock=False)
        data = b"".join(load.request().parts())
        self.process = context.Process(
            target=run_load, args=(port, data, load.clients, self.results), daemon=True)

    def __enter__(self):
        self.process.start()
        time.sleep(LEAD_SECONDS)
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.join()


# MARK: The client that is measured

class Meter:
    """One connection, which asks for small items at moments that are set before.

    A request that has to wait for the one before counts from its own moment.
    """

    def __init__(self, server, item_count):
        self.requests = [
            b"".join(wire.Request("GetItem", members(
                TableName=text("small"), Key=stored.key(f"k{place:06}"))).parts())
            for place in range(0, item_count, max(1, item_count // 500))]
        self.connection = server.connect()

    def measure(self, seconds):
        """The latencies in milliseconds."""
        latencies, start = [], time.perf_counter() + 0.01
        for number in range(max(1, int(seconds * RATE))):
            moment = start + number / RATE
            wait_until(moment)
            # Past the time: what was to be asked by now has waited as long.
            if time.perf_counter() > start + 3 * seconds + 1:
                break
            is_answered = self.get(self.requests[number % len(self.requests)])
            taken = (time.perf_counter() - moment) * 1000
            latencies.append(taken if is_answered else float("inf"))
        return latencies

    def get(self, request):
        """Asks for an item; `False` if it is refused."""
        self.connection.sendall(request)
        answer = self.receive(b"")
        while b"\r\n\r\n" not in answer:
            answer = self.receive(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = content_length(head)
        while len(body) < length:
            body = self.receive(body)
        return head.startswith(b"HTTP/1.1 200")

    def receive(self, answer):
        part = self.connection.recv(1 << 16)
        if not part:
            raise SystemExit("The server ended the connection of GetItem.")
        return answer + part


def wait_until(moment):
    """Sleeps, and spins at the end: sleeping alone is late."""
    left = moment - time.perf_counter()
    if left > 0.0005:
        time.sleep(left - 0.0003)
    while time.perf_counter() < moment:
        pass


def percentile(values, share):
    """The value that the share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * share // 100) - 1))]


def percentiles(latencies):
    return percentile(latencies, 50), percentile(latencies, 99)


# MARK: All rounds

def medians(rounds):
    """The median of each percentile over the rounds."""
    return tuple(statistics.median(column) for column in zip(*rounds))


def measure_all(server, options, table):
    """Adds a row for each load, after all rounds."""
    loads = [load for load in LOADS if not options.only or load.name in options.only]
    meter = Meter(server, (stored.QUICK if options.quick else stored.FULL).small)
    meter.measure(options.seconds / 2)
    alone, beside = [], {load.name: [] for load in loads}
    answers = {load.name: [0] * len(STATUSES) for load in loads}
    for _ in range(1 if options.quick else ROUNDS):
        for load in loads:
            server.process.settle(seconds=20)
            alone.append(percentiles(meter.measure(options.seconds)))
            with RunningLoad(server.port, load) as running:
                beside[load.name].append(percentiles(meter.measure(options.seconds)))
                answers[load.name] = [
                    one + other for one, other in zip(answers[load.name], running.results)]
    meter.connection.close()
    if medians(alone)[0] > 1000 / RATE:
        sys.exit(f"Without a load, the server does not answer {RATE} requests a second.")
    for load in loads:
        answered = ", ".join(
            f"{count} x {status}" for status, count in zip(STATUSES, answers[load.name]) if count)
        table.add(report.FairnessRow(
            load.name, load.clients, medians(alone), medians(beside[load.name]),
            answered or "none"))
