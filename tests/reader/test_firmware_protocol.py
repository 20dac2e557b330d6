"""The panel channel: frames, retries, old and doubled requests. CPython and MicroPython."""

import random

from reader import tlv
from reader import words as w
from reader.frames import MAX_PAYLOAD, Decoder, Encoder, crc16
from tests.reader.bench import play
from tests.reader.scripted import ScriptedCard


def _decode(data: bytes) -> list:
    decoder, at, found = Decoder(), 0, []
    while at < len(data):
        at = decoder.take(data, at, len(data))
        if decoder.ready:
            found.append((decoder.kind, decoder.seq, bytes(decoder.payload)))
    return found


def test_the_crc_is_ccitt_false():
    assert crc16(b"123456789", 9) == 0x29B1


def test_frames_of_every_length_come_back_and_hold_no_zero():
    encoder = Encoder()
    for n in (0, 1, 249, 250, 251, 252, 253, 254, 255, 256, 503, 504, 505, 508, 511, MAX_PAYLOAD):
        for filler in (0, 1, 255):
            payload = bytes([filler]) * n
            frame = bytes(encoder.encode(0x41, 200, payload))
            assert frame[0] == 0
            assert frame[-1] == 0
            assert 0 not in frame[1:-1]
            assert _decode(frame) == [(0x41, 200, payload)]


def test_random_payloads_come_back():
    random.seed(4711)
    encoder = Encoder()
    for _ in range(100):
        payload = bytes(random.getrandbits(8) % 4 for _ in range(random.getrandbits(9)))
        assert _decode(bytes(encoder.encode(1, 2, payload))) == [(1, 2, payload)]


def test_a_payload_too_long_is_refused():
    try:
        Encoder().encode(1, 1, bytes(MAX_PAYLOAD + 1))
    except ValueError:
        return
    raise AssertionError("it was accepted")


def test_an_endless_frame_is_dropped_and_the_next_one_is_found():
    good = bytes(Encoder().encode(1, 2, b"abc"))
    assert _decode(b"\x05" * 5_000 + good) == [(1, 2, b"abc")]


def test_records_that_do_not_fill_the_payload_are_seen():
    assert tlv.well_formed(b"")
    assert tlv.well_formed(b"\x01\x01\x00\x05")
    assert not tlv.well_formed(b"\x01\x02\x00\x05")
    assert not tlv.well_formed(b"\x01\x02")
    assert tlv.find(b"\x09\x01\x00\x07\x01\x01\x00\x05", 1)[0] == 5
    assert tlv.find_text(b"\x03\x02\x00\xff\xfe", 3) == ""


def test_a_doubled_request_is_executed_once_and_answered_twice():
    async def story(b):
        await b.hello()
        b.chip.cards = [ScriptedCard()]
        await b.status(w.NFC_MODE, (w.T_MODE, w.BY_APDU))
        await b.run(300)
        card = b.chip.cards[0]
        apdu = (w.T_C_APDU, b"\x80\x00\x00\x00\x02hi")
        frame = b.frame(w.APDU, b.send(w.APDU, apdu), apdu)
        b.hal.panel.feed(frame)
        await b.run(300)
        b.hal.panel.feed(frame)
        await b.run(300)
        done = [a for a in b.answers if tlv.find_int(a[2], w.T_STATUS) == w.OK]
        assert len(done) >= 2
        assert len({answer[2] for answer in done}) == 1
        assert len(card.apdus) == 1

    play(story)


def test_a_request_that_comes_late_is_not_executed():
    async def story(b):
        await b.hello()
        await b.arm(1)
        late = b.frame(w.ARM, b.seq, (w.T_SESSION, 1), (w.T_TIMEOUT, 60_000))
        await b.status(w.DISARM)
        b.hal.panel.feed(late)
        await b.run(200)
        assert not b.app.core.session.running()
        assert b.stat("stale") == 1

    play(story)


def test_a_second_host_ends_what_the_first_one_armed():
    async def story(b):
        await b.hello()
        await b.arm(1)
        b.seq = 200
        await b.hello()
        assert not b.app.core.session.running()

    play(story)


def test_unknown_requests_and_broken_payloads_are_answered():
    async def story(b):
        await b.hello()
        assert await b.status(0x3D) == w.UNKNOWN
        assert await b.status(w.ARM) == w.BAD_REQUEST
        assert await b.status(w.RESULT, (w.T_SESSION, 4), (w.T_OUTCOME, 1)) == w.STALE
        b.seq += 1
        b.hal.panel.feed(bytes(Encoder().encode(w.UI, b.seq, b"\x01\x09\x00")))
        await b.run(100)
        assert tlv.find_int(b.answers[-1][2], w.T_STATUS) == w.BAD_REQUEST

    play(story)


def test_hello_says_who_the_reader_is():
    async def story(b):
        answer = await b.hello()
        assert tlv.find_text(answer, w.T_SERIAL) == "TT-0000TWIN"
        assert tlv.find_int(answer, w.T_PROTOCOL) == 1
        assert tlv.find_int(answer, w.T_BOOT) == w.BOOT_POWER
        await b.run(100)
        assert len(b.take(w.EV_READY)) == 1

    play(story)


def test_a_host_that_does_not_read_blocks_nothing():
    async def story(b):
        await b.hello()
        b.hal.panel.stalled = True
        b.acknowledge = False
        for _ in range(50):
            b.send(w.STATS)
            await b.run(100)
        assert b.stat("events_lost") > 0
        fed = b.hal.feeds
        await b.run(2_000)
        assert b.hal.feeds > fed
        b.hal.panel.stalled = False
        assert await b.status(w.STATS) == w.OK

    play(story)


def test_settings_have_limits_and_outlive_a_restart():
    async def story(b):
        await b.hello()
        assert await b.status(w.CONFIG, (w.T_NAME, "volume"), (w.T_VALUE, 101)) == w.BAD_REQUEST
        assert await b.status(w.CONFIG, (w.T_NAME, "wolume"), (w.T_VALUE, 1)) == w.BAD_REQUEST
        assert await b.status(w.CONFIG, (w.T_NAME, "volume"), (w.T_VALUE, 0)) == w.OK

    kept = play(story).hal.kept
    assert play(story, kept=kept + "\nrubbish").app.core.config.get("volume") == 0


def test_reboot_waits_for_its_answer():
    async def story(b):
        await b.hello()
        assert await b.status(w.REBOOT, (w.T_KIND, w.REBOOT_SAFE)) == w.OK
        await b.run(200)
        assert b.hal.rebooted == w.REBOOT_SAFE

    play(story)


def test_safe_mode_answers_and_leaves_the_chip_alone():
    async def story(b):
        answer = await b.hello()
        assert tlv.find_int(answer, w.T_STATE) & w.IS_SAFE
        assert await b.arm(4) == w.SAFE_MODE
        assert await b.status(w.SELFTEST) == w.SAFE_MODE
        assert b.chip.commands == []

    play(story, boot=w.BOOT_SAFE)


def test_a_host_may_follow_the_log_in_its_own_time():
    async def story(b):
        await b.hello()
        await b.ask(w.TIME, (w.T_TIME, (1_700_000_000_000).to_bytes(8, "little")))
        await b.ask(w.LOG, (w.T_FLAGS, w.LOG_FOLLOW))
        b.chip.dead = True
        await b.arm(1)
        await b.run(1_000)
        line = tlv.find_text(b.take(w.EV_LOG)[0], w.T_TEXT)
        assert line.startswith("1700000")
        assert line.endswith(" 01 0")

    play(story)


def test_no_card_data_enters_the_log():
    async def story(b):
        await b.hello()
        await b.arm(1)
        b.chip.cards = [ScriptedCard()]
        await b.run(500)
        answer = await b.ask(w.LOG)
        assert b"p=" not in answer
        assert b"0000000000" not in answer

    play(story)
