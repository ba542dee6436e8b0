"""Our protobufs against those of Baileys (no server, no bridge: only proto_pipe)."""

import os
import unittest

from harness import paths
from harness.case import succeeds


class ProtoCodec(unittest.TestCase):
    def test_baileys(self):
        script = os.path.join(paths.BAILEYS, "proto_codec.mjs")
        self.assertRegex(succeeds(paths.node(), script, paths.PROTO_PIPE),
                         r"^\d{4,} messages of \d+ kinds, 0 failures$")


if __name__ == "__main__":
    unittest.main()
