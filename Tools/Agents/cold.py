"""How long each command of `codexflow task` takes as a process of its own, on a store with many tasks.

Prints the median and the longest of several rounds. Commands alternate, and `codexflow --version` shows what the
start of a process takes. The commands that claim, renew, finish and give back follow one another, as an agent's do."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from torture import add_tasks


class Commands:
    """The commands of one worker, timed."""

    def __init__(self, options):
        self.options = options
        self.milliseconds = {}

    def run(self, name, *arguments, key=None):
        environment = dict(
            os.environ, CODEXFLOW_STORE=self.options.store, CODEXFLOW_PROJECT="engine", CODEXFLOW_USER="bot")
        begin = time.monotonic()
        run = subprocess.run(
            [self.options.codexflow, *arguments], capture_output=True, text=True, env=environment)
        self.milliseconds.setdefault(name, []).append(1000 * (time.monotonic() - begin))
        if run.returncode != 0:
            raise AssertionError("%s: %s" % (name, run.stderr))
        return run.stdout

    def claim(self):
        """The identifier and the token of the claimed task."""
        answer = json.loads(self.run("claim --next", "task", "claim", "--next", "--json"))
        return answer["task"]["id"], str(answer["token"])

    def round(self, number):
        self.run("(codexflow --version)", "--version")
        self.run("ready", "task", "ready")
        task, token = self.claim()
        self.run("renew", "task", "renew", task, "--token", token)
        self.run("show", "task", "show", task)
        self.run("comment", "task", "comment", task, "Half of it", "--token", token)
        self.run("done", "task", "done", task, "--token", token, "--result", "It is done.")
        task, token = self.claim()
        self.run("fail", "task", "fail", task, "--token", token, "--note", "It cannot be built here.")
        self.run("add", "task", "add", "Another task %d" % number, "--id", "a%d" % number)
        self.run("block", "task", "block", "a%d" % number, "--on", task)
        self.run("expired", "task", "expired")
        self.run("dead", "task", "dead")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    options.codexflow = os.path.abspath(options.codexflow)
    directory = tempfile.mkdtemp()
    options.store = directory + "/store"
    try:
        subprocess.run(
            [options.codexflow, "task", "init", "--store", options.store, "--project", "engine", "--as", "ada",
             "--agent", "bot"], check=True, stdout=subprocess.DEVNULL)
        add_tasks(options)
        commands = Commands(options)
        for number in range(options.rounds):
            commands.round(number)
    finally:
        shutil.rmtree(directory)
    print("%d tasks, %d rounds\n\n| command | median, ms | longest, ms |\n|---|---|---|" % (
        options.tasks, options.rounds))
    for name, times in commands.milliseconds.items():
        print("| %s | %.1f | %.1f |" % (name, statistics.median(times), max(times)))


if __name__ == "__main__":
    sys.exit(main())
