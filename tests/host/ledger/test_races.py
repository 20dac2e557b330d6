"""Exactly one payout per tap, whatever the number of threads, processes and retries (THREATS 4)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from host.ledger import payouts
from host.ledger.claims import Claimed
from host.ledger.codes import Code
from host.money import sats
from tests.support.books import Shop, code
from tests.support.threads import DEADLINE_S, together

TEN = sats(10)
ALL = sats(100_000)


def summary(outcomes: list[object]) -> Counter[str]:
    """How many claims were made, joined, and refused by name."""
    return Counter(
        ("joined" if one.joined else "made") if isinstance(one, Claimed) else str(code(one))
        for one in outcomes
    )


def test_one_tap_for_one_sale_by_32_threads_is_one_payout(here: Shop) -> None:
    card, sale = here.card(), here.sale(TEN)
    outcomes = together([lambda: here.pay(card, 1, TEN, sale=sale) for _ in range(32)])
    assert summary(outcomes) == {"made": 1, "joined": 31}
    assert len({one.payout.payout_id for one in outcomes if isinstance(one, Claimed)}) == 1
    assert here.money() == (ALL - TEN, 0, TEN)


def test_one_tap_for_32_sales_is_one_payout(here: Shop) -> None:
    card = here.card()
    each = [here.sale(TEN) for _ in range(32)]
    outcomes = together([lambda sale=sale: here.pay(card, 1, TEN, sale=sale) for sale in each])
    assert summary(outcomes) == {"made": 1, Code.SUN_REPLAYED: 31}
    assert here.money() == (ALL - TEN, 0, TEN)


def test_one_tap_with_two_invoices_at_once_is_one_payout(here: Shop) -> None:
    for counter in range(1, 9):
        card = here.card()
        two = [here.invoice(TEN), here.invoice(TEN)]
        outcomes = together(
            [
                lambda card=card, one=one, counter=counter: here.offer(
                    card, counter, TEN, invoice=one
                )
                for one in two
            ]
        )
        assert summary(outcomes) == {"made": 1, Code.SUN_REPLAYED: 1}
    assert here.count("payouts") == 8


def test_one_sale_and_many_cards_at_once_is_one_payout(here: Shop) -> None:
    sale = here.sale(TEN)
    each = [here.card() for _ in range(16)]
    outcomes = together([lambda card=card: here.pay(card, 1, TEN, sale=sale) for card in each])
    assert summary(outcomes) == {"made": 1, Code.SALE_CLOSED: 15}


def test_one_invoice_offered_by_many_cards_at_once_is_paid_once(here: Shop) -> None:
    invoice = here.invoice(TEN)
    each = [here.card() for _ in range(16)]
    outcomes = together(
        [lambda card=card: here.offer(card, 1, TEN, invoice=invoice) for card in each]
    )
    assert summary(outcomes) == {"made": 1, Code.INVOICE_USED: 15}


def test_many_taps_of_one_card_at_once_hold_money_for_one(here: Shop) -> None:
    card = here.card()
    outcomes = together(
        [lambda counter=counter: here.offer(card, counter, TEN) for counter in range(1, 17)]
    )
    counted = summary(outcomes)
    assert counted["made"] == 1
    assert set(counted) <= {"made", Code.CARD_BUSY}
    assert here.money() == (ALL - TEN, TEN, 0)


def test_the_last_money_of_an_account_is_spent_once(here: Shop) -> None:
    each = [here.card() for _ in range(16)]
    outcomes = together([lambda card=card: here.pay(card, 1, sats(30_000)) for card in each])
    assert summary(outcomes) == {"made": 3, Code.BALANCE_LOW: 13}
    assert here.money() == (sats(10_000), 0, sats(90_000))


SCRIPT = """
import json, sys
from pathlib import Path
from host.clock import ManualClock
from host.ledger import cards, claims, payouts, sales
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Card
from host.store.engine import Engine
from tests.support.books import tap

path, card_id, *sale_ids = sys.argv[1:]
told = []
with Engine.open(Path(path), ManualClock()) as db:
    card = cards.get(db, card_id)
    print("ready", flush=True)
    sys.stdin.readline()
    for counter, sale_id in enumerate(sale_ids, start=1):
        request = ClaimRequest(tap(card, counter), 10_000, Source.TILL, sale_id=sale_id)
        outcome = claims.claim(db, request)
        if isinstance(outcome, Claimed):
            told.append("joined" if outcome.joined else "made")
        else:
            told.append(outcome.code.value)
print(json.dumps(told), flush=True)
"""


def race(here: Shop, arguments: list[list[str]]) -> list[list[str]]:
    """Start a process for each list of arguments, let them all go at once; what they were told."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(here.db.path), *one],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for one in arguments
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=DEADLINE_S)[0]) for process in started]


def test_the_same_taps_by_4_processes_are_paid_once_each(here: Shop) -> None:
    card = here.card()
    each = [here.sale(TEN).sale_id for _ in range(20)]
    told = race(here, [[card.card_id, *each]] * 4)
    for answers in zip(*told, strict=True):
        assert sorted(answers) == ["joined", "joined", "joined", "made"]
    assert here.money() == (ALL - 20 * TEN, 0, 20 * TEN)


def test_one_tap_for_another_sale_in_each_of_4_processes_is_paid_once(here: Shop) -> None:
    card = here.card()
    told = race(here, [[card.card_id, here.sale(TEN).sale_id] for _ in range(4)])
    assert Counter(answer for answers in told for answer in answers) == {
        "made": 1,
        "sun_replayed": 3,
    }
    assert here.money() == (ALL - TEN, 0, TEN)


def test_takers_in_threads_take_each_payout_once_while_claims_come_in(here: Shop) -> None:
    each = [here.card() for _ in range(24)]
    work = [lambda card=card: [here.offer(card, 1, TEN)] for card in each]
    work += [lambda: payouts.take(here.db, 24) for _ in range(4)]
    together(work)
    payouts.take(here.db, 24)
    told = [event.subject for event in here.db.events.after(0, kinds=["payout.processing"])]
    assert len(told) == len(set(told)) == 24
