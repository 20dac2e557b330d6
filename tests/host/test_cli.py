"""The command `taptill`: words and exit codes for people, JSON for programs, tracebacks for no one.

0 is done, 1 is a no, 2 is "it could not be asked".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host import keyring as keyrings
from host.config import DATABASE_NAME
from host.daemon_lock import take_home
from host.ledger import cards as ledger_cards
from host.ledger import sales
from tests.support.command import taptill, words
from tests.support.running import RunningShop, running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder as `init` makes it; no test changes it."""
    home = tmp_path_factory.mktemp("made") / "home"
    assert taptill(home, "init").exit_code == 0
    return home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with running(tmp_path_factory.mktemp("cli") / "home") as shop:
        yield shop


@pytest.fixture
def shop(shared: RunningShop) -> Iterator[RunningShop]:
    """A daemon that runs in the home folder, beside which commands are given."""
    yield shared
    shared.lift()


class TestInit:
    def test_it_makes_configuration_keys_and_ledger_and_touches_nothing_the_second_time(
        self, tmp_path: Path
    ) -> None:
        home = tmp_path / "new" / "home"
        result = taptill(home, "init", "--name", "Café Ada", "--timezone", "Europe/Vienna")
        assert result.exit_code == 0
        assert [line.split()[0] for line in result.output.splitlines()] == [
            "wrote",
            "made",
            "ledger",
        ]
        files = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
        keys = home / keyrings.FILE_NAME
        assert keys.stat().st_mode & 0o077 == 0
        again = taptill(home, "init", "--name", "Other", "--timezone", "UTC")
        assert again.exit_code == 0
        assert "wrote" not in again.output
        for name in ("taptill.toml", keyrings.FILE_NAME):
            assert (home / name).read_bytes() == files[name]
        assert taptill(home, "config", "check").exit_code == 0

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            (("--timezone", "Mars/Olympus"), "store.timezone"),
            (("--name", "  "), "store.name"),
            (("--url", "pay.example.com"), "public.url"),
            (("--url", "https://[::1"), "public.url"),
        ],
    )
    def test_a_bad_value_leaves_nothing_behind_that_would_have_to_be_mended(
        self, tmp_path: Path, arguments: tuple[str, ...], field: str
    ) -> None:
        assert field in words(taptill(tmp_path, "init", *arguments))
        assert list(tmp_path.iterdir()) == []
        assert taptill(tmp_path, "init").exit_code == 0


class TestWhatCannotBeAsked:
    @pytest.mark.parametrize(
        "command",
        [
            ("books",),
            ("cards", "list"),
            ("pull-payments", "list"),
            ("charge", "100"),
            ("sign-in",),
            ("books", "--json"),
        ],
    )
    def test_a_home_without_a_ledger(self, tmp_path: Path, command: tuple[str, ...]) -> None:
        assert "run `taptill init` first" in words(taptill(tmp_path, *command))
        assert list(tmp_path.iterdir()) == []

    def test_a_home_without_keys(self, tmp_path: Path) -> None:
        assert "run `taptill init`" in words(taptill(tmp_path, "run"))

    @pytest.mark.parametrize(
        ("toml", "said"),
        [
            ("[walet]\n", "walet: unknown key; did you mean `wallet`?"),
            ("[public]\nlissten = 1\n", "public.lissten: unknown key; did you mean `listen`?"),
            ("[public\n", "taptill.toml"),
            ("store = 3\n", "store: must be a table"),
        ],
    )
    @pytest.mark.parametrize("command", ["run", "config check", "sign-in", "charge 100"])
    def test_a_configuration_with_an_unknown_key_stops_every_command_that_reads_it(
        self, made: Path, tmp_path: Path, toml: str, said: str, command: str
    ) -> None:
        home = tmp_path / "home"
        home.mkdir()
        for name in (DATABASE_NAME, keyrings.FILE_NAME):
            (home / name).write_bytes((made / name).read_bytes())
        (home / keyrings.FILE_NAME).chmod(0o600)
        (home / "taptill.toml").write_text(toml)
        assert said in words(taptill(home, *command.split()))

    def test_a_ledger_from_the_future_and_one_that_is_none(
        self, made: Path, tmp_path: Path
    ) -> None:
        future = tmp_path / "future"
        future.mkdir()
        (future / DATABASE_NAME).write_bytes((made / DATABASE_NAME).read_bytes())
        conn = sqlite3.connect(future / DATABASE_NAME)
        conn.execute("INSERT INTO _sqlite_migrations SELECT * FROM _sqlite_migrations WHERE 0")
        conn.execute(
            "UPDATE _sqlite_migrations SET name = '999_tomorrow'"
            " WHERE rowid = (SELECT max(rowid) FROM _sqlite_migrations)"
        )
        conn.commit()
        conn.close()
        assert "newer Taptill" in words(taptill(future, "books"))
        other = tmp_path / "other"
        other.mkdir()
        (other / DATABASE_NAME).write_text("this is no database, but a letter to a friend\n" * 99)
        assert "not a Taptill database" in words(taptill(other, "cards", "list"))

    def test_a_second_daemon_in_the_same_home(self, made: Path) -> None:
        lock = take_home(made)
        try:
            assert "already runs" in words(taptill(made, "run"))
        finally:
            lock.close()

    def test_a_public_port_that_somebody_has(self, shop: RunningShop, tmp_path: Path) -> None:
        assert taptill(tmp_path, "init").exit_code == 0
        taken = shop.config.public.listen
        with (tmp_path / "taptill.toml").open("a") as toml:
            toml.write(f'[public]\nlisten = "{taken}"\n[dashboard]\nenabled = false\n')
        assert words(taptill(tmp_path, "run")) == (
            f"public.listen: {taken}: Address already in use"
        )

    def test_a_wallet_that_is_not_known(self, tmp_path: Path) -> None:
        assert taptill(tmp_path, "init").exit_code == 0
        with (tmp_path / "taptill.toml").open("a") as toml:
            toml.write('[public]\nlisten = "127.0.0.1:0"\n[wallet]\nkind = "mattress"\n')
        assert "wallet.kind: there is no `mattress`" in words(taptill(tmp_path, "run"))

    @pytest.mark.parametrize("amount", ["0", "-5", "ten", "1.5", "0.0001 sat", "22000000btc"])
    def test_an_amount_that_is_none(self, shop: RunningShop, amount: str) -> None:
        result = taptill(shop.home, "charge", "--", amount)
        if amount == "1.5":  # an amount, but of no whole satoshi: asked and refused
            assert result.exit_code == 1
            assert "(amount_invalid)" in result.output
        else:
            assert "amount: " in words(result)
        assert sales.current(shop.db, "till-1") is None

    @pytest.mark.parametrize("seconds", ["0", "-1", "3601", "soon"])
    def test_a_time_that_is_none(self, shop: RunningShop, seconds: str) -> None:
        assert "--timeout" in words(taptill(shop.home, "charge", "100", "--timeout", seconds))

    def test_a_store_that_there_is_not(self, shop: RunningShop) -> None:
        shop.arm(1)  # its dots are green
        result = taptill(shop.home, "charge", "100", "--store", "moon")
        assert "the store has no terminal till-1" in words(result)
        result = taptill(shop.home, "pull-payments", "create", "x", "--store", "moon")
        assert "there is no store moon" in words(result)

    def test_an_unknown_command_and_an_unknown_option(self, made: Path) -> None:
        assert "No such command" in words(taptill(made, "frobnicate"))
        assert "No such option" in words(taptill(made, "books", "--xml"))

    def test_a_home_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("x")
        assert words(taptill(tmp_path / "home", "init"))


class TestLists:
    def test_cards_as_a_table_and_as_json(self, shop: RunningShop) -> None:
        card = shop.card('Ünique, "Bob"')
        shop.pay(card, 1_234)
        table = taptill(shop.home, "cards", "list")
        (line,) = (one for one in table.output.splitlines() if card.uid.hex() in one)
        assert "Ünique" in line
        assert "1 234" in line
        told = json.loads(taptill(shop.home, "cards", "list", "--json").stdout)
        (mine,) = (one for one in told if one["boltcardId"] == card.card_id)
        assert (mine["totalPayouts"], mine["totalAmount"]) == (1, "0.00001234")
        assert mine["state"] == "active"

    def test_nothing_yet_is_words_and_an_empty_list(self, made: Path) -> None:
        assert "no cards yet" in taptill(made, "cards", "list").output
        assert json.loads(taptill(made, "cards", "list", "--json").stdout) == []
        assert "no accounts yet" in taptill(made, "pull-payments", "list").output
        assert taptill(made, "cards", "list", "--store", "moon").exit_code == 0

    def test_no_key_is_in_any_list(self, shop: RunningShop) -> None:
        shop.card()
        for command in (("cards", "list", "--json"), ("doctor", "--json"), ("books", "--json")):
            output = taptill(shop.home, *command).output.lower()
            assert shop.keyring.newest.key.reveal().hex() not in output
            assert shop.keyring.secret.hex() not in output


class TestPullPayments:
    def test_create_fund_and_list(self, tmp_path: Path) -> None:
        taptill(tmp_path, "init")
        made = taptill(tmp_path, "pull-payments", "create", "Staff", "--limit", "1000").output
        account = made.strip()
        funded = taptill(
            tmp_path, "pull-payments", "fund", account, "0.00002 btc", "--reason", "cash"
        )
        assert funded.output == "Staff: 2 000 sat\n"
        (_, line) = taptill(tmp_path, "pull-payments", "list").output.splitlines()
        (listed,) = json.loads(taptill(tmp_path, "pull-payments", "list", "--json").output)
        assert (listed["pullPaymentId"], listed["balanceMsat"]) == (account, 2_000_000)
        assert line.split()[:4] == [account, "Staff", "running", "2"]
        assert taptill(tmp_path, "books").exit_code == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("fund", "nothing", "100", "--reason", "x"), "nothing"),
            (("fund", "nothing", "free", "--reason", "x"), "amount: "),
            (("fund", "nothing", "100"), "--reason"),
            (("create", "  "), "name: "),
            (("create", "x", "--limit", "-1"), "--limit: "),
        ],
    )
    def test_what_makes_no_sense_is_named(
        self, made: Path, arguments: tuple[str, ...], said: str
    ) -> None:
        assert said in words(taptill(made, "pull-payments", *arguments))


class TestBooks:
    def test_clean_books(self, shop: RunningShop) -> None:
        shop.pay(shop.card(), 10)
        result = taptill(shop.home, "books")
        assert result.exit_code == 0
        assert result.output.splitlines()[-1] == "books are clean"
        told = json.loads(taptill(shop.home, "books", "--json").stdout)
        assert told["ok"] is True
        assert told["problems"] == []

    def test_books_that_disagree_are_a_no_and_say_where(self, tmp_path: Path) -> None:
        with running(tmp_path / "home") as shop:
            card = shop.card()
            shop.pay(card, 10)
        conn = sqlite3.connect(tmp_path / "home" / DATABASE_NAME)
        conn.execute("UPDATE pull_payments SET balance_msat = balance_msat + 1000")
        conn.commit()
        conn.close()
        result = taptill(tmp_path / "home", "books")
        assert result.exit_code == 1
        assert result.output.splitlines()[-1].startswith("BOOKS DISAGREE")
        assert card.account_id in result.output
        told = json.loads(taptill(tmp_path / "home", "books", "--json").stdout)
        assert told["ok"] is False
        assert len(told["problems"]) >= 1


class TestSignIn:
    def test_a_link_is_printed_and_used_once(self, shop: RunningShop) -> None:
        from host.ledger import people

        link = taptill(shop.home, "sign-in").output.strip()
        assert link.startswith("http://127.0.0.1:8424/sign-in/")
        token = link.rpartition("/")[2]
        assert people.redeem(shop.db, token) is not None
        assert people.redeem(shop.db, token) is None

    def test_nobody_of_that_name(self, made: Path) -> None:
        assert words(taptill(made, "sign-in", "--person", "eve")) == (
            "person: nobody is called eve"
        )


def test_config_check_says_good(made: Path) -> None:
    assert taptill(made, "config", "check").output == "the configuration is good\n"


@pytest.mark.parametrize("command", [[], ["cards"], ["charge"], ["demo"], ["books"], ["run"]])
def test_help_is_there_for_every_command(made: Path, command: list[str]) -> None:
    result = taptill(made, *command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_commands_of_other_rooms_have_joined(made: Path) -> None:
    listed: Any = taptill(made, "--help").output
    for name in ("demo", "charge", "books", "doctor", "run"):
        assert f"  {name} " in listed


def test_a_frozen_card_is_shown_as_frozen(shop: RunningShop) -> None:
    card = shop.card("Frosty")
    ledger_cards.freeze(shop.db, card.card_id)
    told = json.loads(taptill(shop.home, "cards", "list", "--json").stdout)
    (mine,) = (one for one in told if one["boltcardId"] == card.card_id)
    assert mine["state"] == "frozen"
