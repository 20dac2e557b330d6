"""Trusted devices: PINs count on them alone, and what began there is of use nowhere else."""

from __future__ import annotations

import pytest

from host.clock import MINUTE
from host.ledger import audit, devices, people, pins, proof, settings, stores
from host.ledger.devices import TILL_LOCK, Device, TillLock
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person, Role
from host.ledger.proof import Wrong
from tests.support.books import STORE, Shop

PIN = "2468"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins.make_hash, "__kwdefaults__", {"cost": 1 << 4})
    monkeypatch.setattr(proof, "_NOBODY", proof._NOBODY.replace(str(pins.COST), "16"))


@pytest.fixture
def device(here: Shop) -> Device:
    stores.ensure_terminal(here.db, "till-1", STORE)
    stores.ensure_terminal(here.db, "till-2", STORE)
    stores.create(here.db, "Elsewhere", store_id="elsewhere")
    stores.ensure_terminal(here.db, "far", "elsewhere")
    return devices.trust(here.db, "Counter", "till-1", "boss")[0]


def ann(here: Shop, role: Role = Role.CASHIER, store_id: str | None = STORE) -> Person:
    return people.create(here.db, "Ann", role, store_id=store_id, pin=PIN)


def signed_in(here: Shop, device: Device, person: Person, pin: str = PIN) -> str:
    token = devices.sign_in(here.db, device, person.person_id, pin)
    assert isinstance(token, str)
    return token


def test_a_device_is_known_by_its_token_until_it_is_trusted_no_more(here: Shop) -> None:
    stores.ensure_terminal(here.db, "till-1", STORE)
    device, token = devices.trust(here.db, " Counter  tablet ", "till-1", "boss")
    assert (device.name, device.store_id, device.terminal_id) == ("Counter tablet", STORE, "till-1")
    assert devices.of_token(here.db, token) == device
    assert devices.of_token(here.db, token + "x") is None
    assert devices.every(here.db, STORE) == devices.every(here.db) == [device]
    devices.revoke(here.db, device.device_id, "boss")
    assert devices.of_token(here.db, token) is None
    assert devices.every(here.db) == []
    with pytest.raises(NotFound):
        devices.revoke(here.db, device.device_id)
    assert [row.action for row in audit.recent(here.db, limit=2)] == [
        "device.revoke",
        "device.trust",
    ]


def test_a_link_makes_one_browser_a_device_within_ten_minutes(here: Shop) -> None:
    stores.ensure_terminal(here.db, "till-1", STORE)
    link = devices.one_time_link(here.db, "Tablet", "till-1", "boss")
    redeemed = devices.redeem(here.db, link)
    assert redeemed is not None
    device, token = redeemed
    assert (device.name, device.trusted_by, token != link) == ("Tablet", "boss", True)
    assert devices.redeem(here.db, link) is None
    assert devices.redeem(here.db, "made up") is None
    late = devices.one_time_link(here.db, "Tablet", "till-1")
    here.clock.advance(devices.LINK_MS)
    assert devices.redeem(here.db, late) is None
    with pytest.raises(NotFound):
        devices.one_time_link(here.db, "Tablet", "nowhere")


def test_a_pin_opens_a_session_that_counts_on_its_own_device_alone(
    here: Shop, device: Device
) -> None:
    person = ann(here)
    token = signed_in(here, device, person)
    other = devices.trust(here.db, "Other", "till-2")[0]
    assert people.session(here.db, token, device.device_id) == person
    assert people.session(here.db, token, other.device_id) is None
    assert people.session(here.db, token) is None
    devices.revoke(here.db, device.device_id)
    assert people.session(here.db, token, device.device_id) is None


def test_a_password_is_no_pin_and_a_pin_no_password(here: Shop, device: Device) -> None:
    person = ann(here)
    people.set_password(here.db, person.person_id, "correct horse")
    assert isinstance(devices.sign_in(here.db, device, person.person_id, "correct horse"), Wrong)
    assert people.sign_in(here.db, "Ann", PIN) is None


def test_by_pin_a_manager_is_a_cashier_of_the_devices_store(here: Shop, device: Device) -> None:
    boss = ann(here, Role.MANAGER, store_id=None)
    who = people.session(here.db, signed_in(here, device, boss), device.device_id)
    assert who is not None
    assert (who.person_id, who.role, who.store_id) == (boss.person_id, Role.CASHIER, STORE)


def test_somebody_of_another_store_cannot_sign_in_there_nor_stay(
    here: Shop, device: Device
) -> None:
    far = people.create(here.db, "Far", Role.CASHIER, store_id="elsewhere", pin=PIN)
    assert devices.colleagues(here.db, device) == []
    assert devices.sign_in(here.db, device, far.person_id, PIN) == Wrong(proof.MAX_TRIES)
    person = ann(here)
    token = signed_in(here, device, person)
    from host.ledger import roles

    roles.change(here.db, person.person_id, Role.CASHIER, "elsewhere")
    assert people.session(here.db, token, device.device_id) is None


def test_wrong_pins_are_counted_in_words_and_lock(here: Shop, device: Device) -> None:
    person = ann(here)
    for left in (4, 3, 2, 1):
        assert devices.sign_in(here.db, device, person.person_id, "9999") == Wrong(left)
    until = here.clock.now() + proof.LOCK_MS
    assert devices.sign_in(here.db, device, person.person_id, "9999") == Wrong(0, until)
    assert devices.sign_in(here.db, device, person.person_id, PIN) == Wrong(0, until)
    assert devices.colleagues(here.db, device)[0].locked_until == until
    here.clock.advance(proof.LOCK_MS)
    assert devices.colleagues(here.db, device)[0].locked_until is None
    signed_in(here, device, person)


def test_people_without_a_pin_or_blocked_are_not_offered(here: Shop, device: Device) -> None:
    person = ann(here)
    people.create(here.db, "Bob", Role.CASHIER, store_id=STORE)
    people.create(here.db, "Owner", Role.MANAGER, pin="8642")
    assert [one.name for one in devices.colleagues(here.db, device)] == ["Ann", "Owner"]
    people.block(here.db, person.person_id)
    assert [one.name for one in devices.colleagues(here.db, device)] == ["Owner"]
    assert isinstance(devices.sign_in(here.db, device, person.person_id, PIN), Wrong)


def test_the_next_persons_pin_ends_the_session_of_the_one_before(
    here: Shop, device: Device
) -> None:
    person = ann(here)
    bob = people.create(here.db, "Bob", Role.CASHIER, store_id=STORE, pin="8642")
    token = signed_in(here, device, person)
    wrong = devices.sign_in(here.db, device, bob.person_id, PIN, instead_of=token)
    assert isinstance(wrong, Wrong)
    assert people.session(here.db, token, device.device_id) == person
    after = devices.sign_in(here.db, device, bob.person_id, "8642", instead_of=token)
    assert isinstance(after, str)
    assert people.session(here.db, token, device.device_id) is None
    assert people.session(here.db, after, device.device_id) == bob


def test_a_till_that_nobody_uses_is_locked_for_its_person(here: Shop, device: Device) -> None:
    person = ann(here)
    settings.put(here.db, STORE, TILL_LOCK, TillLock(minutes=2))
    token = signed_in(here, device, person)
    here.clock.advance(MINUTE)
    assert people.session(here.db, token, device.device_id) == person
    assert devices.locked_out(here.db, device, token) is None
    here.clock.advance(MINUTE)
    # An open page that keeps itself fresh is nobody's work.
    assert people.session(here.db, token, device.device_id, used=False) == person
    here.clock.advance(MINUTE)
    assert people.session(here.db, token, device.device_id) is None
    assert devices.locked_out(here.db, device, token) == person
    devices.sign_in(here.db, device, person.person_id, PIN, instead_of=token)
    assert devices.locked_out(here.db, device, token) is None


@pytest.mark.parametrize("minutes", [0, 481])
def test_how_soon_a_till_locks_has_bounds(minutes: int) -> None:
    with pytest.raises(LedgerError, match="minutes"):
        TillLock(minutes)


def test_a_device_charges_at_another_terminal_of_its_store_only(here: Shop, device: Device) -> None:
    devices.charge_at(here.db, device.device_id, "till-2", "ann")
    moved = devices.get(here.db, device.device_id)
    assert moved is not None
    assert moved.terminal_id == "till-2"
    for wrong in ("far", "nowhere"):
        with pytest.raises(NotFound):
            devices.charge_at(here.db, device.device_id, wrong)
    before = audit.head(here.db)
    devices.charge_at(here.db, device.device_id, "till-2")
    assert audit.head(here.db) == before


def test_a_devices_last_use_is_written_every_ten_minutes_only(here: Shop) -> None:
    stores.ensure_terminal(here.db, "till-1", STORE)
    device, token = devices.trust(here.db, "Counter", "till-1")
    here.clock.advance(devices.SEEN_EVERY_MS - 1)
    devices.of_token(here.db, token)
    assert devices.every(here.db) == [device]
    here.clock.advance(1)
    devices.of_token(here.db, token)
    assert devices.every(here.db)[0].seen_at == here.clock.now()


@pytest.mark.parametrize("pin", ["0000", "7777777", "1234", "87654321", "7890", "0987"])
def test_a_pin_that_is_tried_first_is_refused(here: Shop, pin: str) -> None:
    with pytest.raises(LedgerError, match="too easy"):
        people.create(here.db, "Ann", Role.CASHIER, pin=pin)


@pytest.mark.parametrize("pin", ["", "123", "13579135 ", "135791357", "12a4", "١٣٥٧"])
def test_a_pin_has_four_to_eight_digits(here: Shop, pin: str) -> None:
    person = ann(here)
    with pytest.raises(LedgerError, match="4 to 8 digits"):
        people.set_pin(here.db, person.person_id, pin)


def test_a_new_pin_ends_every_session_but_the_one_it_was_set_in(here: Shop, device: Device) -> None:
    person = ann(here)
    ours, theirs = signed_in(here, device, person), signed_in(here, device, person)
    people.set_pin(here.db, person.person_id, "1357", person.person_id, keep=ours)
    assert people.session(here.db, ours, device.device_id) == person
    assert people.session(here.db, theirs, device.device_id) is None
    signed_in(here, device, person, "1357")


def test_no_table_holds_a_devices_token(here: Shop) -> None:
    stores.ensure_terminal(here.db, "till-1", STORE)
    _, token = devices.trust(here.db, "Counter", "till-1")
    link = devices.one_time_link(here.db, "Tablet", "till-1")
    for table in ("devices", "device_links", "audit", "events"):
        rows = here.db.read(lambda tx, table=table: tx.all(f"SELECT * FROM {table}"))  # noqa: S608
        assert not any(secret in repr([tuple(row) for row in rows]) for secret in (token, link))
