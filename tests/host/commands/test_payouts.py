"""`taptill payouts`, and what `doctor` says of a payout that hangs on another wallet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import doctor
from host.bolt11 import decode
from host.clock import DAY
from host.ledger import people, wallets
from host.ledger.permissions import Role
from host.ledger.records import Payout, PayoutStatus
from host.lightning.embedded import Fault
from host.lightning.wallet import Paid
from host.payer import Payer
from tests.support.command import taptill, words
from tests.support.paying import Watched, claim, now
from tests.support.world import World, world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def held(shop: World) -> Payout:
    """A payout of 21 sat that the wallet paid without an answer, before another took its place."""
    payout = claim(shop)
    shop.pool.script(Fault.UNKNOWN_THEN_OK)
    payer = Payer(shop.db, Watched(shop.pool), shop.clock)
    payer.step()
    payer.stop()
    wallets.begin(shop.db, shop.stranger.identity())
    return now(shop, payout)


def test_a_payout_of_another_wallet_is_listed_with_its_reason(
    shop: World, held: Payout, tmp_path: Path
) -> None:
    told = taptill(tmp_path, "payouts").output
    assert held.payout_id in told
    assert wallets.why_held(shop.pool.identity()) in told
    (one,) = json.loads(taptill(tmp_path, "payouts", "--json").output)
    assert (one["wallet"], one["amountMsat"]) == (shop.pool.identity(), 21_000)


def test_doctor_names_it_and_the_way_out(shop: World, held: Payout, tmp_path: Path) -> None:
    assert held.wallet is not None
    (found,) = (one for one in doctor.examine(tmp_path) if one.name == "payouts")
    assert not found.ok
    assert held.wallet in found.words
    assert "taptill payouts" in found.mend


def test_the_preimage_settles_it(shop: World, held: Payout, tmp_path: Path) -> None:
    paid = shop.pool.lookup_payment(held.payment_hash or b"")
    assert isinstance(paid, Paid)
    settle = ("payouts", "settle", held.payout_id, "--preimage")
    assert "64 hex digits" in words(taptill(tmp_path, *settle, "zz"))
    assert "does not hash" in words(taptill(tmp_path, *settle, "00" * 32))
    too_much = taptill(tmp_path, *settle, paid.preimage.hex(), "--fee", "1")
    assert "allowed 0 sats at most" in words(too_much)
    assert "21 sat" in taptill(tmp_path, *settle, paid.preimage.hex()).output
    assert now(shop, held).status is PayoutStatus.COMPLETED
    assert taptill(tmp_path, "payouts").output == "no payout is undecided\n"


def test_a_manager_releases_it_with_a_reason_and_a_cashier_does_not(
    shop: World, held: Payout, tmp_path: Path
) -> None:
    people.create(shop.db, "Cem", Role.CASHIER)
    people.create(shop.db, "Mona", Role.MANAGER)
    release = ("payouts", "release", held.payout_id)
    assert taptill(tmp_path, *release).exit_code == 2
    said = (*release, "--reason", "gone")
    assert words(taptill(tmp_path, *said, "--person", "Cem"))
    # The commands go by the real clock, and the invoice is of the test's, years ago.
    assert decode(held.recipient_address or "").expires_at + DAY < 1_800_000_000_000
    told = taptill(tmp_path, *said, "--person", "Mona").output
    assert "the shop bears it" in told
    assert now(shop, held).status is PayoutStatus.FAILED
