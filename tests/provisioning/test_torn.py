"""THREATS 24: a card torn away at any APDU is finished by the next tap, without a wrong key."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.twin.card import TearAt
from host.ntag424.values import Uid
from provisioning.seen import Depth
from tests.provisioning.shop import Shop
from tests.provisioning.torn import Life, Pull, cases, lengths, live

LONG_BASE = "lnurlw://pay.example.com/" + "a" * 120


def _healthy(life: Life) -> bool:
    return life.converged and not life.refused


@pytest.mark.parametrize("depth", Depth)
def test_every_single_tear_of_a_life_converges_without_a_refused_key(
    shop: Shop, tmp_path: Path, depth: Depth
) -> None:
    singles = lengths(tmp_path / "measure", depth)
    tears = list(cases(singles, 0))
    lives = [live(shop, _uid(number), pulls, depth) for number, pulls in enumerate(tears)]
    assert len(lives) == 2 * singles
    assert [life for life in lives if not _healthy(life)] == []


def test_a_sample_of_all_pairs_of_tears_converges_without_a_refused_key(
    shop: Shop, tmp_path: Path
) -> None:
    singles = lengths(tmp_path / "measure", Depth.FULL)
    tears = list(cases(singles, singles))[7::199]
    lives = [live(shop, _uid(number), pulls) for number, pulls in enumerate(tears)]
    assert len(lives) > 100
    assert [life for life in lives if not _healthy(life)] == []


def test_an_address_longer_than_a_frame_survives_a_tear_in_the_middle_of_a_write(
    shop: Shop,
) -> None:
    for at in range(40):
        for how in (TearAt.COMMAND, TearAt.MIDDLE, TearAt.ANSWER):
            uid = _uid(100 * at + list(TearAt).index(how))
            life = live(shop, uid, (Pull(at, how),), base=LONG_BASE)
            assert _healthy(life), (at, how, life)


def _uid(number: int) -> Uid:
    return Uid(b"\x04" + number.to_bytes(5, "big") + b"\x81")
