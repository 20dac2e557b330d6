"""The balance page: a holder taps the card on a phone, and sees what is on it.

`GET /balance?p=&c=`, or the card's own address when a browser asks for it (`Accept: text/html`);
without a tap the page asks for one. `POST /balance` takes the text a phone read from the card, so
that it stays out of the history of addresses. It needs no script and no sign-in, spends nothing
(`ledger.balance` says for whom it opens and for how long), and no other site can read it: no CORS.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

import segno
from flask import Flask, Response, request
from jinja2 import Template
from markupsafe import Markup

from host import language
from host.clock import Clock
from host.keyring import Issuer
from host.language import marked as N_
from host.ledger import addresses, balance, taps, topups
from host.ledger.balance import Balance, Left
from host.ledger.codes import Code, Refused
from host.ledger.records import PullPaymentState
from host.lnurl import balance_words as words
from host.lnurl import codec, paytoken
from host.lnurl.answers import fields_of
from host.lnurl.budget import Budget, Rate
from host.lnurl.paytoken import LinkKind
from host.ntag424.sun import SunFormatError, SunMessage, parse_params, parse_url
from host.retold import retold
from host.store.engine import Engine
from host.web import address_group, client_address, networks

log = logging.getLogger(__name__)

MAX_BODY: Final = 4_096
_PAGES: Final = resources.files("host.lnurl").joinpath("pages")
_FILES: Final = {"balance.css": "text/css", "balance.js": "text/javascript"}
_STATUS: Final = {Code.RATE_LIMITED: 429, Code.REQUEST_INVALID: 400}

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page is told by the configuration."""

    base_url: str
    """What stands before `/balance`; under it cards are filled too."""
    fill: bool = False
    """Whether the page shows how the card is filled (`pay`)."""
    trusted_proxies: tuple[str, ...] = ()
    per_address: Rate = field(default=Rate(burst=30, per_second=1))
    per_card: Rate = field(default=Rate(burst=10, per_second=0.2))


def install(
    app: Flask,
    db: Engine,
    issuers: tuple[Issuer, ...],
    settings: PageSettings,
    clock: Clock,
    secret: bytes,
) -> None:
    """Add the page to the public listener, also at the cards' own address for browsers."""
    language.install(app.jinja_env)
    app.jinja_env.filters["tr"] = retold
    template = app.jinja_env.from_string(_PAGES.joinpath("balance.html").read_text("utf-8"))
    page = _Page(db, issuers, settings, clock, secret, template)
    app.add_url_rule("/balance", endpoint="balance", view_func=page.show, methods=["GET", "POST"])
    for name in _FILES:
        app.add_url_rule(f"/{name}", endpoint=name, view_func=_file, defaults={"name": name})

    @app.before_request
    def at_the_cards_address() -> Response | None:
        asks = request.path == "/ln" and request.method == "GET"
        person = "text/html" in request.headers.get("Accept", "")
        return page.show() if asks and person else None


class _Page:
    def __init__(
        self,
        db: Engine,
        issuers: tuple[Issuer, ...],
        settings: PageSettings,
        clock: Clock,
        secret: bytes,
        template: Template,
    ) -> None:
        self._db = db
        self._issuers = issuers
        self._settings = settings
        self._secret = secret
        self._base = settings.base_url.rstrip("/")
        self._proxies = networks(settings.trusted_proxies)
        self._addresses = Budget(settings.per_address, clock)
        self._cards = Budget(settings.per_card, clock)
        self._template = template

    def show(self) -> Response:
        """The balance, or a page that asks for a tap and says why there is none; in the language
        of the holder's phone where it is one of ours.
        """
        with language.speaking(language.choose(*request.accept_languages.values())):
            return self._answer()

    def _answer(self) -> Response:
        client = client_address(request.environ, self._proxies)
        if not self._addresses.spend(address_group(client)):
            return self._asking(Refused(Code.RATE_LIMITED))
        message = _message()
        if message is None:
            return self._asking(None)
        if isinstance(message, Refused):
            return self._asking(message)
        found = self._looked_at(message)
        if isinstance(found, Balance):
            return self._balance(found)
        asks = found.code in (Code.PIN_REQUIRED, Code.PIN_WRONG)
        return self._asking_pin(message, found) if asks else self._asking(found)

    def _looked_at(self, message: SunMessage) -> Balance | Refused:
        tap = taps.verify(self._db, self._issuers, message)
        if isinstance(tap, Refused):
            return tap
        if not self._cards.spend(tap.card_id):
            return Refused(Code.RATE_LIMITED)
        # A PIN stands in no address: those are kept in histories and logs (THREATS 19).
        pin = request.form.get("pin") if request.method == "POST" else None
        return balance.look(self._db, tap, pin or None)

    def _balance(self, found: Balance) -> Response:
        zone = found.store.timezone
        shown: dict[str, Any] = {
            "title": f"{found.card.alias} · {found.store.name}",
            "balance": found,
            "ended": found.account.state is not PullPaymentState.RUNNING,
            "limits": list(_limits(found)),
            "lines": [words.line(one, zone) for one in found.history],
            "zone": words.zone_name(zone),
            "looked": words.when(found.looked_before, zone) if found.looked_before else None,
        }
        return self._page(shown | self._filling(found), 200)

    def _filling(self, found: Balance) -> dict[str, Any]:
        """How the card is filled, where it can be."""
        card_id = found.card.card_id
        if not self._settings.fill or isinstance(topups.fillable(self._db, card_id), Refused):
            return {}
        token = paytoken.mint(self._secret, card_id, LinkKind.HOLDER)
        lnurl = codec.encode(f"{self._base}/lnp/{token}").lower()
        drawn = segno.make(lnurl.upper(), error="m").svg_inline(border=0, omitsize=True)
        name = addresses.of(self._db, card_id)
        address = f"{name}@{urlsplit(self._base).netloc}" if name else None
        return {"lnurl": lnurl, "qr": Markup(drawn), "address": address}  # noqa: S704 - ours

    def _asking(self, refused: Refused | None) -> Response:
        problem = refused.code.words if refused else None
        if refused is not None:
            log.info("balance refused: %s", refused.code)
        heading = N_("Your card's balance") if problem is None else N_("No balance to show")
        status = 200 if refused is None else _STATUS.get(refused.code, 403)
        return self._page({"title": heading, "heading": heading, "problem": problem}, status)

    def _asking_pin(self, message: SunMessage, refused: Refused) -> Response:
        wrong = refused.code.words if refused.code is Code.PIN_WRONG else None
        tap = {"p": message.p.hex(), "c": message.c.hex()}
        heading = N_("Enter your PIN")
        shown = {
            "title": language.gettext(heading),
            "heading": heading,
            "problem": wrong,
            "tap": tap,
        }
        return self._page(shown, 403)

    def _page(self, shown: dict[str, Any], status: int) -> Response:
        path = urlsplit(self._base).path
        html = self._template.render(base=path, sats=words.sats, **shown)
        return Response(html, status, HEADERS, content_type="text/html; charset=utf-8")


def _message() -> SunMessage | Refused | None:
    """The tap of this request; None when there is none yet."""
    try:
        return _typed() if request.method == "POST" else _asked()
    except SunFormatError:
        return Refused(Code.REQUEST_INVALID)


def _typed() -> SunMessage | Refused:
    if (request.content_length or 0) > MAX_BODY:
        return Refused(Code.REQUEST_INVALID)
    if "p" in request.form:
        return parse_params(request.form["p"], request.form.get("c"))
    return parse_url(request.form.get("card", "").strip()).message


def _asked() -> SunMessage | Refused | None:
    fields = fields_of(request.environ.get("QUERY_STRING", ""))
    if isinstance(fields, Refused):
        return fields
    tapped = {"p", "c"} & fields.keys()
    return parse_params(fields.get("p"), fields.get("c")) if tapped else None


def _limits(found: Balance) -> list[words.LimitWords]:
    told: list[tuple[str, Left | None, bool]] = [
        ("Last 24 hours", found.day, True),
        ("Last 30 days", found.month, True),
        ("Payments in 24 hours", found.count, False),
    ]
    return [words.limit(name, one, money=money) for name, one, money in told if one is not None]


def _file(name: str) -> Response:
    text = _PAGES.joinpath(name).read_text("utf-8")
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(text, 200, headers, content_type=f"{_FILES[name]}; charset=utf-8")
