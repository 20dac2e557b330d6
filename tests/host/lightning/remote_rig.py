"""Wallets of every kind behind HTTP, each with a stand-in for its service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from host.bolt11 import Network
from host.clock import ManualClock
from host.lightning.btcpay import BtcpaySettings, open_btcpay
from host.lightning.cln import ClnSettings, open_cln
from host.lightning.doubts import QUIET_S
from host.lightning.galoy import GaloySettings, open_galoy
from host.lightning.http import Endpoint, Secret
from host.lightning.lnd import LndSettings, open_lnd
from host.lightning.phoenixd import PhoenixdSettings, open_phoenixd
from host.lightning.remote import Common, RemoteWallet
from tests.support.relay import Relay
from tests.support.wallet_servers.base import WalletServer
from tests.support.wallet_servers.btcpay import BtcpayServer
from tests.support.wallet_servers.cln import ClnServer
from tests.support.wallet_servers.galoy import GaloyServer
from tests.support.wallet_servers.lnd import LndServer
from tests.support.wallet_servers.node import Net
from tests.support.wallet_servers.phoenixd import PhoenixdServer

Open = Callable[[Endpoint, Secret, Common], RemoteWallet]
MAX_FEE_MSAT = 10_000
NOTHING_PPM = {"fee_ppm": 0, "fee_base_msat": 1_000}


@dataclass(frozen=True)
class Kind:
    """A kind of wallet and its stand-in."""

    server: type[WalletServer]
    open: Open
    path: str = ""
    paying: str = ""
    """What only the request that pays has in it."""


KINDS = {
    "lnd": Kind(
        LndServer,
        lambda at, key, common: open_lnd(LndSettings(at, key), common),
        paying="POST /v2/router/send",
    ),
    "cln": Kind(
        ClnServer,
        lambda at, key, common: open_cln(ClnSettings(at, key), common),
        paying="POST /v1/xpay",
    ),
    "phoenixd": Kind(
        PhoenixdServer,
        lambda at, key, common: open_phoenixd(PhoenixdSettings(at, key, **NOTHING_PPM), common),
        paying="POST /payinvoice",
    ),
    "btcpay": Kind(
        BtcpayServer,
        lambda at, key, common: open_btcpay(BtcpaySettings(at, key, "Store1"), common),
        paying="POST /api/v1/stores/Store1/lightning/BTC/invoices/pay",
    ),
    "galoy": Kind(
        GaloyServer,
        lambda at, key, common: open_galoy(GaloySettings(at, key, "wallet-1"), common),
        path="/graphql",
        paying="lnInvoicePaymentSend",
    ),
}


class Rig:
    """A payer and a payee of one kind, the way between the payer and its service, and time."""

    def __init__(self, kind: Kind, stack: ExitStack) -> None:
        self.kind = kind
        self._stack = stack
        self.clock = ManualClock()
        self.seconds = 0.0
        self.net = Net(self.clock, balances={"pool": 1_000_000_000, "shop": 0})
        self.server = self._started(kind.server(self.net, "pool"))
        self.shop = self._started(kind.server(self.net, "shop"))
        self.relay = stack.enter_context(Relay(self.server.port))
        self.payer = self.opened(self.relay.url)
        self.payee = self.opened(self.shop.url)
        self.seconds += QUIET_S

    def _started(self, server: WalletServer) -> WalletServer:
        self._stack.enter_context(server)
        return server

    def opened(self, url: str, secret: str | None = None) -> RemoteWallet:
        key = Secret(secret or self.kind.server.secret)
        common = Common(Network.REGTEST, self.clock, lambda: self.seconds)
        wallet = self.kind.open(Endpoint(url + self.kind.path, pay_s=15.0), key, common)
        self._stack.callback(wallet.close)
        return wallet

    @property
    def paying(self) -> bytes:
        return self.kind.paying.encode()

    @contextmanager
    def down(self) -> Iterator[None]:
        self.relay.close_way()
        yield
        self.relay.open_way()


def asked(rig: Rig, amount_msat: int = 21_000) -> tuple[str, bytes]:
    """An invoice of the shop, and its payment hash."""
    invoice = rig.payee.make_invoice(amount_msat, "x", 600)
    return invoice.bolt11, invoice.payment_hash
