"""THREATS 7: keys leave the host by a technician's one-time link only, and it is audited."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from hardware.twin.card import TwinCard
from hardware.twin.settings import Settings
from hardware.twin.state import StoredFile
from host.clock import ManualClock
from host.ledger import audit, cards, taps
from host.ledger.taps import VerifiedTap
from host.ntag424 import sun
from host.ntag424.ndef import build_template
from host.ntag424.read import read_tap_url
from host.ntag424.sun import SunMessage
from host.ntag424.values import Key, Uid
from provisioning import links
from provisioning.links import LinkRefused, PhoneLink
from provisioning.orders import Goal, NewCard
from provisioning.plan import Target
from tests.provisioning.shop import BASE, UID, Shop, lay, with_uid


def _offer(shop: Shop) -> PhoneLink:
    card = NewCard(pull_payment_id=shop.account, alias="Anna")
    return links.offer_program(shop.db, "main", card, BASE, person="Tina")


def _as_the_app_writes(answer: dict[str, str], uid: Uid = UID) -> TwinCard:
    """The phone app: the version byte is 1 always, whatever our key version."""
    state = TwinCard.factory(uid).state
    for number in range(5):
        key = Key.parse(answer[f"k{number}"])
        state = state.with_key(number, replace(state.keys[number], key=key, version=1))
    content = build_template(answer["lnurlw_base"]).file.ljust(256, b"\x00")
    settings = Settings.decode(Target.boltcard(BASE).settings.encode())
    return TwinCard(state.with_file(2, StoredFile(content, settings)))


def _message(card: TwinCard) -> SunMessage:
    return sun.parse_url(read_tap_url(lay(card).transceive)).message


def test_a_phone_makes_a_card_that_pays(shop: Shop) -> None:
    answer = links.redeem_program(shop.db, shop.keyring, _offer(shop).token, UID)
    tap = taps.verify(shop.db, shop.keyring.issuers, _message(_as_the_app_writes(answer)))
    assert isinstance(tap, VerifiedTap)
    assert answer["K0"] == answer["k0"]


def test_a_card_made_by_a_phone_is_rekeyed_and_wiped_here_though_its_version_byte_is_the_apps(
    shop: Shop,
) -> None:
    first = with_uid(UID)
    shop.done(first, Goal.ISSUE)
    shop.done(first, Goal.WIPE)
    answer = links.redeem_program(shop.db, shop.keyring, _offer(shop).token, UID)
    card = _as_the_app_writes(answer)
    row = cards.by_uid(shop.db, UID)
    assert row is not None
    assert row.key_version == 2
    assert shop.done(card, Goal.ISSUE).already
    shop.done(card, Goal.REKEY)
    shop.done(card, Goal.WIPE)
    assert card.state.keys[0].total_failures == 0


def test_a_link_works_once(shop: Shop) -> None:
    link = _offer(shop)
    links.redeem_program(shop.db, shop.keyring, link.token, UID)
    with pytest.raises(LinkRefused, match="used up"):
        links.redeem_program(shop.db, shop.keyring, link.token, Uid.parse("04111111111180"))


def test_a_link_is_short_lived(shop: Shop) -> None:
    link = _offer(shop)
    assert isinstance(shop.db.clock, ManualClock)
    shop.db.clock.advance(links.LIFETIME_MS + 1)
    with pytest.raises(LinkRefused, match="too old"):
        links.redeem_program(shop.db, shop.keyring, link.token, UID)


def test_no_keys_for_a_card_in_use_and_the_link_stays_good_for_another(shop: Shop) -> None:
    shop.done(with_uid(UID), Goal.ISSUE)
    link = _offer(shop)
    with pytest.raises(LinkRefused, match="in use"):
        links.redeem_program(shop.db, shop.keyring, link.token, UID)
    links.redeem_program(shop.db, shop.keyring, link.token, Uid.parse("04111111111180"))


def test_only_the_hash_of_a_link_is_kept_and_its_qr_code_is_escaped(shop: Shop) -> None:
    link = _offer(shop)
    rows = shop.db.read(lambda tx: tx.all("SELECT * FROM provisioning_links"))
    assert not any(link.token in str(tuple(row)) for row in rows)
    assert link.token not in repr(link)
    deep = urlsplit(link.deep_link("https://pay.example.com/phone?x"))
    assert (deep.scheme, deep.netloc) == ("boltcard", "program")
    assert parse_qs(deep.query)["url"] == [f"https://pay.example.com/phone?x/{link.token}"]


def test_a_reset_needs_the_link_and_a_fresh_tap_of_its_own_card(shop: Shop) -> None:
    card, other = with_uid(UID), with_uid(Uid.parse("04111111111180"))
    shop.done(card, Goal.ISSUE)
    shop.done(other, Goal.ISSUE, alias="Bert")
    row = cards.by_uid(shop.db, UID)
    assert row is not None
    link = links.offer_reset(shop.db, row, person="Tina")
    with pytest.raises(LinkRefused, match="another card"):
        links.redeem_reset(shop.db, shop.keyring, link.token, _message(other))
    with pytest.raises(LinkRefused, match="another card"):
        links.redeem_reset(shop.db, shop.keyring, link.token, SunMessage(bytes(16), bytes(8)))
    answer = links.redeem_reset(shop.db, shop.keyring, link.token, _message(card))
    assert answer["k0"] == card.state.keys[0].key.reveal().hex()
    wiped = cards.by_uid(shop.db, UID)
    assert wiped is not None
    assert wiped.state == "wiped"


def test_an_old_tap_opens_no_reset(shop: Shop) -> None:
    card = with_uid(UID)
    shop.done(card, Goal.ISSUE)
    old = _message(card)
    shop.done(card, Goal.REPAIR)
    row = cards.by_uid(shop.db, UID)
    assert row is not None
    cards.rekey(shop.db, row.card_id, issuer_id=row.issuer_id, key_version=1, last_counter=5)
    link = links.offer_reset(shop.db, row, person="Tina")
    with pytest.raises(LinkRefused, match="tap again"):
        links.redeem_reset(shop.db, shop.keyring, link.token, old)


def test_offers_redemptions_and_refusals_are_audited(shop: Shop) -> None:
    link = _offer(shop)
    links.redeem_program(shop.db, shop.keyring, link.token, UID)
    with pytest.raises(LinkRefused):
        links.redeem_program(shop.db, shop.keyring, link.token, UID)
    said = [row.action for row in audit.recent(shop.db) if row.action.startswith("card.link")]
    assert said == ["card.link.program.refused", "card.link.program.redeemed", "card.link.program"]
