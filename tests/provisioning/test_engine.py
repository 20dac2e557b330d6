"""One engine, three uses: what it costs, what it leaves behind, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.twin.card import TwinCard
from host.ledger import cards, pull_payments, taps
from host.ledger.taps import VerifiedTap
from host.ntag424 import keys, sun
from host.ntag424.files import FACTORY_FILES, FileNo
from host.ntag424.ndef import MAX_BASE
from host.ntag424.read import read_tap_url
from host.ntag424.values import Key, Uid
from provisioning import journal
from provisioning.issue import Issued, issue_card
from provisioning.orders import Done, Goal
from provisioning.plan import distinct
from provisioning.seen import Depth
from provisioning.states import State
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import BASE, UID, Field, Shop, lay, with_uid


def _code(outcome: object) -> TroubleCode:
    assert isinstance(outcome, Trouble), outcome
    return outcome.code


def _row(shop: Shop, uid: Uid = UID) -> cards.Card:
    row = cards.by_uid(shop.db, uid)
    assert row is not None
    return row


# --- what it costs ---------------------------------------------------------------------------


def test_a_blank_card_takes_14_apdus_on_the_fast_path(shop: Shop) -> None:
    assert shop.done(with_uid(UID), Goal.ISSUE, depth=Depth.FAST).apdus == 14


def test_a_blank_card_takes_27_apdus_with_full_reading_before_and_after(shop: Shop) -> None:
    assert shop.done(with_uid(UID), Goal.ISSUE).apdus == 27


@pytest.mark.parametrize("depth", Depth)
def test_a_finished_card_run_again_is_only_checked_in_at_most_17_apdus(
    shop: Shop, depth: Depth
) -> None:
    card = with_uid(UID)
    first = shop.done(card, Goal.ISSUE, depth=depth)
    before = card.state
    again = shop.done(card, Goal.ISSUE, depth=depth)
    assert again.already
    assert again.apdus <= 17
    assert again.card_id == first.card_id
    assert replace(card.state, read_counter=0) == replace(before, read_counter=0)


@pytest.mark.parametrize("goal", [Goal.REKEY, Goal.WIPE])
def test_a_rekey_and_a_wipe_take_at_most_27_apdus_with_full_reading(shop: Shop, goal: Goal) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    assert shop.done(card, goal).apdus <= 27


def test_a_card_whose_uid_no_reader_told_is_asked_for_it(shop: Shop) -> None:
    card = with_uid(UID)
    card.power_on()
    issued = issue_card(
        shop.db,
        shop.keyring,
        BASE,
        Field(card),
        store_id="main",
        pull_payment_id=shop.account,
        alias="Anna",
    )
    assert isinstance(issued, Issued)
    assert issued.uid == UID.hex()


# --- what it leaves behind -------------------------------------------------------------------


def test_an_issued_card_pays_and_its_programming_tap_is_spent(shop: Shop) -> None:
    card = with_uid(UID)
    done = shop.done(card, Goal.ISSUE)
    assert _row(shop).last_counter == done.counter == 1
    message = sun.parse_url(read_tap_url(lay(card).transceive)).message
    tap = taps.verify(shop.db, shop.keyring.issuers, message)
    assert isinstance(tap, VerifiedTap)
    assert tap.counter > _row(shop).last_counter


def test_all_five_keys_are_different(shop: Shop) -> None:  # THREATS 10
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    held = keys.CardKeys(*(slot.key for slot in card.state.keys))
    assert distinct(held)
    assert held == keys.derive(shop.keyring.newest.key, UID, 1)


def test_a_wiped_card_is_as_delivered_with_sdm_off(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    shop.done(card, Goal.WIPE)
    new = TwinCard.factory(UID).state
    assert card.state.files == new.files
    assert [(slot.key, slot.version) for slot in card.state.keys] == [(Key.zero(), 0)] * 5
    assert _row(shop).state == "wiped"


def test_a_card_made_again_never_uses_a_key_version_twice(shop: Shop) -> None:  # THREATS 11
    card = with_uid(UID)
    versions = []
    for _ in range(3):
        versions.append(shop.done(card, Goal.ISSUE).key_version)
        old = sun.parse_url(read_tap_url(lay(card).transceive)).message
        shop.done(card, Goal.WIPE)
    shop.done(card, Goal.ISSUE)
    assert len(set(versions)) == 3
    assert not isinstance(taps.verify(shop.db, shop.keyring.issuers, old), VerifiedTap)


def test_a_card_made_again_is_a_new_card_in_the_books_beside_the_old(shop: Shop) -> None:
    card = with_uid(UID)
    first = shop.done(card, Goal.ISSUE, alias="Anna").card_id
    shop.done(card, Goal.WIPE)
    second = shop.done(card, Goal.ISSUE, alias="Bert").card_id
    assert first
    assert second
    assert first != second
    old = cards.get(shop.db, first)
    assert old is not None
    assert (old.alias, old.state) == ("Anna", "wiped")
    assert _row(shop).alias == "Bert"


def test_key_version_and_counter_change_together_with_a_rekey(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    done = shop.done(card, Goal.REKEY)
    assert (_row(shop).key_version, _row(shop).last_counter) == (2, done.counter)


def test_a_frozen_card_stays_frozen_under_new_keys(shop: Shop) -> None:
    card = with_uid(UID)
    card_id = shop.done(card, Goal.ISSUE).card_id or ""
    cards.freeze(shop.db, card_id)
    shop.done(card, Goal.REKEY)
    assert _row(shop).state == "frozen"


def test_a_rotated_issuer_makes_new_cards_and_rekeys_old_ones(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    old_issuer = shop.keyring.newest.issuer_id
    shop.rotate()
    assert shop.done(card, Goal.ISSUE).already
    assert _row(shop).issuer_id == old_issuer
    shop.done(card, Goal.REKEY)
    assert _row(shop).issuer_id == shop.keyring.newest.issuer_id


def test_a_chip_that_counts_anew_under_new_keys_stays_the_same_card(shop: Shop) -> None:
    card = with_uid(UID)
    first = shop.done(card, Goal.ISSUE).card_id or ""
    for _ in range(3):
        read_tap_url(lay(card).transceive)
    shop.done(card, Goal.REKEY)
    card = TwinCard(replace(card.state, read_counter=0))  # PROTOCOL 13.1: unknown on real cards
    shop.done(card, Goal.REKEY)
    row = _row(shop)
    assert (row.card_id, row.key_version, row.last_counter) == (first, 3, 2)


def test_the_counter_of_a_card_whose_signing_was_left_on_is_kept_as_seen(shop: Shop) -> None:
    card = _left_with_sdm(shop)
    done = shop.done(card, Goal.ISSUE)
    assert done.state is State.BLANK_SDM
    assert done.counter == card.state.read_counter == _row(shop).last_counter


def _left_with_sdm(shop: Shop) -> TwinCard:
    """What the phone app's wipe leaves: zero keys, address and SDM still on."""
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    shop.done(card, Goal.WIPE)
    shop.done(card, Goal.ISSUE)
    state = card.state
    for number in range(5):
        state = state.with_key(number, TwinCard.factory(UID).state.keys[number])
    return TwinCard(state)


def test_repair_switches_left_over_sdm_off(shop: Shop) -> None:
    card = _left_with_sdm(shop)
    done = shop.done(card, Goal.REPAIR)
    assert done.state is State.BLANK_SDM
    assert card.state.files == TwinCard.factory(UID).state.files


def test_repair_mends_the_address_without_new_keys(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    ndef = card.state.files[1]
    spoilt = replace(ndef, content=ndef.content.replace(b"pay.example", b"bad.example"))
    card = TwinCard(card.state.with_file(2, spoilt))
    done = shop.done(card, Goal.REPAIR)
    assert not done.already
    assert b"pay.example.com" in card.state.files[1].content
    assert _row(shop).key_version == 1


def test_repair_of_switched_off_signing_takes_new_keys_since_the_chip_counts_anew(
    shop: Shop,
) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    factory = TwinCard.factory(UID).state.files[1]
    card = TwinCard(card.state.with_file(2, factory))
    shop.done(card, Goal.REPAIR)
    assert _row(shop).key_version == 2


def test_an_address_too_long_for_a_card_is_refused_before_anything_is_written(
    shop: Shop,
) -> None:
    card = with_uid(UID)
    base = "lnurlw://pay.example.com/".ljust(MAX_BASE + 1, "a")
    with pytest.raises(ValueError, match="characters fit a card"):
        shop.work(card, Goal.ISSUE, url_base=base)
    assert card.state == TwinCard.factory(UID).state


# --- the journal -----------------------------------------------------------------------------


def test_the_journal_is_durable_before_the_first_write(shop: Shop) -> None:  # THREATS 24
    card = with_uid(UID)
    seen = []

    class Watching(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if apdu[1] in (0x8D, 0x5F, 0xC4):
                seen.append(journal.open_job(shop.db, UID))
            return super().transceive(apdu)

    shop.workshop.work(Watching(card, card.identity), shop.order(Goal.ISSUE))
    assert len(seen) == 7
    assert all(job is not None and job.new_set.endswith(":1") for job in seen)


def test_a_job_leaves_its_history_and_no_open_row(shop: Shop) -> None:
    card = with_uid(UID)
    for goal in (Goal.ISSUE, Goal.REKEY, Goal.WIPE):
        shop.done(card, goal)
    uses = [(job.use, job.state) for job in journal.history(shop.db, UID)]
    assert uses == [("wipe", "done"), ("rekey", "done"), ("program", "done")]


def test_an_unfinished_job_goes_on_as_it_was_begun_whatever_the_new_order_says(
    shop: Shop,
) -> None:
    card = with_uid(UID)
    _tear_at(shop, card, 20)
    done = shop.done(card, Goal.ISSUE, alias="Bert")
    assert done.resumed
    assert _row(shop).alias == "Anna"


def _tear_at(shop: Shop, card: TwinCard, apdus: int) -> None:
    class Torn(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if self.apdus == apdus:
                raise ConnectionError("torn")
            return super().transceive(apdu)

    field = lay(card)
    outcome = shop.workshop.work(Torn(card, field.uid), shop.order(Goal.ISSUE))
    assert _code(outcome) is TroubleCode.CARD_GONE


def test_a_half_written_card_can_be_wiped_at_once(shop: Shop) -> None:
    for apdus in range(12, 27):
        card = with_uid(Uid(b"\x04" + bytes(5) + bytes([apdus])))
        _tear_at(shop, card, apdus)
        assert isinstance(shop.work(card, Goal.WIPE), Done)
        assert card.state.files == TwinCard.factory(card.state.uid).state.files


def test_a_torn_card_is_told_even_when_the_journal_was_lost(shop: Shop) -> None:
    card = with_uid(UID)
    _tear_at(shop, card, 18)
    shop.db.transaction(lambda tx: tx.run("DELETE FROM provisioning_jobs"))
    done = shop.done(card, Goal.REPAIR)
    assert done.state is State.PARTIAL
    assert card.state.files == TwinCard.factory(UID).state.files


def test_a_settings_file_is_as_delivered_by_the_published_values() -> None:
    assert FACTORY_FILES[FileNo.NDEF].encode().hex() == "0000e0ee000100"


def test_two_accounts_never_mix_up_their_cards(shop: Shop) -> None:
    other = pull_payments.create(shop.db, "other", "Theirs").pull_payment_id
    outcome = issue_card(
        shop.db,
        shop.keyring,
        BASE,
        lay(with_uid(UID)),
        store_id="other",
        pull_payment_id=other,
        alias="Anna",
    )
    assert isinstance(outcome, Issued)
    assert _row(shop).store_id == "other"
