"""Live updates: what a stream says, how it is resumed, and that there are at most eight."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from dashboard.access import COOKIE
from dashboard.context import DashboardContext
from dashboard.live import MAX_STREAMS, Feed
from host.clock import MINUTE, ManualClock
from host.ledger import people, rates, roles, sales, settings, stores
from host.ledger.permissions import Role
from host.ledger.rates import Rate
from host.ledger.tips import TIPS, Tips
from host.web import WebServer
from tests.support.shop import Shop

Message = tuple[str, str | None, Any]


def parse(chunks: Iterator[bytes]) -> Iterator[Message]:
    """(event, id, data) of each message; comments and `retry` are passed over."""
    for chunk in chunks:
        for block in chunk.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line[1:])
            if "event" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])


def feed(
    context: DashboardContext, after: int, *topics: str, over: Callable[[], bool] = lambda: False
) -> Iterator[Message]:
    return parse(Feed(context, context.terminal, after, frozenset(topics)).messages(over))


def of_kind(messages: Iterator[Message], kind: str) -> Message:
    return next(message for message in messages if message[0] == kind)


def test_a_stream_begins_with_the_dots(context: DashboardContext) -> None:
    kind, event_id, dots = next(feed(context, 0, "till"))
    assert (kind, event_id) == ("dots", None)
    assert [dot["name"] for dot in dots] == ["reader", "ledger", "lightning", "clock"]


def test_a_sales_event_becomes_the_tills_state(context: DashboardContext, shop: Shop) -> None:
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    sale = shop.arm(2100)
    _, event_id, state = of_kind(messages, "till")
    assert event_id == str(shop.db.events.last_id())
    assert (state["state"], state["sale"]["sale_id"]) == ("ready", sale.sale_id)


def test_a_page_that_missed_much_gets_the_newest_state_once(
    context: DashboardContext, shop: Shop
) -> None:
    ann = shop.card("Ann")
    before = shop.db.events.last_id()
    made = [shop.pay(ann, amount).payout.payout_id for amount in (1, 2, 3)]
    messages = feed(context, before, "till", "payouts")
    kinds = [next(messages) for _ in range(5)]
    assert [kind for kind, _, _ in kinds] == ["dots", "till", "payout", "payout", "payout"]
    assert kinds[1][2]["state"] == "approved"
    assert [data["payout_id"] for _, _, data in kinds[2:]] == made
    assert {event_id for _, event_id, _ in kinds[1:]} == {str(shop.db.events.last_id())}


def test_a_new_rate_and_one_that_is_too_old_are_told_without_a_sale(
    context: DashboardContext, shop: Shop, clock: ManualClock
) -> None:
    stores.set_currency(shop.db, "main", "EUR")
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    now = clock.now()
    rates.put(shop.db, Rate("EUR", "60000.00", "fixed", now, now + MINUTE, now + 2 * MINUTE))
    _, event_id, told = of_kind(messages, "offer")
    assert (event_id, told["rate"]["old"], told["barred"]) == (None, False, None)
    clock.advance(2 * MINUTE)
    _, _, told = of_kind(messages, "offer")
    assert told["rate"]["old"]
    assert told["barred"]["says"] == "The exchange rate is too old"


def test_tips_that_a_manager_turns_on_reach_the_open_tills(
    context: DashboardContext, shop: Shop
) -> None:
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    settings.put(shop.db, "main", TIPS, Tips(on=True))
    assert of_kind(messages, "offer")[2]["tips"]["percents"] == [5, 10, 15]


def test_another_terminals_sale_is_not_shown_here(context: DashboardContext, shop: Shop) -> None:
    from host.ledger import stores

    stores.ensure_terminal(shop.db, "till-2", "main")
    before = shop.db.events.last_id()
    sales.open(shop.db, "main", 5_000, terminal_id="till-2")
    mine = shop.arm(7)
    messages = feed(context, before, "till")
    _, _, state = of_kind(messages, "till")
    assert state["sale"]["sale_id"] == mine.sale_id


def test_a_card_before_the_amount_is_told(context: DashboardContext, shop: Shop) -> None:
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    shop.db.transaction(
        lambda tx: tx.event(
            "card.seen", store_id="main", subject="till-1", data={"sale_state": "idle"}
        )
    )
    assert of_kind(messages, "card-seen")[2] == {"state": "idle"}


def test_a_card_that_lay_there_before_the_sale_is_part_of_the_tills_state(
    context: DashboardContext, shop: Shop
) -> None:
    shop.arm(21)
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    data = {"terminal_id": "till-1", "sale_state": "ready", "lying": True}
    shop.db.transaction(
        lambda tx: tx.event("card.seen", store_id="main", subject="till-1", data=data)
    )
    assert "already on the reader" in of_kind(messages, "till")[2]["sale"]["more"]


def test_a_dot_that_goes_down_is_told(context: DashboardContext, shop: Shop) -> None:
    messages = feed(context, shop.db.events.last_id(), "till")
    next(messages)
    shop.dots(reader=False)
    assert not of_kind(messages, "dots")[2][0]["ok"]


def test_a_stream_ends_when_the_service_stops(context: DashboardContext) -> None:
    context.stopping.set()
    assert list(feed(context, 0, "till", over=context.stopping.is_set)) == []


def test_payouts_are_told_of_the_store_that_the_page_is_about(
    context: DashboardContext, shop: Shop
) -> None:
    before = shop.db.events.last_id()
    payout_id = shop.pay(shop.card("Ann"), 5).payout.payout_id
    for store_id, told in (("main", [payout_id]), ("other", [])):
        stopping = iter((False, True))
        stream = Feed(context, context.terminal, before, frozenset({"payouts"}), store_id)
        found = list(parse(stream.messages(lambda: next(stopping, True))))  # noqa: B023
        assert [data["payout_id"] for kind, _, data in found if kind == "payout"] == told


@pytest.fixture
def server(app: Flask, context: DashboardContext) -> Iterator[WebServer]:
    with WebServer(app, "127.0.0.1", 0, threads=MAX_STREAMS + 4) as server:
        yield server
        context.stopping.set()


class Listener:
    """One page that listens, on a connection of its own."""

    def __init__(self, server: WebServer, token: str, **headers: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        headers["Cookie"] = f"{COOKIE}={token}"
        path = "/live?topics=till,payouts"
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()
        self.messages = parse(line + b"\n" for line in self._blocks())

    def _blocks(self) -> Iterator[bytes]:
        block = b""
        for line in self.response:
            block += line
            if line == b"\n":
                yield block
                block = b""

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def test_the_ninth_page_is_told_to_poll_and_a_closed_one_makes_room(
    server: WebServer, shop: Shop
) -> None:
    token = shop.session()
    listeners = [Listener(server, token) for _ in range(MAX_STREAMS)]
    for one in listeners:
        next(one.messages)
    ninth = Listener(server, token)
    assert ninth.response.status == 503
    assert int(ninth.response.headers["Retry-After"]) > 0
    ninth.close()
    listeners.pop().close()
    deadline = time.monotonic() + 30
    while (again := Listener(server, token)).response.status != 200:
        again.close()
        assert time.monotonic() < deadline
    for one in (*listeners, again):
        one.close()


def test_a_page_goes_on_after_the_last_event_that_it_saw(server: WebServer, shop: Shop) -> None:
    token = shop.session()
    ann = shop.card("Ann")
    seen = shop.db.events.last_id()
    missed = shop.pay(ann, 5).payout.payout_id
    listener = Listener(server, token, **{"Last-Event-ID": str(seen)})
    assert of_kind(listener.messages, "payout")[2] == {"payout_id": missed}
    listener.close()


@pytest.mark.parametrize("last", ["", "x", "-1", "9" * 30, "999999999"])
def test_an_event_id_that_never_was_starts_from_now(
    server: WebServer, shop: Shop, last: str
) -> None:
    token = shop.session()
    listener = Listener(server, token, **{"Last-Event-ID": last})
    next(listener.messages)
    shop.arm(5)
    assert of_kind(listener.messages, "till")[2]["state"] == "ready"
    listener.close()


def test_a_cashiers_stream_says_nothing_of_payouts(server: WebServer, shop: Shop) -> None:
    listener = Listener(server, shop.session(Role.CASHIER))
    shop.pay(shop.card("Ann"), 5)
    shop.arm(7)
    kinds = set()
    for kind, _, data in listener.messages:
        kinds.add(kind)
        if kind == "till" and data["state"] == "ready":
            break
    assert kinds == {"dots", "till"}
    listener.close()


def test_a_session_that_is_ended_ends_its_stream(server: WebServer, shop: Shop) -> None:
    token = shop.session()
    listener = Listener(server, token)
    next(listener.messages)
    people.sign_out(shop.db, token)
    assert [kind for kind, _, _ in listener.messages if kind != "dots"] == []
    listener.close()


def test_somebody_who_has_another_role_by_now_hears_nothing_more(
    server: WebServer, shop: Shop
) -> None:
    people.create(shop.db, "boss", Role.MANAGER)
    token = shop.session()
    listener = Listener(server, token)
    next(listener.messages)
    who = people.session(shop.db, token)
    assert who
    roles.change(shop.db, who.person_id, Role.CASHIER, "main")
    shop.pay(shop.card("Ann"), 5)
    for kind, _, _ in listener.messages:  # ends: the page asks again, as who they are now
        assert kind in {"dots", "till", "payout"}
    listener.close()
