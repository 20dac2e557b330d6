"""The embedded wallet: the contract, its scripts, and that its file outlives its processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.bolt11 import Network, decode
from host.clock import ManualClock, SystemClock
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    Paid,
    PaymentResult,
    Unknown,
    WalletDown,
)
from tests.host.lightning.contract import Pair, WalletContract

Open = Callable[..., EmbeddedWallet]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Open]:
    """Opens accounts of one file and closes them afterwards."""
    wallets: list[EmbeddedWallet] = []

    def open_account(account: str, file: str = "wallet.db", **options: object) -> EmbeddedWallet:
        wallet = EmbeddedWallet(tmp_path / file, account, clock, **options)  # type: ignore[arg-type]
        wallets.append(wallet)
        return wallet

    yield open_account
    for wallet in wallets:
        wallet.close()


@pytest.fixture
def shop(opened: Open) -> EmbeddedWallet:
    return opened("shop")


@pytest.fixture
def pool(opened: Open) -> EmbeddedWallet:
    wallet = opened("pool")
    wallet.fund(1_000_000_000)
    return wallet


class TestContract(WalletContract):
    """The embedded wallet is a wallet."""

    @pytest.fixture
    def pair(
        self, shop: EmbeddedWallet, pool: EmbeddedWallet, opened: Open, clock: ManualClock
    ) -> Pair:
        stranger = opened("stranger", file="elsewhere.db")

        @contextmanager
        def down() -> Iterator[None]:
            pool.script_default(Fault.DOWN)
            yield
            pool.script_default(Fault.OK)

        return Pair(
            payer=pool,
            payee=shop,
            network=Network.REGTEST,
            received_msat=shop.balance_msat,
            foreign_bolt11=lambda: stranger.make_invoice(1_000, "far away", 600).bolt11,
            down=down,
            pass_time=clock.advance,
        )


def test_it_says_plainly_that_it_is_a_simulation(shop: EmbeddedWallet) -> None:
    assert shop.simulated
    assert "simulation" in shop.name


def test_its_invoices_are_for_regtest_and_signed_by_the_accounts_node(
    shop: EmbeddedWallet, pool: EmbeddedWallet
) -> None:
    invoice = decode(shop.make_invoice(1_000, "x", 60).bolt11)
    assert invoice.bolt11.startswith("lnbcrt")
    assert invoice.payee == shop.node_id != pool.node_id


def test_a_long_memo_is_cut_at_a_whole_character(shop: EmbeddedWallet) -> None:
    description = decode(shop.make_invoice(1_000, "ナ" * 400, 60).bolt11).description
    assert description == "ナ" * 200


def test_money_is_neither_made_nor_lost(shop: EmbeddedWallet, pool: EmbeddedWallet) -> None:
    for fault in (Fault.OK, Fault.FAIL, Fault.UNKNOWN_THEN_OK, Fault.UNKNOWN_THEN_FAILED):
        pool.script(fault)
        invoice = shop.make_invoice(1_000, "x", 60)
        pool.pay(invoice.bolt11, 0)
        pool.lookup_payment(invoice.payment_hash)
    assert (shop.balance_msat(), pool.balance_msat()) == (2_000, 999_998_000)


@pytest.mark.parametrize(
    ("fault", "first", "then"),
    [
        (Fault.OK, Paid, Paid),
        (Fault.FAIL, Failed, Failed),
        (Fault.UNKNOWN, Unknown, Unknown),
        (Fault.UNKNOWN_THEN_OK, Unknown, Paid),
        (Fault.UNKNOWN_THEN_FAILED, Unknown, Failed),
    ],
)
def test_a_scripted_payment_does_as_it_is_told(
    shop: EmbeddedWallet,
    pool: EmbeddedWallet,
    fault: Fault,
    first: type[PaymentResult],
    then: type[PaymentResult],
) -> None:
    pool.script(fault)
    invoice = shop.make_invoice(1_000, "x", 60)
    assert isinstance(pool.pay(invoice.bolt11, 0), first)
    assert isinstance(pool.lookup_payment(invoice.payment_hash), then)
    assert isinstance(pool.pay(shop.make_invoice(1_000, "x", 60).bolt11, 0), Paid)


def test_a_payment_in_flight_holds_the_payers_money_until_it_is_resolved(
    shop: EmbeddedWallet, pool: EmbeddedWallet
) -> None:
    for paid, shop_has in ((True, 1_000), (False, 1_000)):
        pool.script(Fault.UNKNOWN)
        before = pool.balance_msat()
        invoice = shop.make_invoice(1_000, "x", 60)
        pool.pay(invoice.bolt11, 0)
        assert pool.balance_msat() == before - 1_000
        pool.resolve(invoice.payment_hash, paid=paid)
        assert isinstance(pool.lookup_payment(invoice.payment_hash), Paid if paid else Failed)
        assert shop.balance_msat() == shop_has
        assert pool.balance_msat() == (before - 1_000 if paid else before)


def test_a_payment_whose_answer_is_lost_reaches_the_payee_without_being_asked_for(
    shop: EmbeddedWallet, pool: EmbeddedWallet
) -> None:
    pool.script(Fault.UNKNOWN_THEN_OK)
    invoice = shop.make_invoice(1_000, "x", 60)
    pool.pay(invoice.bolt11, 0)
    assert shop.invoice_state(invoice.payment_hash) is InvoiceState.PAID


def test_a_slow_payment_is_in_flight_until_it_ends(opened: Open, shop: EmbeddedWallet) -> None:
    started, go_on = threading.Event(), threading.Event()

    def pause(_seconds: float) -> None:
        started.set()
        go_on.wait(10)

    pool = opened("pool", pause=pause)
    pool.fund(10_000)
    pool.script(Fault.SLOW)
    invoice = shop.make_invoice(1_000, "x", 60)
    with ThreadPoolExecutor(1) as thread:
        paying = thread.submit(pool.pay, invoice.bolt11, 0)
        assert started.wait(10)
        assert isinstance(pool.lookup_payment(invoice.payment_hash), Unknown)
        assert isinstance(pool.pay(invoice.bolt11, 0), Unknown), "joined, not sent again"
        go_on.set()
        assert isinstance(paying.result(10), Paid)
    assert shop.balance_msat() == 1_000


def test_a_slow_payment_goes_on_when_its_caller_has_died(
    opened: Open, shop: EmbeddedWallet, clock: ManualClock
) -> None:
    def die(_seconds: float) -> None:
        raise KeyboardInterrupt

    pool = opened("pool", pause=die, slow_ms=5_000)
    pool.fund(10_000)
    pool.script(Fault.SLOW)
    invoice = shop.make_invoice(1_000, "x", 60)
    with pytest.raises(KeyboardInterrupt):
        pool.pay(invoice.bolt11, 0)
    assert isinstance(pool.lookup_payment(invoice.payment_hash), Unknown)
    clock.advance(5_000)
    assert isinstance(pool.lookup_payment(invoice.payment_hash), Paid)


def test_one_payment_that_finds_the_wallet_down_sends_nothing(
    shop: EmbeddedWallet, pool: EmbeddedWallet
) -> None:
    pool.script(Fault.DOWN)
    invoice = shop.make_invoice(1_000, "x", 60)
    with pytest.raises(WalletDown):
        pool.pay(invoice.bolt11, 0)
    assert isinstance(pool.lookup_payment(invoice.payment_hash), Failed)
    assert isinstance(pool.pay(invoice.bolt11, 0), Paid)


def test_an_invoice_is_paid_by_one_of_two_payers_only(
    opened: Open, shop: EmbeddedWallet, pool: EmbeddedWallet
) -> None:
    other = opened("other")
    other.fund(10_000)
    other.script(Fault.UNKNOWN)
    invoice = shop.make_invoice(1_000, "x", 60)
    assert isinstance(other.pay(invoice.bolt11, 0), Unknown)
    assert isinstance(pool.pay(invoice.bolt11, 0), Paid)
    other.resolve(invoice.payment_hash, paid=True)
    assert isinstance(other.lookup_payment(invoice.payment_hash), Failed)
    assert (shop.balance_msat(), other.balance_msat()) == (1_000, 10_000)


def test_fees_are_the_payers_and_never_above_the_limit(opened: Open, shop: EmbeddedWallet) -> None:
    pool = opened("pool", fee_msat=100)
    pool.fund(2_100)
    dear = shop.make_invoice(1_000, "x", 60)
    assert isinstance(pool.pay(dear.bolt11, 99), Failed)
    paid = pool.pay(shop.make_invoice(1_000, "x", 60).bolt11, 100)
    assert isinstance(paid, Paid)
    assert paid.fee_msat == 100
    assert (shop.balance_msat(), pool.balance_msat()) == (1_000, 1_000)
    assert isinstance(pool.pay(shop.make_invoice(1_000, "x", 60).bolt11, 100), Failed)


def test_an_invoice_with_our_hash_but_another_text_is_not_paid(
    opened: Open, shop: EmbeddedWallet, pool: EmbeddedWallet, clock: ManualClock
) -> None:
    from host.bolt11 import encode

    invoice = shop.make_invoice(1_000, "x", 60)
    forged = encode(
        network=Network.REGTEST,
        amount_msat=900_000,
        payment_hash=invoice.payment_hash,
        payment_secret=bytes(32),
        description="x",
        created_at=clock.now(),
        secret=b"\x01" * 32,
    )
    assert isinstance(pool.pay(forged, 0), Failed)
    assert shop.balance_msat() == 0


def test_an_account_keeps_its_key_and_money_when_it_is_opened_again(
    opened: Open, pool: EmbeddedWallet
) -> None:
    node_id = pool.node_id
    pool.close()
    again = opened("pool")
    assert again.node_id == node_id
    assert again.balance_msat() == 1_000_000_000


def _pay_all(path: Path, invoices: list[str]) -> None:
    wallet = EmbeddedWallet(path, "pool", SystemClock())
    for invoice in invoices:
        wallet.pay(invoice, 0)
    wallet.close()


def _pay_and_die(path: Path, invoice: str) -> None:
    wallet = EmbeddedWallet(
        path, "pool", SystemClock(), pause=lambda _: os.kill(os.getpid(), signal.SIGKILL)
    )
    wallet.pay(invoice, 0)


def test_several_processes_pay_each_invoice_once(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    shop = EmbeddedWallet(path, "shop", SystemClock())
    pool = EmbeddedWallet(path, "pool", SystemClock())
    pool.fund(1_000_000)
    invoices = [shop.make_invoice(1_000, "x", 600).bolt11 for _ in range(40)]
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_pay_all, args=(path, invoices)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert shop.balance_msat() == 40_000
    assert pool.balance_msat() == 960_000
    shop.close()
    pool.close()


def test_threat_32_a_payment_survives_the_kill_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "wallet.db"
    clock = ManualClock(SystemClock().now())
    shop = EmbeddedWallet(path, "shop", clock)
    pool = EmbeddedWallet(path, "pool", clock)
    pool.fund(10_000)
    pool.script(Fault.SLOW)
    invoice = shop.make_invoice(1_000, "x", 600)
    process = multiprocessing.get_context("spawn").Process(
        target=_pay_and_die, args=(path, invoice.bolt11)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert isinstance(pool.lookup_payment(invoice.payment_hash), Unknown)
    clock.advance(120_000)
    result = pool.lookup_payment(invoice.payment_hash)
    assert isinstance(result, Paid)
    assert hashlib.sha256(result.preimage).digest() == invoice.payment_hash
    shop.close()
    pool.close()
