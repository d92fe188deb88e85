"""Which tests run under a sanitizer, with which options, and what makes the run fail."""

import contextlib
import io
import re
import unittest

from support import ROOT, FolderTest
import parts
import sanitize

SANITIZERS = ("address", "thread", "undefined")


class PartTests(unittest.TestCase):
    def test_each_test_is_in_one_part(self):
        """A test target is run alone, or with all others, and the last part names all that run alone."""
        filters = [part[1] for part in parts.PARTS[:-1]]
        self.assertEqual(filters, ["DurabilityTests", "TortureTests", *parts.ALONE[1:]])
        self.assertEqual(parts.PARTS[-1][1::2], parts.ALONE)
        self.assertTrue(all(word == "--skip" for word in parts.PARTS[-1][::2]))

    def test_the_makefile_has_the_same_parts(self):
        makefile = (ROOT / "Makefile").read_text()
        for part in parts.PARTS:
            self.assertIn(" ".join(part) + "\n", makefile)


class ExclusionTests(unittest.TestCase):
    def test_excluded_tests_are_there(self):
        for exclusion in sanitize.EXCLUDED:
            module, name = exclusion.test.split(".")
            suite, _, function = name.partition("/")
            text = "".join(file.read_text() for file in (ROOT / "Tests" / module).glob("*.swift"))
            self.assertRegex(text, rf"struct {suite}\b", exclusion.test)
            if function:
                self.assertRegex(text, rf"func {function}\(", exclusion.test)

    def test_each_exclusion_has_a_reason(self):
        for exclusion in sanitize.EXCLUDED:
            self.assertGreater(len(exclusion.reason.split()), 4)
            self.assertLessEqual(set(exclusion.sanitizers), set(SANITIZERS))

    def test_the_document_names_each_exclusion(self):
        document = (ROOT / "Docs/Reliability.md").read_text()
        for exclusion in sanitize.EXCLUDED:
            self.assertIn(f"`{exclusion.test.split('.')[1]}`", document)

    def test_patterns_match_their_test_alone(self):
        function = sanitize.Exclusion(("thread",), "ATests.BTests/child", "")
        suite = sanitize.Exclusion(("thread",), "ATests.BTests", "")
        self.assertTrue(re.search(function.pattern, "ATests.BTests/child()"))
        self.assertFalse(re.search(function.pattern, "ATests.BTests/children()"))
        for name in ("ATests.BTests/child()", "ATests.BTests/other(x:)"):
            self.assertTrue(re.search(suite.pattern, name))
        self.assertFalse(re.search(suite.pattern, "ATests.BTestsToo/child()"))

    def test_each_suppression_is_explained(self):
        """A comment comes directly before each pattern."""
        for file in sanitize.SUPPRESSIONS.glob("*.txt"):
            self.assertIn(file.stem, SANITIZERS)
            before = ""
            for line in file.read_text().splitlines():
                if line.strip() and not line.startswith("#"):
                    self.assertTrue(before.startswith("#"), f"{file.name}: {line}")
                before = line


class OptionTests(unittest.TestCase):
    def test_excluded_tests_are_skipped(self):
        for sanitizer in ("address", "thread"):
            names = [exclusion.pattern for exclusion in sanitize.EXCLUDED if sanitizer in exclusion.sanitizers]
            self.assertTrue(names)
            for part in sanitize.test_parts(sanitizer):
                self.assertEqual([word for word in part if word in names], names)

    def test_the_whole_suite_runs(self):
        self.assertEqual(len(sanitize.test_parts("address")), len(parts.PARTS))
        self.assertFalse([word for part in sanitize.test_parts("thread") for word in part if word == "--filter"])

    def test_builds(self):
        self.assertEqual(sanitize.options("address"), ["--sanitize", "address"])
        self.assertEqual(sanitize.options("thread"), ["--sanitize", "thread", "--no-parallel"])
        self.assertIn("-fsanitize=undefined", sanitize.options("undefined"))

    def test_variables(self):
        self.assertIn("log_path=there/report", sanitize.environment("address", "there")["ASAN_OPTIONS"])
        self.assertIn("suppressions=", sanitize.environment("thread", "there")["TSAN_OPTIONS"])
        self.assertNotIn("ASAN_OPTIONS", sanitize.environment("undefined", "there"))


class RunTests(FolderTest):
    def run_tests(self, script, sanitizer="thread"):
        """Runs a program in the place of the tests; gives the result and what was printed."""
        self.program("tests", script)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = sanitize.run(sanitizer, [str(self.folder / "bin/tests")], self.folder)
        return status, printed.getvalue()

    def test_tests_that_pass(self):
        for sanitizer in SANITIZERS:
            self.assertEqual(self.run_tests("exit 0", sanitizer)[0], 0)

    def test_tests_that_fail(self):
        for sanitizer in SANITIZERS:
            self.assertEqual(self.run_tests("exit 3", sanitizer)[0], 1)

    def test_a_part_that_fails_before_others(self):
        script = 'case "$*" in *"--filter DurabilityTests"*) exit 1;; esac'
        self.assertEqual(self.run_tests(script, "address")[0], 1)

    def test_a_report_of_a_process_that_was_killed(self):
        status, printed = self.run_tests("echo 'WARNING: data race' > .build-thread/reports/report.7")
        self.assertEqual(status, 1)
        self.assertIn("data race", printed)
        self.assertIn("1 processes", printed)

    def test_reports_of_an_earlier_run_do_not_count(self):
        self.run_tests("echo race > .build-thread/reports/report.7")
        self.assertEqual(self.run_tests("exit 0")[0], 0)

    def test_an_empty_report_is_none(self):
        self.assertEqual(self.run_tests("touch .build-thread/reports/report.7")[0], 0)

    def test_a_long_report_is_cut(self):
        limit = sanitize.SHOWN_LINES
        for count in (limit - 1, limit, limit + 1):
            script = f"for n in $(seq {count}); do echo line-$n; done > .build-thread/reports/report.7"
            printed = self.run_tests(script)[1]
            self.assertEqual("more lines" in printed, count > limit)

    def test_usage(self):
        for arguments in ([], ["memory", "swift"], ["thread"]):
            with self.assertRaises(SystemExit):
                sanitize.main(arguments)


if __name__ == "__main__":
    unittest.main()
