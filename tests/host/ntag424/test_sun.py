"""SUN messages: parsing, opening and checking."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from host.ntag424 import sdm, sun
from host.ntag424.crypto import ZERO_IV, aes_cbc_encrypt
from host.ntag424.values import Key, Uid
from tests.host.ntag424.vectors import ALL, Vector, counter, counters, keys, uids

P = "4E2E289D945A66BB13377A728884E867"
C = "E19CCB1FED8892CE"
K1 = Key.parse("0c3b25d92b38ae443229dd59ad34b85d")
K2 = Key.parse("b45775776cb224c75bcde7ca3704e933")
TAP = f"lnurlw://card.example/ln?p={P}&c={C}"


@pytest.mark.parametrize("vector", ALL["sun"], ids=lambda v: v["name"])
def test_a_published_tap_opens_and_holds(vector: Vector) -> None:
    message = sun.parse_params(vector["p"], vector["c"])
    picc = sun.decrypt(Key.parse(vector["k1"]), message.p)
    assert picc == sun.PiccData(Uid.parse(vector["uid"]), counter(vector["ctr_le"]))
    assert sun.verify(Key.parse(vector["k2"]), picc, message.c)


@pytest.mark.parametrize("vector", ALL["must_reject"], ids=lambda v: v["c"])
def test_a_published_forgery_is_rejected(vector: Vector) -> None:
    message = sun.parse_params(vector["p"], vector["c"])
    picc = sun.decrypt(Key.parse(vector["k1"]), message.p)
    assert picc is None or not sun.verify(Key.parse(vector["k2"]), picc, message.c)


@given(keys, keys, uids, counters, st.binary(min_size=5, max_size=5))
@example(K1, K2, Uid.parse("04996c6a926980"), 0x010203, bytes(5))
def test_what_is_built_opens_and_holds(
    k1: Key, k2: Key, uid: Uid, count: int, padding: bytes
) -> None:
    message = sun.build(k1, k2, uid, count, padding)
    picc = sun.decrypt(k1, message.p)
    assert picc == sun.PiccData(uid, count)
    assert sun.verify(k2, picc, message.c)


@given(keys, uids, counters, st.integers(0, 63))
def test_one_changed_bit_of_c_never_holds(k2: Key, uid: Uid, count: int, bit: int) -> None:
    good = sun.build(K1, k2, uid, count).c
    bad = (int.from_bytes(good) ^ 1 << bit).to_bytes(8)
    assert not sun.verify(k2, sun.PiccData(uid, count), bad)


@given(st.integers(0, 255).filter(lambda tag: tag != 0xC7))
def test_only_tag_c7_is_opened(tag: int) -> None:
    plain = bytes([tag]) + bytes.fromhex("04996c6a926980") + bytes(8)
    assert sun.decrypt(K1, aes_cbc_encrypt(K1, ZERO_IV, plain)) is None


def test_the_counter_travels_least_significant_byte_first() -> None:
    plain = bytes.fromhex("C7 04996c6a926980 010200 0000000000")
    picc = sun.decrypt(K1, aes_cbc_encrypt(K1, ZERO_IV, plain))
    assert picc is not None
    assert picc.counter == 0x0201


@pytest.mark.parametrize("count", [-1, sdm.COUNTER_MAX + 1])
def test_a_counter_beyond_24_bits_is_not_built(count: int) -> None:
    with pytest.raises(ValueError, match="counter"):
        sun.build(K1, K2, Uid.parse("04996c6a926980"), count)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_hex_is_read_in_either_case(change: type[str]) -> None:
    assert sun.parse_params(change(P), change(C)) == sun.parse_params(P, C)


@pytest.mark.parametrize(
    ("p", "c", "field"),
    [
        (None, C, "p"),
        (P, None, "c"),
        ("", C, "p"),
        (P[:-1], C, "p"),
        (P + "0", C, "p"),
        (P[:-1] + "G", C, "p"),
        (P[:-1] + " ", C, "p"),
        (P[:-1] + "٣", C, "p"),
        (P[:-1] + "０", C, "p"),
        (P[:-2] + "%30", C, "p"),
        (P, C[:-2], "c"),
        (P, C + "\n", "c"),
        (P, C[:-1] + "+", "c"),
        (P * 2, C, "p"),
    ],
)
def test_a_wrong_parameter_is_named(p: str | None, c: str | None, field: str) -> None:
    with pytest.raises(sun.SunFormatError, match=f"^{field}: ") as caught:
        sun.parse_params(p, c)
    assert caught.value.field == field


def test_an_lrp_message_is_recognised_and_named() -> None:
    """The length of sdm-backend's LRP vector: 8 random bytes and one block."""
    with pytest.raises(sun.SunFormatError, match="LRP"):
        sun.parse_params("07D9CA2545881D4BFDD920BE1603268C0714420DD893A497", "F9481AC7D855BDB6")


def test_a_tap_names_its_host_and_its_message() -> None:
    url = sun.parse_url(f"LNURLW://Card.Example:8443/a/ln?x=1&p={P}&c={C}&y")
    assert (url.scheme, url.host, url.port, url.path) == ("lnurlw", "card.example", 8443, "/a/ln")
    assert url.message == sun.parse_params(P, C)


@pytest.mark.parametrize("scheme", ["lnurlw", "https", "http"])
def test_the_schemes_of_cards_in_the_wild_are_read(scheme: str) -> None:
    assert sun.parse_url(f"{scheme}://h.example/?p={P}&c={C}").scheme == scheme


@pytest.mark.parametrize(
    ("url", "field"),
    [
        (f"{TAP}&p={P}", "p"),
        (f"{TAP}&c=", "c"),
        (f"{TAP}&%70={P}", "p"),
        (f"lnurlw://h.example/ln#p={P}&c={C}", "p"),
        (f"lnurlw://h.example/ln?P={P}&c={C}", "p"),
        (f"lnurlw://h.example/ln?p={P}", "c"),
        (f"lnurlw://h.example/ln?p={P}&c={C} ", "url"),
        (f"lnurlw://h.example/\tln?p={P}&c={C}", "url"),
        (f"lnurlw://hé.example/ln?p={P}&c={C}", "url"),
        (f"lnurlw:///ln?p={P}&c={C}", "url"),
        (f"lnurlw://me@h.example/ln?p={P}&c={C}", "url"),
        (f"lnurlw://h.example:99999/ln?p={P}&c={C}", "url"),
        (f"lnurlw://[::1/ln?p={P}&c={C}", "url"),
        (f"javascript://h.example/ln?p={P}&c={C}", "url"),
        ("", "url"),
    ],
)
def test_a_wrong_url_is_refused_and_named(url: str, field: str) -> None:
    with pytest.raises(sun.SunFormatError) as caught:
        sun.parse_url(url)
    assert caught.value.field == field


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(sun.SunFormatError):
        sun.parse_url(f"lnurlw://{text}")


def test_a_message_cannot_be_made_of_other_lengths() -> None:
    with pytest.raises(sun.SunFormatError):
        sun.SunMessage(bytes(15), bytes(8))
    with pytest.raises(sun.SunFormatError):
        sun.SunMessage(bytes(16), bytes(16))


def test_neither_the_signature_nor_the_url_is_shown() -> None:
    """A tap that was not yet claimed is worth money to whoever reads the log."""
    assert "CB1FED" not in repr(sun.parse_url(TAP)).upper()


@given(keys, uids, counters, st.integers(0, 6).map(lambda n: bytes(range(16 * n))))
def test_encrypted_file_data_comes_back(key: Key, uid: Uid, count: int, plain: bytes) -> None:
    data = sdm.encrypt_file_data(key, uid, count, plain)
    assert sdm.decrypt_file_data(key, uid, count, data) == plain


@given(st.none() | uids, st.none() | counters)
def test_picc_data_says_what_it_holds(uid: Uid | None, count: int | None) -> None:
    from host.ntag424.crypto import aes_cbc_decrypt

    size = 15 - (7 if uid else 0) - (0 if count is None else 3)
    plain = aes_cbc_decrypt(K1, ZERO_IV, sdm.picc_data(K1, uid, count, bytes(size)))
    assert bool(plain[0] & 0x80) == (uid is not None)
    assert bool(plain[0] & 0x40) == (count is not None)


def test_a_check_costs_one_block_and_two_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's hot path: counted instead of timed, so that it fails for a reason."""
    calls: list[str] = []
    for module, name in ((sun, "aes_cbc_decrypt"), (sdm, "cmac")):
        real = getattr(module, name)

        def counted(*args: object, real: object = real, name: str = name) -> object:
            calls.append(name)
            return real(*args)  # type: ignore[operator]

        monkeypatch.setattr(module, name, counted)
    message = sun.parse_params(P, C)
    picc = sun.decrypt(K1, message.p)
    assert picc is not None
    assert sun.verify(K2, picc, message.c)
    assert calls == ["aes_cbc_decrypt", "cmac", "cmac"]
