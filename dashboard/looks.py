"""Every look at a store's data leaves a row in the audit trail (the guide's checklist).

A page that keeps itself fresh is one look and not thousands: the same person at the same thing
is noted once in ten minutes.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Final

from flask import Flask, Response, request

from dashboard.access import asked_store_id, person
from dashboard.context import DashboardContext
from host.clock import MINUTE
from host.ledger import audit
from host.store.errors import StoreError

log = logging.getLogger(__name__)

AGAIN_MS: Final = 10 * MINUTE
MAX_KEPT: Final = 4_096

Look = tuple[str, str, str, str]


class Looks:
    """Which looks were noted lately."""

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self._noted: OrderedDict[Look, int] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, look: Look) -> None:
        """Write a look down, unless it was written lately."""
        now = self._context.clock.now()
        with self._lock:
            at = self._noted.get(look)
            if at is not None and 0 <= now - at < AGAIN_MS:
                return
            self._noted[look] = now
            self._noted.move_to_end(look)
            while len(self._noted) > MAX_KEPT:
                self._noted.popitem(last=False)
        who, action, subject, store_id = look
        facts = {"store_id": store_id}
        try:
            self._context.db.transaction(
                lambda tx: audit.append(tx, who, action, subject or store_id, facts)
            )
        except StoreError as error:  # a full disk is when people most need to see
            log.error("a look was not noted: %s", error)


def install(app: Flask, context: DashboardContext) -> None:
    """Note every page of a store's data that is handed out."""
    looks = Looks(context)

    @app.after_request
    def note(response: Response) -> Response:
        view = app.view_functions.get(request.endpoint or "")
        who = person()
        if who is None or request.method not in ("GET", "HEAD"):
            return response
        if response.status_code not in (200, 304):
            return response
        if getattr(view, "in_store", False):
            subject = next(iter((request.view_args or {}).values()), "")
            looks.note((who.person_id, f"look.{request.endpoint}", str(subject), asked_store_id()))
        return response
