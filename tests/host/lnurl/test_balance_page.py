"""The balance page, as a holder's phone sees it, and as nobody else does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from host.bolt11 import Network
from host.clock import DAY, MINUTE
from host.ledger import addresses, cards, fees, payouts, pull_payments, refunds, sales, stores
from host.ledger.codes import Code
from host.ledger.fees import FeePayer, FeePolicy
from host.ledger.records import Limits, Sale
from host.lnurl import balance
from host.lnurl.balance import PageSettings
from host.lnurl.budget import Rate
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.ntag424.values import Uid
from tests.support.foreign_wallet import claim, scan
from tests.support.spoken import marked, unspoken
from tests.support.world import ISSUER, SECRET, Tapper, World, add_card

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

NAMES = frozenset(("sats", "Corner", "shop", "Ann", "UTC", "lnurlw"))


def phone_of(shop: World, **settings: Any) -> FlaskClient:
    service = ServiceSettings("https://pay.example")
    app = create_app(shop.db, [ISSUER], Network.REGTEST, service, shop.clock, SECRET)
    page = PageSettings("https://pay.example", **settings)
    balance.install(app, shop.db, (ISSUER,), page, shop.clock, SECRET)
    return app.test_client()


@pytest.fixture
def phone(shop: World) -> FlaskClient:
    return phone_of(shop)


def text(response: TestResponse) -> str:
    """What a person reads, on one line."""
    body = re.sub(r"<(script|style|head|svg).*?</\1>", " ", response.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").split())


def opened(phone: FlaskClient, shop: World, counter: int = 1) -> TestResponse:
    return phone.get("/balance", query_string=shop.tap(counter))


def refused(response: TestResponse, code: Code, status: int = 403) -> None:
    assert response.status_code == status
    assert code.words.says in text(response)
    assert "Ann" not in text(response), "nothing is told"
    assert "1 000 sats" not in text(response)


def test_a_tap_shows_balance_limits_left_and_history_and_is_not_spent(
    phone: FlaskClient, shop: World
) -> None:
    cards.set_limits(
        shop.db, shop.card.card_id, Limits(tap_msat=sats(300), day_msat=sats(500), count=5)
    )
    k1 = scan(phone, **shop.tap(1))["k1"]
    claim(phone, k1, shop.invoice(sats(21)))
    (paid,) = payouts.take(shop.db)
    payouts.fail(shop.db, paid.payout_id, "no route")
    k1 = scan(phone, **shop.tap(2))["k1"]
    claim(phone, k1, shop.invoice(sats(100)))
    page = text(opened(phone, shop, 3))
    assert "Corner shop Ann 900 sats" in page
    assert "100 sats more are on their way" in page
    assert "One payment now: up to 300 sats" in page
    assert "Last 24 hours 400 of 500 left" in page
    assert "Payments in 24 hours 4 of 5 left" in page
    assert "Being checked" in page
    assert "−100" in page
    assert "Not paid" in page
    assert "Filled" in page
    assert "+1 000" in page
    payouts.take(shop.db)
    (busy,) = payouts.due(shop.db, leased=True)
    payouts.fail(shop.db, busy.payout_id, "no route")
    answer = scan(phone, **shop.tap(3))
    assert answer["tag"] == "withdrawRequest", "the tap was looked with, and still pays"
    assert claim(phone, answer["k1"], shop.invoice(sats(5))) == {"status": "OK"}


def test_the_cards_own_address_shows_the_page_to_a_browser_and_json_to_a_point_of_sale(
    phone: FlaskClient, shop: World
) -> None:
    page = phone.get("/ln", query_string=shop.tap(1), headers=HTML)
    assert "Corner shop Ann 1 000 sats" in text(page)
    for accept in (None, "*/*", "application/json"):
        headers = {"Accept": accept} if accept else {}
        answer = phone.get("/ln", query_string=shop.tap(1), headers=headers).get_json()
        assert answer["tag"] == "withdrawRequest"


def test_threat_21_what_a_point_of_sale_is_told_never_follows_the_balance(
    phone: FlaskClient, shop: World
) -> None:
    def told() -> dict[str, Any]:
        return {k: v for k, v in scan(phone, **shop.tap(1)).items() if k != "k1"}

    before = told()
    pull_payments.fund(shop.db, shop.account.pull_payment_id, sats(12_345), "cash")
    opened(phone, shop, 1)
    assert told() == before


class TestFreshness:
    """A photographed address must not disclose for ever."""

    def test_a_tap_shows_the_page_for_two_minutes(self, phone: FlaskClient, shop: World) -> None:
        assert opened(phone, shop).status_code == 200
        shop.clock.advance(2 * MINUTE)
        assert opened(phone, shop).status_code == 200
        shop.clock.advance(1)
        refused(opened(phone, shop), Code.K1_EXPIRED)
        shop.clock.advance(-DAY)
        refused(opened(phone, shop), Code.K1_EXPIRED)
        assert scan(phone, **shop.tap(1))["tag"] == "withdrawRequest", "but it can still pay"

    def test_a_newer_look_ends_an_older_one(self, phone: FlaskClient, shop: World) -> None:
        assert opened(phone, shop, 1).status_code == 200
        assert opened(phone, shop, 3).status_code == 200
        refused(opened(phone, shop, 1), Code.SUN_REPLAYED)
        refused(opened(phone, shop, 2), Code.SUN_REPLAYED)

    def test_a_payment_ends_every_look_before_it(self, phone: FlaskClient, shop: World) -> None:
        assert opened(phone, shop, 2).status_code == 200
        claim(phone, scan(phone, **shop.tap(2))["k1"], shop.invoice())
        refused(opened(phone, shop, 2), Code.SUN_REPLAYED)
        refused(opened(phone, shop, 1), Code.SUN_REPLAYED)
        assert opened(phone, shop, 3).status_code == 200

    def test_the_page_says_when_it_was_opened_before(self, phone: FlaskClient, shop: World) -> None:
        assert "opened before" not in text(opened(phone, shop, 1))
        shop.clock.advance(DAY)
        assert "opened before on 14 Nov 2023, 22:13" in text(opened(phone, shop, 2))
        assert "opened before on 14 Nov 2023, 22:13" in text(opened(phone, shop, 2)), "reloaded"

    def test_a_tap_of_earlier_keys_shows_nothing(self, phone: FlaskClient, shop: World) -> None:
        before = shop.tap(5)
        cards.rekey(
            shop.db,
            shop.card.card_id,
            issuer_id=ISSUER.issuer_id,
            key_version=2,
            last_counter=0,
        )
        refused(phone.get("/balance", query_string=before), Code.SUN_INVALID)
        new = Tapper(version=2).tap(1)
        assert phone.get("/balance", query_string=new).status_code == 200

    @pytest.mark.parametrize("state", ["freeze", "wipe"])
    def test_the_finder_of_a_blocked_card_is_told_nothing(
        self, phone: FlaskClient, shop: World, state: str
    ) -> None:
        getattr(cards, state)(shop.db, shop.card.card_id)
        refused(opened(phone, shop), Code.CARD_BLOCKED)

    def test_threat_6_a_forged_tap_shows_nothing_and_writes_nothing(
        self, phone: FlaskClient, shop: World
    ) -> None:
        forged = shop.tap(9) | {"c": "00" * 8}
        refused(phone.get("/balance", query_string=forged), Code.SUN_INVALID)
        assert opened(phone, shop, 1).status_code == 200


class TestPin:
    """A card with a PIN shows nothing without it: a point of sale has the tap, not the PIN."""

    @pytest.fixture(autouse=True)
    def with_a_pin(self, shop: World) -> None:
        cards.set_pin(shop.db, shop.card.card_id, "4711", limit_msat=sats(500))

    def enter(self, phone: FlaskClient, shop: World, pin: str, counter: int = 1) -> TestResponse:
        return phone.post("/balance", data=shop.tap(counter) | {"pin": pin})

    def test_threat_21_without_the_pin_nothing_is_told(
        self, phone: FlaskClient, shop: World
    ) -> None:
        page = opened(phone, shop)
        assert page.status_code == 403
        assert "Enter your PIN" in text(page)
        assert "Ann" not in page.text
        assert "1\u00a0000" not in page.text
        query = shop.tap(1) | {"pin": "4711"}
        assert phone.get("/balance", query_string=query).status_code == 403, "never in an address"

    def test_with_the_pin_the_page_opens(self, phone: FlaskClient, shop: World) -> None:
        page = self.enter(phone, shop, "4711")
        assert page.status_code == 200
        assert "1 000 sats" in text(page)
        assert "From 500 sats on the PIN is asked for" in text(page)

    def test_threat_19_tries_are_counted_with_those_at_tills(
        self, phone: FlaskClient, shop: World
    ) -> None:
        k1 = scan(phone, **shop.tap(1))["k1"]
        wrong = claim(phone, k1, shop.invoice(sats(500)), pin="0000")
        assert wrong["code"] == Code.PIN_WRONG
        page = self.enter(phone, shop, "1111")
        assert "Wrong PIN" in text(page)
        refused(self.enter(phone, shop, "2222"), Code.PIN_LOCKED)
        refused(self.enter(phone, shop, "4711"), Code.PIN_LOCKED)
        assert claim(phone, k1, shop.invoice(sats(500)), pin="4711")["code"] == Code.PIN_LOCKED
        assert claim(phone, k1, shop.invoice(sats(499))) == {"status": "OK"}

    def test_whoever_does_not_know_the_pin_ends_nobodys_look(
        self, phone: FlaskClient, shop: World
    ) -> None:
        opened(phone, shop, 5)
        assert self.enter(phone, shop, "4711", 4).status_code == 200


class TestAsking:
    """Without a tap the page asks for one."""

    def test_the_page_asks_for_a_tap_and_tells_nothing(self, phone: FlaskClient) -> None:
        page = phone.get("/balance")
        assert page.status_code == 200
        assert "Hold your card to the back of your phone" in text(page)
        assert 'method="post"' in page.text

    def test_the_text_on_the_card_may_be_put_in(self, phone: FlaskClient, shop: World) -> None:
        tap = shop.tap(1)
        typed = f" lnurlw://pay.example/ln?p={tap['p']}&c={tap['c']} "
        assert "1 000 sats" in text(phone.post("/balance", data={"card": typed}))

    @pytest.mark.parametrize("card", ["", "hello", "https://x/?p=1&c=2", "x" * 3_000, "\x00"])
    def test_what_is_no_tap_is_said_to_be_none(self, phone: FlaskClient, card: str) -> None:
        refused(phone.post("/balance", data={"card": card}), Code.REQUEST_INVALID, 400)

    def test_too_much_is_refused(self, phone: FlaskClient) -> None:
        refused(phone.post("/balance", data={"card": "x" * 5_000}), Code.REQUEST_INVALID, 400)

    @pytest.mark.parametrize("query", ["p=00", "c=00", "p=zz&c=00", "p=1&p=2"])
    def test_a_broken_address_is_said_to_be_one(self, phone: FlaskClient, query: str) -> None:
        refused(phone.get(f"/balance?{query}"), Code.REQUEST_INVALID, 400)


def test_threat_13_looking_is_limited_by_address_and_by_card(shop: World) -> None:
    phone = phone_of(shop, per_address=Rate(2, 0))
    assert [phone.get("/balance").status_code for _ in range(3)] == [200, 200, 429]
    phone = phone_of(shop, per_card=Rate(2, 0))
    assert [opened(phone, shop).status_code for _ in range(3)] == [200, 200, 429]


def test_the_page_can_be_read_by_no_other_site_and_loads_nothing_from_elsewhere(
    phone: FlaskClient, shop: World
) -> None:
    page = opened(phone, shop)
    assert "Access-Control-Allow-Origin" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in page.headers
    assert " style=" not in page.text
    assert "<script" not in page.text, "a balance needs none"
    for name in ("balance.css", "balance.js"):
        assert phone.get(f"/{name}").status_code == 200


def test_what_people_named_is_shown_as_text_and_never_as_markup(
    phone: FlaskClient, shop: World
) -> None:
    cards.rename(shop.db, shop.card.card_id, "<b>Ann</b>&co")
    page = opened(phone, shop)
    assert "<b>Ann" not in page.text
    assert "&lt;b&gt;Ann&lt;/b&gt;&amp;co" in page.text


def test_times_are_those_of_the_store(shop: World) -> None:
    shop.db.transaction(lambda tx: tx.run("UPDATE stores SET timezone = 'Asia/Kathmandu'"))
    page = text(opened(phone_of(shop), shop))
    assert "15 Nov 2023, 03:58" in page
    assert "Times: Asia/Kathmandu" in page


def test_refunds_and_fees_are_in_the_history(shop: World) -> None:
    fees.set_policy(shop.db, shop.account.pull_payment_id, FeePolicy(FeePayer.CARD, 2_000, 0))
    phone = phone_of(shop)
    store = stores.all(shop.db)[0].store_id
    stores.ensure_terminal(shop.db, "till-1", store)
    sale = sales.open(shop.db, store, sats(50), terminal_id="till-1")
    assert isinstance(sale, Sale)
    from host.ledger.claims import Claimed, ClaimRequest, Source
    from host.ledger.claims import claim as pay
    from host.ledger.taps import VerifiedTap
    from tests.support.world import KEY_VERSION, UID

    tap = VerifiedTap(shop.card.card_id, UID, 1, KEY_VERSION)
    paid = pay(shop.db, ClaimRequest(tap, sats(50), Source.TILL, sale_id=sale.sale_id))
    assert isinstance(paid, Claimed)
    refunds.refund(shop.db, sale.sale_id, sats(7), "cold")
    page = text(opened(phone, shop, 2))
    assert "957 sats" in page
    assert "−50" in page
    assert "Given back" in page
    assert "+7" in page


def test_a_card_that_shares_its_account_shows_only_its_own_history(shop: World) -> None:
    add_card(shop.db, shop.account, Uid.parse("04a39493cc8681"))
    page = text(opened(phone_of(shop), shop))
    assert "1 000 sats" in page
    assert "Filled" not in page


def test_where_cards_are_filled_the_page_shows_how(shop: World) -> None:
    addresses.give(shop.db, shop.card.card_id, "ann")
    page = opened(phone_of(shop, fill=True), shop)
    assert "lightning:lnurl1" in page.text
    assert "ann@pay.example" in text(page)
    assert "lightning:" not in opened(phone_of(shop), shop, 2).text


def test_an_account_that_ended_says_so(phone: FlaskClient, shop: World) -> None:
    pull_payments.end(shop.db, shop.account.pull_payment_id)
    page = text(opened(phone, shop))
    assert "This account has ended" in page
    assert "up to 0 sats" in page


def test_a_phone_that_speaks_spanish_gets_no_english(shop: World) -> None:
    limits = Limits(tap_msat=sats(300), day_msat=sats(500), month_msat=sats(900), count=5)
    cards.set_limits(shop.db, shop.card.card_id, limits)
    phone = phone_of(shop, fill=True)
    spanish = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
    with marked("es"):
        shown = phone.get("/balance", query_string=shop.tap(1), headers=spanish)
        asked = phone.get("/balance", headers=spanish)
        wrong = phone.get("/balance?p=1", headers=spanish)
        cards.set_pin(shop.db, shop.card.card_id, "7391")
        locked = phone.get("/balance", query_string=shop.tap(2), headers=spanish)
        for page in (shown, asked, wrong, locked):
            assert 'lang="es"' in page.text
            assert unspoken(page.text, NAMES) == set()
    assert 'lang="en"' in phone.get("/balance", headers={"Accept-Language": "it"}).text
