"""What every wallet must do, whatever node stands behind it.

A wallet's own test module subclasses `WalletContract` and gives a fixture `pair`: two wallets
that can pay each other. What a node cannot be brought to do is left out by its `None` fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from host.bolt11 import Network, decode
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    Paid,
    Unknown,
    Wallet,
    WalletDown,
    WalletError,
    WalletRefused,
)

NEVER_SENT = hashlib.sha256(b"a payment that nobody sent").digest()


@dataclass(frozen=True)
class Pair:
    """Two wallets that can pay each other, and what the test may do to their node."""

    payer: Wallet
    payee: Wallet
    network: Network
    received_msat: Callable[[], int]
    """What the payee has now."""
    foreign_bolt11: Callable[[], str] | None = None
    """An invoice in order that this node has no route to."""
    down: Callable[[], AbstractContextManager[object]] | None = None
    """Takes the payer's node away for a while."""
    pass_time: Callable[[int], None] | None = None
    """Lets so many milliseconds pass."""


class WalletContract:
    """The tests; a subclass brings the fixture `pair`."""

    def test_an_invoice_says_what_was_asked_for(self, pair: Pair) -> None:
        invoice = pair.payee.make_invoice(21_000, "two coffees", 600)
        read = decode(invoice.bolt11)
        assert (read.amount_msat, invoice.amount_msat) == (21_000, 21_000)
        assert read.payment_hash == invoice.payment_hash
        assert read.network is pair.network
        assert read.description == "two coffees"
        assert read.expires_at == invoice.expires_at
        assert pair.payee.invoice_state(invoice.payment_hash) is InvoiceState.OPEN

    def test_an_invoice_may_carry_the_hash_of_a_long_description(self, pair: Pair) -> None:
        words = '[["text/plain","Fill a card"]]' * 30
        invoice = pair.payee.make_invoice(21_000, words, 600, hash_memo=True)
        read = decode(invoice.bolt11)
        assert read.description_hash == hashlib.sha256(words.encode()).digest()
        assert read.description is None
        assert isinstance(pair.payer.pay(invoice.bolt11, 1_000), Paid)

    def test_every_invoice_has_a_payment_hash_of_its_own(self, pair: Pair) -> None:
        hashes = {pair.payee.make_invoice(1_000, "", 600).payment_hash for _ in range(3)}
        assert len(hashes) == 3

    @pytest.mark.parametrize("amount_msat", [0, -1_000])
    def test_an_amount_that_is_none_is_refused(self, pair: Pair, amount_msat: int) -> None:
        with pytest.raises(WalletRefused):
            pair.payee.make_invoice(amount_msat, "", 600)

    def test_a_payment_gives_the_preimage_and_the_payee_its_money(self, pair: Pair) -> None:
        before = pair.received_msat()
        invoice = pair.payee.make_invoice(21_000, "x", 600)
        result = pair.payer.pay(invoice.bolt11, 1_000)
        assert isinstance(result, Paid)
        assert hashlib.sha256(result.preimage).digest() == invoice.payment_hash
        assert pair.payee.invoice_state(invoice.payment_hash) is InvoiceState.PAID
        assert pair.received_msat() == before + 21_000
        assert pair.payer.lookup_payment(invoice.payment_hash) == result

    def test_paying_again_never_pays_twice(self, pair: Pair) -> None:
        before = pair.received_msat()
        invoice = pair.payee.make_invoice(5_000, "x", 600)
        first = pair.payer.pay(invoice.bolt11, 1_000)
        again = pair.payer.pay(invoice.bolt11, 1_000)
        assert again == first
        assert pair.received_msat() == before + 5_000

    def test_twenty_payments_of_one_invoice_at_once_move_money_once(self, pair: Pair) -> None:
        before = pair.received_msat()
        invoice = pair.payee.make_invoice(7_000, "x", 600)
        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(lambda _: pair.payer.pay(invoice.bolt11, 1_000), range(20)))
        assert all(isinstance(result, Paid | Unknown) for result in results), results
        assert isinstance(pair.payer.lookup_payment(invoice.payment_hash), Paid)
        assert pair.received_msat() == before + 7_000

    def test_a_payment_that_was_never_sent_is_surely_none(self, pair: Pair) -> None:
        assert isinstance(pair.payer.lookup_payment(NEVER_SENT), Failed)

    def test_an_invoice_of_somebody_else_is_unknown_here(self, pair: Pair) -> None:
        assert pair.payee.invoice_state(NEVER_SENT) is InvoiceState.UNKNOWN

    @pytest.mark.parametrize("text", ["", "lnbcrt1", "no invoice at all", "lnbcrt" + "1q" * 200])
    def test_what_is_no_invoice_fails_surely(self, pair: Pair, text: str) -> None:
        assert isinstance(pair.payer.pay(text, 1_000), Failed)

    def test_more_than_the_balance_fails_surely(self, pair: Pair) -> None:
        invoice = pair.payee.make_invoice(20_000_000 * 10**8 * 1_000, "x", 600)
        assert isinstance(pair.payer.pay(invoice.bolt11, 1_000), Failed)
        assert isinstance(pair.payer.lookup_payment(invoice.payment_hash), Failed)
        assert pair.payee.invoice_state(invoice.payment_hash) is InvoiceState.OPEN

    def test_an_invoice_without_a_route_fails_surely(self, pair: Pair) -> None:
        if pair.foreign_bolt11 is None:
            pytest.skip("this node finds a route to everybody")
        text = pair.foreign_bolt11()
        assert isinstance(pair.payer.pay(text, 1_000), Failed)
        assert isinstance(pair.payer.lookup_payment(decode(text).payment_hash), Failed)

    def test_an_invoice_expires(self, pair: Pair) -> None:
        if pair.pass_time is None:
            pytest.skip("this node's time cannot be passed")
        invoice = pair.payee.make_invoice(1_000, "x", 60)
        pair.pass_time(61_000)
        assert pair.payee.invoice_state(invoice.payment_hash) is InvoiceState.EXPIRED
        assert isinstance(pair.payer.pay(invoice.bolt11, 1_000), Failed)

    def test_a_node_that_is_down_says_so_and_sends_nothing(self, pair: Pair) -> None:
        if pair.down is None:
            pytest.skip("this node cannot be taken away")
        before = pair.received_msat()
        invoice = pair.payee.make_invoice(3_000, "x", 600)
        with pair.down():
            with pytest.raises(WalletDown):
                pair.payer.check()
            with pytest.raises(WalletError):
                pair.payer.pay(invoice.bolt11, 1_000)
            with pytest.raises(WalletError):
                pair.payer.lookup_payment(invoice.payment_hash)
        assert isinstance(pair.payer.lookup_payment(invoice.payment_hash), Failed)
        assert pair.received_msat() == before

    def test_a_node_that_works_passes_its_check(self, pair: Pair) -> None:
        pair.payer.check()
        pair.payee.check()

    def test_a_wallet_may_be_closed_twice(self, pair: Pair) -> None:
        pair.payer.close()
        pair.payer.close()
