"""A tap asks for money: every outcome by its name, and what each leaves behind."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from host.bolt11 import Network
from host.clock import HOUR
from host.ledger import cards, claims, payouts, pull_payments, sales, stores, views
from host.ledger.claims import Claimed, ClaimRequest, Quote, Source
from host.ledger.codes import Code, Refused
from host.ledger.records import CardState, Limits, PayoutStatus, Route, SaleState
from host.money import sats
from host.ntag424.values import Uid
from tests.support.books import STORE, Shop, code, made, preimage, tap

TEN = sats(10)
ALL = sats(100_000)


def test_at_our_own_till_the_claim_settles_at_once(here: Shop) -> None:
    card, sale = here.card(), here.sale(TEN)
    seen = here.db.events.last_id()
    outcome = here.pay(card, 7, TEN, sale=sale, terminal_id="till-1")
    payout = made(outcome)
    assert isinstance(outcome, Claimed)
    assert not outcome.joined
    assert payout == payouts.get(here.db, payout.payout_id)
    assert (payout.status, payout.route) == (PayoutStatus.COMPLETED, Route.INTERNAL)
    assert payout.transaction_id == f"internal:{sale.sale_id}"
    assert (payout.boltcard_id, payout.boltcard_ntag) == (card.card_id, card.uid)
    assert payout.facts() == {"source": "till", "terminal_id": "till-1"}
    assert here.money() == (ALL - TEN, 0, TEN)
    assert here.now(card).last_counter == 7
    told = sales.get(here.db, sale.sale_id)
    assert told is not None
    assert (told.state, told.payout_id) == (SaleState.APPROVED, payout.payout_id)
    kinds = [(event.kind, event.subject) for event in here.db.events.after(seen)]
    assert kinds == [
        ("payout.completed", payout.payout_id),
        ("sale.approved", sale.sale_id),
    ]


def test_an_invoice_is_held_until_somebody_pays_it(here: Shop) -> None:
    card = here.card()
    invoice = here.invoice(TEN)
    payout = made(here.offer(card, 1, TEN, invoice=invoice, max_fee_msat=2_000))
    assert (payout.status, payout.route) == (PayoutStatus.PENDING, Route.LIGHTNING)
    assert payout.recipient_address == invoice.bolt11
    assert payout.payment_hash == invoice.payment_hash
    assert payout == payouts.get(here.db, payout.payout_id)
    assert here.money() == (ALL - TEN - 2_000, TEN + 2_000, 0)
    assert views.usage_of(here.db, card.card_id) is None
    assert here.db.events.after(0)[-1].kind == "payout.pending"


def test_threat_3_a_used_tap_is_refused(here: Shop) -> None:
    card = here.card()
    made(here.pay(card, 5, TEN))
    assert code(here.pay(card, 5, TEN)) is Code.SUN_REPLAYED
    assert code(here.pay(card, 4, TEN)) is Code.SUN_REPLAYED
    assert code(here.offer(card, 5, TEN)) is Code.SUN_REPLAYED
    assert here.count("payouts") == 1


def test_threat_2_a_later_tap_kills_the_older_ones(here: Shop) -> None:
    card = here.card()
    made(here.pay(card, 9, TEN))
    for counter in range(9):
        assert code(here.pay(card, counter, TEN)) is Code.SUN_REPLAYED


def test_threat_2_the_gap_to_the_tap_before_is_told(here: Shop) -> None:
    card = here.card()
    request = ClaimRequest(
        replace(tap(card, 27), gap=26), TEN, Source.TILL, sale_id=here.sale(TEN).sale_id
    )
    assert made(claims.claim(here.db, request)).facts()["gap"] == 26
    told = [event for event in here.db.events.after(0) if event.kind == "payout.completed"]
    assert told[0].data["gap"] == 26


def test_threat_5_an_exact_retry_joins_the_first_result(here: Shop) -> None:
    card, sale, invoice = here.card(), here.sale(TEN), here.invoice(TEN)
    first = here.pay(card, 1, TEN, sale=sale)
    again = here.pay(card, 1, TEN, sale=sale)
    assert again == Claimed(made(first), joined=True)
    held = here.offer(card, 2, TEN, invoice=invoice)
    assert here.offer(card, 2, TEN, invoice=invoice) == Claimed(made(held), joined=True)
    payouts.take(here.db, 1)
    payouts.settle(here.db, made(held).payout_id, preimage(invoice))
    later = here.offer(card, 2, TEN, invoice=invoice)
    assert made(later).status is PayoutStatus.COMPLETED
    assert here.count("payouts") == 2


def test_threat_5_a_retry_joins_also_when_the_card_was_blocked_meanwhile(here: Shop) -> None:
    card, invoice = here.card(), here.invoice(TEN)
    first = here.offer(card, 1, TEN, invoice=invoice)
    cards.freeze(here.db, card.card_id)
    assert here.offer(card, 1, TEN, invoice=invoice) == Claimed(made(first), joined=True)
    here.clock.advance(HOUR)
    assert here.offer(card, 1, TEN, invoice=invoice) == Claimed(made(first), joined=True)


def test_threat_4_one_tap_with_a_second_invoice_is_refused(here: Shop) -> None:
    card = here.card()
    made(here.offer(card, 1, TEN))
    assert code(here.offer(card, 1, TEN)) is Code.SUN_REPLAYED
    assert here.money() == (ALL - TEN, TEN, 0)


def test_a_card_with_a_payment_on_its_way_is_busy(here: Shop) -> None:
    card = here.card()
    payout = made(here.offer(card, 1, TEN))
    assert code(here.offer(card, 2, TEN)) is Code.CARD_BUSY
    payouts.take(here.db, 1)
    assert code(here.pay(card, 2, TEN)) is Code.CARD_BUSY
    payouts.fail(here.db, payout.payout_id, "no route")
    made(here.pay(card, 2, TEN))


def test_one_invoice_offered_by_two_cards_is_paid_once(here: Shop) -> None:
    invoice = here.invoice(TEN)
    made(here.offer(here.card(), 1, TEN, invoice=invoice))
    assert code(here.offer(here.card(), 1, TEN, invoice=invoice)) is Code.INVOICE_USED


def test_threat_18_a_card_frozen_after_the_scan_does_not_pay(here: Shop) -> None:
    card = here.card()
    assert isinstance(claims.quote(here.db, tap(card, 1)), Quote)
    cards.freeze(here.db, card.card_id)
    assert code(here.pay(card, 1, TEN)) is Code.CARD_BLOCKED
    assert code(claims.quote(here.db, tap(card, 1))) is Code.CARD_BLOCKED
    cards.unfreeze(here.db, card.card_id)
    made(here.pay(card, 1, TEN))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CardState.NEW, Code.CARD_NOT_ACTIVE),
        (CardState.FROZEN, Code.CARD_BLOCKED),
        (CardState.WIPED, Code.CARD_BLOCKED),
    ],
)
def test_only_an_active_card_pays(here: Shop, state: CardState, expected: Code) -> None:
    assert code(here.pay(here.card(state=state), 1, TEN)) is expected


def test_a_card_pays_from_its_start_until_its_end(here: Shop) -> None:
    now = here.clock.now()
    card = here.card(starts_at=now + 1, ends_at=now + 3)
    assert code(here.pay(card, 1, TEN)) is Code.CARD_NOT_ACTIVE
    here.clock.advance(1)
    made(here.pay(card, 1, TEN))
    here.clock.advance(1)
    made(here.pay(card, 2, TEN))
    here.clock.advance(1)
    assert code(here.pay(card, 3, TEN)) is Code.CARD_EXPIRED


def test_a_pull_payment_pays_from_its_start_until_its_end(here: Shop) -> None:
    now = here.clock.now()
    account = pull_payments.create(here.db, STORE, "Trip", starts_at=now + 1, ends_at=now + 2)
    pull_payments.fund(here.db, account.pull_payment_id, ALL, "trip")
    card = here.card(pull_payment_id=account.pull_payment_id)
    assert code(here.pay(card, 1, TEN)) is Code.CARD_NOT_ACTIVE
    here.clock.advance(1)
    made(here.pay(card, 1, TEN))
    pull_payments.end(here.db, account.pull_payment_id)
    assert code(here.pay(card, 2, TEN)) is Code.CARD_EXPIRED


def test_threat_11_a_tap_made_before_new_keys_is_worth_nothing(here: Shop) -> None:
    card = here.card()
    old = tap(card, 50)
    cards.rekey(here.db, card.card_id, issuer_id="issuer", key_version=2, last_counter=0)
    sale = here.sale(TEN)
    request = ClaimRequest(old, TEN, Source.TILL, sale_id=sale.sale_id)
    assert code(claims.claim(here.db, request)) is Code.SUN_INVALID


def test_threat_11_a_chip_that_counts_anew_under_new_keys_pays_again(here: Shop) -> None:
    card = here.card()
    made(here.pay(card, 1, TEN))
    renewed = cards.rekey(here.db, card.card_id, issuer_id="issuer", key_version=2, last_counter=0)
    made(here.pay(renewed, 1, TEN))
    assert code(here.pay(renewed, 1, TEN)) is Code.SUN_REPLAYED
    assert code(here.pay(card, 1, TEN)) is Code.SUN_INVALID


@pytest.mark.parametrize("amount", [0, -1_000, 1, 1_500, sats(21_000_000 * 100_000_000) + 1_000])
def test_threat_16_amounts_that_make_no_sense_are_refused(here: Shop, amount: int) -> None:
    request = ClaimRequest(tap(here.card(), 1), amount, Source.TILL, sale_id="any")
    assert code(claims.claim(here.db, request)) is Code.AMOUNT_INVALID


def test_threat_16_an_invoice_is_taken_as_it_is_or_not_at_all(here: Shop) -> None:
    card = here.card()
    cases = [
        (TEN, here.invoice(None), Code.INVOICE_AMOUNTLESS),
        (TEN, here.invoice(TEN + 1), Code.INVOICE_SUBSAT),
        (TEN + 1, here.invoice(TEN + 1), Code.INVOICE_SUBSAT),
        (TEN, here.invoice(TEN + sats(1)), Code.AMOUNT_MISMATCH),
        (TEN, here.invoice(TEN, network=Network.MAINNET), Code.INVOICE_NETWORK),
        (TEN, here.invoice(TEN, expires_at=here.clock.now()), Code.INVOICE_EXPIRED),
    ]
    for amount, invoice, expected in cases:
        outcome = here.offer(card, 1, amount, invoice=invoice, network=Network.REGTEST)
        assert code(outcome) is expected
    made(here.offer(card, 1, TEN, network=Network.REGTEST))


def test_an_amount_outside_what_was_quoted_is_refused(here: Shop) -> None:
    card = here.card()
    assert code(here.offer(card, 1, TEN, min_msat=TEN + 1)) is Code.AMOUNT_LOW
    assert code(here.offer(card, 1, TEN, max_msat=TEN - 1)) is Code.LIMIT_TAP
    made(here.offer(card, 1, TEN, min_msat=TEN, max_msat=TEN))


def test_a_sale_is_paid_once_and_for_its_own_amount(here: Shop) -> None:
    card, other, sale = here.card(), here.card(), here.sale(TEN)
    assert code(here.pay(card, 1, TEN + 1_000, sale=sale)) is Code.AMOUNT_MISMATCH
    made(here.pay(card, 1, TEN, sale=sale))
    assert code(here.pay(other, 1, TEN, sale=sale)) is Code.SALE_CLOSED


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([SaleState.CANCELLED], Code.SALE_CLOSED),
        ([SaleState.AUTHORISING], Code.SALE_IN_PROGRESS),
        ([SaleState.AUTHORISING, SaleState.CHECKING], Code.SALE_IN_PROGRESS),
    ],
)
def test_a_sale_that_is_not_open_is_not_paid(
    here: Shop, states: list[SaleState], expected: Code
) -> None:
    sale = here.sale(TEN)
    for state in states:
        assert sales.move(here.db, sale.sale_id, state) is not None
    assert code(here.pay(here.card(), 1, TEN, sale=sale)) is expected


def test_a_declined_sale_stays_open_for_another_card(here: Shop) -> None:
    sale = here.sale(TEN)
    sales.move(here.db, sale.sale_id, SaleState.DECLINED, code=Code.BALANCE_LOW)
    made(here.pay(here.card(), 1, TEN, sale=sale))


def test_sales_that_are_too_old_unknown_or_of_another_store_are_refused(here: Shop) -> None:
    card, sale = here.card(), here.sale(TEN)
    unknown = replace(sale, sale_id="unknown")
    assert code(here.pay(card, 1, TEN, sale=unknown)) is Code.SALE_UNKNOWN
    stores.create(here.db, "Elsewhere", store_id="elsewhere")
    stores.ensure_terminal(here.db, "far", "elsewhere")
    foreign = sales.open(here.db, "elsewhere", TEN, terminal_id="far")
    assert code(here.pay(card, 1, TEN, sale=foreign)) is Code.CARD_UNKNOWN
    here.clock.advance(sales.TIMEOUT_MS)
    assert code(here.pay(card, 1, TEN, sale=sale)) is Code.SALE_TIMED_OUT


def test_a_card_that_is_in_nobodys_books_is_unknown(here: Shop) -> None:
    stranger = replace(here.card(), card_id="f" * 32)
    assert code(here.pay(stranger, 1, TEN)) is Code.CARD_UNKNOWN
    assert code(claims.quote(here.db, tap(stranger, 1))) is Code.CARD_UNKNOWN


def test_a_refused_claim_writes_nothing_and_leaves_the_tap(here: Shop) -> None:
    card = here.card(limits=Limits(tap_msat=TEN))
    sale = here.sale(sats(11))
    before = {
        table: here.count(table)
        for table in ("payouts", "entries", "events", "daily_totals", "boltcard_usage", "audit")
    }
    assert code(here.pay(card, 3, sats(11), sale=sale)) is Code.LIMIT_TAP
    assert {table: here.count(table) for table in before} == before
    assert here.now(card) == card
    made(here.pay(card, 3, TEN))


def test_a_request_names_a_sale_or_an_invoice_and_never_both(here: Shop) -> None:
    one = tap(here.card(), 1)
    for wrong in (
        {},
        {"sale_id": "s", "invoice": here.invoice(TEN)},
        {"sale_id": "s", "max_fee_msat": 1},
    ):
        with pytest.raises(ValueError):
            ClaimRequest(one, TEN, Source.TILL, **wrong)  # type: ignore[arg-type]


def test_threat_21_a_quote_never_tells_the_balance(here: Shop) -> None:
    poor, rich = here.card(), here.card(limits=Limits(tap_msat=sats(5)))
    pull_payments.adjust(here.db, here.account.pull_payment_id, sats(1) - ALL, "almost nothing")
    assert claims.quote(here.db, tap(poor, 1), max_msat=TEN) == Quote(1_000, TEN, "Shop", None)
    assert claims.quote(here.db, tap(rich, 1), max_msat=TEN) == Quote(1_000, sats(5), "Shop", None)
    refused = claims.quote(here.db, tap(rich, 1), min_msat=sats(6))
    assert refused == Refused(Code.LIMIT_TAP)


def test_threat_30_a_scan_may_be_repeated_until_the_tap_is_spent(here: Shop) -> None:
    card = here.card()
    first = claims.quote(here.db, tap(card, 1))
    assert claims.quote(here.db, tap(card, 1)) == first
    made(here.offer(card, 1, TEN))
    assert code(claims.quote(here.db, tap(card, 1))) is Code.SUN_REPLAYED
    assert code(claims.quote(here.db, tap(card, 2))) is Code.CARD_BUSY


def test_metadata_is_json_that_anyone_can_read(here: Shop) -> None:
    payout = made(here.pay(here.card(), 1, TEN))
    assert json.loads(payout.metadata or "") == {"source": "till"}
    assert Uid.parse(payout.boltcard_ntag).raw[0] == 4
