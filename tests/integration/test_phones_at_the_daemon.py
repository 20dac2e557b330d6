"""Phones at a running daemon: on the public listener only where the manager turned that on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from host.ledger import cards, pull_payments
from host.ntag424.values import Uid
from provisioning import links
from provisioning.orders import NewCard
from tests.support.running import RunningShop, config_of, running

UID = Uid.parse("04968caa5c5e80")


def offer(shop: RunningShop) -> str:
    """The token of a fresh program link."""
    account = pull_payments.create(shop.db, "main", "Guests")
    card = NewCard(pull_payment_id=account.pull_payment_id, alias="Ann")
    base = shop.config.public.card_base
    return links.offer_program(shop.db, "main", card, base, person="tina").token


def ask(url: str) -> tuple[int, Any]:
    """What an app sends, past any proxy of the environment."""
    body = json.dumps({"UID": UID.hex()}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


@pytest.mark.parametrize("turned_on", [False, True])
def test_keys_leave_by_the_public_listener_only_if_it_was_turned_on(
    tmp_path: Path, turned_on: bool
) -> None:
    config = config_of("till-1", phone_links=turned_on)
    with running(tmp_path / "home", config=config) as shop:
        status, told = ask(f"{shop.url}/phone/{offer(shop)}")
        row = cards.by_uid(shop.db, UID)
    if not turned_on:
        assert (status, told, row) == (404, None, None)
        return
    assert status == 200
    assert told["lnurlw_base"] == config.public.card_base
    assert row is not None
