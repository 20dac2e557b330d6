"""The chip, the card's blocks, APDU batches, the HSU face and its owner. CPython, MicroPython."""

import asyncio

from reader import pn532_frames as frames
from reader import tlv
from reader import words as w
from reader.errors import CardLost
from reader.isodep import RATS, IsoDep, ats_fields
from reader.pn532 import timeout_code
from tests.reader.bench import play
from tests.reader.scripted import ATS, ScriptedCard

LONG = b"\x80\x00\x00\x00\xf5" + bytes(range(245))


def _link(card: ScriptedCard) -> IsoDep:
    async def exchange(block, timeout_ms):
        answer = card.block(bytes(block))
        if answer is None:
            raise CardLost("silent")
        return memoryview(answer)

    card.block(RATS)
    return IsoDep(exchange, ATS)


def _echo(card: ScriptedCard, apdu: bytes = LONG) -> bytes:
    return bytes(asyncio.run(_link(card).transceive(apdu)))


def test_the_ats_gives_frame_size_and_waiting_time():
    assert ats_fields(ATS) == (128, 39, 1)
    assert ats_fields(b"\x01") == (32, 5, 0)
    assert timeout_code(100) == 1
    assert timeout_code(39_000) == 10


def test_long_commands_and_answers_are_chained():
    card = ScriptedCard()
    assert _echo(card) == LONG[5:] + b"\x90\x00"
    assert card.apdus == [LONG]


def test_waiting_time_is_granted():
    card = ScriptedCard()
    card.wtx = 5
    assert _echo(card) == LONG[5:] + b"\x90\x00"


def test_any_lost_block_is_recovered_and_no_command_runs_twice():
    for nth in range(8):
        for fault in ("drop", "deaf"):
            card = ScriptedCard()
            card.wtx = 1
            setattr(card, fault, [nth])
            assert _echo(card) == LONG[5:] + b"\x90\x00", (fault, nth)
            assert card.apdus == [LONG], (fault, nth)


def test_two_lost_blocks_in_a_row_are_recovered():
    for nth in range(8):
        card = ScriptedCard()
        card.deaf = [nth, nth + 1]
        assert _echo(card) == LONG[5:] + b"\x90\x00", nth
        assert card.apdus == [LONG]


def test_a_card_that_went_away_is_lost():
    card = ScriptedCard()
    link = _link(card)
    card.lies = False
    try:
        asyncio.run(link.transceive(LONG))
    except CardLost:
        assert not asyncio.run(link.present())
        return
    raise AssertionError("it answered")


def test_presence_leaves_the_block_numbers_alone():
    card = ScriptedCard()
    link = _link(card)
    for _ in range(3):
        assert asyncio.run(link.present())
        assert bytes(asyncio.run(link.transceive(LONG)))[-2:] == b"\x90\x00"
    assert len(card.apdus) == 3


def test_apdus_run_in_batches_until_a_status_stops_them():
    async def story(b):
        await b.hello()
        card = ScriptedCard()
        b.chip.cards = [card]
        assert await b.status(w.APDU) == w.NO_CARD
        await b.status(w.NFC_MODE, (w.T_MODE, w.BY_APDU))
        await b.run(300)
        good, bad = b"\x80\x00\x00\x00\x01x", b"\x11\x00\x00\x00"
        batch = [(w.T_C_APDU, apdu) for apdu in (good, bad, good)]
        answer = await b.ask(w.APDU, (w.T_STOP_UNLESS, b"\x90\x00\x91\x00"), *batch)
        assert bytes(tlv.find(answer, w.T_R_APDU, 1)) == b"\x6d\x00"
        assert tlv.find(answer, w.T_R_APDU, 2) is None
        answer = await b.ask(w.APDU, *batch)
        assert bytes(tlv.find(answer, w.T_R_APDU, 2)) == b"x\x90\x00"
        assert bytes(tlv.find(answer, w.T_UID)) == card.uid

    play(story)


def test_a_batch_that_answers_too_much_says_more():
    async def story(b):
        await b.hello()
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.status(w.NFC_MODE, (w.T_MODE, w.BY_APDU))
        await b.run(300)
        apdu = b"\x80\x00\x00\x00\x64" + bytes(100)
        answer = await b.ask(w.APDU, *[(w.T_C_APDU, apdu)] * 4)
        assert tlv.find_int(answer, w.T_STATUS) == w.MORE
        assert len(card.apdus) == 3
        assert tlv.find(answer, w.T_R_APDU, 2) is not None

    play(story)


def test_a_field_reset_keeps_the_presentation():
    async def story(b):
        await b.hello()
        b.chip.cards = [ScriptedCard()]
        await b.arm(1)
        await b.run(500)
        assert await b.status(w.FIELD_RESET) == w.OK
        assert await b.status(w.APDU, (w.T_C_APDU, b"\x80\x00\x00\x00\x01x")) == w.OK
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1
        assert not b.take(w.EV_REMOVED)

    play(story)


def test_a_dead_chip_is_a_fault_and_comes_back():
    async def story(b):
        await b.hello()
        b.chip.dead = True
        await b.arm(1)
        await b.run(3_000)
        assert len(b.take(w.EV_FAULT)) == 1
        assert b.app.core.session.running()
        b.chip.dead = False
        b.chip.cards = [ScriptedCard()]
        await b.run(6_000)
        assert len(b.take(w.EV_READY)) == 2
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_the_self_test_tells_each_check():
    async def story(b):
        await b.hello()
        answer = await b.ask(w.SELFTEST)
        checks = []
        while tlv.find(answer, w.T_CHECK, len(checks)) is not None:
            checks.append(bytes(tlv.find(answer, w.T_CHECK, len(checks))))
        assert len(checks) == 6
        assert all(check[1] for check in checks), checks
        assert b"PN532 1.6" in checks[3]

    play(story)


def test_the_watchdog_starves_when_any_one_task_stands_still():
    def stop_nfc(b):
        async def stuck():
            await b.hal.sleep(600_000)

        b.app.nfc._work = stuck

    def stop_usb(b):
        b.hal.panel.readinto = None

    def stop_lights(b):
        b.hal.buttons = None

    for stop in (stop_nfc, stop_usb, stop_lights):

        async def story(b, stop=stop):
            await b.run(2_000)
            assert b.hal.feeds >= 3
            stop(b)
            await b.run(1_100)
            fed = b.hal.feeds
            await b.run(5_000)
            assert b.hal.feeds == fed
            b.hal.time += 600_000

        play(story)


def test_a_step_that_fails_is_counted_told_and_survived():
    async def story(b):
        await b.hello()
        buttons = b.hal.buttons
        b.hal.buttons = None
        await b.run(500)
        b.hal.buttons = buttons
        faults = b.take(w.EV_FAULT)
        assert [tlv.find_int(fault, w.T_CODE) for fault in faults] == [w.FAULT_TASK]
        assert b.stat("task_faults") > 1
        await b.run(2_000)
        assert not b.app.core.fault
        await b.arm(1)
        b.chip.cards = [ScriptedCard()]
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def _pn532(code: int, data: bytes = b"") -> bytes:
    out = bytearray(frames.MAX_FRAME)
    return bytes(out[: frames.build(out, bytes([frames.HOST, code]), data)])


def _reply(code: int, data: bytes = b"") -> bytes:
    out = bytearray(frames.MAX_FRAME)
    body = bytes([frames.CHIP, code + 1])
    return frames.ACK + bytes(out[: frames.build(out, body, data)])


def test_the_hsu_face_is_silent_until_asked_and_answers_like_the_chip():
    async def story(b):
        await b.run(3_000)
        assert b.hal.hsu.sent() == b""
        b.hal.hsu.feed(bytes(10) + _pn532(0x02))
        await b.run(100)
        assert b.hal.hsu.sent() == _reply(0x02, b"\x32\x01\x06\x07")
        assert b.app.core.owner.current == w.BY_HSU
        echo = bytes(range(256)) + b"123456"
        b.hal.hsu.feed(_pn532(0x00, b"\x00" + echo))
        await b.run(100)
        assert b.hal.hsu.sent() == _reply(0x00, b"\x00" + echo)

    play(story)


def test_baud_rate_and_power_down_never_reach_the_chip():
    async def story(b):
        b.hal.hsu.feed(_pn532(0x10, b"\x07"))
        await b.run(100)
        assert b.hal.hsu.sent() == _reply(0x10)
        b.hal.hsu.feed(frames.ACK + _pn532(0x16, b"\xf0\x00"))
        await b.run(100)
        assert b.hal.hsu.sent() == _reply(0x16, b"\x00")
        assert 0x10 not in b.chip.commands
        assert 0x16 not in b.chip.commands
        assert b.app.core.owner.current == w.AUTO

    play(story)


def test_an_armed_sale_keeps_the_chip_from_the_hsu_face():
    async def story(b):
        await b.hello()
        await b.arm(1)
        b.hal.hsu.feed(_pn532(0x02))
        await b.run(100)
        assert b.hal.hsu.sent() == frames.ACK + frames.SYNTAX_ERROR
        b.chip.cards = [ScriptedCard()]
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_an_arming_takes_the_chip_back_once_the_hsu_host_is_quiet():
    async def story(b):
        await b.hello()
        b.hal.hsu.feed(_pn532(0x02))
        await b.run(50)
        assert await b.arm(1) == w.OWNED
        assert [bytes(tlv.find(e, w.T_OWNER)) for e in b.take(w.EV_OWNER)] == [b"\x02"]
        await b.run(1_500)
        assert await b.arm(2) == w.OK
        b.chip.cards = [ScriptedCard()]
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_an_ack_from_the_hsu_host_ends_a_command_that_hangs():
    async def story(b):
        b.chip.silent_on = (0x4A,)
        b.hal.hsu.feed(_pn532(0x4A, b"\x01\x00"))
        await b.run(3_000)
        assert b.hal.hsu.sent() == frames.ACK
        assert b.hal.feeds >= 4
        b.hal.hsu.feed(frames.ACK + _pn532(0x02))
        await b.run(100)
        assert b.hal.hsu.sent() == _reply(0x02, b"\x32\x01\x06\x07")

    play(story)


def test_a_card_that_stays_while_the_chip_is_lent_is_still_the_same_presentation():
    async def story(b):
        await b.hello()
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.arm(1)
        await b.run(500)
        await b.status(w.NFC_MODE, (w.T_MODE, w.OFF))
        await b.run(3_000)
        await b.status(w.NFC_MODE, (w.T_MODE, w.AUTO))
        await b.arm(2)
        await b.run(1_000)
        assert len(b.take(w.EV_TAP)) == 1
        assert not b.take(w.EV_REMOVED)
        card.lies = False
        await b.run(1_000)
        card.lies = True
        await b.run(1_000)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_two_cards_that_leave_after_the_session_leave_no_card_behind():
    async def story(b):
        await b.hello()
        b.chip.cards = [ScriptedCard(), ScriptedCard(bytes.fromhex("04aabbccddeeff"))]
        await b.arm(1)
        await b.run(500)
        assert b.app.core.card_lies
        await b.status(w.DISARM)
        b.chip.cards = []
        await b.run(500)
        assert not b.app.core.card_lies

    play(story)


def test_off_takes_the_field_away_and_serves_nobody():
    async def story(b):
        await b.hello()
        b.chip.cards = [ScriptedCard()]
        await b.arm(1)
        await b.run(500)
        await b.status(w.NFC_MODE, (w.T_MODE, w.OFF))
        await b.run(200)
        assert not b.chip.field
        assert await b.arm(2) == w.OWNED
        assert await b.status(w.APDU) == w.OWNED
        b.hal.hsu.feed(_pn532(0x02))
        await b.run(100)
        assert b.hal.hsu.sent() == frames.ACK + frames.SYNTAX_ERROR or b.hal.hsu.sent() == b""

    play(story)
