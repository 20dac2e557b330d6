"""A backup in the place of the ledger: what was spent or blocked since stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.clock import ManualClock
from host.config import DATABASE_NAME
from host.daemon_lock import AlreadyRunning, take_home
from host.ledger import audit, books, cards, claims, pull_payments
from host.ledger.codes import Code, Refused
from host.ledger.records import CardState
from host.ledger.taps import VerifiedTap
from host.money import sats
from host.ntag424.values import Uid
from host.payer import Payer
from host.restore import restore
from host.store.engine import Engine
from host.store.errors import StoreDamaged
from tests.support.command import taptill, words
from tests.support.paying import claim
from tests.support.world import KEY_VERSION, UID, World, add_card, world


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def yesterday(home: Path, *, spoil: str = "") -> tuple[World, Path]:
    """A ledger that went on after its backup: a tap was spent, and the card then blocked."""
    backup = home / "backup.db"
    with world(home) as shop:
        shop.db.backup(backup)
        claims_of = claim(shop, counter=5)
        assert claims_of.counter == 5
        cards.freeze(shop.db, shop.card.card_id)
    if spoil:
        (home / DATABASE_NAME).write_bytes(spoil.encode())
    return shop, backup


def tapped(db: Engine, shop: World, counter: int) -> Refused | object:
    """What the card's tap may ask for."""
    return claims.quote(db, VerifiedTap(shop.card.card_id, UID, counter, KEY_VERSION))


def test_a_tap_that_was_spent_since_pays_nothing_and_a_blocked_card_stays_blocked(
    tmp_path: Path, clock: ManualClock
) -> None:
    shop, backup = yesterday(tmp_path)
    lines = restore(tmp_path, backup, clock)
    assert "counters and blocks came over from 1 card" in lines
    with Engine.open(tmp_path / DATABASE_NAME, clock) as db:
        card = cards.get(db, shop.card.card_id)
        assert card is not None
        assert (card.last_counter, card.state) == (5, CardState.FROZEN)
        cards.unfreeze(db, card.card_id)
        assert tapped(db, shop, 5) == Refused(Code.SUN_REPLAYED)
        assert isinstance(tapped(db, shop, 6), claims.Quote)
        assert books.check(db).problems == []
        assert [one.action for one in audit.recent(db)][:2] == ["card.active", "ledger.restore"]
        account = pull_payments.get(db, shop.account.pull_payment_id)
        assert account is not None
        assert (account.balance_msat, account.held_msat) == (sats(1_000), 0)


def test_the_ledger_that_was_here_is_kept_whole_and_no_journal_of_it_stays(
    tmp_path: Path, clock: ManualClock
) -> None:
    shop, backup = yesterday(tmp_path)
    restore(tmp_path, backup, clock)
    (kept,) = tmp_path.glob(f"{DATABASE_NAME}.before-*")
    with Engine.open(kept, clock, read_only=True) as old:
        card = cards.get(old, shop.card.card_id)
        assert card is not None
        assert card.last_counter == 5
    here = {one.name for one in tmp_path.iterdir()}
    assert not {f"{DATABASE_NAME}-wal", f".{DATABASE_NAME}.restoring"} & here


def test_a_ledger_that_cannot_be_read_is_replaced_and_its_loss_is_told(
    tmp_path: Path, clock: ManualClock
) -> None:
    shop, backup = yesterday(tmp_path, spoil="no database at all")
    (tmp_path / f"{DATABASE_NAME}-wal").write_bytes(b"of another one")
    lines = restore(tmp_path, backup, clock)
    assert "cannot be read" in lines[0]
    assert not (tmp_path / f"{DATABASE_NAME}-wal").exists()
    with Engine.open(tmp_path / DATABASE_NAME, clock) as db:
        assert isinstance(tapped(db, shop, 5), claims.Quote)
        assert books.check(db).ok


def test_cards_and_payments_that_the_backup_does_not_have_are_told(
    tmp_path: Path, clock: ManualClock
) -> None:
    backup = tmp_path / "backup.db"
    with world(tmp_path) as shop:
        shop.db.backup(backup)
        add_card(shop.db, shop.account, Uid.parse("04a39493cc8681"))
        claim(shop)
        payer = Payer(shop.db, shop.pool, shop.clock)
        payer.step()
        payer.stop()
    lines = restore(tmp_path, backup, clock)
    assert "made, or made anew, since the backup: 1 card; make them once more" in lines
    assert "not in these books: 1 payment of 21 sat; adjust the accounts" in lines


def test_nothing_is_changed_while_a_daemon_runs_or_by_a_file_that_is_no_ledger(
    tmp_path: Path, clock: ManualClock
) -> None:
    _, backup = yesterday(tmp_path)
    before = (tmp_path / DATABASE_NAME).read_bytes()
    with take_home(tmp_path), pytest.raises(AlreadyRunning):
        restore(tmp_path, backup, clock)
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"something else")
    with pytest.raises(StoreDamaged):
        restore(tmp_path, wrong, clock)
    with Engine.open(backup, clock) as db:
        db.transaction(lambda tx: tx.run("UPDATE pull_payments SET balance_msat = 5"))
    with pytest.raises(StoreDamaged, match="books disagree"):
        restore(tmp_path, backup, clock)
    assert (tmp_path / DATABASE_NAME).read_bytes() == before
    assert not list(tmp_path.glob("*.restoring*")) + list(tmp_path.glob(".*.restoring*"))


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    with world(tmp_path):
        told = taptill(tmp_path, "backup", str(tmp_path / "one.db"))
        assert "issuer-keys.json" in told.output
        assert words(taptill(tmp_path, "backup", str(tmp_path / "one.db")))  # it is there already
    told = taptill(tmp_path, "restore", str(tmp_path / "one.db"))
    assert told.output.splitlines()[-1].startswith("restored ")
    assert words(taptill(tmp_path, "restore", str(tmp_path / "nothing.db")))
