"""The technician's commands, as a technician calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hardware.twin.card import TwinCard
from host import keyring
from host.cli import cli
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import audit, pull_payments
from host.ntag424.values import Uid
from host.readers.base import Reader, ReaderTaken
from host.readers.direct import DirectReader
from host.store.engine import Engine
from provisioning import sitting

UID = Uid.parse("04a1b2c3d4e580")


class Home:
    """An initialised home folder, and a reader with one card on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.card = TwinCard.factory(UID)
        assert self.run("init", "--url", "https://pay.example.com").exit_code == 0
        with Engine.open(path / DATABASE_NAME, SystemClock()) as db:
            self.account = pull_payments.create(db, "main", "Guests").pull_payment_id

    def run(self, *words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["--home", str(self.path), *words], input=typed)

    def open_reader(self, *_asked: object) -> Reader:
        """The card lies there already, and is taken away when it has been answered for."""
        return _Emptied(self.card)


class _Emptied(DirectReader):
    def __init__(self, card: TwinCard) -> None:
        super().__init__()
        self.lay(card)

    def wait_gone(self, timeout_ms: int) -> bool:
        self.lift()
        return super().wait_gone(timeout_ms)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    monkeypatch.setattr(sitting, "open_reader", made.open_reader)
    return made


def test_issue_verify_diagnose_rekey_and_wipe_one_card(home: Home) -> None:
    issued = home.run("cards", "issue", "--account", home.account, "--alias", "Anna")
    assert issued.exit_code == 0, issued.output
    assert "“Anna” issued" in issued.output
    assert "1 done, 0 not done" in issued.output
    verified = home.run("cards", "verify")
    assert verified.exit_code == 0
    assert "all right: Anna" in verified.output
    diagnosed = home.run("cards", "diagnose")
    assert "p opens and c checks." in diagnosed.output
    assert "Address: lnurlw://pay.example.com/ln" in diagnosed.output
    assert "Next: nothing, it is fine." in diagnosed.output
    assert "has new keys" in home.run("cards", "rekey").output
    assert "wiped, as delivered" in home.run("cards", "wipe").output
    assert home.run("cards", "verify").exit_code == 1
    assert "It is blank, as delivered." in home.run("cards", "diagnose").output


def test_the_lists_are_written_and_named(home: Home) -> None:
    done = home.run("cards", "issue", "--account", home.account, "--pin-digits", "4")
    names = {path.suffix: path for path in (home.path / "issued").iterdir()}
    assert set(names) == {".csv", ".html"}
    assert str(names[".csv"]) in done.output
    assert "Card 001" in names[".html"].read_text()


def test_json_gives_one_object_a_card(home: Home) -> None:
    done = home.run("cards", "issue", "--account", home.account, "--fast", "--json")
    told = json.loads(done.stdout.splitlines()[0])
    assert told["done"] is True
    assert told["apdus"] == 14
    assert told["uid"] == UID.hex()


def test_a_card_that_is_not_done_gives_exit_code_1_and_its_words(home: Home) -> None:
    refused = home.run("cards", "rekey")
    assert refused.exit_code == 1
    assert "This card was not issued here" in refused.output
    assert "[not_ours]" in refused.output


def test_a_reader_somebody_owns_is_said_in_words(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_asked: object) -> Reader:
        raise ReaderTaken("pcsc is in use by process 7")

    monkeypatch.setattr(sitting, "open_reader", taken)
    refused = home.run("cards", "wipe")
    assert refused.exit_code == 2
    assert "in use by process 7" in refused.output
    assert "taptill run" in refused.output


def test_random_id_asks_before_it_is_switched_on(home: Home) -> None:
    asked = ("cards", "issue", "--account", home.account, "--random-id")
    assert home.run(*asked, typed="n\n").exit_code == 1
    assert not home.card.state.configuration.random_id
    assert home.run(*asked, typed="y\n").exit_code == 0
    assert home.card.state.configuration.random_id


def test_originality_of_a_twin_is_called_simulated(home: Home) -> None:
    done = home.run("cards", "issue", "--account", home.account, "--originality")
    assert "a simulated card" in done.output


def test_a_key_file_is_imported_and_a_bad_one_named(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("https://example.com/one-time")
    refused = home.run("cards", "wipe", "--import", str(file))
    assert refused.exit_code == 2
    assert "this is a link" in refused.output


def test_a_csv_gives_each_card_its_row(home: Home, tmp_path: Path) -> None:
    rows = tmp_path / "cards.csv"
    rows.write_text("alias,limit_day\nAnna,2100 sat\n")
    done = home.run("cards", "issue", "--account", home.account, "--csv", str(rows))
    assert "“Anna” issued" in done.output


def test_an_account_that_is_not_there_is_said_before_any_card_is_asked_for(home: Home) -> None:
    refused = home.run("cards", "issue", "--account", "nowhere")
    assert refused.exit_code == 2
    assert "has no such pull payment" in refused.output


def test_keys_rotate_adds_a_key_keeps_the_old_and_is_audited(home: Home) -> None:
    before = keyring.load(home.path / keyring.FILE_NAME)
    rotated = home.run("keys", "rotate", "--person", "Tina")
    after = keyring.load(home.path / keyring.FILE_NAME)
    assert rotated.exit_code == 0
    assert after.issuers[1:] == before.issuers
    assert after.newest.issuer_id in rotated.output
    assert after.newest.key.reveal().hex() not in rotated.output
    with Engine.open(home.path / DATABASE_NAME, SystemClock()) as db:
        assert [row.action for row in audit.recent(db, limit=1)] == ["keys.rotate"]
