"""The comparison of the public API with that of a release, with a compiler that the test makes."""

import unittest

from support import FolderTest
from docs_tests import script

breakage = script("api-breakage")

LINES = ["API breakage: func Store.get(_:) has been removed", "API breakage: struct Old has been removed"]


class BreakageTests(FolderTest):
    def setUp(self):
        super().setUp()
        self.allowlist = self.folder / "allowlist"
        self.arguments_file = self.folder / "arguments"
        self.given_file = self.folder / "given"

    def compare(self, *lines, status=0, arguments=("HEAD",)):
        printed = "".join(f'echo "  💔 {line}"\n' for line in lines)
        self.program("swift", f"""echo "$@" > {self.arguments_file}
while [ "$1" != --breakage-allowlist-path ]; do shift; done
cp "$2" {self.given_file}
{printed}exit {status}
""")
        return self.run_script(
            "api-breakage", *arguments, "--allowlist", str(self.allowlist),
            SWIFT=str(self.folder / "bin" / "swift"))

    def test_no_change_is_no_error(self):
        result = self.compare()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("none since HEAD", result.stdout)
        arguments = self.arguments_file.read_text()
        self.assertIn("diagnose-api-breaking-changes HEAD", arguments)
        self.assertNotIn("_MeasuredPaths", arguments)

    def test_a_change_that_is_not_accepted_is_an_error(self):
        result = self.compare(LINES[0], status=1)
        self.assertEqual(result.returncode, 1)
        self.assertIn(LINES[0], result.stdout)
        self.assertIn("1 breaking changes since HEAD are not accepted", result.stderr)

    def test_the_tool_gets_the_accepted_changes_without_comments(self):
        self.allowlist.write_text(f"# The reason.\n\n{LINES[0]}\n  {LINES[1]}\n")
        self.assertEqual(self.compare().returncode, 0)
        self.assertEqual(self.given_file.read_text().splitlines(), LINES)

    def test_accepting_adds_each_change_once(self):
        self.allowlist.write_text(f"# The reason.\n{LINES[0]}\n")
        result = self.compare(LINES[1], LINES[1], status=1, arguments=("HEAD", "--accept"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(breakage.accepted(self.allowlist), LINES)

    def test_a_comparison_that_fails_is_an_error(self):
        result = self.compare(status=1)
        self.assertEqual(result.returncode, 1)
        self.assertIn("the comparison failed", result.stderr)

    def test_a_commit_that_does_not_exist_is_named(self):
        result = self.compare(arguments=("no-such-tag",))
        self.assertEqual(result.returncode, 1)
        self.assertIn("no-such-tag: there is no such tag or commit", result.stderr)

    def test_the_list_of_the_repository_is_read(self):
        for line in breakage.accepted(breakage.ALLOWLIST):
            self.assertRegex(line, "^API breakage: ")


if __name__ == "__main__":
    unittest.main()
