"""Keys stay in the process: no core dump, no other process that reads its memory, no QR in a pipe."""

import fcntl
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import time
import unittest

from harness import bridge, paths
from harness.case import Case
from harness.process import poll

PHONE = "27820000001"
TOOLS = ("whatsapp-bridge", "bridge-backup", "bridge-import", "bridge-handback",
         "bridge-convert-timestamps")
DRAWN = ("█", "▀", "▄", "\x1b[30;47m")
# AddressSanitizer forbids core dumps as well; LeakSanitizer makes the process dumpable for its look.
SANITIZER = "detect_leaks=0:disable_coredump=0"
# Root may do everything: what is looked at, and who looks, are both without root's rights.
ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
HARD = resource.getrlimit(resource.RLIMIT_CORE)[1]
ALLOWED = "unlimited" if HARD == resource.RLIM_INFINITY else str(HARD)
with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as pattern_file:
    CORE_PATTERN = pattern_file.read().strip()
# A file in the working directory, or somebody else's pipe or folder.
CORES_LIE_BESIDE = CORE_PATTERN.startswith("core") and "/" not in CORE_PATTERN
CORES = ("prlimit", f"--core={ALLOWED}:{ALLOWED}", *ORDINARY)


def readable_by_others(pid):
    """May another process of the same user read some of its memory?"""
    argv = [*ORDINARY, sys.executable, "-c", f"open('/proc/{pid}/environ', 'rb').read()"]
    return subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0


def core_limit(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        line = next(line for line in limits if line.startswith("Max core file size"))
    return line.split()[4:6]


class FullPipe:
    """A program that writes into it waits, and can be looked at meanwhile."""

    def __enter__(self):
        self.out, self.into = os.pipe()
        os.set_blocking(self.into, False)
        fcntl.fcntl(self.into, 1031, 4096)  # F_SETPIPE_SZ
        try:
            while True:
                os.write(self.into, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(self.into, True)
        return self

    def empty(self):
        os.close(self.into)
        while os.read(self.out, 65536):
            pass

    def __exit__(self, *_):
        os.close(self.out)


class SecretsTest(Case):
    def say_what_was_not_seen(self, files=False):
        """At the end of a test: what could not have failed here. files: core files were looked for."""
        if HARD == 0:
            self.skipTest("only in part: nothing here may dump core anyway (ulimit -Hc)")
        if files and not CORES_LIE_BESIDE:
            self.skipTest(f"only in part: here cores go to {CORE_PATTERN!r}; none was looked for")

    def env(self, **extra):
        return bridge.clean_env(ASAN_OPTIONS=SANITIZER, **extra)

    def look(self, program, *args, env=None):
        """The limit on core dumps of a program that runs, and whether others may read its memory."""
        with FullPipe() as pipe:
            child = subprocess.Popen([*CORES, os.path.join(paths.BUILD, program), *args, "--help"],
                                     stdout=pipe.into, stderr=subprocess.STDOUT,
                                     env=env or self.env())
            try:
                poll(lambda: program[:15] == self.command(child.pid), 20, f"{program} runs")
                # It waits in write() when its name is no longer that of what started it, and is asleep.
                poll(lambda: self.asleep(child.pid), 20, f"{program} waits")
                found = core_limit(child.pid), readable_by_others(child.pid)
                pipe.empty()
                self.assertEqual(child.wait(20), 0)
            finally:
                child.kill()
                child.wait()
        return found

    @staticmethod
    def command(pid):
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()

    @staticmethod
    def asleep(pid):
        with open(f"/proc/{pid}/wchan", encoding="ascii") as file, \
                open(f"/proc/{pid}/stat", encoding="ascii") as state:
            return "pipe" in file.read() or state.read().rsplit(")", 1)[1].split()[0] == "S"

    def test_no_program_leaves_its_keys_to_others(self):
        for program in TOOLS:
            with self.subTest(program):
                limit, readable = self.look(program)
                self.assertEqual(limit, ["0", "0"])
                self.assertFalse(readable)
        self.say_what_was_not_seen()

    def test_developers_may_allow_it(self):
        config = os.path.join(self.directory, "bridge.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("core_dumps: true\n")
        for program in TOOLS:
            for args, extra in ((("--core-dumps",), {}), ((), {"WHATSAPP_CORE_DUMPS": "true"})):
                if program == "whatsapp-bridge":
                    continue  # --help reads no settings: below
                with self.subTest(program=program, args=args):
                    env = {**self.env(), **extra}
                    self.assertEqual(self.look(program, *args, env=env),
                                     ([ALLOWED, ALLOWED], True))
        for args, extra in ((("--core-dumps",), {}), ((), {"WHATSAPP_CORE_DUMPS": "yes"}),
                            (("--config", config), {})):
            with self.subTest(args=args):
                program = self.start_bridge(None, PHONE, *self.nowhere(), *args, under=CORES,
                                            name="b" + str(len(args)) + str(len(extra)),
                                            env={**self.env(), **extra})
                program.wait_api()
                self.assertEqual(core_limit(program.pid), [ALLOWED, ALLOWED])
                self.assertTrue(readable_by_others(program.pid))
                self.assertEqual(program.stop(), 0)
        for program in TOOLS:
            done = subprocess.run([os.path.join(paths.BUILD, program), "--help"], timeout=20,
                                  capture_output=True, text=True, check=True)
            self.assertIn("--core-dumps", done.stdout)
            self.assertIn("WHATSAPP_CORE_DUMPS", done.stdout)
        self.say_what_was_not_seen()

    @staticmethod
    def nowhere():
        return ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)

    def test_a_bridge_that_dies_leaves_no_core(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE, under=CORES, env=self.env())
        program.pair_by_qr()
        self.assertEqual(core_limit(program.pid), ["0", "0"])
        self.assertFalse(readable_by_others(program.pid))
        program.signal(signal.SIGQUIT)
        self.assertEqual(program.wait_exit(20), -signal.SIGQUIT)
        if CORES_LIE_BESIDE:
            self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("core")], [])
        again = self.start_bridge(mock, PHONE, name="again", store=program.store, env=self.env())
        again.wait_status("ok")
        self.say_what_was_not_seen(files=True)

    def test_no_qr_in_a_pipe(self):
        mock = self.start_mock()
        log = os.path.join(self.directory, "log")
        for name, args in (("piped", ()), ("logged", ("--log-file", log))):
            with self.subTest(name):
                program = self.start_bridge(mock, PHONE, *args, name=name)
                code = program.wait_qr()
                program.wait_until(
                    lambda: any("NOT LINKED YET" in line for line in program.lines), 10,
                    "how it can be linked")
                self.assertEqual(program.stop(), 0)
                said = "\n".join(program.lines) + program.stderr()
                if args:
                    with open(log, encoding="utf-8") as file:
                        said += file.read()
                for way in ("/pair", "/api/qr.svg", "--pair-code"):
                    self.assertIn(way, said)
                for secret in (*DRAWN, code, code.split(",")[-2]):
                    self.assertNotIn(secret, said)

    def test_qr_on_a_terminal(self):
        mock = self.start_mock()
        terminal, end = pty.openpty()
        child = subprocess.Popen([paths.BRIDGE, "--phone", PHONE, "--store",
                                  os.path.join(self.directory, "store"), "--port", "0",
                                  "--server-url", mock.url, "--root-key", mock.root_key],
                                 stdin=subprocess.DEVNULL, stdout=end, stderr=end,
                                 env=bridge.clean_env())
        os.close(end)
        said, until = b"", time.monotonic() + 30
        try:
            while "▀".encode() not in said and time.monotonic() < until:
                if select.select([terminal], [], [], 1)[0]:
                    said += os.read(terminal, 65536)
            self.assertIn("▀", said.decode("utf-8", "ignore"))
            self.assertNotIn(b"NOT LINKED YET", said)
        finally:
            child.kill()
            child.wait()
            os.close(terminal)


if __name__ == "__main__":
    unittest.main()
