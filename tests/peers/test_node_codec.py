"""Our node codec against those of Baileys and whatsmeow (no server, no bridge: only node_pipe)."""

import os
import subprocess
import unittest

from harness import paths


class NodeCodec(unittest.TestCase):
    def succeeds(self, *argv):
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-4000:])
        return done.stdout

    def test_baileys(self):
        script = os.path.join(paths.BAILEYS, "node_codec.mjs")
        self.assertIn(" 0 failures", self.succeeds(paths.node(), script, paths.NODE_PIPE))

    def test_whatsmeow(self):
        self.assertIn("all equal", self.succeeds(paths.WHATSMEOW_NODES, paths.NODE_PIPE))


if __name__ == "__main__":
    unittest.main()
