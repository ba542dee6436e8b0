"""Network namespaces: machines that reach each other only where a test connects them. As root
only."""

import ctypes
import functools
import os
import shutil
import subprocess
import threading

from .process import Process

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@functools.lru_cache(maxsize=None)
def missing():
    """Why this machine can make no namespace; None if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nsenter", "unshare"):
        if not shutil.which(program):
            return f"there is no {program} (tools/setup-debian test)"
    done = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or "unshare fails" if done.returncode else None


def need(case):
    """Skips the test where no namespace can be made; with CI=true the runner makes a failure of
    that."""
    if missing():
        case.skipTest(missing())


class Namespace:
    """One machine. It ends with its process, which the test ends."""

    def __init__(self, directory, name):
        self.holder = Process("netns-" + name, ["unshare", "-n", "sh", "-c", "echo up; exec cat"],
                              directory)
        self.holder.wait_line("up", 10)
        self.pid = self.holder.pid
        self.ip("link", "set", "lo", "up")

    def prefix(self, hosts=None):
        """argv that runs a program in this machine; hosts: a file that stands for /etc/hosts."""
        enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        if not hosts:
            return enter
        return [*enter, "unshare", "-m", "sh", "-c",
                f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]

    def ip(self, *args):
        subprocess.run([*self.prefix(), "ip", *args], check=True, capture_output=True, timeout=20)

    def connect(self, other, ours, theirs):
        """A cable between two of them. ours, theirs: addresses with prefix length, IPv4 and IPv6."""
        self.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable",
                "netns", str(other.pid))
        for end, addresses in ((self, ours), (other, theirs)):
            for address in addresses:
                end.ip("addr", "add", address, "dev", "cable", *(["nodad"] if ":" in address else []))
            end.ip("link", "set", "cable", "up")

    def call(self, function, *args, **options):
        """Calls the function in a thread inside this machine: its sockets are the machine's."""
        result = {}

        def inside():
            try:
                with open(f"/proc/{self.pid}/ns/net", "rb") as file:
                    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result["value"] = function(*args, **options)
            except BaseException as err:  # pylint: disable=broad-except
                result["error"] = err
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if "error" in result:
            raise result["error"]
        return result["value"]
