"""Tools/Differential/effects.py finds what is lost and doubled; network.py and partition.py say what they cannot do."""

import contextlib
import io
import random
import subprocess
import sys
import unittest
from unittest import mock

from support import ROOT

sys.path.insert(0, str(ROOT / "Tools" / "Differential"))

import effects
import network
import partition
from effects import COMMENT, COMPLETE, CREATE, DONE, FAULT, REFUSED, UNKNOWN, Operation

LIMIT = 10


def entry(kind, status=None):
    changes = [{"field": "status", "from": "inProgress", "to": status}] if status else []
    return {"kind": kind, "changes": changes}


def task(title, key, status="inProgress", comments=(), history=()):
    entries = [entry("created"), *(entry("commented") for _ in comments), *history]
    return {"title": title, "key": key, "status": status, "comments": list(comments), "history": entries}


class EffectTests(unittest.TestCase):
    def words(self, outcomes, count, kind=CREATE):
        """The first words of the findings for one effect that is there so many times."""
        operations = [Operation(kind, "x", outcome) for outcome in outcomes]
        found = effects.findings(operations, {(kind, "x"): count} if count else {}, LIMIT)
        return [line.split(":")[0] for line in found]

    def test_acknowledged(self):
        for kind in (CREATE, COMMENT, COMPLETE):
            self.assertEqual(self.words([DONE], 1, kind), [])
            self.assertEqual(self.words([DONE], 0, kind), ["lost"])
            self.assertEqual(self.words([DONE], 2, kind), ["doubled"])

    def test_unknown(self):
        for kind in (CREATE, COMMENT, COMPLETE):
            self.assertEqual([self.words([UNKNOWN], count, kind) for count in (0, 1, 2)], [[], [], ["doubled"]])

    def test_refused(self):
        self.assertEqual(self.words([REFUSED], 0), [])
        self.assertEqual(self.words([REFUSED], 1), ["not acknowledged, and there"])
        self.assertEqual(self.words([], 1), ["not acknowledged, and there"])

    def test_completed_again(self):
        for outcomes in ([DONE, DONE], [UNKNOWN, DONE], [REFUSED, DONE]):
            self.assertEqual([self.words(outcomes, count, COMPLETE) for count in (0, 1, 2)],
                             [["lost"], [], ["doubled"]])

    def test_answers(self):
        operations = [Operation(CREATE, "x", FAULT, 0, "status 500, code internal")]
        self.assertIn("status 500", effects.findings(operations, {}, LIMIT)[0])
        for seconds, count in ((LIMIT - 1, 0), (LIMIT, 0), (LIMIT + 1, 1)):
            operations = [Operation(CREATE, "x", REFUSED, seconds)]
            self.assertEqual(len(effects.findings(operations, {}, LIMIT)), count)

    def test_outcomes(self):
        for answer, outcome in (
                ((200, None, None), DONE), ((201, None, None), DONE), ((500, "outcomeUnknown", None), UNKNOWN),
                ((500, "internal", None), FAULT), ((503, "unavailable", "1"), REFUSED),
                ((503, "unavailable", None), FAULT), ((503, "other", "1"), FAULT),
                ((409, "ruleViolated", None), FAULT), ((None, None, None), FAULT)):
            self.assertEqual(effects.outcome(*answer), outcome)

    def test_observed(self):
        tasks = [task("x", "ENG-1", "done", ["c", "c"], [entry("moved", "done"), entry("moved", "done")]),
                 task("x", "ENG-2", history=[entry("moved", "todo")])]
        self.assertEqual(effects.observed(tasks), {(CREATE, "x"): 2, (COMMENT, "c"): 2, (COMPLETE, "x"): 2})

    def test_rules(self):
        sound = task("x", "ENG-1", "done", ["c"], [entry("moved", "done")])
        self.assertEqual(effects.broken_rules([sound, task("y", "ENG-2")]), [])
        for broken in ([sound, task("y", "ENG-1")], [task("x", "ENG-1", history=[entry("created")])],
                       [task("x", "ENG-1", "done")], [task("x", "ENG-1", history=[entry("moved", "done")])],
                       [task("x", "ENG-1", history=[entry("commented")])]):
            self.assertEqual(len(effects.broken_rules(broken)), 1, broken)


class NetworkTests(unittest.TestCase):
    def test_missing(self):
        with mock.patch.object(sys, "platform", "darwin"):
            self.assertEqual(network.missing(), ["It needs Linux, with network namespaces."])
        with mock.patch.object(sys, "platform", "linux"), mock.patch.object(network.os, "geteuid", return_value=1), \
                mock.patch.object(network.shutil, "which", return_value=None):
            self.assertEqual(len(network.missing()), 3)

    def test_unavailable(self):
        refusal = subprocess.CalledProcessError(1, "ip", stderr="Operation not permitted\n")
        with mock.patch.object(network, "missing", return_value=[]), \
                mock.patch.object(network, "ip", side_effect=refusal), \
                mock.patch.object(network.subprocess, "run") as run:
            with self.assertRaisesRegex(network.Unavailable, "links: Operation not permitted$"):
                network.Network(("a", "b")).__enter__()
        # What was made is removed.
        self.assertEqual(run.call_count, 3)

    def test_unsent(self):
        text = ("ESTAB 0 0 10.28.1.2:40000 10.28.1.1:8000\n"
                "FIN-WAIT-1 0 120 10.28.1.2:40002 10.28.1.1:8000\n"
                "ESTAB 0 7 127.0.0.1:8080 127.0.0.1:40004\n"
                "LISTEN 0 256 127.0.0.1:8080 0.0.0.0:*\n")
        self.assertEqual(network.unsent_count(text, "10.28.1.1:8000"), 1)
        self.assertEqual(network.unsent_count("", "10.28.1.1:8000"), 0)

    def test_addresses(self):
        places = network.Network(("a", "b"))
        self.assertEqual([places.address(place) for place in places.places], ["10.28.1.1", "10.28.2.1"])


class RunTests(unittest.TestCase):
    def main(self, error):
        """What a run that ends with an error prints, and its exit code."""
        words = ["partition.py", "--codexflow", "c", "--task-service", "t", "--seed", "1"]
        output = io.StringIO()
        with mock.patch.object(sys, "argv", words), \
                mock.patch.object(partition.Network, "__enter__", side_effect=error), \
                contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return partition.main(), output.getvalue()

    def test_skipped(self):
        code, text = self.main(partition.Unavailable("It needs root."))
        self.assertEqual((code, text), (0, "seed 1\npartition.py: skipped. It needs root.\n"))

    def test_failure(self):
        code, text = self.main(partition.Failure("the services do not answer"))
        self.assertEqual(code, 1)
        self.assertIn("the services do not answer", text)

    def client(self, *answers):
        ledger = partition.Ledger()
        client = partition.Client("a", 0, "token", 1, ledger)
        send = mock.patch.object(partition, "send", side_effect=answers)
        self.addCleanup(send.stop)
        return client, ledger, send.start()

    def test_client(self):
        created = partition.Answer(201, {"data": {"key": "ENG-1"}})
        unknown = partition.Answer(500, {"error": {"code": "outcomeUnknown"}})
        client, ledger, _ = self.client(created, unknown, partition.Answer(200, {"data": {}}))
        client.step()
        self.assertEqual((ledger.titles, ledger.open), ({"ENG-1": "a0-1"}, ["ENG-1"]))
        for expected in (["ENG-1"], []):
            client.complete(ledger.take_open(random.Random(1)))
            self.assertEqual(ledger.open, expected)
        self.assertEqual([operation.outcome for operation in ledger.operations], [DONE, UNKNOWN, DONE])
        self.assertEqual({operation.name for operation in ledger.operations}, {"a0-1"})

    def test_progress(self):
        ledger = partition.Ledger()
        before = ledger.snapshot()
        with mock.patch.object(ledger, "snapshot", return_value=before), mock.patch.object(partition, "PATIENCE", 0):
            for _ in range(partition.CLIENT_COUNT):
                with self.assertRaisesRegex(partition.Failure, "nothing happens"):
                    partition.require_progress(ledger, ["a"], "nothing happens")
                ledger.add("a", Operation(CREATE, "x", DONE))
            partition.require_progress(ledger, ["a"], "nothing happens")
            with self.assertRaises(partition.Failure):
                partition.require_progress(ledger, ["a", "b"], "nothing happens")


if __name__ == "__main__":
    unittest.main()
