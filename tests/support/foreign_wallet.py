"""Somebody else's wallet in front of our LNURL service."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from host.bolt11 import Network
from host.ledger.codes import Code
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from tests.support.world import ISSUER, SECRET, World

SETTINGS = ServiceSettings("https://pay.example", max_msat=sats(500))


def client_of(shop: World, settings: ServiceSettings = SETTINGS, **more: Any) -> FlaskClient:
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET, **more)
    return app.test_client()


def ask(wallet: FlaskClient, path: str, **fields: str) -> dict[str, Any]:
    response = wallet.get(path, query_string=fields)
    assert response.status_code == 200
    answer = response.get_json()
    assert isinstance(answer, dict)
    return answer


def scan(wallet: FlaskClient, **fields: str) -> dict[str, Any]:
    return ask(wallet, "/ln", **fields)


def claim(wallet: FlaskClient, k1: str, pr: str, **more: str) -> dict[str, Any]:
    return ask(wallet, "/ln/cb", k1=k1, pr=pr, **more)


def refused(answer: dict[str, Any]) -> Code:
    """The code of a refusal, whose words are in order."""
    assert answer["status"] == "ERROR"
    code = Code(answer["code"])
    assert answer["reason"] == f"{code.words.says}. {code.words.do}"
    return code
