"""No key leaves the host: every page, every file and every log, read for every key there is."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from dashboard.access import COOKIE
from dashboard.app import create_app
from dashboard.context import DashboardContext, Workbench
from hardware.demo.once import once
from hardware.demo.stage import stage
from host.daemon import Daemon
from host.keyring import FILE_NAME, Keyring, load
from host.ledger import cards, people
from host.ntag424 import keys
from host.ntag424.values import Uid
from host.setup import MANAGER
from host.till import Terminal

_HREF = re.compile(r'(?:href|action|data-[a-z-]*(?:url|src|href))="([^"#]+)')
_MANY = 400


def secrets_of(keyring: Keyring, uids: list[Uid]) -> set[str]:
    """Every key of the host and of its cards, as hex."""
    found = {keyring.secret, *(issuer.key.reveal() for issuer in keyring.issuers)}
    for issuer in keyring.issuers:
        for uid in uids:
            for version in range(4):
                found |= {key.reveal() for key in keys.derive(issuer.key, uid, version)}
                found.add(keys.card_key(issuer.key, uid, version).reveal())
    return {raw.hex() for raw in found}


def leaks(text: str, secrets: set[str]) -> set[str]:
    low = text.lower()
    return {secret for secret in secrets if secret in low}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Path, set[str]]]:
    """A daemon with the demo's cards, one of which has paid."""
    home = tmp_path_factory.mktemp("home")
    once(home, "direct", lambda _: None)
    with stage(home, "direct", lambda _: None, live=False) as (daemon, _reader):
        uids = [Uid.parse(card.uid) for card in cards.every(daemon.db)]
        yield daemon, home, secrets_of(load(home / FILE_NAME, allow_demo=True), uids)


def manager_of(daemon: Daemon) -> FlaskClient:
    reader = daemon.config.readers[0]
    context = DashboardContext(
        db=daemon.db,
        clock=daemon.clock,
        board=daemon.board,
        terminal=Terminal(reader.terminal, reader.store),
        secret=b"s" * 32,
        bench=Workbench(
            daemon.keyring, daemon.config.public.card_base, "https://pay.example/balance"
        ),
    )
    client = create_app(context).test_client()
    person = people.by_name(daemon.db, MANAGER)
    assert person is not None
    token = people.redeem(daemon.db, people.one_time_link(daemon.db, person.person_id))
    assert token is not None
    client.set_cookie(COOKIE, token)
    return client


def pages(client: FlaskClient) -> Iterator[tuple[str, str]]:
    """Every page that a manager can reach by links, and the data behind them."""
    todo, seen = ["/", "/api/payouts", "/api/stats", "/api/cards", "/api/openapi.json"], set()
    while todo and len(seen) < _MANY:
        path = todo.pop()
        if path in seen or path.startswith(("/static", "/live", "/sign-in")):
            continue
        seen.add(path)
        answer = client.get(path)
        text = answer.get_data(as_text=True)
        yield path, text
        links = [answer.location] if answer.location else _HREF.findall(text)
        for link in links:
            parts = urlsplit(urljoin(path, unescape(link)))
            if not parts.netloc or parts.hostname == "localhost":
                todo.append(parts.path + (f"?{parts.query}" if parts.query else ""))


def test_no_page_of_the_dashboard_holds_a_key(demo: tuple[Daemon, Path, set[str]]) -> None:
    daemon, _home, secrets = demo
    read = dict(pages(manager_of(daemon)))
    assert {"/payouts", "/cards", "/till", "/desk"} <= {path.partition("?")[0] for path in read}
    assert len(read) > 10
    assert not {path: found for path, text in read.items() if (found := leaks(text, secrets))}


def test_no_file_of_the_home_but_the_key_file_holds_a_key(
    demo: tuple[Daemon, Path, set[str]],
) -> None:
    _daemon, home, secrets = demo
    found = {}
    for path in home.rglob("*"):
        inside_a_card = path.parent.name == "cards"  # a twin card holds its own keys, as chips do
        if path.is_file() and path.name != FILE_NAME and not inside_a_card:
            raw = path.read_bytes()
            as_bytes = {one for one in secrets if bytes.fromhex(one) in raw}
            if hits := leaks(raw.decode("latin-1"), secrets) | as_bytes:
                found[path.name] = hits
    assert not found


def test_no_log_and_no_repr_holds_a_key(
    demo: tuple[Daemon, Path, set[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon, _home, secrets = demo
    with caplog.at_level(logging.DEBUG):
        once(tmp_path, "direct", lambda _: None)
    fresh = secrets_of(
        load(tmp_path / FILE_NAME, allow_demo=True),
        [Uid.parse(card.uid) for card in cards.every(daemon.db)],
    )
    assert not leaks(caplog.text, fresh)
    assert not leaks(repr((daemon.keyring, daemon.config, vars(daemon))), secrets)
