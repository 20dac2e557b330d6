"""The NDEF file: Boltcard templates and what phones and other tools write."""

from __future__ import annotations

import contextlib

import ndef as ndeflib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424 import ndef
from host.ntag424.files import NDEF_SIZE, boltcard_settings
from host.ntag424.sun import parse_url

printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(st.text(max_size=60))
def test_a_uri_comes_back(uri: str) -> None:
    file = ndef.encode_file(uri)
    assert ndef.parse_file(file) == uri
    assert ndef.parse_file(file.ljust(NDEF_SIZE, b"\x55")) == uri


@given(st.binary(max_size=NDEF_SIZE))
def test_any_bytes_are_read_or_refused_and_nothing_else(file: bytes) -> None:
    with contextlib.suppress(ndef.NdefError):
        ndef.parse_file(file)


@given(st.binary(max_size=NDEF_SIZE - 2))
def test_any_message_is_read_or_refused_and_nothing_else(message: bytes) -> None:
    with contextlib.suppress(ndef.NdefError):
        ndef.parse_file(len(message).to_bytes(2) + message)


def test_a_template_is_what_other_tools_write() -> None:
    """bolt-nfc-android-app and BoltCardTools, `boltcard-ndef-template`."""
    template = ndef.build_template("lnurlw://h.example/x")
    assert template.url == f"lnurlw://h.example/x?p={'0' * 32}&c={'0' * 16}"
    assert (template.p_offset, template.c_offset) == (30, 65)
    assert template.file[:7].hex() == "004fd1014b5500"
    assert template.file[7:].decode() == template.url


@pytest.mark.parametrize(
    ("base", "start"),
    [
        ("lnurlw://h.example/x", "lnurlw://h.example/x?p="),
        ("lnurlw://h.example", "lnurlw://h.example?p="),
        ("LNURLW://h.example/x", "LNURLW://h.example/x?p="),
        ("https://h.example/x?", "https://h.example/x?p="),
        ("https://h.example/x?card=7", "https://h.example/x?card=7&p="),
        ("https://h.example/x?card=7&", "https://h.example/x?card=7&p="),
    ],
)
def test_a_base_keeps_its_own_query(base: str, start: str) -> None:
    assert ndef.build_template(base).url.startswith(start)


@given(st.text(printable, max_size=ndef.MAX_BASE))
def test_offsets_point_at_the_placeholders_and_the_card_takes_them(tail: str) -> None:
    try:
        template = ndef.build_template(f"lnurlw://h.example/{tail}")
    except ndef.NdefError:
        return
    p, c = template.p_offset, template.c_offset
    assert template.file[p - 2 : p + 32] == b"p=" + b"0" * 32
    assert template.file[c - 2 :] == b"c=" + b"0" * 16
    assert parse_url(ndef.parse_file(template.file)).message.p == bytes(16)
    boltcard_settings(p, c).check(NDEF_SIZE)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "shop.example/ln",
        "ftp://shop.example/ln",
        "lnurlw://",
        "lnurlw://me@shop.example/ln",
        "lnurlw://shop.example/ln#top",
        "lnurlw://shop.example/ln?p=1",
        "lnurlw://shop.example/ln?a=1&c=",
        "lnurlw://shop.example/l n",
        "lnurlw://shöp.example/ln",
    ],
)
def test_a_base_that_could_not_be_read_back_is_refused(base: str) -> None:
    with pytest.raises(ndef.NdefError, match=r"^url base: "):
        ndef.build_template(base)


def test_the_longest_base_fills_the_file() -> None:
    base = "lnurlw://h.example/".ljust(ndef.MAX_BASE, "x")
    assert len(ndef.build_template(base).file) == NDEF_SIZE
    with pytest.raises(ndef.NdefError, match=f"at most {ndef.MAX_BASE} characters"):
        ndef.build_template(base + "x")
    with pytest.raises(ndef.NdefError, match="at most 249 bytes"):
        ndef.encode_file("x" * 250)


@given(st.sampled_from(sorted(ndeflib.uri.UriRecord._prefix_strings)))
def test_every_prefix_is_that_of_the_uri_rtd(prefix: str) -> None:
    message = b"".join(ndeflib.message_encoder([ndeflib.UriRecord(prefix + "h.example/a")]))
    assert ndef.parse_file(len(message).to_bytes(2) + message) == prefix + "h.example/a"


def test_the_first_uri_of_several_records_is_taken() -> None:
    records = [
        ndeflib.TextRecord("pay here"),
        ndeflib.Record("urn:nfc:ext:example.org:x", "id", b"x" * 300),
        ndeflib.UriRecord("lnurlw://h.example/x"),
    ]
    message = b"".join(ndeflib.message_encoder(records))
    assert ndef.parse_file(len(message).to_bytes(2) + message) == "lnurlw://h.example/x"


@pytest.mark.parametrize("file", [b"\x00\x00", bytes(256)])
def test_a_blank_card_is_told_from_a_broken_one(file: bytes) -> None:
    with pytest.raises(ndef.NdefEmpty):
        ndef.parse_file(file)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("", "longer than the file"),
        ("0005D1", "longer than the file"),
        ("0006D101085500 61", "cut short"),
        ("0005D101015561", "unknown URI prefix"),
        ("0006D101025500FF", "not UTF-8"),
        ("0006D101025400 61", "no URI"),
        ("0006D201025500 61", "no URI"),
        ("0006F101025500 61", "chunked"),
        ("0003D00000", "no URI"),
        ("0004D1010055", "no URI"),
    ],
)
def test_a_broken_file_says_how(file: str, reason: str) -> None:
    with pytest.raises(ndef.NdefError, match=reason):
        ndef.parse_file(bytes.fromhex(file))
