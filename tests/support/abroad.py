"""A counter at which cards of another issuer are laid; that issuer is a script or a Taptill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from host.bolt11 import Network, payable
from host.config import TillConfig
from host.foreign import GRACE_MS, ForeignCards
from host.ledger import sales
from host.ledger.records import Sale, SaleState
from host.lightning.embedded import EmbeddedWallet
from host.lightning.settings import EmbeddedTable, WalletConfig
from host.lightning.wallet import PaymentResult
from host.lnurl.client import LnurlClient
from host.lnurl.guard import Guard, GuardSettings
from host.money import sats
from host.outside import guard_of
from host.pinpad import PinPad
from host.readers.base import CardLink
from host.till import Terminal, Till
from tests.host.lnurl.issuers import Issuer, running_issuer
from tests.support.counter import CONFIG, Counter, UrlCard, counter
from tests.support.ports import free_port
from tests.support.running import HeldCard, RunningShop, config_of, running, wait_sale
from tests.support.scripted_http import Pieces, reply

Answer = Callable[[], Pieces]
WAIT_S = 0.1
"""How long the till shows "Card read" here."""
PATIENT_S = 30.0
"""How long an issuer may take that is not slow on purpose: this machine may be busy."""


class _Link(CardLink):
    """A card in the field that says a text, spoken to without a reader."""

    def __init__(self, text: str) -> None:
        self.seen_ns = 0
        self._card = UrlCard(text)

    @property
    def uid(self) -> bytes | None:
        return None

    def transceive(self, apdu: bytes) -> bytes:
        return self._card.transceive(apdu)


@dataclass
class Abroad:
    """Our counter, the shop's wallet, and a scripted issuer with a wallet of its own."""

    at: Counter
    issuer: Issuer
    shop: EmbeddedWallet
    bank: EmbeddedWallet
    pads: PinPad
    till: Till
    foreign: ForeignCards
    deadline_s: float

    def lay(self, text: str | None = None) -> object:
        """Lay down the issuer's card, or one that says this."""
        return self.till.presented(_Link(text or self.issuer.card))

    def charge(self, amount_sat: int = 21, **more: int) -> Sale:
        """Arm a sale and lay the issuer's card down."""
        sale = self.at.arm(amount_sat, **more)
        self.lay()
        return sale

    def wait(self, sale: Sale, *states: SaleState) -> Sale:
        return wait_sale(self.at.db, sale.sale_id, *states)

    def offered(self) -> str:
        """The invoice that the issuer was handed last."""
        asked = [one for one in self.issuer.server.requests if "pr=" in one.target]
        return parse_qs(urlsplit(asked[-1].target).query)["pr"][0]

    def expire(self, more_ms: int = GRACE_MS) -> None:
        """Let the invoice that was offered last expire for sure."""
        invoice = payable(self.offered(), Network.REGTEST)
        self.at.clock.advance(invoice.expires_at + more_ms - self.at.clock.now() + 1)

    def locked(self, **more: int) -> Sale:
        """A sale that is being checked: the issuer said OK and has not paid."""
        self.answers({"status": "OK"})
        return self.wait(self.charge(**more), SaleState.CHECKING)

    def bank_pays(self) -> None:
        self.bank.pay(self.offered(), sats(10))

    def answers(self, answer: object, *, pays: bool = False, path: str = "/cb") -> None:
        """What the issuer answers from now on, and whether it pays before it does."""

        def act() -> Pieces:
            if pays:
                self.bank_pays()
            return answer() if callable(answer) else reply(answer)  # type: ignore[no-any-return]

        self.issuer.answers[path] = act

    def again(self) -> ForeignCards:
        """The same counter after a restart: what was in memory is gone."""
        self.foreign.stop()
        self.pads = PinPad()
        self.foreign, self.till = _made(self.at, self.shop, self.issuer, self.pads, self.deadline_s)
        return self.foreign

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        return [one.data for one in self.at.db.events.after(0) if one.kind in kinds]


def _made(
    at: Counter,
    shop: EmbeddedWallet,
    issuer: Issuer,
    pads: PinPad,
    deadline_s: float,
    **more: Any,
) -> tuple[ForeignCards, Till]:
    settings = GuardSettings(plain_hosts=frozenset({issuer.server.host}), deadline_s=deadline_s)
    client = LnurlClient(Guard(settings), Network.REGTEST, at.clock)
    foreign = ForeignCards(
        at.db,
        shop,
        client,
        at.clock,
        pads,
        network=Network.REGTEST,
        wait_s=WAIT_S,
        monotonic=lambda: at.clock.now() / 1_000,
    )
    terminal = Terminal("till-1", "main")
    issuers, owns = at.keyring.issuers, CONFIG.public.owns
    return foreign, Till(at.db, terminal, issuers, owns, pads=pads, foreign=foreign, **more)


@contextmanager
def abroad(folder: Path, *, deadline_s: float = PATIENT_S, **more: Any) -> Iterator[Abroad]:
    """A counter, an issuer in order, and a bank that has money."""
    with counter(folder) as at, running_issuer() as issuer:
        shop = EmbeddedWallet(folder / "net.db", "shop", at.clock)
        bank = EmbeddedWallet(folder / "net.db", "bank", at.clock)
        bank.fund(sats(1_000_000))
        pads = PinPad()
        foreign, till = _made(at, shop, issuer, pads, deadline_s, **more)
        here = Abroad(at, issuer, shop, bank, pads, till, foreign, deadline_s)
        try:
            yield here
        finally:
            here.foreign.stop()
            shop.close()
            bank.close()


@contextmanager
def two_taptills(folder: Path, **till: Any) -> Iterator[tuple[RunningShop, RunningShop]]:
    """Our shop and another Taptill whose cards it charges, on one simulated network."""
    port = free_port()
    net = str(folder / "net.db")

    def wallet(account: str) -> WalletConfig:
        return WalletConfig(embedded=EmbeddedTable(net, account))

    theirs = replace(config_of("till-1", port=port), wallet=wallet("issuer"))
    ours = replace(
        config_of("till-1"),
        wallet=wallet("shop"),
        till=TillConfig(insecure_hosts=(f"127.0.0.1:{port}",), **till),
    )
    with (
        running(folder / "issuer", config=theirs) as issuer,
        running(folder / "shop", config=ours) as shop,
    ):
        yield shop, issuer


def fill_abroad(shop: RunningShop, card: HeldCard, amount_sat: int) -> PaymentResult:
    """Pay into another issuer's card from our wallet: its payLink, asked through our own guard."""
    config = shop.config
    client = LnurlClient(guard_of(config), config.wallet.bolt11_network, shop.clock)
    request = client.ask(card.tap_url())
    card.twin.power_off()
    assert request.pay_link is not None
    invoice = client.invoice(client.ask_pay(request.pay_link), sats(amount_sat))
    return shop.daemon.wallet.pay(invoice.bolt11, sats(10))


def now(here: Abroad, sale: Sale) -> Sale:
    """The sale as it is now."""
    found = sales.get(here.at.db, sale.sale_id)
    assert found is not None
    return found
