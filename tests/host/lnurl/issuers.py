"""Another issuer for the tests of the LNURL client: it answers what a test writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from host.bolt11 import Network
from host.clock import ManualClock
from host.lnurl.client import LnurlClient
from host.lnurl.guard import Guard, GuardSettings
from tests.support.scripted_http import Pieces, Request, ScriptedServer, reply

NOW = 1_700_000_000_000
TAP = "p=00112233445566778899AABBCCDDEEFF&c=0011223344556677"
METADATA = json.dumps([["text/plain", "Card of <b>Ada</b>"], ["text/identifier", "ada@x"]])


class Issuer:
    """Another issuer: a script of what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.server = ScriptedServer(self._handle)
        self.answers: dict[str, object] = {}

    def _handle(self, request: Request) -> Pieces:
        answer = self.answers[urlsplit(request.target).path]
        return answer() if callable(answer) else reply(answer)

    @property
    def card(self) -> str:
        return f"lnurlw://{self.server.host}/ln?{TAP}"

    def offers(self, **changes: object) -> None:
        """Offer a withdraw request, changed in some fields (None leaves one out)."""
        record = {
            "tag": "withdrawRequest",
            "callback": f"{self.server.url}/cb",
            "k1": "abc",
            "defaultDescription": "Coffee <i>card</i>",
            "minWithdrawable": 1_000,
            "maxWithdrawable": 50_000_000,
        } | changes
        self.answers["/ln"] = {k: v for k, v in record.items() if v is not None}

    def takes(self, **changes: object) -> None:
        """Offer a pay request."""
        record = {
            "tag": "payRequest",
            "callback": f"{self.server.url}/pay-cb",
            "minSendable": 1_000,
            "maxSendable": 10_000_000,
            "metadata": METADATA,
        } | changes
        self.answers["/pay"] = {k: v for k, v in record.items() if v is not None}

    def asked(self) -> dict[str, list[str]]:
        """The query of the last request."""
        return parse_qs(urlsplit(self.server.requests[-1].target).query)


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer in order, on loopback."""
    issuer = Issuer()
    issuer.offers()
    issuer.takes()
    with issuer.server:
        yield issuer


def client_of(issuer: Issuer) -> LnurlClient:
    """A client that may ask this issuer over http."""
    settings = GuardSettings(plain_hosts=frozenset({issuer.server.host}), deadline_s=30)
    return LnurlClient(Guard(settings), Network.REGTEST, ManualClock(NOW))
