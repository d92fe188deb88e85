"""A server of its own on this machine: started, asked, measured, ended.

Linux says what a process used: the clock of its processor time, and its memory in /proc.
"""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import time

import wire

ANSWER_SECONDS = 90.0
NO_ANSWER, CLOSED, DIED = "no answer", "closed", "died"
UNANSWERED = (NO_ANSWER, CLOSED)
START_SECONDS = 60.0


class Usage:
    """What a request took of a server."""

    def __init__(self, milliseconds, memory, sent, answer):
        # Processor time; memory in bytes; bytes that were sent.
        self.milliseconds, self.memory, self.sent = milliseconds, memory, sent
        # What the server said: a status, and the type of an error.
        self.answer = answer

    @property
    def is_dead(self):
        return self.answer == DIED


class Process:
    """What Linux says of a process."""

    def __init__(self, number):
        self.number = number
        # The clock of all its threads: see clock_getcpuclockid(3).
        self.clock = (~number << 3) | 2

    def milliseconds(self):
        """The processor time of all threads, those that ended too."""
        return time.clock_gettime_ns(self.clock) / 1e6

    def forget_peak(self):
        """Makes the memory of now the peak."""
        with open(f"/proc/{self.number}/clear_refs", "w") as file:
            file.write("5")

    def memory(self):
        """Bytes by their name in /proc/PID/status."""
        with open(f"/proc/{self.number}/status") as file:
            found = re.findall(r"^(VmHWM|RssAnon|RssFile|RssShmem):\s+(\d+) kB", file.read(), re.M)
        return {name: int(count) << 10 for name, count in found}

    def settle(self, quiet=0.004, seconds=5.0):
        """Waits until it does nothing, and gives its processor time."""
        end = time.monotonic() + seconds
        last = self.milliseconds()
        while time.monotonic() < end:
            time.sleep(quiet)
            now = self.milliseconds()
            if now - last < 0.05:
                return now
            last = now
        return last


class Server:
    """`codexflow serve` over a store, on a free port of this machine."""

    def __init__(self, program, store, is_signed=False, options=()):
        environment = dict(os.environ)
        for name in ("CODEXFLOW_ACCESS_KEY_ID", "CODEXFLOW_SECRET_ACCESS_KEY"):
            environment.pop(name, None)
        if is_signed:
            environment["CODEXFLOW_ACCESS_KEY_ID"] = wire.ACCESS_KEY
            environment["CODEXFLOW_SECRET_ACCESS_KEY"] = wire.SECRET_KEY
        self.is_signed = is_signed
        self.child = subprocess.Popen(
            [program, "serve", store, "--port", "0", *options], stdout=subprocess.PIPE,
            env=environment)
        self.process = Process(self.child.pid)
        try:
            self.port = self.read_port()
            self.warm_up()
        except BaseException:
            self.stop()
            raise

    def read_port(self):
        ready, _, _ = select.select([self.child.stdout], [], [], START_SECONDS)
        line = self.child.stdout.readline().decode() if ready else ""
        found = re.search(r":(\d+)\s*$", line)
        if not found:
            sys.exit(f"codexflow serve does not begin: {line.strip() or 'it says nothing'}")
        return int(found.group(1))

    def stop(self):
        """Ends it in order, or at once where it does not."""
        self.child.terminate()
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def kill(self):
        self.child.kill()
        self.stop()

    # MARK: Asking

    def connect(self, seconds=ANSWER_SECONDS):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def send(self, request):
        """Sends a request on a connection of its own; gives the status and the answer."""
        with self.connect() as connection:
            try:
                for part in request.parts():
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                # The server may answer before it has all.
                pass
            response = http.client.HTTPResponse(connection, method="POST")
            response.begin()
            return response.status, response.read()

    def ask(self, operation, body):
        """Asks what must succeed; gives the decoded answer."""
        status, answer = self.send(self.request(operation, body))
        if status != 200:
            sys.exit(f"{operation}: {status} {answer[:300].decode(errors='replace')}")
        return json.loads(answer)

    def try_to_ask(self, operation, body):
        """Asks what may fail."""
        try:
            self.send(self.request(operation, body))
        except (OSError, http.client.HTTPException):
            pass

    def is_alive(self):
        """Whether it still answers."""
        try:
            return self.send(self.request("DescribeLimits", b"{}"))[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def request(self, operation, body):
        signature = wire.signature_headers() if self.is_signed else None
        return wire.Request(operation, body, signature=signature)

    # MARK: Measuring

    def warm_up(self):
        """Does what only first requests do; then remembers what it has without any."""
        text = b'{"TableName":"none","Key":{"p":{"S":"%s"}}}' % (b"x" * 100_000)
        for _ in range(3):
            self.try_to_ask("ListTables", b"{}")
            self.try_to_ask("GetItem", text)
        self.process.settle()
        self.idle = self.process.memory()["RssAnon"]

    @property
    def kept(self):
        """Bytes that it did not give back after its requests."""
        return self.process.memory()["RssAnon"] - self.idle

    def measure(self, request):
        """Sends a request, waits until all work for it is done, and says what it took."""
        sent = request.byte_count
        before = self.process.settle()
        self.process.forget_peak()
        answer = self.described_answer(request)
        if answer in UNANSWERED and not self.is_alive():
            return Usage(float("inf"), float("inf"), sent, DIED)
        milliseconds = self.process.settle() - before
        memory = self.process.memory()
        # Pages of the store's file are the system's, which takes them back when it needs them.
        used = memory["VmHWM"] - memory["RssFile"] - memory["RssShmem"] - self.idle
        return Usage(milliseconds, max(0, used), sent, answer)

    def described_answer(self, request):
        try:
            status, answer = self.send(request)
        except (TimeoutError, socket.timeout):
            return NO_ANSWER
        except (OSError, http.client.HTTPException):
            return CLOSED
        return describe(status, answer)


def describe(status, answer):
    """A status, and the type of an error."""
    found = re.search(rb'"__type":"[^"#]*#?(\w+)"', answer[:400])
    return f"{status} {found.group(1).decode()}" if found and status != 200 else str(status)
