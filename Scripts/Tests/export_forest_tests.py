"""A pickle runs code, so it is read only when that was asked for."""

import os
import pickle
import unittest

from support import FolderTest


class Planted:
    """What makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class ExportForestTests(FolderTest):
    def setUp(self):
        super().setUp()
        self.planted = self.folder / "planted"
        self.pickle = self.folder / "forest.pickle"
        self.pickle.write_bytes(pickle.dumps(Planted(str(self.planted))))

    def test_a_pickle_is_not_read_unless_it_is_trusted(self):
        run = self.run_script("export-forest.py", str(self.pickle), "overdue")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("runs code that it contains", run.stderr)
        self.assertFalse(self.planted.exists())

    def test_one_that_is_trusted_runs_its_code(self):
        self.run_script("export-forest.py", "--trust", str(self.pickle), "overdue")
        self.assertTrue(self.planted.exists())

    def test_a_sample_reads_no_pickle(self):
        run = self.run_script("export-forest.py", "--trust", "--sample", str(self.folder), str(self.pickle))
        self.assertEqual(run.returncode, 2)
        self.assertFalse(self.planted.exists())

    def test_the_help_says_so(self):
        self.assertIn("WARNING: reading a pickle runs code", self.run_script("export-forest.py", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
