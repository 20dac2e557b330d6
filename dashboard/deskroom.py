"""How the card desk joins the dashboard: its pages, and the door for phones with a link."""

from __future__ import annotations

from flask import Flask

from dashboard import desk, deskphones
from dashboard.access import everyone
from dashboard.context import DashboardContext, Workbench
from provisioning import jobs, phones


def install(app: Flask, context: DashboardContext, bench: Workbench) -> None:
    """Add it all to the app; the journal's tables are made where they are missing."""
    jobs.prepare(context.db)
    app.register_blueprint(desk.bp)
    app.register_blueprint(deskphones.bp)
    door = phones.blueprint(phones.Phones(context.db, bench.keyring, context.clock))
    app.extensions["csrf"].exempt(door)  # an app has no page of ours, and brings no cookie
    app.register_blueprint(door)
    everyone(app.view_functions["phones.answer"])
