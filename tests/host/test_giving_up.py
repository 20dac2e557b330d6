"""A sale being checked that nobody can find out about: given up by a manager, never unwatched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.foreign import UNKNOWN_MS
from host.ledger import audit, books, giving_up, incoming, people, sales
from host.ledger.errors import LedgerError, NotAllowed, NotFound
from host.ledger.permissions import Role
from host.ledger.records import Sale, SaleState
from host.lightning.wallet import WalletDown
from host.money import sats
from tests.support.abroad import Abroad, abroad, now
from tests.support.command import taptill, words

REASON = "the node's disk is gone"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Abroad]:
    with abroad(tmp_path) as opened:
        yield opened
        assert books.check(opened.at.db).problems == []


@pytest.fixture
def dead(here: Abroad, monkeypatch: pytest.MonkeyPatch) -> Sale:
    """A locked sale, and a wallet that never answers again; its invoice has expired."""
    sale = here.locked()

    def gone(_: bytes) -> None:
        raise WalletDown("the wallet cannot be reached")

    monkeypatch.setattr(here.shop, "invoice_state", gone)
    here.expire(giving_up.GRACE_MS)
    here.foreign.step()
    assert now(here, sale).state is SaleState.CHECKING
    return sale


def test_a_manager_gives_it_up_with_a_reason_and_the_till_is_free(here: Abroad, dead: Sale) -> None:
    mona = people.create(here.at.db, "Mona", Role.MANAGER)
    assert [one.sale_id for one in giving_up.undecided(here.at.db)] == [dead.sale_id]
    closed = giving_up.give_up(here.at.db, dead.sale_id, REASON, mona)
    assert (closed.state, closed.data["given_up"]) == (SaleState.CANCELLED, REASON)
    assert giving_up.undecided(here.at.db) == []
    assert here.at.arm(5).state is SaleState.READY
    (line,) = here.at.db.read(
        lambda tx: tx.all("SELECT person_id, data FROM audit WHERE action = 'sale.give_up'")
    )
    assert line[0] == mona.person_id
    assert REASON in line[1]
    assert audit.verify(here.at.db) == []


def test_money_that_comes_after_all_is_told(
    here: Abroad, dead: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    giving_up.give_up(here.at.db, dead.sale_id, REASON)
    here.at.clock.advance(5_000)
    here.foreign.step()  # still dead, still watched
    (watched,) = incoming.due(here.at.db, everything=True)
    assert watched.sale_id == dead.sale_id
    here.at.clock.advance(-700_000)  # it was paid in time, and nobody heard of it
    here.bank_pays()
    here.at.clock.advance(UNKNOWN_MS)
    monkeypatch.undo()
    here.foreign.step()
    (told,) = here.events("sale.paid_late")
    assert (told["amount_msat"], told["was"]) == (sats(21), "cancelled")
    assert now(here, dead).state is SaleState.CANCELLED


def test_what_may_still_be_paid_is_not_given_up(here: Abroad) -> None:
    sale = here.locked()
    here.at.clock.stop()
    for ms in (0, giving_up.GRACE_MS // 2):  # the clock runs on while the test does
        if ms:
            here.expire(ms)
        with pytest.raises(LedgerError, match="may still be paid; wait until"):
            giving_up.give_up(here.at.db, sale.sale_id, REASON)
    assert now(here, sale).state is SaleState.CHECKING
    here.at.clock.advance(giving_up.GRACE_MS)
    giving_up.give_up(here.at.db, sale.sale_id, REASON)


def test_only_a_sale_being_checked_and_only_by_who_may(here: Abroad, dead: Sale) -> None:
    db = here.at.db
    cem = people.create(db, "Cem", Role.CASHIER, store_id="main")
    with pytest.raises(NotAllowed):
        giving_up.give_up(db, dead.sale_id, REASON, cem)
    with pytest.raises(LedgerError, match="reason"):
        giving_up.give_up(db, dead.sale_id, " ")
    with pytest.raises(NotFound):
        giving_up.give_up(db, "none", REASON)
    giving_up.give_up(db, dead.sale_id, REASON)
    with pytest.raises(LedgerError, match="it is cancelled"):
        giving_up.give_up(db, dead.sale_id, REASON)
    waiting = here.at.arm(5)
    with pytest.raises(LedgerError, match="it is ready"):
        giving_up.give_up(db, waiting.sale_id, REASON)
    assert sales.current(db, "till-1") == waiting


def test_the_command_lists_and_gives_up(here: Abroad, dead: Sale) -> None:
    home = here.at.db.path.parent
    here.at.db.transaction(lambda tx: tx.run("UPDATE sale_invoices SET expires_at = 1"))
    listed = taptill(home, "sales", "give-up")
    assert dead.sale_id in listed.output
    assert "--reason" in words(taptill(home, "sales", "give-up", dead.sale_id))
    done = taptill(home, "sales", "give-up", dead.sale_id, "--reason", REASON)
    assert (done.exit_code, done.output) == (0, "given up: 21 sat; should they come, it is told\n")
    assert "no sale is being checked" in taptill(home, "sales", "give-up").output
