"""Deterministic keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.ntag424 import keys as k
from host.ntag424.values import Key, Uid
from tests.host.ntag424.vectors import ALL, Vector, keys, uids

ISSUER = Key.parse("00000000000000000000000000000001")
UID = Uid.parse("04a39493cc8680")


@pytest.mark.parametrize("vector", ALL["derive"], ids=lambda v: f"{v['uid']}-{v['version']}")
def test_all_keys_of_a_card_match_the_published_ones(vector: Vector) -> None:
    issuer, uid = Key.parse(vector["issuer_key"]), Uid.parse(vector["uid"])
    version = vector["version"]
    assert k.card_key(issuer, uid, version) == Key.parse(vector["card_key"])
    assert k.derive(issuer, uid, version) == tuple(Key.parse(vector[f"k{n}"]) for n in range(5))
    assert k.k1(issuer) == Key.parse(vector["k1"])
    assert k.k2(issuer, uid, version) == Key.parse(vector["k2"])
    assert k.card_id(issuer, uid).hex() == vector["card_id"]


@given(keys, uids, st.integers(0, 0xFFFFFFFF), st.text(min_size=1))
def test_a_pull_payment_changes_every_key_but_k1(
    issuer: Key, uid: Uid, version: int, pull_payment_id: str
) -> None:
    plain = k.derive(issuer, uid, version)
    bound = k.derive(issuer, uid, version, pull_payment_id)
    assert [n for n in range(5) if plain[n] == bound[n]] == [1]
    assert k.k2(issuer, uid, version, pull_payment_id) == bound.k2


def test_btcpay_appends_the_pull_payment_id_as_text() -> None:
    """`CreateCardKey(uid, version, Encoding.UTF8.GetBytes(pullPaymentId))` (BTCPay Server)."""
    from host.ntag424.crypto import cmac

    message = bytes.fromhex("2d003f75") + UID.raw + bytes([1, 0, 0, 0]) + b"4eKZ9"
    assert k.card_key(ISSUER, UID, 1, "4eKZ9").reveal() == cmac(ISSUER, message)


@pytest.mark.parametrize("version", [-1, 1 << 32])
def test_a_version_must_fit_its_four_bytes(version: int) -> None:
    with pytest.raises(ValueError, match="version"):
        k.card_key(ISSUER, UID, version)


def test_a_set_of_keys_shows_none_of_them() -> None:
    keys_of_card = k.derive(ISSUER, UID, 1)
    shown = f"{keys_of_card!r} {keys_of_card}"
    assert not any(key.reveal().hex() in shown for key in keys_of_card)
    assert "Key(…)" in shown


def test_factory_keys_are_zero() -> None:
    assert set(k.CardKeys.factory()) == {Key.zero()}
