"""Where the rate of the store's currency comes from: one interface, a fixed rate or an HTTP source.

The rate is a row (`host.ledger.rates`), so every process sees the same one. While a source is
silent the last rate stays; it is stale after a while, which is shown, and void later, which stops
new sales. After a restart the old row keeps its time, so a restart makes no rate younger.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any, Protocol

from host.clock import SECOND, Clock
from host.language import marked as N_
from host.ledger import rates
from host.ledger.errors import LedgerError
from host.ledger.rates import Rate
from host.lnurl.guard import Guard, GuardError
from host.store.engine import Engine

log = logging.getLogger(__name__)


class NoRate(Exception):
    """The source gave no rate that can be used; the last one stays."""


class RateSource(Protocol):
    """Somebody who knows what a bitcoin costs."""

    @property
    def name(self) -> str:
        """Who says so, as it is kept with each sale."""
        ...

    @property
    def lasting(self) -> bool:
        """True for a rate that does not age: it was agreed on and not measured."""
        ...

    def ask(self) -> str:
        """Decimal text, units of the currency for one bitcoin; raises `NoRate`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedRate:
    """A rate that the manager wrote down, for use without internet."""

    rate: str
    name: str = N_("fixed")
    lasting: bool = True

    def ask(self) -> str:
        return rates.parse(self.rate)


@dataclass(frozen=True, slots=True)
class HttpRate:
    """A number in somebody's JSON: `path` leads to it, as `data.amount` or `bitcoin.eur`."""

    guard: Guard
    url: str
    path: str
    name: str
    lasting: bool = False

    def ask(self) -> str:
        try:
            value: Any = self.guard.get(self.url).record()
            for step in self.path.split("."):
                value = value[int(step)] if isinstance(value, list) else value[step]
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise TypeError
            return rates.parse(value)
        except GuardError as error:
            raise NoRate(str(error)) from error
        except (LookupError, TypeError, ValueError) as error:
            raise NoRate(f"no rate at {self.path}") from error


@dataclass(frozen=True, slots=True)
class Ages:
    """How often a source is asked, and when its rate is too old, in seconds."""

    every_s: int = 60
    stale_s: int = 600
    void_s: int = 3_600


class Rates:
    """Keeps the row of one currency fresh; without a source, there is no row."""

    def __init__(
        self, db: Engine, currency: str, source: RateSource | None, ages: Ages, clock: Clock
    ) -> None:
        self._db = db
        self._currency = currency
        self._source = source
        self._ages = ages
        self._clock = clock

    def step(self) -> bool:
        """Ask once; False when the last rate has to do."""
        source = self._source
        if source is None:
            rates.forget(self._db)
            return False
        try:
            text = source.ask()
        except (NoRate, LedgerError) as error:
            log.warning("rate of %s from %s: %s", self._currency, source.name, error)
            return False
        now, ages = self._clock.now(), self._ages
        stale_at = None if source.lasting else now + ages.stale_s * SECOND
        void_at = None if source.lasting else now + ages.void_s * SECOND
        rates.put(self._db, Rate(self._currency, text, source.name, now, stale_at, void_at))
        return True

    def run(self, stop: threading.Event) -> None:
        """Ask now and then until told to stop: the body of a supervised thread."""
        while not stop.is_set():
            self.step()
            if self._source is None or self._source.lasting:
                return
            stop.wait(self._ages.every_s)
