"""The dashboard's app: its rooms, behind one guard and one door."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from dashboard import (
    access,
    api,
    card_changes,
    cards,
    deskroom,
    devices,
    errors,
    formats,
    forms,
    guard,
    history,
    holder,
    language,
    live,
    looks,
    me,
    overview,
    pace,
    payouts,
    pull_payments,
    recent,
    reports,
    sales,
    settings,
    shell,
    shifts,
    signin,
    stats,
    status,
    team,
    terminals,
    till,
    trail,
    zreports,
)
from dashboard.access import may, may_in_store, person, signed_in
from dashboard.context import DashboardContext
from dashboard.room import KEY, choices, device, terminal, terminal_name
from dashboard.state import dots
from host.language import decimal


class Room(NamedTuple):
    """A room in the navigation, for people who have the permission."""

    name: str
    endpoint: str
    label: str
    icon: str
    permission: str
    manage: bool = False
    """Whether it stands behind "Manage", with what is not needed every day."""


ROOMS = (
    Room("till", "till.page", "Till", "till", "sale.charge"),
    Room("overview", "overview.page", "Overview", "chart", "payout.view"),
    Room("payouts", "payouts.page", "Payouts", "list", "payout.view"),
    Room("sales", "sales.page", "Sales", "sale", "payout.view", True),
    Room("cards", "cards.page", "Cards", "card", "card.view"),
    Room("desk", "desk.page", "Desk", "wrench", "card.provision"),
    Room(
        "pull_payments", "pull_payments.page", "Pull payments", "wallet", "pull_payment.view", True
    ),
    Room("reports", "reports.page", "Reports", "report", "report.view", True),
    Room("team", "team.page", "People", "people", "people.manage", True),
    Room("terminals", "terminals.page", "Readers", "tap", "store.manage", True),
    Room("history", "history.page", "Import history", "history", "store.manage", True),
    Room("settings", "settings.page", "Settings", "settings", "store.manage", True),
    Room("trail", "trail.page", "Audit trail", "shield", "audit.view", True),
)


def create_app(context: DashboardContext) -> Flask:
    """The dashboard over this context; every view declares who it is open to."""
    app = Flask(__name__)
    app.secret_key = context.secret
    app.extensions[KEY] = context
    app.extensions[live.STREAMS] = live.Streams()
    app.extensions[stats.CACHE] = stats.Cache(context)
    language.install(app)
    guard.install(app, context.hosts)
    access.install(app)
    pace.install(app, context)
    access.install_door(app)
    guard.install_last(app)
    errors.install(app)
    looks.install(app, context)
    forms.install(app)
    for room in (language, signin, me, till, overview, payouts, cards, card_changes, pull_payments):
        app.register_blueprint(room.bp)
    for room in (reports, trail, team, terminals, devices, settings, history, api, status, live):
        app.register_blueprint(room.bp)
    for blueprint in (shifts.till, shifts.bp, zreports.bp):
        app.register_blueprint(blueprint)
    app.register_blueprint(shell.bp)
    app.register_blueprint(sales.bp)
    app.register_blueprint(recent.bp)
    if context.visits is not None:
        app.register_blueprint(holder.bp)
    if context.bench is not None:
        deskroom.install(app, context, context.bench)
    _templates(app, context)

    @app.get("/")
    @signed_in
    def home() -> ResponseReturnValue:
        first = next((room.endpoint for room in _rooms(app)), "status.page")
        return redirect(url_for(first))

    return app


def icon(name: str) -> Markup:
    """A drawing of `static/icons.svg`; it takes the colour of the text around it."""
    sheet = url_for("static", filename="icons.svg")
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
    ).format(sheet, name)


def _rooms(app: Flask) -> list[Room]:
    """The rooms that the person who is signed in may enter."""
    return [room for room in ROOMS if room.endpoint in app.view_functions and _open(app, room)]


def _open(app: Flask, room: Room) -> bool:
    in_store = getattr(app.view_functions[room.endpoint], "in_store", False)
    return (may_in_store if in_store else may)(room.permission)


def _templates(app: Flask, context: DashboardContext) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        sats=formats.sats,
        btc=formats.btc,
        grouped=formats.grouped,
        machine_time=formats.machine_time,
        ntag=formats.ntag,
        decimal=decimal,
        fiat=formats.fiat,
    )
    app.jinja_env.globals.update(icon=icon, may=may, may_see=may_in_store)

    @app.context_processor
    def frame() -> dict[str, Any]:
        """What the frame around every page shows."""
        return {
            "room": context,
            "rooms": _rooms(app),
            "person": person(),
            "dots": lambda: dots(context, terminal()),
            "device": device(),
            "at_terminal": terminal,
            "at_terminal_name": terminal_name,
            "terminal_choices": choices,
        }
