"""What the dashboard is given: the ledger, the dots, a terminal to begin with, and its secret."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from host.clock import Clock
from host.health import Board
from host.keyring import Keyring
from host.pinpad import PinPad
from host.screen import Screen
from host.store.engine import Engine
from host.till import Terminal
from host.visits import Visits

LOCAL_NAMES = ("127.0.0.1", "localhost")
"""Names under which a browser on this machine reaches a loopback listener."""


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """That this is a simulation, and where its virtual counter is."""

    counter_url: str = ""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the card desk's pages need, to seal PINs and to hand links to phones."""

    keyring: Keyring = field(repr=False)
    card_base: str
    """The base of the address on a card, `lnurlw://host/ln`."""
    balance_url: str
    phone_url: str = ""
    """Where phones reach us, as `https://host/phone`; empty when it is this listener."""


@dataclass(frozen=True, slots=True)
class DashboardContext:
    """Everything `create_app` needs; nothing is read from globals or the environment."""

    db: Engine
    clock: Clock
    board: Board
    terminal: Terminal
    """The first configured reader's, where nothing says another: `room.terminal` decides."""
    secret: bytes = field(repr=False)
    """Signs the CSRF token; kept across restarts, so an open till page stays usable."""
    hosts: tuple[str, ...] = LOCAL_NAMES
    """The only names a request may call us by (DNS rebinding)."""
    url: str = ""
    """The address that people use, where it is not the listener's own (behind a proxy)."""
    secure_cookie: bool = False
    """True where people reach us over https (behind the shop's TLS proxy)."""
    demo: DemoInfo | None = None
    bench: Workbench | None = None
    """None leaves the card desk out."""
    pads: PinPad = field(default_factory=PinPad)
    """Where a PIN goes that is typed on the till."""
    visits: Visits | None = None
    """Holders at a reader of ours; None has no reader to lend them."""
    screen: Screen | None = None
    """What shows a sale's invoice as a QR code; None has no wallet to make one."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the service stops: live streams end by themselves."""
