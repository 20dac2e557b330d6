"""Taps as a host sees them. Runs under CPython and under MicroPython: no pytest in here."""

from reader import tlv
from reader import words as w
from tests.reader.bench import play
from tests.reader.scripted import ScriptedCard


def _session(payload: bytes) -> int:
    return tlv.find_int(payload, w.T_SESSION)


def test_a_tap_is_read_in_two_apdus_and_told_once():
    async def story(b):
        await b.hello()
        assert await b.arm(7) == w.OK
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.run(2_000)
        taps = b.take(w.EV_TAP)
        assert len(taps) == 1
        assert _session(taps[0]) == 7
        assert bytes(tlv.find(taps[0], w.T_NDEF)) == card.file
        assert bytes(tlv.find(taps[0], w.T_UID)) == card.uid
        assert tlv.find_int(taps[0], w.T_HOW) == w.READ_NATIVE
        assert len(card.apdus) == 2

    play(story)


def test_an_ordinary_type_4_tag_is_read_by_its_file_id():
    async def story(b):
        await b.hello()
        await b.arm(7)
        card = ScriptedCard(native=False)
        b.chip.cards = [card]
        await b.run(1_000)
        taps = b.take(w.EV_TAP)
        assert tlv.find_int(taps[0], w.T_HOW) == w.READ_ISO
        assert bytes(tlv.find(taps[0], w.T_NDEF)) == card.file

    play(story)


def test_nothing_is_sent_before_hello_and_no_card_is_read_unarmed():
    async def story(b):
        card = ScriptedCard()
        b.chip.cards = [card]
        b.send(w.PING)
        await b.run(2_000)
        assert b.hal.panel.sent() == b""
        assert not b.answers
        assert not b.events
        await b.hello()
        await b.run(2_000)
        assert not b.take(w.EV_TAP)
        assert not card.apdus

    play(story)


def test_a_card_that_lies_there_already_is_read_when_armed():
    async def story(b):
        await b.hello()
        b.chip.cards = [ScriptedCard()]
        await b.run(1_000)
        await b.arm(9)
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_a_card_left_from_the_last_sale_is_not_charged_again():
    async def story(b):
        await b.hello()
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.arm(1)
        await b.run(500)
        await b.status(w.RESULT, (w.T_SESSION, 1), (w.T_OUTCOME, w.APPROVED))
        await b.arm(2)
        await b.run(2_000)
        assert [_session(tap) for tap in b.take(w.EV_TAP)] == [1]
        card.lies = False
        await b.run(1_000)
        assert [_session(gone) for gone in b.take(w.EV_REMOVED)] == [1]
        card.lies = True
        await b.run(1_000)
        assert [_session(tap) for tap in b.take(w.EV_TAP)] == [2]

    play(story)


def test_a_flickering_card_is_one_presentation():
    async def story(b):
        await b.hello()
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.arm(1)
        await b.run(500)
        await b.status(w.RESULT, (w.T_SESSION, 1), (w.T_OUTCOME, w.APPROVED))
        await b.arm(2)
        for _ in range(5):
            card.lies = False
            await b.run(90)
            card.lies = True
            await b.run(400)
        assert len(b.take(w.EV_TAP)) == 1
        assert not b.take(w.EV_REMOVED)

    play(story)


def test_a_card_taken_away_too_early_is_told_and_the_next_tap_counts():
    async def story(b):
        await b.hello()
        await b.arm(3)
        card = ScriptedCard()
        card.leave_after = 1
        b.chip.cards = [card]
        await b.run(1_500)
        errors = b.take(w.EV_TAP_ERROR)
        assert [tlv.find_int(error, w.T_REASON) for error in errors] == [w.REMOVED_EARLY]
        card.leave_after = -1
        card.lies = True
        await b.run(1_000)
        taps = b.take(w.EV_TAP)
        assert [tlv.find_int(tap, w.T_ATTEMPT) for tap in taps] == [2]

    play(story)


def test_two_cards_are_told_once_and_one_of_them_is_read_when_the_other_leaves():
    async def story(b):
        await b.hello()
        await b.arm(3)
        other = ScriptedCard(bytes.fromhex("04aabbccddeeff"))
        b.chip.cards = [ScriptedCard(), other]
        await b.run(2_000)
        errors = b.take(w.EV_TAP_ERROR)
        assert [tlv.find_int(error, w.T_REASON) for error in errors] == [w.TWO_CARDS]
        assert not b.take(w.EV_TAP)
        other.lies = False
        await b.run(1_000)
        assert len(b.take(w.EV_TAP)) == 1

    play(story)


def test_a_card_of_another_type_is_refused():
    async def story(b):
        await b.hello()
        await b.arm(3)
        card = ScriptedCard()
        card.sak = 0x08
        b.chip.cards = [card]
        await b.run(1_000)
        errors = b.take(w.EV_TAP_ERROR)
        assert [tlv.find_int(error, w.T_REASON) for error in errors] == [w.NOT_TYPE_4]

    play(story)


def test_a_tap_is_sent_again_until_it_is_acknowledged():
    async def story(b):
        await b.hello()
        b.acknowledge = False
        await b.arm(5)
        b.chip.cards = [ScriptedCard()]
        await b.run(1_000)
        many = b.take(w.EV_TAP)
        assert len(many) >= 3
        assert len(set(many)) == 1
        b.acknowledge = True
        await b.run(400)
        b.take(w.EV_TAP)
        await b.run(1_000)
        assert not b.take(w.EV_TAP)

    play(story)


def test_retry_arms_the_same_session_again_after_removal():
    async def story(b):
        await b.hello()
        await b.arm(5)
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.run(500)
        assert await b.status(w.RESULT, (w.T_SESSION, 5), (w.T_OUTCOME, w.RETRY)) == w.OK
        await b.run(500)
        assert len(b.take(w.EV_TAP)) == 1
        card.lies = False
        await b.run(600)
        card.lies = True
        await b.run(600)
        taps = b.take(w.EV_TAP)
        assert [(_session(t), tlv.find_int(t, w.T_ATTEMPT)) for t in taps] == [(5, 2)]

    play(story)


def test_five_seconds_of_silence_disarm():
    async def story(b):
        await b.hello()
        await b.arm(5, timeout=600_000)
        await b.hal.run_for(4_000)
        assert b.app.core.session.running()
        await b.hal.run_for(1_500)
        assert not b.app.core.session.running()
        b.chip.cards = [ScriptedCard()]
        await b.hal.run_for(2_000)
        assert b.stat("taps") == 0

    play(story)


def test_nobody_laying_a_card_down_ends_the_session():
    async def story(b):
        await b.hello()
        await b.arm(5, timeout=2_000)
        await b.run(2_500)
        assert not b.app.core.session.running()
        assert b.app.core.face.look == w.LOOK_IDLE

    play(story)


def test_a_result_for_another_session_is_stale():
    async def story(b):
        await b.hello()
        await b.arm(5)
        status = await b.status(w.RESULT, (w.T_SESSION, 6), (w.T_OUTCOME, w.APPROVED))
        assert status == w.STALE
        assert b.app.core.face.look == w.LOOK_ARMED

    play(story)


def test_detect_only_touches_no_file():
    async def story(b):
        await b.hello()
        await b.arm(5, flags=w.ARM_DETECT_ONLY)
        card = ScriptedCard()
        b.chip.cards = [card]
        await b.run(500)
        taps = b.take(w.EV_TAP)
        assert len(taps) == 1
        assert tlv.find(taps[0], w.T_NDEF) is None
        assert not card.apdus

    play(story)
