"""Reading a tap: two APDUs on a Boltcard, the long way elsewhere."""

from __future__ import annotations

import pytest

from host.ntag424 import ndef
from host.ntag424.errors import Unreadable
from host.ntag424.read import read_tap_url
from tests.host.ntag424.links import Replay

URL = "lnurlw://h.example/x?p=4E2E289D945A66BB13377A728884E867&c=E19CCB1FED8892CE"
FILE = ndef.encode_file(URL)
SELECT = ("00A4040007D276000085010100", "9000")
READ = "90AD0000070200000000000000"
CC = "00A4000C02E103"
NDEF = "00A4000C02E104"
CONTAINER = "000F20003B00340406E1050100000000"[:30]


def test_a_boltcard_is_read_in_two_apdus() -> None:
    link = Replay(SELECT, (READ, FILE.ljust(256, b"\x00").hex() + "9100"))
    assert read_tap_url(link.transceive) == URL
    link.finish()


def test_a_full_file_fits_the_answer() -> None:
    url = "lnurlw://h.example/".ljust(ndef.MAX_URI, "x")
    link = Replay(SELECT, (READ, ndef.encode_file(url).hex() + "9100"))
    assert read_tap_url(link.transceive) == url


@pytest.mark.parametrize("refusal", ["6D00", "6E00", "911C", "919D", "6F00"])
def test_a_phone_is_read_by_its_capability_container(refusal: str) -> None:
    """MLe 003B, NDEF file E105: read in steps of 59 bytes."""
    link = Replay(
        SELECT,
        (READ, refusal),
        (CC, "9000"),
        ("00B000000F", CONTAINER + "9000"),
        ("00A4000C02E105", "9000"),
        ("00B0000002", FILE[:2].hex() + "9000"),
        ("00B000023B", FILE[2:61].hex() + "9000"),
        (f"00B0003D{len(FILE) - 61:02X}", FILE[61:].hex() + "9000"),
    )
    assert read_tap_url(link.transceive) == URL
    link.finish()


@pytest.mark.parametrize(
    "container",
    [
        [(CC, "6A82")],
        [(CC, "9000"), ("00B000000F", "6982")],
        [(CC, "9000"), ("00B000000F", CONTAINER[:-2] + "9000")],
        [(CC, "9000"), ("00B000000F", CONTAINER.replace("0406", "0506") + "9000")],
    ],
    ids=["none", "locked", "short", "other"],
)
def test_without_a_capability_container_the_usual_file_is_read(
    container: list[tuple[str, str]],
) -> None:
    file = ndef.encode_file("lnurlw://h.ex/?p")
    link = Replay(
        SELECT,
        (READ, "6D00"),
        *container,
        (NDEF, "9000"),
        ("00B0000002", file[:2].hex() + "9000"),
        ("00B000020F", file[2:17].hex() + "9000"),
        (f"00B00011{len(file) - 17:02X}", file[17:].hex() + "9000"),
    )
    assert read_tap_url(link.transceive) == "lnurlw://h.ex/?p"
    link.finish()


def test_what_has_no_ndef_application_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="not an NDEF card: 6A82"):
        read_tap_url(Replay((SELECT[0], "6A82")).transceive)


def test_a_card_at_its_counter_limit_says_both_refusals() -> None:
    link = Replay(SELECT, (READ, "919D"), (CC, "6A82"), (NDEF, "9000"), ("00B0000002", "6982"))
    with pytest.raises(Unreadable, match=r"919D .*6982"):
        read_tap_url(link.transceive)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([("00B0000002", "FFFF9000")], "impossible length"),
        ([("00B0000002", "009000")], "impossible length"),
        ([("00B0000002", "00109000"), ("00B000020F", "9000")], "too early"),
    ],
)
def test_a_file_that_lies_about_its_length_is_unreadable(
    answers: list[tuple[str, str]], reason: str
) -> None:
    link = Replay(SELECT, (READ, "6D00"), (CC, "6A82"), (NDEF, "9000"), *answers)
    with pytest.raises(Unreadable, match=reason):
        read_tap_url(link.transceive)


def test_a_blank_card_is_named() -> None:
    with pytest.raises(ndef.NdefEmpty):
        read_tap_url(Replay(SELECT, (READ, "00" * 256 + "9100")).transceive)
