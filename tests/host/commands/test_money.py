"""The commands about a card's money."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.holder import balance_at
from host.ledger import audit, cards, claims, fees, people, pull_payments, sales, stores
from host.ledger.balance import Balance
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Code, Refused
from host.ledger.fees import FeePayer, FeePolicy
from host.ledger.permissions import Role
from host.ledger.records import Limits, Sale
from host.ledger.taps import VerifiedTap
from host.money import sats
from host.ntag424.values import Uid
from host.readers.base import CardGone
from host.store.engine import Engine
from tests.support.command import taptill, words
from tests.support.counter import UrlCard, counter
from tests.support.world import KEY_VERSION, UID, add_card


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A shop with a card called Ann on an account of 1 000 sat."""
    assert taptill(tmp_path, "init", "--name", "Corner shop").exit_code == 0
    with ledger(tmp_path) as db:
        account = pull_payments.create(db, "main", "Ann's account")
        add_card(db, account, UID)
        pull_payments.fund(db, account.pull_payment_id, sats(1_000), "cash")
        people.create(db, "Cem", Role.CASHIER, store_id="main")
        people.create(db, "Mona", Role.MANAGER, store_id="main")
    return tmp_path


def ledger(home: Path) -> Engine:
    return Engine.open(home / DATABASE_NAME, SystemClock())


def account_id(home: Path) -> str:
    with ledger(home) as db:
        return pull_payments.all(db)[0].pull_payment_id


def test_a_card_is_filled_in_cash_by_who_may(home: Path) -> None:
    result = taptill(home, "cards", "top-up", "Ann", "250", "--reason", "bar", "--person", "Mona")
    assert result.output == "Ann: 1 250 sat\n"
    with ledger(home) as db:
        mona = people.by_name(db, "Mona")
        newest = audit.recent(db, limit=1)[0]
        assert mona is not None
        assert (newest.person_id, newest.action) == (mona.person_id, "pull_payment.top-up")
    no = taptill(home, "cards", "top-up", "Ann", "250", "--reason", "bar", "--person", "Cem")
    assert "Cem may not do this here" in words(no)
    for bad in (("Bob", "1"), ("Ann", "-1"), ("Ann", "x")):
        assert taptill(home, "cards", "top-up", "--reason", "x", "--", *bad).exit_code == 2
    nobody = taptill(home, "cards", "top-up", "Ann", "1", "--reason", "x", "--person", "Zoe")
    assert words(nobody) == "there is no person Zoe"
    assert taptill(home, "books").exit_code == 0


def test_a_card_is_named_by_id_uid_or_its_own_alias(home: Path) -> None:
    with ledger(home) as db:
        (card,) = cards.every(db)
    for name in (card.card_id, card.card_id.upper(), UID.hex(), "Ann"):
        assert taptill(home, "cards", "balance", name).output.startswith("Ann (active): 1 000 sat")
    with ledger(home) as db:
        (account,) = pull_payments.all(db)
        add_card(db, account, Uid.parse("04a39493cc8681"))
    assert "2 cards are called Ann" in words(taptill(home, "cards", "balance", "Ann"))


def test_the_balance_says_what_is_left_and_what_happened(home: Path) -> None:
    with ledger(home) as db:
        (card,) = cards.every(db)
        cards.set_limits(db, card.card_id, Limits(sats(300), sats(500), sats(600), 3))
    output = taptill(home, "cards", "balance", "Ann").output
    assert "one payment now: up to 300 sat" in output
    assert "last 24 hours: 500 of 500 sat left" in output
    assert "last 30 days: 600 of 600 sat left" in output
    assert "payments in 24 hours: 3 of 3 left" in output
    assert "fund" in output
    told = json.loads(taptill(home, "cards", "balance", "Ann", "--json").output)
    assert (told["balanceMsat"], told["payableMsat"]) == (sats(1_000), sats(300))


def test_a_sale_is_given_back_in_parts_and_never_more(home: Path) -> None:
    with ledger(home) as db:
        (card,) = cards.every(db)
        stores.ensure_terminal(db, "till-1", "main")
        sale = sales.open(db, "main", sats(50), terminal_id="till-1")
        assert isinstance(sale, Sale)
        tap = VerifiedTap(card.card_id, UID, 1, KEY_VERSION)
        request = ClaimRequest(tap, sats(50), Source.TILL, sale_id=sale.sale_id)
        assert isinstance(claims.claim(db, request), Claimed)
    refund = ("sales", "refund", sale.sale_id)
    assert taptill(home, *refund, "30", "--reason", "x").output == "30 of 50 sat given back\n"
    assert "more than was paid" in words(taptill(home, *refund, "21", "--reason", "x"))
    no = taptill(home, *refund, "20", "--reason", "x", "--person", "Cem")
    assert "sale.refund" in words(no)
    assert taptill(home, *refund, "20", "--reason", "x", "--person", "Mona").exit_code == 0
    assert taptill(home, "books").exit_code == 0


def test_a_card_has_an_address_while_its_holder_wants_one(home: Path) -> None:
    assert taptill(home, "cards", "address", "Ann").output == "no address\n"
    assert taptill(home, "cards", "address", "Ann", "ann").output == "ann@127.0.0.1:8423\n"
    assert "small letters" in words(taptill(home, "cards", "address", "Ann", "Ann!"))
    assert taptill(home, "cards", "address", "Ann", "--remove").output == "no address\n"


def test_the_fees_of_an_account_are_shown_and_changed(home: Path) -> None:
    account = account_id(home)
    show = ("pull-payments", "fees", account)
    assert taptill(home, *show).output == "the card pays, at most the host's limit\n"
    changed = taptill(home, *show, "--payer", "store", "--base", "2", "--ppm", "5000")
    assert changed.output == "the store pays, at most 2 sat and 5000 ppm\n"
    assert taptill(home, *show, "--base", "0").output.endswith("at most 0 sat and 5000 ppm\n")
    with ledger(home) as db:
        assert fees.get(db, account) == FeePolicy(FeePayer.STORE, 0, 5_000)
    assert "ppm" in words(taptill(home, *show, "--ppm", "2000000"))


class Gone:
    """A card that was taken away."""

    @property
    def uid(self) -> bytes | None:
        return None

    def transceive(self, apdu: bytes) -> bytes:
        raise CardGone("it was taken away")


def test_a_card_on_the_shops_reader_shows_its_balance_and_spends_no_tap(tmp_path: Path) -> None:
    with counter(tmp_path) as at:
        held = at.card(balance_sat=700)
        held.twin.power_on()
        before = cards.get(at.db, held.card_id)
        for _ in range(2):
            found = balance_at(at.db, at.keyring.issuers, held.twin)  # type: ignore[arg-type]
            assert isinstance(found, Balance)
            assert found.account.balance_msat == sats(700)
            assert found.card == before
        refusals = {
            Code.MOVED_TOO_SOON: Gone(),
            Code.CARD_UNREADABLE: UrlCard("https://example.com"),
            Code.SUN_INVALID: UrlCard(f"lnurlw://x/ln?p={'00' * 16}&c={'00' * 8}"),
        }
        for code, card in refusals.items():
            refused = balance_at(at.db, at.keyring.issuers, card)  # type: ignore[arg-type]
            assert isinstance(refused, Refused)
            assert refused.code is code
