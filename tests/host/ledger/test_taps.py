"""Whose tap is it: the MAC first, and nothing told or written before it holds (THREATS 6, 8)."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.keyring import Issuer
from host.ledger import cards, pull_payments, taps
from host.ledger.codes import Code
from host.ledger.records import Card, KeyScheme
from host.ledger.taps import VerifiedTap
from host.ntag424 import keys, sun
from host.ntag424.sun import SunMessage
from host.ntag424.values import Key, Uid
from tests.support.books import STORE, Shop, code, made

OLD, NEW = Issuer.of(Key(b"the older issuer")), Issuer.of(Key(b"the newer issuer"))
UID = Uid.parse("04a39493cc8680")


def issue(here: Shop, issuer: Issuer = NEW, version: int = 1, **given: object) -> Card:
    return here.card(
        card_id=keys.card_id(issuer.key, UID).hex(),
        uid=UID,
        issuer_id=issuer.issuer_id,
        key_version=version,
        **given,
    )


def signed(
    counter: int,
    issuer: Issuer = NEW,
    version: int = 1,
    uid: Uid = UID,
    account: str | None = None,
) -> SunMessage:
    k2 = keys.k2(issuer.key, uid, version, account)
    return sun.build(keys.k1(issuer.key), k2, uid, counter)


def test_a_tap_of_ours_is_verified(here: Shop) -> None:
    card = issue(here)
    assert taps.verify(here.db, [NEW, OLD], signed(5)) == VerifiedTap(
        card.card_id, UID, 5, 1, gap=4
    )


def test_threat_8_cards_of_older_issuer_keys_stay_good(here: Shop) -> None:
    card = issue(here, OLD)
    verified = taps.verify(here.db, [NEW, OLD], signed(5, OLD))
    assert isinstance(verified, VerifiedTap)
    assert verified.card_id == card.card_id
    assert code(taps.verify(here.db, [NEW], signed(5, OLD))) is Code.SUN_INVALID


def test_threat_6_a_forgery_changes_nothing_and_tells_nothing(here: Shop) -> None:
    card = issue(here)
    good = signed(5)
    events = here.count("events")
    forged = [
        SunMessage(good.p, bytes(8)),
        SunMessage(bytes(16), good.c),
        SunMessage(good.p, signed(6).c),
        signed(0xFF_FFFF, version=2),
        sun.build(keys.k1(NEW.key), Key(b"some other key!!"), Uid.parse("04000000000080"), 5),
    ]
    for message in forged:
        assert code(taps.verify(here.db, [NEW, OLD], message)) is Code.SUN_INVALID
    assert here.now(card) == card
    assert here.count("events") == events


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
def test_threat_6_chance_is_never_a_tap(here_for_all: Shop, p: bytes, c: bytes) -> None:
    outcome = taps.verify(here_for_all.db, [NEW, OLD], SunMessage(p, c))
    assert code(outcome) is Code.SUN_INVALID


@pytest.fixture(scope="module")
def here_for_all(tmp_path_factory: pytest.TempPathFactory) -> object:
    from tests.support.books import shop

    with shop(tmp_path_factory.mktemp("taps")) as opened:
        issue(opened)
        yield opened


@pytest.mark.parametrize("version", taps.UNKNOWN_VERSIONS)
def test_a_card_we_signed_but_do_not_know_is_told_apart_from_a_forgery(
    here: Shop, version: int
) -> None:
    message = signed(5, version=version)
    assert code(taps.verify(here.db, [NEW, OLD], message)) is Code.CARD_UNKNOWN


def test_threat_12_the_last_counter_of_a_chip_is_refused(here: Shop) -> None:
    issue(here)
    assert code(taps.verify(here.db, [NEW], signed(0xFF_FFFF))) is Code.COUNTER_EXHAUSTED
    assert isinstance(taps.verify(here.db, [NEW], signed(0xFF_FFFE)), VerifiedTap)


def test_threat_11_a_tap_of_older_keys_is_not_valid_any_more(here: Shop) -> None:
    card = issue(here)
    cards.rekey(here.db, card.card_id, issuer_id=NEW.issuer_id, key_version=2, last_counter=0)
    assert code(taps.verify(here.db, [NEW], signed(5, version=1))) is Code.SUN_INVALID
    assert isinstance(taps.verify(here.db, [NEW], signed(5, version=2)), VerifiedTap)


def test_btcpays_keys_are_mixed_with_the_pull_payment(here: Shop) -> None:
    account = here.account.pull_payment_id
    issue(here, key_scheme=KeyScheme.PULL_PAYMENT)
    assert isinstance(taps.verify(here.db, [NEW], signed(5, account=account)), VerifiedTap)
    assert code(taps.verify(here.db, [NEW], signed(5))) is Code.SUN_INVALID


def test_a_wrong_key_that_opens_p_by_chance_does_not_hide_the_right_one(here: Shop) -> None:
    issue(here, OLD)
    for number in count():
        other = Issuer.of(Key(number.to_bytes(16)))
        message = signed(5, OLD)
        if sun.decrypt(keys.k1(other.key), message.p) is not None:
            break
    assert isinstance(taps.verify(here.db, [other, OLD], message), VerifiedTap)


def test_no_key_at_all_verifies_nothing(here: Shop) -> None:
    issue(here)
    assert code(taps.verify(here.db, [], signed(5))) is Code.SUN_INVALID


def test_a_verified_tap_pays(here: Shop) -> None:
    card = issue(here)
    assert isinstance(taps.verify(here.db, [NEW], signed(5)), VerifiedTap)
    made(here.pay(card, 5, 10_000))
    again = taps.verify(here.db, [NEW], signed(9))
    assert isinstance(again, VerifiedTap)
    assert again.gap == 3
    assert pull_payments.all(here.db, STORE)[0].paid_msat == 10_000
