"""Live updates: server-sent events from the `events` table (UX rule 11).

A stream carries no raw event data: a sale's event becomes the till's state as the page would read
it, a payout's event becomes its id. So resuming is simple: whatever was missed, the newest state
is sent once, under the id of the last event it covers.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Final

from flask import Blueprint, Response, current_app, request

from dashboard.access import (
    asked_store_id,
    at_terminal,
    may,
    may_in_store,
    signed_in,
    still_signed_in,
)
from dashboard.context import DashboardContext
from dashboard.deskstate import desk_state
from dashboard.errors import problem
from dashboard.room import here, terminal
from dashboard.state import dots, offer, till_state
from host import language
from host.ledger.codes import Code
from host.ledger.records import Event
from host.till import Terminal

MAX_STREAMS: Final = 8
SLICE_MS: Final = 250
"""How soon a closed page, a stop or a changed dot is noticed."""
SILENT_SLICES: Final = 40
"""After 10 s without news a comment is sent, so that nothing between closes the stream."""
RETRY_S: Final = 5
BATCH: Final = 500

STREAMS: Final = "taptill.streams"

bp = Blueprint("live", __name__)


class Streams:
    """How many pages listen; the places are few because each one holds a thread."""

    def __init__(self, places: int = MAX_STREAMS) -> None:
        self._places = threading.BoundedSemaphore(places)

    def enter(self) -> bool:
        """Take a place; False when all are taken."""
        return self._places.acquire(blocking=False)

    def leave(self) -> None:
        self._places.release()


def message(kind: str, data: object, event_id: int | None = None) -> bytes:
    """One server-sent event (WHATWG HTML, 9.2)."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Feed:
    """What one page is told, from one event id on."""

    def __init__(
        self,
        context: DashboardContext,
        terminal: Terminal,
        after: int,
        topics: frozenset[str],
        store_id: str | None = None,
    ) -> None:
        """`store_id` is the store whose payouts are told, by default that of the terminal."""
        self._store_id = store_id or terminal.store_id
        self._context = context
        self._terminal = terminal
        self._after = after
        self._topics = topics
        self._dots = b""
        self._language = language.current()
        self._offer = self._offered()

    def messages(self, over: Callable[[], bool]) -> Iterator[bytes]:
        """Messages until `over`, in the language of the page that asked."""
        with language.speaking(self._language):
            yield from self._messages(over)

    def _messages(self, over: Callable[[], bool]) -> Iterator[bytes]:
        """The dots first, so that a page that reconnects is right."""
        events = self._context.db.events
        silent = 0
        yield b"retry: 1000\n\n"
        while not over():
            yield from self._dots_if_changed()
            yield from self._offer_if_changed()
            if events.wait(self._after, SLICE_MS):
                silent = 0
                yield from self._news(events.after(self._after, BATCH))
            elif (silent := silent + 1) >= SILENT_SLICES:
                silent = 0
                yield b": still here\n\n"

    def _dots_if_changed(self) -> Iterator[bytes]:
        now = message("dots", dots(self._context, self._terminal))
        if now != self._dots:
            self._dots = now
            yield now

    def _offer_if_changed(self) -> Iterator[bytes]:
        """A new rate, or one that has become too old, and changed tips: no sale tells them."""
        now = self._offered()
        if now != self._offer:
            self._offer = now
            yield now

    def _offered(self) -> bytes:
        if "till" not in self._topics:
            return b""
        return message("offer", offer(self._context, self._terminal))

    def _news(self, news: list[Event]) -> Iterator[bytes]:
        if not news:
            return
        self._after = news[-1].event_id
        terminal = self._terminal
        if "till" in self._topics:
            told = ("sale.", "reader.", "print.")
            if any(self._is_here(event, *told) or self._lies(event) for event in news):
                yield message("till", till_state(self._context, terminal), self._after)
            seen = [e for e in news if e.kind == "card.seen" and e.subject == terminal.terminal_id]
            if seen:
                yield message("card-seen", {"state": seen[-1].data.get("sale_state")}, self._after)
        if "payouts" in self._topics:
            mine = [event for event in news if event.store_id == self._store_id]
            made = [event.subject for event in mine if event.kind.startswith("payout.")]
            for payout_id in dict.fromkeys(made):
                yield message("payout", {"payout_id": payout_id}, self._after)
            if any(map(_beside_payouts, mine)):
                yield message("payout", {"payout_id": None}, self._after)

        if "desk" in self._topics and any(self._is_here(event, "desk.") for event in news):
            yield message("desk", desk_state(self._context, terminal), self._after)

    def _lies(self, event: Event) -> bool:
        """Whether a card lay here before its sale was armed: the state has words for it."""
        return self._is_here(event, "card.seen") and event.data.get("lying") is True

    def _is_here(self, event: Event, *kinds: str) -> bool:
        """Whether something of this kind happened on our terminal."""
        terminal_id = event.data.get("terminal_id")
        return event.kind.startswith(kinds) and terminal_id == self._terminal.terminal_id


def _beside_payouts(event: Event) -> bool:
    """What changes an overview without a payout: a sale paid from outside, a file of history."""
    if event.kind == "sale.approved":
        return "payout_id" not in event.data
    return event.kind == "history.imported"


@bp.get("/live")
@at_terminal
@signed_in
def live() -> Response:
    """The stream of one page, of what its person may see; 503 when 8 pages listen already."""
    context, streams = here(), current_app.extensions[STREAMS]
    if not streams.enter():
        full = problem(Code.RATE_LIMITED, 503)
        full.headers["Retry-After"] = str(RETRY_S)
        return full
    try:
        feed = Feed(context, terminal(), _start(context), _topics(), asked_store_id())
        response = Response(feed.messages(_over(context)), mimetype="text/event-stream")
    except BaseException:
        streams.leave()
        raise
    response.headers["X-Accel-Buffering"] = "no"
    # Not in the generator: one that was never started does not run its `finally`.
    response.call_on_close(streams.leave)
    return response


def _topics() -> frozenset[str]:
    asked = set(request.args.get("topics", "").split(","))
    allowed = {
        "till": may("sale.charge"),
        "payouts": may_in_store("payout.view"),
        "desk": may("card.provision"),
    }
    return frozenset(name for name, yes in allowed.items() if yes and name in asked)


def _start(context: DashboardContext) -> int:
    """The event to go on after: what the browser saw last, else what its page was made from."""
    last = context.db.events.last_id()
    for text in (request.headers.get("Last-Event-ID"), request.args.get("after")):
        if text is not None and text.isascii() and text.isdigit() and len(text) < 19:
            return min(int(text), last)
    return last


def _over(context: DashboardContext) -> Callable[[], bool]:
    gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    signed_in = still_signed_in()
    return lambda: context.stopping.is_set() or gone() or not signed_in()
