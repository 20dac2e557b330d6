"""Ports for servers that have to be told theirs before they listen."""

from __future__ import annotations

import itertools
import os
import socket

_BLOCK = 100
_FIRST = 10_000 + _BLOCK * (os.getpid() * 37 % 100)
"""Each process has a block of its own, below 20 000, where the private pcscd's begin, and far
below the range out of which the kernel serves whoever connects somewhere: what is free now is
free when the server starts, and when it starts again.
"""
_turns = itertools.count()


def free_port() -> int:
    """A port of this machine on which nobody listens; the same one comes again only much later."""
    for turn in itertools.islice(_turns, _BLOCK):
        port = _FIRST + turn % _BLOCK
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"somebody listens on every port from {_FIRST} on")
