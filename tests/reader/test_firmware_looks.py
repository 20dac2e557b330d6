"""Lights, tones, display, buttons and tips as functions of time. CPython and MicroPython."""

from reader import lights, screen, tlv, tones
from reader import words as w
from reader.buttons import Button, Buttons, Tips
from tests.reader.bench import play
from tests.reader.scripted import ScriptedCard


def _painted(look: int, t: int) -> list:
    pixels = bytearray(3 * lights.COUNT)
    lights.paint(pixels, look, t, 100)
    return [any(pixels[3 * i : 3 * i + 3]) for i in range(lights.COUNT)]


def _row(look: int, t: int) -> int:
    return sum(_painted(look, t)[: lights.ROW])


def test_the_row_follows_the_emv_rule():
    assert [_row(w.LOOK_IDLE, t) for t in (0, 500, 2_999, 3_000)] == [1, 0, 0, 1]
    assert _row(w.LOOK_ARMED, 12_345) == 1
    assert [_row(w.LOOK_READING, t) for t in (0, 60, 120, 180, 900)] == [1, 2, 3, 4, 4]
    assert _row(w.LOOK_READ, 0) == 4


def test_approved_and_declined_differ_in_shape_not_only_in_colour():
    assert sum(_painted(w.LOOK_APPROVED, 2_000)[4:]) == lights.RING
    assert sum(_painted(w.LOOK_DECLINED, 2_000)[4:]) == 4


def test_every_look_paints_and_draws_at_any_time():
    for look in range(w.LOOK_SAFE + 1):
        for t in (0, 1, 333, 12_345_678):
            _painted(look, t)
        for part in screen.picture(look, "1 234 567", "sats", ("", "a line that is far too long")):
            assert part[1] >= 0
            assert part[2] < screen.HEIGHT


def test_a_long_reason_is_shown_whole_beside_the_cross():
    reason = "A payment of this card is still being checked"
    parts = screen.picture(w.LOOK_DECLINED, "2 500", "sats", (reason, "2 500 sat"))
    rows = [part[0] for part in parts if len(part) == 4 and part[1] == 40]
    assert " ".join(rows) == reason
    assert parts[0][0] == "Declined"
    assert ("cross", 0, 18) in parts
    assert max(part[2] + 8 for part in parts if len(part) == 4) <= screen.HEIGHT
    assert max(part[1] + 8 * len(part[0]) for part in parts if len(part) == 4) <= screen.WIDTH
    assert screen.wrapped("Donaudampfschiff  x", 5) == ["Donau", "x"]


def test_the_tick_stands_beside_the_amount():
    for amount in ("1", "2 500", "21 000", "1 234 567"):
        parts = screen.picture(w.LOOK_APPROVED, amount, "sats", ("", ""))
        x, scale = next((part[1], part[3]) for part in parts if part[0] == amount)
        assert x >= screen.SIGN_WIDTH
        assert x + 8 * scale * len(amount) <= screen.WIDTH


def test_brightness_scales_the_lights():
    pixels = bytearray(3 * lights.COUNT)
    lights.paint(pixels, w.LOOK_READ, 0, 10)
    assert 0 < max(pixels) <= 20


def test_tones_of_read_approved_and_declined_are_told_apart():
    def sounds(look: int) -> list:
        return [tones.pitch(tones.MELODIES[look], t) for t in (0, 100, 200, 320, 700)]

    assert sounds(w.LOOK_READ) == [2600, 0, 0, 0, 0]
    assert sounds(w.LOOK_APPROVED) == [1900, 1900, 1900, 1900, 0]
    assert sounds(w.LOOK_DECLINED) == [420, 420, 0, 420, 0]


def test_a_melody_of_the_host_is_played_and_cut():
    assert tones.parse(b"\xe8\x03\x64\x00") == ((1000, 100),)
    assert len(tones.parse(bytes(400))) == 16
    assert tones.parse(b"\x01\x02\x03") == ()


def test_a_long_amount_is_drawn_smaller_and_never_cut():
    def drawn(amount: str) -> list:
        parts = screen.picture(w.LOOK_ARMED, amount, "sats", ("", ""))
        return [part[3] for part in parts if part[0] == amount]

    assert drawn("2 500") == [2]
    assert drawn("21 000 000.00") == [1]


def test_a_button_that_bounces_is_pressed_once():
    button = Button()
    levels = [(0, 1), (3, 0), (6, 1), (100, 1), (200, 0), (204, 1), (207, 0), (260, 0)]
    assert [button.look(bool(down), 1_000 + at) for at, down in levels].count(1) == 1


def test_a_long_press_is_told_while_it_is_held_and_only_once():
    buttons = Buttons()
    got = [buttons.look(w.CANCEL, at) for at in range(1_000, 4_000, 20)]
    got += [buttons.look(0, at) for at in range(4_000, 4_100, 20)]
    assert [press for press in got if press[0]] == [(w.CANCEL, w.LONG)]


def test_tips_are_chosen_taken_and_left():
    tips = Tips()
    assert tips.press(w.CONFIRM, w.SHORT) == -1
    assert not tips.open
    tips.press(w.CONFIRM, w.LONG)
    assert tips.percent() == 5
    tips.press(w.CONFIRM, w.SHORT)
    assert tips.press(w.CONFIRM, w.LONG) == 10
    tips.press(w.CONFIRM, w.LONG)
    assert tips.press(w.CANCEL, w.SHORT) == -1
    assert not tips.open


def test_the_reader_shows_a_sale_from_arming_to_paid():
    async def story(b):
        await b.hello()
        await b.arm(1)
        await b.run(100)
        assert ("2 500", 24, 20, 2) in b.hal.picture
        b.chip.cards = [ScriptedCard()]
        await b.run(400)
        assert b.app.core.face.look == w.LOOK_READ
        assert (2600, 60) in [tone[1:] for tone in b.hal.tones]
        done = ((w.T_SESSION, 1), (w.T_OUTCOME, w.APPROVED), (w.T_LINE2, "Thank you"))
        await b.status(w.RESULT, *done)
        await b.run(100)
        assert ("tick", 0, 14) in b.hal.picture
        assert any(part[0] == "Thank you" for part in b.hal.picture)
        await b.run(6_000)
        assert b.app.core.face.look == w.LOOK_IDLE

    play(story)


def test_volume_0_still_flashes():
    async def story(b):
        await b.hello()
        await b.arm(1)
        await b.status(w.RESULT, (w.T_SESSION, 1), (w.T_OUTCOME, w.DECLINED))
        rows = set()
        for _ in range(40):
            await b.run(20)
            rows.add(b.hal.row)
        assert len(rows) > 1
        assert all(tone[2] == 0 for tone in b.hal.tones)

    play(story, kept="volume=0")


def test_the_host_may_light_and_play_by_itself_for_a_while():
    async def story(b):
        await b.hello()
        pixels = bytes(range(3 * lights.COUNT))
        assert await b.status(w.LED, (w.T_LIGHTS, b"\x01\x02")) == w.BAD_REQUEST
        assert await b.status(w.LED, (w.T_LIGHTS, pixels)) == w.OK
        assert await b.status(w.TONE, (w.T_TONE, b"\xe8\x03\x64\x00")) == w.OK
        await b.run(200)
        assert b.hal.row == pixels
        assert [tone[1] for tone in b.hal.tones][-2:] == [1000, 0]
        await b.run(11_000)
        assert b.hal.row != pixels

    play(story)


def test_buttons_and_tips_reach_the_host():
    async def story(b):
        await b.hello()
        await b.arm(1)

        async def press(bits: int, ms: int) -> None:
            b.hal.pressed = bits
            await b.run(ms)
            b.hal.pressed = 0
            await b.run(200)

        await press(w.CANCEL, 100)
        event = b.take(w.EV_BUTTON)[0]
        assert tlv.find_int(event, w.T_BUTTON) == w.CANCEL
        assert tlv.find_int(event, w.T_HOW) == w.SHORT
        await press(w.CONFIRM, 1_000)
        assert b.app.core.face.look == w.LOOK_TIP
        await press(w.CONFIRM, 100)
        await press(w.CONFIRM, 1_000)
        assert [tlv.find_int(e, w.T_TIP) for e in b.take(w.EV_TIP)] == [10]
        assert not b.take(w.EV_BUTTON)

    play(story, kept="tips=1")
