"""A way to a server on loopback that a test can close, or let lose what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Relay:
    """Carries TCP connections to a port of this machine. Use as a context manager."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._port = 0
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lose_request = b""
        self._lose_answer = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Relay:
        self.open_way()
        return self

    def __exit__(self, *_: object) -> None:
        self.close_way()
        for thread in self._threads:
            thread.join(10)

    def open_way(self) -> None:
        """Take connections (again, on the same port)."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port, self._listener = listener.getsockname()[1], listener
        self._run(self._accept, listener)

    def close_way(self) -> None:
        """Refuse new connections and break the ones there are."""
        listener, self._listener = self._listener, None
        with self._lock:
            sockets = [*self._sockets, *([listener] if listener else [])]
        for one in sockets:
            _cut(one)

    @contextmanager
    def losing_answers_to(self, part: bytes) -> Iterator[None]:
        """Requests with this part arrive; their answers are lost with the connection."""
        self._lose_answer = part
        yield
        self._lose_answer = b""

    @contextmanager
    def losing_requests(self, part: bytes) -> Iterator[None]:
        """Requests with this part are lost on the way, with their connection."""
        self._lose_request = part
        yield
        self._lose_request = b""

    # -- inside ---------------------------------------------------------------------------

    def _run(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                listener.close()
                return
            self._run(self._carry, near)

    def _carry(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._target))
        lost = threading.Event()
        with self._lock:
            self._sockets |= {near, far}
        back = threading.Thread(target=self._back, args=(far, near, lost), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                if self._lose_request and self._lose_request in data:
                    break
                if self._lose_answer and self._lose_answer in data:
                    lost.set()
                far.sendall(data)
        _cut(far)
        back.join(10)
        _cut(near)
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()

    @staticmethod
    def _back(far: socket.socket, near: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if lost.is_set():
                    break
                near.sendall(data)
        _cut(near)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
