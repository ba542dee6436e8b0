"""Baileys and whatsmeow talk to each other through wa-mock, without our bridge: the mock serves any
multi-device client, and is not tuned to ours."""

import socket
import unittest

from harness.people import ALICE, BOB, CAROL, DAVE, PeersCase, pn, user
from harness.process import poll


class PeersThroughMock(PeersCase):
    def test_pair_by_qr_and_talk(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(alice, bob)
        self.assert_no_flags(mock)

    def test_baileys_writes_first(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(bob, alice)
        self.assert_no_flags(mock)

    def test_pair_by_code_and_talk(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE, by="code")
        bob = self.pair(mock, "baileys", BOB, by="code")
        self.talk(alice, bob)
        self.assert_no_flags(mock)

    def test_same_kind(self):
        mock = self.start_mock()
        for kind, one, other in (("whatsmeow", ALICE, BOB), ("baileys", CAROL, DAVE)):
            with self.subTest(kind):
                self.talk(self.pair(mock, kind, one, name=f"{kind}-1"),
                          self.pair(mock, kind, other, name=f"{kind}-2"), kind)
        self.assert_no_flags(mock)

    def test_restart_of_a_client(self):
        mock = self.start_mock()
        peers = [self.pair(mock, "whatsmeow", ALICE), self.pair(mock, "baileys", BOB)]
        self.talk(*peers)
        for number in range(2):
            stopped, here = peers[number], peers[1 - number]
            with self.subTest(stopped=stopped.kind):
                stopped.quit()
                here.send(pn(stopped.phone), f"for {stopped.kind}, stopped")
                again = self.restart(stopped)
                again.wait_text(f"for {stopped.kind}, stopped")
                self.exchange(again, here, pn(here.phone), f"{stopped.kind} restarted")
                peers[number] = again
        self.assert_no_flags(mock)

    def test_retry_after_a_lost_session(self):
        """One side loses its sessions: it asks again, the other encrypts anew."""
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(alice, bob)
        alice.call("dropSessions", to=pn(BOB))
        alice.call("dropSessions", to=user(bob.lid))
        bob.send(pn(ALICE), "can you read this?")
        alice.wait_text("can you read this?", timeout=60)
        self.exchange(alice, bob, pn(BOB), "yes, again")
        self.assert_no_flags(mock)

    def test_flags_before_the_login_concern_everybody(self):
        """A connection that has not said whose it is may be the client that a test looks at."""
        mock = self.start_mock()
        self.assert_no_flags(mock, ALICE)
        with socket.create_connection(("127.0.0.1", mock.port), timeout=10) as client:
            client.sendall(b"GET /ws/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://web.whatsapp.com\r\n"
                           b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            self.assertIn(b"101", client.recv(64))
            client.sendall(b"\x82\x84" + bytes(4) + b"WA\x00\x00")  # masked with zeros: a wrong intro
            poll(mock.flags, 10, "the intro is flagged")
        with self.assertRaisesRegex(AssertionError, "bad-intro"):
            self.assert_no_flags(mock, ALICE)


if __name__ == "__main__":
    unittest.main()
