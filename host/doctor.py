"""`taptill doctor`: look at everything and name the line that mends what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host import config as configuration
from host import keyring as keyrings
from host.clock import SystemClock
from host.config import DATABASE_NAME, Config, ConfigError
from host.daemon import MIN_FREE_BYTES
from host.keyring import KeyringError
from host.lightning.wallet import WalletError
from host.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: good or not, in words, and the line that mends it."""

    name: str
    ok: bool
    words: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        mend = f"\n{'':12}→ {self.mend}" if self.mend and not self.ok else ""
        return f"{'ok ' if self.ok else 'BAD'} {self.name:8} {self.words}{mend}"


def examine(home: Path) -> Iterator[Finding]:
    """Every finding, one after the other; one broken part hides no other."""
    yield _python()
    yield _sqlite()
    yield _disk(home)
    config = None
    yield _guarded("keys", lambda: _keys(home))
    yield _guarded("ledger", lambda: _ledger(home))
    yield from _payouts(home)
    try:
        config = configuration.load(home)
        yield Finding("config", True, f"{home / configuration.FILE_NAME} is good")
    except ConfigError as error:
        yield Finding("config", False, str(error), "mend the line it names")
    yield from _readers(config)
    if config is not None:
        loaded = config
        yield _guarded("wallet", lambda: _wallet(home, loaded))
        yield _url(loaded)
        if loaded.printers:
            yield _printers(loaded)


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (KeyringError, StoreError, WalletError, OSError) as error:
        return Finding(name, False, str(error))


def _python() -> Finding:
    good = (3, 11) <= sys.version_info < (3, 14)
    return Finding("python", good, sys.version.split()[0], "install Python 3.11 to 3.13")


def _sqlite() -> Finding:
    from host.store.sqlite import SQLITE_VERSION, wal_is_safe

    words = f"SQLite {SQLITE_VERSION}"
    if wal_is_safe():
        return Finding("sqlite", True, f"{words}, free of the WAL-reset defect")
    return Finding("sqlite", True, f"{words} has the WAL-reset defect: the slower journal is used")


def _disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    words = f"{free >> 20} MB free at {there}"
    return Finding("disk", free >= MIN_FREE_BYTES, words, "free some space: the till does not arm")


def _keys(home: Path) -> Finding:
    path = keyrings.locate(home, os.environ)
    try:
        ring = keyrings.load(path, allow_demo=True)
    except KeyringError as error:
        return Finding("keys", False, str(error), "run `taptill init`, or restore a backup")
    words = f"{len(ring.issuers)} issuer key(s) in {path}"
    return Finding("keys", True, words + (" (demo keys: not for real money)" if ring.demo else ""))


def _ledger(home: Path) -> Finding:
    from host.store.engine import Engine

    path = home / DATABASE_NAME
    if not path.exists():
        return Finding("ledger", False, f"no ledger at {path}", "run `taptill init`")
    try:
        db = Engine.open(path, SystemClock(), read_only=True)
    except StoreError as error:
        return Finding("ledger", False, str(error))
    try:
        said = db.read(lambda tx: tx.one("PRAGMA quick_check(1)", {}))
    finally:
        db.close()
    answer = str(said[0]) if said else "no answer"
    mend = "`taptill restore FILE` with the newest backup"
    return Finding("ledger", answer == "ok", f"{path}: {answer}", mend)


def _payouts(home: Path) -> Iterator[Finding]:
    """Payouts that were handed to a wallet that is not in use; nothing where there are none."""
    from host.ledger import wallets
    from host.store.engine import Engine

    try:
        db = Engine.open(home / DATABASE_NAME, SystemClock(), read_only=True)
    except StoreError:  # told as the ledger
        return
    try:
        held = [one.words for one in wallets.elsewhere(db)]
    finally:
        db.close()
    if held:
        mend = "configure that wallet again, or settle them by hand: `taptill payouts`"
        yield Finding("payouts", False, "; ".join(held), mend)


def _readers(config: Config | None) -> Iterator[Finding]:
    """What readers depend on; pcscd does not have to run for a shop that has no PC/SC reader."""
    from host.readers.probe import probe

    pcsc = config is None or any(one.device.startswith("pcsc") for one in config.readers)
    for one in probe():
        if one.part == "pcscd" and not one.ok and not pcsc:
            yield Finding(one.part, True, "not needed: no PC/SC reader is configured")
        else:
            yield Finding(one.part, one.ok, one.words, one.mend)


def _wallet(home: Path, config: Config) -> Finding:
    from host.lightning.open import open_wallet

    if not home.exists():
        return Finding("wallet", False, f"no home folder at {home}", "run `taptill init`")
    wallet = open_wallet(config.wallet, home, SystemClock())
    try:
        wallet.check()
    finally:
        wallet.close()
    words = f"{wallet.name} answers" + (": it is a simulation" if wallet.simulated else "")
    return Finding("wallet", True, words)


def _printers(config: Config) -> Finding:
    """Whether receipts could be printed; the printers themselves are `taptill printer list`'s."""
    from host.printers.encode import encode
    from host.printers.errors import PrinterMissing

    try:
        for one in config.printers:
            encode((), one)
    except PrinterMissing as error:
        return Finding("printers", False, str(error), "pip install 'taptill[receipts]'")
    names = ", ".join(one.name for one in config.printers)
    return Finding("printers", True, f"{names}: see `taptill printer list`")


def _url(config: Config) -> Finding:
    base = config.public.card_base
    host = config.public.host.partition(":")[0]
    https = config.public.url.startswith("https://") or host.endswith(".onion")
    words = f"cards carry {base}"
    if https:
        return Finding("url", True, words)
    mend = "set public.url in taptill.toml to the https address of your proxy"
    return Finding("url", False, f"{words}: other people's wallets insist on https", mend)
