"""What the libraries do is what the settings and the log say: proxies, redirects, TLS, files."""

import contextlib
import os
import socket
import ssl
import stat
import subprocess
import threading
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case
from harness.process import poll

PHONE = "27820000001"


class Listener:
    """Takes connections, with TLS when it has a context; knows what it heard on each."""

    def __init__(self, host="127.0.0.1", context=None, answer=b""):
        self.heard, self.trouble = [], []
        self._context, self._answer = context, answer
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.bind((host, 0))  # loopback, as all callers give it
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self._listener.close()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                with link:
                    try:
                        self._talk(link)
                    except OSError as err:
                        self.trouble.append(err)

    def _talk(self, link):
        link.settimeout(10)
        if self._context:
            link = self._context.wrap_socket(link, server_side=True)
        got = b""
        while b"\r\n\r\n" not in got:
            more = link.recv(65536)
            if not more:
                break
            got += more
        self.heard.append(got)
        link.sendall(self._answer)


class Pipe(Listener):
    """Carries the bytes of its connections to another port and back."""

    def __init__(self, host, port):
        self._to = port
        super().__init__(host)

    def _talk(self, link):
        link.settimeout(None)
        with socket.create_connection(("127.0.0.1", self._to)) as other:
            back = threading.Thread(target=self._carry, args=(other, link), daemon=True)
            back.start()
            self._carry(link, other)
            back.join()

    @staticmethod
    def _carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


class LibrariesTest(Case):
    def listener(self, *args, kind=Listener, **options):
        made = kind(*args, **options)
        self.addCleanup(made.close)
        return made

    def call(self, url, *args, name="bridge", **env):
        program = self.start_bridge(None, PHONE, "--server-url", url, "--root-key", "ab" * 32, *args,
                                    name=name, env=clean_env(**env))
        program.wait_api()
        return program

    def test_a_proxy_of_the_environment_is_not_used_and_the_log_says_so(self):
        proxy = self.listener()
        address = f"http://127.0.0.1:{proxy.port}"
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        mock = self.start_mock()
        mock.trouble(client_revision=1234567890, min_version=1234567890)  # its page is asked for too
        program = self.start_bridge(mock, PHONE, env=clean_env(**{name: address for name in names}))
        program.wait_qr()
        self.assertEqual(proxy.heard + proxy.trouble, [])
        for name in names:
            self.assertTrue(any(f"{name} is set and not used" in line for line in program.lines), name)

    def test_a_redirect_is_not_followed(self):
        elsewhere = self.listener()
        for number, target in enumerate((f"ws://127.0.0.1:{elsewhere.port}/ws/chat",
                                         f"http://127.0.0.1:{elsewhere.port}/")):
            first = self.listener(answer=("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                                          f"Location: {target}\r\n\r\n").encode())
            program = self.call(f"ws://127.0.0.1:{first.port}/ws/chat", name=f"bridge-{number}")
            program.poll(lambda: program.health()["status"] == "disconnected", 20, "it is told off")
            self.assertTrue(any(b"GET /ws/chat " in got for got in first.heard))
            self.assertIn("302", program.health()["detail"])
            program.stop()
        self.assertEqual(elsewhere.heard + elsewhere.trouble, [])

    def certificate(self):
        """(a mock with TLS, its certificate, which is for 127.0.0.1 and localhost, and key)."""
        ca_file = os.path.join(self.directory, "ca.pem")
        mock = self.start_mock("--tls", "--ca-file", ca_file)
        return mock, ca_file, ca_file + ".key"

    def lax(self):
        """Settings of OpenSSL that allow what is old."""
        path = os.path.join(self.directory, "openssl.cnf")
        with open(path, "w", encoding="ascii") as file:
            file.write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                       "MinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")
        return path

    @staticmethod
    def speaks(version, certificate, key):
        """A server's TLS that has nothing newer than that version."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
        context.load_cert_chain(certificate, key)
        return context

    def test_a_certificate_for_another_host_is_refused(self):
        """By address too, IPv6 as well; the CA is one that we trust."""
        mock, ca_file, _ = self.certificate()
        hosts = ["127.0.0.2"]
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            hosts.append("::1")
        for host in hosts:
            pipe = self.listener(host, mock.port, kind=Pipe)
            url = f"wss://[{host}]:{pipe.port}/ws/chat" if ":" in host else \
                f"wss://{host}:{pipe.port}/ws/chat"
            program = self.call(url, "--ca-file", ca_file, name=f"to-{len(host)}")
            health = program.poll(lambda: program.health()
                                  if program.health().get("reason") == "tls" else None, 20,
                                  f"the certificate is not for {host}")
            self.assertIn(health["status"], ("disconnected", "connecting"))
            program.stop()
        pipe = self.listener("127.0.0.1", mock.port, kind=Pipe)
        program = self.start_bridge(mock, PHONE, "--ca-file", ca_file, "--server-url",
                                    f"wss://localhost:{pipe.port}/ws/chat", name="friend")
        program.wait_qr()

    def test_tls_older_than_1_2_is_refused(self):
        """Also where the system's settings would allow it."""
        _, ca_file, key = self.certificate()
        for version, taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                               (ssl.TLSVersion.TLSv1_3, True)):
            server = self.listener(context=self.speaks(version, ca_file, key))
            program = self.call(f"wss://127.0.0.1:{server.port}/ws/chat", "--ca-file", ca_file,
                                name=f"bridge-{version.name}", OPENSSL_CONF=self.lax())
            poll(lambda: server.heard or server.trouble, 20, "a handshake")
            self.assertEqual(bool(server.heard), taken, (version, server.trouble))
            if not taken:
                program.poll(lambda: program.health().get("reason") == "tls", 20, "it says why")
            program.stop()

    def test_pages_are_fetched_from_whom_they_should_be(self):
        """The same for the other library, in the process that fetches pages and files."""
        _, ca_file, key = self.certificate()
        page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        proxy = self.listener(answer=page)

        new = self.speaks(ssl.TLSVersion.TLSv1_3, ca_file, key)
        old = self.speaks(ssl.TLSVersion.TLSv1_1, ca_file, key)
        moved = (f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                 f"Location: http://127.0.0.1:{proxy.port}/\r\n\r\n").encode()
        address = f"http://127.0.0.1:{proxy.port}"
        env = clean_env(OPENSSL_CONF=self.lax(), http_proxy=address, https_proxy=address, all_proxy=address)
        for what, host, context, ca, answer, body in (
                ("its certificate is known", "127.0.0.1", new, ca_file, page, b"ok"),
                ("nobody we know signed it", "127.0.0.1", new, "", page, b""),
                ("it is for another host", "127.0.0.2", new, ca_file, page, b""),
                ("TLS 1.1", "127.0.0.1", old, ca_file, page, b""),
                ("a redirect", "127.0.0.1", new, ca_file, moved, b""),
                ("without TLS", "127.0.0.1", None, "", page, b"ok")):
            server = self.listener(host, context, answer)
            url = f"http{'s' if context else ''}://{host}:{server.port}/"
            done = subprocess.run([paths.BRIDGE, "--http-get", url, "9000", ca], env=env,
                                  capture_output=True, timeout=30, check=False)
            self.assertEqual(done.stdout, body, (what, done))
            self.assertEqual(done.returncode == 64, bool(body), (what, done))
        self.assertEqual(proxy.heard + proxy.trouble, [])

    def modes(self, directory):
        """{path: mode} of all that is not as private as it should be."""
        wrong = {}
        for folder, _, names in os.walk(directory):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                if mode != (0o700 if os.path.isdir(path) else 0o600):
                    wrong[os.path.relpath(path, directory)] = oct(mode)
        return wrong

    def test_files_are_private_under_any_umask(self):
        for umask in (0o000, 0o077, 0o777):
            mock = self.start_mock(name=f"mock-{umask:o}")
            prefix = ["sh", "-c", f'umask {umask:o}; exec "$@"', "sh"]
            home = os.path.join(self.directory, f"home-{umask:o}")
            os.mkdir(home, 0o700)
            store = os.path.join(home, "store")
            program = self.start_bridge(mock, PHONE, "--log-file", os.path.join(home, "log"),
                                        name=f"bridge-{umask:o}", store=store, under=prefix)
            program.pair_by_qr()
            names = os.listdir(store)  # while it runs: the logs of SQLite, too
            for name in ("whatsapp.db", "whatsapp.db-wal", "messages.db", "messages.db-wal"):
                self.assertIn(name, names)
            self.assertEqual(self.modes(home), {}, f"umask {umask:o}, running")
            self.tool(prefix, store, "create")
            program.stop()
            public = self.tool(prefix, store, "keygen", os.path.join(home, "secret")).strip()
            self.assertTrue(public)
            self.tool(prefix, store, "restore", "latest")
            self.assertEqual(self.modes(home), {}, f"umask {umask:o}, after the tools")

    @staticmethod
    def tool(prefix, store, *args):
        done = subprocess.run([*prefix, paths.BACKUP, "--store", store, *args], capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{args}: {done.stdout}{done.stderr}")
        return done.stdout


if __name__ == "__main__":
    unittest.main()
