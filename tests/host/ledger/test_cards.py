"""Cards, accounts and stores: what a manager may do, and what is refused by name."""

from __future__ import annotations

import pytest

from host.ledger import audit, cards, pull_payments, stores, views
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.records import CardState, EntryKind, Limits, PullPaymentState
from host.money import MAX_MSAT, sats
from host.ntag424.values import Uid
from tests.support.books import STORE, Shop, made

TEN = sats(10)
ALL = sats(100_000)


def test_a_card_is_found_by_its_id_and_by_its_uid(here: Shop) -> None:
    card = here.card(limits=Limits(1_000, 2_000, 3_000, 4), last_counter=9)
    assert cards.get(here.db, card.card_id) == card
    assert cards.by_uid(here.db, Uid.parse(card.uid)) == card
    assert card.limits == Limits(1_000, 2_000, 3_000, 4)
    assert (card.last_counter, card.state) == (9, CardState.ACTIVE)
    assert cards.get(here.db, "nothing") is None


def test_a_card_is_registered_once(here: Shop) -> None:
    card = here.card()
    with pytest.raises(Taken):
        here.card(card_id=card.card_id)
    with pytest.raises(Taken):
        here.card(uid=Uid.parse(card.uid))
    with pytest.raises(NotFound, match="pull_payment_id"):
        here.card(pull_payment_id="nothing")


def test_lists_of_cards_are_paged_by_key(here: Shop) -> None:
    made_now = []
    for _ in range(7):
        made_now.append(here.card())
        here.clock.advance(1)
    first = cards.all(here.db, STORE, limit=3)
    second = cards.all(here.db, STORE, after=first[-1].card_id, limit=3)
    last = cards.all(here.db, STORE, after=second[-1].card_id, limit=3)
    assert [*first, *second, *last] == made_now == cards.every(here.db)
    assert cards.every(here.db, "elsewhere") == []


def test_a_wiped_card_comes_back_only_with_new_keys(here: Shop) -> None:
    card = here.card()
    cards.wipe(here.db, card.card_id)
    with pytest.raises(LedgerError, match="wiped"):
        cards.unfreeze(here.db, card.card_id)
    anew = cards.rekey(here.db, card.card_id, issuer_id="issuer", key_version=2, last_counter=0)
    assert anew.state is CardState.ACTIVE
    made(here.pay(anew, 1, TEN))


def test_threat_11_version_and_counter_never_go_back(here: Shop) -> None:
    card = here.card(key_version=3, last_counter=7)
    wrong = [
        {"key_version": 2, "last_counter": 100},
        {"key_version": 3, "last_counter": 6},
        {"key_version": 3, "last_counter": 9, "issuer_id": "another"},
    ]
    for values in wrong:
        with pytest.raises(LedgerError, match="key_version"):
            cards.rekey(here.db, card.card_id, **({"issuer_id": "issuer"} | values))  # type: ignore[arg-type]
    assert here.now(card) == card
    same = cards.rekey(here.db, card.card_id, issuer_id="issuer", key_version=3, last_counter=9)
    assert same.last_counter == 9


def test_a_name_changes_on_the_usage_too(here: Shop) -> None:
    card = here.card()
    made(here.pay(card, 1, TEN))
    assert cards.rename(here.db, card.card_id, " Bob's  card ").alias == "Bob's card"
    usage = views.usage_of(here.db, card.card_id)
    assert usage is not None
    assert usage.alias == "Bob's card"
    for wrong in ("", "  ", "x" * 121, "tab\x07bell"):
        with pytest.raises(LedgerError, match="alias"):
            cards.rename(here.db, card.card_id, wrong)


def test_every_change_is_an_event_and_an_audit_row(here: Shop) -> None:
    card = here.card()
    before = here.db.events.last_id()
    cards.freeze(here.db, card.card_id, "boss")
    cards.set_limits(here.db, card.card_id, Limits(tap_msat=5_000), "boss")
    cards.set_dates(here.db, card.card_id, 1, 2, "boss")
    told = [(e.kind, e.subject, e.data["change"]) for e in here.db.events.after(before)]
    assert told == [("card.changed", card.card_id, what) for what in ("frozen", "limits", "dates")]
    rows = audit.recent(here.db, limit=3)[::-1]
    assert [(row.person_id, row.action) for row in rows] == [
        ("boss", "card.frozen"),
        ("boss", "card.limits"),
        ("boss", "card.dates"),
    ]
    assert rows[1].data["limit_tap_msat"] == 5_000
    with pytest.raises(NotFound):
        cards.freeze(here.db, "nothing")


def test_money_comes_in_by_name_and_with_a_reason(here: Shop) -> None:
    account = here.account.pull_payment_id
    here.clock.advance(1)
    pull_payments.fund(here.db, account, TEN, "Ann paid cash", "boss", kind=EntryKind.TOP_UP)
    here.clock.advance(1)
    pull_payments.adjust(here.db, account, -sats(4), "counted again", "boss")
    newest = pull_payments.entries_by_hand(here.db, account, limit=2)
    told = [(one.kind, one.available_msat, one.reason) for one in newest]
    assert told == [
        (EntryKind.ADJUST, -sats(4), "counted again"),
        (EntryKind.TOP_UP, TEN, "Ann paid cash"),
    ]
    assert here.money() == (ALL + sats(6), 0, 0)
    assert here.db.events.after(0)[-1].kind == "pull_payment.adjust"


@pytest.mark.parametrize("amount", [0, -1, MAX_MSAT + 1, MAX_MSAT])
def test_amounts_that_make_no_sense_are_refused(here: Shop, amount: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        pull_payments.fund(here.db, here.account.pull_payment_id, amount, "x")
    assert here.money() == (ALL, 0, 0)


def test_an_account_never_goes_below_zero(here: Shop) -> None:
    made(here.offer(here.card(), 1, TEN))
    with pytest.raises(LedgerError, match="more than the account has free"):
        pull_payments.adjust(here.db, here.account.pull_payment_id, -ALL, "all of it")
    for wrong in ("", "  "):
        with pytest.raises(LedgerError, match="reason"):
            pull_payments.fund(here.db, here.account.pull_payment_id, TEN, wrong)
    with pytest.raises(LedgerError, match="kind"):
        pull_payments.fund(here.db, here.account.pull_payment_id, TEN, "x", kind=EntryKind.SETTLE)
    with pytest.raises(NotFound):
        pull_payments.fund(here.db, "nothing", TEN, "x")


def test_an_account_ends_once(here: Shop) -> None:
    account = here.account.pull_payment_id
    assert pull_payments.end(here.db, account).state is PullPaymentState.ENDED
    events = here.count("events")
    assert pull_payments.end(here.db, account).state is PullPaymentState.ENDED
    assert here.count("events") == events
    with pytest.raises(LedgerError, match="limit"):
        pull_payments.create(here.db, STORE, "x", limit_msat=-1)
    with pytest.raises(NotFound, match="store_id"):
        pull_payments.create(here.db, "nothing", "x")


def test_stores_have_ids_names_and_clocks_that_make_sense(here: Shop) -> None:
    stores.create(here.db, "Café", store_id="cafe", timezone="Europe/Vienna", cutoff_hour=4)
    assert [store.store_id for store in stores.all(here.db)] == ["cafe", STORE]
    with pytest.raises(Taken):
        stores.create(here.db, "Café", store_id="cafe")
    for wrong in ({"timezone": "Mars/Base"}, {"timezone": "../x"}, {"cutoff_hour": 24}):
        with pytest.raises(LedgerError, match=next(iter(wrong))):
            stores.create(here.db, "x", **wrong)  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match="store_id"):
        stores.create(here.db, "x", store_id="a b")
    assert len(stores.create(here.db, "no id").store_id) > 10


def test_a_terminal_is_made_once_and_kept_up_to_date(here: Shop) -> None:
    stores.ensure_terminal(here.db, "t", STORE, name="Bar", reader="pcsc")
    changed = stores.ensure_terminal(here.db, "t", STORE, reader="nfc")
    assert (changed.name, changed.reader) == ("Bar", "nfc")
    assert stores.terminals(here.db, STORE) == [changed]
    assert stores.terminals(here.db, "elsewhere") == []
    with pytest.raises(NotFound):
        stores.ensure_terminal(here.db, "t", "nothing")
