"""Configuration: `taptill.toml` in the home folder, read into frozen records.

An unknown key is an error that names the nearest known one, a wrong value is an error that names
the field; nothing is guessed and nothing is changed (`ConfigError`).
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from host.bolt11 import Network
from host.ledger import days, stores
from host.ledger.errors import LedgerError
from host.ledger.rates import NO_CURRENCY
from host.ledger.rates import parse as parse_rate
from host.lightning.settings import WalletConfig
from host.lightning.settings import problem as wallet_problem
from host.money import sats
from host.printers.settings import PrinterConfig
from host.printers.settings import problem as printer_problem

FILE_NAME = "taptill.toml"
DATABASE_NAME = "taptill.db"
DRIVERS = ("pcsc", "nfc", "panel")

T = TypeVar("T")


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the field and the way out."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The shop that a fresh ledger starts with."""

    id: str = "main"
    name: str = "My shop"
    timezone: str = "UTC"
    cutoff_hour: int = 0
    currency: str = "SATS"
    """The currency beside satoshi, such as EUR; it needs a rate (`[rates]`)."""


@dataclass(frozen=True, slots=True)
class PublicConfig:
    """The LNURL service: how other people's points of sale reach our cards' accounts."""

    url: str = "http://127.0.0.1:8423"
    """What stands before `/ln` on cards; others insist on https (or an onion service)."""
    also: tuple[str, ...] = ()
    """Earlier hosts whose cards are still ours."""
    listen: str = "127.0.0.1:8423"
    trusted_proxies: tuple[str, ...] = ()
    min_sat: int = 1
    max_sat: int = 1_000_000
    """The most that one foreign payment may ask for; never the balance (THREATS 21)."""
    requests_per_second: int = 600
    """What one address may ask for; behind an untrusted proxy all clients are one address."""
    tap_seconds: int = 60
    """How long a scan may be claimed (`k1`)."""
    invoice_seconds: int = 15
    """How long an invoice must still be good when a tap is spent on it."""
    top_ups: bool = True
    """Whether cards can be filled from any Lightning wallet, into the shop's wallet."""
    top_up_max_sat: int = 1_000_000
    balance_page: bool = True
    """Whether a holder sees a card's balance on a phone, by a tap that is not spent."""
    phone_links: bool = False
    """Whether phones may fetch a card's keys here too, by a technician's one-time link."""

    @property
    def min_msat(self) -> int:
        return sats(self.min_sat)

    @property
    def max_msat(self) -> int:
        return sats(self.max_sat)

    @property
    def host(self) -> str:
        """The host (with its port, if it has one) that is written to cards."""
        return urlsplit(self.url).netloc

    @property
    def card_base(self) -> str:
        """The base of the URL on a card, `lnurlw://host/ln`."""
        return f"lnurlw://{self.host}{urlsplit(self.url).path.rstrip('/')}/ln"

    def owns(self, host: str) -> bool:
        """True when a card that names this host is one of ours."""
        return host.lower() in {self.host.lower(), *(name.lower() for name in self.also)}


@dataclass(frozen=True, slots=True)
class DashboardConfig:
    """The listener of the till, the card desk and the dashboard."""

    enabled: bool = True
    listen: str = "127.0.0.1:8424"
    url: str = ""
    """The address people use when it is not the listener's own (behind a proxy)."""


@dataclass(frozen=True, slots=True)
class TillConfig:
    """What our till takes beside our own cards."""

    foreign: bool = True
    """Cards of other issuers, paid into the shop's wallet."""
    vouchers: bool = False
    """Static vouchers too: an address that can be copied and used by whoever read it."""
    wait_seconds: int = 10
    """How long "Card read" is shown until another issuer's payment counts as being checked."""
    onion_proxy: str = ""
    """The SOCKS5 proxy of a Tor daemon, `127.0.0.1:9050`, for issuers at an onion address."""
    insecure_hosts: tuple[str, ...] = ()
    """For tests: issuers on this very machine that are asked over http, never with real money."""

    @property
    def proxy(self) -> tuple[str, int] | None:
        return listen_address(self.onion_proxy, "till.onion_proxy") if self.onion_proxy else None


@dataclass(frozen=True, slots=True)
class RatesConfig:
    """What the store's currency is worth; without a source the till counts in satoshi alone."""

    fixed: str = ""
    """Units of the currency for one bitcoin, for use without internet."""
    url: str = ""
    """A service that answers in JSON."""
    path: str = ""
    """Where the number is in that JSON: `data.amount`, `bitcoin.eur`."""
    every_seconds: int = 60
    stale_minutes: int = 10
    """From then on the till warns."""
    void_minutes: int = 60
    """From then on no sale starts."""


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """One reader and the terminal whose sales it serves."""

    device: str
    """`pcsc`, `pcsc:part of the name`, `nfc:/dev/ttyUSB0`, `nfc:usb` or `panel`."""
    terminal: str = "till-1"
    store: str = "main"
    gpio_lights: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Everything in `taptill.toml`."""

    store: StoreConfig = field(default_factory=StoreConfig)
    public: PublicConfig = field(default_factory=PublicConfig)
    dashboard: DashboardConfig = field(default_factory=DashboardConfig)
    wallet: WalletConfig = field(default_factory=WalletConfig)
    till: TillConfig = field(default_factory=TillConfig)
    rates: RatesConfig = field(default_factory=RatesConfig)
    readers: tuple[ReaderConfig, ...] = ()
    printers: tuple[PrinterConfig, ...] = ()


def listen_address(text: str, field_name: str) -> tuple[str, int]:
    """Split `127.0.0.1:8424`; raises `ConfigError` that names the field."""
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise ConfigError(f"{field_name}: write an address like 127.0.0.1:8424") from None
    if not 0 <= number <= 65535:
        raise ConfigError(f"{field_name}: the port must be between 0 and 65535")
    return host.strip("[]"), number


def load(home: Path) -> Config:
    """Read `taptill.toml` from the home folder; a missing file means all defaults."""
    path = home / FILE_NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        document = {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None
    try:
        return parse(document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(document: Mapping[str, Any]) -> Config:
    """Turn a TOML document into records, or raise `ConfigError` that names the field."""
    config = _record(Config, document, "")
    _check(config)
    return config


def _check(config: Config) -> None:
    listen_address(config.public.listen, "public.listen")
    listen_address(config.dashboard.listen, "dashboard.listen")
    same = config.dashboard.enabled and config.dashboard.listen == config.public.listen
    if same and not config.public.listen.endswith(":0"):
        raise ConfigError("dashboard.listen: must be another address than public.listen")
    _check_url(config.public.url)
    _check_proxies(config.public.trusted_proxies)
    if not 0 < config.public.min_sat <= config.public.max_sat:
        raise ConfigError("public.max_sat: must be at least public.min_sat, which is above 0")
    if config.public.requests_per_second < 1:
        raise ConfigError("public.requests_per_second: must be at least 1")
    if not 0 <= config.public.invoice_seconds <= 600:
        raise ConfigError("public.invoice_seconds: must be between 0 and 600")
    if config.public.top_up_max_sat < 1:
        raise ConfigError("public.top_up_max_sat: must be at least 1")
    if not 5 <= config.public.tap_seconds <= 3600:
        raise ConfigError("public.tap_seconds: must be between 5 and 3600")
    _check_store(config.store)
    if wrong := wallet_problem(config.wallet):
        raise ConfigError(wrong)
    _check_till(config)
    _check_rates(config)
    _check_readers(config)
    if (unprintable := printer_problem(config.printers)) is not None:
        raise ConfigError(unprintable)


def _check_url(text: str) -> None:
    try:
        url = urlsplit(text)
        named = url.hostname and url.port != 0 and "@" not in url.netloc
    except ValueError:  # a bracket or a port that is none
        named = False
    if not named or url.scheme not in {"https", "http"} or url.query or url.fragment:
        raise ConfigError("public.url: write an address like https://pay.example.com")


def _check_proxies(texts: tuple[str, ...]) -> None:
    for number, text in enumerate(texts):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            field_name = f"public.trusted_proxies[{number}]"
            raise ConfigError(f"{field_name}: write an address or a network") from None


def _check_till(config: Config) -> None:
    _ = config.till.proxy
    if not 1 <= config.till.wait_seconds <= 60:
        raise ConfigError("till.wait_seconds: must be between 1 and 60")
    for number, text in enumerate(config.till.insecure_hosts):
        field_name = f"till.insecure_hosts[{number}]"
        host, _ = listen_address(text, field_name)
        if not ipaddress.ip_address(host).is_loopback:
            raise ConfigError(f"{field_name}: must be an address of this machine")
        if config.wallet.bolt11_network is Network.MAINNET:
            raise ConfigError(f"{field_name}: is for tests, and refused where money is real")


def _check_rates(config: Config) -> None:
    rates = config.rates
    if rates.fixed and rates.url:
        raise ConfigError("rates: give either fixed or url")
    if rates.fixed:
        try:
            parse_rate(rates.fixed)
        except LedgerError as error:
            raise ConfigError(f"rates.fixed: {error}") from None
    if bool(rates.url) != bool(rates.path):
        raise ConfigError("rates: url and path belong together")
    if (rates.fixed or rates.url) and config.store.currency == NO_CURRENCY:
        raise ConfigError("rates: name the store's currency too (store.currency)")
    if not 5 <= rates.every_seconds <= 3600:
        raise ConfigError("rates.every_seconds: must be between 5 and 3600")
    if not 0 < rates.stale_minutes <= rates.void_minutes:
        raise ConfigError("rates.void_minutes: must be at least rates.stale_minutes, above 0")


def _check_store(store: StoreConfig) -> None:
    if not 0 <= store.cutoff_hour <= 23:
        raise ConfigError("store.cutoff_hour: must be between 0 and 23")
    try:
        stores.check_id(store.id, "id")
        stores.check_name(store.name)
        stores.check_currency(store.currency)
        days.check_timezone(store.timezone)
    except LedgerError as error:
        raise ConfigError(f"store.{error}") from None


def _check_readers(config: Config) -> None:
    devices = [reader.device for reader in config.readers]
    terminals = [reader.terminal for reader in config.readers]
    for number, reader in enumerate(config.readers):
        if reader.device.partition(":")[0] not in DRIVERS:
            raise ConfigError(f"readers[{number}].device: must start with {', '.join(DRIVERS)}")
        if devices.index(reader.device) != number:
            raise ConfigError(f"readers[{number}].device: {reader.device} is named twice")
        if terminals.index(reader.terminal) != number:
            raise ConfigError(f"readers[{number}].terminal: {reader.terminal} has a reader already")


def _record(kind: type[T], document: object, where: str) -> T:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where.rstrip('.')}: must be a table")
    hints = typing.get_type_hints(kind)
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    for name in document:
        if name not in known:
            raise ConfigError(f"{where}{name}: unknown key{_nearest(name, known)}")
    values = {name: _value(hints[name], document[name], where + name) for name in document}
    for name, one in known.items():
        if name not in values and one.default is MISSING and one.default_factory is MISSING:
            raise ConfigError(f"{where}{name}: is missing")
    return kind(**values)


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(known)}"


def _value(kind: Any, value: object, where: str) -> object:
    if is_dataclass(kind):
        return _record(typing.cast(type[Any], kind), value, where + ".")
    if isinstance(kind, types.GenericAlias):
        if not isinstance(value, list):
            raise ConfigError(f"{where}: must be a list")
        return tuple(_value(kind.__args__[0], one, f"{where}[{n}]") for n, one in enumerate(value))
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {bool: "true or false", int: "a whole number", str: "text in quotes"}[kind]
        raise ConfigError(f"{where}: must be {words}")
    return value
