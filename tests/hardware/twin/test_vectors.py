"""The card's side of every published exchange: recorded on cards, or printed by NXP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hardware.twin import sdm
from hardware.twin.card import TwinCard
from hardware.twin.session import Session
from hardware.twin.settings import FREE, NEVER, Mode, Sdm
from hardware.twin.signature import public_key
from hardware.twin.state import CardState, KeySlot
from hardware.twin.typea import REQA, RfCard
from host.ntag424 import originality
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, unpad
from host.ntag424.session import response_iv
from host.ntag424.values import Key, Uid
from tests.hardware.twin.cards import TEMPLATE, UID, boltcard, factory, selected, session, speak
from tests.host.ntag424.vectors import ALL, counter

Vector = dict[str, Any]

VECTORS: dict[str, Vector] = {vector["id"]: vector for vector in ALL["vectors"]}
MODES = {"mac": Mode.MAC, "full": Mode.FULL}


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in ALL["vectors"] if v["kind"] in kinds]


def running(given: Vector) -> Session:
    enc = Key.parse(given["ses_enc"]) if "ses_enc" in given else Key.zero()
    ti = bytes.fromhex(given["ti"])
    return Session(0, enc, Key.parse(given["ses_mac"]), ti, given["ctr"])


def plain_answer(given: Vector, answer: bytes, mode: Mode) -> bytes:
    """What the recorded answer says, opened by the host's code."""
    body = answer[:-8]
    if mode is Mode.MAC or not body:
        return body
    card = running(given)
    iv = response_iv(card.enc, card.ti, card.counter + 1)
    return unpad(aes_cbc_decrypt(card.enc, iv, body))


@pytest.mark.parametrize("vector", of_kind("cmd", "changekey"))
def test_a_recorded_command_is_opened_and_its_answer_sealed_the_same(vector: Vector) -> None:
    given, capdu = vector["in"], bytes.fromhex(vector["out"]["capdu"])
    header = bytes.fromhex(
        given.get("header", f"{given['key_no']:02x}" if "key_no" in given else "")
    )
    card = running(given)
    mode = MODES[given.get("mode", "full")]
    opened = card.receive(capdu[1], header, capdu[5 + len(header) : -1], mode)
    expected = given.get("data") or vector["out"].get("plain", "")
    assert not expected or opened == bytes.fromhex(expected)
    assert card.counter == given["ctr"] + 1
    if "rdata" in given:
        answer = bytes.fromhex(given["rdata"])
        mode = MODES[given.get("rmode", given.get("mode", "full"))]
        assert card.answer(given.get("rc", 0), plain_answer(given, answer, mode), mode) == answer


@pytest.mark.parametrize("vector", of_kind("auth_aes"))
def test_a_recorded_authentication_is_answered_byte_for_byte(vector: Vector) -> None:
    given, out = vector["in"], vector["out"]
    key, key_no, first = Key.parse(given["key"]), given["key_no"], given.get("first", True)
    rnd_b = aes_cbc_decrypt(key, ZERO_IV, bytes.fromhex(given["r1"]))
    randoms = [bytes.fromhex(out["ti"]), rnd_b] if first else [b"TRAN", rnd_b]
    card, chip = with_randoms(CardState.factory(UID).with_key(key_no, KeySlot(key)), randoms)
    if not first:
        chip.session = Session(0, Key.zero(), Key.zero(), chip.random(4), 2)
    begin = f"907100000{2}{key_no:02X}0000" if first else f"9077000001{key_no:02X}00"
    assert speak(card, begin) == given["r1"] + "91AF"
    part2 = out.get("c2") or "90AF000020" + out["part2_data"] + "00"
    assert speak(card, part2) == given["r2"] + "9100"
    assert chip.session.counter == (0 if first else 2)
    if "ses_enc" in out:
        keys = Key.parse(out["ses_enc"]), Key.parse(out["ses_mac"])
        assert (chip.session.enc, chip.session.mac) == keys


def with_randoms(state: CardState, values: list[bytes]) -> tuple[TwinCard, Any]:
    """A card that draws these numbers, and its powered chip."""
    left = iter(values)
    card = selected(state, random=lambda size: next(left))
    return card, card._chip


@pytest.mark.parametrize("vector", of_kind("sun"))
def test_a_recorded_tap_is_signed_the_same(vector: Vector) -> None:
    given, out = vector["in"], vector["out"]
    check_tap(given["k1"], given["k2"], given["p"], out["c"], given.get("mac_input_ascii", ""))


@pytest.mark.parametrize("tap", [pytest.param(tap, id=tap["name"]) for tap in ALL["sun"]])
def test_a_published_tap_is_signed_the_same(tap: Vector) -> None:
    if bytes.fromhex(tap["uid"]) != b"\xff" * 7:
        check_tap(tap["k1"], tap["k2"], tap["p"], tap["c"], "")


def check_tap(k1: str, k2: str, p: str, c: str, signed: str) -> None:
    """Put the recorded UID, counter and padding into a card and let it mirror them."""
    picc = aes_cbc_decrypt(Key.parse(k1), ZERO_IV, bytes.fromhex(p))
    state = CardState.factory(Uid(picc[1:8]))
    state = state.with_key(1, KeySlot(Key.parse(k1))).with_key(2, KeySlot(Key.parse(k2)))
    state = replace(state, read_counter=int.from_bytes(picc[8:11], "little"))
    mac = 32 + len(signed)
    mirrors = Sdm(True, True, 1, 2, NEVER, picc=0, mac_input=32, mac=mac)
    content = bytes(32) + signed.encode() + bytes(16)
    image = sdm.image(state, content, mirrors, picc[11:] + bytes(10))
    assert image == p.upper().encode() + signed.encode() + c.upper().encode()


def test_encrypted_file_data_is_as_in_the_application_note() -> None:
    vector = VECTORS["an12196-t4-encfiledata"]
    given, out = vector["in"], vector["out"]
    state = CardState.factory(Uid.parse(given["uid"]))
    state = replace(state, read_counter=counter(given["ctr_le"]))
    mirrors = Sdm(True, True, NEVER, 0, NEVER, mac_input=0, enc=0, enc_length=32, mac=32)
    content = bytes.fromhex(out["plain"]) + bytes(32)
    assert sdm.image(state, content, mirrors, bytes(15))[:32].decode() == given["ct"]


def test_plain_mirrors_are_signed_as_published() -> None:
    vector = VECTORS["sdm-backend-plain-mirror"]
    given = vector["in"]
    state = replace(CardState.factory(Uid.parse(given["uid"])), read_counter=6)
    mirrors = Sdm(True, True, FREE, 0, NEVER, uid=0, counter=15, mac_input=21, mac=21)
    image = sdm.image(state, b"0" * 14 + b"x" + b"0" * 22, mirrors, bytes(15))
    assert image.decode() == given["uid"] + "x" + given["ctr_ascii"] + vector["out"]["c"]


def test_a_factory_card_reports_what_the_data_sheet_says() -> None:
    expected, card = VECTORS["factory-defaults"]["out"], factory()
    for number in (1, 2, 3):
        assert speak(card, f"90F50000010{number}00") == expected[f"fs_0{number}"] + "9100"
    assert speak(card, "90AD00000701000000000000" + "00") == expected["cc"] + "9100"


def test_get_version_answers_as_current_silicon() -> None:
    expected, card = VECTORS["hw-getversion-current-silicon"]["out"], factory()
    assert speak(card, "9060000000") == expected["hw"] + "91AF"
    assert speak(card, "90AF000000") == expected["sw"] + "91AF"
    assert speak(card, "90AF000000") == (UID.raw + card.state.batch).hex().upper() + "9100"


def test_activation_goes_as_in_the_application_note() -> None:
    """Except for the ATS, where AN12196 has a misprint."""
    card = RfCard(TwinCard(CardState.factory(Uid.parse("041689AA5C5E80"))))
    exchanges = VECTORS["an12196-t10-activation"]["in"]["exchanges"]
    assert card.wake(REQA) == bytes.fromhex(exchanges[0][1])
    for command, answer in exchanges[1:]:
        expected = answer.replace("61", "71") if command == "E080" else answer
        assert card.receive(bytes.fromhex(command)) == bytes.fromhex(expected), command


def test_the_iso_write_of_the_application_note_works_without_its_le() -> None:
    capdu = VECTORS["an12196-t17-isoupdatebinary"]["in"]["capdu"]
    card = factory()
    assert speak(card, "00A4000002E104") == "9000"
    assert speak(card, capdu) == "6700"
    assert speak(card, capdu[:-2]) == "9000"


def test_an_authenticated_read_gives_the_placeholders_and_is_no_tap() -> None:
    card = selected(boltcard())
    host = session(card)
    assert host.read_data(2).startswith(TEMPLATE.file)
    assert card.state.read_counter == 0


def test_a_plain_write_in_a_session_is_counted() -> None:
    """AN12196 table 25: CommMode.Plain while authenticated still moves CmdCtr."""
    card = factory()
    session(card)
    capdu = VECTORS["an12196-t25-cc-write-plain"]["in"]["capdu"]
    assert speak(card, capdu) == "9100"
    assert card._chip is not None
    assert card._chip.session is not None
    assert card._chip.session.counter == 1


def test_a_simulated_signature_is_valid_and_not_nxps() -> None:
    answer = bytes.fromhex(speak(factory(), "903C0000010000"))
    assert answer.endswith(b"\x91\x90")
    assert originality.check(UID, answer[:-2], public_key())
    assert not originality.check(UID, answer[:-2])
