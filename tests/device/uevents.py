"""Waiting for devices: the kernel says whenever one comes or goes, so nobody has to sleep."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_UEVENTS, _KERNELS = 15, 1
"""NETLINK_KOBJECT_UEVENT, and its group of the kernel's own words (linux/netlink.h)."""


def wait_until(look: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """The first thing that `look` finds, looked for at every coming and going."""
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _UEVENTS) as heard:
        heard.bind((0, _KERNELS))
        while True:
            if (found := look()) is not None:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited in vain for {what}")
            if select.select([heard], [], [], min(left, 0.5))[0]:
                heard.recv(8192)
