"""A server that sends what no server should: bytes that are no frames, frames that are no ciphertext, stanzas
that are no stanzas, bombs. The bridge stays small, answers /health, and receives afterwards."""

import os
import random
import unittest
import zlib

from harness.bridge import OPEN_TO_ALL, clean_env
from harness.case import Case
from harness.watch import Watch

PHONE, FRIEND = "27820000001", "27820001000"
MEMBERS = 60000
SEED = int(os.environ.get("WB_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
ROUNDS = 40 if os.environ.get("WB_TEST_FULL") == "1" else 6
MB = 1 << 20
GROWTH_MAX_MB = 64        # of one frame at a time
SANITIZER_SHARE = 4       # of which a sanitizer adds a quarter


def packed(body):
    """A transport plaintext: deflated."""
    return b"\x02" + zlib.compress(body, 9)


def list16(count):
    return b"\xf9" + count.to_bytes(2, "big")


def text(value):
    return b"\xfc" + bytes([len(value)]) + value


def small_nodes():
    return packed(b"\xf8\x02\x05" + list16(250) + 250 * (b"\xf8\x02\x05" + list16(20000)
                                                         + 20000 * b"\xf8\x01\x05"))


def attributes(one):
    return packed(b"\xf8\x02\x05" + list16(60) + 60 * (list16(65535) + b"\x05" + 32767 * one))


def large_group():
    """A real one: of the size that must be read."""
    parts = [list16(2), text(b"group"), list16(MEMBERS)]
    for number in range(MEMBERS):
        digits = b"\xff\x06" + bytes.fromhex(f"2782{number:08}")
        parts.append(list16(7) + text(b"participant") + text(b"jid") + b"\xfa" + digits + text(b"lid")
                     + text(b"phone_number") + b"\xfa" + digits + text(b"s.whatsapp.net")
                     + text(b"lid") + b"\xfa" + digits + text(b"lid"))
    return b"".join(parts)


BOMBS = {
    "nodes of three bytes": small_nodes(),
    "attributes of two bytes": attributes(b"\x05\x06"),
    "addresses of six bytes": attributes(b"\x05\xfa\xff\x81\x1f\x03"),
    "a zip bomb": packed(b"\xf8\x02\x05\xfe" + (300 * MB).to_bytes(4, "big") + bytes(300 * MB)),
    "a zip bomb that is cut": packed(bytes(200 * MB))[:-1000],
    "nodes in nodes": packed(b"\xf8\x02\x05\xf8\x01" * 3000),
}
LARGE = {
    "a group of 60,000 members, deflated": packed(large_group()),
    "a group of 60,000 members": b"\x00" + large_group(),
}


class Peak(Watch):
    """And the most memory that it had at any moment."""

    def __init__(self, program, before=None):
        program.forget_peak()
        self.before_mb = before or program.memory_mb()
        super().__init__(program)

    def growth(self, what):
        """Ends it; the growth at the peak, in MB."""
        seen = self.end()
        growth = max(0, self.bridge.memory_mb("VmHWM") - self.before_mb)
        print(f"{what}: {self.before_mb:.0f} MB before, {growth:.1f} MB more at the peak, "
              f"{self.bridge.memory_mb():.0f} MB after; {seen}", flush=True)
        return growth


class GarbageTest(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.failing() and print(f"WB_SEED={SEED}"))
        self.rng = random.Random(SEED)
        self.mock = self.start_mock("--contacts", "1")
        # A sanitizer keeps what was freed for a while: that is not the program's memory.
        self.program = self.start_bridge(self.mock, PHONE, env=clean_env(
            ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=1", **OPEN_TO_ALL))
        self.program.pair_by_qr()
        self.count = 0

    def receives(self):
        self.count += 1
        said = f"message {self.count}"
        self.mock.contact_send(FRIEND, PHONE, said)
        self.program.wait_rows("SELECT id FROM messages WHERE content = ?", said)

    def inject(self, how, data, times=1):
        self.mock.stream_error(PHONE, do=how, hex=data.hex(), times=times)

    def assert_small(self, growth, limit=GROWTH_MAX_MB):
        self.assertLess(growth, limit + limit // SANITIZER_SHARE)

    def test_bombs(self):
        """Each is passed over: the connection goes on, and the next message comes over it."""
        logins, before = self.mock.logins(PHONE), None
        for name, data in {**BOMBS, **LARGE}.items():
            with self.subTest(name):
                watch = Peak(self.program, before)
                before = watch.before_mb
                for _ in range(3):
                    self.inject("plain", data)
                    self.receives()
                growth = watch.growth(f"{name} ({len(data)} bytes)")
                self.assert_small(growth)
                watch.judge(self)
        self.assertEqual(self.mock.logins(PHONE), logins, "it connected anew")
        self.assertEqual(self.program.health()["status"], "ok")
        said = "\n".join(self.program.lines)
        self.assertEqual(said.count("<group "), 3 * len(LARGE), "the large ones were read")
        self.assertEqual(said.count("cannot be read"), 3 * len(BOMBS), "the bombs were not")
        self.assert_no_flags(self.mock)

    def test_stanzas_of_garbage(self):
        """Plaintexts of any bytes, and real ones that were cut or changed."""
        watch = Peak(self.program)
        real = LARGE["a group of 60,000 members, deflated"][:5000]
        for _ in range(ROUNDS * 10):
            data = bytearray(self.rng.choice((self.rng.randbytes(self.rng.randrange(1, 3000)), real)))
            if self.rng.random() < 0.5:
                data[0] = self.rng.choice((0, 2))
            for _ in range(self.rng.randrange(4)):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
            self.inject("plain", bytes(data[:self.rng.randrange(len(data)) + 1]))
        self.receives()
        self.assert_small(watch.growth("stanzas of garbage"))
        watch.judge(self)
        self.assertEqual(self.program.health()["status"], "ok")
        self.assert_no_flags(self.mock)

    def test_frames_of_garbage(self):
        """The stream is lost with the first one; a new one serves as well."""
        watch = Peak(self.program)
        for number in range(ROUNDS):
            how = ("frame", "bytes", "truncated", "announced")[number % 4]
            logins = self.mock.logins(PHONE)
            if how == "truncated":
                self.mock.trouble(truncate_frames=1)
                self.mock.contact_send(FRIEND, PHONE, f"truncated {number}")
                self.mock.contact_send(FRIEND, PHONE, f"behind it {number}")
            elif how == "announced":
                # The largest frame that can be announced: half of it comes, and then the end.
                self.inject("bytes", b"\xff\xff\xff")
                self.inject("bytes", self.rng.randbytes(64 * 1024), times=120)
                self.mock.drop(PHONE)
            else:
                data = self.rng.randbytes(self.rng.randrange(1, 5000))
                if how == "bytes":  # a frame that swallows the beginning of the next one
                    data = (len(data) + 100).to_bytes(3, "big") + data
                self.inject(how, data)
                self.mock.contact_send(FRIEND, PHONE, f"behind it {number}")

            def is_back():
                health = self.program.health()
                if health["status"] == "ok" and self.mock.logins(PHONE) > logins:
                    return True
                if health.get("next_attempt_in_s", 0) > 0:
                    self.program.post("/api/reconnect")
                return False
            self.program.poll(is_back, 60, f"it is back after {how}")
            self.receives()
        self.assert_small(watch.growth("frames of garbage"))
        watch.judge(self)
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
