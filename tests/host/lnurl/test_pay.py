"""Filling a card from somebody's Lightning wallet, as that wallet sees it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from host.bolt11 import Network, decode
from host.clock import DAY, HOUR, MINUTE
from host.ledger import addresses, books, cards, pull_payments, topups, wallets
from host.ledger.codes import Code
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.looks import InvoiceState
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import Paid
from host.lnurl import pay, paytoken
from host.lnurl.budget import Rate
from host.lnurl.pay import PaySettings
from host.lnurl.paytoken import LinkKind
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.ntag424.values import Uid
from host.topups import TopUps
from tests.support.foreign_wallet import claim, refused, scan
from tests.support.world import ISSUER, SECRET, World, add_card

FUNDED = sats(1_000)
SETTINGS = PaySettings("https://pay.example", max_msat=sats(500))


def wallet_of(shop: World, settings: PaySettings = SETTINGS) -> FlaskClient:
    """Somebody's wallet in front of a host that fills cards."""
    service = ServiceSettings("https://pay.example", pay_links=True)
    app = create_app(shop.db, [ISSUER], Network.REGTEST, service, shop.clock, SECRET)
    pay.install(app, shop.db, shop.pool, settings, shop.clock, SECRET)
    return app.test_client()


@pytest.fixture
def payer(shop: World) -> FlaskClient:
    shop.stranger.fund(sats(10_000))
    return wallet_of(shop)


def ask(wallet: FlaskClient, url: str, **fields: str) -> dict[str, Any]:
    """What stands behind a URL of ours."""
    response = wallet.get(url.removeprefix("https://pay.example"), query_string=fields)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    answer = response.get_json()
    assert isinstance(answer, dict)
    return answer


def link(shop: World, kind: LinkKind = LinkKind.HOLDER) -> str:
    return f"/lnp/{paytoken.mint(SECRET, shop.card.card_id, kind)}"


def watcher(shop: World) -> TopUps:
    return TopUps(shop.db, shop.pool, shop.clock)


def test_a_card_is_filled_from_the_link_of_a_withdraw_request(
    payer: FlaskClient, shop: World
) -> None:
    offer = ask(payer, scan(payer, **shop.tap(1))["payLink"])
    assert offer["tag"] == "payRequest"
    assert (offer["minSendable"], offer["maxSendable"]) == (sats(1), sats(500))
    answer = ask(payer, offer["callback"], amount=str(sats(250)))
    invoice = decode(answer["pr"])
    assert answer["routes"] == []
    assert invoice.amount_msat == sats(250)
    assert invoice.description_hash == hashlib.sha256(offer["metadata"].encode()).digest()
    assert shop.balance() == (FUNDED, 0), "not before it is paid"
    assert watcher(shop).step(everything=True) == 0

    assert isinstance(shop.stranger.pay(answer["pr"], 0), Paid)
    shop.clock.advance(MINUTE)
    assert watcher(shop).step() == 1
    assert watcher(shop).step(everything=True) == 0
    assert shop.balance() == (FUNDED + sats(250), 0)
    assert books.check(shop.db).problems == []


def test_what_was_paid_while_we_were_down_is_credited_at_start(
    payer: FlaskClient, shop: World
) -> None:
    answer = ask(payer, link(shop) + "/cb", amount=str(sats(10)))
    shop.stranger.pay(answer["pr"], 0)
    topups.postpone(shop.db, decode(answer["pr"]).payment_hash)
    assert watcher(shop).step(everything=True) == 1
    assert shop.balance() == (FUNDED + sats(10), 0)


def test_what_is_paid_after_the_clock_was_set_back_is_credited_at_once(
    payer: FlaskClient, shop: World
) -> None:
    answer, watch = ask(payer, link(shop) + "/cb", amount=str(sats(10))), watcher(shop)
    assert watch.step(everything=True) == 0
    shop.stranger.pay(answer["pr"], 0)
    shop.clock.advance(-3 * DAY)
    assert watch.step() == 1
    assert watch.step() == 0


def test_an_invoice_of_another_wallet_is_not_over_because_this_one_does_not_know_it(
    payer: FlaskClient, shop: World, tmp_path: Path
) -> None:
    wallets.begin(shop.db, shop.pool.identity())
    pr = ask(payer, link(shop) + "/cb", amount=str(sats(10)))["pr"]
    shop.clock.advance(MINUTE)
    other = EmbeddedWallet(tmp_path / "other.db", "pool", shop.clock)
    wallets.begin(shop.db, other.identity())
    shop.stranger.pay(pr, 0)
    shop.clock.advance(3 * DAY)
    watch = TopUps(shop.db, other, shop.clock)
    assert watch.step(everything=True) == 0
    found = topups.get(shop.db, decode(pr).payment_hash)
    assert found is not None
    assert found.state is InvoiceState.OFFERED
    assert found.next_check_at == shop.clock.now() + HOUR, "seldom, but for ever"
    other.close()
    assert watcher(shop).step(everything=True) == 1
    assert shop.balance() == (FUNDED + sats(10), 0)


def test_an_invoice_that_nobody_pays_is_over_and_credits_nothing(
    payer: FlaskClient, shop: World
) -> None:
    pr = ask(payer, link(shop) + "/cb", amount=str(sats(10)))["pr"]
    shop.clock.advance(11 * MINUTE)
    assert watcher(shop).step() == 0
    found = topups.get(shop.db, decode(pr).payment_hash)
    assert found is not None
    assert found.state is InvoiceState.OVER
    assert shop.balance() == (FUNDED, 0)


def test_a_wallet_that_is_down_makes_no_invoice_and_loses_none(
    payer: FlaskClient, shop: World
) -> None:
    pr = ask(payer, link(shop) + "/cb", amount=str(sats(10)))["pr"]
    shop.stranger.pay(pr, 0)
    shop.pool.script_default(Fault.DOWN)
    assert refused(ask(payer, link(shop) + "/cb", amount="1000")) is Code.STORE_OFFLINE
    assert watcher(shop).step(everything=True) == 0
    shop.pool.script_default(Fault.OK)
    shop.clock.advance(MINUTE)
    assert watcher(shop).step() == 1


def test_an_invoice_is_handed_out_only_after_it_was_noted(
    payer: FlaskClient, shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topups, "offer", lambda *_: False)
    answer = ask(payer, link(shop) + "/cb", amount="1000")
    assert "pr" not in answer
    assert refused(answer) is Code.RATE_LIMITED


@pytest.mark.parametrize(
    "amount", ["", "0", "999", "1500", "-1000", "1e3", "1000.0", " 1000", "٣٠٠٠", "500001000"]
)
def test_threat_16_only_whole_satoshi_within_the_limits_are_invoiced(
    payer: FlaskClient, shop: World, amount: str
) -> None:
    assert refused(ask(payer, link(shop) + "/cb", amount=amount)) is Code.TOPUP_AMOUNT


def test_threat_22_links_tell_no_card_apart_and_cannot_be_made(
    payer: FlaskClient, shop: World
) -> None:
    first, again, second = (scan(payer, **shop.tap(n))["payLink"] for n in (1, 1, 2))
    assert first == again, "a scan may be repeated"
    assert first != second, "or a point of sale would know the card again"
    for told in (first, json.dumps(ask(payer, first))):
        assert shop.card.card_id not in told
        assert shop.card.uid not in told.lower()
        assert shop.card.alias not in told
    token = first.rpartition("/")[2]
    forged = [token[:-1] + ("0" if token[-1] != "0" else "1"), "00" * 53, "zz" * 53, "", "x" * 9]
    other = paytoken.mint(b"another host's secret here, yes!", shop.card.card_id, LinkKind.HOLDER)
    assert paytoken.read(SECRET, token) == (shop.card.card_id, LinkKind.TAP)
    for bad in (*forged, other, scan(payer, **shop.tap(1))["k1"]):
        assert paytoken.read(SECRET, bad) is None
    assert refused(ask(payer, f"/lnp/{other}")) is Code.LINK_INVALID


def test_threat_21_a_link_tells_no_balance(payer: FlaskClient, shop: World) -> None:
    before = ask(payer, link(shop))
    pull_payments.fund(shop.db, shop.account.pull_payment_id, sats(9_999), "cash")
    assert ask(payer, link(shop)) == before


def test_a_card_that_cannot_be_used_cannot_be_filled(payer: FlaskClient, shop: World) -> None:
    cards.freeze(shop.db, shop.card.card_id)
    assert refused(ask(payer, link(shop))) is Code.CARD_BLOCKED
    assert refused(ask(payer, link(shop) + "/cb", amount="1000")) is Code.CARD_BLOCKED
    cards.wipe(shop.db, shop.card.card_id)
    assert refused(ask(payer, link(shop))) is Code.LINK_INVALID


def test_a_head_request_makes_no_invoice(payer: FlaskClient, shop: World) -> None:
    payer.head(link(shop) + "/cb?amount=1000")
    assert topups.due(shop.db, everything=True) == []


def test_threat_13_who_asks_too_often_costs_us_no_invoice(shop: World) -> None:
    wallet = wallet_of(shop, PaySettings("https://pay.example", per_card=Rate(2, 0)))
    assert "pr" in ask(wallet, link(shop) + "/cb", amount="1000")
    assert "pr" in ask(wallet, link(shop) + "/cb", amount="1000")
    assert refused(ask(wallet, link(shop) + "/cb", amount="1000")) is Code.RATE_LIMITED
    wallet = wallet_of(shop, PaySettings("https://pay.example", per_address=Rate(1, 0)))
    assert ask(wallet, link(shop))["tag"] == "payRequest"
    assert refused(ask(wallet, link(shop))) is Code.RATE_LIMITED
    wallet = wallet_of(shop, PaySettings("https://pay.example", per_card=Rate(99, 1)))
    codes = [ask(wallet, link(shop) + "/cb", amount="1000").get("code") for _ in range(10)]
    assert codes == [None] * 8 + [Code.RATE_LIMITED] * 2, "so many wait for a card at once"


class TestAddresses:
    """Lightning addresses (LUD-16)."""

    def test_a_card_is_filled_by_its_address(self, payer: FlaskClient, shop: World) -> None:
        addresses.give(shop.db, shop.card.card_id, "ann")
        offer = ask(payer, "/.well-known/lnurlp/ann")
        told = dict(json.loads(offer["metadata"]))
        assert told["text/identifier"] == "ann@pay.example"
        pr = ask(payer, offer["callback"], amount="21000")["pr"]
        metadata = hashlib.sha256(offer["metadata"].encode()).digest()
        assert decode(pr).description_hash == metadata
        assert ask(payer, "/.well-known/lnurlp/Ann+shop")["metadata"] == offer["metadata"]
        shop.stranger.pay(pr, 0)
        watcher(shop).step(everything=True)
        assert shop.balance() == (FUNDED + sats(21), 0)

    def test_a_name_that_nobody_has_is_refused(self, payer: FlaskClient, shop: World) -> None:
        assert refused(ask(payer, "/.well-known/lnurlp/ann")) is Code.LINK_INVALID
        addresses.give(shop.db, shop.card.card_id, "ann")
        addresses.give(shop.db, shop.card.card_id, "anna")
        assert refused(ask(payer, "/.well-known/lnurlp/ann")) is Code.LINK_INVALID
        addresses.give(shop.db, shop.card.card_id, None)
        assert refused(ask(payer, "/.well-known/lnurlp/anna")) is Code.LINK_INVALID

    def test_two_cards_never_have_one_name(self, shop: World) -> None:
        other = add_card(shop.db, shop.account, Uid.parse("04a39493cc8681"))
        addresses.give(shop.db, shop.card.card_id, "ann")
        with pytest.raises(Taken):
            addresses.give(shop.db, other.card_id, "ann")
        addresses.give(shop.db, shop.card.card_id, "ann")
        assert addresses.card_of(shop.db, "ann") == shop.card.card_id

    @pytest.mark.parametrize("name", ["", "Ann", "ann@x", "a b", ".ann", "ä", "a" * 65, "ann+x"])
    def test_a_name_that_is_none_is_refused(self, shop: World, name: str) -> None:
        with pytest.raises(LedgerError):
            addresses.give(shop.db, shop.card.card_id, name)

    def test_a_card_that_is_not_there_has_no_address(self, shop: World) -> None:
        with pytest.raises(NotFound):
            addresses.give(shop.db, "nowhere", "ann")


def test_money_that_came_in_can_be_spent_at_once(payer: FlaskClient, shop: World) -> None:
    pr = ask(payer, link(shop) + "/cb", amount=str(sats(500)))["pr"]
    shop.stranger.pay(pr, 0)
    watcher(shop).step(everything=True)
    k1 = scan(payer, **shop.tap(1))["k1"]
    assert claim(payer, k1, shop.invoice(sats(1_400))) == {"status": "OK"}
    assert isinstance(shop.pool, EmbeddedWallet)
