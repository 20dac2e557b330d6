"""What the reader in this process offers beyond the contract."""

from __future__ import annotations

import threading

import pytest

from host.readers.base import CardGone, Look, SeveralCards, Show
from host.readers.direct import DirectReader


class Plain:
    """A card that answers everything with success."""

    def transceive(self, apdu: bytes) -> bytes:
        return b"\x90\x00"


class Powered(Plain):
    identity = bytes.fromhex("04112233445566")

    def __init__(self) -> None:
        self.power: list[str] = []

    def power_on(self) -> None:
        self.power.append("on")

    def power_off(self) -> None:
        self.power.append("off")


class Torn(Plain):
    def transceive(self, apdu: bytes) -> bytes:
        raise ConnectionError("torn away")


@pytest.fixture
def reader() -> DirectReader:
    return DirectReader()


def test_everything_shown_is_kept_in_order(reader: DirectReader) -> None:
    reader.show(Show(Look.READY, ("21 sats", "tap")))
    reader.show(Show(Look.APPROVED))
    assert [show.look for show in reader.shown] == [Look.READY, Look.APPROVED]
    assert reader.wait_shown(Look.READY, 0)
    assert not reader.wait_shown(Look.DECLINED, 0)


def test_who_waits_for_a_look_is_woken_by_it(reader: DirectReader) -> None:
    shower = threading.Thread(target=reader.show, args=(Show(Look.READ),))
    shower.start()
    assert reader.wait_shown(Look.READ, 30_000)
    shower.join()


def test_the_field_powers_a_card(reader: DirectReader) -> None:
    card = Powered()
    reader.lay(card)
    link = reader.wait_card(0)
    assert link is not None
    assert link.uid == card.identity
    reader.lift()
    assert card.power == ["on", "off"]


def test_several_cards_are_told_apart_from_one(reader: DirectReader) -> None:
    reader.lay(Plain(), Plain())
    with pytest.raises(SeveralCards):
        reader.wait_card(0)
    reader.lay(Plain())
    assert reader.wait_card(0) is not None


def test_a_card_that_tears_itself_away_is_gone(reader: DirectReader) -> None:
    reader.lay(Torn())
    link = reader.wait_card(0)
    assert link is not None
    with pytest.raises(CardGone):
        link.transceive(b"\x00")
    assert reader.wait_gone(0)
