"""What only one kind of wallet does, against its stand-in."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack

import pytest

from host.bolt11 import Network
from host.clock import ManualClock
from host.lightning.btcpay import BtcpaySettings, open_btcpay
from host.lightning.doubts import QUIET_S
from host.lightning.http import Endpoint, Secret
from host.lightning.lnbits import LnbitsSettings, open_lnbits
from host.lightning.remote import Common
from host.lightning.wallet import (
    Failed,
    InvoiceState,
    Paid,
    Unknown,
    WalletDown,
)
from tests.host.lightning.contract import NEVER_SENT
from tests.host.lightning.remote_rig import KINDS, MAX_FEE_MSAT, Kind, Rig, asked
from tests.support.invoices import invoice_text
from tests.support.scripted_http import Pieces, Request, ScriptedServer, reply
from tests.support.wallet_servers.btcpay import BtcpayServer, OtherIdsBtcpayServer
from tests.support.wallet_servers.phoenixd import OldPhoenixdServer


def test_an_old_phoenixd_is_refused_instead_of_believed() -> None:
    """It answers 404 to the question for a payment because it does not have the question."""
    with ExitStack() as stack:
        rig = Rig(Kind(OldPhoenixdServer, KINDS["phoenixd"].open), stack)
        with pytest.raises(WalletDown, match=r"0\.5\.0"):
            rig.payer.check()
        with pytest.raises(WalletDown, match=r"0\.5\.0"):
            rig.payer.lookup_payment(NEVER_SENT)
        with pytest.raises(WalletDown, match=r"0\.5\.0"):
            rig.payer.pay(asked(rig)[0], MAX_FEE_MSAT)
        assert not rig.net.payments


def test_btcpay_finds_an_invoice_whose_id_is_not_its_hash() -> None:
    with ExitStack() as stack:
        rig = Rig(Kind(OtherIdsBtcpayServer, KINDS["btcpay"].open), stack)
        text, payment_hash = asked(rig)
        assert rig.payee.invoice_state(payment_hash) is InvoiceState.OPEN
        assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Paid)
        assert rig.payee.invoice_state(payment_hash) is InvoiceState.PAID
        assert rig.payee.invoice_state(NEVER_SENT) is InvoiceState.UNKNOWN


def test_a_store_without_a_node_is_down_and_never_a_missing_payment() -> None:
    with ExitStack() as stack:
        rig = Rig(KINDS["btcpay"], stack)
        wallet = open_btcpay(
            BtcpaySettings(Endpoint(rig.server.url), Secret(BtcpayServer.secret), "Other"),
            Common(Network.REGTEST, rig.clock, lambda: rig.seconds),
        )
        stack.callback(wallet.close)
        rig.seconds += QUIET_S
        for ask in (wallet.check, lambda: wallet.lookup_payment(NEVER_SENT)):
            with pytest.raises(WalletDown):
                ask()


def test_galoys_unexpected_errors_to_a_payment_are_unknown() -> None:
    with ExitStack() as stack:
        rig = Rig(KINDS["galoy"], stack)
        text, payment_hash = asked(rig)
        error = {"message": "?", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
        payload = {"errors": [{"code": "UNKNOWN_CLIENT_ERROR", "message": "?"}], "status": None}
        for answer in ({"errors": [error]}, {"data": {"lnInvoicePaymentSend": payload}}):
            rig.server.instead.append(("lnInvoicePaymentSend", (200, answer)))
            assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
        assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)


def test_cln_counts_a_failure_between_two_attempts_of_a_silent_command_as_unknown() -> None:
    """`listpays` says failed while `xpay` goes on trying."""
    with ExitStack() as stack:
        rig = Rig(KINDS["cln"], stack)
        text, payment_hash = asked(rig)
        rig.net.plan = ["failed"]
        with rig.relay.losing_answers_to(rig.paying):
            assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
        assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
        rig.seconds += QUIET_S
        assert isinstance(rig.payer.lookup_payment(payment_hash), Failed)


def test_threats_5_what_galoy_called_paid_is_never_missing_though_its_list_lags() -> None:
    with ExitStack() as stack:
        rig = Rig(KINDS["galoy"], stack)
        text, payment_hash = asked(rig)
        wallet = {"walletById": {"transactionsByPaymentHash": []}}
        nothing = (200, {"data": {"me": {"defaultAccount": wallet}}})
        rig.server.instead = [("transactionsByPaymentHash", nothing)] * 3
        assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)
        assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
        rig.seconds += 100 * QUIET_S
        assert isinstance(rig.payer.lookup_payment(payment_hash), Unknown)
        assert isinstance(rig.payer.lookup_payment(payment_hash), Paid)


def test_threats_5_a_gateway_without_lnds_paths_is_no_answer_about_money() -> None:
    nothing = (404, {"code": 5, "message": "Not Found", "details": []})
    with ExitStack() as stack:
        rig = Rig(KINDS["lnd"], stack)
        for ask in (rig.payer.lookup_payment, rig.payer.invoice_state):
            rig.server.instead = [("", nothing)]
            with pytest.raises(WalletDown, match="address"):
                ask(NEVER_SENT)
        text, _ = asked(rig)
        rig.server.instead = [("", nothing)] * 2
        assert isinstance(rig.payer.pay(text, MAX_FEE_MSAT), Unknown)


@pytest.mark.parametrize("state", ["paid", "pending"])
def test_an_lnbits_from_before_1_0_is_understood(state: str) -> None:
    """It answers without `status`, and with `payment_request` for `bolt11`."""
    clock, preimage = ManualClock(), bytes(range(32))
    payment_hash = hashlib.sha256(preimage).hexdigest()
    text = invoice_text(21_000, now=clock.now(), network=Network.REGTEST, preimage=preimage)
    pending = state == "pending"

    def answer(request: Request) -> Pieces:
        if request.method == "GET" and request.target.endswith(payment_hash):
            details = {"pending": pending, "amount": -21_000, "fee": -3, "preimage": preimage.hex()}
            return reply({"paid": not pending, "preimage": "", "details": details})
        if request.method == "GET":
            return reply({"fee_reserve": 2_000})
        made = {"payment_hash": payment_hash, "checking_id": "x"}
        return reply(made | {"payment_request": text}, status=201)

    with ScriptedServer(answer) as server, ExitStack() as stack:
        common = Common(Network.REGTEST, clock)
        wallet = open_lnbits(LnbitsSettings(Endpoint(server.url), Secret("key")), common)
        stack.callback(wallet.close)
        assert wallet.make_invoice(21_000, "x", 600).bolt11 == text
        for result in (
            wallet.pay(text, MAX_FEE_MSAT),
            wallet.lookup_payment(bytes.fromhex(payment_hash)),
        ):
            assert isinstance(result, Unknown) if pending else result == Paid(preimage, 3)
