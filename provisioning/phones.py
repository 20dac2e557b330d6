"""Where the phone apps fetch a card's keys with a technician's one-time link (`links`).

`POST /phone/<token>` with `{"UID": …}` programs, with `{"LNURLW": "lnurlw://…?p=…&c=…"}` wipes;
names in either spelling. Answers are JSON (PROTOCOL 11). A GET gives nothing and uses nothing up,
for browsers and messengers look at links in advance.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from host.clock import Clock
from host.keyring import Keyring
from host.lnurl.budget import Budget, Rate
from host.ntag424.sun import SunFormatError, parse_url
from host.ntag424.values import Uid
from host.store.engine import Engine
from host.web import address_group, client_address, networks
from provisioning import links
from provisioning.links import LinkRefused

log = logging.getLogger(__name__)

PREFIX: Final = "/phone"
MAX_BODY: Final = 4_096
_RATE: Final = Rate(burst=10, per_second=0.2)
"""A technician needs two requests a card; a guesser gets no further (THREATS 13)."""


class Phones:
    """Redeems links. Nothing of a request or an answer is ever logged."""

    def __init__(
        self, db: Engine, keyring: Keyring, clock: Clock, trusted_proxies: tuple[str, ...] = ()
    ) -> None:
        self._db, self._keyring = db, keyring
        self._budget = Budget(_RATE, clock)
        self._proxies = networks(trusted_proxies)

    def answer(self, token: str) -> Response:
        """The keys, or why there are none."""
        if not self._budget.spend(address_group(client_address(request.environ, self._proxies))):
            return _refused("too many requests: wait a moment", 429)
        if (request.content_length or 0) > MAX_BODY:
            return _refused("the request is too large", 413)
        try:
            return _private(jsonify(self._redeem(token)))
        except LinkRefused as refused:
            log.info("a phone's link was refused: %s", refused)
            return _refused(str(refused), 403)

    def _redeem(self, token: str) -> dict[str, Any]:
        # The apps do not all say that it is JSON.
        body = request.get_json(force=True, silent=True)
        given = {str(k).lower(): v for k, v in body.items()} if isinstance(body, dict) else {}
        if isinstance(uid := given.get("uid"), str):
            try:
                card = Uid.parse(uid)
            except ValueError:
                raise LinkRefused("UID: seven bytes in hex") from None
            return links.redeem_program(self._db, self._keyring, token, card)
        if isinstance(tap := given.get("lnurlw"), str):
            try:
                message = parse_url(tap).message
            except SunFormatError as error:
                raise LinkRefused(f"LNURLW: {error}") from None
            return links.redeem_reset(self._db, self._keyring, token, message)
        raise LinkRefused("send the card's UID, or the LNURLW of a tap")


def blueprint(phones: Phones) -> Blueprint:
    """For whichever listener is to answer phones."""
    bp = Blueprint("phones", __name__, url_prefix=PREFIX)

    @bp.post("/<token>")
    def answer(token: str) -> Response:
        return phones.answer(token)

    return bp


def _refused(reason: str, status: int) -> Response:
    """`status` and `reason` as LNURL has them, which the apps show."""
    response = jsonify(status="ERROR", reason=reason)
    response.status_code = status
    return _private(response)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
