"""A child process whose lines can be waited for, and which never outlives the test."""

import concurrent.futures
import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# What sanitizers print when they find something; a child that printed it has failed its test.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


POLL_S = 0.05


class Timeout(AssertionError):
    """Something that should have happened did not."""


def poll(ask, timeout, what, going_on=lambda: True, not_yet=(), more=lambda: ""):
    """Asks again until the answer is true, and returns the answer: for states that send no event.

    going_on: False ends the wait early; not_yet: exceptions that count as no answer; more: text for
    the failure."""
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline and going_on():
        try:
            last = ask()
            if last:
                return last
        except not_yet as err:
            last = err
        time.sleep(POLL_S)
    raise Timeout(f"{what}: not within {timeout} s (last: {last!r})\n{more()}")


# The kernel counts the thread that started a child as its parent: so one thread starts all, and
# never ends.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """Runs a program; standard output is read line by line, standard error goes to a file.

    under: a program that changes something and then becomes the program in argv, such as
    prlimit."""

    def __init__(self, name, argv, directory, env=None, cwd=None, under=()):
        self.name = name
        self.argv = [str(part) for part in (*under, *argv)]
        self.stdout_path = os.path.join(directory, name + ".out")
        self.stderr_path = os.path.join(directory, name + ".err")
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        with open(self.stderr_path, "ab") as stderr:
            self._child = _starter.submit(
                subprocess.Popen, self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, env=env, cwd=cwd or directory,
                preexec_fn=_die_with_parent).result()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._child.pid

    def _read(self):
        with open(self.stdout_path, "ab") as copy:
            for raw in self._child.stdout:
                copy.write(raw)
                copy.flush()
                self._on_line(raw.decode("utf-8", "replace").rstrip("\n"))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _on_line(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def write_line(self, line):
        self._child.stdin.write(line.encode() + b"\n")
        self._child.stdin.flush()

    def wait_until(self, look, timeout, what):
        """Calls look() under the lock at every new line until it returns something true."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = look()
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    break
                self._changed.wait(left)
        how = "ended" if self._ended else f"silent for {timeout} s"
        raise Timeout(f"{self.name} ({how}) never said: {what}\n{self.tail()}")

    def wait_line(self, prefix, timeout):
        def look():
            return next((line for line in self.lines if line.startswith(prefix)), None)
        return self.wait_until(look, timeout, prefix)[len(prefix):]

    def tail(self, count=12):
        out = "\n".join("  | " + line[:400] for line in self.lines[-count:])
        return f"last output of {self.name}:\n{out}\nstandard error:\n{self.stderr()[-3000:]}"

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self._child.poll() is None

    def cpu_seconds(self):
        """The processor time that the program has used so far, in user and kernel mode."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def loop_seconds(self):
        """The processor time that the program's main thread has used so far, exactly."""
        with open(f"/proc/{self.pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9

    def memory_mb(self, name="VmRSS"):
        """name: VmRSS, the memory that the program has now; VmHWM, the most that it had (since
        forget_peak())."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name + ":")) / 1024

    # Only root may use the next two while a program keeps its memory private, as the bridge does
    # unless it is started with bridge.OPEN_TO_ALL.

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def descriptors(self):
        """How many files and sockets the program holds."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_exit(self, timeout):
        """Exit status; negative for a signal, as in subprocess."""
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} still runs after {timeout} s\n{self.tail()}") from None
        self._reader.join(5)
        return status

    def signal(self, number):
        self._child.send_signal(number)

    def stop(self, timeout=10):
        """Asks the program to end; kills it if it does not. Returns its status."""
        if self.running():
            self._child.terminate()
        try:
            return self.wait_exit(timeout)
        except Timeout:
            self.kill()
            raise

    def kill(self):
        if self.running():
            self._child.kill()
        self._child.wait()
        self._reader.join(5)
        with contextlib.suppress(BrokenPipeError):  # lines that were written and never read
            self._child.stdin.close()
        self._child.stdout.close()

    def check_sanitizers(self):
        text = self.stderr()
        for mark in SANITIZER_MARKS:
            if mark in text:
                raise AssertionError(f"{self.name}: {text[text.index(mark):][:4000]}")
