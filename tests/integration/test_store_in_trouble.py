"""The ledger cannot be written: clear answers, nothing half done, and all is well afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from host import keyring as keyrings
from host.config import DATABASE_NAME
from host.daemon import Daemon
from host.ledger.codes import Code, Refused
from host.ledger.records import PayoutStatus, SaleState
from host.money import sats
from host.readers.base import Look
from host.store.driver import sqlite3
from host.store.engine import Engine
from host.store.errors import StoreBusy, StoreReadOnly, StoreTooNew
from host.store.tx import Tx
from host.till import Terminal, arm
from tests.support.running import (
    HeldCard,
    RunningShop,
    config_of,
    nothing_written,
    payouts_of,
    refused,
    running,
    wait_for,
    wait_payout,
    wait_sale,
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers wait a moment for another process, not the four seconds of a shop."""
    assert "busy_ms" in Engine.open.__func__.__kwdefaults__  # type: ignore[attr-defined]
    monkeypatch.setitem(Engine.open.__func__.__kwdefaults__, "busy_ms", 150)  # type: ignore[attr-defined]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running(tmp_path / "home") as opened:
        yield opened
        opened.check_books()


@contextmanager
def locked(shop: RunningShop) -> Iterator[None]:
    """Another program has the database for itself."""
    other = sqlite3.connect(shop.db.path, isolation_level=None)
    try:
        wait_for(shop.db, lambda: _begun(other), "the lock")
        yield
    finally:
        other.rollback()
        other.close()


def _begun(conn: sqlite3.Connection) -> bool:
    try:
        conn.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


@contextmanager
def read_only(shop: RunningShop) -> Iterator[None]:
    """SQLite refuses every write, as on a file that became read-only."""
    shop.db.transaction(lambda tx: tx.run("PRAGMA query_only = ON"))
    try:
        yield
    finally:
        assert shop.db._writer is not None
        shop.db._writer._conn.execute("PRAGMA query_only = OFF")


@contextmanager
def full(shop: RunningShop) -> Iterator[None]:
    """There is room for a few more pages on the disk, then for none."""

    def limit(tx: Tx) -> None:
        now = tx.one("PRAGMA page_count")
        assert now is not None
        tx.run(f"PRAGMA max_page_count = {now[0] + 6}")

    shop.db.transaction(limit)
    try:
        yield
    finally:
        shop.db.transaction(lambda tx: tx.run("PRAGMA max_page_count = 1073741823"))


TROUBLES = [locked, read_only]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_claim_over_http_is_refused_in_words_and_paid_when_asked_again(
    shop: RunningShop, trouble: Any
) -> None:
    card, offered = shop.card(), shop.invoice(50)
    k1 = shop.scan(**card.tap())["k1"]
    with nothing_written(shop):
        with trouble(shop):
            assert refused(shop.claim(k1, offered)) is Code.STORE_OFFLINE
            scanned = shop.scan(**card.tap())  # reading goes on
            assert scanned["tag"] == "withdrawRequest"
        assert payouts_of(shop.db, card) == []
    assert shop.claim(k1, offered) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert shop.balance(card) == (9_950, 0, 50)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_tap_at_the_till_takes_nothing_says_so_and_the_next_one_pays(
    shop: RunningShop, trouble: Any
) -> None:
    card, sale = shop.card(), shop.arm(50)
    with nothing_written(shop), trouble(shop):
        shop.lay(card)
        assert shop.reader().wait_shown(Look.RETRY, 20_000)
        dots = {part.name: part for part in shop.daemon.board.parts("till-1")}
        assert not dots["ledger"].ok
        refusal = arm(shop.db, shop.daemon.board, Terminal("till-1", "main"), sats(1))
        assert isinstance(refusal, Refused)
        assert refusal.code is Code.STORE_OFFLINE
        assert refusal.detail["part"] == "ledger"
    shop.lift()
    shop.lay(card)
    wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
    assert shop.balance(card) == (9_950, 0, 50)
    shop.daemon.board.beat()
    assert all(part.ok for part in shop.daemon.board.parts("till-1"))


def test_threat_32_a_full_disk_keeps_every_promise_made_before_and_makes_no_other(
    shop: RunningShop,
) -> None:
    """Claims until nothing fits: every "OK" is a payout, every refusal is none."""
    held = [shop.card(f"card {n}") for n in range(12)]
    promised: list[tuple[HeldCard, int]] = []
    with full(shop):
        for amount in range(1, 240):
            card = held[amount % 12]
            refused_tap = card.tap()
            k1 = shop.scan(**refused_tap).get("k1")
            if k1 is None:  # its last payment waits for room
                continue
            answer = shop.claim(k1, shop.invoice(amount))
            if answer == {"status": "OK"}:
                promised.append((card, sats(amount)))
            elif refused(answer) is Code.STORE_OFFLINE:
                break
            else:
                assert refused(answer) in {Code.CARD_BUSY, Code.RATE_LIMITED}
        else:
            pytest.fail("the disk was never full")
        kept = len(payouts_of(shop.db, card))
        assert refused(shop.claim(k1, shop.invoice(7))) is Code.STORE_OFFLINE
        assert len(payouts_of(shop.db, card)) == kept
    assert promised
    # Sent, but not kept as settled: looked up when its lease is over.
    shop.clock.advance(61_000)  # type: ignore[attr-defined]
    for card in held:
        wanted = [amount for one, amount in promised if one is card]
        if wanted:
            wait_payout(shop.db, card, PayoutStatus.COMPLETED)
        assert [one.amount_msat for one in payouts_of(shop.db, card)] == wanted
    assert shop.claim(shop.scan(**refused_tap)["k1"], shop.invoice(7)) == {"status": "OK"}
    wait_for(
        shop.db,
        lambda: shop.stranger.balance_msat() == sats(7) + sum(amount for _, amount in promised),
        "everything promised to be paid",
    )


def test_a_ledger_from_the_future_stops_the_start_and_is_left_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home) as shop:
        config, keyring = shop.config, shop.keyring
    conn = sqlite3.connect(home / DATABASE_NAME)
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    conn.execute("PRAGMA user_version = 999")
    conn.commit()
    conn.close()
    content = (home / DATABASE_NAME).read_bytes()
    with pytest.raises(StoreTooNew, match="newer Taptill"):
        Daemon(home, config, keyring).start()
    assert (home / DATABASE_NAME).read_bytes() == content
    conn = sqlite3.connect(home / DATABASE_NAME)
    conn.execute(f"PRAGMA user_version = {version}")
    conn.commit()
    conn.close()
    with running(home, config=config) as again:
        assert again.pay(again.card(), 10).state is SaleState.APPROVED


def test_a_ledger_that_somebody_holds_stops_the_start_with_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home) as shop:
        config = shop.config
    other = sqlite3.connect(home / DATABASE_NAME, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreBusy, match="Another program"):
            Daemon(home, config, keyrings.load(home / keyrings.FILE_NAME)).start()
    finally:
        other.close()
    with running(home, config=config) as again:
        assert again.pay(again.card(), 10).state is SaleState.APPROVED


def test_a_ledger_where_none_can_be_written_stops_the_start_with_words(tmp_path: Path) -> None:
    """A folder in the place of the file: for the system's own reasons it cannot be opened."""
    home = tmp_path / "home"
    home.mkdir()
    (home / DATABASE_NAME).mkdir()
    keyrings.save(keyrings.generate(), home / keyrings.FILE_NAME)
    keyring = keyrings.load(home / keyrings.FILE_NAME)
    with pytest.raises(StoreReadOnly, match="cannot be opened"):
        Daemon(home, config_of("till-1"), keyring).start()
