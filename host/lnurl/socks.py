"""SOCKS5 (RFC 1928), as much as a Tor daemon needs: CONNECT to a name that it resolves."""

from __future__ import annotations

import socket
from typing import Final

_VERSION: Final = 5
_NO_AUTH: Final = 0
_CONNECT: Final = 1
_DOMAIN: Final = 3
_ADDRESS_BYTES: Final = {1: 4, 4: 16}


class SocksError(Exception):
    """The proxy did not make the connection."""


def socks_connect(sock: socket.socket, host: str, port: int) -> None:
    """Make a connection to the proxy one to `host`; the name travels, no resolver is asked."""
    sock.sendall(bytes((_VERSION, 1, _NO_AUTH)))
    if _exactly(sock, 2) != bytes((_VERSION, _NO_AUTH)):
        raise SocksError("the proxy wants a password, or is none")
    name = host.encode("ascii")
    sock.sendall(bytes((_VERSION, _CONNECT, 0, _DOMAIN, len(name))) + name + port.to_bytes(2))
    version, reply, _, kind = _exactly(sock, 4)
    if version != _VERSION or reply != 0:
        raise SocksError(f"the proxy refused: {reply}")
    length = _ADDRESS_BYTES[kind] if kind in _ADDRESS_BYTES else _exactly(sock, 1)[0]
    _exactly(sock, length + 2)


def _exactly(sock: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise SocksError("the proxy hung up")
        data += more
    return data
