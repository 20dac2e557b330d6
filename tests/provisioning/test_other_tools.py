"""Cards of the Boltcard app, LNbits and BTCPay: imported, re-keyed to ours, wiped, repaired."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.twin.card import TwinCard
from hardware.twin.settings import Settings
from hardware.twin.state import StoredFile
from host.ntag424.keys import CardKeys
from host.ntag424.ndef import build_template
from host.ntag424.values import Key, Uid
from provisioning.imports import ImportRefused, read_import
from provisioning.keysets import KeySet
from provisioning.orders import Done, Goal
from provisioning.plan import Target
from provisioning.states import State
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import UID, Field, Shop, with_uid

KEYS = [f"{n:02x}" * 16 for n in (0xA0, 0xA1, 0xA2, 0xA3, 0xA4)]
BASE = "lnurlw://card.lnbits.example/boltcards/api/v1/scan/abc"

GO_SERVER = {
    "protocol_name": "create_bolt_card_response",
    "protocol_version": 2,
    "card_name": "Spending_Card",
    "lnurlw_base": BASE,
    "k0": KEYS[0],
    "k1": KEYS[1],
    "k2": KEYS[2],
    "k3": KEYS[3],
    "k4": KEYS[4],
    "uid_privacy": "N",
}
LNBITS = {
    "PROTOCOL_NAME": "new_bolt_card_response",
    "PROTOCOL_VERSION": "1",
    "LNURLW_BASE": BASE.upper(),
    "LNURLW": BASE.upper(),
    **{f"K{n}": key.upper() for n, key in enumerate(KEYS)},
}
WIPE = {"version": 1, "action": "wipe", "uid": UID.hex().upper(), "id": 1, "status": "OK"} | {
    f"k{n}": key for n, key in enumerate(KEYS)
}


def _made_elsewhere(version: int = 1, *, sdm: bool = True) -> TwinCard:
    """A card as the phone app writes it for another server."""
    state = TwinCard.factory(UID).state
    for number, key in enumerate(KEYS):
        state = state.with_key(
            number, replace(state.keys[number], key=Key.parse(key), version=version)
        )
    template = build_template(BASE)
    settings = Settings.decode(Target.boltcard(BASE).settings.encode())
    if not sdm:
        settings = replace(settings, sdm=None)
    content = template.file.ljust(256, b"\x00")
    return TwinCard(replace(state.with_file(2, StoredFile(content, settings)), read_counter=41))


def _keys(document: dict[str, object]) -> KeySet:
    return read_import(json.dumps(document)).key_set


@pytest.mark.parametrize("document", [GO_SERVER, LNBITS, WIPE], ids=["go", "lnbits", "wipe"])
def test_both_spellings_of_create_and_wipe_give_the_same_keys(document: dict[str, object]) -> None:
    assert _keys(document).keys == CardKeys(*map(Key.parse, KEYS))


def test_a_create_file_tells_its_address_with_the_case_of_the_path_kept() -> None:
    text = json.dumps({**GO_SERVER, "lnurlw_base": "LNURLW://Card.Example/Path?x=1"})
    assert read_import(text).url_base == "lnurlw://card.example/Path"


def test_missing_k3_and_k4_are_k1_and_k2() -> None:
    short = {name: value for name, value in GO_SERVER.items() if name not in ("k3", "k4")}
    assert _keys(short).keys[3:] == _keys(short).keys[1:3]


@pytest.mark.parametrize("name", ["k0", "k1", "k2"])
def test_a_missing_key_is_an_error_that_names_it_and_never_zeros(name: str) -> None:
    with pytest.raises(ImportRefused, match=f"^{name}: is missing"):
        read_import(json.dumps({n: v for n, v in GO_SERVER.items() if n != name}))


def test_a_link_instead_of_keys_is_called_a_link() -> None:
    with pytest.raises(ImportRefused, match="this is a link"):
        read_import("https://lnbits.example/boltcards/api/v1/auth?a=1")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with pytest.raises(ImportRefused):
        read_import(text)


def test_an_error_never_shows_a_key() -> None:
    with pytest.raises(ImportRefused) as caught:
        read_import(json.dumps({**GO_SERVER, "k1": KEYS[1][:-2]}))
    assert KEYS[1][:8] not in str(caught.value)
    assert KEYS[0] not in repr(_keys(GO_SERVER))


@pytest.mark.parametrize("version", [0, 1, 7])
def test_an_imported_card_is_rekeyed_to_ours(shop: Shop, version: int) -> None:
    card = _made_elsewhere(version)
    done = shop.done(card, Goal.ISSUE, imports=(_keys(GO_SERVER),))
    assert done.state is State.ADOPTABLE
    assert done.counter == card.state.read_counter > 41
    assert shop.done(card, Goal.ISSUE).already


@pytest.mark.parametrize("version", [0, 1, 7])
def test_an_imported_card_is_wiped_to_a_factory_card_without_a_refused_key(
    shop: Shop, version: int
) -> None:
    card = _made_elsewhere(version)
    taps = 0
    outcome = None
    while not isinstance(outcome, Done) and taps < 3:
        outcome = shop.work(card, Goal.WIPE, imports=(_keys(WIPE),))
        taps += 1
    assert taps == (2 if version == 0 else 1)  # version 0 is no marker: ours first, then zeros
    new = TwinCard.factory(UID).state
    assert card.state.files == new.files
    assert [slot.key for slot in card.state.keys] == [slot.key for slot in new.keys]
    assert card.state.keys[0].total_failures == 0


def test_a_card_of_another_tool_is_left_alone_without_its_file(shop: Shop) -> None:
    card = _made_elsewhere()
    outcome = shop.work(card, Goal.ISSUE)
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.FOREIGN


def test_the_file_of_another_card_opens_nothing(shop: Shop) -> None:
    card = _made_elsewhere()
    wrong = _keys({**GO_SERVER, "k0": KEYS[1], "k1": KEYS[2], "k2": KEYS[3]})
    outcome = shop.work(card, Goal.ISSUE, imports=(wrong,))
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.FOREIGN
    assert card.state.keys[0].sequence_failures == 0


def test_a_card_that_signs_nothing_is_opened_only_by_a_file_that_names_it(shop: Shop) -> None:
    card = _made_elsewhere(sdm=False)
    outcome = shop.work(card, Goal.WIPE, imports=(_keys(GO_SERVER),))
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.FOREIGN
    assert isinstance(shop.work(card, Goal.WIPE, imports=(_keys(WIPE),)), Done)


def test_a_torn_adoption_asks_for_the_same_file_and_then_goes_on(shop: Shop) -> None:
    class Torn(Field):
        def transceive(self, apdu: bytes) -> bytes:
            if self.apdus == 20:
                raise ConnectionError("torn")
            return super().transceive(apdu)

    card = _made_elsewhere()
    order = shop.order(Goal.ISSUE, imports=(_keys(GO_SERVER),))
    shop.workshop.work(Torn(card, card.identity), order)
    outcome = shop.work(card, Goal.ISSUE)
    assert isinstance(outcome, Trouble)
    assert outcome.code is TroubleCode.IMPORT_NEEDED
    assert shop.done(card, Goal.ISSUE, imports=(_keys(WIPE),)).resumed


def test_a_card_is_named_by_its_own_keys_only() -> None:
    other = Uid.parse("04000000000080")
    assert with_uid(other).state.uid == other
