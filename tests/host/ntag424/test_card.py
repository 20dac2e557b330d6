"""The card over a link: recorded conversations, and a peer that keeps up the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from host.ntag424.card import Card
from host.ntag424.commands import FID_NDEF, Configuration, native
from host.ntag424.errors import (
    AnswerError,
    AuthenticationDelay,
    AuthenticationError,
    CardBlocked,
    CardError,
    IntegrityError,
    LrpCard,
    NoSession,
    StatusError,
)
from host.ntag424.files import (
    FACTORY_FILES,
    CommMode,
    FileNo,
    FileSettings,
    boltcard_settings,
)
from host.ntag424.session import Session
from host.ntag424.status import Status
from host.ntag424.values import Key
from tests.host.ntag424.links import Peer, Replay
from tests.host.ntag424.vectors import ALL, session_of

VECTORS = {v["id"]: (v["in"], v["out"]) for v in ALL["vectors"]}
ZERO = Key.zero()
PART1 = "9071000002000000"
SELECT = ("00A4040007D276000085010100", "9000")


def recorded(*vector_ids: str) -> list[tuple[str, str]]:
    """The exchanges of `cmd` and `changekey` vectors, each answered 9100."""
    return [
        (out["capdu"], given.get("rdata", "") + "9100")
        for given, out in map(VECTORS.__getitem__, vector_ids)
    ]


def authentication(vector_id: str) -> list[tuple[str, str]]:
    given, out = VECTORS[vector_id]
    return [(given["c1"], given["r1"] + "91AF"), (out["c2"], given["r2"] + "9100")]


def card_in(session: Session, mode: CommMode = CommMode.MAC) -> tuple[Card, Peer]:
    """A card in the middle of a session, and the peer that answers it."""
    peer = Peer(replace(session), mode)
    card = Card(peer)
    card._session = session
    return card, peer


def some_session() -> Session:
    return Session(0, b"TRAN", Key(b"e" * 16), Key(b"m" * 16))


def test_a_card_is_personalised_as_in_the_application_note() -> None:
    """AN12196 tables 14, 18 and 19: authenticate, write the file, switch SDM on."""
    rnd_a = bytes.fromhex(VECTORS["an12196-t14-auth-first-k0"][0]["rnda"])
    data = bytes.fromhex(VECTORS["an12196-t18-writedata-full"][0]["data"])
    link = Replay(
        SELECT,
        *authentication("an12196-t14-auth-first-k0"),
        *recorded("an12196-t18-writedata-full", "an12196-t19-changefilesettings"),
    )
    card = Card(link, lambda count: rnd_a[:count])
    card.select_application()
    card.authenticate(0, ZERO)
    assert card.authenticated == 0
    card.write_data(FileNo.NDEF, data, mode=CommMode.FULL)
    settings = bytes.fromhex(VECTORS["an12196-t19-changefilesettings"][0]["data"])
    card.change_file_settings(FileNo.NDEF, FileSettings.decode(settings))
    link.finish()


def test_keys_are_changed_as_in_the_application_note() -> None:
    """AN12196 tables 24 to 27: authenticate again, write in plain, change keys 2 and 0."""
    auth = "an12196-t24-auth-nonfirst-k0"
    rnd_a = bytes.fromhex(VECTORS[auth][0]["rnda"])
    plain_write = VECTORS["an12196-t25-cc-write-plain"][0]["capdu"]
    link = Replay(
        *authentication(auth),
        (plain_write, "9100"),
        *recorded("an12196-t26-changekey-case1", "an12196-t27-changekey-case2"),
    )
    card = Card(link, lambda count: rnd_a[:count])
    card._session = Session(0, bytes.fromhex("7614281A"), ZERO, ZERO, 1)
    card.authenticate_again(0, ZERO)
    card.write_data(FileNo.CC, bytes.fromhex(plain_write)[12:-1], offset=14)
    card.change_key(2, Key.parse("F3847D627727ED3BC9C4CC050489B966"), 1, ZERO)
    assert card.authenticated == 0
    card.change_key(0, Key.parse("5004BF991F408672B1EF00F08F9E8647"), 1)
    with pytest.raises(NoSession):
        card.get_card_uid()
    link.finish()


def test_a_random_id_card_still_tells_its_uid_in_a_session() -> None:
    given, out = VECTORS["an12196-t29-getcarduid"]
    card = Card(Replay(*recorded("an12196-t29-getcarduid")))
    card._session = session_of(given)
    assert card.get_card_uid().hex() == out["rplain"].lower()


def test_the_counter_of_taps_is_read() -> None:
    given, _ = VECTORS["hw-getfilecounters-1"]
    card = Card(Replay(*recorded("hw-getfilecounters-1", "hw-getfilecounters-2")))
    card._session = session_of(given)
    assert [card.get_file_counter(FileNo.NDEF) for _ in range(2)] == [12, 12]


def test_a_free_counter_is_read_with_a_mac_only() -> None:
    card, peer = card_in(some_session())
    peer.answers = [(bytes.fromhex("0C00000000"), 0x9100)]
    assert card.get_file_counter(FileNo.NDEF, CommMode.MAC) == 12


def test_a_signature_has_a_status_of_its_own() -> None:
    given, out = VECTORS["hw-readsig-full-ctr1"]
    card = Card(Replay((out["capdu"], given["rdata"] + "9190")))
    card._session = session_of(given)
    assert len(card.read_signature()) == 56
    card = Card(Replay(("903C0000010000", "11" * 56 + "9190")))
    assert card.read_signature() == b"\x11" * 56


def test_a_plain_signature_with_the_wrong_success_is_refused() -> None:
    card = Card(Replay(("903C0000010000", "11" * 56 + "9100")))
    with pytest.raises(StatusError):
        card.read_signature()


def test_random_id_is_switched_on_as_in_the_application_note() -> None:
    given, _ = VECTORS["an12196-t28-setconfig-rid"]
    card = Card(Replay(*recorded("an12196-t28-setconfig-rid")))
    card._session = session_of(given)
    card.enable_random_id()
    assert card.authenticated == 0


def test_a_card_is_never_switched_to_lrp() -> None:
    card, peer = card_in(some_session())
    with pytest.raises(ValueError, match="LRP"):
        card.set_configuration(Configuration.CAPABILITIES, bytes.fromhex("00000000020000000000"))
    assert not peer.commands


def test_capabilities_are_confirmed_without_a_mac() -> None:
    card, peer = card_in(some_session(), CommMode.PLAIN)
    peer.answers = [(b"", 0x9100)]
    card.set_configuration(Configuration.CAPABILITIES, bytes(10))
    assert card.authenticated is None


def test_one_mac_covers_all_three_parts_of_the_version() -> None:
    parts = [bytes.fromhex("04040830001105"), bytes.fromhex("04040201021105")]
    third = bytes.fromhex("04984C7A0B1090CF5D9045104621")
    card, peer = card_in(some_session())
    whole = Peer(peer.session)
    whole.session.counter = 1
    mac = whole.sealed(b"".join([*parts, third]), 0)[-8:]
    link = Replay(
        (peer_command(0x60), parts[0].hex() + "91AF"),
        ("90AF000000", parts[1].hex() + "91AF"),
        ("90AF000000", (third + mac).hex() + "9100"),
    )
    card._link = link
    assert card.get_version().uid.hex() == "04984c7a0b1090"
    assert card.authenticated == 0
    link.finish()


def peer_command(ins: int) -> str:
    """A command without data, sealed as the first of `some_session`."""
    return native(ins, some_session().seal(ins, b"", b"", CommMode.MAC)).hex()


def test_an_endless_answer_is_refused() -> None:
    more = ("90AF000000", "91AF")
    card = Card(Replay(("9060000000", "91AF"), more, more))
    with pytest.raises(StatusError, match="ADDITIONAL_FRAME"):
        card.get_version()


def test_commands_without_keys_are_plain() -> None:
    link = Replay(
        SELECT,
        ("90640000010000", "079100"),
        ("90F50000010200", "0000E0EE0001009100"),
        ("90AD000007020000000000" + "0000", "00029100"),
        ("90AD000007020100000300" + "0000", "AABBCC9100"),
        ("908D00000902000000020000" + "ABCD" + "00", "9100"),
        ("00A4000C02E104", "9000"),
        ("00B0000002", "00029000"),
        ("00D60000020000", "9000"),
        ("905F00000402" + "00E0EE" + "00", "9100"),
    )
    card = Card(link)
    card.select_application()
    assert card.get_key_version(0) == 7
    assert card.get_file_settings(FileNo.NDEF) == FACTORY_FILES[FileNo.NDEF]
    assert card.read_data(FileNo.NDEF) == b"\x00\x02"
    assert card.read_data(FileNo.NDEF, 1, 3) == b"\xaa\xbb\xcc"
    card.write_data(FileNo.NDEF, b"\xab\xcd")
    card.select_file(FID_NDEF)
    assert card.read_binary(0, 2) == b"\x00\x02"
    card.update_binary(0, b"\x00\x00")
    card.change_file_settings(FileNo.NDEF, FACTORY_FILES[FileNo.NDEF].settings, mode=CommMode.PLAIN)
    link.finish()


def test_a_key_version_in_a_session_carries_a_mac() -> None:
    card, peer = card_in(some_session())
    peer.answers = [(b"\x07", 0x9100), (FACTORY_FILES[FileNo.CC].encode(), 0x9100)]
    assert card.get_key_version(4) == 7
    assert card.get_file_settings(FileNo.CC) == FACTORY_FILES[FileNo.CC]
    assert peer.session.counter == 2


Use = Callable[[Card], Any]


@pytest.mark.parametrize(
    ("apdu", "use"),
    [
        ("90640000010000", lambda card: card.get_key_version(0)),
        ("90AD0000070200000003000000", lambda card: card.read_data(2, 0, 3)),
    ],
)
def test_an_answer_of_another_size_is_refused(apdu: str, use: Use) -> None:
    with pytest.raises(AnswerError):
        use(Card(Replay((apdu, "00009100"))))


@pytest.mark.parametrize(
    "use",
    [
        lambda card: card.get_card_uid(),
        lambda card: card.change_key(0, ZERO, 1),
        lambda card: card.change_file_settings(2, boltcard_settings(30, 65)),
        lambda card: card.enable_random_id(),
        lambda card: card.authenticate_again(0, ZERO),
    ],
    ids=["uid", "key", "settings", "configuration", "again"],
)
def test_what_needs_a_session_is_not_sent_without(use: Use) -> None:
    with pytest.raises(NoSession):
        use(Card(Replay()))


@pytest.mark.parametrize("status", [0x919D, 0x91AE, 0x911E, 0x6F12])
def test_a_refusal_ends_the_session_and_says_why(status: int) -> None:
    card, _ = card_in(some_session())
    card._link = link = Answer(status)
    with pytest.raises(StatusError, match=f"GET_KEY_VERSION: {status:04X}") as caught:
        card.get_key_version(0)
    assert caught.value.status == status
    assert type(caught.value) is StatusError
    assert (card.authenticated, link.count) == (None, 1)


class Answer:
    """A link that always answers the same."""

    def __init__(self, status: int) -> None:
        self.status, self.count = status, 0

    def transceive(self, apdu: bytes) -> bytes:
        self.count += 1
        return self.status.to_bytes(2, "big")


class Lifted(Exception):
    """The card left."""


class Gone:
    """A link whose card has left."""

    def transceive(self, apdu: bytes) -> bytes:
        raise Lifted


def test_a_lifted_card_ends_the_session() -> None:
    card, _ = card_in(some_session())
    card._link = Gone()
    with pytest.raises(Lifted):
        card.get_key_version(0)
    assert card.authenticated is None


def test_a_wrong_mac_ends_the_session() -> None:
    card, _ = card_in(some_session())
    card._link = Answer(0x9100)
    with pytest.raises(IntegrityError):
        card.get_key_version(0)
    assert card.authenticated is None


def test_selecting_ends_the_session() -> None:
    card, _ = card_in(some_session())
    card._link = Replay(SELECT)
    card.select_application()
    assert card.authenticated is None


def test_a_select_that_fails_says_why() -> None:
    with pytest.raises(StatusError, match="ISOSelectFile: 6A82"):
        Card(Replay((SELECT[0], "6A82"))).select_application()


def test_a_command_that_meets_a_torn_authentication_is_sent_again_once() -> None:
    link = Replay(("90640000010000", "91CA"), ("90640000010000", "079100"))
    assert Card(link).get_key_version(0) == 7
    link.finish()
    never = Answer(Status.COMMAND_ABORTED)
    with pytest.raises(StatusError, match="COMMAND_ABORTED"):
        Card(never).get_key_version(0)
    assert never.count == 2


def test_a_new_authentication_after_a_torn_one_is_sent_again_once() -> None:
    auth = authentication("an12196-t14-auth-first-k0")
    rnd_a = bytes.fromhex(VECTORS["an12196-t14-auth-first-k0"][0]["rnda"])
    card = Card(Replay((PART1, "91CA"), *auth), lambda count: rnd_a[:count])
    card.authenticate(0, ZERO)
    assert card.authenticated == 0


def test_a_command_in_a_session_is_never_sent_twice() -> None:
    card, _ = card_in(some_session())
    card._link = link = Answer(Status.COMMAND_ABORTED)
    with pytest.raises(StatusError):
        card.get_key_version(0)
    assert link.count == 1


LRP_ASK = "9071000008000602000000000000"


@pytest.mark.parametrize(
    ("exchanges", "error"),
    [
        ([(PART1, "91AD")], AuthenticationDelay),
        ([(PART1, "91AE")], AuthenticationError),
        ([(PART1, "9140")], StatusError),
        ([(PART1, "919D"), (LRP_ASK, "919D")], CardBlocked),
        ([(PART1, "919D"), (LRP_ASK, "00" * 17 + "91AF")], CardBlocked),
        ([(PART1, "919D"), (LRP_ASK, "01" + "22" * 16 + "91AF")], LrpCard),
        ([(PART1, "91AF")], AnswerError),
    ],
)
def test_a_refused_authentication_says_how(
    exchanges: list[tuple[str, str]], error: type[CardError]
) -> None:
    link = Replay(*exchanges)
    card = Card(link)
    with pytest.raises(error) as caught:
        card.authenticate(0, ZERO)
    assert type(caught.value) is error
    assert card.authenticated is None
    link.finish()


def test_a_wrong_key_is_told_at_part_two() -> None:
    given, out = VECTORS["an12196-t14-auth-first-k0"]
    link = Replay((given["c1"], given["r1"] + "91AF"), (out["c2"], "91AE"))
    rnd_a = bytes.fromhex(given["rnda"])
    with pytest.raises(AuthenticationError, match="91AE"):
        Card(link, lambda count: rnd_a[:count]).authenticate(0, ZERO)


def test_a_used_up_key_is_not_asked_in_lrp_inside_a_session() -> None:
    card, _ = card_in(some_session())
    card._link = link = Answer(Status.PERMISSION_DENIED)
    with pytest.raises(CardBlocked):
        card.authenticate_again(1, ZERO)
    assert (link.count, card.authenticated) == (1, None)
