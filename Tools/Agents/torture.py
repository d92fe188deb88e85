"""Many agents on one project, each a process of `codexflow mcp`, while one of them is killed every 50 ms.

Each task must be completed exactly once, as its history tells, and no token of a claim that ended may write. Ends
with 1 otherwise. --quick is the short form for CI. --seed repeats the choices, but not the times, of a run."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
LOST = {"taskNotHeld", "taskClaimEnded"}


class Killed(Exception):
    """The process of an agent is gone."""


class Agent:
    """A process of the program."""

    def __init__(self, options, user="bot"):
        self.process = subprocess.Popen(
            [options.codexflow, "mcp", "--store", options.store, "--project", "engine", "--as", user],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.number = 0

    def call(self, tool, **arguments):
        """The structured answer of a tool."""
        self.number += 1
        message = {
            "jsonrpc": "2.0", "id": self.number, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META}}
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except (BrokenPipeError, ValueError):
            raise Killed from None
        if not line.endswith("\n"):
            raise Killed
        answer = json.loads(line)
        if answer.get("id") != self.number or "result" not in answer:
            raise AssertionError("not the answer to the request: %s" % line[:300])
        return answer["result"]["structuredContent"]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # the rest of a message that the process did not read


class Memory:
    """What an agent knows when its process was killed."""

    def __init__(self):
        self.key = None  # of a claim that was not answered
        self.held = []  # the tasks whose completion was not answered


class Run:
    """What all agents share."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.agents = {}
        self.completed = {}  # the tokens whose completion was answered, by task
        self.seconds = []  # of claims that were answered
        self.faults = []
        self.counts = {"kills": 0, "claims": 0, "stale": 0}
        self.is_over = threading.Event()

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        self.is_over.set()

    # Agents

    def work(self, name):
        """The thread of an agent: it starts another process for one that was killed."""
        chance = random.Random("%s %s" % (self.options.seed, name))
        memory = Memory()
        try:
            while not self.is_over.is_set():
                agent = Agent(self.options)
                with self.lock:
                    self.agents[name] = agent
                try:
                    self.take_tasks(agent, chance, memory)
                except Killed:
                    pass
                finally:
                    with self.lock:
                        del self.agents[name]
                    agent.stop()
        except Exception as error:  # also one of this program
            self.fault("agent %s: %r" % (name, error))

    def take_tasks(self, agent, chance, memory):
        while not self.is_over.is_set():
            self.try_stale(agent, memory)
            # A process that was killed may have claimed a task: the same key tells which.
            memory.key = memory.key or str(uuid.uuid4())
            begin = time.monotonic()
            claim = agent.call("task_claim", leaseSeconds=self.options.lease, idempotencyKey=memory.key)
            end = time.monotonic()
            if "error" in claim:
                raise AssertionError("a claim failed: %s" % claim["error"])
            memory.key = None
            if claim["task"] is None:
                self.is_over.wait(0.2)
                continue
            self.record_claim(end - begin)
            held = {"task": claim["task"]["id"], "token": claim["token"], "end": end + self.options.lease}
            memory.held.append(held)
            if chance.random() < self.options.idle:
                continue  # as an agent that forgot its task: the token is tried when its claim has ended
            self.finish(agent, held)
            memory.held.remove(held)

    def record_claim(self, seconds):
        with self.lock:
            self.counts["claims"] += 1
            self.seconds.append(seconds)

    def finish(self, agent, held):
        answer = agent.call(
            "task_finish", task=held["task"], token=held["token"], outcome="done", data={"token": held["token"]})
        if "error" in answer:
            if answer["error"].get("rule") not in LOST:
                raise AssertionError("a completion failed: %s" % answer["error"])
            return
        with self.lock:
            self.completed.setdefault(held["task"], []).append(held["token"])

    def try_stale(self, agent, memory):
        """Tries the tokens of claims whose lease is over: none of them may write."""
        now = time.monotonic()
        for held in [held for held in memory.held if held["end"] + 0.5 < now]:
            for tool, more in [("task_finish", {"outcome": "done"}), ("task_comment", {"text": "stale"})]:
                answer = agent.call(tool, task=held["task"], token=held["token"], **more)
                if answer.get("error", {}).get("rule") not in LOST:
                    self.fault("a stale token wrote: %s by %s" % (held, tool))
            memory.held.remove(held)
            with self.lock:
                self.counts["stale"] += 1

    # The killer

    def kill(self):
        chance = random.Random("%s killer" % self.options.seed)
        while not self.is_over.wait(0.05):
            with self.lock:
                if not self.agents:
                    continue
                victim = chance.choice(sorted(self.agents))
                self.agents[victim].process.kill()
                self.counts["kills"] += 1

    # The end

    def watch(self):
        """Waits until no task is open."""
        deadline = time.monotonic() + self.options.timeout
        while not self.is_over.wait(1):
            if self.open_count() == 0:
                self.is_over.set()
            elif time.monotonic() > deadline:
                self.fault("after %d s, %d tasks are open" % (self.options.timeout, self.open_count()))

    def open_count(self):
        counts = (
            self.program("query", "PROJECT#engine#STATUS#" + status, "--index", "GSI2", "--count")
            for status in ["todo", "inProgress"])
        return sum(int(count) for count in counts)

    def program(self, command, *arguments):
        run = subprocess.run(
            [self.options.codexflow, command, self.options.store, *arguments], capture_output=True, text=True)
        if run.returncode != 0 and "[needsRecovery]" in run.stderr and command != "recover":
            # All agents are killed. A program that only reads does not recover the store.
            self.program("recover")
            return self.program(command, *arguments)
        if run.returncode != 0:
            raise AssertionError("%s: %s" % (command, run.stderr))
        return run.stdout

    def check(self):
        completions, results = {}, {}
        for line in self.program("query", "PROJECT#engine", "--plain").splitlines():
            item = json.loads(line)
            if item["SK"].startswith("ACTIVITY#") and item.get("facts", {}).get("to") == "done":
                completions[item["taskId"]] = completions.get(item["taskId"], 0) + 1
            elif item["SK"].startswith("TASK#"):
                results[item["taskId"]] = item.get("result", {}).get("data", {}).get("token")
        if len(results) != self.options.tasks:
            self.faults.append("%d tasks instead of %d" % (len(results), self.options.tasks))
        for task, token in results.items():
            if completions.get(task) != 1:
                self.faults.append("%s was completed %s times" % (task, completions.get(task)))
            if self.completed.get(task, [token]) != [token]:
                self.faults.append("%s: answered %s, stored %s" % (task, self.completed[task], token))
        self.program("verify")


def add_tasks(options):
    def add(numbers):
        agent = Agent(options, "ada")
        for number in numbers:
            answer = agent.call("task_add", title="Task %d" % number, id="t%d" % number)
            assert "error" not in answer, answer
        agent.stop()

    threads = [
        threading.Thread(target=add, args=(range(first, options.tasks, 16),)) for first in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def torture(options):
    subprocess.run(
        [options.codexflow, "task", "init", "--store", options.store, "--project", "engine", "--as", "ada",
         "--agent", "bot"], check=True, stdout=subprocess.DEVNULL)
    add_tasks(options)
    run = Run(options)
    threads = [threading.Thread(target=run.work, args=("%03d" % number,)) for number in range(options.agents)]
    threads.append(threading.Thread(target=run.kill))
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        run.watch()
    finally:
        run.is_over.set()
        for thread in threads:
            thread.join()
    seconds = time.monotonic() - begin
    run.check()
    claims = sorted(run.seconds) or [0]
    print(
        "%d tasks, %d agents, %.0f s: %d claims (p50 %.1f ms, p99 %.1f ms), %d kills, %d stale tokens refused"
        % (options.tasks, options.agents, seconds, run.counts["claims"], 1000 * claims[len(claims) // 2],
           1000 * claims[len(claims) * 99 // 100], run.counts["kills"], run.counts["stale"]))
    for fault in run.faults[:20]:
        print("FAULT: " + fault)
    return 1 if run.faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=64)
    parser.add_argument("--lease", type=int, default=3, help="the seconds of a claim")
    parser.add_argument("--idle", type=float, default=0.01, help="the share of claims that are forgotten")
    parser.add_argument("--timeout", type=int, default=1800, help="the most seconds")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--quick", action="store_true", help="200 tasks and 8 agents")
    options = parser.parse_args()
    options.codexflow = os.path.abspath(options.codexflow)
    if options.quick:
        options.tasks, options.agents, options.timeout = 200, 8, 300
    print("seed %d" % options.seed)
    directory = tempfile.mkdtemp()
    options.store = directory + "/store"
    try:
        return torture(options)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
