"""Links for phones: made by a technician, good once and for a short time, keys nowhere else."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.context import DashboardContext, Workbench
from host.bolt11 import Network
from host.clock import ManualClock
from host.config import Config, PublicConfig
from host.keyring import Issuer, Keyring
from host.ledger import audit, cards
from host.ledger.permissions import Role
from host.ledger.records import Card, CardState
from host.lnurl.service import ServiceSettings
from host.lnurl.service import create_app as create_public
from host.ntag424 import keys, sun
from host.ntag424.values import Key, Uid
from provisioning import links
from provisioning.links import LIFETIME_MS
from provisioning.orders import NewCard
from provisioning.phones import MAX_BODY, Phones, blueprint
from tests.support.forms import csrf_of
from tests.support.shop import Shop

ISSUER = Issuer.of(Key(bytes(range(16))))
KEYRING = Keyring((ISSUER,), b"k" * 32)
BASE = "lnurlw://pay.example.com/ln"
UID = Uid.parse("04968caa5c5e80")
OTHER = Uid.parse("04111111111180")


@pytest.fixture
def context(context: DashboardContext) -> DashboardContext:
    bench = Workbench(KEYRING, BASE, "https://pay.example.com/balance")
    return replace(context, bench=bench)


@pytest.fixture
def technician(sign_in: Callable[[Role], FlaskClient]) -> FlaskClient:
    return sign_in(Role.TECHNICIAN)


@pytest.fixture
def phone(app: Flask) -> FlaskClient:
    """An app without a cookie of ours."""
    return app.test_client()


def offer(client: FlaskClient, shop: Shop, **more: str) -> str:
    """The address in the QR code of a fresh program link."""
    form = {"account": shop.account.pull_payment_id, "count": "1", "alias": "Ann"} | more
    return _address(_form(client, "/desk/phone", **form))


def _form(client: FlaskClient, path: str, **form: str) -> TestResponse:
    return client.post(path, data={"csrf_token": csrf_of(client), **form})


def _address(page: TestResponse) -> str:
    assert page.status_code == 200, page.text
    deep = re.search(r'href="(boltcard://[^"]+)"', page.text)
    assert deep
    return unquote(parse_qs(urlsplit(deep[1]).query)["url"][0])


def ask(phone: FlaskClient, address: str, **body: Any) -> TestResponse:
    return phone.post(urlsplit(address).path, json=body)


def made(shop: Shop, uid: Uid, alias: str = "Ann") -> Card:
    """A card of ours in the books, as if the desk had made it."""
    return cards.register(
        shop.db,
        card_id=keys.card_id(ISSUER.key, uid).hex(),
        uid=uid,
        store_id="main",
        pull_payment_id=shop.account.pull_payment_id,
        alias=alias,
        issuer_id=ISSUER.issuer_id,
        key_version=1,
    )


def tap(uid: Uid, counter: int) -> str:
    message = sun.build(keys.k1(ISSUER.key), keys.k2(ISSUER.key, uid, 1), uid, counter)
    return f"{BASE}?p={message.p.hex().upper()}&c={message.c.hex().upper()}"


def test_a_phone_makes_a_card(technician: FlaskClient, phone: FlaskClient, shop: Shop) -> None:
    answer = ask(phone, offer(technician, shop), UID=UID.hex().upper())
    assert answer.status_code == 200
    told = answer.get_json()
    five = keys.derive(ISSUER.key, UID, 1)
    assert [told[f"k{n}"] for n in range(5)] == [key.reveal().hex() for key in five]
    assert [told[f"K{n}"] for n in range(5)] == [told[f"k{n}"] for n in range(5)]
    assert (told["lnurlw_base"], told["card_name"]) == (BASE, "Ann")
    assert told["protocol_name"] == "new_bolt_card_response"
    assert answer.headers["Cache-Control"] == "no-store"
    row = cards.by_uid(shop.db, UID)
    assert row
    assert (row.alias, row.key_version) == ("Ann", 1)


def test_the_qr_code_is_drawn_without_a_style_and_says_where_it_works(
    technician: FlaskClient, shop: Shop
) -> None:
    form = {"account": shop.account.pull_payment_id, "count": "1", "alias": "Ann"}
    page = _form(technician, "/desk/phone", **form)
    assert "<svg" in page.text
    assert "style=" not in page.text
    assert "This address works on this machine only" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_link_works_once(technician: FlaskClient, phone: FlaskClient, shop: Shop) -> None:
    address = offer(technician, shop)
    assert ask(phone, address, UID=UID.hex()).status_code == 200
    again = ask(phone, address, UID=OTHER.hex())
    assert again.status_code == 403
    assert again.get_json() == {"status": "ERROR", "reason": "this link is used up or too old"}
    assert cards.by_uid(shop.db, OTHER) is None


def test_a_link_is_short_lived(
    technician: FlaskClient, phone: FlaskClient, shop: Shop, clock: ManualClock
) -> None:
    address = offer(technician, shop)
    clock.advance(LIFETIME_MS + 1)
    assert ask(phone, address, UID=UID.hex()).status_code == 403


def test_a_wrong_token_is_told_apart_by_its_hash_alone(
    technician: FlaskClient, phone: FlaskClient, shop: Shop
) -> None:
    """The database is asked for a hash, which nobody can steer: time tells nothing (THREATS 14)."""
    address = offer(technician, shop)
    token = address.rpartition("/")[2]
    kept = shop.db.read(lambda tx: [tuple(r) for r in tx.all("SELECT * FROM provisioning_links")])
    assert token not in str(kept)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for other in (wrong, token[:-1], "x"):
        answer = ask(phone, address.replace(token, other), UID=UID.hex())
        assert answer.get_json()["reason"] == "this link is used up or too old"
    assert cards.by_uid(shop.db, UID) is None


def test_no_keys_for_a_uid_or_a_tap_alone(phone: FlaskClient, shop: Shop) -> None:
    made(shop, UID)
    for body in ({"UID": OTHER.hex()}, {"LNURLW": tap(UID, 5)}):
        assert ask(phone, "/phone/guess", **body).status_code == 403
        assert phone.post("/phone/", json=body).status_code == 404
    assert cards.by_uid(shop.db, OTHER) is None
    row = cards.by_uid(shop.db, UID)
    assert row
    assert row.state is CardState.ACTIVE


def test_a_card_that_is_used_already_gets_no_keys(
    technician: FlaskClient, phone: FlaskClient, shop: Shop
) -> None:
    made(shop, UID)
    answer = ask(phone, offer(technician, shop), UID=UID.hex())
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "this card is in use")


def test_a_phone_wipes_a_card_by_a_fresh_tap_of_that_card_alone(
    technician: FlaskClient, phone: FlaskClient, shop: Shop
) -> None:
    card = made(shop, UID)
    made(shop, OTHER, "Ben")
    address = _address(_form(technician, f"/desk/cards/{card.card_id}/reset"))
    other = ask(phone, address, LNURLW=tap(OTHER, 5))
    assert other.get_json()["reason"] == "this link is for another card"
    assert ask(phone, address, UID=UID.hex()).status_code == 403  # not a program link
    told = ask(phone, address, lnurlw=tap(UID, 6)).get_json()
    assert told["K0"] == keys.derive(ISSUER.key, UID, 1)[0].reveal().hex()
    row = cards.by_uid(shop.db, UID)
    assert row
    assert row.state is CardState.WIPED
    assert ask(phone, address, LNURLW=tap(UID, 7)).status_code == 403


@pytest.mark.parametrize(
    ("path", "form"), [("/desk/phone", {"count": "1"}), ("/desk/cards/x/reset", {})]
)
def test_only_a_technicians_session_makes_links(
    app: Flask, cashier: FlaskClient, shop: Shop, path: str, form: dict[str, str]
) -> None:
    stranger = app.test_client()
    token = csrf_of(stranger, "/sign-in")
    answer = stranger.post(path, data=form | {"csrf_token": token})
    assert answer.status_code == 401
    assert _form(cashier, path, **form).status_code == 403
    assert _links(shop) == 0


def test_a_link_is_not_made_without_the_forms_token(technician: FlaskClient, shop: Shop) -> None:
    form = {"account": shop.account.pull_payment_id, "count": "1", "alias": "Ann"}
    assert technician.post("/desk/phone", data=form).status_code == 400
    assert _links(shop) == 0


def _links(shop: Shop) -> int:
    return shop.db.read(lambda tx: len(tx.all("SELECT * FROM provisioning_links")))


def test_phones_call_us_by_our_own_names_only(
    technician: FlaskClient, phone: FlaskClient, shop: Shop
) -> None:
    path = urlsplit(offer(technician, shop)).path
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://evil.example"}):
        answer = phone.post(path, json={"UID": UID.hex()}, headers=headers)
        assert answer.status_code in {400, 403}
    assert cards.by_uid(shop.db, UID) is None
    assert ask(phone, path, UID=UID.hex()).status_code == 200


def test_looking_at_a_link_uses_nothing_up(
    technician: FlaskClient, phone: FlaskClient, shop: Shop
) -> None:
    address = offer(technician, shop)
    assert phone.get(urlsplit(address).path).status_code == 405
    assert ask(phone, address, UID=UID.hex()).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"UID": "04"}', b'{"UID": 4}', b'{"LNURLW": "https://x"}']
)
def test_nonsense_is_refused_and_the_link_stays_good(
    technician: FlaskClient, phone: FlaskClient, shop: Shop, body: bytes
) -> None:
    path = urlsplit(offer(technician, shop)).path
    assert phone.post(path, data=body).status_code == 403
    assert phone.post(path, data=b"x" * (MAX_BODY + 1)).status_code == 413
    assert ask(phone, path, UID=UID.hex()).status_code == 200


def test_guessing_is_slowed_down(phone: FlaskClient) -> None:
    codes = [ask(phone, "/phone/guess", UID=UID.hex()).status_code for _ in range(12)]
    assert codes == [403] * 10 + [429] * 2


def test_keys_are_in_no_log_no_repr_and_no_audit_row(
    technician: FlaskClient,
    phone: FlaskClient,
    shop: Shop,
    caplog: pytest.LogCaptureFixture,
    context: DashboardContext,
) -> None:
    caplog.set_level(logging.DEBUG)
    address = offer(technician, shop, pin_digits="6")
    token = address.rpartition("/")[2]
    told = ask(phone, address, UID=UID.hex()).get_json()
    ask(phone, address, UID=UID.hex())
    rows = audit.recent(shop.db)
    assert {"card.link.program", "card.link.program.redeemed", "card.link.program.refused"} <= {
        row.action for row in rows
    }
    tables = shop.db.read(
        lambda tx: [
            tuple(row)
            for name in ("provisioning_jobs", "provisioning_links", "cards", "events", "audit")
            for row in tx.all(f"SELECT * FROM {name}")  # noqa: S608
        ]
    )
    seen = f"{caplog.text} {context!r} {rows!r} {tables!r}".lower()
    assert token.lower() not in seen
    for number in range(5):
        assert told[f"k{number}"] not in seen


def test_the_public_listener_answers_phones_only_where_it_was_turned_on(shop: Shop) -> None:
    assert not Config().public.phone_links
    assert PublicConfig(phone_links=True).phone_links
    app = create_public(
        shop.db, KEYRING.issuers, Network.REGTEST, ServiceSettings(BASE), shop.clock, b"s" * 32
    )
    assert app.test_client().post("/phone/x", json={"UID": UID.hex()}).status_code == 404
    app = create_public(
        shop.db, KEYRING.issuers, Network.REGTEST, ServiceSettings(BASE), shop.clock, b"s" * 32
    )
    app.register_blueprint(blueprint(Phones(shop.db, KEYRING, shop.clock)))
    card = NewCard(pull_payment_id=shop.account.pull_payment_id, alias="Ann")
    link = links.offer_program(shop.db, "main", card, BASE, person="tina")
    answer = app.test_client().post(f"/phone/{link.token}", json={"UID": UID.hex()})
    assert answer.status_code == 200
