"""A shop whose account is filed at a pull payment of a BTCPay stand-in."""

from __future__ import annotations

from host.bolt11 import Network, decode
from host.clock import Clock
from host.ledger import btcpay, claims
from host.ledger.btcpay import Book, Link
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.records import Payout
from host.ledger.taps import VerifiedTap
from host.lightning.btcpay import BtcpaySettings
from host.lightning.btcpay_claims import BtcpayClaims
from host.lightning.doubts import QUIET_S
from host.lightning.http import Endpoint, Secret
from host.lightning.remote import Common
from host.money import sats
from host.store.engine import Engine
from tests.support.wallet_servers.btcpay_claims import PULL_PAYMENT, ClaimsServer
from tests.support.wallet_servers.node import Net
from tests.support.world import KEY_VERSION, UID


def linked(db: Engine, pull_payment_id: str, *, manages: bool = False) -> None:
    """File the account's payouts at the stand-in's pull payment."""
    btcpay.link(db, Link(pull_payment_id, PULL_PAYMENT, "BTC", manages))


def net_of(clock: Clock) -> Net:
    """A network in which BTCPay's node has money and a foreign shop has none."""
    return Net(clock, balances={"pool": sats(1_000_000), "shop": 0})


def claims_at(url: str, db: Engine, *, settled: bool = True) -> BtcpayClaims:
    """The way through the stand-in; `settled` long after its start, when a "no" is believed."""
    start = iter([0.0])
    common = Common(Network.REGTEST, db.clock, lambda: next(start, 2 * QUIET_S if settled else 0.0))
    settings = BtcpaySettings(Endpoint(url), Secret(ClaimsServer.secret), ClaimsServer.store)
    return BtcpayClaims(settings, common, Book(db))


def offer(db: Engine, net: Net, card_id: str, counter: int, amount_msat: int = sats(21)) -> Payout:
    """A foreign till offers its invoice for a tap of the card: a pending payout."""
    text = net.make("shop", amount_msat, "coffee", 600).bolt11
    tap = VerifiedTap(card_id, UID, counter, KEY_VERSION)
    request = ClaimRequest(tap, amount_msat, Source.LNURL, invoice=decode(text))
    result = claims.claim(db, request)
    assert isinstance(result, Claimed), result
    return result.payout
