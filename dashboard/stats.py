"""The figures of an overview: four sums, each beside the period before, and two charts.

They come from the ledger's daily totals, are kept for a minute at most, and are dropped as soon
as an event says that a payout or a card has changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum, auto
from typing import Final

from dashboard.context import DashboardContext
from dashboard.filters import Filters, day_words
from host import dates
from host.clock import MINUTE
from host.language import gettext as _
from host.language import marked as N_
from host.ledger import views_payouts, views_totals
from host.ledger.records import PayoutStatus
from host.ledger.views import CardTotal, DayTotal
from host.ledger.views_totals import Range

CACHE: Final = "taptill.stats"
KEEP_MS: Final = MINUTE
KEEP_PAST_MS: Final = 10 * MINUTE
"""The period before is over: it is kept while no event is about one of its days."""
MANY: Final = 500
"""So many events at once are not looked through; everything is read anew."""
MAX_KEPT: Final = 64
CHANGES: Final = (
    *(f"payout.{status.lower()}" for status in PayoutStatus),
    "card.changed",
    "history.imported",
)
"""Kinds of events after which figures may be others."""

DAYS_AS_DAYS: Final = 62
DAYS_AS_WEEKS: Final = 371


@dataclass(frozen=True, slots=True)
class Sum:
    """How many payouts, and what they come to in msat."""

    payouts: int = 0
    amount_msat: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.payouts + other.payouts, self.amount_msat + other.amount_msat)


@dataclass(frozen=True, slots=True)
class Sums:
    """Payouts by what became of them. What failed or was cancelled moved no money.

    Imported payouts are in it, but for those that had not ended: nothing is held for them here.
    """

    completed: Sum = Sum()
    pending: Sum = Sum()
    """Pending and Processing: money is held."""
    failed: Sum = Sum()
    imported: Sum = Sum()
    """What of `completed` another system paid."""

    @property
    def total(self) -> Sum:
        """What was paid and what is on its way."""
        return self.completed + self.pending

    def and_also(self, other: Sums) -> Sums:
        """With all of another one."""
        return Sums(
            self.completed + other.completed,
            self.pending + other.pending,
            self.failed + other.failed,
            self.imported + other.imported,
        )

    def plus(self, one: DayTotal) -> Sums:
        """With one more row of daily totals."""
        more = Sum(one.payouts, one.amount_msat)
        if one.status is PayoutStatus.COMPLETED:
            imported = more if one.imported else Sum()
            return self.and_also(Sums(completed=more, imported=imported))
        if one.status not in (PayoutStatus.PENDING, PayoutStatus.PROCESSING):
            return self.and_also(Sums(failed=more))
        return self if one.imported else self.and_also(Sums(pending=more))


class Span(Enum):
    """How much time a bar stands for."""

    DAY = auto()
    WEEK = auto()
    MONTH = auto()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the trend: some days in a row."""

    span: Span
    since: str
    until: str
    sums: Sums

    @property
    def label(self) -> str:
        """What the bar is called, in the language that is spoken."""
        first = date.fromisoformat(self.since)
        if self.span is Span.MONTH:
            return dates.month_year(first)
        if self.span is Span.WEEK:
            monday = first - timedelta(days=first.weekday())
            return _("week of %(day)s") % {"day": dates.day_month(monday)}
        return dates.day_month(first)


_SPOKEN: Final = {
    Span.DAY: (
        N_("The most came on %(when)s."),
        N_("%(empty)s of %(all)s days had no payout."),
    ),
    Span.WEEK: (
        N_("The most came in the %(when)s."),
        N_("%(empty)s of %(all)s weeks had no payout."),
    ),
    Span.MONTH: (
        N_("The most came in %(when)s."),
        N_("%(empty)s of %(all)s months had no payout."),
    ),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days, summed up."""

    since: str
    until: str
    sums: Sums
    active_cards: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything an overview shows, besides its list."""

    now: Period
    before: Period
    bars: tuple[Bar, ...]
    top: tuple[CardTotal, ...]
    made_at: int
    past_at: int
    """When the period before was read."""
    event_id: int

    def spoken(self) -> str:
        """The trend in one or two sentences, for ears and for haste."""
        total = self.now.sums.total
        if not total.payouts:
            return _("No payouts in this time.")
        best = max(self.bars, key=lambda bar: bar.sums.total.amount_msat)
        empty = sum(not bar.sums.total.payouts for bar in self.bars)
        facts = {"when": best.label, "empty": empty, "all": len(self.bars)}
        if len(self.bars) == 1:
            return _("All came on %(when)s.") % facts
        most, rest = _SPOKEN[best.span]
        return " ".join((_(most), _(rest) if empty else "")).strip() % facts


@dataclass
class Cache:
    """Figures that were asked for lately, each until its minute or its truth is over."""

    context: DashboardContext
    _kept: OrderedDict[Filters, Stats] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, asked: Filters) -> Stats:
        """The figures for a range of days and cards; a status does not narrow them."""
        key = replace(asked, status=None)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and self._true(kept):
            return kept
        past = kept if kept is not None and self._past_true(kept) else None
        fresh = make(self.context, key, past)
        with self._lock:
            self._kept[key] = fresh
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return fresh

    def _true(self, kept: Stats) -> bool:
        if not 0 <= self.context.clock.now() - kept.made_at < KEEP_MS:
            return False
        return not self.context.db.events.after(kept.event_id, 1, CHANGES)

    def _past_true(self, kept: Stats) -> bool:
        if not 0 <= self.context.clock.now() - kept.past_at < KEEP_PAST_MS:
            return False
        news = self.context.db.events.after(kept.event_id, MANY, CHANGES)
        changed = [one.subject for one in news if one.subject and one.kind.startswith("payout.")]
        if len(news) == MANY or any(one.kind == "history.imported" for one in news):
            return False
        days = views_payouts.days_of(self.context.db, changed)
        return all(day > kept.before.until for day in days)


def make(context: DashboardContext, asked: Filters, past: Stats | None = None) -> Stats:
    """Read the figures; `past` are older ones whose period before still holds."""
    event_id = context.db.events.last_id()  # first: nothing newer is ever missed
    now = context.clock.now()
    days = views_totals.by_day(context.db, asked.range())
    return Stats(
        now=_period(context, asked.range(), days),
        before=past.before if past is not None else _before(context, asked),
        bars=tuple(_bars(asked.range(), days)),
        top=tuple(views_totals.top_cards(context.db, asked.range())),
        made_at=now,
        past_at=past.past_at if past is not None else now,
        event_id=event_id,
    )


def _before(context: DashboardContext, asked: Filters) -> Period:
    which = asked.range_before()
    return _period(context, which, views_totals.by_day(context.db, which))


def _period(context: DashboardContext, which: Range, days: list[DayTotal]) -> Period:
    sums = Sums()
    for one in days:
        sums = sums.plus(one)
    cards = views_totals.active_cards(context.db, which)
    return Period(which.since_day, which.until_day, sums, cards)


def day_bars(which: Range, days: list[DayTotal]) -> list[Bar]:
    """Every day of a range, also those without a payout."""
    sums: dict[str, Sums] = {}
    for one in days:
        sums[one.day] = sums.get(one.day, Sums()).plus(one)
    return [Bar(Span.DAY, day, day, sums.get(day, Sums())) for day in which.days()]


def _bars(which: Range, days: list[DayTotal]) -> list[Bar]:
    """The trend by days, weeks or months: never more bars than fit."""
    every = day_bars(which, days)
    bars: dict[str, Bar] = {}
    for one in every:
        span, key = _place(one.since, len(every))
        old = bars.get(key)
        since, held = (old.since, old.sums) if old else (one.since, Sums())
        bars[key] = Bar(span, since, one.until, held.and_also(one.sums))
    return list(bars.values())


def _place(day: str, length: int) -> tuple[Span, str]:
    """Which bar a day belongs to: how long that is, and the day or month it begins with."""
    one = date.fromisoformat(day)
    if length <= DAYS_AS_DAYS:
        return Span.DAY, day
    if length <= DAYS_AS_WEEKS:
        return Span.WEEK, (one - timedelta(days=one.weekday())).isoformat()
    return Span.MONTH, day[:7]


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from the period before: an arrow, words, and the days meant."""

    icon: str
    words: str
    days: str


def change(now: int, before: int, period: Period) -> Change:
    """The difference from the figure of `period`, in whole per cent."""
    length = (date.fromisoformat(period.until) - date.fromisoformat(period.since)).days + 1
    days = day_words(period.since)
    if length > 1:
        days = f"{days} – {day_words(period.until)}"
    if now == before:
        words = _("as on the day before") if length == 1 else _("as in the %(days)s days before")
        return Change("flat", words % {"days": length}, days)
    arrow = "up" if now > before else "down"
    if not before:
        words = _("none the day before") if length == 1 else _("none in the %(days)s days before")
        return Change(arrow, words % {"days": length}, days)
    percent = round((now - before) * 100 / before)
    size = f"{percent:+d} %".replace("-", "−") if percent else _("less than 1 %")
    words = _("%(size)s against the day before")
    if length > 1:
        words = _("%(size)s against the %(days)s days before")
    return Change(arrow, words % {"size": size, "days": length}, days)
