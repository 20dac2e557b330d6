"""What card this is, in plain words, and nothing is written for it."""

from __future__ import annotations

from dataclasses import replace

from hardware.twin.card import Tear, TearAt, TwinCard
from host.ledger import cards
from host.ntag424.read import read_tap_url
from provisioning.diagnose import Diagnosis, diagnose
from provisioning.orders import Goal
from provisioning.states import State
from provisioning.trouble import TroubleCode
from tests.provisioning.shop import BASE, UID, Shop, lay, with_uid
from tests.provisioning.test_other_tools import WIPE, _keys, _made_elsewhere


def _look(shop: Shop, card: TwinCard, **more: object) -> Diagnosis:
    return diagnose(shop.db, shop.keyring, lay(card), BASE, **more)  # type: ignore[arg-type]


def test_a_good_card_has_no_faults_and_tells_counter_and_last_claim(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    for _ in range(5):
        read_tap_url(lay(card).transceive)
    found = _look(shop, card)
    assert found.faults == ()
    assert "Counter on the card: 7; last claimed: 1 (5 reads in between)." in found.lines()
    assert "In the books: “Anna” of store main, active." in found.lines()


def test_a_blank_card_is_blank_and_signs_nothing(shop: Shop) -> None:
    found = _look(shop, with_uid(UID))
    assert found.state is State.BLANK
    assert "It signs nothing: signing is off." in found.lines()
    assert found.next() == "Next: issue it, or keep it."


def test_a_half_written_card_tells_which_keys_are_left(shop: Shop) -> None:
    card = with_uid(UID)
    card.tear(Tear(TearAt.ANSWER, 16))
    shop.work(card, Goal.ISSUE)
    found = _look(shop, card)
    assert found.state is State.PARTIAL
    assert "A job was begun and not finished: program, after 1 tap." in found.lines()
    assert "Keys still to be changed: 0, 3, 4." in found.lines()
    assert "repair" in found.next()


def test_a_strangers_card_shows_no_signature_that_checks(shop: Shop) -> None:
    found = _look(shop, _made_elsewhere())
    assert found.state is State.FOREIGN
    assert "p and c do not check with any key known here." in found.lines()
    assert _look(shop, _made_elsewhere(), imports=(_keys(WIPE),)).state is State.ADOPTABLE


def test_no_line_carries_p_or_c(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    text = "\n".join(_look(shop, card).lines())
    assert "p=" not in text
    assert "Address: lnurlw://pay.example.com/ln" in text


def test_a_card_wiped_by_a_phone_is_told_from_a_blank_one(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    state = card.state
    for number in range(5):
        state = state.with_key(number, TwinCard.factory(UID).state.keys[number])
    found = _look(shop, TwinCard(state))
    assert found.state is State.BLANK_SDM
    assert "repair" in found.next()


def test_a_frozen_card_an_other_address_and_old_keys_are_faults(shop: Shop) -> None:
    card = with_uid(UID)
    card_id = shop.done(card, Goal.ISSUE).card_id or ""
    cards.freeze(shop.db, card_id)
    assert _look(shop, card).faults == ("It is blocked in the books.",)
    assert _look(shop, card).next() == "Next: unblock it on its page, if it may pay again."
    cards.unfreeze(shop.db, card_id)
    found = diagnose(shop.db, shop.keyring, lay(card), "lnurlw://new.example.com/ln")
    assert found.faults == ("It carries another address.",)
    old = TwinCard(card.state)
    shop.done(card, Goal.REKEY)
    assert "Its keys are of another version than the books say." in _look(shop, old).faults


def test_another_chip_is_called_so(shop: Shop) -> None:
    class Phone:
        def transceive(self, apdu: bytes) -> bytes:
            return b"\x6a\x82"

    found = diagnose(shop.db, shop.keyring, Phone(), BASE)
    assert found.trouble is TroubleCode.NOT_424
    assert found.lines()[-1].startswith("Next: ")


def test_looking_writes_nothing_on_the_card(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    before = replace(card.state, read_counter=0)
    _look(shop, card)
    assert replace(card.state, read_counter=0) == before
