"""A refused form says why inside itself, opened again, with what was typed (UX rule 9)."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tests.support.forms import csrf_of
from tests.support.shop import Shop


def folded(page: str, title: str) -> str:
    """The folded form of this title, as it stands in a page."""
    found = re.search(
        rf'<details class="change"[^>]*>\s*<summary>[^\n]*{title}.*?</details>', page, re.S
    )
    assert found, title
    return found[0]


def test_the_refusal_stands_in_the_form_it_is_about(manager: FlaskClient, shop: Shop) -> None:
    card = shop.card("Ann")
    form = {"csrf_token": csrf_of(manager), "inside": "1", "limit_day": "a lot", "limit_tap": "21"}
    path = f"/cards/{card.card_id}/limits"
    page = manager.post(path, data=form, follow_redirects=True).text
    part = folded(page, "Change the limits")
    assert '<details class="change" open>' in part
    assert 'role="alert"' in part
    assert "limit_day: " in part
    assert 'value="a lot"' in part
    assert 'value="21"' in part
    assert page.count('role="alert"') == 1
    again = manager.get(f"/cards/{card.card_id}").text
    assert "limit_day: " not in again
    assert "a lot" not in again


def test_no_secret_is_kept_to_be_shown_again(manager: FlaskClient, shop: Shop) -> None:
    card = shop.card("Ann")
    form = {"csrf_token": csrf_of(manager), "inside": "1", "pin": "73920x", "pin_limit": "500"}
    path = f"/cards/{card.card_id}/pin"
    answer = manager.post(path, data=form)
    assert "73920x" not in str(answer.headers)
    page = manager.get(answer.headers["Location"]).text
    part = folded(page, "Set a PIN")
    assert "pin: must be 4 to 12 digits" in part
    assert 'value="500"' in part
    assert "73920x" not in page
