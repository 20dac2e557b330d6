"""What the issuer's service refuses, each with its stable code."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from host.bolt11 import Network
from host.ledger import payouts
from host.ledger.codes import Code
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from tests.support.foreign_wallet import SETTINGS, claim, client_of, refused, scan
from tests.support.world import ISSUER, World


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, Code.REQUEST_INVALID),
        ({"p": "00" * 16}, Code.REQUEST_INVALID),
        ({"p": "00" * 16, "c": "00" * 7}, Code.REQUEST_INVALID),
        ({"p": "zz" * 16, "c": "00" * 8}, Code.REQUEST_INVALID),
        ({"p": "00" * 16, "c": "00" * 8}, Code.SUN_INVALID),
    ],
)
def test_a_scan_that_is_no_tap_is_refused(
    wallet: FlaskClient, fields: dict[str, str], code: Code
) -> None:
    assert refused(scan(wallet, **fields)) is code


def test_a_field_that_is_given_twice_is_refused(wallet: FlaskClient, shop: World) -> None:
    good = shop.tap(1)
    query = f"p={good['p']}&c={good['c']}"
    for more in (f"&p={good['p']}", f"&C={good['c']}", "&a=1" * 30, "&x=" + "y" * 8_192):
        answer = wallet.get(f"/ln?{query}{more}").get_json()
        assert refused(answer) is Code.REQUEST_INVALID


def test_uid_headers_and_card_parameters_are_not_even_read(
    wallet: FlaskClient, shop: World
) -> None:
    response = wallet.get(
        "/ln",
        query_string=shop.tap(1) | {"card": "somebody-else"},
        headers={"X-Boltcard-UID": "04ffffffffffff"},
    )
    assert response.get_json()["tag"] == "withdrawRequest"
    forged = {"card": shop.card.card_id}
    assert refused(scan(wallet, **forged)) is Code.REQUEST_INVALID


def test_the_callback_never_comes_from_the_host_header(wallet: FlaskClient, shop: World) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = wallet.get("/ln", query_string=shop.tap(1), headers=headers).get_json()
    assert answer["callback"] == "https://pay.example/ln/cb"


@pytest.mark.parametrize(
    ("pr", "code"),
    [
        ("", Code.INVOICE_INVALID),
        ("lnbcrt1", Code.INVOICE_INVALID),
        ("x" * 8_000, Code.INVOICE_INVALID),
    ],
)
def test_a_claim_without_an_invoice_is_refused(
    wallet: FlaskClient, shop: World, pr: str, code: Code
) -> None:
    assert refused(claim(wallet, scan(wallet, **shop.tap(1))["k1"], pr)) is code


def test_threat_16_foreign_amountless_subsat_and_expired_invoices_are_refused(
    wallet: FlaskClient, shop: World
) -> None:
    from host.bolt11 import encode

    def written(**changes: Any) -> str:
        fields: dict[str, Any] = {
            "network": Network.REGTEST,
            "amount_msat": 21_000,
            "payment_hash": b"h" * 32,
            "payment_secret": b"s" * 32,
            "description": "x",
            "created_at": shop.clock.now(),
            "secret": b"k" * 32,
        }
        return encode(**(fields | changes))

    k1 = scan(wallet, **shop.tap(1))["k1"]
    expected = {
        Code.INVOICE_NETWORK: written(network=Network.MAINNET),
        Code.INVOICE_AMOUNTLESS: written(amount_msat=None),
        Code.INVOICE_SUBSAT: written(amount_msat=21_001),
        Code.INVOICE_EXPIRED: written(created_at=shop.clock.now() - 3_600_000),
        Code.LIMIT_TAP: written(amount_msat=sats(501)),
        Code.INVOICE_INVALID: written()[:-1] + "q",
    }
    for code, pr in expected.items():
        assert refused(claim(wallet, k1, pr)) is code
    assert shop.balance() == (sats(1_000), 0)
    assert claim(wallet, k1, written()) == {"status": "OK"}, "the tap is still good"


def test_more_than_there_is_is_refused_without_a_number(shop: World) -> None:
    wallet = client_of(shop, ServiceSettings("https://pay.example"))
    k1 = scan(wallet, **shop.tap(1))["k1"]
    answer = claim(wallet, k1, shop.invoice(sats(1_001)))
    assert refused(answer) is Code.BALANCE_LOW
    assert not any(character.isdigit() for character in answer["reason"])


def test_a_routing_fee_is_held_beside_the_amount(shop: World) -> None:
    settings = ServiceSettings("https://pay.example", max_fee_base_msat=1_000, max_fee_ppm=10_000)
    wallet = client_of(shop, settings)
    claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice(sats(100)))
    assert shop.balance() == (sats(898), sats(102))
    (payout,) = payouts.take(shop.db)
    assert payout.fee_held_msat == sats(2)


@pytest.mark.parametrize("k1", ["", "00", "zz" * 70, "00" * 70])
def test_a_k1_that_is_not_ours_is_refused(wallet: FlaskClient, shop: World, k1: str) -> None:
    assert refused(claim(wallet, k1, shop.invoice())) is Code.K1_INVALID


def test_a_k1_expires_and_the_tap_may_be_scanned_again(wallet: FlaskClient, shop: World) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    shop.clock.advance(60_001)
    assert refused(claim(wallet, k1, shop.invoice())) is Code.K1_EXPIRED
    assert claim(wallet, scan(wallet, **shop.tap(1))["k1"], shop.invoice()) == {"status": "OK"}


def test_a_k1_of_another_host_is_refused(wallet: FlaskClient, shop: World) -> None:
    app = create_app(
        shop.db,
        [ISSUER],
        Network.REGTEST,
        SETTINGS,
        shop.clock,
        b"another host's secret here, yes!",
    )
    foreign = scan(app.test_client(), **shop.tap(1))["k1"]
    assert refused(claim(wallet, foreign, shop.invoice())) is Code.K1_INVALID


def test_threat_11_a_k1_from_before_the_card_was_made_anew_is_refused(
    wallet: FlaskClient, shop: World
) -> None:
    k1 = scan(wallet, **shop.tap(1))["k1"]
    sql = "UPDATE cards SET key_version = 2, last_counter = 0"
    shop.db.transaction(lambda tx: tx.run(sql))
    assert refused(claim(wallet, k1, shop.invoice())) is Code.SUN_INVALID
