"""People: passwords and PINs that are slow to try, sessions that end, links that work once."""

from __future__ import annotations

import pytest

from host.clock import MINUTE
from host.ledger import audit, people, pins, proof
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.permissions import PERMISSIONS, Person, Role
from tests.support.books import STORE, Shop

SECRET = "correct horse"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins.make_hash, "__kwdefaults__", {"cost": 1 << 4})
    monkeypatch.setattr(proof, "_NOBODY", proof._NOBODY.replace(str(pins.COST), "16"))


def ann(here: Shop, role: Role = Role.MANAGER) -> Person:
    return people.create(here.db, "Ann", role, store_id=STORE, password=SECRET, pin="2468")


def test_each_role_may_do_what_the_one_before_may(here: Shop) -> None:
    cashier, technician, manager = (PERMISSIONS[role] for role in Role)
    assert cashier < technician < manager
    assert "sale.charge" in cashier
    assert "card.provision" in technician - cashier
    assert {"payout.view", "audit.view", "sale.refund"} <= manager - technician


def test_people_are_found_by_id_and_by_name(here: Shop) -> None:
    person = ann(here)
    assert people.get(here.db, person.person_id) == people.by_name(here.db, "Ann") == person
    assert people.every(here.db) == [person]
    assert people.by_name(here.db, "Bob") is None
    with pytest.raises(Taken, match="name"):
        ann(here)
    with pytest.raises(LedgerError, match="password"):
        people.create(here.db, "Bob", Role.CASHIER, password="short")


def test_the_right_password_gives_a_session(here: Shop) -> None:
    person = ann(here)
    token = people.sign_in(here.db, "Ann", SECRET)
    assert token is not None
    assert people.session(here.db, token) == person
    assert people.session(here.db, token + "x") is None
    people.sign_out(here.db, token)
    assert people.session(here.db, token) is None


def test_each_lock_out_is_twice_as_long_as_the_one_before_until_an_hour(here: Shop) -> None:
    ann(here)
    locks = []
    for _ in range(6):
        for _ in range(proof.MAX_TRIES):
            assert people.sign_in(here.db, "Ann", "wrong password") is None
        until = people.locked_until(here.db, "Ann") or 0
        locks.append((until - here.clock.now()) // MINUTE)
        here.clock.advance(until - here.clock.now())
    assert locks == [5, 10, 20, 40, 60, 60]
    assert people.sign_in(here.db, "Ann", SECRET) is not None
    assert people.sign_in(here.db, "Ann", "wrong password") is None
    assert people.sign_in(here.db, "Ann", SECRET) is not None


def test_wrong_passwords_and_strangers_look_the_same(here: Shop) -> None:
    ann(here)
    people.create(here.db, "Bob", Role.CASHIER)
    for name in ("Ann", "Bob", "Nobody"):
        assert people.sign_in(here.db, name, "wrong password") is None


def test_a_stranger_takes_as_long_as_somebody(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    slow = pins.try_pin
    monkeypatch.setattr(
        pins, "try_pin", lambda stored, secret: (tried.append(secret), slow(stored, secret))[1]
    )
    ann(here)
    for name in ("Ann", "Nobody"):
        people.sign_in(here.db, name, "wrong password")
    assert len(tried) == 2


def test_five_wrong_passwords_lock_a_person_out_for_a_while(here: Shop) -> None:
    ann(here)
    for _ in range(proof.MAX_TRIES):
        assert people.locked_until(here.db, "Ann") is None
        assert people.sign_in(here.db, "Ann", "wrong password") is None
    assert people.locked_until(here.db, "Ann") == here.clock.now() + proof.LOCK_MS
    assert people.sign_in(here.db, "Ann", SECRET) is None
    here.clock.advance(proof.LOCK_MS)
    assert people.locked_until(here.db, "Ann") is None
    assert people.sign_in(here.db, "Ann", SECRET) is not None
    assert "person.locked" in [row.action for row in audit.recent(here.db)]


def test_a_session_ends_when_nobody_uses_it(here: Shop) -> None:
    ann(here)
    token = people.sign_in(here.db, "Ann", SECRET) or ""
    here.clock.advance(people.IDLE_MS - 1)
    assert people.session(here.db, token) is not None
    here.clock.advance(people.IDLE_MS - 1)
    assert people.session(here.db, token) is not None
    here.clock.advance(people.IDLE_MS)
    assert people.session(here.db, token) is None


def test_a_session_ends_in_the_end_however_much_it_is_used(here: Shop) -> None:
    ann(here)
    token = people.sign_in(here.db, "Ann", SECRET) or ""
    for _ in range(people.ABSOLUTE_MS // (people.IDLE_MS // 2) - 1):
        here.clock.advance(people.IDLE_MS // 2)
        assert people.session(here.db, token) is not None
    here.clock.advance(people.IDLE_MS // 2)
    assert people.session(here.db, token) is None


def test_using_a_session_is_written_once_a_minute_only(here: Shop) -> None:
    ann(here)
    token = people.sign_in(here.db, "Ann", SECRET) or ""
    written: list[object] = []
    transaction = here.db.transaction
    here.db.transaction = lambda fn: (written.append(fn), transaction(fn))[1]  # type: ignore[method-assign,func-returns-value,assignment]
    for _ in range(5):
        people.session(here.db, token)
    here.clock.advance(MINUTE)
    for _ in range(5):
        people.session(here.db, token)
    assert len(written) == 1


def test_a_blocked_person_is_out_at_once(here: Shop) -> None:
    person = ann(here)
    token = people.sign_in(here.db, "Ann", SECRET) or ""
    blocked = people.block(here.db, person.person_id, "boss")
    assert blocked.permissions == frozenset()
    assert people.session(here.db, token) is None
    assert people.sign_in(here.db, "Ann", SECRET) is None
    link = people.one_time_link(here.db, person.person_id)
    assert people.redeem(here.db, link) is None
    people.unblock(here.db, person.person_id)
    assert people.session(here.db, token) is None
    assert people.sign_in(here.db, "Ann", SECRET) is not None


@pytest.mark.parametrize("change", [people.set_password, people.set_pin])
def test_a_new_secret_ends_every_session(here: Shop, change: object) -> None:
    person = ann(here)
    token = people.sign_in(here.db, "Ann", SECRET) or ""
    change(here.db, person.person_id, "13571357")  # type: ignore[operator]
    assert people.session(here.db, token) is None


def test_a_link_signs_in_once_and_only_for_ten_minutes(here: Shop) -> None:
    person = ann(here)
    link = people.one_time_link(here.db, person.person_id)
    token = people.redeem(here.db, link)
    assert token is not None
    assert people.session(here.db, token) == person
    assert people.redeem(here.db, link) is None
    assert people.redeem(here.db, "made up") is None
    late = people.one_time_link(here.db, person.person_id)
    here.clock.advance(people.LINK_MS)
    assert people.redeem(here.db, late) is None
    with pytest.raises(NotFound):
        people.one_time_link(here.db, "nothing")


def test_no_table_holds_a_token_or_a_password(here: Shop) -> None:
    person = ann(here)
    link = people.one_time_link(here.db, person.person_id)
    token = people.redeem(here.db, link) or ""
    tables = ("people", "sessions", "sign_in_links", "audit", "events")
    for table in tables:
        rows = here.db.read(lambda tx, table=table: tx.all(f"SELECT * FROM {table}"))  # noqa: S608
        text = repr([tuple(row) for row in rows])
        assert not any(secret in text for secret in (link, token, SECRET, "2468"))
