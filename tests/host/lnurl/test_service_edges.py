"""Limits at their edges, and what changes between a scan and its claim: over real HTTP, by code."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from host.clock import DAY, SECOND
from host.ledger import books, cards, fees, payouts, pull_payments
from host.ledger.codes import Code
from host.ledger.fees import FeePayer, FeePolicy
from host.ledger.records import Limits
from host.lightning.embedded import Fault
from host.lnurl.service import ServiceSettings
from host.money import sats
from host.payer import Payer
from tests.support.foreign_wallet import OverHttp, claim, over_http, refused, scan
from tests.support.world import World

LIMIT = sats(100)


class Guest:
    """A holder who pays at other people's tills, one tap after the other."""

    def __init__(self, shop: World, wallet: OverHttp) -> None:
        self.shop = shop
        self.wallet = wallet
        self.counters: Iterator[int] = count(1)
        self.payer = Payer(shop.db, shop.pool, shop.clock, grace_ms=0)

    def pays(self, amount_sat: int) -> Code | None:
        """Tap and claim; None is OK, else the code."""
        scanned = scan(self.wallet, **self.shop.tap(next(self.counters)))
        if "k1" not in scanned:
            return refused(scanned)
        answer = claim(self.wallet, scanned["k1"], self.shop.invoice(sats(amount_sat)))
        return None if answer == {"status": "OK"} else refused(answer)

    def sends(self, fault: Fault = Fault.OK) -> None:
        """The host pays what was claimed, and the wallet does that."""
        self.shop.pool.script(fault)
        self.payer.step()


@pytest.fixture
def guest(shop: World) -> Iterator[Guest]:
    with over_http(shop, ServiceSettings("https://pay.example")) as wallet:
        made = Guest(shop, wallet)
        yield made
        made.payer.stop()
    assert books.check(shop.db).problems == []


def limit(shop: World, **limits: int) -> None:
    cards.set_limits(shop.db, shop.card.card_id, Limits(**limits))


class TestLimitsAtTheirEdges:
    """Held money counts, failed money does not, the last satoshi fits, the next one does not."""

    def test_threat_17_of_one_payment(self, guest: Guest, shop: World) -> None:
        limit(shop, tap_msat=LIMIT)
        assert guest.pays(101) is Code.LIMIT_TAP
        assert guest.pays(100) is None

    @pytest.mark.parametrize(
        ("name", "code"), [("day_msat", Code.LIMIT_DAY), ("month_msat", Code.LIMIT_MONTH)]
    )
    def test_threat_17_of_a_rolling_window(
        self, guest: Guest, shop: World, name: str, code: Code
    ) -> None:
        limit(shop, **{name: LIMIT})
        assert guest.pays(60) is None
        guest.sends()
        assert guest.pays(41) is code
        assert guest.pays(40) is None
        guest.sends()
        assert guest.pays(1) is code

    def test_threat_17_of_taps_in_a_day(self, guest: Guest, shop: World) -> None:
        limit(shop, count=2)
        for _ in range(2):
            assert guest.pays(1) is None
            guest.sends()
        assert guest.pays(1) is Code.LIMIT_COUNT

    def test_threat_17_failed_money_is_given_back_to_every_limit(
        self, guest: Guest, shop: World
    ) -> None:
        limit(shop, day_msat=LIMIT, month_msat=LIMIT, count=1)
        for _ in range(3):
            assert guest.pays(100) is None
            guest.sends(Fault.FAIL)
        assert guest.pays(100) is None
        guest.sends()
        assert guest.pays(1) is Code.LIMIT_DAY

    def test_threat_17_held_money_counts_while_nobody_knows(
        self, guest: Guest, shop: World
    ) -> None:
        limit(shop, day_msat=LIMIT)
        assert guest.pays(60) is None
        guest.sends(Fault.UNKNOWN)
        assert guest.pays(10) is Code.CARD_BUSY
        (held,) = payouts.due(shop.db, leased=True)
        assert held.payment_hash is not None
        shop.pool.resolve(held.payment_hash, paid=True)
        shop.clock.advance(SECOND)
        guest.payer.step()
        assert guest.pays(41) is Code.LIMIT_DAY
        assert guest.pays(40) is None

    def test_threat_17_a_window_rolls_to_the_millisecond(self, guest: Guest, shop: World) -> None:
        limit(shop, day_msat=LIMIT)
        assert guest.pays(100) is None
        guest.sends()
        shop.clock.advance(DAY - 1)
        assert guest.pays(1) is Code.LIMIT_DAY
        shop.clock.advance(1)
        assert guest.pays(100) is None

    def test_zero_is_zero_and_blank_is_none(self, guest: Guest, shop: World) -> None:
        limit(shop, day_msat=0)
        assert guest.pays(1) is Code.LIMIT_DAY
        limit(shop, tap_msat=0)
        assert guest.pays(1) is Code.LIMIT_TAP
        limit(shop)
        assert guest.pays(1_000) is None

    def test_the_balance_is_spent_to_its_last_satoshi(self, guest: Guest) -> None:
        assert guest.pays(1_001) is Code.BALANCE_LOW
        assert guest.pays(999) is None
        guest.sends()
        assert guest.pays(2) is Code.BALANCE_LOW
        assert guest.pays(1) is None
        guest.sends(Fault.FAIL)
        assert guest.pays(1) is None

    def test_the_fee_must_fit_too_where_the_card_pays_it(self, guest: Guest, shop: World) -> None:
        account = shop.account.pull_payment_id
        fees.set_policy(shop.db, account, FeePolicy(FeePayer.CARD, sats(1), 0))
        assert guest.pays(1_000) is Code.BALANCE_LOW
        assert guest.pays(999) is None
        guest.sends(Fault.FAIL)
        fees.set_policy(shop.db, account, FeePolicy(FeePayer.STORE, sats(1), 0))
        assert guest.pays(1_000) is None


class TestBetweenScanAndClaim:
    """What changes after the scan is asked again under the write lock (THREATS 18)."""

    @pytest.fixture
    def k1(self, guest: Guest, shop: World) -> str:
        return str(scan(guest.wallet, **shop.tap(1))["k1"])

    def outcome(self, guest: Guest, k1: str, amount_sat: int = 21) -> Code | None:
        answer = claim(guest.wallet, k1, guest.shop.invoice(sats(amount_sat)))
        return None if answer == {"status": "OK"} else refused(answer)

    def test_threat_18_a_card_that_was_frozen(self, guest: Guest, shop: World, k1: str) -> None:
        cards.freeze(shop.db, shop.card.card_id)
        assert self.outcome(guest, k1) is Code.CARD_BLOCKED
        assert shop.balance() == (sats(1_000), 0)
        cards.unfreeze(shop.db, shop.card.card_id)
        assert self.outcome(guest, k1) is None, "the tap was not spent by the refusal"

    def test_threat_18_a_card_that_was_wiped(self, guest: Guest, shop: World, k1: str) -> None:
        cards.wipe(shop.db, shop.card.card_id)
        assert self.outcome(guest, k1) is Code.CARD_BLOCKED

    def test_threat_18_an_account_that_ended(self, guest: Guest, shop: World, k1: str) -> None:
        pull_payments.end(shop.db, shop.account.pull_payment_id)
        assert self.outcome(guest, k1) is Code.CARD_EXPIRED

    def test_threat_18_dates_that_passed(self, guest: Guest, shop: World, k1: str) -> None:
        now = shop.clock.now()
        cards.set_dates(shop.db, shop.card.card_id, now + SECOND, None)
        assert self.outcome(guest, k1) is Code.CARD_NOT_ACTIVE
        cards.set_dates(shop.db, shop.card.card_id, None, now)
        assert self.outcome(guest, k1) is Code.CARD_EXPIRED

    def test_threat_18_a_limit_that_was_lowered(self, guest: Guest, shop: World, k1: str) -> None:
        limit(shop, tap_msat=sats(20))
        assert self.outcome(guest, k1) is Code.LIMIT_TAP
        assert self.outcome(guest, k1, 20) is None

    def test_threat_19_a_pin_that_was_set(self, guest: Guest, shop: World, k1: str) -> None:
        cards.set_pin(shop.db, shop.card.card_id, "4711")
        pr = shop.invoice()
        assert refused(claim(guest.wallet, k1, pr)) is Code.PIN_REQUIRED
        for expected in (Code.PIN_WRONG, Code.PIN_WRONG, Code.PIN_LOCKED, Code.PIN_LOCKED):
            assert refused(claim(guest.wallet, k1, pr, pin="0000")) is expected
        assert refused(claim(guest.wallet, k1, pr, pin="4711")) is Code.PIN_LOCKED
        cards.unlock_pin(shop.db, shop.card.card_id)
        assert claim(guest.wallet, k1, pr, pin="4711") == {"status": "OK"}

    def test_a_k1_holds_for_a_minute_and_not_longer(
        self, guest: Guest, shop: World, k1: str
    ) -> None:
        shop.clock.advance(60 * SECOND)
        late = str(scan(guest.wallet, **shop.tap(2))["k1"])
        assert self.outcome(guest, k1) is None
        shop.clock.advance(60 * SECOND + 1)
        assert self.outcome(guest, late) is Code.K1_EXPIRED

    @pytest.mark.parametrize(("left_s", "code"), [(14, Code.INVOICE_EXPIRED), (15, None)])
    def test_an_invoice_that_is_about_to_expire_does_not_spend_the_tap(
        self, guest: Guest, shop: World, k1: str, left_s: int, code: Code | None
    ) -> None:
        invoice = shop.stranger.make_invoice(sats(21), "coffee", left_s)
        answer = claim(guest.wallet, k1, invoice.bolt11)
        if code is None:
            assert answer == {"status": "OK"}
        else:
            assert refused(answer) is code
            assert shop.balance() == (sats(1_000), 0)
            assert self.outcome(guest, k1) is None


def test_a_store_says_itself_how_long_an_invoice_must_hold(shop: World) -> None:
    with over_http(shop, ServiceSettings("https://pay.example", invoice_ms=0)) as wallet:
        invoice = shop.stranger.make_invoice(sats(21), "coffee", 1)
        k1 = scan(wallet, **shop.tap(1))["k1"]
        assert claim(wallet, k1, invoice.bolt11) == {"status": "OK"}
