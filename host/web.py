"""A web listener: waitress around a WSGI application, started and stopped from any thread.

Both listeners use it: the dashboard and the public LNURL service. It logs no request, so that
no query string with a PIN in it can reach a log (THREATS 19).
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

log = logging.getLogger(__name__)

_LOOP_S = 1.0
_IPV6_GROUP_BITS = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class WebServer:
    """One listener; port 0 takes a free one, and `port` tells which.

    The socket is bound at once (`OSError` when it cannot be); requests are served from `start`
    until `stop`. A context manager does both.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        *,
        name: str = "web",
        threads: int = 8,
        max_header_bytes: int = 16_384,
        max_body_bytes: int = 1_048_576,
        connection_limit: int = 200,
        idle_s: int = 30,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=1_024)
        self.host, self.port = self._socket.getsockname()[:2]
        self.name = name
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # A full queue is ordinary under load, and not worth a line for each request.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server = create_server(
            app,
            map=self._map,
            sockets=[self._socket],
            threads=threads,
            ident=None,
            max_request_header_size=max_header_bytes,
            max_request_body_size=max_body_bytes,
            connection_limit=connection_limit,
            channel_timeout=idle_s,
            cleanup_interval=max(1, idle_s // 2),
            channel_request_lookahead=1,  # notices a client that left while it is answered
            clear_untrusted_proxy_headers=False,  # `client_address` is the judge of them
            expose_tracebacks=False,
        )

    @property
    def url(self) -> str:
        """Where the listener is reached on this machine, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Serve requests from a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop listening, let requests in hand end for up to `timeout_s`; again does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread is not None:
            self._server.pull_trigger()
            self._thread.join()
        self._socket.close()
        self._server.task_dispatcher.shutdown(timeout=timeout_s)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        if self._server.task_dispatcher.threads:
            # A request that does not end may still pull the trigger: closing that file number
            # would let it write into whatever file gets the number next.
            log.warning("%s: a request did not end in time", self.name)
            return
        wasyncore.close_all(self._map, ignore_all=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wasyncore.loop(timeout=_LOOP_S, use_poll=True, map=self._map, count=1)
            except Exception:  # the loop of this thread: one bad socket must not end it
                log.exception("%s: the listener's loop failed and goes on", self.name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def networks(texts: Iterable[str]) -> Networks:
    """Addresses and networks from configuration; `ValueError` names the bad one."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def client_address(environ: Mapping[str, Any], trusted_proxies: Networks) -> str:
    """Who asks: the peer, or what our own proxies say about it (THREATS 27).

    `X-Forwarded-For` is read from its right end, where our proxy wrote what it saw, and only as
    far as the writers are ours; what a stranger wrote to the left is not believed.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not trusted_proxies:
        return peer
    client = peer
    for hop in reversed(str(environ.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        if not _is_trusted(client, trusted_proxies) or _address(hop.strip()) is None:
            break
        client = hop.strip()
    return client


def address_group(text: str) -> str:
    """What counts as one client for a budget: an IPv4 address, or a /64 of IPv6."""
    address = _address(text) if ":" in text else None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, _IPV6_GROUP_BITS), strict=False))
    return text


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_trusted(text: str, trusted_proxies: Networks) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted_proxies)
