"""The dashboard's app: its rooms, behind one guard and one door."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from dashboard import access, cards, errors, formats, guard, live, payouts, signin, status, till
from dashboard.access import may, person, signed_in
from dashboard.context import DashboardContext
from dashboard.room import KEY
from dashboard.state import dots


class Room(NamedTuple):
    """A room in the navigation, for people who have the permission."""

    name: str
    endpoint: str
    label: str
    icon: str
    permission: str


ROOMS = (
    Room("till", "till.page", "Till", "till", "sale.charge"),
    Room("payouts", "payouts.page", "Payouts", "list", "payout.view"),
    Room("cards", "cards.page", "Cards", "card", "card.view"),
)


def create_app(context: DashboardContext) -> Flask:
    """The dashboard over this context; every view declares who it is open to."""
    app = Flask(__name__)
    app.secret_key = context.secret
    app.extensions[KEY] = context
    app.extensions[live.STREAMS] = live.Streams()
    guard.install(app, context.hosts)
    access.install(app)
    errors.install(app)
    for room in (signin, till, payouts, cards, status, live):
        app.register_blueprint(room.bp)
    _templates(app, context)

    @app.get("/")
    @signed_in
    def home() -> ResponseReturnValue:
        first = next((room.endpoint for room in _rooms()), "status.page")
        return redirect(url_for(first))

    return app


def icon(name: str) -> Markup:
    """A drawing of `static/icons.svg`; it takes the colour of the text around it."""
    sheet = url_for("static", filename="icons.svg")
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
    ).format(sheet, name)


def _rooms() -> list[Room]:
    return [room for room in ROOMS if may(room.permission)]


def _templates(app: Flask, context: DashboardContext) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        sats=formats.sats, btc=formats.btc, machine_time=formats.machine_time, ntag=formats.ntag
    )
    app.jinja_env.globals["icon"] = icon

    @app.context_processor
    def frame() -> dict[str, Any]:
        """What the frame around every page shows."""
        return {
            "room": context,
            "rooms": _rooms(),
            "person": person(),
            "dots": lambda: dots(context),
        }
