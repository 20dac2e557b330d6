"""What is refused, with words, and with nothing written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.twin.card import Tear, TearAt, TwinCard
from host.keyring import Issuer, Keyring
from host.ledger import cards, pull_payments, sales, stores
from host.ntag424.values import Key, Uid
from provisioning import journal
from provisioning.engine import Workshop
from provisioning.orders import Done, Goal
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import UID, Field, Shop, lay, with_uid

OTHER = Uid.parse("04111111111180")


def _refused(outcome: object, code: TroubleCode) -> Trouble:
    assert isinstance(outcome, Trouble), outcome
    assert outcome.code is code
    assert not outcome.wrote
    assert outcome.words
    return outcome


def _untouched(card: TwinCard, before: TwinCard) -> bool:
    return _written(card) == _written(before)


def _written(card: TwinCard) -> object:
    """Keys, versions and files; an authentication that was begun is no write."""
    return [(slot.key, slot.version) for slot in card.state.keys], card.state.files


class Swapping(Field):
    """Another card lies there from one APDU on."""

    def __init__(self, first: TwinCard, second: TwinCard, at: int) -> None:
        super().__init__(first, first.identity)
        self._second, self._at = second, at

    def transceive(self, apdu: bytes) -> bytes:
        if self.apdus == self._at:
            self.card = self._second
        return super().transceive(apdu)


@pytest.mark.parametrize("at", range(1, 13))
def test_a_card_swapped_before_the_first_write_is_refused_and_neither_is_written(
    shop: Shop, at: int
) -> None:  # THREATS 23
    first, second = with_uid(UID), with_uid(OTHER)
    outcome = shop.workshop.work(Swapping(first, second, at), shop.order(Goal.ISSUE))
    assert isinstance(outcome, Trouble)
    assert not outcome.wrote
    assert _untouched(first, with_uid(UID))
    assert _untouched(second, with_uid(OTHER))


@pytest.mark.parametrize("at", range(13, 27))
def test_a_card_swapped_in_the_middle_is_refused_and_the_second_is_not_written(
    shop: Shop, at: int
) -> None:
    first, second = with_uid(UID), with_uid(OTHER)
    outcome = shop.workshop.work(Swapping(first, second, at), shop.order(Goal.ISSUE))
    assert isinstance(outcome, Trouble)
    assert _untouched(second, with_uid(OTHER))
    assert isinstance(shop.work(first, Goal.ISSUE), Done)
    assert isinstance(shop.work(second, Goal.ISSUE, alias="Bert"), Done)


def test_a_swap_is_called_a_swap(shop: Shop) -> None:
    first, second = with_uid(UID), with_uid(OTHER)
    outcome = shop.workshop.work(Swapping(first, second, 14), shop.order(Goal.ISSUE))
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.SWAPPED


def test_a_card_of_another_store_is_refused(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    theirs = pull_payments.create(shop.db, "other", "Theirs").pull_payment_id
    for goal in Goal:
        shop.account = theirs
        _refused(shop.work(card, goal, store_id="other"), TroubleCode.OTHER_STORE)


def test_a_card_in_the_middle_of_another_stores_job_is_refused(shop: Shop) -> None:
    card = with_uid(UID)

    class Torn(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if self.apdus == 18:
                raise ConnectionError("torn")
            return super().transceive(apdu)

    shop.workshop.work(Torn(card, card.identity), shop.order(Goal.ISSUE))
    _refused(shop.work(card, Goal.WIPE, store_id="other"), TroubleCode.OTHER_STORE)


def _stranger(tmp_path: Path) -> TwinCard:
    """A card of another issuer's Taptill."""
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Shop.open(tmp_path / "elsewhere")
    elsewhere.keyring = Keyring((Issuer.of(Key(b"\x77" * 16)),), bytes(32))
    elsewhere.workshop = Workshop(elsewhere.db, elsewhere.keyring)
    card = with_uid(UID)
    elsewhere.done(card, Goal.ISSUE)
    elsewhere.db.close()
    return card


@pytest.mark.parametrize("goal", Goal)
def test_no_key_is_tried_on_a_card_of_another_issuer(
    shop: Shop, tmp_path: Path, goal: Goal
) -> None:  # THREATS 25
    card = _stranger(tmp_path)
    before = card.state.keys
    _refused(shop.work(card, goal), TroubleCode.FOREIGN)
    assert card.state.keys == before


def test_no_key_is_tried_on_a_strangers_card_whose_signing_is_off(
    shop: Shop, tmp_path: Path
) -> None:
    card = _stranger(tmp_path)
    card = TwinCard(card.state.with_file(2, TwinCard.factory(UID).state.files[1]))
    before = card.state.keys
    _refused(shop.work(card, Goal.ISSUE), TroubleCode.FOREIGN)
    assert card.state.keys == before


def test_an_lrp_card_is_called_so(shop: Shop) -> None:
    state = TwinCard.factory(UID).state
    card = TwinCard(replace(state, configuration=replace(state.configuration, lrp=True)))
    _refused(shop.work(card, Goal.ISSUE), TroubleCode.LRP)


def test_a_blocked_card_is_called_so_and_not_tried_again(shop: Shop) -> None:
    state = TwinCard.factory(UID).state
    slot = replace(state.keys[0], total_failures=1000)
    card = TwinCard(state.with_key(0, slot))
    field = lay(card)
    _refused(shop.workshop.work(field, shop.order(Goal.ISSUE)), TroubleCode.BLOCKED)
    assert field.refused == 0


def test_a_delayed_card_is_worked_off_at_once_in_the_same_connection(shop: Shop) -> None:
    state = TwinCard.factory(UID).state
    card = TwinCard(state.with_key(0, replace(state.keys[0], sequence_failures=60)))
    assert isinstance(shop.work(card, Goal.ISSUE), Done)


def test_a_card_that_stays_delayed_is_given_up_after_five_retries(shop: Shop) -> None:
    class Slow(Field):
        asked = 0

        def transceive(self, apdu: bytes) -> bytes:
            if apdu[1] == 0x71:
                self.asked += 1
                return b"\x91\xad"
            return super().transceive(apdu)

    card = with_uid(UID)
    field = Slow(card, card.identity)
    _refused(shop.workshop.work(field, shop.order(Goal.ISSUE)), TroubleCode.DELAYED)
    assert field.asked == 6


def test_another_chip_is_called_so(shop: Shop) -> None:
    class Phone:
        def transceive(self, apdu: bytes) -> bytes:
            return b"\x6a\x82"

    _refused(shop.workshop.work(Phone(), shop.order(Goal.ISSUE)), TroubleCode.NOT_424)


def test_the_same_card_twice_in_a_batch_is_refused(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    had = frozenset({UID.hex()})
    _refused(shop.work(card, Goal.ISSUE, done_before=had), TroubleCode.TWICE)


def test_nothing_is_done_while_a_sale_is_armed_on_the_terminal(shop: Shop) -> None:
    stores.ensure_terminal(shop.db, "till-1", "main")
    sales.open(shop.db, "main", 21_000, terminal_id="till-1")
    card = with_uid(UID)
    field = lay(card)
    order = shop.order(Goal.ISSUE, terminal_id="till-1")
    _refused(shop.workshop.work(field, order), TroubleCode.SALE_ARMED)
    assert field.apdus == 0


@pytest.mark.parametrize("how", ["unknown", "other store", "ended", "name"])
def test_an_order_the_books_would_refuse_is_refused_before_the_card_is_touched(
    shop: Shop, how: str
) -> None:
    card, more = with_uid(UID), {}
    if how == "unknown":
        shop.account = "nowhere"
    elif how == "other store":
        shop.account = pull_payments.create(shop.db, "other", "Theirs").pull_payment_id
    elif how == "ended":
        pull_payments.end(shop.db, shop.account)
    else:
        more = {"alias": " "}
    field = lay(card)
    outcome = shop.workshop.work(field, shop.order(Goal.ISSUE, **more))
    _refused(outcome, TroubleCode.WRONG_ORDER)
    assert field.apdus == 0


def test_a_half_written_card_waits_for_the_issuer_key_it_was_begun_with(shop: Shop) -> None:
    card = with_uid(UID)
    card.tear(Tear(TearAt.ANSWER, 18))
    shop.work(card, Goal.ISSUE)
    stranger = Keyring((Issuer.of(Key(b"\x77" * 16)),), bytes(32))
    workshop = Workshop(shop.db, stranger)
    _refused(workshop.work(lay(card), shop.order(Goal.REPAIR)), TroubleCode.ISSUER_MISSING)
    assert isinstance(shop.work(card, Goal.REPAIR), Done)


def test_random_id_without_a_confirmation_is_refused(shop: Shop) -> None:
    card = with_uid(UID)
    outcome = shop.work(card, Goal.ISSUE, random_id=True)
    _refused(outcome, TroubleCode.RANDOM_ID_UNCONFIRMED)
    assert _untouched(card, with_uid(UID))


@pytest.mark.parametrize("goal", [Goal.REKEY, Goal.REPAIR])
def test_a_card_that_is_not_in_the_books_cannot_be_rekeyed_or_repaired(
    shop: Shop, goal: Goal
) -> None:
    card = with_uid(UID)
    card_id = shop.done(card, Goal.ISSUE).card_id
    shop.db.transaction(lambda tx: _forget(tx, card_id))  # a backup older than the card
    _refused(shop.work(card, goal), TroubleCode.NOT_OURS)
    assert isinstance(shop.work(card, Goal.ISSUE), Done)


def _forget(tx, card_id) -> None:  # type: ignore[no-untyped-def]
    tx.run("DELETE FROM cards WHERE card_id = :id", {"id": card_id})


def test_a_card_with_a_payment_on_its_way_keeps_its_keys(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    monkeypatch.setattr("host.ledger.cards_anew.on_the_way", lambda *_: True)
    before = card.state.keys
    for goal in (Goal.REKEY, Goal.WIPE, Goal.REPAIR):
        _refused(shop.work(card, goal), TroubleCode.BUSY)
    assert card.state.keys == before


def test_a_file_that_can_never_be_changed_is_called_so(shop: Shop) -> None:
    state = TwinCard.factory(UID).state
    ndef = state.files[1]
    locked = replace(ndef.settings, rights=replace(ndef.settings.rights, change=0xF))
    card = TwinCard(state.with_file(2, replace(ndef, settings=locked)))
    outcome = shop.work(card, Goal.ISSUE)
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.LOCKED


# --- the budget (THREATS 25) -----------------------------------------------------------------


def _torn_between_the_halves_of_an_authentication(shop: Shop, card: TwinCard) -> object:
    class Torn(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if apdu[1] == 0xAF and len(apdu) > 6:
                raise ConnectionError("torn")
            return super().transceive(apdu)

    card.power_off()
    card.power_on()
    return shop.workshop.work(Torn(card, card.identity), shop.order(Goal.ISSUE))


def test_authentications_that_end_nowhere_are_counted_and_a_good_one_clears_them(
    shop: Shop,
) -> None:
    card = with_uid(UID)
    for _ in range(3):
        _torn_between_the_halves_of_an_authentication(shop, card)
    assert journal.spent(shop.db, UID) == 3
    assert card.state.keys[0].sequence_failures == 3
    shop.done(card, Goal.ISSUE)
    assert journal.spent(shop.db, UID) == 0


def test_a_card_is_left_alone_when_its_budget_is_spent_until_somebody_allows_more(
    shop: Shop,
) -> None:
    card = with_uid(UID)
    for _ in range(journal.BUDGET + 5):
        _torn_between_the_halves_of_an_authentication(shop, card)
    failures = card.state.keys[0].sequence_failures
    assert failures < 50
    _refused(shop.work(card, Goal.ISSUE), TroubleCode.BUDGET_SPENT)
    assert card.state.keys[0].sequence_failures == failures
    assert isinstance(shop.work(card, Goal.ISSUE, more_tries=True), Done)


def test_at_most_two_authentications_are_made_on_a_tap(shop: Shop) -> None:
    for goal in (Goal.ISSUE, Goal.REKEY, Goal.WIPE):
        asked: list[bytes] = []
        card = _card_after(shop, goal)
        field = lay(card)
        _listen(field, asked.append)
        shop.workshop.work(field, shop.order(goal))
        assert sum(apdu[1] in (0x71, 0x77) for apdu in asked) == 2


def _card_after(shop: Shop, goal: Goal) -> TwinCard:
    card = with_uid(Uid(b"\x04" + goal.encode()[:5].ljust(5) + b"\x80"))
    if goal is not Goal.ISSUE:
        shop.done(card, Goal.ISSUE)
    return card


def _listen(field: Field, hear: Callable[[bytes], None]) -> None:
    real = field.transceive

    def transceive(apdu: bytes) -> bytes:
        hear(apdu)
        return real(apdu)

    field.transceive = transceive  # type: ignore[method-assign]


def test_a_version_byte_that_lies_costs_one_more_session_and_one_more_tap(shop: Shop) -> None:
    card = with_uid(UID)

    class Torn(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if self.apdus == 19:
                raise ConnectionError("torn")
            return super().transceive(apdu)

    shop.workshop.work(Torn(card, card.identity), shop.order(Goal.ISSUE))
    state = card.state
    assert [slot.version for slot in state.keys] == [0, 1, 1, 1, 0][:5] or state.keys[1].version
    lying = next(n for n in (3, 2, 1) if state.keys[n].version)
    card = TwinCard(state.with_key(lying, replace(state.keys[lying], version=0)))
    outcomes = [shop.work(card, Goal.ISSUE)]
    if not isinstance(outcomes[-1], Done):
        assert outcomes[-1].code is TroubleCode.ONCE_MORE
        outcomes.append(shop.work(card, Goal.ISSUE))
    assert isinstance(outcomes[-1], Done)


def test_every_code_has_words_and_a_next_step() -> None:
    for code in TroubleCode:
        assert code.words.says
        assert code.words.do


def test_the_books_row_is_left_alone_by_every_refusal(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    before = cards.by_uid(shop.db, UID)
    shop.work(card, Goal.WIPE, store_id="other")
    assert cards.by_uid(shop.db, UID) == before
