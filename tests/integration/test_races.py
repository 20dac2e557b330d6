"""Exactly one payout per tap, whatever the number of threads, processes, doors and retries."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from host.ledger import cards, sales
from host.ledger.codes import Code
from host.ledger.records import Limits, PayoutStatus, SaleState
from host.money import sats
from tests.integration.claimant import claim, told
from tests.support.running import (
    DEADLINE_S,
    RunningShop,
    payouts_of,
    refused,
    running,
    wait_for,
    wait_payout,
)

ROOT = Path(__file__).parents[2]
THREADS = 32
PROCESSES = 4


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run every job in a thread of its own, all let go together; their values, in order."""
    gate = threading.Barrier(len(jobs))
    values: list[Any] = [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        gate.wait(DEADLINE_S)
        values[number] = job()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert None not in values
    return values


def claimed(shop: RunningShop, task: dict[str, Any]) -> dict[str, Any]:
    """Claim a tap in this process, as the till does."""
    return told(claim(shop.db, shop.keyring, task))


@contextmanager
def processes(home: Path, tasks: list[dict[str, Any]]) -> Iterator[Callable[[], list[Any]]]:
    """Processes that hold their tap ready; calling what is yielded lets them all go."""
    with ExitStack() as stack:
        running_: list[subprocess.Popen[str]] = []
        for task in tasks:
            one = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.claimant", str(home)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
            running_.append(stack.enter_context(one))
            stack.callback(one.kill)
            _tell(one, json.dumps(task))
        assert [_line(one) for one in running_] == ["ready"] * len(tasks)

        def go() -> list[Any]:
            for one in running_:
                _tell(one, "go")
            return [json.loads(_line(one)) for one in running_]

        yield go


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    """A daemon without a reader: its till's claims are made by the tests."""
    with running(tmp_path / "home") as opened:
        yield opened
        opened.check_books()


def test_one_tap_offered_one_invoice_by_32_threads_over_http_is_paid_once(
    shop: RunningShop,
) -> None:
    card, offered = shop.card(), shop.invoice(100)
    k1 = shop.scan(**card.tap())["k1"]
    answers = at_once([lambda: shop.claim(k1, offered)] * THREADS)
    named = [refused(answer) for answer in answers if answer != {"status": "OK"}]
    assert set(named) <= {Code.RATE_LIMITED}  # a card's own budget, after 30 at once
    assert len(named) <= THREADS - 29
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert len(payouts_of(shop.db, card)) == 1
    assert shop.balance(card) == (9_900, 0, 100)
    assert shop.stranger.balance_msat() == sats(100)


def test_threat_4_one_tap_with_32_invoices_over_http_pays_one_of_them(shop: RunningShop) -> None:
    card = shop.card()
    tap = card.tap()
    invoices = [shop.invoice(100 + n) for n in range(THREADS)]
    k1s = [shop.scan(**tap)["k1"] for _ in range(4)]
    answers = at_once([partial(shop.claim, k1s[n % 4], text) for n, text in enumerate(invoices)])
    won = [n for n, answer in enumerate(answers) if answer == {"status": "OK"}]
    lost = Counter(refused(answer) for answer in answers if answer != {"status": "OK"})
    assert len(won) == 1
    assert lost.total() == THREADS - 1
    assert set(lost) <= {Code.SUN_REPLAYED, Code.RATE_LIMITED}
    assert lost[Code.SUN_REPLAYED] >= 24
    payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert payout.recipient_address == invoices[won[0]]
    assert shop.stranger.balance_msat() == sats(100 + won[0])


def test_one_tap_claimed_by_32_threads_in_process_pays_the_sale_once(shop: RunningShop) -> None:
    card, sale = shop.card(), shop.arm(100)
    task = {**card.tap(), "sale_id": sale.sale_id}
    results = at_once([partial(claimed, shop, task)] * THREADS)
    assert len({result["payout"] for result in results}) == 1
    assert Counter(result["joined"] for result in results) == {False: 1, True: THREADS - 1}
    assert shop.balance(card) == (9_900, 0, 100)
    approved = shop.db.events.after(0, kinds=["sale.approved"])
    assert [event.subject for event in approved] == [sale.sale_id]


def test_one_tap_claimed_by_4_processes_at_once_pays_once(shop: RunningShop) -> None:
    card, sale, other = shop.card(), shop.arm(100), shop.card("Bob")
    tap, abroad = card.tap(), other.tap()
    offered = shop.invoice(200)
    same_sale = {**tap, "sale_id": sale.sale_id}
    same_invoice = {**abroad, "invoice": offered}
    for task, held in ((same_sale, card), (same_invoice, other)):
        with processes(shop.home, [task] * PROCESSES) as go:
            results = go()
        assert len({result["payout"] for result in results}) == 1
        assert Counter(result["joined"] for result in results) == {False: 1, True: PROCESSES - 1}
        wait_payout(shop.db, held, PayoutStatus.COMPLETED)
        assert len(payouts_of(shop.db, held)) == 1


def test_one_tap_with_two_invoices_and_a_sale_in_4_processes_and_32_threads(
    shop: RunningShop,
) -> None:
    """Every door at once: the till, the service over HTTP, and processes beside the daemon."""
    card, sale = shop.card(), shop.arm(100)
    tap, first, second = card.tap(), shop.invoice(100), shop.invoice(100)
    k1 = shop.scan(**tap)["k1"]
    tasks = [
        {**tap, "invoice": first},
        {**tap, "invoice": second},
        {**tap, "sale_id": sale.sale_id},
        {**tap, "invoice": first},
    ]
    with processes(shop.home, tasks) as go:
        jobs: list[Callable[[], Any]] = [lambda: shop.claim(k1, first)] * 15
        jobs += [lambda: shop.claim(k1, second)] * 16
        *_, outside = at_once([*jobs, go])
    (payout,) = payouts_of(shop.db, card)
    refusals = [result for result in outside if "code" in result]
    assert all(result["code"] == Code.SUN_REPLAYED for result in refusals)
    kept = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert kept.payout_id == payout.payout_id
    assert {one["payout"] for one in outside if "payout" in one} <= {payout.payout_id}
    at_till = sales.get(shop.db, sale.sale_id)
    assert at_till is not None
    assert (at_till.state is SaleState.APPROVED) == (payout.sale_id == sale.sale_id)
    assert shop.balance(card) == (9_900, 0, 100)


def test_two_cards_race_for_one_sale_and_one_of_them_pays(shop: RunningShop) -> None:
    sale = shop.arm(100)
    held = [shop.card(f"card {n}") for n in range(8)]
    tasks = [{**card.tap(), "sale_id": sale.sale_id} for card in held]
    results = at_once([partial(claimed, shop, task) for task in tasks])
    assert Counter(result.get("code", "paid") for result in results) == {
        "paid": 1,
        Code.SALE_CLOSED: 7,
    }
    paid = [shop.balance(card)[2] for card in held]
    assert sorted(paid) == [0] * 7 + [100]


def test_two_cards_race_for_one_invoice_and_one_of_them_pays(shop: RunningShop) -> None:
    offered = shop.invoice(100)
    held = [shop.card(f"card {n}") for n in range(8)]
    k1s = [shop.scan(**card.tap())["k1"] for card in held]
    answers = at_once([partial(shop.claim, k1, offered) for k1 in k1s])
    assert answers.count({"status": "OK"}) == 1
    assert {refused(one) for one in answers if one != {"status": "OK"}} == {Code.INVOICE_USED}
    wait_for(shop.db, lambda: any(shop.balance(card)[2] for card in held), "the payment")
    assert sorted(shop.balance(card)[2] for card in held) == [0] * 7 + [100]
    assert shop.stranger.balance_msat() == sats(100)


def test_threat_17_many_taps_at_once_never_pass_a_limit(shop: RunningShop) -> None:
    """Taps of one card, each with an invoice of its own, against a limit for the day."""
    card = shop.card(limits=Limits(day_msat=sats(100)))
    k1s = [shop.scan(**card.tap())["k1"] for _ in range(12)]
    invoices = [shop.invoice(60) for _ in k1s]
    answers = at_once([partial(shop.claim, k1, pr) for k1, pr in zip(k1s, invoices, strict=True)])
    codes = {refused(one) for one in answers if one != {"status": "OK"}}
    assert answers.count({"status": "OK"}) == 1
    assert codes <= {Code.CARD_BUSY, Code.SUN_REPLAYED, Code.LIMIT_DAY}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert shop.balance(card) == (9_940, 0, 60)


def test_a_freeze_that_races_with_claims_either_comes_first_or_last(shop: RunningShop) -> None:
    card, offered = shop.card(), shop.invoice(100)
    k1 = shop.scan(**card.tap())["k1"]
    *answers, _ = at_once(
        [
            *([lambda: shop.claim(k1, offered)] * 7),
            lambda: cards.freeze(shop.db, card.card_id),
        ]
    )
    paid = len(payouts_of(shop.db, card))
    assert paid in (0, 1)
    if paid:
        wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    else:
        assert {refused(one) for one in answers} == {Code.CARD_BLOCKED}
