"""Cards to test, and the ways to speak with them: raw hex, and the host's own `Card`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hardware.twin.card import TwinCard
from hardware.twin.settings import Settings
from hardware.twin.state import CardState, StoredFile
from host.ntag424 import ndef
from host.ntag424.card import Card
from host.ntag424.commands import native
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, aes_cbc_encrypt
from host.ntag424.values import Key, Uid

UID = Uid.parse("04AABBCCDDEE80")
ZERO = Key.zero()
SELECT = "00A4040007D276000085010100"
READ_ALL = "90AD0000070200000000000000"
URL_BASE = "lnurlw://pos.example/ln"
TEMPLATE = ndef.build_template(URL_BASE)


def speak(card: TwinCard, apdu: str) -> str:
    """Hex in, hex out."""
    return card.transceive(bytes.fromhex(apdu)).hex().upper()


def status(card: TwinCard, apdu: str) -> str:
    """The status word of the answer to `apdu`."""
    return speak(card, apdu)[-4:]


def factory() -> TwinCard:
    """A card as delivered, its application selected."""
    return selected(CardState.factory(UID))


def selected(state: CardState, **options: object) -> TwinCard:
    """A card with that memory, its application selected."""
    card = TwinCard(state, **options)  # type: ignore[arg-type]
    assert speak(card, SELECT) == "9000"
    return card


def with_settings(state: CardState, number: int, settings: str) -> CardState:
    """That memory with a file's settings as ChangeFileSettings takes them."""
    file = state.files[number - 1]
    changed = replace(file, settings=Settings.decode(bytes.fromhex(settings)))
    return state.with_file(number, changed)


def with_content(state: CardState, number: int, content: bytes) -> CardState:
    """That memory with a file's beginning."""
    file = state.files[number - 1]
    return state.with_file(
        number, StoredFile(content + file.content[len(content) :], file.settings)
    )


def boltcard(counter: int = 0) -> CardState:
    """A Boltcard with zero keys: free to read, signed with keys 1 and 2."""
    p, c = (n.to_bytes(3, "little").hex() for n in (TEMPLATE.p_offset, TEMPLATE.c_offset))
    state = with_content(CardState.factory(UID), 2, TEMPLATE.file)
    return replace(with_settings(state, 2, f"4000E0C1FF12{p}{c}{c}"), read_counter=counter)


def session(card: TwinCard, key_no: int = 0, key: Key = ZERO) -> Card:
    """The host in a session with that card."""
    host = Card(card)
    host.select_application()
    host.authenticate(key_no, key)
    return host


def fail_authentication(card: TwinCard, key_no: int = 0) -> str:
    """One attempt with a wrong key; the status word it ends with."""
    answer = speak(card, f"90710000020{key_no}0000")
    if not answer.endswith("91AF"):
        return answer
    wrong = aes_cbc_encrypt(Key(b"w" * 16), ZERO_IV, bytes(32))
    return speak(card, native(0xAF, wrong).hex())


def part1(card: TwinCard, key: Key = ZERO) -> bytes:
    """RndB of an authentication that is begun and not finished."""
    answer = bytes.fromhex(speak(card, "9071000002000000"))
    assert answer.endswith(b"\x91\xaf")
    return aes_cbc_decrypt(key, ZERO_IV, answer[:-2])


def fixed(*values: str) -> Iterator[bytes]:
    """Values for a card's random source, in the order in which it asks."""
    return map(bytes.fromhex, values)
