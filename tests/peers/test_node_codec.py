"""Our node codec against those of Baileys and whatsmeow (no server, no bridge: only node_pipe)."""

import os
import unittest

from harness import paths
from harness.case import succeeds


class NodeCodec(unittest.TestCase):
    def test_baileys(self):
        script = os.path.join(paths.BAILEYS, "node_codec.mjs")
        self.assertIn(" 0 failures", succeeds(paths.node(), script, paths.NODE_PIPE))

    def test_whatsmeow(self):
        self.assertIn("all equal", succeeds(paths.WHATSMEOW_NODES, paths.NODE_PIPE))


if __name__ == "__main__":
    unittest.main()
