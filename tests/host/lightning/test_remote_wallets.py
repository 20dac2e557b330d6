"""LND, Core Lightning, phoenixd, BTCPay Server and Galoy against strict stand-ins.

Each passes the contract of a wallet; beyond it, each is put through what a network does to a
payment: answers lost, requests lost, servers that stammer, payments that stay in flight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from host.bolt11 import Network
from host.lightning.doubts import QUIET_S
from host.lightning.http import Endpoint, KeyRefused, Secret
from host.lightning.phoenixd import PhoenixdSettings, open_phoenixd
from host.lightning.remote import Common
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    Paid,
    Unknown,
    WalletDown,
    WalletError,
    WalletRefused,
)
from tests.host.lightning.contract import NEVER_SENT, Pair, WalletContract
from tests.host.lightning.remote_rig import KINDS, MAX_FEE_MSAT, Rig, asked
from tests.support.invoices import invoice_text
from tests.support.wallet_servers.btcpay import BtcpayServer
from tests.support.wallet_servers.cln import ClnServer
from tests.support.wallet_servers.phoenixd import PhoenixdServer


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Every kind of wallet, one after the other; a request that breaks its description fails."""
    with ExitStack() as stack:
        rig = Rig(request.param, stack)
        yield rig
    assert not rig.server.violations
    assert not rig.shop.violations


class TestContract(WalletContract):
    """Each of them is a wallet."""

    @pytest.fixture
    def pair(self, rig: Rig) -> Pair:
        return Pair(
            payer=rig.payer,
            payee=rig.payee,
            network=Network.REGTEST,
            received_msat=lambda: rig.net.balances["shop"],
            foreign_bolt11=lambda: invoice_text(
                1_000, now=rig.clock.now(), network=Network.REGTEST
            ),
            down=rig.down,
            pass_time=rig.clock.advance,
        )


def test_a_wallet_is_the_same_whatever_the_way_to_it_and_tells_no_secret(rig: Rig) -> None:
    me = rig.payer.identity()
    again = rig.opened(rig.server.url)  # another address of the same service
    assert again.identity() == me
    assert rig.server.secret not in me
    if rig.kind.server.__name__ in ("LndServer", "ClnServer", "PhoenixdServer"):
        assert rig.payee.identity() != me


def test_a_wallet_that_is_asked_through_a_closed_way_is_nobody_yet(rig: Rig) -> None:
    by_configuration = rig.kind.server.__name__ in ("BtcpayServer", "GaloyServer")
    with rig.down():
        if by_configuration:
            assert rig.payer.identity()
        else:
            with pytest.raises(WalletDown):
                rig.payer.identity()
    assert rig.payer.identity()


def test_the_fee_is_told_in_millisatoshi(rig: Rig) -> None:
    text, payment_hash = asked(rig)
    result = rig.payer.pay(text, MAX_FEE_MSAT)
    assert isinstance(result, Paid)
    assert result.fee_msat == 1_000
    assert rig.net.balances["pool"] == 1_000_000_000 - 22_000
    assert rig.payer.lookup_payment(payment_hash) == result


def test_a_fee_above_the_limit_is_not_paid(rig: Rig) -> None:
    rig.net.fee_msat = 2_000
    if rig.kind.server is PhoenixdServer:
        rig.payer = open_phoenixd(
            PhoenixdSettings(Endpoint(rig.relay.url), Secret(PhoenixdServer.secret)),
            Common(Network.REGTEST, rig.clock, lambda: rig.seconds),
        )
        rig.seconds += QUIET_S
    text, payment_hash = asked(rig)
    assert isinstance(rig.payer.pay(text, 1_000), Failed)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)
    rig.payer.close()


def test_a_payment_that_fails_is_failed_and_may_be_tried_again(rig: Rig) -> None:
    rig.net.plan = ["failed"]
    text, payment_hash = asked(rig)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Failed)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Paid)


@pytest.mark.parametrize("paid", [True, False])
def test_threats_5_a_payment_in_flight_is_unknown_until_it_is_decided(rig: Rig, paid: bool) -> None:
    rig.net.plan = ["pending"]
    text, payment_hash = asked(rig)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    rig.seconds += QUIET_S
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    rig.net.resolve("pool", payment_hash.hex(), paid=paid)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Paid if paid else Failed)
    assert rig.net.balances["shop"] == (21_000 if paid else 0)


def test_threats_5_a_payment_that_was_in_flight_is_not_missing_a_moment_later(rig: Rig) -> None:
    """A list that lags, another node behind the same address, a payment that was deleted."""
    rig.net.plan = ["pending"]
    text, payment_hash = asked(rig)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    rig.seconds += QUIET_S
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    sent = rig.net.payments.pop(("pool", payment_hash.hex()))
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    rig.seconds += QUIET_S - 1
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    rig.net.payments["pool", payment_hash.hex()] = sent
    rig.net.resolve("pool", payment_hash.hex(), paid=True)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Paid)
    del rig.net.payments["pool", payment_hash.hex()]
    assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)  # nobody waits for it now


def test_threats_5_an_answer_that_is_lost_is_unknown_and_then_paid_once(rig: Rig) -> None:
    text, payment_hash = asked(rig)
    with rig.relay.losing_answers_to(rig.paying):
        assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    result = rig.payer.lookup_payment(payment_hash)
    assert isinstance(result, Paid)
    assert rig.payer.pay(text, MAX_FEE_MSAT) == result
    assert rig.net.balances["shop"] == 21_000


def test_threats_5_a_request_that_is_lost_is_failed_only_after_a_while(rig: Rig) -> None:
    text, payment_hash = asked(rig)
    with rig.relay.losing_requests(rig.paying):
        assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    rig.seconds += QUIET_S - 1
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
    rig.seconds += 1
    assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 200])
@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[]", b"{}", b'{"x":1}'])
def test_threats_5_an_answer_without_meaning_to_a_payment_is_unknown(
    rig: Rig, status: int, body: bytes
) -> None:
    text, payment_hash = asked(rig)
    rig.server.instead.append((rig.kind.server.paying, (status, body)))  # type: ignore[attr-defined]
    result = rig.payer.pay(text, MAX_FEE_MSAT)
    assert isinstance(result, Unknown), result
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown | Failed)
    assert rig.net.balances["shop"] == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_threats_5_a_proxy_that_speaks_json_of_its_own_says_nothing_of_a_payment(
    rig: Rig, status: int
) -> None:
    text, payment_hash = asked(rig)
    body = json.dumps({"code": status, "message": "upstream", "detail": "upstream"}).encode()
    rig.server.instead.append((rig.kind.server.paying, (status, body)))  # type: ignore[attr-defined]
    result = rig.payer.pay(text, MAX_FEE_MSAT)
    if status == 500 and rig.kind.server is ClnServer:  # so it says no itself
        assert isinstance(result, Failed)
        return
    assert isinstance(result, Unknown), result
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"result": 5}',
        b'{"pays": [5], "invoices": [5]}',
        b'{"state": "OPEN", "invoice": "x", "status": "Unpaid"}',
        b'{"data": {"me": 5}}',
        b'{"data": {"me": {"defaultAccount": {"walletById": {}}}}}',
        b'{"status": "Complete", "isPaid": 1, "feeAmount": []}',
    ],
)
def test_an_answer_in_another_form_is_an_error_of_the_wallet_and_nothing_else(
    rig: Rig, body: bytes
) -> None:
    rig.server.instead = [("", (200, body))]
    with pytest.raises(WalletError):
        rig.payer.invoice_state(NEVER_SENT)
    rig.server.instead = [("", (200, body))]
    try:
        assert isinstance(rig.payer.lookup_payment(NEVER_SENT), Unknown)
    except WalletError:
        rig.server.instead.clear()
    rig.server.instead = [("", (200, body))]
    with pytest.raises(WalletError):
        rig.payer.make_invoice(1_000, "x", 600)


def test_threats_5_after_a_start_no_payment_is_called_lost_at_once(rig: Rig) -> None:
    """The process before may have died with its request on the way."""
    again = rig.opened(rig.relay.url)
    assert isinstance(again.lookup_payment(NEVER_SENT), Unknown)
    text, payment_hash = asked(rig)
    rig.net.plan = ["failed"]
    assert isinstance(again.pay(text, MAX_FEE_MSAT), Failed)
    assert isinstance(again.lookup_payment(payment_hash), Failed)
    rig.seconds += QUIET_S
    assert isinstance(again.lookup_payment(NEVER_SENT), Failed)


def test_a_no_that_cannot_be_confirmed_is_unknown(rig: Rig) -> None:
    rig.net.plan = ["failed"]
    text, payment_hash = asked(rig)
    original = rig.payer._lookup

    def broken(_: bytes) -> Paid:
        raise WalletDown("gone")

    rig.payer._lookup = broken  # type: ignore[method-assign, assignment]
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    rig.payer._lookup = original  # type: ignore[method-assign]
    assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)


def test_threats_5_a_preimage_that_does_not_hash_proves_nothing(rig: Rig) -> None:
    text, payment_hash = asked(rig)
    rig.net.invoices[payment_hash.hex()].preimage = hashlib.sha256(b"other").hexdigest()
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
    assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)


def test_credentials_that_are_not_accepted_are_never_an_answer_about_money(rig: Rig) -> None:
    stranger = rig.opened(rig.relay.url, "0" * 40)
    rig.seconds += QUIET_S
    text, payment_hash = asked(rig)
    with pytest.raises(KeyRefused):
        stranger.check()
    with pytest.raises(KeyRefused):
        stranger.pay(text, MAX_FEE_MSAT)
    with pytest.raises(KeyRefused):
        stranger.lookup_payment(payment_hash)
    with pytest.raises(KeyRefused):
        stranger.invoice_state(payment_hash)
    with pytest.raises(KeyRefused):
        stranger.make_invoice(1_000, "x", 60)


def test_threats_26_the_secret_is_in_no_error_and_no_repr(rig: Rig) -> None:
    secret = rig.kind.server.secret
    with rig.down(), pytest.raises(WalletDown) as caught:
        rig.payer.check()
    assert secret not in f"{caught.value!r} {caught.value.__cause__!r} {vars(rig.payer)!r}"
    assert secret not in repr(Secret(secret))


def test_an_invoice_for_another_amount_or_network_is_not_handed_on(rig: Rig) -> None:
    rig.net.network = Network.MAINNET
    with pytest.raises(WalletRefused):
        rig.payee.make_invoice(1_000, "x", 600)
    if rig.kind.server is not BtcpayServer:  # a store does not tell its network
        with pytest.raises(WalletDown):
            rig.payer.check()


def test_a_memo_too_long_is_cut(rig: Rig) -> None:
    invoice = rig.payee.make_invoice(1_000, "ナ" * 900, 600)
    assert rig.payee.invoice_state(invoice.payment_hash) is InvoiceState.OPEN


def test_a_payment_of_somebody_else_is_none_of_ours(rig: Rig) -> None:
    text, payment_hash = asked(rig)
    assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Paid)
    assert isinstance(rig.payee.lookup_payment(payment_hash), Failed)
    assert rig.payer.invoice_state(payment_hash) is InvoiceState.UNKNOWN
