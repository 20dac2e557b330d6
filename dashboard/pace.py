"""How fast somebody may ask: a budget per session and address, spent before any work.

Pages are generous, programs less, and signing in is slow, because each try hashes (THREATS 13).
Only a session and a trusted till that are real have a budget of their own: whoever makes cookies up
shares the one of their address.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from dashboard.access import COOKIE, person
from dashboard.context import DashboardContext
from dashboard.errors import answer
from dashboard.room import device
from host.ledger.codes import Code
from host.lnurl.budget import Budget, Rate

PAGES: Final = Rate(burst=300, per_second=50)
PROGRAMS: Final = Rate(burst=120, per_second=20)
SIGN_IN: Final = Rate(burst=20, per_second=0.2)
RETRY_S: Final = 5

DOORS: Final = {"signin.enter", "signin.pin", "signin.link", "devices.link"}
"""Where secrets are tried."""


def install(app: Flask, context: DashboardContext) -> None:
    """Put the budgets in front of every view but files and the live stream."""
    pages, programs, doors = (Budget(rate, context.clock) for rate in (PAGES, PROGRAMS, SIGN_IN))

    @app.before_request
    def spend() -> Response | None:
        if request.endpoint in (None, "static", "live.live"):
            return None
        who = (request.remote_addr, request.cookies[COOKIE] if person() is not None else "")
        if request.endpoint in DOORS:
            # Each trusted till has its own budget: several may stand behind one address.
            till = device()
            allowed = doors.spend((request.remote_addr, till.device_id if till else ""))
        elif request.blueprint == "api" or request.path.startswith("/payouts/export"):
            allowed = programs.spend(who)
        else:
            allowed = pages.spend(who)
        if allowed:
            return None
        code = Code.RATE_LIMITED
        response = answer(429, code.words, code.value)
        response.headers["Retry-After"] = str(RETRY_S)
        return response
