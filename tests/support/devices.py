"""Trusted tills without a browser: the device's cookie, forms as its pages send them, a PIN."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.access import DEVICE_COOKIE
from host.ledger import devices, stores
from host.ledger.permissions import Person
from tests.support.forms import csrf_of
from tests.support.shop import Shop

PIN: Final = "2468"


def trusted(app: Flask, shop: Shop, terminal_id: str) -> FlaskClient:
    """A browser that is trusted as a till and charges at this terminal."""
    client = app.test_client()
    client.set_cookie(DEVICE_COOKIE, devices.trust(shop.db, "Tablet", terminal_id)[1])
    return client


def form(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """A form as a page of ours sends it."""
    page = "/status" if client.get("/status").status_code == 200 else "/sign-in?password=1"
    data = {**fields, "csrf_token": csrf_of(client, page)}
    return client.post(path, data=data, headers={"Accept": "text/html"})


def enter(client: FlaskClient, who: Person, pin: str, query: str = "") -> TestResponse:
    """Somebody types a PIN."""
    return form(client, f"/sign-in/pin{query}", person_id=who.person_id, pin=pin)


def words(response: TestResponse) -> str:
    """What people read on a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).split())


def second(shop: Shop) -> None:
    """Another terminal in the store, whose reader is ready too."""
    stores.ensure_terminal(shop.db, "till-2", "main", name="Till 2")
    shop.board.report("reader:till-2", True, "twin ready")


def elsewhere(shop: Shop) -> None:
    """Another store, with a terminal of its own."""
    stores.create(shop.db, "Elsewhere", store_id="elsewhere")
    stores.ensure_terminal(shop.db, "far", "elsewhere", name="Far")
    shop.board.report("reader:far", True, "twin ready")
