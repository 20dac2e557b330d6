"""A manager says whether the till asks for tips, and which."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from host.ledger import settings
from host.ledger.tips import TIPS, Tips
from tests.support.forms import csrf_of
from tests.support.shop import Shop


def save(client: FlaskClient, **form: str) -> str:
    """The form as the browser sends it, and the page that comes after."""
    data = form | {"csrf_token": csrf_of(client), "inside": "1"}
    return client.post("/settings/tips", data=data, follow_redirects=True).text


def kept(shop: Shop) -> Tips:
    return settings.get(shop.db, "main", TIPS)


def test_tips_are_turned_on_with_percentages_in_any_order(manager: FlaskClient, shop: Shop) -> None:
    page = save(manager, on="1", percents="15 %, 5,10", own="1")
    assert "The till asks like this from the next sale on." in page
    assert kept(shop) == Tips(on=True, percents=(5, 10, 15), own=True)
    assert manager.get("/till/state").get_json()["tips"] == {"percents": [5, 10, 15], "own": True}


def test_tips_are_turned_off(manager: FlaskClient, shop: Shop) -> None:
    save(manager, on="1", percents="5", own="1")
    save(manager, percents="5")
    assert kept(shop) == Tips(on=False, percents=(5,), own=False)
    assert manager.get("/till/state").get_json()["tips"] is None


@pytest.mark.parametrize(
    "form",
    [
        {"percents": "five"},
        {"percents": "5.5"},
        {"percents": "101"},
        {"percents": "0"},
        {"percents": "1,2,3,4,5"},
        {"on": "1", "percents": ""},
    ],
)
def test_what_makes_no_sense_is_said_in_the_form(
    manager: FlaskClient, shop: Shop, form: dict[str, str]
) -> None:
    assert "percents: " in save(manager, **form)
    assert kept(shop) == Tips()


def test_a_cashier_does_not_decide_about_tips(cashier: FlaskClient, shop: Shop) -> None:
    data = {"csrf_token": csrf_of(cashier), "on": "1", "percents": "5"}
    assert cashier.post("/settings/tips", data=data).status_code == 403
    assert kept(shop) == Tips()
