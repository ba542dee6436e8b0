"""A terminal (tmux) of a certain size, the text in it, and a picture of that text."""

import functools
import os
import re
import shutil
import struct
import subprocess
import unittest
import zlib

from .process import Process, poll

# A character's cell in the picture: twice as high as wide, as most fonts have it.
CELL_W, CELL_H = 8, 18
WHITE, BLACK = 255, 0


def need(*commands):
    """Skips the test where one of these programs is missing; with CI=true the runner makes a
    failure of that."""
    missing = [command for command in commands if not shutil.which(command)]
    if missing:
        raise unittest.SkipTest(f"not installed: {', '.join(missing)} (tools/setup-debian screens)")


def png(rows):
    """A PNG of rows of grey bytes."""
    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", data) + part(b"IEND", b"")


def read_codes(picture, directory):
    """The texts of the QR codes in a PNG, by a reader that shares no code with the bridge."""
    path = os.path.join(directory, "picture.png")
    with open(path, "wb") as file:
        file.write(picture)
    done = subprocess.run(["zbarimg", "--raw", "-q", "-Sdisable", "-Sqrcode.enable", path],
                          capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.split()


@functools.lru_cache(maxsize=None)
def _cell(char):
    """Which of the character's 2 x 6 parts have ink, row by row: halves and sextants as Unicode
    defines them."""
    code = ord(char)
    if char == " ":
        return ((False, False),) * 6
    if code in (0x2580, 0x2584, 0x2588):
        return tuple((((code != 0x2584) if y < 3 else (code != 0x2580)),) * 2 for y in range(6))
    if code in (0x258C, 0x2590):
        return ((code == 0x258C, code == 0x2590),) * 6
    if 0x1FB00 <= code <= 0x1FB3B:
        # Every set of the six parts in turn, without the sets that older characters show.
        order = [n for n in range(1, 63) if n not in (0b010101, 0b101010)]
        bits = order[code - 0x1FB00]
        return tuple((bool(bits >> (y // 2 * 2) & 1), bool(bits >> (y // 2 * 2 + 1) & 1)) for y in range(6))
    return ((False, False), (True, False), (False, True)) * 2  # a letter: some ink


class Terminal:
    """The terminal never outlives the test, however the test ends: tmux's server stays a child of
    the test, and the program in the window dies with the server."""

    def __init__(self, directory, argv, columns=80, rows=24, env=None):
        self.directory, self.columns, self.rows = directory, columns, rows
        self.socket = os.path.join(directory, "tmux.socket")
        # The last output stays visible when the program has ended.
        config = os.path.join(directory, "tmux.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("set -g remain-on-exit on\nset -g status off\n")
        self.server = Process("tmux", ["tmux", "-u", "-D", "-S", self.socket, "-f", config], directory, env)
        poll(lambda: os.path.exists(self.socket), 20, "tmux listens", going_on=self.server.running, more=self.server.tail)
        subprocess.run(["tmux", "-u", "-S", self.socket, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                        "setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)],
                       env=env, cwd=directory, check=True, timeout=20)

    def _tmux(self, *args):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *args], capture_output=True, text=True, check=True,
                              timeout=20).stdout

    def pid(self):
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def text(self):
        """The text that the window shows now, without lines that have scrolled away."""
        return self._tmux("capture-pane", "-p")

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))
        self.columns, self.rows = columns, rows

    def close(self):
        self.server.kill()

    def wait_text(self, pattern, timeout=20):
        return poll(lambda: re.search(pattern, self.text()), timeout, f"the terminal shows {pattern}",
                    more=self.text)

    def picture(self, paper=BLACK):
        """A PNG of the window. paper: the background where the program has chosen none; ink is its
        opposite."""
        rows, fg, bg = [], None, None  # colours last beyond the end of a line
        for line in self._tmux("capture-pane", "-p", "-e", "-N").split("\n")[:self.rows]:
            cells = []
            for escape, char in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
                if char:
                    cells.append((char, fg, bg))
                    continue
                for number in (int(one or 0) for one in escape.split(";")):
                    if number == 0:
                        fg = bg = None
                    elif number in (30, 97):
                        fg = BLACK if number == 30 else WHITE
                    elif number in (40, 47, 107):
                        bg = BLACK if number == 40 else WHITE
                    elif number in (39, 49):
                        fg, bg = (None, bg) if number == 39 else (fg, None)
            cells += [(" ", None, None)] * (self.columns - len(cells))
            for y in range(CELL_H):
                row = bytearray()
                for char, front, back in cells:
                    ground = paper if back is None else back
                    ink = (255 - paper) if front is None else front
                    left, right = _cell(char)[y * 6 // CELL_H]
                    row += bytes([ink if left else ground]) * (CELL_W // 2)
                    row += bytes([ink if right else ground]) * (CELL_W // 2)
                rows.append(row)
        while len(rows) < self.rows * CELL_H:
            rows.append(bytes([paper]) * (self.columns * CELL_W))
        return png(rows)

    def codes(self, paper=BLACK):
        return read_codes(self.picture(paper), self.directory)
