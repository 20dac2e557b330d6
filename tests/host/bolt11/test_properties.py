"""What is written is read back, here and by the `bolt11` package as an independent oracle."""

from __future__ import annotations

from typing import Any

import pytest
from coincurve import PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from host.bolt11 import Network, bech32, decode, encode
from host.money import MAX_MSAT, MSAT_PER_BTC

hashes = st.binary(min_size=32, max_size=32)
drafts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "network": st.sampled_from(Network),
        "amount_msat": st.none() | st.integers(1, MAX_MSAT),
        "payment_hash": hashes,
        "payment_secret": hashes,
        "description": st.text(max_size=150) | hashes,
        "created_at": st.integers(0, 2**35 - 1).map(lambda seconds: seconds * 1_000),
        "secret": st.integers(1, 2**255).map(lambda number: number.to_bytes(32)),
        "expiry_s": st.none() | st.integers(1, 2**35 - 1),
        "min_final_cltv": st.none() | st.integers(1, 2**31),
    }
)


@given(drafts)
def test_what_is_encoded_is_decoded_again(draft: dict[str, Any]) -> None:
    text = encode(**draft)
    invoice = decode(text)
    assert invoice == decode(text.upper())
    for name in ("network", "amount_msat", "payment_hash", "payment_secret", "created_at"):
        assert getattr(invoice, name) == draft[name]
    assert draft["description"] in (invoice.description, invoice.description_hash)
    assert invoice.expires_at - invoice.created_at == (draft["expiry_s"] or 3_600) * 1_000
    assert invoice.min_final_cltv == (draft["min_final_cltv"] or 18)
    assert invoice.payee == PrivateKey(draft["secret"]).public_key.format()


@given(st.binary(max_size=200))
def test_bytes_survive_as_digits(raw: bytes) -> None:
    digits = bech32.bytes_digits(raw)
    assert bech32.digits_to_bytes(digits) == raw
    assert bech32.decode(bech32.encode("x", digits), 1_000) == ("x", digits)


@given(st.integers(0, 2**70))
def test_numbers_survive_as_the_fewest_digits(number: int) -> None:
    digits = bech32.int_digits(number)
    assert int(digits, 32) == number
    assert digits == "0" or digits[0] != "0"


@pytest.mark.parametrize("digits", ["1", "0001", "00", "000"])
def test_padding_that_carries_something_or_too_much_is_refused(digits: str) -> None:
    if digits == "00":
        assert bech32.digits_to_bytes(digits) == b"\x00"
        return
    with pytest.raises(ValueError, match="padding"):
        bech32.digits_to_bytes(digits)


@given(drafts)
def test_the_oracle_reads_what_we_write(draft: dict[str, Any]) -> None:
    oracle = pytest.importorskip("bolt11")
    read = oracle.decode(encode(**draft))
    assert read.currency == draft["network"].prefix
    assert read.amount_msat == draft["amount_msat"]
    assert read.payment_hash == draft["payment_hash"].hex()
    assert read.payment_secret == draft["payment_secret"].hex()
    assert read.date * 1_000 == draft["created_at"]
    assert read.expiry == (draft["expiry_s"] or 3_600)
    assert read.payee == PrivateKey(draft["secret"]).public_key.format().hex()
    if isinstance(draft["description"], str):
        assert read.description == draft["description"]
    else:
        assert read.description_hash == draft["description"].hex()


@given(drafts)
def test_we_read_what_the_oracle_writes(draft: dict[str, Any]) -> None:
    oracle = pytest.importorskip("bolt11")
    # It takes the zeros off the end of whole bitcoins: 2 625 000 BTC becomes `lnbc2625`.
    assume((draft["amount_msat"] or 1) % (10 * MSAT_PER_BTC) != 0)
    tags = oracle.Tags()
    tags.add(oracle.TagChar.payment_hash, draft["payment_hash"].hex())
    tags.add(oracle.TagChar.payment_secret, draft["payment_secret"].hex())
    if isinstance(draft["description"], str):
        tags.add(oracle.TagChar.description, draft["description"])
    else:
        tags.add(oracle.TagChar.description_hash, draft["description"].hex())
    if draft["expiry_s"] is not None:
        tags.add(oracle.TagChar.expire_time, draft["expiry_s"])
    amount = draft["amount_msat"] and oracle.MilliSatoshi(draft["amount_msat"])
    written = oracle.encode(
        oracle.Bolt11(draft["network"].prefix, draft["created_at"] // 1_000, tags, amount),
        draft["secret"].hex(),
    )
    invoice = decode(written)
    assert invoice.payment_hash == draft["payment_hash"]
    assert invoice.payment_secret == draft["payment_secret"]
    assert invoice.amount_msat == draft["amount_msat"]
    assert invoice.payee == PrivateKey(draft["secret"]).public_key.format()
    assert draft["description"] in (invoice.description, invoice.description_hash)
