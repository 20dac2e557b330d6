"""A real LNbits is a wallet: the contract, and what only LNbits does."""

from __future__ import annotations

import hashlib
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest

from host.bolt11 import Network
from host.clock import SystemClock
from host.lightning.http import KeyRefused
from host.lightning.lnbits import LnbitsWallet
from host.lightning.remote import Poll
from host.lightning.wallet import Failed, InvoiceState, Paid, Unknown, WalletDown, WalletRefused
from tests.host.lightning.contract import NEVER_SENT, Pair, WalletContract
from tests.integration.lnbits.conftest import Opener
from tests.support.invoices import invoice_text
from tests.support.lnbits import Lnbits
from tests.support.relay import Relay

pytestmark = pytest.mark.lnbits

POOL_SAT = 1_000_000


@pytest.fixture
def relay(lnbits: Lnbits) -> Iterator[Relay]:
    """The way from the payer to LNbits, which a test can close."""
    with Relay(lnbits.port) as relay:
        yield relay


@pytest.fixture
def payer(opened: Opener, lnbits: Lnbits, relay: Relay) -> LnbitsWallet:
    return opened(lnbits.account("pool", POOL_SAT).admin_key, url=relay.url)


@pytest.fixture
def payee(opened: Opener, lnbits: Lnbits) -> LnbitsWallet:
    return opened(lnbits.account("shop").invoice_key)


class TestContract(WalletContract):
    """LNbits is a wallet."""

    @pytest.fixture
    def pair(self, payer: LnbitsWallet, payee: LnbitsWallet, opened: Opener, relay: Relay) -> Pair:
        @contextmanager
        def down() -> Iterator[None]:
            relay.close_way()
            yield
            relay.open_way()

        def pass_time(ms: int) -> None:
            """LNbits dates its invoices by the machine's clock, which has gone on meanwhile."""
            opened.clock.advance(SystemClock().now() + ms - opened.clock.now())

        return Pair(
            payer=payer,
            payee=payee,
            network=Network.MAINNET,
            received_msat=payee.balance_msat,
            foreign_bolt11=lambda: invoice_text(1_000, now=SystemClock().now()),
            down=down,
            pass_time=pass_time,
        )

    def test_more_than_the_balance_fails_surely(self, pair: Pair) -> None:
        """LNbits makes no invoice above ten million satoshi, so this asks for less."""
        invoice = pair.payee.make_invoice(POOL_SAT * 1_000 + 1_000, "x", 600)
        assert pair.payer.pay(invoice.bolt11, 1_000) == Failed("LNbits: Insufficient balance.")
        assert isinstance(pair.payer.lookup_payment(invoice.payment_hash), Failed)
        assert pair.payee.invoice_state(invoice.payment_hash) is InvoiceState.OPEN


def test_two_wallets_of_one_lnbits_are_two_and_name_no_key(
    opened: Opener, lnbits: Lnbits, payer: LnbitsWallet
) -> None:
    pool, shop = lnbits.account("pool", POOL_SAT), lnbits.account("shop")
    one, other = opened(pool.admin_key), opened(shop.admin_key)
    assert one.identity() == opened(pool.admin_key).identity() != other.identity()
    assert "key-" not in one.identity(), "the admin key is told the wallet's id"
    invoices = opened(pool.invoice_key)
    assert invoices.identity().startswith("lnbits:key-")
    for wallet in (one, invoices, payer):
        assert pool.admin_key not in wallet.identity()
        assert pool.invoice_key not in wallet.identity()


def test_threats_5_twenty_wallets_paying_one_invoice_move_its_money_once(
    lnbits: Lnbits, opened: Opener, payee: LnbitsWallet
) -> None:
    """Twenty wallet objects stand for twenty processes: none knows what the others send."""
    account = lnbits.account("pool", POOL_SAT)
    wallets = [opened(account.admin_key) for _ in range(20)]
    invoice = payee.make_invoice(7_000, "x", 600)
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda one: one.pay(invoice.bolt11, 10_000), wallets))
    assert all(isinstance(result, Paid) for result in results), results
    assert len(set(results)) == 1
    assert (payee.balance_msat(), wallets[0].balance_msat()) == (7_000, 999_993_000)


def test_threats_5_an_answer_that_is_lost_is_unknown_and_then_known(
    payer: LnbitsWallet, payee: LnbitsWallet, relay: Relay
) -> None:
    invoice = payee.make_invoice(9_000, "x", 600)
    with relay.losing_answers_to(b"POST /api/v1/payments"):
        assert isinstance(payer.pay(invoice.bolt11, 10_000), Unknown)
    result = payer.lookup_payment(invoice.payment_hash)
    assert isinstance(result, Paid)
    assert payer.pay(invoice.bolt11, 10_000) == result
    assert payee.balance_msat() == 9_000


def test_threats_5_a_request_that_is_lost_stays_unknown_for_a_while_and_then_failed(
    payer: LnbitsWallet, payee: LnbitsWallet, relay: Relay, opened: Opener
) -> None:
    invoice = payee.make_invoice(9_000, "x", 600)
    with relay.losing_requests(b"POST /api/v1/payments"):
        assert isinstance(payer.pay(invoice.bolt11, 10_000), Unknown)
    assert isinstance(payer.lookup_payment(invoice.payment_hash), Unknown)
    opened.seconds += 1_000
    assert isinstance(payer.lookup_payment(invoice.payment_hash), Failed)


def test_a_key_that_is_not_known_is_never_taken_for_a_missing_payment(
    opened: Opener, payer: LnbitsWallet, payee: LnbitsWallet
) -> None:
    """Asked with a wrong key, LNbits answers 404, or about everybody's payments."""
    invoice = payee.make_invoice(1_000, "x", 600)
    assert isinstance(payer.pay(invoice.bolt11, 10_000), Paid)
    stranger = opened("0" * 32)
    for payment_hash in (invoice.payment_hash, NEVER_SENT):
        with pytest.raises(KeyRefused):
            stranger.lookup_payment(payment_hash)
        with pytest.raises(KeyRefused):
            stranger.invoice_state(payment_hash)
    with pytest.raises(KeyRefused):
        stranger.pay(payee.make_invoice(1_000, "x", 600).bolt11, 10_000)
    with pytest.raises(WalletDown):
        stranger.check()


def test_an_invoice_key_takes_money_but_cannot_pay(
    payee: LnbitsWallet, opened: Opener, lnbits: Lnbits
) -> None:
    other = opened(lnbits.account("rich", POOL_SAT).invoice_key)
    invoice = payee.make_invoice(1_000, "x", 600)
    with pytest.raises(KeyRefused):
        other.pay(invoice.bolt11, 10_000)
    assert isinstance(other.lookup_payment(invoice.payment_hash), Failed)


def test_a_payment_of_somebody_else_is_none_of_ours(
    payer: LnbitsWallet, payee: LnbitsWallet, opened: Opener, lnbits: Lnbits
) -> None:
    invoice = payee.make_invoice(1_000, "x", 600)
    assert isinstance(payer.pay(invoice.bolt11, 10_000), Paid)
    other = opened(lnbits.account("other", 1_000).admin_key)
    assert isinstance(other.lookup_payment(invoice.payment_hash), Failed)
    assert isinstance(payee.lookup_payment(invoice.payment_hash), Failed)
    assert payer.invoice_state(invoice.payment_hash) in (InvoiceState.PAID, InvoiceState.UNKNOWN)
    assert other.invoice_state(invoice.payment_hash) is InvoiceState.UNKNOWN


def test_a_wallet_may_pay_itself(opened: Opener, lnbits: Lnbits) -> None:
    """A shop whose pool and till share one wallet: the payment and the invoice are two rows."""
    wallet = opened(lnbits.account("both", 1_000).admin_key)
    invoice = wallet.make_invoice(21_000, "x", 600)
    assert isinstance(wallet.pay(invoice.bolt11, 10_000), Paid)
    assert wallet.invoice_state(invoice.payment_hash) is InvoiceState.PAID
    assert isinstance(wallet.lookup_payment(invoice.payment_hash), Paid)


def test_an_amount_below_a_satoshi_is_refused_and_not_rounded_threats_16(
    payee: LnbitsWallet,
) -> None:
    with pytest.raises(WalletRefused):
        payee.make_invoice(1_500, "x", 600)


def test_a_payment_that_leaves_is_not_sent_when_its_fee_may_be_above_the_limit(
    payer: LnbitsWallet,
) -> None:
    text = invoice_text(1_000, now=SystemClock().now())
    assert payer.pay(text, 1_999) == Failed("LNbits reserves more for the fee than is allowed")
    result = payer.pay(text, 2_000)
    assert result == Failed("LNbits: Payment failed: Only internal invoices can be used!")


def test_a_payment_is_pushed_over_the_websocket(payer: LnbitsWallet, payee: LnbitsWallet) -> None:
    invoice = payee.make_invoice(1_000, "x", 600)
    watch = payee.watch(invoice.payment_hash)
    assert not isinstance(watch, Poll)
    paying = Thread(target=payer.pay, args=(invoice.bolt11, 10_000))
    paying.start()
    assert watch.wait(20)
    paying.join()
    assert payee.invoice_state(invoice.payment_hash) is InvoiceState.PAID
    watch.close()
    watch.close()


def test_a_watch_polls_where_no_websocket_can_be_opened(payer: LnbitsWallet, relay: Relay) -> None:
    relay.close_way()
    watch = payer.watch(NEVER_SENT)
    assert isinstance(watch, Poll)
    watch.close()
    assert watch.wait(600)


def test_a_watch_whose_websocket_breaks_says_ask_now_and_polls_from_then_on(
    payer: LnbitsWallet, relay: Relay
) -> None:
    watch = payer.watch(NEVER_SENT)
    assert not watch.wait(0.01)
    relay.close_way()
    assert watch.wait(20)
    watch.close()
    assert watch.wait(600)


def test_the_recipe_pays_once_and_says_so_in_its_own_words(
    lnbits: Lnbits, payer: LnbitsWallet, payee: LnbitsWallet
) -> None:
    """What the docstring of the wallet says about a paid invoice, from LNbits itself."""
    invoice = payee.make_invoice(1_000, "x", 600)
    result = payer.pay(invoice.bolt11, 10_000)
    assert isinstance(result, Paid)
    assert hashlib.sha256(result.preimage).digest() == invoice.payment_hash
    key = lnbits.account("late", 1_000).admin_key
    body = {"out": True, "bolt11": invoice.bolt11}
    with pytest.raises(urllib.error.HTTPError) as caught:
        lnbits.call("POST", "/api/v1/payments", body, key=key)
    assert caught.value.code == 520
    assert b"Internal invoice already paid." in caught.value.read()
    caught.value.close()
