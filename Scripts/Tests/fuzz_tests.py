"""What Scripts/fuzz.py tells libFuzzer, and what it reads of its output."""

import unittest
from unittest import mock

from support import FolderTest
import fuzz

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

    def test_what_has_failed(self):
        self.assertFalse(fuzz.has_failed(0, fuzz.parse(SOUND)))
        self.assertTrue(fuzz.has_failed(77, fuzz.parse(SOUND)))
        self.assertTrue(fuzz.has_failed(0, fuzz.parse("")))

    def test_the_targets(self):
        known = ["items", "json", "keys"]
        self.assertEqual(fuzz.chosen(known, ["all"]), known)
        self.assertEqual(fuzz.chosen(known, ["all"], ["json"]), ["items", "keys"])
        self.assertEqual(fuzz.chosen(known, ["keys", "items"]), ["keys", "items"])
        for wanted, without in ((["item"], []), (["all"], ["item"]), (["keys"], ["keys"]), ([], [])):
            with self.assertRaises(SystemExit):
                fuzz.chosen(known, wanted, without)
        with self.assertRaises(SystemExit):
            fuzz.chosen([], ["all"])

    def test_equal_shares(self):
        self.assertEqual(fuzz.share(60, 1, 16), 3)
        self.assertEqual(fuzz.share(60, 2, 16), 7)
        self.assertEqual(fuzz.share(16, 1, 16), 1)
        self.assertEqual(fuzz.share(15, 1, 16), 1)
        self.assertEqual(fuzz.share(3600, 1, 1), 3600)

    def test_the_command(self):
        words = fuzz.command("codex-fuzz", "items", 7, "work")
        self.assertEqual(words[0], "codex-fuzz")
        self.assertIn("-max_total_time=7", words)
        self.assertEqual(words[-2:], ["work", str(fuzz.CORPUS / "items")])
        self.assertFalse([word for word in words if word.startswith("-seed")])
        self.assertIn("-seed=1", fuzz.command("codex-fuzz", "items", 7, "work", 1))


# Answers as libFuzzer does: it lists its folders, writes an input into the first, and ends as its name says.
PROGRAM = """#!/usr/bin/env python3
import os, pathlib, sys
folders = [word for word in sys.argv[1:] if not word.startswith("-")]
pathlib.Path(folders[0], "new").write_text("new")
pathlib.Path(os.environ["TMPDIR"], "store").write_text("")
print("stat::number_of_executed_units: 5")
print(os.environ["FUZZ_TARGET"], len(os.listdir(folders[0])))
sys.exit(3 if "crash" in sys.argv[0] else 0)
"""


class RunTests(FolderTest):
    def setUp(self):
        super().setUp()
        replaced = mock.patch.object(fuzz, "WORK", self.folder / "work")
        replaced.start()
        self.addCleanup(replaced.stop)
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()

    def run_twice(self, name, **options):
        program = self.folder / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
        return [fuzz.run(str(program), "items", 1, self.temporary, **options) for _ in range(2)]

    def test_inputs_are_kept_for_the_next_run(self):
        first, second = self.run_twice("sound")
        self.assertEqual(first[0], 0)
        self.assertIn("items 1", first[1])
        self.assertTrue((self.folder / "work/corpus/items/new").exists())
        self.assertEqual(second, first)

    def test_a_fresh_run_keeps_no_inputs(self):
        self.run_twice("sound", fresh=True)
        self.assertFalse((self.folder / "work/corpus").exists())
        self.assertTrue((self.folder / "work/findings").is_dir())

    def test_the_result_of_a_crash(self):
        for code, output in self.run_twice("crash"):
            self.assertTrue(fuzz.has_failed(code, fuzz.parse(output)))


if __name__ == "__main__":
    unittest.main()
