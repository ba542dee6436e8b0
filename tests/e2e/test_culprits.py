"""Each way in which the network fails has its own words, in the log and in /health (which /pair shows)."""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import threading
import unittest

from harness import netns
from harness.case import Case
from harness.disk import Shim

PHONE = "27820000001"
NAME, ASKED_MS = "whatsapp.example", 3000


class Server(threading.Thread):
    """Takes connections on loopback and does the same with each: play(socket)."""

    def __init__(self, case, play):
        super().__init__(daemon=True)
        self.play, self.open = play, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.stop)
        self.start()

    def run(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(link)
            with contextlib.suppress(OSError):
                self.play(link)

    def stop(self):
        self.listener.close()
        for link in self.open:
            link.close()


def silent(_):
    """Takes the connection and says nothing."""


def greets(link):
    """Speaks first, as SSH and mail servers do, and waits."""
    link.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


def closes(link):
    link.recv(4096)
    link.shutdown(socket.SHUT_RDWR)


def resets(link):
    link.recv(4096)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def slams(link):
    """Resets the connection as soon as it is there."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def answers(text):
    def play(link):
        link.recv(4096)
        link.sendall(text.encode())
    return play


def upgrades(then):
    """A WebSocket is opened; then(socket) is what comes instead of a handshake."""
    def play(link):
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(4096)
        key = [line.split(b":", 1)[1].strip() for line in head.split(b"\r\n")
               if line.lower().startswith(b"sec-websocket-key:")][0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        link.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        then(link)
    return play


class CulpritsTest(Case):
    def call(self, url, *args, name="bridge", shim=None, under=()):
        self.bridge = self.start_bridge(None, PHONE, "--server-url", url, "--root-key", "ab" * 32,
                                        "--wa-version", "2.3000.1045649367", *args,
                                        name=name, env=shim.env() if shim else None, under=under)
        return self.bridge

    def blamed(self, program, reason, *words, shim=None, machine=None):
        """/health gives the reason and the words, and the log has the words in a warning.

        shim: its clock is put forward by steps, once the bridge is connecting."""
        def look():
            health = program.health()
            warned = [line for line in program.lines if " WARN " in line and all(w in line for w in words)]
            return health if health["reason"] == reason and warned and \
                all(word in health["detail"] for word in words) else None

        def ask():
            if shim and any("conn: connecting to" in line for line in program.lines):
                shim.mono_offset_ms += ASKED_MS
            return machine.call(look) if machine else look()
        health = program.poll(ask, 20, f"{reason}: {words}")
        self.assertIn(health["status"], ("disconnected", "connecting"))
        self.assertNotIn("does not let us in", health["detail"])
        if reason == "refused":
            self.assertNotIn("cannot be reached", health["detail"])
        print(f"\n  {reason}: {health['detail']}", end="", flush=True)
        program.stop()

    def url(self, play, scheme="ws"):
        server = Server(self, play)
        return f"{scheme}://127.0.0.1:{server.port}/ws/chat", f"127.0.0.1:{server.port}"

    def test_nobody_listens(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            program = self.call(f"ws://127.0.0.1:{port}/ws/chat")
            self.blamed(program, "unreachable",
                        f"cannot reach 127.0.0.1:{port}: connection refused (firewall or proxy?)")

    def test_silent_servers(self):
        """Connected, and then nothing: in place of TLS, of the upgrade, of the handshake."""
        for number, (scheme, play, words) in enumerate((
                ("ws", silent, ("no answer from {} within 5 s",)),
                ("wss", silent, ("no answer from {} within 20 s", "begins no TLS")),
                ("ws", upgrades(silent), ("no answer came within", "for the handshake")))):
            with self.subTest(scheme=scheme, words=words):
                url, where = self.url(play, scheme)
                shim = Shim(self.directory)
                program = self.call(url, name=f"bridge-{number}", shim=shim)
                self.blamed(program, "no_answer", *(word.format(where) for word in words), shim=shim)

    def test_a_server_of_another_kind(self):
        """Its greeting is an answer."""
        url, where = self.url(greets)
        shim = Shim(self.directory)
        self.blamed(self.call(url, shim=shim), "refused", f"{where} answered with something that is no WebSocket",
                    shim=shim)

    def test_servers_that_close_instead(self):
        for number, (play, words) in enumerate((
                (closes, ("{} closed the connection instead of answering",)),
                (resets, ("{} closed the connection instead of answering",)),
                (slams, ("{} closed the connection instead of answering",)),
                (upgrades(closes), ("the server closed the connection when we waited for the handshake",)),
                (answers("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), ("{} answered", "HTTP 503")),
                (answers("HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n"), ("HTTP 407", "a proxy wants a login")))):
            with self.subTest(words=words, number=number):
                url, where = self.url(play)
                self.blamed(self.call(url, name=f"bridge-{number}"), "refused",
                            *(word.format(where) for word in words))

    def certificate(self, name, *args):
        """A self-signed certificate; its file and that of its key."""
        path = os.path.join(self.directory, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", path + ".key", "-out", path, "-subj", "/CN=" + name, *args],
                       check=True, capture_output=True)
        return path, path + ".key"

    def speaks_tls(self, files):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)

        def play(link):
            with contextlib.suppress(ssl.SSLError):
                context.wrap_socket(link, server_side=True).recv(4096)
        return play

    def test_tls(self):
        ours = self.certificate("ours.pem", "-addext", "subjectAltName=IP:127.0.0.1")
        others = self.certificate("others.pem", "-addext", "subjectAltName=IP:127.0.0.2")
        for number, (play, ca, words) in enumerate((
                (self.speaks_tls(ours), (), ("the certificate of {} is not trusted", "self")),
                (self.speaks_tls(others), ("--ca-file", others[0]),
                 ("the certificate of {} is not trusted", "another host")),
                (answers("HTTP/1.1 400 No\r\n\r\n"), (), ("no TLS with {}",)),
                (closes, (), ("no TLS with {}",)),
                (resets, (), ("no TLS with {}",)),
                (slams, (), ("no TLS with {}",)))):
            with self.subTest(words=words, number=number):
                url, where = self.url(play, "wss")
                self.blamed(self.call(url, *ca, name=f"bridge-{number}"), "tls",
                            *(word.format(where) for word in words))
        shim = Shim(self.directory)
        shim.clock_offset_s = 100 * 365 * 86400
        url, where = self.url(self.speaks_tls(ours), "wss")
        self.blamed(self.call(url, "--ca-file", ours[0], shim=shim), "clock",
                    f"the certificate of {where} is not valid now", "check the clock")


class FarTest(CulpritsTest):
    """On a machine of their own: other hosts than this one, and name servers."""

    test_nobody_listens = test_silent_servers = test_a_server_of_another_kind = test_servers_that_close_instead = test_tls = None

    def setUp(self):
        super().setUp()
        netns.need(self)
        self.machine = netns.Namespace(self.directory, "machine")
        self._keep(self.machine.holder)

    def test_no_route(self):
        program = self.call("ws://198.51.100.7:443/ws/chat", under=self.machine.prefix())
        self.blamed(program, "no_network", "cannot reach 198.51.100.7:443: network unreachable", "no route",
                    machine=self.machine)

    def test_hosts_that_do_not_answer(self):
        """One that routers say is not there, one that a firewall drops everything to."""
        self.machine.ip("link", "add", "hole", "type", "veth", "peer", "name", "far")
        self.machine.ip("addr", "add", "198.51.100.1/24", "dev", "hole")
        for end in ("hole", "far"):
            self.machine.ip("link", "set", end, "up")
        self.machine.ip("neigh", "add", "198.51.100.9", "lladdr", "02:00:00:00:00:01", "dev", "hole")
        self.machine.ip("route", "add", "unreachable", "203.0.113.0/24")
        program = self.call("ws://203.0.113.9:443/ws/chat", under=self.machine.prefix())
        self.blamed(program, "unreachable", "cannot reach 203.0.113.9:443: host unreachable",
                    machine=self.machine)
        shim = Shim(self.directory)
        program = self.call("ws://198.51.100.9:443/ws/chat", name="dropped", under=self.machine.prefix(), shim=shim)
        self.blamed(program, "unreachable", "cannot reach 198.51.100.9:443: no answer within 20 s (firewall or proxy?)",
                    shim=shim, machine=self.machine)

    def resolver(self, play):
        """argv of a machine whose name server is ours: play(question) is what it answers, or None."""
        def serve():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("127.0.0.1", 53))
            return server
        server = self.machine.call(serve)
        self.addCleanup(server.close)

        def run():
            with contextlib.suppress(OSError):
                while True:
                    question, asker = server.recvfrom(4096)
                    if play(question):
                        server.sendto(play(question), asker)
        threading.Thread(target=run, daemon=True).start()
        conf = os.path.join(self.directory, "resolv.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        return [*self.machine.prefix(), "unshare", "-m", "sh", "-c",
                f'mount --bind {conf} /etc/resolv.conf && exec "$@"', "sh"]

    def test_a_name_that_there_is_not(self):
        def nxdomain(question):
            return question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:]
        program = self.call(f"ws://{NAME}/ws/chat", under=self.resolver(nxdomain))
        self.blamed(program, "name_lookup", f"cannot look up {NAME}: there is no such name",
                    machine=self.machine)

    def test_name_servers_that_are_silent(self):
        program = self.call(f"ws://{NAME}/ws/chat", under=self.resolver(lambda q: None))
        self.blamed(program, "name_lookup", f"cannot look up {NAME}: no name server answers",
                    machine=self.machine)


if __name__ == "__main__":
    unittest.main()
