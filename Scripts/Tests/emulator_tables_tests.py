"""Tools/Differential/emulator_tables.py: what is written, and where."""

import collections
import pathlib
import sys
import tempfile
import unittest

from support import ROOT

sys.path.insert(0, str(ROOT / "Tools" / "Differential"))

import emulator_tables
from emulator_tables import DIFFERS, SAME, UNSUPPORTED, Result

Behaviour = collections.namedtuple("Behaviour", "name source expected")
Emulator = collections.namedtuple("Emulator", "name start")

CHOSEN = [Behaviour("a|b", "https://example.com/1", 1), Behaviour("c", "https://example.com/2", "error X")]
EMULATORS = [Emulator("ours", 0.0421), Emulator("theirs 1.0", None)]
COLUMNS = [[Result(SAME, None), Result(SAME, None)],
           [Result(DIFFERS, "2"), Result(SAME, None)]]


class MarkdownTests(unittest.TestCase):
    def test_only_behaviours_that_differ_are_shown(self):
        self.assertEqual(emulator_tables.markdown(CHOSEN, EMULATORS, COLUMNS), """\
| emulator | same | differs | unsupported | starts in |
| --- | --- | --- | --- | --- |
| ours | 2 | 0 | 0 | 42 ms |
| theirs 1.0 | 1 | 1 | 0 |  |

| behaviour | DynamoDB | ours | theirs 1.0 |
| --- | --- | --- | --- |
| [a\\|b](https://example.com/1) | `1` | same | `2` |
""")

    def test_what_is_unsupported_is_shown(self):
        columns = [COLUMNS[0], [Result(SAME, None), Result(UNSUPPORTED, None)]]
        text = emulator_tables.markdown(CHOSEN, EMULATORS, columns)
        self.assertEqual(
            text.splitlines()[-1], "| [c](https://example.com/2) | `error X` | same | unsupported |")

    def test_a_long_value_is_cut(self):
        self.assertEqual(emulator_tables.shown("x" * 70), "x" * 70)
        self.assertEqual(emulator_tables.shown("x" * 71), "x" * 69 + "…")


class DocumentTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name) / "document.md"

    def test_a_table_is_replaced_and_the_rest_stays(self):
        self.path.write_text("a\n<!-- emulators -->\nold\n<!-- end of emulators -->\nb\n", encoding="utf-8")
        emulator_tables.write(self.path, "new\n")
        self.assertEqual(self.path.read_text(encoding="utf-8"),
                         "a\n<!-- emulators -->\nnew\n<!-- end of emulators -->\nb\n")

    def test_a_new_file_has_marks_and_can_be_written_again(self):
        for text in ("first\n", "second\n"):
            emulator_tables.write(self.path, text)
            self.assertEqual(self.path.read_text(encoding="utf-8"),
                             f"<!-- emulators -->\n{text}<!-- end of emulators -->\n")

    def test_a_file_without_marks_stays(self):
        for text in ("", "a\n", "<!-- emulators -->\n", "<!-- end of emulators -->\n<!-- emulators -->\n"):
            self.path.write_text(text, encoding="utf-8")
            with self.assertRaises(ValueError):
                emulator_tables.write(self.path, "new\n")
            self.assertEqual(self.path.read_text(encoding="utf-8"), text)

    def test_the_document_has_the_marks(self):
        before, after = emulator_tables.document(ROOT / "Docs" / "DynamoDB.md")
        self.assertIn("## What other emulators differ in", before)
        self.assertTrue(after.startswith("<!-- end of emulators -->\n"))


if __name__ == "__main__":
    unittest.main()
