"""Random ID: the last step, irreversible, and a card that hides its number is still told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.twin.card import Tear, TearAt, TwinCard
from host.ntag424.values import Uid
from provisioning.orders import Done, Goal
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import UID, Shop, lay, with_uid


def _hidden(shop: Shop) -> TwinCard:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE, random_id=True, random_id_confirmed=True)
    return card


def test_random_id_is_switched_on_when_all_else_is_done(shop: Shop) -> None:
    card = _hidden(shop)
    assert card.state.configuration.random_id
    assert len(lay(card).uid or b"") == 4


def test_a_hidden_card_is_checked_rekeyed_and_wiped_by_what_it_signs(shop: Shop) -> None:
    card = _hidden(shop)
    assert shop.done(card, Goal.ISSUE).uid == UID.hex()
    shop.done(card, Goal.REKEY)
    shop.done(card, Goal.WIPE)
    assert card.state.files == TwinCard.factory(UID).state.files


def test_a_hidden_blank_card_is_named_in_a_session_with_zero_keys(shop: Shop) -> None:
    state = TwinCard.factory(UID).state
    hidden = replace(state.configuration, random_id=True)
    card = TwinCard(replace(state, configuration=hidden))
    assert shop.done(card, Goal.ISSUE).uid == UID.hex()


@pytest.mark.parametrize("how", [TearAt.COMMAND, TearAt.ANSWER])
def test_a_hidden_card_torn_anywhere_in_its_life_is_finished_by_the_next_tap(
    shop: Shop, how: TearAt
) -> None:
    for at in range(32):
        card = _hidden_again(shop)
        for goal in (Goal.REKEY, Goal.WIPE, Goal.ISSUE):
            field = lay(card)
            card.tear(Tear(how, at))
            outcome = shop.workshop.work(field, shop.order(goal))
            card.tear(None)
            if isinstance(outcome, Trouble):
                assert outcome.code is TroubleCode.CARD_GONE
                outcome = shop.work(card, goal)
            assert isinstance(outcome, Done), (at, goal, outcome)
        assert card.state.keys[0].sequence_failures == 0
        shop.done(card, Goal.WIPE)


def _hidden_again(shop: Shop) -> TwinCard:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE, random_id=True, random_id_confirmed=True)
    return card


def test_a_tear_at_the_switch_itself_is_finished_too(shop: Shop) -> None:
    for number, how in enumerate((TearAt.COMMAND, TearAt.ANSWER)):
        card = with_uid(Uid(bytes([4, number, 0, 0, 0, 0, 0x80])))
        card.tear(Tear(how, 27))
        order = shop.order(Goal.ISSUE, random_id=True, random_id_confirmed=True)
        outcome = shop.workshop.work(lay(card), order)
        card.tear(None)
        assert isinstance(outcome, Trouble)
        assert isinstance(shop.work(card, Goal.ISSUE), Done)
        assert card.state.configuration.random_id
