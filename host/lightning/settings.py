"""Which wallet the shop uses, as `[wallet]` in `taptill.toml` says it. No credential stands there.

Each kind has a small table of its own, `[wallet.lnbits]` and so on. `credential` names where its
key is: a systemd credential of that name, else a file of that name in the home folder that only
its owner can read; with a slash in it, it is the path of a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.bolt11 import Network
from host.lightning.wallet import WalletDown

if TYPE_CHECKING:  # every command reads the configuration, and few speak HTTP
    from host.lightning.http import Endpoint, Secret

EMBEDDED: Final = "embedded"


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """What every wallet behind HTTP is told."""

    url: str = ""
    credential: str = ""
    """Name or path of the key; empty is the kind's own name for it."""
    ca_file: str = ""
    """A certificate (or authority) to trust instead of the system's."""
    cert_sha256: str = ""
    """Trust exactly this certificate: 64 hex digits."""
    plain_http: bool = False
    """Allow http to another host: only inside a network that is yours."""


@dataclass(frozen=True, slots=True)
class PhoenixdTable(ServiceTable):
    """phoenixd, which tells its fee in its documentation alone."""

    url: str = "http://127.0.0.1:9740"
    fee_ppm: int = 4_000
    fee_base_sat: int = 4


@dataclass(frozen=True, slots=True)
class BtcpayTable(ServiceTable):
    """The Lightning node of one store of a BTCPay Server."""

    store_id: str = ""
    crypto_code: str = "BTC"


@dataclass(frozen=True, slots=True)
class GaloyTable(ServiceTable):
    """One BTC wallet of a Blink or Flash account."""

    url: str = "https://api.blink.sv/graphql"
    wallet_id: str = ""
    bearer: bool = False
    """The key is a session's token and not an API key (Flash)."""


@dataclass(frozen=True, slots=True)
class EmbeddedTable:
    """The simulation; several Taptills of one machine that share a file can pay each other."""

    file: str = "embedded-wallet.db"
    """In the home folder, or a path."""
    account: str = "shop"


@dataclass(frozen=True, slots=True)
class WalletConfig:
    """Which wallet pays and is paid."""

    kind: str = EMBEDDED
    """`embedded` (a simulation), `lnbits`, `lnd`, `cln`, `phoenixd`, `btcpay` or `galoy`."""
    network: str = ""
    """`mainnet`, `testnet`, `signet` or `regtest`; empty is mainnet, and regtest when simulated."""
    max_fee_sat: int = 50
    """The most that one payment may cost in routing fees; held beside the amount."""
    embedded: EmbeddedTable = field(default_factory=EmbeddedTable)
    lnbits: ServiceTable = field(default_factory=ServiceTable)
    lnd: ServiceTable = field(default_factory=ServiceTable)
    cln: ServiceTable = field(default_factory=ServiceTable)
    phoenixd: PhoenixdTable = field(default_factory=PhoenixdTable)
    btcpay: BtcpayTable = field(default_factory=BtcpayTable)
    galoy: GaloyTable = field(default_factory=GaloyTable)

    @property
    def bolt11_network(self) -> Network:
        """The network whose invoices are made and paid."""
        default = Network.REGTEST if self.kind == EMBEDDED else Network.MAINNET
        return Network[self.network.upper()] if self.network else default

    @property
    def table(self) -> ServiceTable | None:
        """The table of the kind that is chosen; None for a kind without one."""
        found = getattr(self, self.kind, None) if self.kind in KINDS else None
        return found if isinstance(found, ServiceTable) else None


CREDENTIALS: Final[Mapping[str, str]] = {
    "lnbits": "lnbits-key",
    "lnd": "lnd-macaroon",
    "cln": "cln-rune",
    "phoenixd": "phoenixd-password",
    "btcpay": "btcpay-api-key",
    "galoy": "galoy-api-key",
}
"""What each kind's credential is called where the table does not say."""

KINDS: Final = (EMBEDDED, *CREDENTIALS)


def problem(config: WalletConfig) -> str:
    """What is wrong with the configuration of the wallet, as `field: words`; empty when nothing."""
    if config.network and config.network.upper() not in Network.__members__:
        names = ", ".join(name.lower() for name in Network.__members__)
        return f"wallet.network: must be one of {names}"
    if config.max_fee_sat < 0:
        return "wallet.max_fee_sat: must not be negative"
    table = config.table
    wrong = _table_problem(table) if table is not None else ""
    return f"wallet.{config.kind}.{wrong}" if wrong else ""


def _table_problem(table: ServiceTable) -> str:
    from host.lightning.http import check_base_url

    try:
        check_base_url(table.url, plain_http=table.plain_http)
    except ValueError as error:
        return str(error)
    if isinstance(table, BtcpayTable) and not table.store_id:
        return "store_id: is missing"
    if isinstance(table, GaloyTable) and not table.wallet_id:
        return "wallet_id: is missing"
    return ""


def endpoint(table: ServiceTable) -> Endpoint:
    """Where the service is, and how it proves itself."""
    from host.lightning.http import Endpoint

    return Endpoint(
        table.url,
        ca_file=Path(table.ca_file) if table.ca_file else None,
        cert_sha256=table.cert_sha256 or None,
        plain_http=table.plain_http,
    )


def read_secret(
    kind: str, table: ServiceTable, home: Path, environment: Mapping[str, str] = os.environ
) -> Secret:
    """The credential of a kind of wallet; raises `WalletDown` in words that name file and remedy.

    A file that is not text (LND's macaroon) is read as its hex digits.
    """
    from host.lightning.http import Secret

    name = table.credential or CREDENTIALS[kind]
    path, ours = _locate(name, home, environment)
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        raise WalletDown(f"{path}: {error.strerror}: put the wallet's key there") from None
    if ours and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise WalletDown(f"{path} can be read by others: run `chmod 600 {path}`")
    try:
        text = raw.decode("ascii")
        return Secret(text if text.strip().isprintable() else raw.hex())
    except UnicodeDecodeError:
        return Secret(raw.hex())
    except ValueError:
        raise WalletDown(f"{path} is empty or no text: put the wallet's key there") from None


def _locate(name: str, home: Path, environment: Mapping[str, str]) -> tuple[Path, bool]:
    """Where a credential is, and whether its rights are ours to insist on."""
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if "/" not in name and folder and (Path(folder) / name).is_file():
        return Path(folder) / name, False
    return home / name, True  # an absolute path stays what it is
