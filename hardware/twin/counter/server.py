"""The virtual counter's listener: a loopback port of its own, served by waitress."""

from __future__ import annotations

import secrets
import socket
import threading
from typing import Any, Self

from waitress import wasyncore
from waitress.server import create_server

from hardware.twin.bench import Bench
from hardware.twin.counter.app import MAX_STREAMS, create_app
from hardware.twin.counter.live import Scene

PAGE_THREADS = 4


class Counter:
    """A virtual counter that listens; `url` holds the token, so whoever has it may play.

    Raises `OSError` when the port is taken; port 0 takes a free one.
    """

    def __init__(
        self,
        bench: Bench,
        *,
        port: int = 0,
        token: str | None = None,
        till_url: str | None = None,
    ) -> None:
        self._scene = Scene(bench)
        self._token = token or secrets.token_urlsafe(24)
        self._socket = socket.create_server(("127.0.0.1", port))
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._server = create_server(
            create_app(self._scene, self._token, till_url=till_url),
            map=self._map,
            sockets=[self._socket],
            threads=MAX_STREAMS + PAGE_THREADS,
            channel_request_lookahead=1,  # so that a closed page's stream is noticed
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
        self._thread = threading.Thread(target=self._run, name="counter", daemon=True)

    @property
    def url(self) -> str:
        """The link that opens the page."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/enter/{self._token}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the streams, then the listener; returns when they have ended."""
        self._scene.close()
        self._stopping.set()
        if self._thread.is_alive():
            self._server.pull_trigger()
            self._thread.join(5.0)
        self._server.task_dispatcher.shutdown(timeout=5.0)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        self._socket.close()
        wasyncore.close_all(self._map, ignore_all=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
