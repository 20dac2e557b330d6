"""A lean HTTP/1.1 client on a socket that stays open: the client must not be what is measured."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


class Client:
    """GET after GET on one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def get(self, target: str) -> Any:
        """The JSON body of a GET. Raises `OSError` for anything but 200."""
        request = f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n\r\n"
        self._socket.sendall(request.encode("ascii"))
        head, _, rest = self._until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise OSError(head.split(b"\r\n", 1)[0].decode("ascii", "replace"))
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += self._more()
        self._buffer = rest[length:]
        return json.loads(rest[:length])

    def _until(self, mark: bytes) -> tuple[bytes, bytes, bytes]:
        data = self._buffer
        while mark not in data:
            data += self._more()
        return data.partition(mark)

    def _more(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise OSError("the server closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
