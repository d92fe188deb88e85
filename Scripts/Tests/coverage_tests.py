"""What Scripts/coverage.py reads of llvm-cov's export, and when it fails."""

import contextlib
import io
import unittest
from unittest import mock

from support import ROOT, FolderTest
import coverage
import parts


def lcov(root, **files):
    """An export with a count for each line of the files in CodexStore/Commit."""
    records = []
    for name, counts in files.items():
        lines = "".join(f"DA:{line},{count}\n" for line, count in counts.items())
        records.append(f"SF:{root}/Sources/CodexStore/Commit/{name}.swift\nFN:1,f\n{lines}LF:3\nend_of_record\n")
    return "".join(records)


class ParseTests(unittest.TestCase):
    def test_counts_by_file(self):
        text = lcov("/r", A={1: 3, 2: 0}) + "SF:/other/B.swift\nDA:7,1,checksum\nend_of_record\n"
        self.assertEqual(coverage.parse(text, "/r"), {
            "Sources/CodexStore/Commit/A.swift": {1: 3, 2: 0}, "/other/B.swift": {7: 1}})

    def test_a_line_of_several_programs_was_run_if_one_ran_it(self):
        for first, second in ((0, 2), (2, 0)):
            text = lcov("/r", A={1: first}) + lcov("/r", A={1: second})
            self.assertEqual(coverage.parse(text, "/r"), {"Sources/CodexStore/Commit/A.swift": {1: 2}})

    def test_nothing(self):
        self.assertEqual(coverage.parse(""), {})

    def test_the_lines_of_a_module(self):
        files = {"Sources/CodexStore/A.swift": {1: 1, 2: 0}, "Sources/CodexStoreToo/B.swift": {1: 0},
                 "Tests/CodexStore/C.swift": {1: 0}, "Sources/CodexStore/B/D.swift": {9: 4}}
        self.assertEqual(coverage.covered(files, "CodexStore"), (2, 3))
        self.assertEqual(coverage.covered(files, "CodexCore"), (0, 0))

    def test_reasons(self):
        text = "# a comment\n\nA.swift | return nil | The caller has checked it.\n"
        self.assertEqual(coverage.read_reasons(text), [
            coverage.Reason("A.swift", "return nil", "The caller has checked it.")])
        for wrong in ("A.swift | return nil", "A.swift | return nil | ", "A | B | C | D"):
            with self.assertRaises(SystemExit):
                coverage.read_reasons(wrong)

    def test_areas_are_folders(self):
        for prefixes in coverage.AREAS.values():
            for prefix in prefixes:
                self.assertTrue(list((ROOT / prefix).glob("*.swift")), prefix)
        for known in coverage.read_reasons(coverage.REASONS.read_text()):
            self.assertIn(known.text, (ROOT / known.path).read_text())


class ReportTests(FolderTest):
    def setUp(self):
        super().setUp()
        self.commit = self.folder / "Sources/CodexStore/Commit"
        self.commit.mkdir(parents=True)

    def files(self, **counts):
        """The counts of files whose line n says `line n`."""
        for name in counts:
            (self.commit / f"{name}.swift").write_text("".join(f"    line {n}\n" for n in range(1, 11)))
        return coverage.parse(lcov(self.folder, **counts), self.folder)

    def places(self, **counts):
        found = coverage.gaps(self.files(**counts), coverage.AREAS["commit"], self.folder)
        return [gap.place.removeprefix("Sources/CodexStore/Commit/") for gap in found]

    def test_gaps(self):
        self.assertEqual(self.places(A={1: 1, 2: 5}), [])
        self.assertEqual(self.places(A={1: 0}), ["A.swift:1"])
        # Lines 4 and 6 have no code.
        self.assertEqual(self.places(A={2: 1, 3: 0, 5: 0, 7: 1, 9: 0, 10: 0}), ["A.swift:3-5", "A.swift:9-10"])
        self.assertEqual(self.places(B={1: 0}, A={10: 0}), ["A.swift:10", "B.swift:1"])

    def test_the_reason_of_a_gap(self):
        gap = coverage.Gap("A.swift", 3, 5, "guard isOpen else {")
        known = coverage.Reason("A.swift", "guard isOpen", "It is open.")
        self.assertEqual(coverage.reason(gap, [known]), known)
        for other in (known._replace(path="B.swift"), known._replace(text="isOpen")):
            self.assertIsNone(coverage.reason(gap, [other]))

    def report(self, files, reasons=(), minimum=90):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            low = coverage.report(files, list(reasons), minimum, self.folder)
        return low, printed.getvalue()

    def test_the_minimum(self):
        for count, is_low in ((8, True), (9, False), (10, False)):
            files = self.files(A={line: int(line <= count) for line in range(1, 11)})
            low, printed = self.report(files)
            self.assertEqual("CodexStore" in low, is_low)
            self.assertIn(f"{10 * count}.0 %", printed)

    def test_a_module_without_lines_is_too_low(self):
        self.assertEqual(self.report({})[0], coverage.MODULES)

    def test_gaps_with_and_without_a_reason(self):
        path = "Sources/CodexStore/Commit/A.swift"
        files = self.files(A={1: 0, 2: 1, 3: 0})
        printed = self.report(files, [coverage.Reason(path, "line 3", "Nothing calls it.")])[1]
        self.assertIn("commit: 2 gaps, 1 without a reason", printed)
        self.assertIn("Nothing calls it.", printed)
        self.assertNotIn("any more", printed)

    def test_a_reason_of_a_line_that_is_covered(self):
        known = coverage.Reason("Sources/CodexStore/Commit/A.swift", "line 2", "Nothing calls it.")
        self.assertIn("any more", self.report(self.files(A={2: 1}), [known])[1])


class CollectTests(FolderTest):
    def test_the_profiles_of_each_part_are_kept(self):
        scratch = self.folder / "scratch"
        # It removes the profiles of the run before, as SwiftPM does.
        self.program("tests", f"mkdir -p {scratch}/debug/codecov; rm -f {scratch}/debug/codecov/*; "
                              f"touch {scratch}/debug/codecov/default.profraw")
        with contextlib.redirect_stdout(io.StringIO()), mock.patch.object(coverage, "ROOT", self.folder):
            self.assertEqual(coverage.collect([str(self.folder / "bin/tests")], scratch), 0)
        self.assertEqual(len(list((scratch / "profiles").glob("*.profraw"))), len(parts.PARTS))

    def test_a_part_that_fails(self):
        self.program("tests", 'case "$*" in *TortureTests) exit 1;; esac')
        with contextlib.redirect_stdout(io.StringIO()), mock.patch.object(coverage, "ROOT", self.folder):
            self.assertEqual(coverage.collect([str(self.folder / "bin/tests")], self.folder / "scratch"), 1)

    def test_no_profiles(self):
        (self.folder / "profiles").mkdir()
        with self.assertRaises(SystemExit):
            coverage.export("swift", self.folder)

    def test_tools_beside_the_compiler_come_first(self):
        self.program("swift", "")
        self.program("llvm-cov", "")
        swift = str(self.folder / "bin/swift")
        self.assertEqual(coverage.tool("llvm-cov", swift), [str(self.folder / "bin/llvm-cov")])
        self.assertEqual(coverage.tool("no-such-tool", swift), ["xcrun", "no-such-tool"])

    def test_the_program_of_a_bundle(self):
        self.assertEqual(coverage.program(self.folder, "a.xctest"), self.folder / "a.xctest")
        (self.folder / "a.xctest").mkdir()
        self.assertEqual(coverage.program(self.folder, "a.xctest"), self.folder / "a.xctest/Contents/MacOS/a")


if __name__ == "__main__":
    unittest.main()
