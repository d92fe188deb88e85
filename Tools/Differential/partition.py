"""Cuts and heals the links of two task services to their table, and ends with 1 if an effect is lost or doubled.

`codexflow serve` and two task services run in network namespaces of their own. Each service has a link to the server.
Clients create, comment and complete tasks through both services, while the links are cut and healed by a seed: for a
moment, or until the clients of the service got typed failures. Then these must hold:

- Each acknowledged command is there, and each effect once. What was refused is not there. An outcome that the service
  does not know has its own answer.
- Each answer came in time, and the service that was cut off went on by itself, as the other one did meanwhile.
- Both services show the same tasks, which fit their histories. `task-service verify` and `codexflow verify` find
  nothing.

It needs root and `ip netns`. Where it cannot make a network, it says so, and ends with 0.

  python partition.py --codexflow PATH --task-service PATH --seed 1 --cuts 6
"""

import argparse
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import effects
from effects import COMMENT, COMPLETE, CREATE, DONE, FAULT, REFUSED, UNKNOWN, Operation
from network import Network, Unavailable, enter

PLACES = ("a", "b")
SERVER_PORT, SERVICE_PORT = 8000, 8080
PROJECT = "ENG"
CLIENT_COUNT = 3  # at each service
PAUSE_MAX = 0.3  # of a client between two operations, in seconds
ANSWER_SECONDS = 25  # in which a service answers: it asks the table for nothing after 15
CLIENT_SECONDS = 90  # after which a client takes an answer for missing
PATIENCE = 120  # in seconds, for what must happen
BLINK_SECONDS = (0.05, 1.5)
KEY = {"CODEXFLOW_ACCESS_KEY_ID": "KEY", "CODEXFLOW_SECRET_ACCESS_KEY": "SECRET"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_REGION": "us-east-1"}


class Failure(Exception):
    """What a person must be told, in a sentence."""


# MARK: Processes

class Programs:
    """The server and the services, which end with the `with` statement."""

    def __init__(self, options, network, folder):
        self.network, self.folder = network, folder
        self.codexflow, self.task_service = map(os.path.abspath, (options.codexflow, options.task_service))
        self.store = os.path.join(folder, "served.codex")
        self.processes = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for place in list(self.processes):
            self.end(place)

    def start(self, place, words, variables):
        """Starts a program, and waits for the line with which it says that it listens."""
        with open(self.log(place), "wb") as log:
            process = subprocess.Popen(
                self.network.command(place, words), cwd=self.folder, env={**os.environ, **variables},
                stdout=subprocess.PIPE, stderr=log, text=True)
        self.processes[place] = process
        if not process.stdout.readline():
            raise Failure(f"the program in {place} does not listen: {self.tail(place)}")

    def start_server(self):
        hosts = [word for place in PLACES for word in ("--allow-host", self.network.address(place))]
        self.start("server", [self.codexflow, "serve", self.store, "--host", "0.0.0.0",
                              "--port", str(SERVER_PORT), *hosts], KEY)

    def start_service(self, place):
        self.start(place, [self.task_service, "serve", "--port", str(SERVICE_PORT),
                           "--requests-per-minute", "1000000", *self.endpoint(place)], CREDENTIALS)

    def endpoint(self, place):
        return ["--endpoint", f"http://{self.network.address(place)}:{SERVER_PORT}"]

    def run(self, place, command, *words):
        """What a command of the task service prints."""
        process = subprocess.run(
            self.network.command(place, [self.task_service, command, *self.endpoint(place), *words]),
            env={**os.environ, **CREDENTIALS}, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if process.returncode:
            raise Failure(f"task-service {command} ended with {process.returncode}: "
                          f"{process.stdout.strip()} {process.stderr.strip()}")
        return process.stdout.strip()

    def verify_store(self):
        """Checks the store of the server, which has ended."""
        process = subprocess.run(
            [self.codexflow, "verify", self.store], capture_output=True, text=True, check=False, timeout=PATIENCE)
        return [] if process.returncode == 0 else [f"codexflow verify: {process.stdout.strip()}"]

    def require_running(self):
        for place, process in self.processes.items():
            if process.poll() is not None:
                raise Failure(f"the program in {place} ended with {process.returncode}: {self.tail(place)}")

    def end(self, place):
        """Ends a program, and returns its exit code."""
        process = self.processes.pop(place)
        process.terminate()
        try:
            return process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            process.stdout.close()

    def log(self, place):
        return os.path.join(self.folder, f"{place}.log")

    def tail(self, place):
        with contextlib.suppress(OSError), open(self.log(place), encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]
        return ""


# MARK: Requests

class Answer:
    """The answer of a service; without a status, there was none."""

    def __init__(self, status=None, body=None, retry_after=None, error=""):
        self.status, self.body, self.retry_after, self.error = status, body or {}, retry_after, error

    @property
    def code(self):
        return self.body.get("error", {}).get("code")

    @property
    def data(self):
        return self.body.get("data")

    @property
    def outcome(self):
        return effects.outcome(self.status, self.code, self.retry_after)

    @property
    def detail(self):
        return self.error or f"status {self.status}, code {self.code}"


def send(token, method, path, body=None):
    """Sends a request to the service in the namespace of this thread."""
    connection = http.client.HTTPConnection("127.0.0.1", SERVICE_PORT, timeout=CLIENT_SECONDS)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return Answer(response.status, json.loads(response.read()), response.getheader("Retry-After"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def listed(token, path):
    """All elements of a list, page by page."""
    elements, after = [], ""
    while True:
        answer = send(token, "GET", f"{path}{'&' if '?' in path else '?'}limit=100{after}")
        if answer.status != 200:
            raise Failure(f"{path} cannot be listed: {answer.detail}")
        elements += answer.data
        following = answer.body["meta"].get("next")
        if not following:
            return elements
        after = "&after=" + urllib.parse.quote(following, safe="")


def all_tasks(token):
    """The tasks of the project with their comments and histories, by their keys."""
    tasks = listed(token, f"/tasks?project={PROJECT}")
    for task in tasks:
        task["comments"] = [comment["text"] for comment in listed(token, f"/tasks/{task['key']}/comments")]
        task["history"] = listed(token, f"/tasks/{task['key']}/history")
    return sorted(tasks, key=lambda task: (task["key"], task["taskId"]))


def inside(network, place, function, *arguments):
    """Calls a function on a thread in the namespace of a place."""
    def call():
        enter(network.name(place))
        return function(*arguments)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


# MARK: Clients

class Ledger:
    """What the clients did, and the tasks that they know."""

    def __init__(self):
        self.condition = threading.Condition()
        self.operations = []
        # The numbers of outcomes by place.
        self.counts = collections.Counter()
        # Titles by keys of acknowledged tasks: of all, and of those that no client completed or completes.
        self.titles, self.open = {}, []

    def add(self, place, operation):
        with self.condition:
            self.operations.append(operation)
            self.counts[place, operation.outcome] += 1
            self.condition.notify_all()

    def add_task(self, key, title):
        with self.condition:
            self.titles[key] = title
            self.open.append(key)

    def take_open(self, chance):
        """A task to complete, which no other client gets; `None` if there is none."""
        with self.condition:
            return self.open.pop(chance.randrange(len(self.open))) if self.open else None

    def any_task(self, chance):
        with self.condition:
            return chance.choice(list(self.titles)) if self.titles else None

    def give_back(self, key):
        with self.condition:
            self.open.append(key)

    def snapshot(self):
        with self.condition:
            return self.counts.copy()

    def require(self, is_so, what):
        """Waits until the counts are so."""
        with self.condition:
            if not self.condition.wait_for(lambda: is_so(self.counts), PATIENCE):
                raise Failure(f"after {PATIENCE} s, {what}")


class Client:
    """Sends operations through one service, one after the other."""

    def __init__(self, place, number, token, seed, ledger):
        self.place, self.number, self.token, self.ledger = place, number, token, ledger
        self.chance = random.Random(f"{seed} {place} {number}")
        self.count = 0

    def run(self, network, stop):
        enter(network.name(self.place))
        while not stop.is_set():
            self.step()
            stop.wait(self.chance.uniform(0, PAUSE_MAX))

    def step(self):
        self.count += 1
        name = f"{self.place}{self.number}-{self.count}"
        kind = self.chance.choices((CREATE, COMMENT, COMPLETE), (4, 3, 3))[0]
        if kind == COMPLETE and (key := self.ledger.take_open(self.chance)):
            self.complete(key)
        elif kind == COMMENT and (key := self.ledger.any_task(self.chance)):
            self.perform(COMMENT, name, f"/tasks/{key}/comments", {"text": name})
        else:
            answer = self.perform(
                CREATE, name, "/tasks", {"project": PROJECT, "title": name, "status": "inProgress"})
            if answer.outcome == DONE:
                self.ledger.add_task(answer.data["key"], name)

    def complete(self, key):
        answer = self.perform(COMPLETE, self.ledger.titles[key], f"/tasks/{key}/move", {"status": "done"})
        # It can be sent again: a task that is done stays so.
        if answer.outcome != DONE:
            self.ledger.give_back(key)

    def perform(self, kind, name, path, body):
        begin = time.monotonic()
        answer = send(self.token, "POST", path, body)
        self.ledger.add(
            self.place, Operation(kind, name, answer.outcome, time.monotonic() - begin, answer.detail))
        return answer


@contextlib.contextmanager
def clients(network, token, seed, ledger):
    """Lets clients work."""
    stop = threading.Event()
    pool = concurrent.futures.ThreadPoolExecutor(CLIENT_COUNT * len(PLACES))
    try:
        futures = [
            pool.submit(Client(place, number, token, seed, ledger).run, network, stop)
            for place in PLACES for number in range(CLIENT_COUNT)]
        yield
    finally:
        stop.set()
        pool.shutdown()
    for future in futures:
        future.result()


# MARK: Cuts

def failures(counts, place):
    return counts[place, REFUSED] + counts[place, UNKNOWN] + counts[place, FAULT]


def require_progress(ledger, places, what):
    """Waits until each client of places can have had an acknowledgement from now on."""
    before = ledger.snapshot()
    ledger.require(
        lambda counts: all(counts[place, DONE] - before[place, DONE] >= CLIENT_COUNT for place in places), what)


def cut(network, ledger, chance):
    """Cuts a link and heals it; returns a line about it."""
    place, is_far, is_blink = chance.choice(PLACES), chance.random() < 0.5, chance.random() < 0.3
    other = PLACES[1 - PLACES.index(place)]
    before, begin = ledger.snapshot(), time.monotonic()
    network.set_link(place, "down", is_far)
    try:
        if is_blink:
            time.sleep(chance.uniform(*BLINK_SECONDS))
        else:
            ledger.require(
                lambda counts: failures(counts, place) - failures(before, place) >= CLIENT_COUNT,
                f"service {place} gives no failures although its link is cut")
            require_progress(ledger, [other], f"service {other} does not go on although its link is whole")
    finally:
        network.set_link(place, "up", is_far)
    seconds = time.monotonic() - begin
    require_progress(ledger, PLACES, f"service {place} does not go on after its link was healed")
    counts = ledger.snapshot() - before
    return (f"{place} for {seconds:.1f} s, at {'the server' if is_far else 'the service'}: "
            f"{counts[place, REFUSED]} refused, {counts[place, UNKNOWN]} unknown")


def settle(network):
    """Waits until no request is on its way any more: a healed connection delivers what it had."""
    deadline = time.monotonic() + PATIENCE
    while any(network.unsent_count(place, SERVER_PORT) for place in PLACES):
        if time.monotonic() > deadline:
            raise Failure(f"after {PATIENCE} s, connections have bytes that did not arrive")
        time.sleep(0.2)


# MARK: The run

def run(options, network, programs):
    """Performs a run, and returns what is wrong."""
    ledger, chance = Ledger(), random.Random(options.seed)
    programs.start_server()
    programs.run("a", "table")
    programs.run("a", "user", "ada@example.com", "Ada")
    token = programs.run("a", "token", "ada@example.com")
    for place in PLACES:
        programs.start_service(place)
    made = inside(network, "a", send, token, "POST", "/projects", {"key": PROJECT, "name": "Engine"})
    if made.outcome != DONE:
        raise Failure(f"the project cannot be created: {made.detail}")
    with clients(network, token, options.seed, ledger):
        require_progress(ledger, PLACES, "the services do not answer")
        for number in range(1, options.cuts + 1):
            print(f"cut {number}: {cut(network, ledger, chance)}", flush=True)
            programs.require_running()
    settle(network)
    shown = {place: inside(network, place, all_tasks, token) for place in PLACES}
    found = [] if shown["a"] == shown["b"] else ["the services show different tasks"]
    found += effects.findings(ledger.operations, effects.observed(shown["a"]), ANSWER_SECONDS)
    found += effects.broken_rules(shown["a"])
    for place in PLACES:
        programs.run(place, "verify")
        code = programs.end(place)
        if code:
            found.append(f"service {place} ended with {code}")
    programs.end("server")
    found += programs.verify_store()
    totals = collections.Counter(operation.outcome for operation in ledger.operations)
    print(f"{len(shown['a'])} tasks, {len(ledger.operations)} operations: "
          + ", ".join(f"{totals[name]} {name}" for name in (DONE, UNKNOWN, REFUSED, FAULT)))
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codexflow", metavar="PATH", required=True, help="the server's program")
    parser.add_argument("--task-service", metavar="PATH", required=True, help="the service's program")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the cuts and the commands")
    parser.add_argument("--cuts", type=int, default=6, help="how many times a link is cut")
    return parser.parse_args()


def main():
    options = arguments()
    print(f"seed {options.seed}", flush=True)
    try:
        with Network(PLACES) as network, tempfile.TemporaryDirectory() as folder, \
                Programs(options, network, folder) as programs:
            found = run(options, network, programs)
    except Unavailable as reason:
        print(f"partition.py: skipped. {reason}")
        return 0
    except Failure as failure:
        found = [str(failure)]
    for line in found:
        print(f"partition.py: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
