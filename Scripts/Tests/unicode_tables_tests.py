"""The tables of Unicode: one version of it makes them, and the files are those that it makes."""

import contextlib
import io
import unicodedata
import unittest
from unittest import mock

from support import FolderTest
from docs_tests import script

tables = script("unicode-tables")
HAS_VERSION = unicodedata.unidata_version == tables.UNICODE_VERSION


class UnicodeTablesTests(FolderTest):
    def run_main(self, version, *arguments):
        """Runs the script in the test's folder, with a version of Unicode; gives why it failed, or None."""
        with mock.patch.object(tables, "ROOT", self.folder), \
                mock.patch.object(tables.unicodedata, "unidata_version", version), \
                mock.patch("sys.argv", ["unicode-tables", *arguments]), \
                contextlib.redirect_stdout(io.StringIO()):
            try:
                tables.main()
            except SystemExit as end:
                return str(end.code)
        return None

    def test_another_version_of_unicode_writes_nothing(self):
        for version in ["13.0.0", "15.0.0"]:
            self.assertIn(f"this Python has Unicode {version}", self.run_main(version))
            self.assertEqual(list(self.folder.iterdir()), [])

    @unittest.skipUnless(HAS_VERSION, "this Python has another version of Unicode")
    def test_the_files_of_the_repository_are_those_that_it_writes(self):
        result = self.run_script("unicode-tables", "--check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_check_names_the_files_that_differ_and_writes_none(self):
        with mock.patch.object(tables, "tables", lambda: {"A.swift": "a", "B.swift": "b"}), \
                mock.patch.object(tables, "cases", lambda: "c"):
            (self.folder / "A.swift").write_text("a")
            failure = self.run_main(tables.UNICODE_VERSION, "--check")
            self.assertIn("B.swift", failure)
            self.assertNotIn("A.swift", failure)
            self.assertFalse((self.folder / "B.swift").exists())
            self.assertIsNone(self.run_main(tables.UNICODE_VERSION))
            self.assertEqual((self.folder / "B.swift").read_text(), "b")
            self.assertIsNone(self.run_main(tables.UNICODE_VERSION, "--check"))


if __name__ == "__main__":
    unittest.main()
