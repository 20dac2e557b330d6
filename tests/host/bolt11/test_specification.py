"""The specification's own examples, valid and invalid, in both directions."""

from __future__ import annotations

import hashlib

import pytest

from host.bolt11 import Bolt11Error, Bolt11Invoice, Network, RouteHop, decode, encode
from tests.host.bolt11 import vectors as v


@pytest.mark.parametrize("name", v.VALID)
def test_every_valid_example_is_read_and_its_payee_proven(name: str) -> None:
    invoice = decode(v.VALID[name])
    assert invoice.payment_secret.hex() == v.PAYMENT_SECRET
    assert invoice.bolt11 == v.VALID[name].lower()
    if name != "pico":
        assert invoice.payment_hash.hex() == v.PAYMENT_HASH
        assert invoice.created_at == v.CREATED_AT
        assert invoice.payee.hex() == v.PAYEE


@pytest.mark.parametrize("name", v.INVALID)
def test_every_invalid_example_is_refused(name: str) -> None:
    with pytest.raises(Bolt11Error) as refused:
        decode(v.INVALID[name])
    assert refused.value.kind == "invoice_invalid"


@pytest.mark.parametrize(
    ("text", "network", "amount_msat", "description"),
    [
        (v.DONATION, Network.MAINNET, None, "Please consider supporting this project"),
        (v.COFFEE, Network.MAINNET, 250_000_000, "1 cup coffee"),
        (v.NONSENSE, Network.MAINNET, 250_000_000, "ナンセンス 1杯"),
        (v.HASHED, Network.MAINNET, 2_000_000_000, None),
        (v.TESTNET, Network.TESTNET, 2_000_000_000, None),
        (v.METADATA, Network.MAINNET, 1_000_000_000, "payment metadata inside"),
    ],
)
def test_the_amount_network_and_description_are_the_published_ones(
    text: str, network: Network, amount_msat: int | None, description: str | None
) -> None:
    invoice = decode(text)
    assert (invoice.network, invoice.amount_msat) == (network, amount_msat)
    assert invoice.description == description
    hashed = None if description is not None else bytes.fromhex(v.LIST_OF_THINGS)
    assert invoice.description_hash == hashed


def test_expiry_and_cltv_have_their_defaults_and_their_written_values() -> None:
    donation, coffee, pico = decode(v.DONATION), decode(v.COFFEE), decode(v.PICO)
    assert donation.expires_at - donation.created_at == 3_600_000
    assert coffee.expires_at - coffee.created_at == 60_000
    assert pico.expires_at - pico.created_at == 604_800_000
    assert (coffee.min_final_cltv, pico.min_final_cltv) == (18, 10)
    assert pico.amount_msat == 967_878_534


def test_features_and_metadata_are_kept() -> None:
    assert decode(v.FEATURES).features == 1 << 8 | 1 << 14 | 1 << 99
    assert decode(v.METADATA).features == 1 << 8 | 1 << 14 | 1 << 48
    assert decode(v.METADATA).metadata == bytes.fromhex("01fafaf0")


def test_route_hints_are_kept_in_order() -> None:
    key = "9e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255"
    assert decode(v.ROUTED).routes == (
        (
            RouteHop(bytes.fromhex("02" + key), 0x0102030405060708, 1, 20, 3),
            RouteHop(bytes.fromhex("03" + key), 0x030405060708090A, 2, 30, 4),
        ),
    )


def rewritten(invoice: Bolt11Invoice, expiry_s: int | None = None) -> str:
    """The invoice as this package writes it with the specification's key."""
    description = invoice.description if invoice.description_hash is None else None
    return encode(
        network=invoice.network,
        amount_msat=invoice.amount_msat,
        payment_hash=invoice.payment_hash,
        payment_secret=invoice.payment_secret,
        description=invoice.description_hash or description or "",
        created_at=invoice.created_at,
        secret=v.SECRET,
        expiry_s=expiry_s,
    )


@pytest.mark.parametrize(
    ("text", "expiry_s"),
    [(v.DONATION, None), (v.COFFEE, 60), (v.NONSENSE, 60), (v.HASHED, None)],
)
def test_encode_writes_the_published_text_to_the_last_character(
    text: str, expiry_s: int | None
) -> None:
    assert rewritten(decode(text), expiry_s) == text


def test_the_hash_of_the_described_list_is_the_published_one() -> None:
    things = (
        "One piece of chocolate cake, one icecream cone, one pickle, one slice of swiss cheese, "
        "one slice of salami, one lollypop, one piece of cherry pie, one sausage, one cupcake, "
        "and one slice of watermelon"
    )
    assert decode(v.HASHED).description_hash == hashlib.sha256(things.encode()).digest()
