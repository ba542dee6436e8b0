"""Stands between a client and wa-mock and cuts the connection after any number of bytes."""

import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER without patience: RST instead of FIN
CHUNK = 65536
UP, DOWN = "to the server", "to the client"


class Relay:
    """Has the mock's attributes, and its address is its own: pass it where a mock is expected."""

    def __init__(self, mock):
        self.mock = mock
        self.cuts = 0
        self._plan = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/ws/chat"
        threading.Thread(target=self._accept, daemon=True).start()

    def __getattr__(self, name):
        return getattr(self.mock, name)

    def cut_after(self, direction, count):
        """The next connection on which `count` more bytes went that way ends, behind exactly so many."""
        with self._lock:
            self._plan = {direction: count}

    def close(self):
        self._listener.close()

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
        """How much of that may pass, and whether that is the end."""
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
            while data := source.recv(CHUNK):
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
