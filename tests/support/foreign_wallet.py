"""Somebody else's wallet in front of our LNURL service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, Protocol
from urllib.parse import urlencode

from flask.testing import FlaskClient

from host.bolt11 import Network
from host.ledger.codes import Code
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.web import WebServer
from tests.support.world import ISSUER, SECRET, World

SETTINGS = ServiceSettings("https://pay.example", max_msat=sats(500))


def client_of(shop: World, settings: ServiceSettings = SETTINGS, **more: Any) -> FlaskClient:
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET, **more)
    return app.test_client()


class Asks(Protocol):
    """Somebody else's wallet: it asks our service for a path."""

    def get(self, path: str, *, query_string: Mapping[str, str]) -> Any:
        """An answer with `status_code` and `get_json()`."""


class _Answer:
    def __init__(self, status_code: int, body: bytes) -> None:
        self.status_code, self._body = status_code, body

    def get_json(self) -> Any:
        return json.loads(self._body)


class OverHttp:
    """Asks over a socket, as everybody outside does."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, *, query_string: Mapping[str, str]) -> _Answer:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("GET", f"{path}?{urlencode(query_string)}")
            response = connection.getresponse()
            return _Answer(response.status, response.read())
        finally:
            connection.close()


@contextmanager
def over_http(shop: World, settings: ServiceSettings = SETTINGS) -> Iterator[OverHttp]:
    """Our LNURL service at a listener of its own, and a wallet in front of it."""
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET)
    with WebServer(app, "127.0.0.1", 0) as server:
        yield OverHttp(server.port)


def ask(wallet: Asks, path: str, **fields: str) -> dict[str, Any]:
    response = wallet.get(path, query_string=fields)
    assert response.status_code == 200
    answer = response.get_json()
    assert isinstance(answer, dict)
    return answer


def scan(wallet: Asks, **fields: str) -> dict[str, Any]:
    return ask(wallet, "/ln", **fields)


def claim(wallet: Asks, k1: str, pr: str, **more: str) -> dict[str, Any]:
    return ask(wallet, "/ln/cb", k1=k1, pr=pr, **more)


def refused(answer: dict[str, Any]) -> Code:
    """The code of a refusal, whose words are in order."""
    assert answer["status"] == "ERROR"
    code = Code(answer["code"])
    assert answer["reason"] == f"{code.words.says}. {code.words.do}"
    return code
