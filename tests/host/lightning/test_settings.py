"""Wallets by configuration: every kind opens, credentials stay outside the file and unseen."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from host import config as configuration
from host.bolt11 import Network
from host.clock import ManualClock
from host.config import ConfigError
from host.lightning.open import open_wallet
from host.lightning.settings import (
    CREDENTIALS,
    KINDS,
    ServiceTable,
    WalletConfig,
    problem,
    read_secret,
)
from host.lightning.trial import Trial, examine
from host.lightning.wallet import WalletDown
from tests.host.lightning.remote_rig import KINDS as RIGS
from tests.support.scripted_http import Request, ScriptedServer, reply
from tests.support.wallet_servers.node import Net

KEY = "0123456789abcdef0123456789abcdef"
TABLES = {
    "lnbits": 'url = "https://lnbits.example"',
    "lnd": 'url = "https://node.example:8080"\ncert_sha256 = "' + "ab" * 32 + '"',
    "cln": 'url = "https://node.example:3010"',
    "phoenixd": "fee_ppm = 5000",
    "btcpay": 'url = "https://btcpay.example"\nstore_id = "Store1"',
    "galoy": 'wallet_id = "w"',
}


def parsed(text: str) -> WalletConfig:
    return configuration.parse(tomllib.loads(text)).wallet


def keep(home: Path, kind: str, key: str = KEY, mode: int = 0o600) -> Path:
    path = home / CREDENTIALS[kind]
    path.write_text(key)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_kind_opens_from_the_file_and_shows_its_key_to_nobody(
    tmp_path: Path, kind: str
) -> None:
    config = parsed(f'[wallet]\nkind = "{kind}"\n[wallet.{kind}]\n{TABLES[kind]}\n')
    assert config.bolt11_network is Network.MAINNET
    keep(tmp_path, kind)
    wallet = open_wallet(config, tmp_path, ManualClock())
    try:
        assert not wallet.simulated
        assert KEY not in repr(config) + repr(wallet) + repr(vars(wallet))
    finally:
        wallet.close()


def test_each_kind_has_a_table_and_a_name_for_its_key() -> None:
    assert set(TABLES) == set(CREDENTIALS)
    assert set(KINDS) == {"embedded", *TABLES}


def test_the_simulation_is_on_regtest_and_nowhere_else(tmp_path: Path) -> None:
    assert WalletConfig().bolt11_network is Network.REGTEST
    with pytest.raises(WalletDown, match="regtest only"):
        open_wallet(WalletConfig(network="mainnet"), tmp_path, ManualClock())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "lnbits"', "wallet.lnbits.url: write an address"),
        (
            'kind = "lnd"\n[wallet.lnd]\nurl = "http://node.example"',
            "wallet.lnd.url: must be https",
        ),
        (
            'kind = "btcpay"\n[wallet.btcpay]\nurl = "https://x.example"',
            "wallet.btcpay.store_id: is missing",
        ),
        ('kind = "galoy"', "wallet.galoy.wallet_id: is missing"),
        ('network = "moon"', "wallet.network: must be one of"),
        ("max_fee_sat = -1", "wallet.max_fee_sat: must not be negative"),
        ('kind = "lnbits"\n[wallet.lnbits]\nkey = "x"', "wallet.lnbits.key: unknown key"),
    ],
)
def test_a_wallet_that_cannot_be_is_named_by_its_field(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(f"[wallet]\n{text}\n")
    assert words in str(caught.value)


def test_an_unknown_kind_is_named_when_it_is_opened(tmp_path: Path) -> None:
    assert problem(WalletConfig(kind="mattress")) == ""
    with pytest.raises(WalletDown, match="there is no `mattress`; known: embedded, lnbits"):
        open_wallet(WalletConfig(kind="mattress"), tmp_path, ManualClock())


# -- credentials -----------------------------------------------------------------------------------


def test_a_credential_of_systemd_comes_before_the_home_folder(tmp_path: Path) -> None:
    keep(tmp_path, "lnbits", "from-home")
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "lnbits-key").write_text("from-systemd\n")
    (folder / "lnbits-key").chmod(0o644)  # systemd looks after these
    table = ServiceTable("https://x.example")
    given = {"CREDENTIALS_DIRECTORY": str(folder)}
    assert read_secret("lnbits", table, tmp_path, given).reveal() == "from-systemd"
    assert read_secret("lnbits", table, tmp_path, {}).reveal() == "from-home"


def test_a_macaroon_is_read_as_it_is_and_as_hex(tmp_path: Path) -> None:
    path = tmp_path / "admin.macaroon"
    path.write_bytes(b"\x02\x01\x03lnd\xff")
    path.chmod(0o600)
    table = ServiceTable("https://x.example", credential=str(path))
    assert read_secret("lnd", table, tmp_path, {}).reveal() == "0201036c6e64ff"
    path.write_text("0201036c6e64ff\n")
    assert read_secret("lnd", table, tmp_path, {}).reveal() == "0201036c6e64ff"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keep(tmp_path, "lnbits", mode=mode)
    with pytest.raises(WalletDown, match="chmod 600"):
        read_secret("lnbits", ServiceTable(), tmp_path, {})


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_key_that_is_not_there_is_named_with_its_place(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        keep(tmp_path, "cln", content)
    with pytest.raises(WalletDown) as caught:
        read_secret("cln", ServiceTable(), tmp_path, {})
    assert str(tmp_path / "cln-rune") in str(caught.value)


# -- taptill wallet test ---------------------------------------------------------------------------


def trials(kind: str, url: str, home: Path) -> list[Trial]:
    """What is said about a wallet at this address."""
    rig = RIGS[kind]
    keep(home, kind, rig.server.secret)
    more = {"btcpay": 'store_id = "Store1"', "galoy": 'wallet_id = "wallet-1"'}.get(kind, "")
    config = parsed(
        f'[wallet]\nkind = "{kind}"\nnetwork = "regtest"\n'
        f'[wallet.{kind}]\nurl = "{url}{rig.path}"\n{more}\n'
    )
    wallet = open_wallet(config, home, ManualClock())
    try:
        return list(examine(wallet, config.bolt11_network))
    finally:
        wallet.close()


@pytest.mark.parametrize("kind", ["phoenixd", "galoy"])
def test_a_wallet_in_order_can_do_all_that_is_needed(tmp_path: Path, kind: str) -> None:
    net = Net(ManualClock(), balances={"shop": 0})
    with RIGS[kind].server(net, "shop") as server:
        said = trials(kind, server.url, tmp_path)
    assert [(one.name, one.ok) for one in said] == [
        (name, True) for name in ("reach", "invoice", "look-up", "payments", "balance", "rights")
    ], said


def test_a_wallet_that_does_not_answer_is_asked_no_more(tmp_path: Path) -> None:
    (said,) = trials("lnd", "http://127.0.0.1:9", tmp_path)
    assert (said.name, said.ok) == ("reach", False)
    assert "cannot be reached" in said.words


@pytest.mark.parametrize(
    ("kind", "path", "answer", "words"),
    [
        ("lnd", "/v1/balance/blockchain", {"total_balance": "5"}, "the macaroon may do more"),
        ("cln", "/v1/listfunds", {"outputs": []}, "the rune may do more"),
        (
            "btcpay",
            "/api/v1/api-keys/current",
            {"permissions": ["btcpay.store.canuselightningnode:Store1", "unrestricted"]},
            "the API key may do more than is needed: unrestricted",
        ),
    ],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_a_credential_that_may_do_too_much_is_told(
    tmp_path: Path, kind: str, path: str, answer: object, words: str, allowed: bool
) -> None:
    def answers(request: Request) -> object:
        assert request.target == path
        return reply(answer) if allowed else reply({"code": 7, "message": "no"}, status=403)

    with ScriptedServer(answers) as server:  # type: ignore[arg-type]
        wallet = open_wallet(_config(kind, server.url), _home(tmp_path, kind), ManualClock())
        said = wallet.excess()  # type: ignore[attr-defined]
        wallet.close()
    assert said.startswith(words) if allowed else said == ""


def _config(kind: str, url: str) -> WalletConfig:
    more = 'store_id = "Store1"' if kind == "btcpay" else ""
    return parsed(f'[wallet]\nkind = "{kind}"\n[wallet.{kind}]\nurl = "{url}"\n{more}\n')


def _home(home: Path, kind: str) -> Path:
    keep(home, kind)
    return home
