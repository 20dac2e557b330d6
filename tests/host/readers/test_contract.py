"""What every reader promises: the same suite in process, through pcscd, and through nfcpy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from host.ntag424 import ndef
from host.ntag424.read import read_tap_url
from host.readers.base import CardGone, CardLink, Look, Reader, ReaderGone, ReaderTaken, Show
from tests.host.readers.rigs import UIDS, DirectRig, Rig

SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
READ_NDEF_FILE = bytes.fromhex("90AD0000070200000000000000")
SELECT_NDEF_FILE = bytes.fromhex("00A4000C02E104")
UNKNOWN_FILE = bytes.fromhex("90F50000011F00")
URL = "lnurlw://card.example/ln?p=00112233445566778899AABBCCDDEEFF&c=0011223344556677"
SOON = 30_000
A_MOMENT = 50


def card_on(reader: Reader) -> CardLink:
    link = reader.wait_card(SOON)
    assert link is not None
    return link


def write_file(link: CardLink, content: bytes) -> None:
    """Write the NDEF file of a card as it is delivered: everybody may."""
    update = bytes.fromhex("00D60000") + bytes((len(content),)) + content
    for command in (SELECT_APPLICATION, SELECT_NDEF_FILE, update):
        assert link.transceive(command) == b"\x90\x00"


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_an_empty_reader_returns_when_the_time_is_over(rig: Rig) -> None:
    with rig.open() as reader:
        assert reader.wait_card(A_MOMENT) is None
        assert reader.wait_gone(A_MOMENT)


def test_two_apdus_bring_the_whole_file(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        assert link.transceive(SELECT_APPLICATION) == b"\x90\x00"
        assert link.transceive(READ_NDEF_FILE) == bytes(256) + b"\x91\x00"


def test_a_tap_is_read_with_two_apdus(rig: Rig) -> None:
    file = ndef.encode_file(URL)
    apdus: list[bytes] = []

    def counted(apdu: bytes) -> bytes:
        apdus.append(apdu)
        return link.transceive(apdu)

    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        write_file(link, file)
        assert read_tap_url(counted) == URL
    assert len(apdus) == 2


def test_the_card_is_named_by_its_uid_and_the_time_it_was_seen(rig: Rig) -> None:
    with rig.open() as reader:
        before = time.monotonic_ns()
        rig.lay()
        link = card_on(reader)
        assert link.uid == UIDS["ann"].raw
        assert before < link.seen_ns < time.monotonic_ns()


def test_a_status_word_that_is_no_success_is_an_answer_like_any_other(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        link.transceive(SELECT_APPLICATION)
        assert link.transceive(UNKNOWN_FILE) == b"\x91\xf0"


def test_long_commands_arrive_whole(rig: Rig) -> None:
    content = bytes(range(240))
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        write_file(link, content)
        assert link.transceive(bytes.fromhex("00B0000000"))[:240] == content


def test_one_presentation_is_returned_once(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        card_on(reader)
        assert reader.wait_card(A_MOMENT) is None
        assert not reader.wait_gone(A_MOMENT)
        assert reader.wait_card(A_MOMENT) is None


def test_after_the_card_has_gone_the_next_one_is_returned(rig: Rig) -> None:
    with rig.open() as reader:
        for name in ("ann", "bob", "bob"):
            rig.lay(name)
            assert card_on(reader).uid == UIDS[name].raw
            assert not reader.wait_gone(A_MOMENT)
            rig.lift()
            assert reader.wait_gone(SOON)


def test_the_next_card_is_returned_though_nobody_waited_for_the_first_to_go(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay("ann")
        card_on(reader)
        lifter = in_thread(lambda: (rig.lift(), rig.lay("bob")))
        assert card_on(reader).uid == UIDS["bob"].raw
        lifter.join()


def test_a_card_that_lay_there_before_is_returned(rig: Rig) -> None:
    rig.lay()
    with rig.open() as reader:
        assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_a_card_torn_away_in_the_middle_is_gone_and_so_is_its_link(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        link.transceive(SELECT_APPLICATION)
        rig.tear()
        for _ in range(2):
            with pytest.raises(CardGone):
                link.transceive(READ_NDEF_FILE)
        assert reader.wait_gone(SOON)
        rig.lift()
        rig.lay()
        assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_a_card_lifted_between_two_commands_is_gone(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        link.transceive(SELECT_APPLICATION)
        rig.lift()
        with pytest.raises(CardGone):
            link.transceive(READ_NDEF_FILE)


def test_closing_from_another_thread_ends_a_wait_for_a_card(rig: Rig) -> None:
    reader = rig.open()
    closer = threading.Timer(0.1, reader.close)
    closer.start()
    started = time.monotonic()
    with pytest.raises(ReaderGone, match="closed"):
        reader.wait_card(60_000)
    assert time.monotonic() - started < 30
    closer.join()


def test_closing_from_another_thread_ends_a_wait_for_the_card_to_go(rig: Rig) -> None:
    reader = rig.open()
    rig.lay()
    card_on(reader)
    closer = threading.Timer(0.1, reader.close)
    closer.start()
    with pytest.raises(ReaderGone, match="closed"):
        reader.wait_gone(60_000)
    closer.join()


def test_a_closed_reader_stays_closed(rig: Rig) -> None:
    reader = rig.open()
    rig.lay()
    link = card_on(reader)
    reader.close()
    reader.close()
    reader.show(Show(Look.READY))
    with pytest.raises(ReaderGone):
        reader.wait_card(A_MOMENT)
    with pytest.raises((CardGone, ReaderGone)):
        link.transceive(SELECT_APPLICATION)


def test_there_is_one_owner_per_device(rig: Rig) -> None:
    if not rig.has_one_owner:
        pytest.skip("whoever holds a reader in process owns it")
    with rig.open(), pytest.raises(ReaderTaken, match="in use by process"):
        rig.open()
    rig.open().close()


def test_an_unplugged_reader_is_gone_for_who_waits_and_comes_back_when_opened_again(
    rig: Rig,
) -> None:
    reader = rig.open()
    unplugger = in_thread(rig.unplug)
    with pytest.raises(ReaderGone):
        reader.wait_card(60_000)
    unplugger.join()
    reader.show(Show(Look.READY))
    reader.close()
    if not isinstance(rig, DirectRig):
        with pytest.raises(ReaderGone):
            rig.open()
    rig.plug()
    with rig.open() as reader:
        rig.lay()
        assert card_on(reader).transceive(SELECT_APPLICATION) == b"\x90\x00"


def test_a_reader_unplugged_under_a_card_is_gone(rig: Rig) -> None:
    with rig.open() as reader:
        rig.lay()
        link = card_on(reader)
        rig.unplug()
        with pytest.raises(ReaderGone):
            link.transceive(SELECT_APPLICATION)
        with pytest.raises(ReaderGone):
            reader.wait_gone(SOON)


def test_every_look_can_be_shown(rig: Rig) -> None:
    with rig.open() as reader:
        for look in Look:
            reader.show(Show(look, ("21 sats", "")))
