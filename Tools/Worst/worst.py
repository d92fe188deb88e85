#!/usr/bin/env python3
"""The worst requests of `codexflow serve`, and how long others wait beside hostile ones.

Without --fairness: for each operation a search for the requests of 64 KB and of 16 MiB that take
the most processor time and the most memory. With it: GetItem beside loads. Ends with 1 if
something is past its bound. Linux, Python's own library, and this machine's loopback only.
"""

import argparse
import os
import random
import sys
import tempfile
import time

import fairness
import report
import search
import served
import shapes
import stored
from operations import everything

# Requests of 16 MiB take longer to make, and begin with the worst of the small ones.
TIME_FACTORS = {report.SMALL: 1.0, report.LARGE: 2.0}
# A server that keeps more after a request is started again, or the next one's peak is not seen.
KEPT_MAX = 8 << 20
# After a start, the same request in small is sent first: what a process does once is of no request.
WARMING_BYTES, WARMING_COUNT = 4096, 3


class Bench:
    """Stores, and the server that is measured over one of them."""

    def __init__(self, program, directory, sizes):
        self.program, self.directory, self.sizes = program, directory, sizes
        self.server, self.facts = None, None
        self.start(is_signed=False)
        stored.prepare(self.server.ask, sizes)
        self.start(is_signed=False)

    def start(self, is_signed=None):
        """Starts a server, after the one before has ended."""
        is_signed = self.server.is_signed if is_signed is None else is_signed
        self.stop()
        name = "signed" if is_signed else "store"
        self.server = served.Server(self.program, os.path.join(self.directory, name), is_signed)
        self.facts = stored.facts(self.server.ask, self.sizes)

    def stop(self):
        if self.server:
            self.server.stop()

    def use(self, operation):
        if operation.is_signed != self.server.is_signed:
            self.start(operation.is_signed)

    def request(self, operation, parameters, size):
        shape = operation.shape(parameters[search.SHAPE])
        return shape, shapes.request(operation, shape, parameters, size, self.facts)

    def measure(self, operation, parameters, size, is_fresh=False):
        """What a request takes; None if there is none of the size."""
        shape, request = self.request(operation, parameters, size)
        if request is None:
            return None
        if is_fresh or self.server.kept > KEPT_MAX:
            self.start()
            self.warm(operation, parameters)
        return self.between(shape, parameters, request)

    def warm(self, operation, parameters):
        """Sends the same request in small, if there is one."""
        shape, small = self.request(operation, parameters, WARMING_BYTES)
        if small is not None:
            for _ in range(WARMING_COUNT):
                self.between(shape, parameters, small)

    def between(self, shape, parameters, request):
        """What a request takes, between those that its shape sends before and after it."""
        for before in shape.before(parameters):
            self.server.try_to_ask(*before)
        usage = self.server.measure(request)
        if usage.is_dead or usage.answer == served.NO_ANSWER:
            self.server.kill()
            self.start()
        for after in shape.after:
            self.server.try_to_ask(*after)
        return usage

    def confirm(self, operation, found, size, count, goal):
        """Measures what was found again, so that one slow moment of the machine is no result."""
        usages = []
        for number in range(count):
            # Memory that was given back to the allocator only would hide what is needed.
            usages.append(self.measure(
                operation, found.parameters, size, goal == "memory" or number == 0))
        usages.sort(key=search.goals()[goal])
        return search.Found(found.parameters, usages[len(usages) // 2])


def worst_of(bench, operation, size, options, generator, seeds):
    """Searches one operation at one size; gives the worst for each goal."""
    bench.use(operation)
    seconds = options.seconds * operation.weight * TIME_FACTORS[size]
    end = time.monotonic() + seconds
    run = search.Search(
        operation, lambda parameters: bench.measure(operation, parameters, size), generator, seeds
    ).run(lambda: time.monotonic() >= end)
    rows = {}
    for goal, amount in search.goals().items():
        again = [
            bench.confirm(operation, found, size, 1 if options.quick else 3, goal)
            for found in run.worst[goal][:1 if options.quick else 2]]
        rows[goal] = max(again, key=lambda found: amount(found.usage))
    return report.Row(operation.name, size, rows["processor"], rows["memory"], run.count), run


def search_all(bench, options, table):
    generator = random.Random(options.seed)
    chosen = [
        operation for operation in everything()
        if not options.only or operation.name in options.only]
    for operation in chosen:
        seeds = []
        for size in (report.SMALL, report.LARGE):
            row, run = worst_of(bench, operation, size, options, generator, seeds)
            seeds = [found.parameters for kept in run.worst.values() for found in kept[:2]]
            table.add(row)
            if options.keep and not row.is_within:
                keep(bench, operation, row, options.keep)


def keep(bench, operation, row, directory):
    """Writes the requests that are past a bound, as they are sent."""
    bench.use(operation)
    os.makedirs(directory, exist_ok=True)
    for goal, found in (("processor", row.processor), ("memory", row.memory)):
        _, request = bench.request(operation, found.parameters, row.size)
        name = f"{row.operation.replace(' ', '-')}-{row.size}-{goal}.http"
        with open(os.path.join(directory, name), "wb") as file:
            file.writelines(request.parts())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--codexflow", required=True, help="the program, built for release")
    parser.add_argument(
        "--fairness", action="store_true", help="measure GetItem beside loads, and do not search")
    parser.add_argument(
        "--seconds", type=float, help="of the search of an operation at 64 KB, twice that at "
        "16 MiB (default 3); of a measurement of --fairness (default 4)")
    parser.add_argument("--seed", type=int, help="of the search; printed")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="an operation or a load; repeatable")
    parser.add_argument(
        "--quick", action="store_true", help="fewer items, each shape once, one round")
    parser.add_argument("--keep", metavar="FOLDER", help="write requests past a bound there")
    parser.add_argument("--output", metavar="FILE", help="append the table to it")
    options = parser.parse_args()
    if options.seconds is None:
        seconds = (1.0, 4.0) if options.fairness else (0.0, 3.0)
        options.seconds = seconds[0 if options.quick else 1]
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def require_known(options):
    """Ends if a name of --only is none."""
    names = [load.name for load in fairness.LOADS] if options.fairness else [
        operation.name for operation in everything()]
    unknown = set(options.only or ()) - set(names)
    if unknown:
        sys.exit(f"--only {', '.join(sorted(unknown))}: there are {', '.join(names)}")


def main():
    options = arguments()
    require_known(options)
    if not sys.platform.startswith("linux"):
        sys.exit("worst.py reads what Linux says of a process in /proc.")
    if not os.access(options.codexflow, os.X_OK):
        sys.exit(f"{options.codexflow} is not there: make worst builds it.")
    sizes = stored.QUICK if options.quick else stored.FULL
    table = report.FairnessTable() if options.fairness else report.Table(options.seed)
    with tempfile.TemporaryDirectory(prefix="codexflow-worst-") as directory:
        print(table.title, flush=True)
        bench = Bench(options.codexflow, directory, sizes)
        try:
            if options.fairness:
                fairness.measure_all(bench.server, options, table)
            else:
                search_all(bench, options, table)
        finally:
            bench.stop()
    if options.output:
        with open(options.output, "a") as file:
            file.write(table.text)
    print("\n" + table.verdict)
    sys.exit(0 if table.is_within else 1)


if __name__ == "__main__":
    main()
