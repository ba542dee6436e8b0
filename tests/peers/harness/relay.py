"""Stands between a client and wa-mock: cuts the connection after any number of bytes, or is a slow line."""

import socket
import struct
import threading
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER without patience: RST instead of FIN
CHUNK = 65536
# A slow line takes and holds little at a time: the rest stays with the sender.
SLOW_CHUNK, SLOW_BUFFER = 4096, 16384
UP, DOWN = "to the server", "to the client"


class Relay:
    """Has the mock's attributes but an address of its own: pass it where a mock is expected."""

    def __init__(self, mock, up_bytes_s=None):
        """up_bytes_s: how many bytes pass to the server in a second; slow() changes it at any
        time."""
        self.mock = mock
        self.cuts = 0
        self.passed = 0  # bytes to the server
        self.up_bytes_s = up_bytes_s
        self._plan = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        if up_bytes_s:  # before any client connects: later the window is fixed
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/ws/chat"
        threading.Thread(target=self._accept, daemon=True).start()

    def __getattr__(self, name):
        return getattr(self.mock, name)

    def cut_after(self, direction, count):
        """Ends the next connection on which `count` more bytes went that way, behind exactly so
        many bytes."""
        with self._lock:
            self._plan = {direction: count}

    def slow(self, up_bytes_s):
        """Sets the speed; None: no limit."""
        self.up_bytes_s = up_bytes_s

    def close(self):
        self._listener.close()

    def _take(self, source, direction):
        """The next bytes; from a slow line at its pace."""
        rate = self.up_bytes_s if direction == UP else None
        if not rate:
            return source.recv(CHUNK)
        time.sleep(SLOW_CHUNK / rate)
        return source.recv(SLOW_CHUNK)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.mock.port))
            except OSError:
                client.close()
                continue
            for source, sink, direction in ((client, server, UP), (server, client, DOWN)):
                threading.Thread(target=self._pump, args=(source, sink, direction),
                                 daemon=True).start()

    def _allowed(self, direction, size):
        """How many of these bytes may pass, and whether the connection ends behind them."""
        with self._lock:
            left = self._plan.get(direction)
            if left is None:
                return size, False
            if left > size:
                self._plan[direction] = left - size
                return size, False
            self._plan = {}
            self.cuts += 1
            return left, True

    def _pump(self, source, sink, direction):
        try:
            while data := self._take(source, direction):
                if direction == UP:
                    self.passed += len(data)
                size, cut = self._allowed(direction, len(data))
                sink.sendall(data[:size])
                if cut:
                    for end in (source, sink):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
