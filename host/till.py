"""One sale from amount to receipt, as the reader's side of a terminal sees it.

The sale is armed by writing it to the ledger (`arm`), by whatever screen or command. A card laid
on the terminal's reader is read with two APDUs, checked and claimed here (`Till.presented`); the
result is an event, and every light and screen is a view of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from host.health import Board
from host.keyring import Issuer
from host.ledger import bills, claims, sales, taps
from host.ledger.attempts import NOBODY, Laid
from host.ledger.bills import Bill
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale, SaleState
from host.ledger.sales import Basket
from host.ledger.taps import VerifiedTap
from host.lnurl import codec
from host.money import sat_text
from host.ntag424.errors import CardError
from host.ntag424.ndef import NdefError
from host.ntag424.read import read_tap_url
from host.ntag424.sun import SunFormatError, parse_url
from host.pinpad import PinPad
from host.readers.base import CardGone, CardLink, CardRefused, Look, SeveralCards, Show
from host.store.engine import Engine
from host.store.tx import Tx

if TYPE_CHECKING:  # `taptill charge` arms a sale and asks nobody
    from host.foreign import ForeignCards

log = logging.getLogger(__name__)

APPROVED_MS = 5_000
"""How long a paid sale stays on the reader before it is idle again (UX, "approved")."""

SALE_TIMEOUT_MS = 120_000
"""How long a sale waits for a card."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Another issuer is being asked; what comes of it is in the sale."""


Outcome = Claimed | Refused | Asking


@dataclass(frozen=True, slots=True)
class Terminal:
    """A place where sales are charged: its id and its store."""

    terminal_id: str
    store_id: str


def arm(
    db: Engine,
    board: Board,
    terminal: Terminal,
    amount_msat: int,
    *,
    timeout_ms: int = SALE_TIMEOUT_MS,
    basket: Basket = Basket(),  # noqa: B008 - it never changes
) -> Sale | Refused:
    """Start a sale on a terminal; refused while one of the four dots is down (UX rule 5)."""
    return _down(board, terminal) or sales.open(
        db,
        terminal.store_id,
        amount_msat,
        terminal_id=terminal.terminal_id,
        timeout_ms=timeout_ms,
        basket=basket,
    )


def charge(
    db: Engine, board: Board, terminal: Terminal, bill: Bill, person_id: str | None = None
) -> Sale | Refused:
    """Start a sale of a bill on a terminal, as `arm`."""
    store_id, terminal_id = terminal.store_id, terminal.terminal_id
    return _down(board, terminal) or bills.charge(
        db, store_id, terminal_id, bill, person_id=person_id, timeout_ms=SALE_TIMEOUT_MS
    )


def _down(board: Board, terminal: Terminal) -> Refused | None:
    """Which of the four dots is down."""
    for part in board.parts(terminal.terminal_id):
        if not part.ok:
            code = Code.READER_DOWN if part.name == "reader" else Code.STORE_OFFLINE
            return Refused(code, {"part": part.name, "detail": part.detail})
    return None


WAITING = (SaleState.READY, SaleState.READING, SaleState.DECLINED)
"""The states in which nobody is paying: a card may be refused, and another one laid down."""


class Till:
    """What a card laid on one terminal's reader means."""

    def __init__(
        self,
        db: Engine,
        terminal: Terminal,
        issuers: Sequence[Issuer],
        owns: Callable[[str], bool],
        *,
        pads: PinPad | None = None,
        foreign: ForeignCards | None = None,
        vouchers: bool = False,
    ) -> None:
        """`foreign` None charges our own cards alone; `vouchers` takes addresses without a tap."""
        self.db = db
        self.terminal = terminal
        self._issuers = issuers
        self._owns = owns
        self._pads = pads or PinPad()
        self._foreign = foreign
        self._vouchers = vouchers

    def presented(self, link: CardLink) -> Outcome | None:
        """Take one presentation of a card; None when no sale was waiting for it."""
        sale = sales.current(self.db, self.terminal.terminal_id)
        if sale is None or not _takes_cards(sale):
            self._early(sale)
            return None
        self._pads.forget(self.terminal.terminal_id)
        found = self._whose(sale, link)
        outcome: Outcome
        if isinstance(found, VerifiedTap):
            outcome, laid = self._claim(sale, found), Laid(found.card_id)
        else:
            outcome, laid = found, NOBODY
        if isinstance(outcome, Refused):
            self.refuse(sale, outcome, laid)
        return outcome

    def refuse(self, sale: Sale, refused: Refused, laid: Laid = NOBODY) -> None:
        """Show a refusal; the sale stays open for another card.

        A sale that somebody is paying meanwhile stays locked: it must not be charged again.
        """
        # What an earlier refusal said must not stay on the screen.
        data = {"tries_left": None, "words": ""} | refused.detail

        def decline(tx: Tx) -> None:
            now = sales.get(tx, sale.sale_id)
            if now is not None and now.state in WAITING:
                state, code = SaleState.DECLINED, refused.code
                sales.move(tx, sale.sale_id, state, code=code, data=data, laid=laid)

        self.db.transaction(decline)

    def several_cards(self) -> None:
        """More than one card lay on the reader: say so where a sale waits."""
        sale = sales.current(self.db, self.terminal.terminal_id)
        if sale is not None and _takes_cards(sale):
            self.refuse(sale, Refused(Code.TWO_CARDS))

    def _whose(self, sale: Sale, link: CardLink) -> VerifiedTap | Asking | Refused:
        """Read the card: a tap of ours, a card whose issuer is being asked now, or neither."""
        text = _read(link)
        if isinstance(text, Refused):
            return text
        try:
            url = parse_url(text)
        except SunFormatError as error:
            if self._vouchers and self._foreign is not None and _is_voucher(text):
                return self._foreign.charge(sale, text) or Asking()
            # The text of a SunFormatError names the field, never its value.
            return Refused(Code.SUN_INVALID, {"field": str(error)})
        if not self._owns(url.authority):
            if self._foreign is None:
                return Refused(Code.CARD_UNKNOWN, {"host": url.host})
            return self._foreign.charge(sale, text) or Asking()
        return taps.verify(self.db, self._issuers, url.message)

    def _claim(self, sale: Sale, tap: VerifiedTap, pin: str | None = None) -> Claimed | Refused:
        """Charge a card of ours. Where a PIN is asked for, this very tap waits for it."""
        outcome = claims.claim(
            self.db,
            ClaimRequest(
                tap=tap,
                amount_msat=sale.amount_msat,
                source=Source.TILL,
                sale_id=sale.sale_id,
                pin=pin,
                terminal_id=self.terminal.terminal_id,
            ),
        )
        if isinstance(outcome, Refused) and outcome.code in (Code.PIN_REQUIRED, Code.PIN_WRONG):

            def entered(typed: str) -> Refused | None:
                again = self._claim(sale, tap, typed)
                if isinstance(again, Refused):
                    self.refuse(sale, again, Laid(tap.card_id))
                return None

            self._pads.wait(self.terminal.terminal_id, sale.sale_id, entered)
        return outcome

    def lying(self) -> None:
        """A sale was armed while a card lies there: the screen asks to lift it and lay it anew."""
        self._seen({"sale_state": SaleState.READY.value, "lying": True})

    def _early(self, sale: Sale | None) -> None:
        """A card before the amount is never an error: the screen asks for the amount (UX).

        Nor is one beside a QR code: the screen asks to put the code away first.
        """
        state = sale.state.value if sale else "idle"
        self._seen({"sale_state": sales.QR if sale and sale.data.get(sales.QR) else state})

    def _seen(self, facts: dict[str, str | bool]) -> None:
        terminal = self.terminal
        told = {"terminal_id": terminal.terminal_id, **facts}
        self.db.transaction(
            lambda tx: tx.event(
                "card.seen", store_id=terminal.store_id, subject=terminal.terminal_id, data=told
            )
        )


def _takes_cards(sale: Sale) -> bool:
    """True while the sale waits for a card, and not for somebody who reads its QR code."""
    return sale.state in (SaleState.READY, SaleState.DECLINED) and not sale.data.get(sales.QR)


def _read(link: CardLink) -> str | Refused:
    """Read the card's URL with two APDUs, and name what stood in the way."""
    try:
        return read_tap_url(link.transceive)
    except CardGone:
        return Refused(Code.MOVED_TOO_SOON)
    except SeveralCards:
        return Refused(Code.TWO_CARDS)
    except (CardRefused, CardError, NdefError):
        return Refused(Code.CARD_UNREADABLE)


def _is_voucher(text: str) -> bool:
    """True for an address that is no tap at all; a broken tap is never taken for one."""
    try:
        url = codec.decode(text).url
    except codec.LnurlError:
        return False
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return not {"p", "c"} & names


_LOOKS = {
    SaleState.READY: Look.READY,
    SaleState.READING: Look.READING,
    SaleState.AUTHORISING: Look.READ,
    SaleState.APPROVED: Look.APPROVED,
    SaleState.DECLINED: Look.DECLINED,
    SaleState.CHECKING: Look.CHECKING,
}


def price(sale: Sale) -> str:
    """What is charged, in the unit that was keyed in: `12.50 EUR`, `2 100 sat`."""
    if sale.fiat is not None:
        return f"{sale.fiat} {sale.currency}"
    return f"{sat_text(sale.amount_msat)} sat"


def picture(sale: Sale | None, now: int, *, card_there: bool) -> Show:
    """What a reader shows for a sale: a pure function of its row, the time and the field.

    A declined sale re-arms by itself once the card has left the field (UX, "declined").
    """
    if sale is None or sale.state not in _LOOKS:
        return Show(Look.IDLE)
    if sale.state is SaleState.READY and sale.data.get(sales.QR):  # no card is asked for
        return Show(Look.IDLE)
    # A clock that was set back makes ages negative: such a sale was not approved just now.
    if sale.state is SaleState.APPROVED and not 0 <= now - sale.changed_at < APPROVED_MS:
        return Show(Look.IDLE)
    amount = price(sale)
    if sale.state is SaleState.DECLINED:
        words = sale.code.words.says if sale.code else ""
        return (
            Show(Look.DECLINED, (words, amount))
            if card_there
            else Show(Look.READY, (amount, words))
        )
    return Show(_LOOKS[sale.state], (amount, sale.state.value))
