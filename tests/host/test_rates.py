"""Rates: fixed or asked for, kept as one row, old ones shown as old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.clock import MINUTE, SECOND, ManualClock
from host.ledger import rates, stores
from host.ledger.errors import LedgerError
from host.ledger.rates import fiat_text
from host.lnurl.guard import Guard, GuardSettings
from host.money import MAX_MSAT, sats
from host.rates import Ages, FixedRate, HttpRate, NoRate, Rates, RateSource
from host.store.engine import Engine
from tests.support.scripted_http import ScriptedServer, reply

AGES = Ages(every_s=60, stale_s=600, void_s=3_600)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def db(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    with Engine.open(tmp_path / "taptill.db", clock) as db:
        stores.create(db, "Shop", store_id="main", currency="EUR")
        yield db


def keeper(db: Engine, clock: ManualClock, source: RateSource | None) -> Rates:
    return Rates(db, "EUR", source, AGES, clock)


def http(answer: object, path: str = "data.amount") -> tuple[ScriptedServer, HttpRate]:
    """A rate service of each shape that is around, and who asks it."""
    server = ScriptedServer(lambda _: answer() if callable(answer) else reply(answer))  # type: ignore[no-any-return]
    guard = Guard(GuardSettings(plain_hosts=frozenset({server.host}), deadline_s=30))
    return server, HttpRate(guard, f"{server.url}/rate", path, server.host)


def test_a_fixed_rate_never_ages(db: Engine, clock: ManualClock) -> None:
    assert keeper(db, clock, FixedRate("60000")).step()
    clock.advance(10_000 * MINUTE)
    rate = rates.of_store(db, "main")
    assert rate is not None
    assert (rate.rate, rate.source) == ("60000.00", "fixed")
    assert not rate.is_stale(clock.now())
    assert not rate.is_void(clock.now())


@pytest.mark.parametrize(
    ("answer", "path", "text"),
    [
        ({"data": {"amount": "61234.5"}}, "data.amount", "61234.50"),
        ({"bitcoin": {"eur": 61234}}, "bitcoin.eur", "61234.00"),
        ({"rates": [{"rate": 61234.567}]}, "rates.0.rate", "61234.57"),
    ],
)
def test_a_rate_is_read_from_the_usual_shapes(
    db: Engine, clock: ManualClock, answer: object, path: str, text: str
) -> None:
    server, source = http(answer, path)
    with server:
        assert keeper(db, clock, source).step()
    rate = rates.of_store(db, "main")
    assert rate is not None
    assert (rate.rate, rate.source, rate.at) == (text, server.host, clock.now())
    assert not rate.is_stale(clock.now() + 600 * SECOND - 1)
    assert rate.is_stale(clock.now() + 600 * SECOND)
    assert not rate.is_void(clock.now() + 3_600 * SECOND - 1)
    assert rate.is_void(clock.now() + 3_600 * SECOND)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": {"amount": "dear"}},
        {"data": {"amount": True}},
        {"data": {"amount": 0}},
        {"data": {"amount": "-1"}},
        {"data": {"amount": "Infinity"}},
        {"data": {"amount": {"x": 1}}},
        {"data": {"amount": 10**40}},
        lambda: reply(b"no JSON"),
        lambda: [b""],
    ],
)
def test_a_source_in_disorder_leaves_the_last_rate_with_its_age(
    db: Engine, clock: ManualClock, answer: object
) -> None:
    assert keeper(db, clock, FixedRate("60000")).step()
    before = rates.of_store(db, "main")
    clock.advance(MINUTE)
    server, source = http(answer)
    with server:
        assert not keeper(db, clock, source).step()
    assert rates.of_store(db, "main") == before


def test_threats_20_a_source_goes_through_the_guard() -> None:
    with pytest.raises(NoRate, match="not public"):
        HttpRate(Guard(), "https://127.0.0.1/", "x", "x").ask()


def test_without_a_source_there_is_no_rate(db: Engine, clock: ManualClock) -> None:
    keeper(db, clock, FixedRate("60000")).step()
    assert not keeper(db, clock, None).step()
    assert rates.of_store(db, "main") is None


@pytest.mark.parametrize("text", ["", "x", "0", "-5", "nan", "1e400", "1e16", None])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(LedgerError):
        rates.parse(text)


def test_worth_is_rounded_for_people() -> None:
    assert fiat_text(sats(2_100), "60000.00", "EUR") == "1.26 EUR"
    assert fiat_text(sats(100_000_000), "61234.56", "USD") == "61 234.56 USD"
    assert fiat_text(sats(1), "60000.00", "EUR") == "0.00 EUR"
    assert fiat_text(sats(2_100), "9000000", "JPY") == "189 JPY"


@given(st.integers(1, MAX_MSAT), st.decimals("0.01", "100000000", places=2))
def test_every_amount_has_a_worth(amount_msat: int, rate: object) -> None:
    assert fiat_text(amount_msat, str(rate), "EUR").endswith(" EUR")
