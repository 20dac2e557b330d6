"""The way from a request to what the dashboard was given, and to the terminal it acts for."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import abort, current_app, g

from dashboard.context import DashboardContext
from dashboard.formats import when
from host.ledger import stores
from host.ledger.records import Store
from host.till import Terminal

KEY = "taptill"


def here() -> DashboardContext:
    """The context of the running app."""
    return cast(DashboardContext, current_app.extensions[KEY])


def terminal() -> Terminal:
    """The terminal that this request acts for; nothing else decides it."""
    return cast(Terminal, g.get("terminal") or here().terminal)


def our_store() -> Store:
    """The store of this request's terminal."""
    store = stores.get(here().db, terminal().store_id)
    if store is None:
        abort(503)
    return store


def store_time(store: Store) -> Callable[[int], str]:
    """Times (UTC epoch ms) as this store's clock shows them."""
    return lambda at: when(at, store.timezone)
