"""The journeys through the code: their form, and that their files are there."""

import re
import subprocess
import unittest

from support import ROOT, FolderTest
from docs_tests import script

journeys = script("journeys")

LIST = """# A comment.
== get | 2

a/A.swift | read | the call
b/B.swift | Box | the value
a/A.swift | init | the start
"""


class JourneyTests(FolderTest):
    def setUp(self):
        super().setUp()
        self.list = self.folder / "journeys.txt"
        self.list.write_text(LIST)
        for name, text in (
            ("a/A.swift", "extension Box {\n    public init?(_ text: String) {}\n    func read<R>() {}\n}\n"),
            ("b/B.swift", "final class Box: Sendable {}\n"),
        ):
            (self.folder / name).parent.mkdir()
            (self.folder / name).write_text(text)

    def run_journeys(self, *arguments):
        return self.run_script(
            "journeys", "--list", str(self.list), "--root", str(self.folder), *arguments)

    def test_it_counts_each_file_and_folder_once_beside_the_goal(self):
        result = self.run_journeys()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines()[1].split(), ["get", "2", "2", "2"])

    def test_a_count_above_the_goal_is_marked_and_no_error(self):
        self.list.write_text(LIST.replace("| 2", "| 1"))
        result = self.run_journeys()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 above the goal", result.stdout)

    def test_it_lists_the_files_with_their_reasons(self):
        lines = self.run_journeys("--files", "GE").stdout.splitlines()
        self.assertIn("   1. a/A.swift — read: the call; init: the start", lines)

    def test_a_missing_file_and_a_missing_declaration_are_errors(self):
        (self.folder / "b/B.swift").unlink()
        (self.folder / "a/A.swift").write_text("// func read() {}\nlet x = read()\ninit(){}\n")
        result = self.run_journeys()
        self.assertEqual(result.returncode, 1)
        self.assertIn("line 5: there is no b/B.swift", result.stderr)
        self.assertIn("line 4: a/A.swift does not declare read", result.stderr)
        self.assertNotIn("line 6", result.stderr)

    def test_a_line_of_another_form_is_named(self):
        for text in ("a | b | c\n", "== get\n", "== get | two\n", "== get | 2\na | b\n", "== get | 2\na | | c\n"):
            with self.assertRaisesRegex(journeys.Failure, r"line \d: ", msg=text):
                journeys.parse(text)

    def test_the_journeys_of_the_repository_are_true(self):
        found = journeys.parse((ROOT / "Scripts" / "journeys.txt").read_text())
        self.assertEqual([journey.goal for journey in found], [12, 35, 12, 18, 35])
        self.assertEqual(journeys.problems(found, ROOT), [])


class HelpTests(unittest.TestCase):
    """make help, and that it has all targets."""

    def test_each_target_is_in_the_help_with_a_description(self):
        makefile = (ROOT / "Makefile").read_text()
        targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.M)) - {"endpoint-figures"}
        shown = subprocess.run(
            ["make", "-s", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
        listed = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", shown, re.M))
        self.assertEqual(set(listed), targets)

    def test_each_target_is_phony(self):
        makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
        phony = set(re.search(r"^\.PHONY:(.*)$", makefile, re.M).group(1).split())
        self.assertEqual(phony, set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.M)))


if __name__ == "__main__":
    unittest.main()
