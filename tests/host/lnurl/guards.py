"""Guards for tests, and what they are given instead of the network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from host.lnurl.guard import Guard, GuardSettings
from tests.support.scripted_http import ScriptedServer

PUBLIC = "93.184.215.14"


def never_connects(address: str, port: int, timeout_s: float) -> socket.socket:
    raise AssertionError(f"connected to {address}:{port}")


def guard_of(server: ScriptedServer, **settings: object) -> Guard:
    """A guard in its test setting: this one server may be asked over http."""
    return Guard(GuardSettings(plain_hosts=frozenset({server.host}), **settings))  # type: ignore[arg-type]


def resolver(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _name, _port: addresses
