"""How provisioning and the dashboard join in: entry points, as plug-ins do.

The host imports none of them; it asks the installed distributions for

`taptill.commands`    functions that add commands to the `taptill` group
`taptill.services`    functions that make a service of the daemon
`taptill.borrowers`   functions that make a `Borrower` of a till's reader, such as the card desk
`taptill.public`      functions that make a blueprint of the public listener, or None
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from host.clock import Clock
from host.config import Config
from host.health import Board
from host.keyring import Keyring
from host.lightning.wallet import Wallet
from host.pinpad import PinPad
from host.store.engine import Engine
from host.visits import Visits

log = logging.getLogger(__name__)

COMMANDS = "taptill.commands"
SERVICES = "taptill.services"
BORROWERS = "taptill.borrowers"
PUBLIC = "taptill.public"


@dataclass(frozen=True, slots=True)
class Context:
    """What the daemon hands to a service."""

    home: Path
    config: Config
    db: Engine
    clock: Clock
    board: Board
    keyring: Keyring
    wallet: Wallet
    stop: threading.Event
    pads: PinPad = field(default_factory=PinPad)
    """Where a PIN that was typed on a till's screen goes."""
    visits: Visits | None = None
    """Holders at a reader of ours."""
    demo_url: str | None = None
    """Where the virtual counter is, in the demo."""


class Service(Protocol):
    """A part of the daemon that listens or works by itself."""

    name: str

    def start(self) -> None:
        """Begin; raises `OSError` when the address is taken."""

    def stop(self) -> None:
        """End, and return when it has ended."""

    @property
    def url(self) -> str | None:
        """Where people reach it, once it is started."""


def load(group: str) -> Iterator[tuple[str, Any]]:
    """Every installed plug-in of a group; a broken one is logged and hides no other."""
    for point in sorted(entry_points(group=group), key=lambda one: one.name):
        try:
            yield point.name, point.load()
        except Exception:
            log.exception("plug-in %s of %s cannot be loaded", point.name, group)
