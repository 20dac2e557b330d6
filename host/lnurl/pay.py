"""Filling a card from any Lightning wallet: LNURL-pay behind an opaque link (LUD-06, 16, 19).

`GET /lnp/<token>` says what may be paid in, `GET /lnp/<token>/cb?amount=` makes an invoice of the
shop's wallet whose description is the hash of what was said; `GET /.well-known/lnurlp/<name>` is
the same for a card with a Lightning address. Nothing tells a balance, a card's name or its id.
An invoice leaves only after its row is durable; `host.topups` watches it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, request

from host.clock import Clock
from host.ledger import addresses, topups
from host.ledger.codes import Code, Refused
from host.ledger.topups import Fillable
from host.lightning.wallet import Wallet, WalletError
from host.lnurl import paytoken
from host.lnurl.answers import HEADERS, Answer, as_json, error, fields_of
from host.lnurl.budget import Budget, Rate
from host.lnurl.paytoken import LinkKind, PayLink
from host.money import MSAT_PER_SAT, sats
from host.store.engine import Engine
from host.web import address_group, client_address, networks

log = logging.getLogger(__name__)

_MAX_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class PaySettings:
    """What the service is told by the configuration."""

    base_url: str
    """What stands before `/lnp`; the host is also that of Lightning addresses."""
    min_msat: int = sats(1)
    max_msat: int = sats(1_000_000)
    expiry_s: int = 600
    trusted_proxies: tuple[str, ...] = ()
    per_address: Rate = field(default=Rate(burst=60, per_second=2))
    per_card: Rate = field(default=Rate(burst=10, per_second=0.2))
    """Each costs our wallet an invoice, or the holder a look at the link."""


def install(
    app: Flask, db: Engine, wallet: Wallet, settings: PaySettings, clock: Clock, secret: bytes
) -> None:
    """Add the routes to the public listener."""
    service = _Service(db, wallet, settings, clock, secret)
    for path, view in (
        ("/lnp/<token>", service.look),
        ("/lnp/<token>/cb", service.callback),
        ("/.well-known/lnurlp/<name>", service.address),
    ):
        app.add_url_rule(path, endpoint=path, view_func=view)


class _Service:
    def __init__(
        self, db: Engine, wallet: Wallet, settings: PaySettings, clock: Clock, secret: bytes
    ) -> None:
        self._db = db
        self._wallet = wallet
        self._settings = settings
        self._secret = secret
        self._base = settings.base_url.rstrip("/")
        self._host = urlsplit(settings.base_url).netloc
        self._proxies = networks(settings.trusted_proxies)
        self._addresses = Budget(settings.per_address, clock)
        self._cards = Budget(settings.per_card, clock)

    # -- routes -----------------------------------------------------------------------------

    def look(self, token: str) -> Response:
        """A link is opened: what may be paid in?"""
        return _respond(self._admitted() or self._described(token))

    def callback(self, token: str) -> Response:
        """An amount was chosen: an invoice."""
        if request.method != "GET":  # Flask offers HEAD too, which must change nothing
            return _respond(Refused(Code.REQUEST_INVALID))
        return _respond(self._admitted() or self._invoiced(token))

    def address(self, name: str) -> Response:
        """As `look`, for a Lightning address; what follows a + is a tag of the payer's own."""
        refused = self._admitted()
        if refused is not None:
            return _respond(refused)
        card_id = addresses.card_of(self._db, name.lower().partition("+")[0])
        if card_id is None:
            return _respond(Refused(Code.LINK_INVALID))
        token = paytoken.mint(self._secret, card_id, LinkKind.ADDRESS)
        return _respond(self._described(token))

    # -- the work ---------------------------------------------------------------------------

    def _admitted(self) -> Refused | None:
        client = client_address(request.environ, self._proxies)
        if self._addresses.spend(address_group(client)):
            return None
        return Refused(Code.RATE_LIMITED)

    def _opened(self, token: str) -> tuple[PayLink, Fillable] | Refused:
        """The card behind a link, if money may be paid in for it."""
        link = paytoken.read(self._secret, token)
        if link is None:
            return Refused(Code.LINK_INVALID)
        if not self._cards.spend(link.card_id):
            return Refused(Code.RATE_LIMITED)
        card = topups.fillable(self._db, link.card_id)
        return card if isinstance(card, Refused) else (link, card)

    def _described(self, token: str) -> Answer:
        opened = self._opened(token)
        if isinstance(opened, Refused):
            return opened
        return {
            "tag": "payRequest",
            "callback": f"{self._base}/lnp/{token}/cb",
            "minSendable": self._settings.min_msat,
            "maxSendable": self._settings.max_msat,
            "metadata": self._metadata(*opened),
        }

    def _invoiced(self, token: str) -> Answer:
        fields = fields_of(request.environ.get("QUERY_STRING", ""))
        if isinstance(fields, Refused):
            return fields
        amount_msat = self._amount(fields.get("amount", ""))
        if amount_msat is None:
            return Refused(Code.TOPUP_AMOUNT)
        opened = self._opened(token)
        if isinstance(opened, Refused):
            return opened
        link, card = opened
        if not topups.room(self._db, card.card_id):
            return Refused(Code.RATE_LIMITED)
        return self._make(card, self._metadata(link, card), amount_msat, link.kind)

    def _make(self, card: Fillable, metadata: str, amount_msat: int, kind: LinkKind) -> Answer:
        expiry_s = self._settings.expiry_s
        try:
            made = self._wallet.make_invoice(amount_msat, metadata, expiry_s, hash_memo=True)
        except WalletError as trouble:
            log.warning("no invoice to fill a card: %s", trouble)
            return Refused(Code.STORE_OFFLINE)
        noted = topups.offer(
            self._db,
            card.card_id,
            made.payment_hash,
            made.bolt11,
            amount_msat,
            made.expires_at,
        )
        if not noted:  # frozen, ended or too many by now: the invoice stays with us and expires
            return Refused(Code.RATE_LIMITED)
        return {"pr": made.bolt11, "routes": [], "disposable": kind is LinkKind.TAP}

    def _amount(self, text: str) -> int | None:
        """The amount in msat, in whole satoshi and within the limits; None for any other."""
        if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
            return None
        amount_msat = int(text)
        within = self._settings.min_msat <= amount_msat <= self._settings.max_msat
        return amount_msat if within and amount_msat % MSAT_PER_SAT == 0 else None

    def _metadata(self, link: PayLink, card: Fillable) -> str:
        """What the invoice's description is the hash of: always the same text for one link."""
        told: list[list[str]] = [["text/plain", f"Fill a card of {card.store}"]]
        if link.kind is LinkKind.ADDRESS:
            name = addresses.of(self._db, link.card_id)
            told.append(["text/identifier", f"{name}@{self._host}"])
        return json.dumps(told, separators=(",", ":"))


def _respond(answer: dict[str, Any] | Refused) -> Response:
    if isinstance(answer, Refused):
        log.info("%s refused: %s", request.endpoint, answer.code)
        answer = error(answer.code)
    return Response(as_json(answer), headers=HEADERS)
