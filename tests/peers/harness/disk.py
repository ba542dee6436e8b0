"""The shim (tests/shim): file calls of a program fail as a test wishes, its clock is moved, and the
files that a power loss would leave are computed from the recorded writes and flushes."""

import errno
import mmap
import os
import re
import struct
import subprocess

from . import paths
from .bridge import clean_env

WRITE, SYNC, CREATE, TRUNCATE, RENAME, UNLINK, OPEN_WRITE, READ = 1, 2, 4, 8, 16, 32, 64, 128
CHANGES = WRITE | SYNC | CREATE | TRUNCATE | RENAME | UNLINK | OPEN_WRITE
FOREVER = -1

_TEXT = 256
_NUMBERS = ("calls", "error", "skip", "times", "partly", "room", "kill_at", "clock_offset_s",
            "mono_offset_ms", "seen", "failed")
_SIZE = 2 * _TEXT + 8 * len(_NUMBERS)


def preload():
    """Where a program is built with a sanitizer, the sanitizer's library must be preloaded
    first."""
    found = subprocess.run(["ldd", paths.BRIDGE], capture_output=True, text=True, check=True).stdout
    asan = re.search(r"libasan\.so\S* => (\S+)", found)
    return " ".join(([asan[1]] if asan else []) + [os.path.join(paths.BUILD, "tests", "libwb_shim.so")])


class Shim:
    """One control file; every program started with env() obeys it at once."""

    def __init__(self, directory, watched=""):
        self.directory, self.path = directory, os.path.join(directory, "shim.control")
        self.starts = 0
        with open(self.path, "w+b") as file:
            file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._preloaded = preload()
        self.room = FOREVER
        self.watch(watched)

    def watch(self, directory):
        self._text(0, directory)

    def _text(self, at, text):
        self._map[at:at + _TEXT] = text.encode().ljust(_TEXT, b"\0")

    def __getattr__(self, name):
        if name in _NUMBERS:
            return struct.unpack_from("q", self._map, 2 * _TEXT + 8 * _NUMBERS.index(name))[0]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        if name in _NUMBERS:
            struct.pack_into("q", self._map, 2 * _TEXT + 8 * _NUMBERS.index(name), value)
        else:
            super().__setattr__(name, value)

    def env(self, record=False, **extra):
        """Environment for the program; record: its changes go to self.record, a new file each
        time."""
        extra.update(LD_PRELOAD=self._preloaded, WB_SHIM_CONTROL=self.path)
        if record:
            self.starts += 1
            self.record = os.path.join(self.directory, f"shim.record.{self.starts}")
            extra["WB_SHIM_RECORD"] = self.record
        return clean_env(ASAN_OPTIONS="detect_leaks=0", **extra)

    def fail(self, calls, error=errno.EIO, suffix="", skip=0, times=FOREVER, partly=False):
        self.times = 0
        self._text(_TEXT, suffix)
        self.error, self.calls, self.skip, self.partly = error, calls, skip, int(partly)
        self.failed = 0
        self.times = times

    def heal(self):
        self.times, self.room = 0, FOREVER


# ---- power loss ---------------------------------------------------------------------------------

_RECORD = struct.Struct("<IIIIq")
_CREATE, _WRITE, _TRUNCATE, _SYNC, _RENAME, _UNLINK, _SYNC_DIR = range(1, 8)


class _File:
    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []  # (offset, bytes), or (size, None) for a truncation

    @staticmethod
    def put(content, at, data):
        if data is None:
            del content[at:]
            content.extend(bytes(at - len(content)))
            return
        if len(content) < at:
            content.extend(bytes(at - len(content)))
        content[at:at + len(data)] = data

    def sync(self):
        for at, data in self.pending:
            self.put(self.durable, at, data)
        self.pending = []

    def after(self, rng, how):
        """What the disk holds after a power loss: the flushed part, and of the rest what `how`
        says."""
        content = bytearray(self.durable)
        for at, data in self.pending:
            if how == "nothing" or (data is None and rng.random() < 0.5):
                continue
            if data is None:
                self.put(content, at, None)
                continue
            sector = 512 if how == "sectors" else 4096 if how == "pages" else len(data)
            place = at
            while place < at + len(data):
                end = min(at + len(data), (place // sector + 1) * sector) if sector < len(data) \
                    else at + len(data)
                if how == "everything" or rng.random() < 0.5:
                    self.put(content, place, data[place - at:end - at])
                place = end
        return bytes(content)


class PowerLoss:
    """Made before a start: files that are in the directory then are on the disk for good."""

    KINDS = ("nothing", "writes", "sectors", "pages", "everything")

    def __init__(self, directory):
        self.directory = directory
        self.names, self.durable_names = {}, {}
        for path in self._files():
            with open(path, "rb") as file:
                self.names[path] = _File(file.read())
        self.durable_names = dict(self.names)

    def _files(self):
        """All files below the directory, also backups and media."""
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.directory)
                for name in names]

    def _replay(self, record):
        if not os.path.exists(record):
            return  # it was dead before its first call
        with open(record, "rb") as file:
            log = file.read()
        at = 0
        while at + _RECORD.size <= len(log):
            op, path_n, data_n, _, where = _RECORD.unpack_from(log, at)
            at += _RECORD.size
            path = log[at:at + path_n].decode()
            data = log[at + path_n:at + path_n + data_n]
            at += path_n + data_n
            self._step(op, path, data, where)

    def _step(self, op, path, data, where):
        if op == _CREATE:
            self.names[path] = _File()
        elif op == _WRITE:
            self.names[path].pending.append((where, data))
        elif op == _TRUNCATE:
            self.names[path].pending.append((where, None))
        elif op == _SYNC:
            self.names[path].sync()
        elif op == _RENAME:
            self.names[data.decode()] = self.names.pop(path)
        elif op == _UNLINK:
            del self.names[path]
        elif op == _SYNC_DIR:  # the names in it, not those further down
            inside = {name: file for name, file in self.names.items()
                      if os.path.dirname(name) == path}
            outside = {name: file for name, file in self.durable_names.items()
                       if os.path.dirname(name) != path}
            self.durable_names = {**outside, **inside}

    def strike(self, record, rng):
        """The program is dead: leaves in the directory what the disk would hold. Returns the kind
        of loss."""
        self._replay(record)
        how = rng.choice(self.KINDS)
        names = self.durable_names if how == "nothing" or rng.random() < 0.5 else self.names
        for path in self._files():
            os.unlink(path)
        for path, file in names.items():
            if path.endswith("-shm"):
                continue
            with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as out:
                out.write(file.after(rng, how))
        return how


