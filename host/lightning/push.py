"""News that a wallet's service pushes: over a websocket, or as lines of an answer that goes on.

They are hints and never proof.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from host.lightning.http import CONNECT_S, Endpoint, HttpApi, Secret
from host.lightning.remote import Poll
from host.lightning.wallet import WalletError

_MAX_MESSAGE = 1 << 16
STREAM_S = 300.0
"""How long the lines of one answer are waited for; whoever waits longer polls."""


class Push:
    """A watch over a websocket; once that breaks it says "ask now", and polls from then on.

    Only messages with `about` in them count, where one websocket tells about everything.
    """

    def __init__(self, connection: ClientConnection, stack: ExitStack, about: str) -> None:
        self._connection = connection
        self._stack = stack
        self._about = about
        self._instead = Poll()
        self._broken = False

    @classmethod
    def opened(
        cls,
        endpoint: Endpoint,
        path: str,
        headers: Mapping[str, Secret] | None = None,
        about: str = "",
    ) -> Push | None:
        """None when there is no such connection: then asking now and then has to do."""
        if endpoint.cert_sha256 is not None:
            return None  # this library cannot hold a connection to one certificate
        parts = urlsplit(endpoint.url)
        tls = parts.scheme == "https"
        stack = ExitStack()
        try:
            connection = stack.enter_context(
                connect(
                    f"{'wss' if tls else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}{path}",
                    ssl=ssl.create_default_context(cafile=endpoint.ca_file) if tls else None,
                    additional_headers={n: one.reveal() for n, one in (headers or {}).items()},
                    open_timeout=CONNECT_S,
                    close_timeout=1,
                    max_size=_MAX_MESSAGE,
                    proxy=None,
                )
            )
        except (OSError, WebSocketException):  # TimeoutError is an OSError
            return None
        return cls(connection, stack, about)

    def wait(self, timeout_s: float) -> bool:
        if self._broken:
            return self._instead.wait(timeout_s)
        deadline = time.monotonic() + timeout_s
        try:
            while (left := deadline - time.monotonic()) > 0:
                if self._about in str(self._connection.recv(left)):
                    return True
        except TimeoutError:
            return False
        except ConnectionClosed:
            self._broken = True
            return True
        return False

    def close(self) -> None:
        self._instead.close()
        self._stack.close()


class Stream:
    """A watch over an answer that goes on while its invoice is open: each line is news.

    A thread reads it. Where it ends, or never begins, the watch polls.
    """

    def __init__(self, api: HttpApi, path: str) -> None:
        self._tail = api.tail(path, STREAM_S)
        self._news = threading.Event()
        self._over = threading.Event()
        self._instead = Poll()
        threading.Thread(target=self._read, name="wallet news", daemon=True).start()

    def wait(self, timeout_s: float) -> bool:
        if self._over.is_set():
            return self._instead.wait(timeout_s)
        told = self._news.wait(timeout_s)
        self._news.clear()
        return told

    def close(self) -> None:
        self._instead.close()
        self._tail.end()
        self._news.set()

    def _read(self) -> None:
        # No news are no trouble: these are hints alone, and somebody may have heard enough of them.
        with suppress(WalletError, OSError, ValueError):
            for _ in self._tail.lines():
                self._news.set()
        self._over.set()
        self._news.set()
