"""Who can reach which program: two machines with a cable between them, as network namespaces.

One table per program is printed: for each --bind, what a caller gets at each address."""

import http.client
import os
import socket
import subprocess
import unittest

from harness import bridge, disk, netns, paths
from harness.case import Case

PHONE = "27820000001"
TOKEN = "correct-horse-battery-staple"
V4, V6 = "198.51.100.1", "2001:db8::1"  # of the machine that the programs run on
THERE_V4, THERE_V6 = "198.51.100.2", "2001:db8::2"
NAME = "bridge.example"
NOBODY, NO_ANSWER = "-", "cut"


def ask(port, address, source, token, path="/api/outbox"):
    """The status that a caller gets; NOBODY when nobody listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    host = f"[{address}]" if ":" in address else address
    connection = http.client.HTTPConnection(host, port, timeout=10)
    with socket.socket(family) as link:
        link.settimeout(10)
        link.bind((source or ("::" if ":" in address else "0.0.0.0"), 0))
        try:
            link.connect((address, port))
            connection.sock = link
            connection.request("GET", path, headers={"Host": f"{host}:{port}", **(
                {"Authorization": f"Bearer {TOKEN}"} if token else {})})
            return str(connection.getresponse().status)
        except ConnectionRefusedError:
            return NOBODY
        except (ConnectionError, http.client.HTTPException):
            return NO_ANSWER


class NetworkTest(Case):
    # Where a caller is, and what it calls: (name, from outside?, address, source address).
    CALLS = (("in: 127.0.0.1", False, "127.0.0.1", None),
             ("in: 127.0.0.2", False, "127.0.0.2", None),
             ("in: ::1", False, "::1", None),
             ("in: own v4", False, V4, None),
             ("in: own v6", False, V6, None),
             ("127.0.0.1 as v4", False, "127.0.0.1", V4),  # by a caller that is not loopback
             ("out: v4", True, V4, None),
             ("out: v6", True, V6, None))

    def setUp(self):
        super().setUp()
        netns.need(self)
        self.inside = netns.Namespace(self.directory, "inside")
        self._keep(self.inside.holder)
        self.outside = netns.Namespace(self.directory, "outside")
        self._keep(self.outside.holder)
        self.inside.connect(self.outside, (V4 + "/24", V6 + "/64"),
                            (THERE_V4 + "/24", THERE_V6 + "/64"))
        self.hosts = os.path.join(self.directory, "hosts")
        with open(self.hosts, "w", encoding="ascii") as file:
            # The name of somebody else's machine is not listened on, and is no error beside ours.
            file.write(f"{V4} {NAME}\n{V6} {NAME}\n192.0.2.99 {NAME}\n")
        self.token = os.path.join(self.directory, "token")
        with open(self.token, "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        os.chmod(self.token, 0o600)

    def start(self, *args, name="bridge", **options):
        program = self.start_bridge(None, PHONE, "--server-url", "ws://127.0.0.1:9/ws/chat",
                                    "--root-key", "ab" * 32, *args, name=name, port=8080,
                                    under=self.inside.prefix(self.hosts), **options)
        log = "API on "
        line = program.poll(lambda: next((x for x in program.lines if log in x), None), 20, log)
        return program, line.split(log)[1].split(" port ")[0]

    def ask_all(self, port, token, path="/api/outbox"):
        return [(self.outside if out else self.inside).call(ask, port, address, source, token, path)
                for _, out, address, source in self.CALLS]

    def print_table(self, title, rows):
        width = max(len(name) for name, *_ in self.CALLS)
        print(f"\n{title}\n{'':{26}}" + "".join(f"{name:>{width + 2}}" for name, *_ in self.CALLS))
        for name, cells in rows:
            print(f"{name:{26}}" + "".join(f"{cell:>{width + 2}}" for cell in cells), flush=True)

    def test_the_api_answers_where_it_was_asked_to_and_nowhere_else(self):
        """Also by a library's doing, also with names; without a token it answers loopback only."""
        # --bind: what the log names, and the calls (by number in CALLS) that reach it.
        variants = (
            (None, "127.0.0.1, ::1", (0, 2, 5)),
            ("127.0.0.1", "127.0.0.1", (0, 5)),
            ("127.0.0.2", "127.0.0.2", (1,)),
            ("::1", "::1", (2,)),
            ("localhost", "127.0.0.1, ::1", (0, 2, 5)),
            (V4, V4, (3, 6)),
            (V6, V6, (4, 7)),
            ("0.0.0.0", "0.0.0.0", (0, 1, 3, 5, 6)),
            ("::", "::", tuple(range(8))),
            (NAME, f"{V4}, {V6}", (3, 4, 6, 7)),
        )
        local = {0, 1, 2}  # calls of loopback addresses
        rows = []
        for bind, where, reached in variants:
            by_token = bind not in (None, "127.0.0.1", "127.0.0.2", "::1", "localhost")
            for with_token in ((True,) if by_token else (False, True)):
                args = (("--bind", bind) if bind else ()) + \
                    (("--api-token-file", self.token) if with_token else ())
                program, said = self.start(*args)
                self.assertEqual(sorted(said.split(", ")), sorted(where.split(", ")))
                for sent in (False, True):
                    got = self.ask_all(program.port, sent)
                    rows.append((f"{bind or '(default)'} {'set' if with_token else 'none'}/"
                                 f"{'sent' if sent else '-'}", got))
                    for number, cell in enumerate(got):
                        let_in = sent if with_token else number in local
                        right = NOBODY if number not in reached else "200" if let_in else "401"
                        with self.subTest(bind=bind, call=self.CALLS[number][0], set=with_token,
                                          sent=sent):
                            self.assertEqual(cell, right)
                program.stop()
        self.print_table("whatsapp-bridge: --bind, token set/sent", rows)

    def test_without_ipv6_the_api_works(self):
        for interface in ("lo", "cable"):
            self.inside.ip("-6", "addr", "flush", "dev", interface)
        for bind, where in ((None, "127.0.0.1"), ("localhost", "127.0.0.1")):
            program, said = self.start(*(("--bind", bind) if bind else ()))
            self.assertEqual(said, where)
            self.assertEqual(self.inside.call(ask, program.port, "127.0.0.1", None, False), "200")
            program.stop()
        done = bridge.run_once("--phone", PHONE, "--store", os.path.join(self.directory, "s"),
                               "--bind", "::1", "--server-url", "ws://127.0.0.1:9/ws/chat",
                               "--root-key", "ab" * 32, under=self.inside.prefix())
        self.assertEqual(done.returncode, 2)
        self.assertIn("::1", done.stderr)

    def test_a_socket_that_is_elsewhere_ends_the_program(self):
        """As a library, or a system, may do it: the programs look, and do not go on."""
        prefix = [*self.inside.prefix(), "env", "LD_PRELOAD=" + disk.preload(), "WB_SHIM_BIND=any"]
        for address in ("127.0.0.1", "localhost", "::1"):
            done = bridge.run_once("--phone", PHONE, "--store", os.path.join(self.directory, "s"),
                                   "--bind", address, "--server-url", "ws://127.0.0.1:9/ws/chat",
                                   "--root-key", "ab" * 32, under=prefix)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(f"asked to listen on {address}, but the system put the socket on",
                          done.stderr)
        done = subprocess.run([*prefix, paths.MOCK], capture_output=True, text=True, timeout=20,
                              check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("asked to listen on 127.0.0.1, but", done.stderr)

    def test_a_name_that_leads_elsewhere_is_refused(self):
        """No address of this machine: nothing is listened on, and the error says so."""
        with open(self.hosts, "w", encoding="ascii") as file:
            file.write(f"192.0.2.99 {NAME}\n")
        done = bridge.run_once("--phone", PHONE, "--store", os.path.join(self.directory, "s"),
                               "--bind", NAME, "--api-token-file", self.token,
                               "--server-url", "ws://127.0.0.1:9/ws/chat",
                               "--root-key", "ab" * 32, under=self.inside.prefix(self.hosts))
        self.assertEqual(done.returncode, 2)
        self.assertIn(NAME, done.stderr)

    def test_the_mock_answers_its_own_machine_only(self):
        """/admin may do everything, and knows no token."""
        rows = []
        for tls in (False, True):
            mock = self.start_mock(*(["--tls"] if tls else []), name=f"mock-{tls}",
                                   under=self.inside.prefix())
            if not tls:
                got = self.ask_all(mock.port, False, "/admin/state")
                rows.append(("127.0.0.1", got))
                right = [NOBODY] * len(got)
                right[0], right[5] = "200", NO_ANSWER
                self.assertEqual(got, right)
            else:
                self.assertEqual(self.outside.call(ask, mock.port, V4, None, False), NOBODY)
                self.assertEqual(self.inside.call(mock.admin, "GET", "/flags"), {"flags": []})
        self.print_table("wa-mock: GET /admin/state", rows)


if __name__ == "__main__":
    unittest.main()
