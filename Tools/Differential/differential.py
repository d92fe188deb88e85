"""Sends the same random operations to `codexflow serve`, to ministack and to moto, DynamoDBs in Python, and compares.

Compared are successful answers (but for times, identifiers and the order of a scan), types and texts of errors, the
reasons of cancellations, and after each write the items that it named. `explained.py` explains differences by AWS's
documentation or by recorded answers of AWS, or says why they cannot be decided. Any other difference ends the run
with 1.

  python differential.py --codexflow PATH --operations 100000 --seed 1
  python differential.py --codexflow PATH --peers moto --record FILE
"""

import argparse
import collections
import json
import random
import sys
import tempfile
import time

import actions
import comparison
import explained
import generator
import peers
from comparison import OK, STATE, TYPE, Case, Client

# After so many operations, all items of all tables are compared.
BATCH = 500
WRITES = {"put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items"}


class Run:
    """The operations of one seed, and the differences that they showed."""

    def __init__(self, options, clients):
        self.options = options
        self.source = generator.Generator(options.seed)
        self.ours = clients.pop("codexflow")
        self.peers = clients
        self.record = open(options.record, "w", encoding="utf-8") if options.record else None
        self.operations, self.codes = collections.Counter(), collections.Counter()
        # By peer, aspect, entry (`None` for what is unexplained), and whether both peers agree.
        self.differences = collections.Counter()
        self.shown = 0

    def setup(self):
        for table in self.source.tables:
            for client in (self.ours, *self.peers.values()):
                make(client, table)

    def perform(self):
        for number in range(self.options.operations):
            self.step(number)
            if number % BATCH == BATCH - 1 or number == self.options.operations - 1:
                self.compare_tables(number, self.source.tables)

    def step(self, number):
        """Performs one operation everywhere."""
        operation, parameters = self.source.next()
        ours = self.ours.outcome(operation, parameters)
        others = {name: client.outcome(operation, parameters) for name, client in self.peers.items()}
        self.operations[operation] += 1
        self.codes[ours.code] += 1
        if ours.code == OK:
            self.source.learn(operation, parameters)
        is_alone = comparison.is_alone(operation, ours, list(others.values()))
        named = self.source.named(operation, parameters) if operation in WRITES else []
        items = [item(self.ours, table, key) for table, key in named]
        aspects = {name: comparison.aspect(operation, ours, theirs) for name, theirs in others.items()}
        stored = [((table.name, key), found) for (table, key), found in zip(named, items)]
        changed = {name: self.changed(name, named, items) for name in others}
        for name, theirs in others.items():
            # What only one server does changes only its items.
            has_state = changed[name] and aspects[name] != TYPE
            for aspect, all_of in ((aspects[name], aspects), (STATE if has_state else None, changed)):
                if aspect:
                    self.differ(number, Case(
                        operation, parameters, name, aspect, ours, theirs, changed[name], stored,
                        self.source.is_broken, is_alone, not all(all_of.values())))
        # An item whose key is not one of the table's cannot be asked for.
        self.compare_tables(number, [table for table, key in named if not is_key(key, table)])

    def changed(self, name, named, items):
        """The items that a peer has otherwise after a write. It gets them from codexflow."""
        changed = []
        for (table, key), mine in zip(named, items):
            theirs = item(self.peers[name], table, key)
            if comparison.normal(mine) != comparison.normal(theirs):
                changed.append((key, mine, theirs))
                store(self.peers[name], table, key, mine)
        return changed

    def compare_tables(self, number, tables):
        """Compares all items. A peer with others gets codexflow's, in a new table."""
        for table in tables:
            mine = items_of(self.ours, table)
            for name, client in self.peers.items():
                theirs = items_of(client, table)
                if comparison.unordered(mine) == comparison.unordered(theirs):
                    continue
                both = [list(map(comparison.normal, items)) for items in (mine, theirs)]
                changed = [(None, one, None) for one in mine if comparison.normal(one) not in both[1]]
                changed += [(None, None, one) for one in theirs if comparison.normal(one) not in both[0]]
                nothing = comparison.Outcome(OK, "", (), None, {})
                self.differ(number, Case(
                    "scan", {"TableName": table.name}, name, STATE, nothing, nothing, changed, [], False, False,
                    False))
                client.outcome("delete_table", {"TableName": table.name})
                make(client, table)
                for one in mine:
                    store(client, table, None, one)

    def differ(self, number, case):
        entry = explained.entry(case, self.source.tables)
        self.differences[case.peer, case.aspect, entry, case.is_alone] += 1
        if self.record:
            self.record.write(json.dumps({
                "number": number, "entry": entry and entry.why, **case._asdict()}, default=written) + "\n")
        if entry is None:
            self.shown += 1
            if self.shown <= self.options.show:
                alone = ", and the other peer, too" if case.is_alone else ""
                print(f"#{number} {case.aspect} of {case.peer}{alone}: {case.operation} "
                      f"{json.dumps(case.parameters, default=written)}")
                print(f"   codexflow: {brief(case.ours)}\n   {case.peer}: {brief(case.theirs)}")
                for key, mine, theirs in case.items:
                    print(f"   item {key}\n      codexflow: {mine}\n      {case.peer}: {theirs}", flush=True)

    def report(self, seconds):
        """Prints what differs; whether all of it is explained."""
        total = sum(self.operations.values())
        good = self.codes[OK]
        print("operations:", dict(self.operations.most_common()))
        print("codes:", dict(self.codes.most_common()))
        entries = collections.Counter()
        for (peer, aspect, entry, _), count in self.differences.items():
            if entry:
                entries[entry, peer, aspect] += count
        for (entry, peer, aspect), count in entries.most_common():
            print(f"{count} {aspect} of {peer}: {entry.why}\n    {entry.source or 'undecidable'}")
        for peer in self.peers:
            found = collections.Counter()
            for (name, aspect, entry, is_alone), count in self.differences.items():
                if name == peer:
                    found[aspect] += count
                    found["cited" if entry and entry.source else "undecidable" if entry else "unexplained"] += count
            print(f"{peer}: {total} operations compared, {dict(found)}")
        alone = collections.Counter()
        for (_, aspect, entry, is_alone), count in self.differences.items():
            if is_alone:
                alone[aspect, entry.why if entry else "unexplained"] += count
        for (aspect, why), count in alone.most_common():
            print(f"all peers agree, {count} {aspect}: {why}")
        unexplained = sum(count for (_, _, entry, _), count in self.differences.items() if entry is None)
        print(f"{total} operations, {good} successful ({100 * good // total} %), "
              f"{sum(self.differences.values()) - unexplained} explained differences, {unexplained} unexplained, "
              f"{total / seconds:.0f} operations/s")
        return unexplained == 0 and good * 10 >= total * 6


def make(client, table):
    made = client.outcome("create_table", table.definition())
    if made.code != OK:
        sys.exit(f"{client.host} does not make a table: {made}")
    while client.outcome("describe_table", {"TableName": table.name}).answer["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def is_key(key, table):
    return {name: actions.type_of(value) for name, value in key.items()} == dict(table.keys) and not any(
        map(actions.is_empty, key.values()))


def item(client, table, key):
    answer = client.outcome("get_item", {"TableName": table.name, "Key": key, "ConsistentRead": True}).answer
    return (answer or {}).get("Item")


def items_of(client, table):
    return client.outcome("scan", {"TableName": table.name, "ConsistentRead": True}).answer["Items"]


def store(client, table, key, item):
    """Gives a peer an item, or takes the one with the key."""
    if item:
        client.outcome("put_item", {"TableName": table.name, "Item": item})
    else:
        client.outcome("delete_item", {"TableName": table.name, "Key": key})


def written(value):
    return comparison.encoded(value) if isinstance(value, bytes) else repr(value)


def brief(outcome):
    """An outcome without what is empty."""
    return {name: value for name, value in outcome._asdict().items() if value not in ("", (), None)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codexflow", required=True, help="the program")
    parser.add_argument("--peers", default=",".join(peers.PEERS), help="those to compare with: ministack,moto")
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--show", type=int, default=20, help="how many unexplained differences are shown")
    parser.add_argument("--record", metavar="FILE", help="write all differences, one JSON object a line")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    started = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            started.append(peers.codexflow(options.codexflow, directory))
            for package in options.peers.split(","):
                started.append(peers.peer(package, directory))
            run = Run(options, {server.name.split(" ")[0]: Client(server.url) for server in started})
            run.setup()
            begin = time.monotonic()
            run.perform()
            is_good = run.report(time.monotonic() - begin)
        finally:
            for server in started:
                server.end()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
