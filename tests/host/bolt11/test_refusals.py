"""Invoices that must not be paid, and texts that are no invoices at all."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.bolt11 import (
    Bolt11Error,
    Bolt11Invoice,
    InvoiceAmountless,
    InvoiceMalformed,
    InvoiceNetwork,
    InvoiceSubsat,
    Network,
    bech32,
    decode,
    encode,
    payable,
)
from host.ledger.codes import Code
from tests.host.bolt11 import vectors as v


def signed(hrp: str, digits: str) -> str:
    """An invoice of any hrp and data digits (timestamp and fields), properly signed."""
    from coincurve import PrivateKey

    message = hrp.encode() + bech32.digits_to_filled_bytes(digits)
    signature = PrivateKey(v.SECRET).sign_recoverable(message)
    return bech32.encode(hrp, digits + bech32.bytes_digits(signature))


def fields_of(text: str) -> tuple[str, str]:
    """The hrp and the signed digits of an invoice."""
    hrp, digits = bech32.decode(text, 10_000)
    return hrp, digits[:-104]


def test_each_kind_of_error_is_a_stable_refusal_code() -> None:
    kinds = (InvoiceMalformed, InvoiceNetwork, InvoiceAmountless, InvoiceSubsat)
    assert [Code(kind.kind) for kind in kinds] == [
        Code.INVOICE_INVALID,
        Code.INVOICE_NETWORK,
        Code.INVOICE_AMOUNTLESS,
        Code.INVOICE_SUBSAT,
    ]


def test_an_invoice_for_another_network_is_not_payable() -> None:
    assert payable(v.COFFEE, Network.MAINNET).amount_msat == 250_000_000
    with pytest.raises(InvoiceNetwork):
        payable(v.COFFEE, Network.REGTEST)
    with pytest.raises(InvoiceNetwork):
        decode(signed("lnxx2500u", fields_of(v.COFFEE)[1]))


def test_threat_16_amountless_and_subsat_invoices_are_not_payable() -> None:
    with pytest.raises(InvoiceAmountless):
        payable(v.DONATION, Network.MAINNET)
    with pytest.raises(InvoiceSubsat):
        payable(v.PICO, Network.MAINNET)


def test_threat_16_a_changed_amount_breaks_the_signature() -> None:
    digits = bech32.decode(v.COFFEE, 10_000)[1]
    raised = decode(bech32.encode("lnbc25m", digits))
    assert raised.payee.hex() != v.PAYEE, "recovery names another payee, never the real one"


def test_threat_16_a_changed_invoice_with_a_named_payee_is_refused() -> None:
    hrp, fields = fields_of(v.COFFEE)
    named = fields + "j1l" + bech32.bytes_digits(bytes.fromhex(v.PAYEE))
    good = signed(hrp, named)
    assert decode(good).payee.hex() == v.PAYEE
    with pytest.raises(InvoiceMalformed, match="signature"):
        decode(bech32.encode("lnbc25m", bech32.decode(good, 10_000)[1]))


@pytest.mark.parametrize("recovery_id", range(4))
def test_a_named_payee_is_checked_without_trusting_the_recovery_id(recovery_id: int) -> None:
    hrp, fields = fields_of(v.COFFEE)
    good = signed(hrp, fields + "j1l" + bech32.bytes_digits(bytes.fromhex(v.PAYEE)))
    raw = bech32.digits_to_bytes(bech32.decode(good, 10_000)[1][-104:])
    digits = bech32.decode(good, 10_000)[1][:-104]
    changed = raw[:64] + bytes((recovery_id,))
    text = bech32.encode(hrp, digits + bech32.bytes_digits(changed))
    assert decode(text).payee.hex() == v.PAYEE


@pytest.mark.parametrize(
    ("hrp", "why"),
    [
        ("lnbc0", "a zero amount"),
        ("lnbc01m", "a leading zero"),
        ("lnbc-1m", "a sign"),
        ("lnbc1.5m", "a decimal point"),
        ("lnbc21000001", "more than 21 million BTC"),
        ("lnbc1mm", "two multipliers"),
        ("lnbcm", "a multiplier without a number"),
        ("bc20m", "no Lightning prefix"),
    ],
)
def test_threat_16_an_amount_is_read_whole_or_not_at_all(hrp: str, why: str) -> None:
    with pytest.raises(Bolt11Error):
        decode(signed(hrp, fields_of(v.COFFEE)[1]))


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ("1", "a field without a length"),
        ("1v", "a field with half a length"),
        ("d005abc", "fewer digits than the length says"),
        ("d001" + "g", "a second description is fine, but this one is cut"),
        ("6088" + "1" * 8, "an expiry beyond a thousand years"),
        ("3001" + "00", "a route hint that is cut off"),
    ],
)
def test_a_broken_field_is_refused(extra: str, why: str) -> None:
    hrp, fields = fields_of(v.DONATION)
    with pytest.raises(InvoiceMalformed):
        decode(signed(hrp, fields + extra))


def test_a_description_that_is_not_text_is_refused() -> None:
    hrp, fields = fields_of(v.DONATION)
    at = fields.index("d1v")  # the description: 63 digits
    broken = fields[:at] + "d02" + bech32.bytes_digits(b"\xff") + fields[at + 3 + 63 :]
    with pytest.raises(InvoiceMalformed):
        decode(signed(hrp, broken))


def test_an_invoice_must_have_a_description_or_its_hash_and_not_both() -> None:
    hrp, fields = fields_of(v.DONATION)
    at = fields.index("d1v")
    with pytest.raises(InvoiceMalformed, match="description"):
        decode(signed(hrp, fields[:at] + fields[at + 3 + 63 :]))
    with pytest.raises(InvoiceMalformed, match="description"):
        decode(signed(hrp, fields + "n1k" + bech32.bytes_digits(bytes(32))))


def test_of_several_payment_hashes_the_first_counts() -> None:
    hrp, fields = fields_of(v.DONATION)
    twice = decode(signed(hrp, fields + "11k" + bech32.bytes_digits(bytes(32))))
    assert twice.payment_hash.hex() == v.PAYMENT_HASH


def test_ten_megabytes_are_refused_before_any_work() -> None:
    text = "lnbc1" + "q" * 10_000_000
    started = time.thread_time()
    with pytest.raises(InvoiceMalformed, match="too long"):
        decode(text)
    assert time.thread_time() - started < 0.1


@given(st.text() | st.text(alphabet="ln1bcqpzry9x8gf2tvdw0s3jn54khce6mua7l", max_size=400))
def test_any_text_is_an_invoice_or_a_bolt11_error(text: str) -> None:
    with contextlib.suppress(Bolt11Error):
        assert isinstance(decode(text), Bolt11Invoice)


@given(st.text(alphabet="0123456789abcdefghijklmnopqrstuv", min_size=7, max_size=300))
def test_any_signed_fields_are_an_invoice_or_a_bolt11_error(digits: str) -> None:
    with contextlib.suppress(Bolt11Error):
        assert isinstance(decode(signed("lnbcrt1u", digits)), Bolt11Invoice)


@given(st.integers(0, len(v.COFFEE) - 1), st.characters())
def test_one_changed_character_is_noticed(at: int, character: str) -> None:
    changed = v.COFFEE[:at] + character + v.COFFEE[at + 1 :]
    if changed == v.COFFEE:
        return
    with pytest.raises(Bolt11Error):
        decode(changed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_msat": 0},
        {"amount_msat": -1},
        {"payment_hash": b""},
        {"payment_secret": bytes(31)},
        {"description": bytes(31)},
        {"description": "x" * 640},
        {"created_at": 2**35 * 1000},
        {"secret": bytes(32)},
    ],
)
def test_encode_refuses_what_does_not_fit(wrong: dict[str, object]) -> None:
    given_fields: dict[str, object] = {
        "network": Network.REGTEST,
        "amount_msat": 1_000,
        "payment_hash": bytes(32),
        "payment_secret": bytes(32),
        "description": "",
        "created_at": v.CREATED_AT,
        "secret": v.SECRET,
    }
    with pytest.raises(ValueError):
        encode(**(given_fields | wrong))  # type: ignore[arg-type]
