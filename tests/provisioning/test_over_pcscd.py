"""The same over the real pcscd: a batch of every kind of card, and cards torn away for good."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hardware.twin.card import TearAt, TwinCard
from hardware.twin.private_pcscd import PrivatePcscd
from hardware.twin.process import TwinProcess
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.keyring import Issuer, Keyring, load
from host.ledger import cards, pull_payments
from host.ntag424.values import Key, Uid
from host.readers.base import Reader
from host.readers.open import open_reader
from host.store.engine import Engine
from provisioning.engine import Workshop
from provisioning.orders import Done, Goal
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import Shop

pytestmark = pytest.mark.pcsc

_PATIENCE_MS = 30_000
_HALF = 18


def _uid(number: int) -> Uid:
    return Uid(bytes([4, 9, 9, 9, 9, number, 0x80]))


# --- the batch -------------------------------------------------------------------------------


@dataclass
class Home:
    """A home folder on disk, and the drawer its cards come from."""

    path: Path
    drawer: Path

    def taptill(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "host.cli", "--home", str(self.path), *words]

    def put(self, name: str, card: TwinCard) -> None:
        """Into the drawer, as its file holds it."""
        self.drawer.mkdir(exist_ok=True)
        (self.drawer / f"{name}.card.json").write_text(json.dumps(card.state.to_json()))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home", tmp_path / "drawer")
    subprocess.run(made.taptill("init"), check=True, capture_output=True)
    return made


def _fill(home: Home, tmp_path: Path) -> str:
    """Fifteen blank, two half-written, one of another issuer, one LRP, one delayed."""
    for number in range(15):
        home.put(f"card-{number:02}", TwinCard.factory(_uid(number)))
    with Engine.open(home.path / DATABASE_NAME, SystemClock()) as db:
        account = pull_payments.create(db, "main", "Guests").pull_payment_id
        ring = load(home.path / "issuer-keys.json")
        shop = Shop(db, ring, account, Workshop(db, ring))
        for number in (15, 16):
            card = TwinCard.factory(_uid(number))
            _tear(card, _HALF)
            shop.work(card, Goal.ISSUE, alias=f"Early-{number}")
            home.put(f"card-{number:02}", card)
    home.put("card-17", _stranger(tmp_path))
    lrp = TwinCard.factory(_uid(18)).state
    home.put("card-18", TwinCard(replace(lrp, configuration=replace(lrp.configuration, lrp=True))))
    slow = TwinCard.factory(_uid(19)).state
    slot = replace(slow.keys[0], sequence_failures=55)
    home.put("card-19", TwinCard(slow.with_key(0, slot)))
    return account


def _tear(card: TwinCard, skip: int) -> None:
    from hardware.twin.card import Tear

    card.tear(Tear(TearAt.ANSWER, skip))


def _stranger(tmp_path: Path) -> TwinCard:
    (tmp_path / "elsewhere").mkdir()
    shop = Shop.open(tmp_path / "elsewhere")
    shop.keyring = Keyring((Issuer.of(Key(b"\x55" * 16)),), bytes(32))
    shop.workshop = Workshop(shop.db, shop.keyring)
    card = TwinCard.factory(_uid(17))
    shop.done(card, Goal.ISSUE)
    shop.db.close()
    return card


def test_a_batch_of_twenty_through_pcscd_gives_twenty_lines_and_an_honest_exit_code(
    home: Home, tmp_path: Path, pcscd: PrivatePcscd
) -> None:
    account = _fill(home, tmp_path)
    asked = ("--account", account, "--alias", "Guest-{n:03}", "--batch", "20", "--json")
    command = home.taptill("cards", "issue", "--reader", f"pcsc:{pcscd.name}", *asked)
    with TwinProcess("pcsc", home.drawer, port=pcscd.port) as twin:
        told, code = _lay_all(command, twin, pcscd)
    assert len(told) == 20
    assert [one["code"] for one in told if not one["done"]] == ["foreign", "lrp"]
    assert [one["alias"] for one in told[15:17]] == ["Early-15", "Early-16"]
    assert code == 1
    with Engine.open(home.path / DATABASE_NAME, SystemClock()) as db:
        assert len(cards.every(db)) == 18


def _lay_all(
    command: list[str], twin: TwinProcess, pcscd: PrivatePcscd
) -> tuple[list[dict[str, Any]], int]:
    """Lay the next card whenever the command has told of the one before."""
    told: list[dict[str, Any]] = []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=pcscd.environ
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        twin.lay("card-00")
        for line in process.stdout:
            told.append(json.loads(line))
            twin.lift()
            if len(told) < 20:
                twin.lay(f"card-{len(told):02}")
        said = process.stderr.read().splitlines()
    assert [line.split()[0] for line in said] == ["list:", "list:"], said
    return told, process.returncode


# --- tears -----------------------------------------------------------------------------------


@contextmanager
def _reader(pcscd: PrivatePcscd) -> Iterator[Reader]:
    with open_reader(f"pcsc:{pcscd.name}") as reader:
        yield reader


def test_cards_torn_out_of_a_pcsc_reader_converge_without_a_refused_key(
    shop: Shop, tmp_path: Path, pcscd: PrivatePcscd
) -> None:
    plan = [
        (Goal.ISSUE, 11, TearAt.COMMAND),
        (Goal.ISSUE, 13, TearAt.ANSWER),
        (Goal.ISSUE, 0, None),
        (Goal.REKEY, 12, TearAt.COMMAND),
        (Goal.REKEY, 13, TearAt.ANSWER),
        (Goal.REKEY, 0, None),
        (Goal.WIPE, 12, TearAt.ANSWER),
        (Goal.WIPE, 13, TearAt.COMMAND),
        (Goal.WIPE, 0, None),
    ]
    with (
        TwinProcess("pcsc", tmp_path / "drawer", port=pcscd.port) as twin,
        _reader(pcscd) as reader,
    ):
        twin.create("ann", _uid(1))
        for goal, skip, how in plan:
            outcome = _tap(shop, reader, twin, goal, how, skip)
            torn = isinstance(outcome, Trouble) and outcome.code is TroubleCode.CARD_GONE
            assert torn if how else isinstance(outcome, Done)
        state = twin.state("ann")
    assert [slot.total_failures for slot in state.keys] == [0] * 5
    assert [slot.version for slot in state.keys] == [slot.version for slot in state.keys[:1]] * 5


def _tap(
    shop: Shop,
    reader: Reader,
    twin: TwinProcess,
    goal: Goal,
    how: TearAt | None,
    skip: int,
) -> Done | Trouble:
    twin.lay("ann")
    twin.tear(how, skip)
    link = reader.wait_card(_PATIENCE_MS)
    assert link is not None
    outcome = shop.workshop.work(link, shop.order(goal))
    twin.lift()
    assert reader.wait_gone(_PATIENCE_MS)
    return outcome
