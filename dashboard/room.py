"""The way from a request to what the dashboard was given, and to the terminal it acts for.

A request names its terminal (`?terminal=`), so that a page acts for the one it was made for,
whatever another window chose meanwhile. Without a name it is the one at which this device charges,
else the one last chosen in this browser, else the first of the person's store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from flask import abort, current_app, g, request, url_for

from dashboard.context import DashboardContext
from dashboard.formats import when
from host.ledger import records, stores
from host.ledger.devices import Device
from host.ledger.permissions import Person
from host.ledger.records import Store
from host.till import Terminal

KEY = "taptill"
TERMINAL_FIELD: Final = "terminal"
TERMINAL_COOKIE: Final = "taptill_terminal"
"""What was chosen last in a browser that is no trusted device; it opens nothing by itself."""


def here() -> DashboardContext:
    """The context of the running app."""
    return cast(DashboardContext, current_app.extensions[KEY])


def terminal() -> Terminal:
    """The terminal that this request acts for; nothing else decides it."""
    return cast(Terminal, g.get("terminal") or here().terminal)


def device() -> Device | None:
    """The trusted device that asks, if it is one."""
    return cast("Device | None", g.get("device"))


def enter(who: Person | None, asks: Device | None) -> None:
    """Settle which terminal this request acts for; one that is not theirs is 403."""
    g.device = asks
    named = request.args.get(TERMINAL_FIELD) if who is not None else None
    found = _open_terminal(who, asks, named) if named is not None else _usual(who, asks)
    if found is None:
        abort(403)
    g.terminal = found


def terminals_open_to(who: Person | None, asks: Device | None, store_id: str) -> bool:
    """Whether this person, on this device, may charge in a store at all."""
    if asks is not None and asks.store_id != store_id:
        return False
    return who is not None and who.store_id in (None, store_id)


def _open_terminal(who: Person | None, asks: Device | None, terminal_id: str) -> Terminal | None:
    found = stores.get_terminal(here().db, terminal_id)
    if found is None or not terminals_open_to(who, asks, found.store_id):
        return None
    return Terminal(found.terminal_id, found.store_id)


def _usual(who: Person | None, asks: Device | None) -> Terminal:
    if asks is not None:
        return Terminal(asks.terminal_id, asks.store_id)
    last = request.cookies.get(TERMINAL_COOKIE) if who is not None else None
    if last and (chosen := _open_terminal(who, asks, last)) is not None:
        return chosen
    first = here().terminal
    if who is None or who.store_id in (None, first.store_id):
        return first
    own = stores.terminals(here().db, who.store_id)
    return Terminal(own[0].terminal_id, own[0].store_id) if own else first


def choices() -> list[records.Terminal]:
    """The terminals of this one's store, where there are several to choose from."""
    if "choices" not in g:
        found = stores.terminals(here().db, terminal().store_id)
        g.choices = found if len(found) > 1 else []
    return cast("list[records.Terminal]", g.choices)


def terminal_name() -> str:
    """What people call the terminal that this request acts for."""
    found = stores.get_terminal(here().db, terminal().terminal_id)
    return found.name if found is not None else terminal().terminal_id


def outside(endpoint: str, token: str) -> str:
    """A one-time link of ours as another device opens it: at the address that people use."""
    return (here().url or request.host_url).rstrip("/") + url_for(endpoint, token=token)


def our_store() -> Store:
    """The store of this request's terminal."""
    store = stores.get(here().db, terminal().store_id)
    if store is None:
        abort(503)
    return store


def store_time(store: Store) -> Callable[[int], str]:
    """Times (UTC epoch ms) as this store's clock shows them."""
    return lambda at: when(at, store.timezone)
