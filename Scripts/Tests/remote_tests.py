"""Tools/Differential/remote.py: the addresses that its command gets."""

import sys
import unittest
from unittest import mock

from support import ROOT

sys.path.insert(0, str(ROOT / "Tools" / "Differential"))

import peers
import remote


class RemoteTests(unittest.TestCase):
    def emulator(self, name):
        return peers.Emulator(name, f"http://127.0.0.1/{name}")

    def test_endpoints(self):
        emulators = [self.emulator("moto 5"), self.emulator("b")]
        self.assertEqual(remote.endpoints(emulators), "moto 5=http://127.0.0.1/moto 5,b=http://127.0.0.1/b")
        self.assertEqual(remote.endpoints([]), "")

    def test_command(self):
        line = ["remote.py", "--codexflow", "p", "--short", "--", "swift", "test", "--filter", "A"]
        with mock.patch.object(sys, "argv", line):
            options = remote.arguments()
        self.assertTrue(options.short)
        self.assertEqual(options.command, ["swift", "test", "--filter", "A"])

    def test_servers(self):
        for short, count in ((True, 2), (False, 4)):
            options = mock.Mock(codexflow="p", short=short)
            with mock.patch.object(peers, "codexflow", return_value=1), \
                    mock.patch.object(remote, "faulty", return_value=2), \
                    mock.patch.object(peers, "peer", side_effect=[3, 4]):
                self.assertEqual(list(remote.servers(options, "d")), list(range(1, count + 1)))


if __name__ == "__main__":
    unittest.main()
