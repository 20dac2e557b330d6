"""What a list is narrowed to, read from its address: store, days, status, card (UX rule 9).

The names are those of the dashboard's guide: `storeId`, `startDate`, `endDate`, `status`,
`boltcardId`; and `origin`, made here or imported. A field that makes no sense is named in the
refusal; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, NamedTuple

from dashboard.access import asked_store
from dashboard.errors import FieldProblem
from dashboard.room import here
from dashboard.words import status
from host import dates
from host.language import gettext as _
from host.ledger import days, views, views_both, views_history, views_totals
from host.ledger.records import PayoutStatus, Store
from host.ledger.views_payouts import MAX_CARDS, PayoutList
from host.ledger.views_totals import Origin, Range

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 3_660
MAX_TEXT: Final = 120
PRESETS: Final = ((1, "Today"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year"))


ORIGINS: Final = {Origin.HERE: "Made here", Origin.IMPORTED: "Imported"}


class Chip(NamedTuple):
    """One filter that is set, in words, and the address without it."""

    words: str
    without: dict[str, str]


class Preset(NamedTuple):
    """A range of days that is one click away."""

    words: str
    args: dict[str, str]
    on: bool


@dataclass(frozen=True, slots=True)
class Filters:
    """A list's filters. `cards` is what the text of `card` stands for; None is every card."""

    store: Store
    today: str
    since: str
    until: str
    status: PayoutStatus | None = None
    card: str = ""
    cards: tuple[tuple[str, str], ...] | None = None
    origin: Origin | None = None

    @property
    def days(self) -> int:
        """How many days the range has."""
        return (date.fromisoformat(self.until) - date.fromisoformat(self.since)).days + 1

    @property
    def usual_days(self) -> bool:
        """Whether the range is the default one, which an address need not name."""
        return (self.since, self.until) == (_back(self.today, DEFAULT_DAYS - 1), self.today)

    def payouts(self) -> PayoutList:
        """The payouts that these filters leave."""
        store_id, cards = self.store.store_id, self._card_ids()
        return PayoutList(store_id, self.since, self.until, self.status, cards, self.origin)

    def range(self) -> Range:
        """The days and cards that are summed up."""
        return self.payouts().range()

    def range_before(self) -> Range:
        """As many days just before, to compare with."""
        since, until = _back(self.since, self.days), _back(self.since, 1)
        return replace(self.range(), since_day=since, until_day=until)

    def args(self, **changes: str | None) -> dict[str, str]:
        """The address of these filters, with some changed; None takes one out."""
        values: dict[str, str | None] = {
            "startDate": None if self.usual_days else self.since,
            "endDate": None if self.usual_days else self.until,
            "status": self.status,
            "boltcardId": self.card,
            "origin": self.origin,
        }
        return {name: value for name, value in {**values, **changes}.items() if value}

    def chips(self) -> Iterator[Chip]:
        """Each filter that is set."""
        if not self.usual_days:
            yield Chip(self.words_of_days(), self.args(startDate=None, endDate=None))
        if self.status is not None:
            yield Chip(status(self.status), self.args(status=None))
        if self.card:
            known = self.cards or ()
            name = known[0][1] if len(known) == 1 else f"“{self.card}”"
            yield Chip(_("Card %(name)s") % {"name": name}, self.args(boltcardId=None))
        if self.origin is not None:
            yield Chip(_(ORIGINS[self.origin]), self.args(origin=None))

    def origins(self) -> dict[Origin, str]:
        """What `origin` may be narrowed to: nothing where there is no history of another system."""
        return ORIGINS if views_history.any_of(here().db, self.store.store_id) else {}

    def presets(self) -> Iterator[Preset]:
        """The usual ranges, all up to today."""
        for length, words in PRESETS:
            since = _back(self.today, length - 1)
            usual = length == DEFAULT_DAYS
            dates = {"startDate": None, "endDate": None}
            args = self.args(**(dates if usual else {"startDate": since, "endDate": self.today}))
            yield Preset(words, args, (self.since, self.until) == (since, self.today))

    def words_of_days(self) -> str:
        """The range as people say it."""
        if self.since == self.until:
            return _("Today") if self.since == self.today else day_words(self.since)
        return f"{day_words(self.since)} – {day_words(self.until)}"

    def _card_ids(self) -> tuple[str, ...] | None:
        return tuple(one[0] for one in self.cards) if self.cards is not None else None


def read(args: Mapping[str, str]) -> Filters:
    """The filters of a request's address; raises `FieldProblem` naming the field."""
    store = asked_store()
    today = views.today(here().db, store.store_id)
    until = read_day(args, "endDate") or today
    since = read_day(args, "startDate") or _back(until, DEFAULT_DAYS - 1)
    if since > until:
        raise FieldProblem("startDate", "must not be after endDate")
    since, until = _in_the_books(store, today, since, until)
    card = args.get("boltcardId", "").strip()
    cards = _cards(store, card)
    filters = Filters(store, today, since, until, _status(args), card, cards, _origin(args))
    if filters.days > MAX_DAYS:
        raise FieldProblem("startDate", "at most ten years at once")
    return filters


def _in_the_books(store: Store, today: str, since: str, until: str) -> tuple[str, str]:
    """A range far wider than the books is that of the books: "since 2000" means "all there is"."""
    if (date.fromisoformat(until) - date.fromisoformat(since)).days < MAX_DAYS:
        return since, until
    opened = days.business_day(store.created_at, store.timezone, store.cutoff_hour)
    first, last = views_totals.days_known(here().db, store.store_id) or (opened, opened)
    first, last = min(first, opened), max(last, today)
    if until < first:  # nothing is there, and one day of it says so too
        return until, until
    if since > last:
        return since, since
    return max(since, first), min(until, last)


def day_words(day: str) -> str:
    """A day (ISO text) as people write it: `2 Mar 2026`."""
    return dates.day_words(date.fromisoformat(day))


def long_ago(store: Store) -> str:
    """The first day of the longest range up to today."""
    return _back(views.today(here().db, store.store_id), MAX_DAYS - 1)


def day_after(day: str) -> str:
    """The day after one."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _back(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    except OverflowError:
        raise FieldProblem("startDate", "is too long ago") from None


def read_day(args: Mapping[str, str], field: str) -> str | None:
    """A day of an address as ISO text, None for none; raises `FieldProblem`."""
    text = args.get(field, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FieldProblem(field, "write a day like 2026-03-02") from None
    if not 1971 <= day.year <= 9000:
        raise FieldProblem(field, "must be a year between 1971 and 9000")
    return day.isoformat()


def _status(args: Mapping[str, str]) -> PayoutStatus | None:
    text = args.get("status", "").strip()
    if not text:
        return None
    try:
        return PayoutStatus(text)
    except ValueError:
        words = ", ".join(PayoutStatus)
        raise FieldProblem("status", f"must be one of {words}") from None


def _origin(args: Mapping[str, str]) -> Origin | None:
    text = args.get("origin", "").strip()
    try:
        return Origin(text) if text else None
    except ValueError:
        raise FieldProblem("origin", f"must be one of {', '.join(Origin)}") from None


def _cards(store: Store, text: str) -> tuple[tuple[str, str], ...] | None:
    """The cards that a text names: one by its id, else those that begin with it or contain it."""
    if not text:
        return None
    if len(text) > MAX_TEXT or not text.isprintable():
        raise FieldProblem("boltcardId", f"at most {MAX_TEXT} characters on one line")
    found = views_both.cards_named(here().db, store.store_id, text)
    exact = [one for one in found if text in one]
    if len(exact) == 1:
        return tuple(exact)
    if len(found) > MAX_CARDS:
        raise FieldProblem("boltcardId", f"more than {MAX_CARDS} cards match; write more of it")
    return tuple(found)
