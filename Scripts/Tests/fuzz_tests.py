"""What Scripts/fuzz.py reads of libFuzzer's output."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import fuzz  # noqa: E402

SOUND = """INFO: Loaded 1 modules   (4000 inline 8-bit counters): 4000 [0x1, 0x2),
#2	INITED cov: 300 ft: 400 corp: 1/1b exec/s: 0 rss: 36Mb
#5000	DONE   cov: 1000 ft: 2000 corp: 30/90b lim: 4 exec/s: 500 rss: 36Mb
stat::number_of_executed_units: 5000
"""
CRASHED = """INFO: Loaded 1 modules   (4000 inline 8-bit counters): 4000 [0x1, 0x2),
#17	NEW    cov: 310 ft: 400 corp: 1/1b exec/s: 0 rss: 36Mb
FuzzTargets/FuzzTarget.swift:70: Fatal error: Violated: encoding keeps the item
==1== ERROR: libFuzzer: deadly signal
artifact_prefix='findings/items-'; Test unit written to findings/items-crash-0123
"""


class FuzzTests(unittest.TestCase):
    def test_a_sound_run(self):
        self.assertEqual(fuzz.parse(SOUND), fuzz.Result(5000, 1000, 4000, None))
        self.assertIn("500/s", fuzz.row("items", fuzz.parse(SOUND), 10))
        self.assertIn("(25.0 %)", fuzz.row("items", fuzz.parse(SOUND), 10))

    def test_a_finding(self):
        self.assertEqual(fuzz.parse(CRASHED), fuzz.Result(17, 310, 4000, "findings/items-crash-0123"))
        self.assertEqual(len(fuzz.reason(CRASHED)), 2)

    def test_no_output(self):
        self.assertEqual(fuzz.parse(""), fuzz.Result(0, 0, 0, None))
        self.assertIn("?", fuzz.row("items", fuzz.parse(""), 0))


if __name__ == "__main__":
    unittest.main()
