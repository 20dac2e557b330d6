"""`taptill wallet test`: what the configured wallet can do, in words, and what it may do too much.

Nothing is paid: an invoice over one satoshi is made for a minute, and looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.bolt11 import Bolt11Error, Network, payable
from host.lightning.http import KeyRefused
from host.lightning.wallet import Failed, Invoice, InvoiceState, Wallet, WalletError
from host.money import sat_text, sats

if TYPE_CHECKING:
    from host.lightning.btcpay_claims import BtcpayClaims


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried: whether it is as it should be, in words."""

    name: str
    ok: bool
    words: str

    def line(self) -> str:
        return f"{'ok ' if self.ok else 'BAD'} {self.name:8} {self.words}"


def examine(wallet: Wallet, network: Network, *, holder: Wallet | None = None) -> Iterator[Trial]:
    """Every trial, one after the other; without an answer the rest would say nothing.

    `holder` knows which rights the credential needs, where that is not the wallet itself.
    """
    reached = _reach(wallet, network)
    yield reached
    if not reached.ok:
        return
    made: list[Invoice] = []
    for name, attempt in (
        ("invoice", lambda: _invoice(wallet, network, made)),
        ("look-up", lambda: _look(wallet, made)),
        ("payments", lambda: _payments(wallet)),
        ("balance", lambda: _balance(wallet)),
        ("rights", lambda: _rights(holder or wallet)),
    ):
        yield _tried(name, attempt)


def examine_link(claims: BtcpayClaims, remote_id: str, *, manages: bool) -> Trial:
    """Whether payouts that are filed at BTCPay's pull payment would be paid."""
    try:
        remote = claims.pull_payment(remote_id)
    except WalletError as error:
        return Trial("claims", False, f"…{remote_id[-4:]}: {error}")
    if wrong := remote.unfit(manages=manages):
        return Trial("claims", False, f"“{remote.name}”: {wrong}")
    who = "we approve our own" if manages else "BTCPay approves everybody's"
    return Trial("claims", True, f"“{remote.name}” takes claims in {remote.unit}; {who}")


def _tried(name: str, attempt: Callable[[], Trial]) -> Trial:
    try:
        return attempt()
    except KeyRefused as error:
        return Trial(name, False, f"not allowed: {error}")
    except WalletError as error:
        return Trial(name, False, str(error))


def _reach(wallet: Wallet, network: Network) -> Trial:
    try:
        wallet.check()
    except WalletError as error:
        return Trial("reach", False, str(error))
    told = ": a simulation, its money is none" if wallet.simulated else ""
    return Trial("reach", True, f"{wallet.name} answers, on {network}{told}")


def _invoice(wallet: Wallet, network: Network, made: list[Invoice]) -> Trial:
    invoice = wallet.make_invoice(sats(1), "Taptill: a trial", 60)
    try:
        read = payable(invoice.bolt11, network)
    except Bolt11Error as error:
        return Trial("invoice", False, f"its invoice cannot be used: {error}")
    if (read.amount_msat, read.payment_hash) != (sats(1), invoice.payment_hash):
        return Trial("invoice", False, "its invoice is for something else than was asked for")
    made.append(invoice)
    return Trial("invoice", True, f"makes invoices, for example {invoice.bolt11[:24]}…")


def _look(wallet: Wallet, made: list[Invoice]) -> Trial:
    if not made:
        return Trial("look-up", False, "without an invoice there is none to look up")
    state = wallet.invoice_state(made[0].payment_hash)
    if state is InvoiceState.OPEN:
        return Trial("look-up", True, "knows its own invoice: open, not paid")
    return Trial("look-up", False, f"calls its own new invoice {state}")


def _payments(wallet: Wallet) -> Trial:
    """Whether payments may be looked up, without which nothing could ever be settled."""
    result = wallet.lookup_payment(secrets.token_bytes(32))
    sure = " for sure" if isinstance(result, Failed) else " (it is asked again later)"
    return Trial("payments", True, f"says what became of payments; an unknown one is none{sure}")


def _balance(wallet: Wallet) -> Trial:
    ask = getattr(wallet, "balance_msat", None)
    if ask is None:
        return Trial("balance", True, "not asked: no right to see it is needed")
    return Trial("balance", True, f"{sat_text(ask())} sat")


def _rights(wallet: Wallet) -> Trial:
    """Whether its credential may do more than is needed, where the service lets us find out."""
    excess = getattr(wallet, "excess", None)
    if excess is None:
        return Trial("rights", True, "this service has no way to tell; see the documentation")
    words = excess()
    return Trial("rights", not words, words or "no more than is needed")
