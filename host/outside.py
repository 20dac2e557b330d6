"""What a daemon asks of strangers, made from its configuration: other issuers, and rates."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from host.clock import MINUTE, SECOND, Clock
from host.config import Config
from host.foreign import ForeignCards
from host.ledger.rates import NO_CURRENCY
from host.lightning.wallet import Wallet
from host.lnurl.client import LnurlClient
from host.lnurl.guard import Guard, GuardSettings
from host.pinpad import PinPad
from host.rates import Ages, FixedRate, HttpRate, Rates, RateSource
from host.store.engine import Engine

log = logging.getLogger(__name__)


def guard_of(config: Config) -> Guard:
    """The one way out, in its test setting only where the configuration names hosts for it."""
    plain = frozenset(config.till.insecure_hosts)
    if plain:
        log.warning("till.insecure_hosts: %s asked over http, for tests", ", ".join(sorted(plain)))
    return Guard(GuardSettings(plain_hosts=plain, onion_proxy=config.till.proxy))


def foreign_cards(
    config: Config, guard: Guard, db: Engine, wallet: Wallet, clock: Clock, pads: PinPad
) -> ForeignCards:
    """Who charges other issuers' cards, and watches the invoices they were handed."""
    network = config.wallet.bolt11_network
    client = LnurlClient(guard, network, clock)
    wait_s = config.till.wait_seconds
    return ForeignCards(db, wallet, client, clock, pads, network=network, wait_s=wait_s)


def rates_of(config: Config, guard: Guard, db: Engine, clock: Clock) -> Rates:
    """Who keeps the rate of the store's currency."""
    said, currency = config.rates, config.store.currency
    source: RateSource | None = None
    if currency != NO_CURRENCY and said.fixed:
        source = FixedRate(said.fixed)
    elif currency != NO_CURRENCY and said.url:
        source = HttpRate(guard, said.url, said.path, urlsplit(said.url).netloc)
    minute_s = MINUTE // SECOND
    ages = Ages(said.every_seconds, said.stale_minutes * minute_s, said.void_minutes * minute_s)
    return Rates(db, currency, source, ages, clock)
