"""How we ask others: LNURL-withdraw of other issuers' cards, LNURL-pay for top-ups.

ForeignError                `code` is the stable code, `sent` whether the question had left
├── ForeignRefused          the issuer said no; its words, cleaned, are the message
├── ForeignUnreachable      the guard refused the address, or nobody answered there
└── ForeignBroken           it answered something that the specifications do not allow

`submit` hands an invoice over. Whatever comes back, only our own invoice says that it was paid
(LUD-03: OK means accepted): `NoWord` means the issuer may pay it all the same, so the sale is
checked until the invoice has expired and never charged again meanwhile (THREATS 5).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, payable
from host.clock import Clock
from host.ledger.codes import Code
from host.lnurl import codec
from host.lnurl.guard import Guard, GuardError
from host.money import MAX_MSAT

MAX_WORDS: Final = 140
_MAX_K1: Final = 2_048
_MAX_METADATA: Final = 32 * 1024
_PIN_CODES: Final = {str(c): c for c in (Code.PIN_REQUIRED, Code.PIN_WRONG, Code.PIN_LOCKED)}
_PIN: Final = re.compile(r"[0-9]{4}")
_TAGS: Final = re.compile(r"<[^>]{0,500}>")
_ADDRESS: Final = re.compile(r"(?P<name>[a-z0-9_.+-]{1,64})@(?P<host>[a-z0-9.:-]{1,253})")


class ForeignError(Exception):
    """The other side did not do what was asked."""

    def __init__(
        self, words: str, *, code: Code = Code.FOREIGN_REFUSED, sent: bool = False
    ) -> None:
        super().__init__(words)
        self.code = code
        self.sent = sent


class ForeignRefused(ForeignError):
    """The other side said no: show its words."""


class ForeignUnreachable(ForeignError):
    """The address may not be asked, or nobody answered there."""


class ForeignBroken(ForeignError):
    """The answer is not what the specifications allow, or not what was agreed."""


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """What an issuer offers for a tap (LUD-03)."""

    callback: str = field(repr=False)
    k1: str = field(repr=False)
    description: str
    min_msat: int
    max_msat: int
    host: str
    """Whose card it is: the host that was asked."""
    static: bool
    """A voucher: its address has no `p` and `c`, so whoever read it once can use it again."""
    pin_limit_msat: int | None = None
    """A PIN is needed from this amount on; 0 means always (LUD-24 draft)."""
    pay_link: str | None = None
    """How the card is topped up or refunded (LUD-19)."""

    def needs_pin(self, amount_msat: int) -> bool:
        return self.pin_limit_msat is not None and amount_msat >= self.pin_limit_msat

    def allows(self, amount_msat: int) -> bool:
        return self.min_msat <= amount_msat <= self.max_msat


@dataclass(frozen=True, slots=True)
class Accepted:
    """The issuer says that it will pay."""


@dataclass(frozen=True, slots=True)
class RefusedByIssuer:
    """The issuer says that it will not pay."""

    words: str
    code: Code = Code.FOREIGN_REFUSED
    """About the PIN when the issuer says so in our codes, as every Taptill does."""


@dataclass(frozen=True, slots=True)
class NoWord:
    """The invoice was handed over and nothing usable came back: it may be paid."""

    reason: str


Submitted = Accepted | RefusedByIssuer | NoWord


@dataclass(frozen=True, slots=True)
class PayRequest:
    """What somebody takes (LUD-06)."""

    callback: str = field(repr=False)
    min_msat: int
    max_msat: int
    metadata: str = field(repr=False)
    """As it came: its hash is in the invoice."""
    description: str
    host: str


class LnurlClient:
    """Asks other people's LNURL services through the guard."""

    def __init__(self, guard: Guard, network: Network, clock: Clock) -> None:
        self._guard = guard
        self._network = network
        self._clock = clock

    # -- charging a card -------------------------------------------------------------------

    def ask(self, text: str) -> WithdrawRequest:
        """What the issuer behind a card's URL (or a voucher's LNURL) offers."""
        url = self._url(text, codec.Scheme.WITHDRAW)
        answer = self._get(url)
        _must_be(answer, "withdrawRequest")
        min_msat, max_msat = _range(answer, "minWithdrawable", "maxWithdrawable")
        pin_limit = answer.get("pinLimit")
        names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query)}
        return WithdrawRequest(
            callback=self._callback(answer),
            k1=_text(answer, "k1", _MAX_K1),
            description=clean(answer.get("defaultDescription") or ""),
            min_msat=min_msat,
            max_msat=max_msat,
            host=urlsplit(url).netloc.lower(),
            static=not {"p", "c"} <= names,
            pin_limit_msat=None if pin_limit is None else _msat(answer, "pinLimit"),
            pay_link=_text(answer, "payLink", codec.MAX_LENGTH) if answer.get("payLink") else None,
        )

    def submit(self, request: WithdrawRequest, bolt11: str, pin: str | None = None) -> Submitted:
        """Hand our invoice over. Raises `ForeignError` only when nothing has left."""
        fields = {"k1": request.k1, "pr": bolt11}
        if pin is not None:
            if not _PIN.fullmatch(pin):
                raise ForeignRefused("a PIN has four digits", code=Code.PIN_WRONG)
            fields["pin"] = pin
        try:
            answer = self._get(_with_query(request.callback, fields))
        except ForeignRefused as error:
            return RefusedByIssuer(str(error), error.code)
        except ForeignError as error:
            if not error.sent:
                raise
            return NoWord(str(error))
        if answer.get("status") != "OK":
            return NoWord("neither OK nor a refusal")
        return Accepted()

    # -- filling a card --------------------------------------------------------------------

    def ask_pay(self, text: str) -> PayRequest:
        """What stands behind a payLink, an LNURL or a Lightning address."""
        url = self._url(self._from_address(text), codec.Scheme.PAY)
        answer = self._get(url)
        _must_be(answer, "payRequest")
        min_msat, max_msat = _range(answer, "minSendable", "maxSendable")
        metadata = _text(answer, "metadata", _MAX_METADATA)
        return PayRequest(
            callback=self._callback(answer),
            min_msat=max(min_msat, 1),
            max_msat=max_msat,
            metadata=metadata,
            description=_description(metadata),
            host=urlsplit(url).netloc.lower(),
        )

    def invoice(self, request: PayRequest, amount_msat: int) -> Bolt11Invoice:
        """An invoice for exactly this amount and exactly what was offered."""
        if not request.min_msat <= amount_msat <= request.max_msat:
            raise ForeignRefused("the amount is not taken there", code=Code.AMOUNT_INVALID)
        answer = self._get(_with_query(request.callback, {"amount": str(amount_msat)}))
        try:
            invoice = payable(_text(answer, "pr", codec.MAX_LENGTH * 2), self._network)
        except Bolt11Error as error:
            raise ForeignBroken(str(error), code=Code(error.kind), sent=True) from error
        if invoice.amount_msat != amount_msat:
            raise _broken("the invoice is for another amount", Code.AMOUNT_MISMATCH)
        if invoice.description_hash != hashlib.sha256(request.metadata.encode()).digest():
            raise _broken("the invoice is not for what was offered", Code.INVOICE_INVALID)
        if invoice.expires_at <= self._clock.now():
            raise _broken("the invoice has expired", Code.INVOICE_EXPIRED)
        return invoice

    # -- inside ----------------------------------------------------------------------------

    def _url(self, text: str, scheme: codec.Scheme) -> str:
        try:
            found = codec.decode(text, self._guard.settings.plain_hosts)
        except codec.LnurlError as error:
            raise ForeignBroken(str(error), code=Code.CARD_UNREADABLE) from error
        if found.scheme not in (None, scheme):
            raise ForeignBroken("it is for something else", code=Code.CARD_UNREADABLE)
        return found.url

    def _from_address(self, text: str) -> str:
        """The LNURL of a Lightning address (LUD-16); anything else stays as it is."""
        match = _ADDRESS.fullmatch(text.strip().lower())
        if match is None:
            return text
        return f"lnurlp://{match['host']}/.well-known/lnurlp/{quote(match['name'])}"

    def _callback(self, answer: Mapping[str, Any]) -> str:
        try:
            plain = self._guard.settings.plain_hosts
            return codec.decode(_text(answer, "callback", codec.MAX_LENGTH), plain).url
        except codec.LnurlError as error:
            raise _broken(f"callback: {error}") from error

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = self._guard.get(url).record()
        except GuardError as error:
            raise ForeignUnreachable(str(error), sent=error.sent) from error
        status = answer.get("status")
        if isinstance(status, str) and status.upper() == "ERROR":
            words = clean(answer.get("reason") or "") or "no reason was given"
            code = _PIN_CODES.get(str(answer.get("code")), Code.FOREIGN_REFUSED)
            raise ForeignRefused(words, code=code, sent=True)
        return answer


def clean(words: object) -> str:
    """A stranger's words, fit to be shown: one short line, no markup, nothing invisible."""
    text = _TAGS.sub(" ", str(words)[: 10 * MAX_WORDS]).replace("<", " ").replace(">", " ")
    shown = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    short = " ".join(shown.split())
    return short if len(short) <= MAX_WORDS else short[: MAX_WORDS - 1].rstrip() + "…"


def _broken(words: str, code: Code = Code.FOREIGN_REFUSED) -> ForeignBroken:
    return ForeignBroken(words, code=code, sent=True)


def _must_be(answer: Mapping[str, Any], tag: str) -> None:
    if answer.get("tag") != tag:
        raise _broken(f"it is no {tag}", Code.CARD_UNREADABLE)


def _text(answer: Mapping[str, Any], name: str, limit: int) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise _broken(f"{name} is missing or no text")
    return value


def _msat(answer: Mapping[str, Any], name: str) -> int:
    """An amount: a whole number of millisatoshi, never rounded (THREATS 16)."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_MSAT:
        raise _broken(f"{name} is no whole number of millisatoshi")
    return value


def _range(answer: Mapping[str, Any], low: str, high: str) -> tuple[int, int]:
    lowest, highest = _msat(answer, low), _msat(answer, high)
    if lowest > highest:
        raise _broken(f"{low} is above {high}")
    return lowest, highest


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _description(metadata: str) -> str:
    """The `text/plain` entry that the metadata must have (LUD-06)."""
    try:
        entries = json.loads(metadata)
        plain = [content for kind, content, *_ in entries if kind == "text/plain"]
    except (ValueError, TypeError, RecursionError):
        raise _broken("metadata cannot be read") from None
    if len(plain) != 1 or not isinstance(plain[0], str):
        raise _broken("metadata must have one text/plain")
    return clean(plain[0])
