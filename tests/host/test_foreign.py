"""Other issuers' cards: the sale is paid when our invoice is paid, whatever the issuer says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from host.bolt11 import Network, payable
from host.foreign import GRACE_MS, UNKNOWN_MS
from host.ledger import attempts, books, incoming, sales
from host.ledger.codes import Code, Refused
from host.ledger.records import SaleState
from host.lightning.embedded import Fault
from host.lightning.wallet import Invoice
from host.money import sats
from host.till import Asking
from tests.host.lnurl.issuers import TAP
from tests.support.abroad import Abroad, abroad, now
from tests.support.invoices import invoice_text
from tests.support.scripted_http import drip, redirect, reply

APPROVED, DECLINED, CHECKING = SaleState.APPROVED, SaleState.DECLINED, SaleState.CHECKING
OK = {"status": "OK"}
LONG_MS = 600_000


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Abroad]:
    with abroad(tmp_path) as opened:
        yield opened
        assert books.check(opened.at.db).problems == []


# -- paid ----------------------------------------------------------------------------------------


def test_a_card_of_another_issuer_pays_into_the_shops_wallet(here: Abroad) -> None:
    here.answers(OK, pays=True)
    sale = here.at.arm(21)
    assert isinstance(here.lay(), Asking)
    done = here.wait(sale, APPROVED)
    assert (done.code, done.payout_id) == (None, None)
    assert here.shop.balance_msat() == sats(21)
    invoice = payable(here.offered(), Network.REGTEST)
    assert invoice.amount_msat == sale.amount_msat
    (told,) = here.events("sale.approved")
    assert told["payment_hash"] == invoice.payment_hash.hex()
    assert (told["host"], told["terminal_id"]) == (here.issuer.server.host, "till-1")
    assert here.at.kinds() == ["sale.ready", "sale.authorising", "sale.approved"]


def test_the_sale_is_authorising_before_anybody_is_asked(here: Abroad) -> None:
    asked, go_on = threading.Event(), threading.Event()
    record = here.issuer.answers["/ln"]

    def slowly() -> object:
        asked.set()
        assert go_on.wait(20)
        return reply(record)

    here.answers(slowly, path="/ln")
    here.answers(OK, pays=True)
    sale = here.charge()  # the reader's thread is back at once
    assert asked.wait(20)
    assert now(here, sale).state is SaleState.AUTHORISING
    assert here.lay() is None  # no second card meanwhile
    go_on.set()
    here.wait(sale, APPROVED, DECLINED)


def test_an_issuer_that_pays_and_then_says_no_has_paid(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "no"}, pays=True)
    here.wait(here.charge(), APPROVED)


# -- refused -------------------------------------------------------------------------------------


def test_the_issuers_words_are_shown_and_the_sale_stays_open(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "Daily <b>limit</b>"})
    refused = here.wait(here.charge(), DECLINED)
    assert (refused.code, refused.data["words"]) == (Code.FOREIGN_REFUSED, "Daily limit")
    (noted,) = attempts.of_sale(here.at.db, refused.sale_id)
    assert (noted.words, noted.card_id) == ("Daily limit", None)
    assert here.issuer.server.host.startswith(noted.host)
    assert noted.host
    here.answers(OK, pays=True)
    here.lay()
    approved = here.wait(refused, APPROVED)
    assert approved.data["words"] == ""


def test_every_card_of_a_sale_gets_the_same_invoice_so_two_never_pay(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "later"})
    sale = here.charge()
    here.wait(sale, DECLINED)
    first = here.offered()
    here.answers(OK, pays=True)
    here.lay()
    here.wait(sale, APPROVED)
    assert here.offered() == first
    here.bank_pays()  # whoever was refused first cannot pay any more
    here.foreign.step()
    assert here.shop.balance_msat() == sats(21)
    assert here.events("sale.paid_late") == []


def test_a_refusal_that_is_paid_all_the_same_approves_the_open_sale(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "no"})
    sale = here.charge()
    here.wait(sale, DECLINED)
    here.bank_pays()
    here.at.clock.advance(5_000)
    here.foreign.step()
    assert now(here, sale).state is APPROVED


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        ({"maxWithdrawable": 20_999}, Code.LIMIT_TAP),
        ({"minWithdrawable": 21_001}, Code.AMOUNT_LOW),
        ({"tag": "login"}, Code.CARD_UNREADABLE),
        ({"callback": "http://cards.example/"}, Code.FOREIGN_REFUSED),
        ({"minWithdrawable": "1000"}, Code.FOREIGN_REFUSED),
    ],
)
def test_an_offer_that_does_not_fit_is_declined_and_nothing_is_handed_over(
    here: Abroad, offer: dict[str, object], code: Code
) -> None:
    here.issuer.offers(**offer)
    assert here.wait(here.charge(), DECLINED).code is code
    assert incoming.due(here.at.db, everything=True) == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda: reply(b"<html>"),
        lambda: reply({"status": "ERROR", "reason": "blocked"}),
        lambda: redirect("https://169.254.169.254/latest"),
        lambda: reply(b"x" * 70_000),
        lambda: [b""],
    ],
)
def test_an_issuer_in_disorder_declines_the_sale(here: Abroad, answer: object) -> None:
    here.answers(answer, path="/ln")
    assert here.wait(here.charge(), DECLINED).code is Code.FOREIGN_REFUSED


def test_threats_20_a_card_that_points_inward_is_declined_unasked(here: Abroad) -> None:
    sale = here.at.arm(21)
    here.lay(f"lnurlw://169.254.169.254/ln?{TAP}")
    refused = here.wait(sale, DECLINED)
    assert (refused.code, refused.data["words"]) == (
        Code.FOREIGN_REFUSED,
        "the address behind the name is not public",
    )


def test_a_wallet_that_makes_no_invoice_declines_the_sale(here: Abroad) -> None:
    here.shop.script_default(Fault.DOWN)
    assert here.wait(here.charge(), DECLINED).code is Code.LIGHTNING_FAILED
    assert incoming.due(here.at.db, everything=True) == []
    here.shop.script_default(Fault.OK)


@pytest.mark.parametrize("swapped", ["amount", "hash", "network", "text"])
def test_threat_15_an_invoice_that_is_not_the_sales_own_is_never_handed_over(
    here: Abroad, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    make = here.shop.make_invoice

    def between(amount_msat: int, memo: str, expiry_s: int) -> Invoice:
        made = make(amount_msat, memo, expiry_s)
        if swapped == "amount":
            return replace(make(amount_msat - 1_000, memo, expiry_s), amount_msat=amount_msat)
        if swapped == "hash":
            return replace(made, bolt11=here.bank.make_invoice(amount_msat, memo, expiry_s).bolt11)
        text = invoice_text(amount_msat, now=here.at.clock.now())  # for mainnet
        return replace(made, bolt11=text if swapped == "network" else made.bolt11[:-1])

    monkeypatch.setattr(here.shop, "make_invoice", between)
    assert here.wait(here.charge(), DECLINED).code is Code.LIGHTNING_FAILED
    assert not [one for one in here.issuer.server.requests if "pr=" in one.target]
    assert incoming.due(here.at.db, everything=True) == []


def test_a_refusal_at_the_last_moment_leaves_time_for_another_card(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "no"})
    sale = here.at.arm(21, timeout_ms=4_000)
    here.lay()
    here.wait(sale, DECLINED)
    here.at.clock.advance(5_000)
    assert sales.expire_due(here.at.db) == 0


def test_no_p_c_k1_or_pin_reaches_the_ledger(here: Abroad) -> None:
    here.issuer.offers(k1="the-k1-of-this-tap", pinLimit=0)
    here.answers(OK, pays=True)
    sale = here.charge()
    here.wait(sale, DECLINED)
    here.pads.enter("till-1", sale.sale_id, "7391")
    here.wait(sale, APPROVED)

    def rows(table: str) -> str:
        return repr(
            here.at.db.read(lambda tx: [tuple(r) for r in tx.all(f"SELECT * FROM {table}")])  # noqa: S608
        )

    kept = "".join(map(rows, ("events", "sales", "sale_invoices", "audit"))).lower()
    for secret in (*TAP.lower().removeprefix("p=").split("&c="), "the-k1-of-this-tap"):
        assert secret not in kept
    assert not re.search("(?<![0-9a-f])7391(?![0-9a-f])", kept)


# -- checking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [lambda: reply(OK), lambda: reply(b"what?"), lambda: [b""]])
def test_threats_5_no_money_yet_locks_the_sale_until_it_comes(here: Abroad, answer: object) -> None:
    here.answers(answer)
    sale = here.wait(here.charge(), CHECKING)
    assert sale.code is Code.LIGHTNING_UNKNOWN
    assert here.lay() is None
    assert sales.cancel(here.at.db, sale.sale_id) is None
    again = sales.open(here.at.db, "main", 1_000, terminal_id="till-1")
    assert again == Refused(Code.SALE_IN_PROGRESS)
    here.bank_pays()
    here.at.clock.advance(5_000)
    here.foreign.step()
    assert now(here, sale).state is APPROVED


def test_an_issuer_too_slow_with_its_answer_is_checked(tmp_path: Path) -> None:
    with abroad(tmp_path, deadline_s=1.0) as here:
        here.answers(lambda: drip(here.issuer.server, b"H"))
        here.wait(here.charge(), CHECKING)


def test_an_invoice_that_expired_for_sure_opens_the_sale_for_another_card(here: Abroad) -> None:
    sale = here.locked()
    for early_ms in (-1_000, GRACE_MS - 5_000):  # our clock may be ahead of the wallet's
        here.expire(early_ms)
        here.foreign.step()
        assert now(here, sale).state is CHECKING
    here.expire()
    here.foreign.step()
    declined = now(here, sale)
    assert (declined.state, declined.code) == (DECLINED, Code.FOREIGN_REFUSED)
    assert declined.data["words"].endswith("did not pay in time")
    assert sales.expire_due(here.at.db) == 0
    here.answers(OK, pays=True)
    here.lay()
    here.wait(sale, APPROVED)


def test_a_silent_wallet_unlocks_nothing(here: Abroad) -> None:
    sale = here.locked()
    here.shop.script_default(Fault.DOWN)
    here.expire(LONG_MS)
    here.foreign.step()
    assert now(here, sale).state is CHECKING
    here.shop.script_default(Fault.OK)
    here.at.clock.advance(10_000)
    here.foreign.step()
    assert now(here, sale).state is DECLINED


def test_a_wallet_that_forgot_the_invoice_is_believed_long_after_its_expiry(here: Abroad) -> None:
    sale = here.locked()
    here.foreign._wallet = here.bank  # it knows nothing of the shop's invoices
    here.expire(LONG_MS)
    here.foreign.step()
    assert now(here, sale).state is CHECKING
    here.at.clock.advance(UNKNOWN_MS)
    here.foreign.step()
    assert now(here, sale).state is DECLINED


def test_looks_at_an_open_invoice_grow_rare_and_never_end(here: Abroad) -> None:
    here.locked()
    here.at.clock.stop()
    gaps = []
    for _ in range(9):
        (invoice,) = incoming.due(here.at.db, everything=True)
        assert invoice.next_check_at is not None
        gaps.append(invoice.next_check_at - here.at.clock.now())
        here.at.clock.advance(gaps[-1])
        incoming.postpone(here.at.db, invoice.payment_hash)
    assert gaps[0] <= 1_000  # some of it is over
    assert [gap / 1_000 for gap in gaps[1:]] == [1, 2, 3, 5, 5, 5, 5, 5]
