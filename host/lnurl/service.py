"""The issuer's service: how other people's points of sale reach the accounts of our cards.

`GET /ln?p=&c=` answers a tap with a withdrawRequest; `GET /ln/cb?k1=&pr=[&pin=]` claims it
(LUD-03; PIN after the LUD-24 draft). A scan writes nothing and may be repeated until its tap is
claimed. "OK" means accepted, not paid: a point of sale watches its own invoice.

Before the tap's MAC holds nothing is told (THREATS 6); `X-Boltcard-UID` and `card=` are not even
read (DESIGN). Nothing here reads the Host header, sets a cookie, or logs a query string.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, payable
from host.clock import MINUTE, SECOND, Clock
from host.faultpoints import FaultPoint, Hook, nowhere
from host.keyring import Issuer
from host.ledger import claims, taps
from host.ledger.claims import ClaimRequest, Quote, Source
from host.ledger.codes import Code, Refused
from host.ledger.records import PayoutStatus
from host.ledger.taps import VerifiedTap
from host.lnurl import k1, paytoken
from host.lnurl.answers import HEADERS, Answer, as_json, error, fields_of
from host.lnurl.budget import Budget, Rate
from host.lnurl.paytoken import LinkKind
from host.money import sats
from host.ntag424.sun import SunFormatError, parse_params
from host.store.engine import Engine
from host.store.errors import StoreError
from host.web import address_group, client_address, networks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_OFFLINE: Final = as_json(error(Code.STORE_OFFLINE))
"""After trouble of ours. Nothing is held or paid that the ledger does not say; asking again joins
it."""

_Ask = Callable[["WSGIEnvironment"], Answer]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What the service is told by the configuration."""

    base_url: str
    """What stands before `/ln` on cards; the callback is built from it."""
    min_msat: int = sats(1)
    max_msat: int = sats(1_000_000)
    """The most that one payment may ask for; never the balance (THREATS 21)."""
    tap_ms: int = MINUTE
    """How long a scan may be claimed."""
    max_fee_base_msat: int = 0
    max_fee_ppm: int = 0
    """The most that sending may cost, where an account has no limit of its own."""
    invoice_ms: int = 15 * SECOND
    """How long an invoice must still be good when its tap is spent."""
    trusted_proxies: tuple[str, ...] = ()
    per_address: Rate = field(default=Rate(burst=300, per_second=60))
    """Behind a proxy that is not trusted, or an onion service, all clients are one address."""
    per_card: Rate = field(default=Rate(burst=30, per_second=3))
    pay_links: bool = False
    """Whether a withdrawRequest tells where the card is filled (LUD-19, `pay`)."""


def create_app(
    db: Engine,
    issuers: Sequence[Issuer],
    network: Network,
    settings: ServiceSettings,
    clock: Clock,
    secret: bytes,
    *,
    hook: Hook = nowhere,
) -> Flask:
    """The WSGI application of the public listener."""
    service = _Service(db, issuers, network, settings, clock, secret, hook)
    app = Flask("taptill-lnurl", static_folder=None, template_folder=None)
    busy: dict[str, _Ask] = {"/ln": service.scan, "/ln/cb": service.callback}
    for path, ask in busy.items():
        app.add_url_rule(path, endpoint=path, view_func=partial(_view, ask))
    app.add_url_rule("/healthz", view_func=service.health, endpoint="health")
    app.register_error_handler(HTTPException, _no_such_thing)
    app.register_error_handler(Exception, _trouble_elsewhere)
    app.wsgi_app = _Ahead(app.wsgi_app, busy)  # type: ignore[method-assign]  # as Flask advises
    return app


class _Ahead:
    """GETs of the busy routes, answered ahead of Flask: its contexts are a third of a scan.

    Flask has the same routes with the same functions, and keeps whatever is not such a GET.
    """

    def __init__(self, app: WSGIApplication, busy: Mapping[str, _Ask]) -> None:
        self._app = app
        self._busy = busy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        ask = self._busy.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "GET" else None
        if ask is None or "text/html" in environ.get("HTTP_ACCEPT", ""):  # a person (`balance`)
            return self._app(environ, start_response)
        body = _answer(ask, environ)
        start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]


def _view(ask: _Ask) -> Response:
    return Response(_answer(ask, request.environ), headers=HEADERS)


class _Service:
    def __init__(
        self,
        db: Engine,
        issuers: Sequence[Issuer],
        network: Network,
        settings: ServiceSettings,
        clock: Clock,
        secret: bytes,
        hook: Hook,
    ) -> None:
        self._db = db
        self._issuers = tuple(issuers)
        self._network = network
        self._settings = settings
        self._clock = clock
        self._secret = secret
        self._hook = hook
        self._base = settings.base_url.rstrip("/")
        self._callback = f"{self._base}/ln/cb"
        self._proxies = networks(settings.trusted_proxies)
        self._addresses = Budget(settings.per_address, clock)
        self._cards = Budget(settings.per_card, clock)

    # -- routes -----------------------------------------------------------------------------

    def scan(self, environ: WSGIEnvironment) -> Answer:
        """A tap is presented: what may it ask for?"""
        fields = self._admitted(environ)
        return fields if isinstance(fields, Refused) else self._scanned(fields)

    def callback(self, environ: WSGIEnvironment) -> Answer:
        """A tap is claimed with an invoice."""
        if environ["REQUEST_METHOD"] != "GET":  # Flask offers HEAD too, which must change nothing
            return Refused(Code.REQUEST_INVALID)
        fields = self._admitted(environ)
        return fields if isinstance(fields, Refused) else self._claimed(fields)

    def health(self) -> Response:
        """Whether the ledger can be read; for a proxy, so here the status counts."""
        try:
            self._db.events.last_id()
        except StoreError:
            return Response(as_json({"status": "ERROR"}), 503, HEADERS)
        return Response(as_json({"status": "OK"}), headers=HEADERS)

    # -- the work ---------------------------------------------------------------------------

    def _admitted(self, environ: WSGIEnvironment) -> dict[str, str] | Refused:
        """The query's fields, once the address has paid for them (THREATS 13)."""
        client = client_address(environ, self._proxies)
        if not self._addresses.spend(address_group(client)):
            return Refused(Code.RATE_LIMITED)
        return fields_of(environ.get("QUERY_STRING", ""))

    def _scanned(self, fields: dict[str, str]) -> Answer:
        try:
            message = parse_params(fields.get("p"), fields.get("c"))
        except SunFormatError as error:
            return Refused(Code.REQUEST_INVALID, {"field": error.field})

        tap = taps.verify(self._db, self._issuers, message)
        if isinstance(tap, Refused):
            return tap
        limits = self._settings
        quote = claims.quote(self._db, tap, min_msat=limits.min_msat, max_msat=limits.max_msat)
        if isinstance(quote, Refused) and quote.code is Code.SUN_REPLAYED:
            return quote  # whoever copied an old tap must not use up the card's budget
        if not self._cards.spend(tap.card_id):
            return Refused(Code.RATE_LIMITED)
        return quote if isinstance(quote, Refused) else self._withdraw_request(tap, quote)

    def _withdraw_request(self, tap: VerifiedTap, quote: Quote) -> dict[str, Any]:
        """LUD-03; amounts are integers of millisatoshi."""
        answer: dict[str, Any] = {
            "tag": "withdrawRequest",
            "callback": self._callback,
            "k1": k1.mint(self._secret, tap, self._clock.now()),
            "defaultDescription": quote.description,
            "minWithdrawable": quote.min_msat,
            "maxWithdrawable": quote.max_msat,
        }
        if quote.pin_limit_msat is not None:
            answer["pinLimit"] = quote.pin_limit_msat
        if self._settings.pay_links:
            token = paytoken.mint(self._secret, tap.card_id, LinkKind.TAP, tap.counter)
            answer["payLink"] = f"{self._base}/lnp/{token}"
        return answer

    def _claimed(self, fields: dict[str, str]) -> Answer:
        now = self._clock.now()
        tap = k1.check(self._secret, fields.get("k1", ""), now, self._settings.tap_ms)
        if isinstance(tap, Refused):
            return tap
        if not self._cards.spend(tap.card_id):  # before the slow work: signature and PIN hash
            return Refused(Code.RATE_LIMITED)
        try:
            invoice = payable(fields.get("pr", ""), self._network)
        except Bolt11Error as error:
            return Refused(Code(error.kind))
        self._hook(FaultPoint.BEFORE_CLAIM)
        result = claims.claim(self._db, self._request(tap, invoice, fields.get("pin")))
        self._hook(FaultPoint.AFTER_CLAIM)
        if isinstance(result, Refused):
            return result
        if result.payout.status in (PayoutStatus.FAILED, PayoutStatus.CANCELLED):
            return Refused(Code.LIGHTNING_FAILED)  # an old claim, asked about again
        return {"status": "OK"}

    def _request(self, tap: VerifiedTap, invoice: Bolt11Invoice, pin: str | None) -> ClaimRequest:
        limits, amount_msat = self._settings, invoice.amount_msat or 0
        return ClaimRequest(
            tap=tap,
            amount_msat=amount_msat,
            source=Source.LNURL,
            invoice=invoice,
            pin=pin or None,
            max_fee_msat=limits.max_fee_base_msat + amount_msat * limits.max_fee_ppm // 1_000_000,
            min_msat=limits.min_msat,
            max_msat=limits.max_msat,
            network=self._network,
            min_left_ms=limits.invoice_ms,
        )


def _answer(ask: _Ask, environ: WSGIEnvironment) -> bytes:
    try:
        answer = ask(environ)
    except Exception as trouble:  # this request's own: the listener goes on
        log.error("%s: %s", environ["PATH_INFO"], type(trouble).__name__, exc_info=True)
        return _OFFLINE
    if isinstance(answer, Refused):
        log.info("%s refused: %s", environ["PATH_INFO"], answer.code)
        answer = error(answer.code)
    return as_json(answer)


def _no_such_thing(missed: HTTPException) -> Response:
    return Response(as_json(error(Code.REQUEST_INVALID)), missed.code or 404, HEADERS)


def _trouble_elsewhere(trouble: Exception) -> Response:
    log.error("%s: %s", request.path, type(trouble).__name__, exc_info=trouble)
    return Response(_OFFLINE, headers=HEADERS)
